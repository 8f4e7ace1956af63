import type { Locator, Page } from 'playwright-core';
import { eventually } from './eventually.ts';
import { exactText, labelled } from './selectors.ts';
import type { PageElement } from './selectors.ts';
import { patience } from '../patience.ts';

/** How often, and how long each time (ms), a button that shows on hovering is waited for. */
const HOVER_ATTEMPTS = 4;
const HOVER_LIMIT = 2_000;

/** So long the rows have to have been as they are before one is clicked, in ms. */
const QUIET = 300;

interface PageGlobals {
  readonly MutationObserver: new (changed: () => void) => {
    observe(target: unknown, what: object): void;
    disconnect(): void;
  };
}

/** Runs in the page. Resolves when nothing in the element has come, gone or changed its text for that long. */
const untilQuiet = (element: PageElement, quiet: number): Promise<void> => {
  const { MutationObserver } = globalThis as unknown as PageGlobals;
  return new Promise((resolve) => {
    const done = (): void => {
      observer.disconnect();
      resolve();
    };
    let timer = setTimeout(done, quiet);
    const observer = new MutationObserver(() => {
      clearTimeout(timer);
      timer = setTimeout(done, quiet);
    });
    observer.observe(element, { subtree: true, childList: true, characterData: true });
  });
};

/** What a user, or a screen reader, perceives of a tree row. */
export interface TreeRowFacts {
  readonly label: string;
  readonly description: string;
  readonly ariaLabel: string;
  /** Tooltip as far as it is plain text. */
  readonly tooltip: string;
  /** Name of the codicon, such as `home`; empty for other icons. */
  readonly icon: string;
  /** The icon's colour as the theme resolves it; empty where the item names none. */
  readonly iconColor: string;
  /** 1 for top rows. */
  readonly depth: number;
  /** undefined for rows without children. */
  readonly expanded: boolean | undefined;
}

/** The tree in one view. Rows that are scrolled out of sight are not part of the page. */
export class Tree {
  readonly #page: Page;
  readonly #pane: Locator;

  constructor(page: Page, pane: Locator) {
    this.#page = page;
    this.#pane = pane;
  }

  /** The rows, from top to bottom. */
  async rows(): Promise<TreeRowFacts[]> {
    const rows = await this.#rows().evaluateAll((elements: PageElement[]) =>
      elements.map((element) => {
        const text = (selector: string): string => element.querySelector(selector)?.textContent ?? '';
        const icon = element.querySelector('.custom-view-tree-node-item-icon');
        const expanded = element.getAttribute('aria-expanded');
        return {
          index: Number(element.getAttribute('data-index')),
          label: text('.label-name'),
          description: text('.label-description'),
          ariaLabel: element.getAttribute('aria-label') ?? '',
          tooltip: element.querySelector('.monaco-icon-label')?.getAttribute('aria-label') ?? '',
          icon: /codicon-([\w-]+)/.exec(icon?.className ?? '')?.[1] ?? '',
          iconColor: /color: *([^;]+)/.exec(icon?.getAttribute('style') ?? '')?.[1] ?? '',
          depth: Number(element.getAttribute('aria-level')),
          expanded: expanded === null ? undefined : expanded === 'true',
        };
      }),
    );
    return rows.sort((a, b) => a.index - b.index).map(({ index: _index, ...facts }) => facts);
  }

  /** Waits until the rows are as wanted, and returns them. */
  rowsWhen(what: string, check: (rows: TreeRowFacts[]) => boolean, limit?: number): Promise<TreeRowFacts[]> {
    return eventually(what, () => this.rows(), check, limit);
  }

  /** Waits until the row with this label is as wanted, and returns it. */
  async rowWhen(label: string, check: (row: TreeRowFacts) => boolean, limit?: number): Promise<TreeRowFacts> {
    const find = (rows: readonly TreeRowFacts[]): TreeRowFacts | undefined =>
      rows.find((row) => row.label === label && check(row));
    return find(await this.rowsWhen(`the row ${label} to be as wanted`, (rows) => find(rows) !== undefined, limit))!;
  }

  /** The first row with exactly this label. */
  row(label: string): TreeRow {
    const name = this.#page.locator('.label-name', { hasText: exactText(label) });
    return new TreeRow(this.#page, this.#rows().filter({ has: name }).first());
  }

  #rows(): Locator {
    return this.#pane.locator('.monaco-list-rows .monaco-list-row');
  }
}

