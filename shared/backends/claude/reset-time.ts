const minute = 60_000;
const day = 24 * 60 * minute;
const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];

const pattern =
  /resets\s+(?:at\s+)?(?:([a-z]{3})[a-z]*\s+(\d{1,2})(?:,|\s+at)?\s+)?(\d{1,2})(?::(\d{2}))?\s*(am|pm)(?:\s*\(([\w/+-]+)\))?/i;

/**
 * Pure. When a limit ends, out of what Claude Code tells people: `resets 3:45pm (Europe/Berlin)`, `resets Nov 24, 3pm`.
 * Epoch milliseconds after `now`, exact to the minute; undefined where no such time is in the text.
 */
export function resetTime(text: string, now: number): number | undefined {
  const [, monthName, dayOfMonth, hours, minutes = '0', half, zone] = pattern.exec(text) ?? [];
  if (hours === undefined || half === undefined) return undefined;
  const hour = (Number(hours) % 12) + (half.toLowerCase() === 'pm' ? 12 : 0);
  const wall = wallClock(now, zone);
  if (!wall) return undefined;
  const today = Date.UTC(wall.year, wall.month, wall.day);
  const time = (hour * 60 + Number(minutes)) * minute;
  let date = today;
  if (monthName !== undefined) {
    const month = months.indexOf(monthName.toLowerCase());
    if (month < 0) return undefined;
    date = Date.UTC(wall.year, month, Number(dayOfMonth));
    // In December it is said of January.
    if (date < today - 180 * day) date = Date.UTC(wall.year + 1, month, Number(dayOfMonth));
  } else if (time <= wall.sinceMidnight) date += day;
  return now + date + time - today - wall.sinceMidnight;
}

/** What clocks show in the zone (the host's own where none is named); undefined for a zone that nobody knows. */
function wallClock(
  at: number,
  zone: string | undefined,
): { year: number; month: number; day: number; sinceMidnight: number } | undefined {
  try {
    const format = new Intl.DateTimeFormat('en-GB', {
      ...(zone === undefined ? {} : { timeZone: zone }),
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
      hourCycle: 'h23',
    });
    const parts = new Map(format.formatToParts(at).map(({ type, value }) => [type, Number(value)]));
    const of = (type: Intl.DateTimeFormatPartTypes): number => parts.get(type) ?? 0;
    const sinceMidnight = (of('hour') * 3600 + of('minute') * 60 + of('second')) * 1000 + (at % 1000);
    return { year: of('year'), month: of('month') - 1, day: of('day'), sinceMidnight };
  } catch {
    return undefined;
  }
}
