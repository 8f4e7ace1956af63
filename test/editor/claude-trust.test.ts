// A folder that Claude has not been told to trust: its own dialog waits, and nobody answers it but the user.

import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stopAtFirstFailure, TownEditor } from '../support/editor/town-editor.ts';

describe('a folder that Claude does not trust', () => {
  let town: TownEditor;
  let left: unknown[] | undefined;

  beforeAll(async () => {
    town = await TownEditor.start();
    await town.open();
    await writeFile(path.join(town.editor.home, '.claude.json'), JSON.stringify({ hasCompletedOnboarding: true }));
  });
  afterAll(async () => {
    left ??= await town.stop();
  });
  stopAtFirstFailure(() => town);

  it('shows the terminal, and why the session waits', async () => {
    await town.window.palette.run('Gas Town: Start Mayor');
    const mayor = await town.untilSession('hq-mayor', 'to wait', (each) => each.activity.kind === 'attention');
    expect(mayor.cause).toMatch(/trust .*answer in the terminal/);
    await town.window.terminals.textWhen(/Yes, I trust this folder/);
    const rows = await town.sessions.rowsWhen('the mayor to wait', (all) =>
      all.some((row) => row.label === 'Mayor' && row.description.includes('waiting')),
    );
    expect(rows.find((row) => row.label === 'Mayor')?.ariaLabel).toContain('waiting');
    await town.window.screenshot('claude-trust');
  });

  it('starts when the person has answered there', async () => {
    await town.window.terminals.press('ArrowDown');
    await town.window.terminals.textWhen(/❯ Yes, I trust this folder/);
    await town.window.terminals.press('Enter');
    await town.untilIdle('hq-mayor');
  });

  it('leaves no process', async () => {
    left = await town.stop();
    expect(left).toEqual([]);
  });
});
