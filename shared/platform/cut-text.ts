/** At most so many characters of it; where there are more, the last one that is shown is "…". */
export function cutText(text: string, length: number): string {
  return text.length > length ? `${text.slice(0, length - 1)}…` : text;
}