/** One row of a tree. */
export class TreeRow {
  readonly #page: Page;
  /** For waits and checks that are not here. */
  readonly locator: Locator;

  constructor(page: Page, locator: Locator) {
    this.#page = page;
    this.locator = locator;
  }

  waitFor(): Promise<void> {
    return this.locator.waitFor();
  }

  /** Selects it, when the rows have come to rest. */
  async click(): Promise<void> {
    await this.#comesToRest();
    await this.locator.locator('.monaco-icon-label').first().click();
  }

  /** Shows the children, if they are not shown. */
  async expand(): Promise<void> {
    await this.locator.waitFor();
    if ((await this.locator.getAttribute('aria-expanded')) === 'false') {
      await this.locator.locator('.monaco-tl-twistie').click();
    }
  }

  /** Clicks the button at the end of the row, when the rows have come to rest. */
  async inlineAction(title: string): Promise<void> {
    await this.#comesToRest();
    const button = this.locator.locator(labelled('.action-label', title));
    for (let attempt = 1; ; attempt += 1) {
      // A row that is drawn again under a resting pointer shows its buttons only when the pointer moves.
      await this.#page.mouse.move(0, 0);
      await this.locator.hover();
      try {
        return await button.click(attempt < HOVER_ATTEMPTS ? { timeout: patience(HOVER_LIMIT) } : {});
      } catch (error) {
        if (attempt === HOVER_ATTEMPTS) throw error;
      }
    }
  }

  /** Names of the buttons at the end of the row. */
  async inlineActions(): Promise<string[]> {
    await this.locator.hover();
    const buttons = await this.locator.locator('.actions .action-label').all();
    return Promise.all(buttons.map(async (button) => (await button.getAttribute('aria-label')) ?? ''));
  }

  /** Where the buttons at the end of the row are: the left edge of each, in pixels of the window, by its name. */
  async inlinePlaces(): Promise<Record<string, number>> {
    await this.locator.hover();
    const buttons = await this.locator.locator('.actions .action-label').all();
    const places = await Promise.all(
      buttons.map(
        async (button) =>
          [(await button.getAttribute('aria-label')) ?? '', Math.round((await button.boundingBox())?.x ?? -1)] as const,
      ),
    );
    return Object.fromEntries(places);
  }

  /** Chooses an item of the row's context menu. */
  async contextMenu(item: string): Promise<void> {
    const menu = await this.#openMenu();
    const entry = menu.locator('.action-item').filter({ hasText: exactText(item) });
    // A menu ignores the mouse button for its first 50 ms, the keyboard it takes at once.
    await entry.hover();
    await entry.and(this.#page.locator('.focused')).waitFor();
    await this.#page.keyboard.press('Enter');
    await menu.first().waitFor({ state: 'hidden' });
  }

  /** The items of the row's context menu. */
  async contextMenuItems(): Promise<string[]> {
    const menu = await this.#openMenu();
    const items = await menu.locator('.action-menu-item .action-label').allInnerTexts();
    await this.#page.keyboard.press('Escape');
    await menu.first().waitFor({ state: 'hidden' });
    return items;
  }

  /**
   * While the editor draws a row's parent anew it forgets for a moment which row is which: a button clicked then calls its
   * command without one, and a selection is told to the extension as none.
   */
  async #comesToRest(): Promise<void> {
    await this.locator.waitFor();
    await this.locator.locator('xpath=..').evaluate(untilQuiet, QUIET);
  }

  async #openMenu(): Promise<Locator> {
    await this.locator.click({ button: 'right' });
    const menu = this.#page.locator('.monaco-menu');
    await menu.first().waitFor();
    return menu;
  }
}
