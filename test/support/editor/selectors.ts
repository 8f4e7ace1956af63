/** Matches a text that is exactly this, blanks around it aside. */
export function exactText(text: string): RegExp {
  return new RegExp(`^\\s*${text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}\\s*$`);
}

/** Matches an element whose accessible label is `title`, or begins with it and goes on with a shortcut or a badge. */
export function labelled(selector: string, title: string): string {
  const starts = [`${title} (`, `${title} - `].map((start) => `${selector}[aria-label^=${JSON.stringify(start)}]`);
  return [`${selector}[aria-label=${JSON.stringify(title)}]`, ...starts].join(', ');
}

/** The part of a page element that reading functions use; they run in the page, whose types are not known here. */
export interface PageElement {
  readonly textContent: string | null;
  readonly className: string;
  getAttribute(name: string): string | null;
  querySelector(selector: string): PageElement | null;
}
