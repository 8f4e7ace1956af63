/** Work as documents: new ones, those of units, and what is quoted from an editor. */
import { isAbsolute, relative } from 'node:path';
import * as vscode from 'vscode';
import type { RigView, TownSnapshot } from '../../shared/channel/views.ts';
import { newWorkTemplate, quotation } from '../views/work-template.ts';
import { tabsOf, workScheme } from '../views/work-documents.ts';
import type { SavedWork } from '../views/work-documents.ts';
import { connectionOf } from './command.ts';
import type { Command } from './command.ts';
import { askInTurn, cancelled, pick } from './dialog.ts';
import { Answer, onlyRig, workChoices } from './questions.ts';

const t = vscode.l10n.t;

export const newWork: Command = async (given, deps) => {
  const { snapshot } = connectionOf(deps);
  const rig = given.rig ?? onlyRig(snapshot);
  await deps.workDocuments.openNew(
    newWorkTemplate({ ...(rig === undefined ? {} : { rig }), text: given.text ?? '' }, t),
  );
};

export const editWork: Command = async (given, deps) => {
  const { snapshot } = connectionOf(deps);
  const work = new Answer(given.work);
  await askInTurn(t('Edit Work Unit'), [
    work.question(async (place) => {
      work.value = await pick(place, workChoices(changeable(snapshot)), { placeholder: t('Which work unit?') });
    }),
  ]);
  await deps.workDocuments.openUnit(work.get());
};

/** The button of such a document; what the editor has saved by itself is added, too. */
export const saveWork: Command = async (_given, deps) => {
  const document = vscode.window.activeTextEditor?.document;
  if (document?.uri.scheme === workScheme) await deps.workDocuments.save(document);
};

export const addSelection: Command = async (given, deps) => {
  const { snapshot } = connectionOf(deps);
  const editor = vscode.window.activeTextEditor;
  if (!editor) {
    void vscode.window.showInformationMessage(t('Open the file, or select what the work is about, first.'));
    throw cancelled();
  }
  const rig = rigOf(editor.document.uri, snapshot);
  const text = quoted(editor, rig);
  const work = new Answer(given.work);
  await askInTurn(t('Add Selection to Work Unit'), [
    work.question(async (place) => {
      const create = { label: t('New Work Unit…'), iconPath: new vscode.ThemeIcon('add'), value: '' };
      work.value = await pick(place, [create, ...workChoices(changeable(snapshot))], {
        placeholder: t('Which work is this about?'),
      });
    }),
  ]);
  if (work.value) await deps.workDocuments.openUnit(work.value, text);
  else await deps.workDocuments.openNew(newWorkTemplate({ ...(rig ? { rig: rig.name } : {}), text: `\n${text}` }, t));
};

/** Says what came of a saving, and closes what was only for adding. */
export async function tellSaved({ uri, added, work }: SavedWork): Promise<void> {
  const [first] = work;
  if (!first) return;
  if (!added) {
    vscode.window.setStatusBarMessage(t('$(check) {0} is changed.', first.id), 5000);
    return;
  }
  await vscode.window.tabGroups.close(tabsOf(uri));
  if (work.length > 1) {
    const show = t('Show Work');
    const message = t('{0} work units were added: {1}', work.length, work.map(({ id }) => id).join(', '));
    if ((await vscode.window.showInformationMessage(message, show)) === show)
      await vscode.commands.executeCommand('gastown.work.focus');
    return;
  }
  const sling = t('Sling…');
  if ((await vscode.window.showInformationMessage(t('Work unit {0} was added.', first.id), sling)) === sling)
    await vscode.commands.executeCommand('gastown.slingWork', { work: first.id });
}

const changeable = ({ work }: TownSnapshot) => work.filter(({ state }) => state !== 'done' && state !== 'cancelled');

/** The rig that a file belongs to, the innermost. */
function rigOf({ scheme, fsPath }: vscode.Uri, { rigs }: TownSnapshot): RigView | undefined {
  if (scheme !== 'file') return undefined;
  return rigs.filter(({ path }) => isInside(fsPath, path)).sort((a, b) => b.path.length - a.path.length)[0];
}

function isInside(file: string, folder: string): boolean {
  const below = relative(folder, file);
  return below.split(/[\\/]/)[0] !== '..' && !isAbsolute(below);
}

function quoted({ document, selections }: vscode.TextEditor, rig: RigView | undefined): string {
  const { uri, languageId: language } = document;
  const place =
    rig === undefined ? vscode.workspace.asRelativePath(uri) : relative(rig.repository ?? rig.path, uri.fsPath);
  const path = place.replaceAll('\\', '/');
  const selected = selections.filter((each) => !each.isEmpty);
  if (selected.length === 0) return quotation({ path, language });
  return selected
    .map((each) => {
      // A selection of whole lines ends at the beginning of the next one.
      const last = each.end.character === 0 && each.end.line > each.start.line ? each.end.line - 1 : each.end.line;
      return quotation({ path, language, from: each.start.line + 1, to: last + 1, text: document.getText(each) });
    })
    .join('\n\n');
}
