import path from 'node:path';
import type { Locator, Page } from 'playwright-core';
import { eventually } from './eventually.ts';
import { exactText } from './selectors.ts';

/** The box at the top of the window in which VS Code asks: quick picks and input boxes. */
export class QuickInput {
  readonly #page: Page;
  readonly #widget: Locator;

  constructor(page: Page) {
    this.#page = page;
    this.#widget = page.locator('.quick-input-widget:visible');
  }

  /** The text field, once a box that shows `prompt` (title, placeholder or message) is open; any box without one. */
  async input(prompt?: string, limit?: number): Promise<Locator> {
    const box =
      prompt === undefined
        ? this.#widget
        : this.#widget
            .filter({ hasText: prompt })
            .or(this.#widget.filter({ has: this.#page.locator(`input[placeholder*=${JSON.stringify(prompt)}]`) }));
    const input = box.locator('.quick-input-box input').first();
    await input.waitFor(limit === undefined ? {} : { timeout: limit });
    return input;
  }

  /** Chooses the row with exactly this label. */
  async pick(label: string, prompt?: string): Promise<void> {
    await this.input(prompt);
    // What is told of a row that the pointer rests on may cover the next one.
    await this.#page.mouse.move(0, 0);
    await this.row(label).click();
  }

  /** Enters a text and confirms. */
  async type(text: string, prompt?: string): Promise<void> {
    const input = await this.input(prompt);
    await input.fill(text);
    await input.press('Enter');
  }

  /**
   * Names a folder in the editor's own dialog, and takes it. The dialog puts its proposal in a moment after it opens, over
   * what is there, and takes nothing while it reads a folder: it is asked until it closes.
   */
  async chooseFolder(folder: string, button: string): Promise<void> {
    const input = await this.input();
    await eventually(
      'the dialog to propose a folder',
      () => input.inputValue(),
      (proposed) => /[/\\]$/.test(proposed),
    );
    const isListed = async (): Promise<boolean> => {
      if ((await input.inputValue()) !== folder) await input.fill(folder);
      return this.row(path.basename(folder)).isVisible();
    };
    await eventually('the folder to be listed', isListed, (listed) => listed);
    const accept = this.#widget.getByText(button, { exact: true });
    const take = async (): Promise<boolean> => {
      await accept.click({ timeout: 1_000 }).catch(() => undefined);
      // A question may follow in the same place.
      return accept.isVisible();
    };
    await eventually('the dialog to close', take, (isThere) => !isThere);
  }

  /** Takes what is chosen already. */
  async confirm(): Promise<void> {
    await (await this.input()).press('Enter');
  }

  /** Enters a text without confirming, as while a user is typing. Rejects when the box is not there within `limit` ms. */
  async fill(text: string, prompt?: string, limit?: number): Promise<void> {
    const input = await this.input(prompt, limit);
    await input.fill(text, limit === undefined ? {} : { timeout: limit });
  }

  /** The labels of the rows shown. */
  async options(prompt?: string): Promise<string[]> {
    await this.input(prompt);
    await this.#rows().first().waitFor();
    return this.#rows().locator('.label-name').allInnerTexts();
  }

  /** The labels of all rows, also of those that have to be scrolled to. */
  async allOptions(): Promise<string[]> {
    const labels = new Set(await this.options());
    const focused = (): Promise<string | null> =>
      this.#rows().and(this.#page.locator('.focused')).getAttribute('data-index');
    while ((await this.#rows().and(this.#page.locator('[data-last-element=true]')).count()) === 0) {
      const before = await focused();
      await this.#page.keyboard.press('PageDown');
      await eventually('the list to scroll', focused, (now) => now !== before);
      for (const label of await this.options()) labels.add(label);
    }
    return [...labels];
  }

  /** The line below the field: the prompt, or what is wrong with the input. */
  message(): Promise<string> {
    return this.#widget.locator('.quick-input-message').innerText();
  }

  isOpen(): Promise<boolean> {
    return this.#widget.isVisible();
  }

  /** Closes the box without an answer. */
  async dismiss(): Promise<void> {
    await this.#page.keyboard.press('Escape');
    await this.#widget.waitFor({ state: 'hidden' });
  }

  /** The row with exactly this label. */
  row(label: string): Locator {
    return this.#rows()
      .filter({ has: this.#page.locator('.label-name', { hasText: exactText(label) }) })
      .first();
  }

  #rows(): Locator {
    return this.#widget.locator('.quick-input-list .monaco-list-row');
  }
}
