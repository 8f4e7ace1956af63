/** What in an address is not the user's secret: of a web address nothing before the `@` (a token may be the name), else the name. */
const web = /(https?:\/\/)[^/\s]*@/gi;
const other = /([a-z][a-z0-9+.-]*:\/\/[^/\s:@]*):[^/\s]*@/gi;
const inQuery = /([?&][\w-]*(?:token|password|secret|key|auth)[\w-]*=)[^&\s'"]+/gi;

/** Pure. The text with the passwords and tokens in its addresses replaced by `***`: for errors, logs and everything that is kept. */
export function withoutSecrets(text: string): string {
  return text.replace(web, '$1***@').replace(other, '$1:***@').replace(inQuery, '$1***');
}
