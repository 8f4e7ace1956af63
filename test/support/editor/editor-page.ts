import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import type { FrameLocator, Page } from 'playwright-core';
import { Dialogs } from './dialogs.ts';
import { Notifications } from './notifications.ts';
import { Palette } from './palette.ts';
import { Problems } from './problems.ts';
import { QuickInput } from './quick-input.ts';
import type { PageElement } from './selectors.ts';
import { StatusBar } from './status-bar.ts';
import { Terminals } from './terminals.ts';
import { Views } from './views.ts';
import { patience } from '../patience.ts';

/** One window of the editor, as a user uses it. */
export class EditorPage {
  readonly page: Page;
  readonly quickInput: QuickInput;
  readonly palette: Palette;
  readonly views: Views;
  readonly terminals: Terminals;
  readonly notifications: Notifications;
  readonly dialogs: Dialogs;
  readonly statusBar: StatusBar;
  readonly problems: Problems;
  readonly #screenshots: string;

  /** `screenshots` is the folder for {@link screenshot}. */
  constructor(page: Page, screenshots: string) {
    page.setDefaultTimeout(patience());
    this.page = page;
    this.#screenshots = screenshots;
    this.quickInput = new QuickInput(page);
    this.palette = new Palette(page, this.quickInput);
    this.views = new Views(page);
    this.terminals = new Terminals(page, this.palette);
    this.notifications = new Notifications(page, this.palette);
    this.dialogs = new Dialogs(page);
    this.statusBar = new StatusBar(page);
    this.problems = new Problems(page, this.palette);
  }

  /** Waits until the workbench is there; extensions may still be starting. */
  async ready(): Promise<void> {
    await this.page.locator('.monaco-workbench .part.statusbar .statusbar-item').first().waitFor();
  }

  /** The text of the editor that is shown, as far as it is scrolled into sight. */
  async editorText(): Promise<string> {
    const lines = await this.page.locator('.editor-instance .view-lines').first().innerText();
    return lines.replaceAll('\u00a0', ' ');
  }

  /** The document of a webview (a page, a preview) that shows this text. */
  async frameWith(text: string): Promise<FrameLocator> {
    const frame = this.page.frameLocator('iframe.webview.ready').frameLocator('iframe#active-frame');
    await frame.getByText(text).first().waitFor();
    return frame;
  }

  /** Whether a line of the editor ends in this text, and that end is on the screen with nothing before it. */
  async isInSight(text: string): Promise<boolean> {
    const line = this.page.locator('.editor-instance .view-line', { hasText: text }).first();
    const box = await line.locator('span span').last().boundingBox();
    if (box === null) return false;
    const at = { x: box.x + box.width - 2, y: box.y + box.height / 2 };
    return line.evaluate(
      (
        element: PageElement & {
          contains(other: unknown): boolean;
          ownerDocument: { elementFromPoint(x: number, y: number): unknown };
        },
        { x, y },
      ) => element.contains(element.ownerDocument.elementFromPoint(x, y)),
      at,
    );
  }

  /** "Developer: Reload Window", until the new workbench is there. */
  async reload(): Promise<void> {
    await Promise.all([this.page.waitForEvent('domcontentloaded'), this.palette.run('Developer: Reload Window')]);
    await this.ready();
  }

  /** Takes a picture of the window. Returns the file, `<name>.png`. */
  async screenshot(name: string): Promise<string> {
    await mkdir(this.#screenshots, { recursive: true });
    const file = path.join(this.#screenshots, `${name}.png`);
    await this.page.screenshot({ path: file, animations: 'disabled' });
    return file;
  }

  /** Closes the window. Leaving the page first runs its unload event, without which its extension host would live on. */
  async close(): Promise<void> {
    await this.page.goto('about:blank');
    await this.page.close();
  }
}
