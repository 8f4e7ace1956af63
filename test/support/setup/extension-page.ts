/** `![text](target)`, on a line of its own. */
const PICTURE_LINE = /^!\[[^\]]*\]\((?!https:)[^)]*\)\n+/gm;

/** `[text](target)` where the target is no address. */
const RELATIVE_LINK = /\[([^\]]*)\]\((?!https?:|mailto:)[^)]*\)/g;

/**
 * The README as the editor shows it on the extension's page. There only links to the web lead anywhere, and only
 * pictures from the web are shown; the project has no public address that the others could be made from. So pictures
 * are left out, and of a relative link its text remains.
 */
export function extensionPage(readme: string): string {
  return readme.replace(PICTURE_LINE, '').replace(RELATIVE_LINK, '$1');
}
