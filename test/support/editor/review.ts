import type { Locator, Page } from 'playwright-core';
import { eventually } from './eventually.ts';

/** The changes of a unit of work in the editor's own view of many files, with what is said about their lines. */
export class Review {
  readonly #page: Page;

  constructor(page: Page) {
    this.#page = page;
  }

  /** The entry of each file, or of those whose name or text has this in it. */
  entries(text = ''): Locator {
    return this.#page.locator('.multiDiffEntry').filter({ hasText: text });
  }

  /** The names of the files, without their folders. */
  async files(): Promise<string[]> {
    const names = await this.entries().locator('.file-path .title.modified').allInnerTexts();
    return names.map((name) => name.replace(/\s*\/.*$/s, '')).filter((name) => name !== '');
  }

  /** Waits until exactly these files are shown, in any order. */
  async untilShows(...files: string[]): Promise<void> {
    const wanted = [...files].sort().join();
    await eventually(
      `the changes of ${wanted}`,
      () => this.files(),
      (shown) => [...shown].sort().join() === wanted,
    );
  }

  /** Begins a comment on the first line with this text, as it is now, and writes it. */
  async write(file: string, line: string, comment: string): Promise<void> {
    const editor = this.entries(file).locator('.editor.modified');
    const text = editor.locator('.view-line', { hasText: line }).first();
    const glyph = editor.locator('.comment-range-glyph.line-hover').first();
    // What may be commented is asked of the extension after the lines are drawn, and a pointer that rests is told of it by
    // its next movement.
    let right = false;
    await eventually(
      `the mark for a comment on "${line}"`,
      async () => {
        right = !right;
        await text.hover({ position: { x: right ? 4 : 2, y: 4 } });
        return glyph.isVisible();
      },
      (visible) => visible,
    );
    await glyph.click();
    // The box takes the keyboard a moment after it is drawn.
    await this.#page.locator('.review-widget .comment-form .monaco-editor.focused').waitFor();
    await this.#page.keyboard.type(comment);
  }

  async addComment(): Promise<void> {
    await this.#page.locator('.review-widget .monaco-button', { hasText: 'Add Comment' }).first().click();
  }

  /** Waits until the first conversation, with its title, has this in it. */
  async untilSays(text: string): Promise<void> {
    await this.#page.locator('.review-widget', { hasText: text }).first().waitFor();
  }
}
