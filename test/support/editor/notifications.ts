import type { Locator, Page } from 'playwright-core';
import { eventually } from './eventually.ts';
import type { Palette } from './palette.ts';
import { exactText } from './selectors.ts';
import type { PageElement } from './selectors.ts';

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
    return this.#read();
  }

  /** Waits for a notification whose message matches, and returns it. */
  async waitFor(message: RegExp, limit?: number): Promise<NotificationFacts> {
    await this.#show();
    const matches = (facts: NotificationFacts): boolean => message.test(facts.message);
    const all = await eventually(
      `a notification ${message}`,
      () => this.#read(),
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

  #read(): Promise<NotificationFacts[]> {
    return this.#items().evaluateAll(
      (elements: (PageElement & { querySelectorAll(s: string): Iterable<PageElement> })[]) =>
        elements.map((element) => {
          const icon = element.querySelector('.notification-list-item-icon')?.className ?? '';
          return {
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
