import type { Locator, Page } from 'playwright-core';
import { exactText, labelled } from './selectors.ts';
import { Tree } from './tree.ts';

/** The activity bar and the views in the side bar. */
export class Views {
  readonly #page: Page;

  constructor(page: Page) {
    this.#page = page;
  }

  /** Shows a view container by its title in the activity bar. */
  async open(container: string): Promise<void> {
    const item = this.#activityItem(container);
    await item.waitFor();
    if ((await item.getAttribute('aria-expanded')) !== 'true') await item.click();
    await this.#page.locator('.part.sidebar .title-label h2').filter({ hasText: container }).waitFor();
  }

  /** The number on the container's icon, or undefined. */
  async badge(container: string): Promise<string | undefined> {
    const badge = this.#activityItem(container).locator('.badge:visible');
    return (await badge.count()) === 0 ? undefined : badge.innerText();
  }

  /** The container's label for screen readers, with the badge's tooltip. */
  async activityLabel(container: string): Promise<string> {
    return (await this.#activityItem(container).locator('.action-label').getAttribute('aria-label')) ?? '';
  }

  /** The tree of a view in the open container. */
  tree(view: string): Tree {
    return new Tree(this.#page, this.#pane(view));
  }

  /** The text that an empty view shows; empty when it shows rows. */
  async welcomeText(view: string): Promise<string> {
    const content = this.#welcome(view);
    return (await content.count()) === 0 ? '' : content.innerText();
  }

  /** The line above a view's rows; empty where there is none. */
  async message(view: string): Promise<string> {
    // In one look: it may go at any moment.
    return (await this.#pane(view).locator('.message:visible').allInnerTexts())[0] ?? '';
  }

  /** What the view says beside its name, such as a filter; empty where it says nothing. */
  async description(view: string): Promise<string> {
    const description = this.#pane(view).locator('.pane-header .description:visible');
    return (await description.count()) === 0 ? '' : description.innerText();
  }

  /** Clicks a button of an empty view's text. */
  async welcomeButton(view: string, label: string): Promise<void> {
    await this.#welcome(view)
      .locator('.monaco-button')
      .filter({ hasText: exactText(label) })
      .click();
  }

  /** Opens a view that is shut, or shuts it. */
  async toggle(view: string): Promise<void> {
    await this.#pane(view).locator('.pane-header .title').click();
  }

  /** Clicks a button in a view's title. */
  async titleAction(view: string, title: string): Promise<void> {
    const header = this.#pane(view).locator('.pane-header');
    // What is told of a row that the pointer rests on may cover the title above it.
    await this.#page.mouse.move(0, 0);
    await header.hover();
    await header.locator(labelled('.action-label', title)).click();
  }

  /** Drags the edge of the side bar until it is so wide (px). */
  async resize(width: number): Promise<void> {
    const { x, y, height, width: before } = (await this.#page.locator('.part.sidebar').boundingBox())!;
    const middle = y + height / 2;
    await this.#page.mouse.move(x + before, middle);
    await this.#page.mouse.down();
    await this.#page.mouse.move(x + width, middle, { steps: 4 });
    await this.#page.mouse.up();
    // The editor draws an edge thick as long as the pointer is there.
    await this.#page.mouse.move(0, 0);
  }

  #pane(view: string): Locator {
    // A view's description, such as a filter, stands between its name and the word.
    const header = this.#page.locator(`.pane-header[aria-label^=${JSON.stringify(view)}][aria-label$=" Section"]`);
    return this.#page.locator('.part.sidebar .pane').filter({ has: header });
  }

  #welcome(view: string): Locator {
    return this.#pane(view).locator('.welcome-view-content:visible');
  }

  #activityItem(container: string): Locator {
    const label = this.#page.locator(labelled('.action-label', container));
    return this.#page.locator('.part.activitybar .action-item').filter({ has: label }).first();
  }
}
