import type { Locator, Page } from 'playwright-core';
import { eventually } from './eventually.ts';
import type { PageElement } from './selectors.ts';

/** One item of the status bar. */
export interface StatusBarItem {
  /** `publisher.name.itemId` for an extension's items. */
  readonly id: string;
  readonly text: string;
  /** Text and tooltip as a screen reader has them. */
  readonly ariaLabel: string;
}

/** The status bar. */
export class StatusBar {
  readonly #items: Locator;

  constructor(page: Page) {
    this.#items = page.locator('.part.statusbar .statusbar-item');
  }

  items(): Promise<StatusBarItem[]> {
    return this.#items.evaluateAll((elements: PageElement[]) =>
      elements.map((element) => ({
        id: element.getAttribute('id') ?? '',
        text: (element.textContent ?? '').trim(),
        ariaLabel: element.getAttribute('aria-label') ?? '',
      })),
    );
  }

  /** Waits for an item whose text matches, and returns it. */
  async waitFor(text: RegExp, limit?: number): Promise<StatusBarItem> {
    const matches = (item: StatusBarItem): boolean => text.test(item.text);
    const items = await eventually(
      `a status bar item ${text}`,
      () => this.items(),
      (all) => all.some(matches),
      limit,
    );
    const found = items.find(matches);
    if (found === undefined) throw new Error(`The status bar item ${text} went away.`);
    return found;
  }

  async click(text: RegExp): Promise<void> {
    await this.#items.filter({ hasText: text }).first().click();
  }
}
