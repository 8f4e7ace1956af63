/** What is asked of a document here. */
interface Writable {
  readonly isDirty: boolean;
  save(): Thenable<boolean>;
}

/** Enough for the editor's own saving, which takes a moment, to come to its end. */
const attempts = 5;

/**
 * Whether the editor has written what the document says. Where it has just begun to save by itself (`files.autoSave`), it
 * answers a save with no before that is through, and is asked again; no for good is what it has told the user the reason of.
 */
export async function written(document: Writable): Promise<boolean> {
  for (let attempt = 0; document.isDirty && attempt < attempts; attempt += 1) if (await document.save()) return true;
  return !document.isDirty;
}
