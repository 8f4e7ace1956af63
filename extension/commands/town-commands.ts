/** Creating a town, adding rigs, and opening the files that configure them. */
import { dirname } from 'node:path';
import * as vscode from 'vscode';
import { createTown as makeTown } from '../../shared/config/create-town.ts';
import { backends } from '../../shared/host/backends.ts';
import { settingsPath } from '../../shared/config/settings-path.ts';
import { GasTownError, hasCode } from '../../shared/platform/errors.ts';
import { nameOfSource } from '../../shared/orchestration/rig-source.ts';
import type { RigExtent } from '../../shared/orchestration/rigs.ts';
import { connectionOf, withProgress } from './command.ts';
import type { Command } from './command.ts';
import { askInTurn, cancelled, input, pick } from './dialog.ts';
import { Answer, pickOne, rigQuestion } from './questions.ts';

const t = vscode.l10n.t;

export const createTown: Command = async ({ folder }, { town, finder }) => {
  if (!vscode.workspace.isTrusted) {
    throw new GasTownError('untrusted', t('This workspace is not trusted. Trust it first: agents run programs in it.'));
  }
  const root = folder ?? (await askForTownFolder());
  const unattended = folder !== undefined || (await askForUnattended());
  await withProgress(t('Creating the town in {0}', root), () => makeTown(root, backends, { unattended }));
  // Also above the opened folders: who has made it need not be asked.
  await finder.remember(root);
  const open = (vscode.workspace.workspaceFolders ?? []).some((each) => isAtOrBelow(each.uri.fsPath, root));
  if (open) return town.open();
  await vscode.commands.executeCommand('vscode.openFolder', vscode.Uri.file(root));
};

/** Opens the town above the opened folders, once the user has been told what that means. */
export const openTownAbove: Command = async (_given, { town, finder }) => {
  const { above } = town;
  if (above === undefined)
    throw new GasTownError('no-town', t('No town lies above the opened folders that is not open.'));
  const open = t('Open This Town');
  const detail = t('It is not part of the workspace that you trust. Its settings name programs that are run here.');
  if (
    (await vscode.window.showWarningMessage(t('Open the Gas Town {0}?', above), { modal: true, detail }, open)) === open
  )
    await finder.agree(above);
};

async function askForTownFolder(): Promise<string> {
  const folders = (vscode.workspace.workspaceFolders ?? []).filter((each) => each.uri.scheme === 'file');
  const choices = folders.map((each) => ({
    label: each.name,
    description: each.uri.fsPath,
    iconPath: new vscode.ThemeIcon('folder-opened'),
    value: each.uri.fsPath,
  }));
  const other = { label: t('Another Folder…'), iconPath: new vscode.ThemeIcon('folder'), value: '' };
  const chosen =
    choices.length === 0
      ? ''
      : await pickOne(
          t('Create Town'),
          [...choices, other],
          t('Which folder shall be the town? Its rigs are cloned into it.'),
        );
  return chosen === '' ? askForFolder(t('Create Town Here')) : chosen;
}

/** What is allowed from the beginning is said before it is. */
function askForUnattended(): Promise<boolean> {
  const choices = [
    {
      label: t('Let Them Run gt'),
      description: t('they start workers and give out work without asking you'),
      iconPath: new vscode.ThemeIcon('run-all'),
      value: true,
    },
    {
      label: t('Ask Me Each Time'),
      description: t('nothing is coordinated while you are away'),
      iconPath: new vscode.ThemeIcon('question'),
      value: false,
    },
  ];
  const question = t('May mayor, deacon and crew run the command gt? (attention.allow in the settings)');
  return pickOne(t('Create Town'), choices, question);
}

async function askForFolder(label: string): Promise<string> {
  const options = { canSelectFiles: false, canSelectFolders: true, canSelectMany: false, openLabel: label };
  const [uri] = (await vscode.window.showOpenDialog(options)) ?? [];
  if (!uri) throw cancelled();
  return uri.fsPath;
}

function isAtOrBelow(path: string, root: string): boolean {
  return path === root || (dirname(path) !== path && isAtOrBelow(dirname(path), root));
}

