import type { Locator, Page } from 'playwright-core';
import { eventually } from './eventually.ts';
import type { Palette } from './palette.ts';
import { exactText } from './selectors.ts';
import { patience } from '../patience.ts';

/** What the editor takes at most to show a terminal whose tab was clicked (ms); on a busy machine it is clicked again. */
const SWITCH_LIMIT = 3_000;

/** The integrated terminals, in the panel. Their text is in the page because the renderer is the DOM's. */
export class Terminals {
  readonly #page: Page;
  readonly #palette: Palette;

  constructor(page: Page, palette: Palette) {
    this.#page = page;
    this.#palette = palette;
  }

  /** Opens a terminal and waits until it is the one shown. */
  async create(): Promise<void> {
    const tabs = this.#tabs();
    const before = await tabs.count();
    await this.#palette.run('Terminal: Create New Terminal');
    await tabs.nth(before).waitFor();
    await this.#screen().waitFor();
  }

  /** Shows the panel with the terminals. */
  async show(): Promise<void> {
    // "Focus Terminal" would make a new one while those of before a reload are still being brought back.
    if (!(await this.#screen().isVisible())) await this.#palette.run('View: Toggle Terminal');
    await this.#screen().waitFor();
  }

  /** Names of the terminals, in the order of the tab list; empty while the panel is hidden. */
  async names(): Promise<string[]> {
    const texts = await this.#tabs().locator('.label-name').allInnerTexts();
    return texts.map((text) => text.trim());
  }

  /** Shows a terminal by its name. */
  async focus(name: string): Promise<void> {
    await this.show();
    const label = this.#page.locator('.label-name', { hasText: exactText(name) });
    const tab = this.#tabs().filter({ has: label }).first();
    const isShown = async (): Promise<boolean> => {
      // At its icon: where the list is narrow, what appears on a row that is pointed at lies over the middle of it.
      await tab.click({ position: { x: 8, y: 8 } });
      const number = /^Terminal \d+/.exec((await tab.getAttribute('aria-label')) ?? '')?.[0];
      // Until then the screen is the former terminal's.
      const shown = this.#input().and(this.#page.locator(`[aria-label^="${number},"]`));
      return shown.waitFor({ timeout: patience(SWITCH_LIMIT) }).then(
        () => true,
        () => false,
      );
    };
    // A terminal that is just being opened comes to the front after the click: then it takes another.
    await eventually(`terminal ${name}`, isShown, (done) => done);
  }

  /** Waits until a terminal is shown, whoever has the keyboard. */
  async untilShown(): Promise<void> {
    await this.#screen().waitFor();
  }

  /** Waits until the terminal that is shown has the keyboard, as after an action that opens one. */
  async untilFocused(): Promise<void> {
    await this.#page.locator('.part.panel .terminal-wrapper.active:visible .xterm.focus').waitFor();
  }

  /** Types a text into the terminal that is shown, and Enter. */
  async type(text: string): Promise<void> {
    await this.#input().focus();
    await this.#page.keyboard.type(text);
    await this.#page.keyboard.press('Enter');
  }

  /** Presses a key (Playwright's names: `Escape`, `Control+c`) in the terminal that is shown. */
  async press(key: string): Promise<void> {
    await this.#input().focus();
    await this.#page.keyboard.press(key);
  }

  /** What the shown terminal's screen says, a line each, without trailing blanks. */
  async text(): Promise<string> {
    const lines = await this.#screen().locator('> div').allTextContents();
    return lines
      .map((line) => line.replaceAll('\u00a0', ' ').trimEnd())
      .join('\n')
      .trimEnd();
  }

  /** Waits until the shown terminal's screen matches, and returns its text. */
  textWhen(pattern: RegExp, limit?: number): Promise<string> {
    return eventually(
      `terminal text ${pattern}`,
      () => this.text(),
      (text) => pattern.test(text),
      limit,
    );
  }

  #screen(): Locator {
    return this.#page.locator('.part.panel .terminal-wrapper.active:visible .xterm-rows').first();
  }

  #input(): Locator {
    return this.#page.locator('.part.panel .terminal-wrapper.active:visible .xterm-helper-textarea').first();
  }

  #tabs(): Locator {
    return this.#page.locator('.part.panel .tabs-list .monaco-list-row');
  }
}
