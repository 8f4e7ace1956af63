import type { Locator, Page } from 'playwright-core';
import { exactText } from './selectors.ts';

/** The modal dialog. */
export class Dialogs {
  readonly #box: Locator;

  constructor(page: Page) {
    this.#box = page.locator('.monaco-dialog-box');
  }

  /** Message and detail of the dialog, once one is open. */
  async text(): Promise<string> {
    return this.#box.locator('.dialog-message-container').innerText();
  }

  /** Labels of the buttons. */
  buttons(): Promise<string[]> {
    return this.#box.locator('.monaco-button').allInnerTexts();
  }

  /** Presses a button and waits until the dialog is gone. */
  async press(button: string): Promise<void> {
    await this.#box
      .locator('.monaco-button')
      .filter({ hasText: exactText(button) })
      .click();
    await this.#box.waitFor({ state: 'hidden' });
  }
}
