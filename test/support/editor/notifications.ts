import type { Locator, Page } from 'playwright-core';
import { eventually } from './eventually.ts';
import type { Palette } from './palette.ts';
import { exactText } from './selectors.ts';
import type { PageElement } from './selectors.ts';

/** How far a wheel turns the list: to its begin from wherever it is, and by about half of what is in sight (200 px). */
const endless = 100_000;
const oneTurn = 480;

interface Drawn extends PageElement {
  querySelectorAll(selector: string): Iterable<PageElement>;
  closest(selector: string): PageElement | null;
}

/** One notification in the notification centre. */
export interface NotificationFacts {
  readonly message: string;
  readonly severity: 'info' | 'warning' | 'error';
  readonly buttons: readonly string[];
}

/**
 * Notifications, read in the notification centre: toasts do not appear in an editor with the smoke test driver.
 * The centre stays open until `hide`.
 */
export class Notifications {
  readonly #page: Page;
  readonly #palette: Palette;

  constructor(page: Page, palette: Palette) {
    this.#page = page;
    this.#palette = palette;
  }

  /** Newest first. */
  async list(): Promise<NotificationFacts[]> {
    await this.#show();
    return this.#readUntil(() => false);
  }

  /** Waits for a notification whose message matches, and returns it. */
  async waitFor(message: RegExp, limit?: number): Promise<NotificationFacts> {
    await this.#show();
    const matches = (facts: NotificationFacts): boolean => message.test(facts.message);
    const all = await eventually(
      `a notification ${message}`,
      () => this.#readUntil(matches),
      (list) => list.some(matches),
      limit,
    );
    const found = all.find(matches);
    if (found === undefined) throw new Error(`The notification ${message} went away.`);
    return found;
  }

  /** Clicks a button of the newest notification whose message matches. */
  async click(message: RegExp, button: string): Promise<void> {
    await this.waitFor(message);
    const text = this.#page.locator('.notification-list-item-message', { hasText: message });
    const item = this.#items().filter({ has: text }).first();
    const target = item.locator('.monaco-button').filter({ hasText: exactText(button) });
    await item.click({ position: { x: 40, y: 10 } });
    await target.click();
  }

  /** Texts of the toasts on the screen. */
  toasts(): Promise<string[]> {
    return this.#page.locator('.notifications-toasts .notification-list-item-message').allInnerTexts();
  }

  /** Closes the centre; the notifications stay in it. */
  async hide(): Promise<void> {
    if (!(await this.#centre().isVisible())) return;
    await this.#palette.run('Notifications: Hide Notifications');
    await this.#centre().waitFor({ state: 'hidden' });
  }

  /** Removes all notifications. */
  async clear(): Promise<void> {
    await this.#palette.run('Notifications: Clear All Notifications');
  }

  async #show(): Promise<void> {
    if (await this.#centre().isVisible()) return;
    await this.#palette.run('Notifications: Show Notifications');
    await this.#centre().waitFor();
  }

  /**
   * Newest first, up to the one that `matches`, which stands in the list then. The list draws only what is in sight, and one that
   * comes while the centre is open may come in above it: the list keeps the place that it shows.
   */
  async #readUntil(matches: (facts: NotificationFacts) => boolean): Promise<NotificationFacts[]> {
    const known = new Map<number, NotificationFacts>();
    const inOrder = (): NotificationFacts[] =>
      [...known].sort(([one], [other]) => one - other).map(([, facts]) => facts);
    for (let turn = -endless; ; turn = oneTurn) {
      // Where there is none there is no list.
      if ((await this.#items().count()) === 0) return [];
      await this.#centre().locator('.monaco-scrollable-element').first().dispatchEvent('wheel', { deltaY: turn });
      const before = known.size;
      for (const { index, ...facts } of await this.#inSight()) known.set(index, facts);
      if (known.size === before || inOrder().some(matches)) return inOrder();
    }
  }

  #inSight(): Promise<(NotificationFacts & { index: number })[]> {
    return this.#items().evaluateAll((elements: Drawn[]) =>
      elements.map((element) => {
        const icon = element.querySelector('.notification-list-item-icon')?.className ?? '';
        return {
          index: Number(element.closest('.monaco-list-row')?.getAttribute('data-index')),
          message: element.querySelector('.notification-list-item-message')?.textContent ?? '',
          severity: icon.includes('codicon-error')
            ? ('error' as const)
            : icon.includes('codicon-warning')
              ? ('warning' as const)
              : ('info' as const),
          buttons: [...element.querySelectorAll('.monaco-button')].map((button) => button.textContent ?? ''),
        };
      }),
    );
  }

  #items(): Locator {
    return this.#centre().locator('.notification-list-item');
  }

  #centre(): Locator {
    return this.#page.locator('.notifications-center.visible');
  }
}
