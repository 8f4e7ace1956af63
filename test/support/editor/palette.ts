import path from 'node:path';
import type { Locator, Page } from 'playwright-core';
import { eventually } from './eventually.ts';
import type { QuickInput } from './quick-input.ts';
import { patience } from '../patience.ts';

/** The text that the palette's empty field shows. */
const PLACEHOLDER = 'Type the name of a command to run.';

/** What the palette is given to find a command that it has (ms). Similar ones are found always: absence shows only so. */
const SEARCH_LIMIT = 2_000;

/** What the palette is given to open, or to take a click (ms), before it is asked again. */
const OPEN_LIMIT = 5_000;

/** The command palette (F1). */
export class Palette {
  readonly #page: Page;
  readonly #quickInput: QuickInput;

  constructor(page: Page, quickInput: QuickInput) {
    this.#page = page;
    this.#quickInput = quickInput;
  }

  /**
   * Runs the command with exactly this title (`Category: Title`). Just after the start the palette may not have an
   * extension's commands yet: it is opened again until it has, at most `limit` ms.
   */
  async run(title: string, limit?: number): Promise<void> {
    const end = performance.now() + patience(limit);
    while (!(await this.#choose(title))) {
      await this.#quickInput.dismiss();
      if (performance.now() > end) throw new Error(`The palette has no command "${title}".`);
    }
  }

  /** Whether the palette offers the command now (its `when` clause holds). */
  async offers(title: string): Promise<boolean> {
    const row = await this.#search(title);
    await this.#quickInput.dismiss();
    return row;
  }

  /** The titles of all commands that a search finds now. */
  async find(text: string): Promise<string[]> {
    await this.#openFor(`>${text}`);
    const titles = await this.#quickInput.allOptions();
    await this.#quickInput.dismiss();
    return titles;
  }

  /** Opens a file by its absolute path. */
  async openFile(file: string): Promise<void> {
    const name = path.basename(file);
    await this.#openFor(file);
    await this.#take(
      name,
      this.#page.locator(`.tab.active[data-resource-name=${JSON.stringify(name)}]`).first(),
      'visible',
    );
    // The tab is there before the editor has the keyboard.
    await this.#page.locator('.editor-instance .monaco-editor.focused').first().waitFor();
  }

  async #choose(title: string): Promise<boolean> {
    if (!(await this.#search(title))) return false;
    // A command may ask in the same box: gone is only the palette's own field.
    const field = this.#page.locator(`.quick-input-box input[placeholder=${JSON.stringify(PLACEHOLDER)}]:visible`);
    await this.#take(title, field, 'hidden');
    return true;
  }

  /**
   * Clicks the row until `sign` shows that it was taken. Further finds come in while the list is there already, and
   * a row that is drawn anew between press and release takes no click.
   */
  async #take(label: string, sign: Locator, state: 'visible' | 'hidden'): Promise<void> {
    const isTaken = async (): Promise<boolean> => {
      const clicked = await this.#quickInput
        .row(label)
        .click({ timeout: patience(OPEN_LIMIT) })
        .then(
          () => true,
          () => false,
        );
      const timeout = clicked ? patience(OPEN_LIMIT) : 1;
      return sign.waitFor({ state, timeout }).then(
        () => true,
        () => false,
      );
    };
    await eventually(`the palette to take "${label}"`, isTaken, (taken) => taken);
  }

  /** Opens the palette, searches, and says whether the title is among what it found. */
  async #search(title: string): Promise<boolean> {
    await this.#openFor(`>${title}`);
    return this.#quickInput
      .row(title)
      .waitFor({ timeout: patience(SEARCH_LIMIT) })
      .then(
        () => true,
        () => false,
      );
  }

  async #openFor(text: string): Promise<void> {
    const isOpen = async (): Promise<boolean> => {
      if (await this.#quickInput.isOpen()) await this.#quickInput.dismiss();
      await this.#page.keyboard.press('F1');
      return this.#quickInput.fill(text, PLACEHOLDER, patience(OPEN_LIMIT)).then(
        () => true,
        () => false,
      );
    };
    // What takes the keyboard while it opens, such as a terminal that starts, closes it again.
    await eventually('the palette to stay open', isOpen, (open) => open);
  }
}
