import * as vscode from 'vscode';
import { townRoles, roles } from '../../shared/domain/orchestrator.ts';
import type { Role } from '../../shared/domain/orchestrator.ts';
import type { MergeView, SessionView, TownSnapshot, WorkView } from '../../shared/channel/views.ts';
import { knownAgents } from '../town/known-agents.ts';
import { themeIcon } from '../views/node-tree-provider.ts';
import { mergeIcon, mergeParts } from '../views/merge-text.ts';
import { lookOf, sessionIcons } from '../views/session-icon.ts';
import { agentText, fullSessionName, roleName, stateText } from '../views/session-text.ts';
import { viewContext } from '../views/views.ts';
import { workIcons, workStateText } from '../views/work-tree.ts';
import { askInTurn, cancelled, input, pick } from './dialog.ts';
import type { Choice, Question } from './dialog.ts';

const t = vscode.l10n.t;

/** An answer that is known from the start, or will be asked for. */
export class Answer {
  value: string | undefined;
  private readonly known: boolean;

  constructor(given: string | undefined) {
    this.value = given;
    this.known = given !== undefined;
  }

  /** A question that is not asked where the answer is known, or where `needless` says so. */
  question(ask: Question['ask'], needless: () => boolean = () => false): Question {
    return { skip: () => this.known || needless(), ask };
  }

  /** The answer, once its question has been asked. */
  get(): string {
    if (this.value === undefined) throw cancelled();
    return this.value;
  }
}

export function sessionChoices(sessions: readonly SessionView[]): Choice<string>[] {
  const context = viewContext();
  return sessions.map((session) => ({
    label: fullSessionName(session, t),
    description: [agentText(session, t), session.role, stateText(session, context)].join(' · '),
    iconPath: themeIcon(sessionIcons[lookOf(session)]),
    value: session.id,
  }));
}

/** Asks for one of the sessions. */
export function sessionQuestion(answer: Answer, sessions: readonly SessionView[], placeholder: string): Question {
  return answer.question(async (place) => {
    if (sessions.length === 0) {
      void vscode.window.showInformationMessage(
        t('There is no session for this. Start one with "Gas Town: Spawn Session…".'),
      );
      throw cancelled();
    }
    answer.value = await pick(place, sessionChoices(sessions), { placeholder });
  });
}

/** The rig of a town that has just one. */
export function onlyRig({ rigs }: TownSnapshot): string | undefined {
  return rigs.length === 1 ? rigs[0]?.name : undefined;
}

/** Asks for a rig; where there is only one, takes it. */
export function rigQuestion(answer: Answer, snapshot: TownSnapshot, needless?: () => boolean): Question {
  const only = onlyRig(snapshot);
  answer.value ??= only;
  return answer.question(
    async (place) => {
      if (snapshot.rigs.length === 0) {
        const addRig = t('Add Rig…');
        void vscode.window.showInformationMessage(t('The town has no rig yet.'), addRig).then((chosen) => {
          if (chosen === addRig) void vscode.commands.executeCommand('gastown.addRig');
        });
        throw cancelled();
      }
      const choices = snapshot.rigs.map(({ name, path, problem }) => ({
        label: name,
        description: problem ?? path,
        iconPath: new vscode.ThemeIcon(problem === undefined ? 'repo' : 'warning'),
        value: name,
      }));
      answer.value = await pick(place, choices, { placeholder: t('Which rig?') });
    },
    () => only !== undefined || (needless?.() ?? false),
  );
}

/** Asks which agent shall run; empty for the one that the settings name for the role. */
export function agentQuestion(answer: Answer, snapshot: TownSnapshot, rig: Answer): Question {
  return answer.question(async (place) => {
    const byRole = { label: t('Default'), description: t('as the settings say for this role'), value: '' };
    const choices = [byRole, ...(await agentChoices(snapshot, rig.value))];
    answer.value = await pick(place, choices, { placeholder: t('Which agent?') });
  });
}

