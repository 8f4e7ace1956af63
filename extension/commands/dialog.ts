import * as vscode from 'vscode';
import { GasTownError } from '../../shared/platform/errors.ts';
import { DisposableStore } from '../../shared/platform/disposable-store.ts';

/** Where a question stands in its sequence. */
export interface Place {
  title: string;
  step: number;
  of: number;
  canGoBack: boolean;
}

export interface Question {
  /** Not asked while true: it is answered already, or there is nothing to choose. */
  skip?(): boolean;
  ask(place: Place): Promise<void>;
}

/** One choice of a list. */
export interface Choice<T> extends vscode.QuickPickItem {
  value: T;
}

class GoBack extends Error {}

/** Rejections of this kind are not shown: the user knows what they did. */
export function cancelled(): GasTownError {
  return new GasTownError('cancelled', vscode.l10n.t('Cancelled.'));
}

/** Asks one question after the other; each can be left backwards or for good (rejects with `cancelled`). */
export async function askInTurn(title: string, questions: readonly Question[]): Promise<void> {
  const answered: number[] = [];
  let index = 0;
  while (index < questions.length) {
    const question = questions[index]!;
    if (question.skip?.()) {
      index++;
      continue;
    }
    const remaining = questions.slice(index).filter((each) => !each.skip?.()).length;
    const place = { title, step: answered.length + 1, of: answered.length + remaining, canGoBack: answered.length > 0 };
    try {
      await question.ask(place);
      answered.push(index++);
    } catch (error) {
      if (!(error instanceof GoBack)) throw error;
      index = answered.pop() ?? 0;
    }
  }
}

export interface PickOptions {
  placeholder: string;
  /** Shown as the answer that Enter gives. */
  preferred?: string;
}

export async function pick<T>(place: Place, choices: readonly Choice<T>[], options: PickOptions): Promise<T> {
  const input = vscode.window.createQuickPick<Choice<T>>();
  input.items = choices;
  input.placeholder = options.placeholder;
  input.matchOnDescription = true;
  input.matchOnDetail = true;
  const active = choices.find((choice) => choice.label === options.preferred);
  if (active) input.activeItems = [active];
  const [chosen] = await shown(input, place, () =>
    input.selectedItems.length > 0 ? [...input.selectedItems] : undefined,
  );
  if (!chosen) throw cancelled();
  return chosen.value;
}

/** Several of a list; at first, all of them are chosen or none. */
export async function pickMany<T>(
  place: Place,
  choices: readonly Choice<T>[],
  placeholder: string,
  atFirst: 'all' | 'none' = 'all',
): Promise<T[]> {
  const input = vscode.window.createQuickPick<Choice<T>>();
  input.canSelectMany = true;
  input.items = choices;
  if (atFirst === 'all') input.selectedItems = choices;
  input.placeholder = placeholder;
  input.matchOnDescription = true;
  const chosen = await shown(input, place, () =>
    input.selectedItems.length > 0 ? [...input.selectedItems] : undefined,
  );
  return chosen.map((choice) => choice.value);
}

export interface InputOptions {
  prompt: string;
  placeholder?: string;
  value?: string;
  /** What is wrong with the text, or undefined. */
  validate?(text: string): string | undefined;
}

export function input(place: Place, options: InputOptions): Promise<string> {
  const box = vscode.window.createInputBox();
  box.prompt = options.prompt;
  box.placeholder = options.placeholder;
  box.value = options.value ?? '';
  const complaint = () => options.validate?.(box.value.trim());
  // A complaint appears when Enter is pressed, and goes as soon as the text is right: nobody is scolded while typing.
  const complaining = box.onDidChangeValue(() => {
    if (box.validationMessage) box.validationMessage = complaint();
  });
  const answer = shown(box, place, () => {
    box.validationMessage = complaint();
    return box.validationMessage === undefined ? box.value.trim() : undefined;
  });
  return answer.finally(() => complaining.dispose());
}

interface Shown extends vscode.QuickInput {
  buttons: readonly vscode.QuickInputButton[];
  readonly onDidTriggerButton: vscode.Event<vscode.QuickInputButton>;
  readonly onDidAccept: vscode.Event<void>;
}

/** Shows the input until `answer` gives one on Enter. */
function shown<T>(input: Shown, place: Place, answer: () => T | undefined): Promise<T> {
  input.title = place.title;
  if (place.of > 1) {
    input.step = place.step;
    input.totalSteps = place.of;
  }
  input.ignoreFocusOut = true;
  if (place.canGoBack) input.buttons = [vscode.QuickInputButtons.Back];
  const disposables = new DisposableStore();
  disposables.add(input);
  return new Promise<T>((resolve, reject) => {
    disposables.add(
      input.onDidTriggerButton((button) => {
        if (button === vscode.QuickInputButtons.Back) reject(new GoBack());
      }),
    );
    disposables.add(
      input.onDidAccept(() => {
        const value = answer();
        if (value !== undefined) resolve(value);
      }),
    );
    disposables.add(input.onDidHide(() => reject(cancelled())));
    input.show();
  }).finally(() => disposables.dispose());
}