export const addRig: Command = async (given, deps) => {
  const { api, snapshot } = connectionOf(deps);
  const source = new Answer(given.source);
  const url = new Answer(given.source);
  const name = new Answer(given.name);
  const taken = new Set(snapshot.rigs.map((rig) => rig.name));
  const rigFolders = new Set(snapshot.rigs.map((rig) => rig.path));
  const open: vscode.WorkspaceFolder[] = [];
  for (const each of vscode.workspace.workspaceFolders ?? []) {
    const isTown = each.uri.fsPath === snapshot.root;
    // A town may be its own rig, where its folder is a repository.
    if (!rigFolders.has(each.uri.fsPath) && (!isTown || (await isRepository(each.uri)))) open.push(each);
  }
  await askInTurn(t('Add Rig'), [
    source.question(async (place) => {
      const choices = [
        {
          label: t('Git URL…'),
          description: t('clone it into the town'),
          iconPath: new vscode.ThemeIcon('cloud-download'),
          value: 'url',
        },
        {
          label: t('Folder…'),
          description: t('a git repository on this machine'),
          iconPath: new vscode.ThemeIcon('folder'),
          value: 'folder',
        },
        ...open.map((each) => ({
          label: each.name,
          description: each.uri.fsPath,
          iconPath: new vscode.ThemeIcon('folder-opened'),
          value: each.uri.fsPath,
        })),
      ];
      const chosen = await pick(place, choices, { placeholder: t('Where is the git repository?') });
      source.value = chosen === 'folder' ? await askForFolder(t('Add Rig')) : chosen;
    }),
    url.question(
      async (place) => {
        url.value = await input(place, {
          prompt: t('URL of the git repository, or its path on this machine.'),
          placeholder: 'https://github.com/owner/project.git',
          ...(url.value === undefined ? {} : { value: url.value }),
          validate: (text) =>
            text.trim() === '' ? t('Please give a URL or a path, or press Escape to cancel.') : undefined,
        });
      },
      () => source.value !== undefined && source.value !== 'url',
    ),
    name.question(async (place) => {
      name.value = await input(place, {
        prompt: t('Name of the rig.'),
        value: name.value ?? rigName(source.value === 'url' ? url.get() : source.get()),
        validate: (text) => {
          if (!/^[A-Za-z0-9][A-Za-z0-9_-]*$/.test(text)) return t('Use letters, digits, "-" and "_" only.');
          return taken.has(text) ? t('The town has a rig with this name already.') : undefined;
        },
      });
    }),
  ]);
  const from = source.value === 'url' ? url.get() : source.get();
  const add = (extent?: RigExtent): Promise<unknown> =>
    withProgress(t('Adding the rig {0}', name.get()), (signal) =>
      api.request('rig.add', { source: from, name: name.get(), ...(extent === undefined ? {} : { extent }) }, signal),
    );
  try {
    await add();
  } catch (error) {
    if (!hasCode(error, 'inside-repository')) throw error;
    await add(await askForExtent(error.message));
  }
};

/** A folder inside of a repository was named: is it that folder, or the repository? */
async function askForExtent(facts: string): Promise<RigExtent> {
  const choices = [
    {
      label: t('This Folder'),
      description: t('agents work in it; branches and worktrees are those of the repository around it'),
      iconPath: new vscode.ThemeIcon('folder'),
      value: 'folder' as const,
    },
    {
      label: t('The Whole Repository'),
      iconPath: new vscode.ThemeIcon('repo'),
      value: 'repository' as const,
    },
  ];
  return pickOne<RigExtent>(t('Add Rig'), choices, facts);
}

async function isRepository(folder: vscode.Uri): Promise<boolean> {
  try {
    await vscode.workspace.fs.stat(vscode.Uri.joinPath(folder, '.git'));
    return true;
  } catch {
    // There is none, or it cannot be looked at; it can still be chosen as a folder.
    return false;
  }
}

/** `https://host/owner/my.project.git` → `my-project`. */
function rigName(source: string): string {
  return nameOfSource(source).replace(/[^A-Za-z0-9_-]+/g, '-');
}

export const openTownSettings: Command = async (_given, deps) => {
  await openFile(settingsPath(connectionOf(deps).snapshot.root));
};

export const openRigSettings: Command = async (given, deps) => {
  const { snapshot } = connectionOf(deps);
  const rig = new Answer(given.rig);
  await askInTurn(t('Open Rig Settings'), [rigQuestion(rig, snapshot)]);
  const view = snapshot.rigs.find((each) => each.name === rig.get());
  if (!view) throw new GasTownError('unknown-rig', t('The town has no rig {0}.', rig.get()));
  await openFile(settingsPath(view.path));
};

/** Opens the file; where it does not exist yet, as a draft that becomes it on saving. */
async function openFile(path: string): Promise<void> {
  const file = vscode.Uri.file(path);
  try {
    await vscode.workspace.fs.stat(file);
  } catch {
    // There are no settings yet, and an editor cannot show what is not there.
    const draft = await vscode.workspace.openTextDocument(file.with({ scheme: 'untitled' }));
    const editor = await vscode.window.showTextDocument(draft);
    if (draft.getText() === '') {
      const text = `${JSON.stringify({ type: 'rig-settings', version: 1 }, null, 2)}\n`;
      await editor.edit((edit) => edit.insert(new vscode.Position(0, 0), text));
    }
    return;
  }
  await vscode.window.showTextDocument(file);
}
