declare const GT_VERSION: string;

/** The version of the extension that this `gt` came with; esbuild and Vitest put it in (`define`), from package.json. */
export const gtVersion: string = GT_VERSION;
