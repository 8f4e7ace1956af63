import type { Locator, Page } from 'playwright-core';
import { eventually } from './eventually.ts';
import type { Palette } from './palette.ts';
import type { PageElement } from './selectors.ts';

/** One diagnostic in the Problems view. */
export interface Problem {
  readonly message: string;
  /** `[Ln 1, Col 9]` */
  readonly position: string;
  /** As a screen reader has it: severity, message, line, source. */
  readonly ariaLabel: string;
}

/** The Problems view. */
export class Problems {
  readonly #palette: Palette;
  readonly #panel: Locator;

  constructor(page: Page, palette: Palette) {
    this.#palette = palette;
    this.#panel = page.locator('.markers-panel');
  }

  async list(): Promise<Problem[]> {
    await this.#show();
    return this.#read();
  }

  /** Waits until the problems are as wanted, and returns them. */
  async when(what: string, check: (problems: Problem[]) => boolean, limit?: number): Promise<Problem[]> {
    await this.#show();
    return eventually(what, () => this.#read(), check, limit);
  }

  async #show(): Promise<void> {
    if (await this.#panel.isVisible()) return;
    await this.#palette.run('Problems: Focus on Problems View');
    await this.#panel.waitFor();
  }

  #read(): Promise<Problem[]> {
    const rows = this.#panel.locator('.monaco-list-row:has(.marker-message)');
    return rows.evaluateAll((elements: PageElement[]) =>
      elements.map((element) => ({
        message: element.querySelector('.marker-message')?.textContent ?? '',
        position: element.querySelector('.marker-line')?.textContent ?? '',
        ariaLabel: element.getAttribute('aria-label') ?? '',
      })),
    );
  }
}