/** The agents that a rig's sessions can run; the town's where there is no such rig. */
export async function agentChoices(snapshot: TownSnapshot, rig: string | undefined): Promise<Choice<string>[]> {
  const agents = await knownAgents(snapshot.root, snapshot.rigs.find(({ name }) => name === rig)?.path);
  return agents.map(({ name, command }) => ({
    label: name,
    description: command === name ? '' : command,
    value: name,
  }));
}

/** Asks for a role; the ones that a rig is needed for are left out of a town that has none. */
export function roleQuestion(answer: Answer, snapshot: TownSnapshot, onlyOfRig: boolean): Question {
  const purposes: Record<Role, string> = {
    mayor: t('talks with you and slings work; one per town'),
    deacon: t('looks after the health of the town; one per town'),
    witness: t('watches the polecats of a rig; one per rig'),
    refinery: t('reviews and merges; one per rig'),
    crew: t('long-lived named worker beside you'),
    polecat: t('worker in a worktree of its own, for one unit of work'),
  };
  return answer.question(async (place) => {
    const offered = roles.filter((role) => (townRoles.includes(role) ? !onlyOfRig : snapshot.rigs.length > 0));
    const choices = offered.map((role) => ({ label: roleName(role, t), description: purposes[role], value: role }));
    answer.value = await pick(place, choices, { placeholder: t('Which role?') });
  });
}

/** Asks for a worker's name; empty leaves it to the town. `hint` is what is to be known before. */
export function nameQuestion(
  answer: Answer,
  snapshot: TownSnapshot,
  rig: Answer,
  { needless, hint }: { needless?: () => boolean; hint?: () => Promise<string | undefined> } = {},
): Question {
  return answer.question(async (place) => {
    const prompt = t('Name of the worker. Leave it empty to let the town choose.');
    const before = await hint?.();
    const taken = new Set(snapshot.sessions.filter((each) => each.rig === rig.value).map((each) => each.agentName));
    answer.value = await input(place, {
      prompt: before === undefined ? prompt : `${before} ${prompt}`,
      placeholder: 'worker-1',
      ...(answer.value === undefined ? {} : { value: answer.value }),
      validate: (text) => nameComplaint(text, taken),
    });
  }, needless);
}

export function nameComplaint(text: string, taken: ReadonlySet<string>): string | undefined {
  if (text === '') return undefined;
  if (!/^[A-Za-z0-9][A-Za-z0-9_-]*$/.test(text)) return t('Use letters, digits, "-" and "_" only.');
  return taken.has(text) ? t('There is a session with this name in the rig.') : undefined;
}

/** With their merges, each says what is to be decided about it. */
export function workChoices(work: readonly WorkView[], merges: readonly MergeView[] = []): Choice<string>[] {
  return work.map((each) => {
    const merge = each.state === 'done' ? merges.find((known) => known.work === each.id) : undefined;
    const state = merge ? mergeParts(merge, t) : [workStateText(each.state, t)];
    return {
      label: each.id,
      description: [each.title, each.rig, ...state].filter((part) => part !== '' && part !== each.id).join(' · '),
      iconPath: themeIcon(merge ? mergeIcon(merge) : workIcons[each.state]),
      value: each.id,
    };
  });
}

/** Asks for a text that must not be empty. `prompt` may be a function of what has been answered until then. */
export function textQuestion(answer: Answer, prompt: string | (() => string), placeholder: string): Question {
  return answer.question(async (place) => {
    answer.value = await input(place, {
      prompt: typeof prompt === 'string' ? prompt : prompt(),
      placeholder,
      ...(answer.value === undefined ? {} : { value: answer.value }),
      validate: (text) => (text === '' ? t('Please write something, or press Escape to cancel.') : undefined),
    });
  });
}

/** One list outside a sequence. */
export async function pickOne<T>(
  title: string,
  choices: readonly Choice<T>[],
  placeholder: string,
  preferred?: string,
): Promise<T> {
  let chosen: { value: T } | undefined;
  const question: Question = {
    ask: async (place) => {
      chosen = {
        value: await pick(place, choices, { placeholder, ...(preferred === undefined ? {} : { preferred }) }),
      };
    },
  };
  await askInTurn(title, [question]);
  if (!chosen) throw cancelled();
  return chosen.value;
}
