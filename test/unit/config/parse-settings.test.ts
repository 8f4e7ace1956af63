import { describe, expect, it, test } from 'vitest';
import { parseSettings } from '../../../shared/config/parse-settings.ts';
import { rigSettings } from '../../../shared/config/rig-settings.ts';
import { townSettings } from '../../../shared/config/town-settings.ts';

const seedRig = `{
  "type": "rig-settings",
  "version": 1,
  "agent": "opencode",
  "runtime": {
    "provider": "opencode",
    "command": "opencode",
    "hooks": {
      "provider": "opencode",
      "dir": ".opencode/plugin",
      "settings_file": "gastown.js"
    }
  }
}`;

const gasTownRig = `{
  "type": "rig-settings", "version": 1,
  "agent": "opencode",
  "role_agents": { "witness": "claude-haiku", "refinery": "claude" },
  "worker_agents": { "denali": "codex" },
  "agents": {
    "opencode-glm": { "provider": "opencode", "command": "opencode", "args": ["--model", "zai/glm-4.7"],
      "env": { "OPENCODE_PERMISSION": "{}" }, "prompt_mode": "arg",
      "hooks": { "provider": "opencode", "dir": ".opencode/plugins", "settings_file": "gastown.js" },
      "tmux": { "process_names": ["opencode"], "ready_delay_ms": 8000 },
      "instructions": { "file": "AGENTS.md" } },
    "own": { "command": "claude", "args": null }
  },
  "namepool": { "style": "mad-max", "max_before_numbering": 50 },
  "workflow": { "default_formula": "mol-polecat-work" },
  "merge_queue": { "enabled": true, "on_conflict": "assign_back" }
}`;

const gasTownTown = `{
  "type": "town-settings", "version": 1,
  "default_agent": "claude",
  "role_agents": { "mayor": "claude", "polecat": "opencode", "dog": "claude" },
  "crew_agents": {}, "agents": {}, "role_effort": { "mayor": "high" }, "cost_tier": "standard",
  "scheduler": { "max_polecats": 10 },
  "operational": { "session": { "claude_start_timeout": "60s" } }
}`;

describe('settings that are allowed', () => {
  it.each([
    ["the seed's rig", seedRig, rigSettings],
    ['a rig of Gas Town', gasTownRig, rigSettings],
    ['a town of Gas Town', gasTownTown, townSettings],
    ['a file with comments', '// the town\n{ "type": "town-settings" /* yes */ }', townSettings],
  ])('%s gives its value and no problems', (_what, text, schema) => {
    const { value, problems } = parseSettings<object>(text, schema, 'config.json');
    expect(problems).toEqual([]);
    expect(value).toMatchObject({ type: expect.stringMatching(/^(town|rig)-settings$/) as string });
  });

  it('keeps unknown keys and warns of each, with its line and the nearest key', () => {
    const text = `{
  "type": "rig-settings",
  "agnet": "opencode",
  "agents": {
    "glm": { "comand": "opencode", "mine": 1 }
  }
}`;
    const { value, problems } = parseSettings(text, rigSettings, 'config.json');
    expect(value).toMatchObject({ agnet: 'opencode', agents: { glm: { mine: 1 } } });
    expect(problems).toEqual([
      {
        file: 'config.json',
        line: 3,
        severity: 'warning',
        message: 'agnet is not a known key and has no effect. Did you mean "agent"?',
      },
      {
        file: 'config.json',
        line: 5,
        severity: 'warning',
        message: 'agents.glm.comand is not a known key and has no effect. Did you mean "command"?',
      },
      {
        file: 'config.json',
        line: 5,
        severity: 'warning',
        message: 'agents.glm.mine is not a known key and has no effect.',
      },
    ]);
  });
});

test('D5: a comma behind the last is how people write lists, and means nothing', () => {
  const { value, problems } = parseSettings(
    '{\n  "type": "rig-settings",\n  "agents": { "glm": { "args": ["-x",], } },\n}\n',
    rigSettings,
    'config.json',
  );
  expect({ args: value?.agents?.['glm']?.args, problems }).toEqual({ args: ['-x'], problems: [] });
});

describe('settings that are not allowed', () => {
  const rig = (...lines: string[]) => ['{', '  "type": "rig-settings",', ...lines, '}'].join('\n');

  it.each([
    ['', 1, 'The file is empty.'],
    ['{\n  "type": "rig-settings"\n  "agent": "x"\n}', 3, 'The file is not valid JSON: comma expected at "agent".'],
    ['{\n  "type": "rig-settings",\n  ,\n}', 3, 'The file is not valid JSON: property name expected at ,.'],
    [
      '{\n  \u00a0"type": "rig-settings"\n}',
      2,
      'The file is not valid JSON: invalid symbol at the invisible character U+00A0.',
    ],
    [
      '{\n  "type": "rig-settings"\n}\u200b',
      3,
      'The file is not valid JSON: invalid symbol at the invisible character U+200B.',
    ],
    ['{\n  "type": "rig-settings"\n', 3, 'The file is not valid JSON: close brace expected at the end of the file.'],
    ['[]', 1, 'The file is an array, but must be an object.'],
    ['{}', 1, 'type is missing: it must be "rig-settings".'],
    ['{\n  "type": "rig-setings"\n}', 2, 'type is "rig-setings", but must be "rig-settings".'],
    [rig('  "version": 2'), 3, 'version is 2, but must be 1.'],
    [rig('  "agent": 5'), 3, 'agent is a number, but must be a string.'],
    [rig('  "agent": ""'), 3, 'agent is empty, but must be a name.'],
    [rig('  "role_agents": {', '    "polecat": null', '  }'), 4, 'role_agents.polecat is null, but must be a string.'],
    [
      rig('  "agents": {', '    "glm": {', '      "args": "-x" } }'),
      5,
      'agents.glm.args is a string, but must be an array.',
    ],
    [
      rig('  "agents": {', '    "glm": {', '      "args": ["a",', '        1] } }'),
      6,
      'agents.glm.args[1] is a number, but must be a string.',
    ],
    [
      rig('  "agents": { "glm": {', '    "prompt_mode": "args" } }'),
      4,
      'agents.glm.prompt_mode is "args", but must be "arg" or "none". Did you mean "arg"?',
    ],
    [rig('  "agents": { "": {} }'), 3, 'agents[""] has a key that is empty, but must be a name.'],
    [
      rig('  "namepool": { "max_before_numbering": 0 }'),
      3,
      'namepool.max_before_numbering is 0, but must be at least 1.',
    ],
    [
      rig('  "runtime": { "hooks": {', '    "dir": "../elsewhere" } }'),
      4,
      'runtime.hooks.dir is "../elsewhere", but must be a path with forward slashes that stays inside the work directory.',
    ],
    [
      rig('  "runtime": { "hooks": {', '    "dir": "/etc" } }'),
      4,
      'runtime.hooks.dir is "/etc", but must be a path with forward slashes that stays inside the work directory.',
    ],
  ])('%j: line %i, %s', (text, line, message) => {
    expect(parseSettings(text, rigSettings, 'config.json')).toEqual({
      problems: [{ file: 'config.json', line, message }],
    });
  });

  it('names every field that is wrong', () => {
    const { problems } = parseSettings(
      '{ "type": "town-settings", "default_agent": 1, "agents": [] }',
      townSettings,
      'f',
    );
    expect(problems.map(({ message }) => message)).toEqual([
      'default_agent is a number, but must be a string.',
      'agents is an array, but must be an object.',
    ]);
  });
});

describe('a text that is made to take long', () => {
  const problemsOf = (text: string) => parseSettings(text, rigSettings, 'f').problems;

  it.each([
    ['objects', '{"a":'.repeat(3000)],
    ['arrays behind an unfinished comment', `{"x": ${'['.repeat(3000)} /* `],
    ['closed brackets', `{"merge_queue": ${'['.repeat(3000)}${']'.repeat(3000)}}`],
  ])('%s in each other are one problem', (_what, text) => {
    expect(problemsOf(text)).toEqual([{ file: 'f', line: 1, message: 'The file goes deeper than 64 levels.' }]);
  });

  it('brackets in strings are no depth', () => {
    expect(problemsOf(JSON.stringify({ type: 'rig-settings', agent: '[{'.repeat(3000) }))).toEqual([]);
  });

  it('of 100,000 mistakes the first 50 are told, shortened, and soon', () => {
    const text = JSON.stringify(
      {
        type: 'rig-settings',
        namepool: { names: Array.from({ length: 100_000 }, (_, at) => `../${'x'.repeat(300 - (at % 2))}`) },
      },
      null,
      1,
    ).slice(0, 1_000_000);
    const begun = performance.now();
    const found = problemsOf(text.slice(0, text.lastIndexOf(',')) + ']}}');
    expect(found).toHaveLength(50);
    expect(found[0]?.message.length).toBeLessThan(400);
    expect(performance.now() - begun).toBeLessThan(8000);
  });

  it('a key of 500,000 characters is not compared with those that are known', () => {
    const begun = performance.now();
    expect(
      problemsOf(JSON.stringify({ type: 'rig-settings', ['agent'.repeat(100_000)]: 1 }))[0]?.message.length,
    ).toBeLessThan(400);
    expect(performance.now() - begun).toBeLessThan(8000);
  });
});

describe('what a rig would have us write where it has no business', () => {
  it.each([
    [
      '{ "namepool": { "names": ["nux", "../../../x"] } }',
      'namepool.names[1] is "../../../x", but must be a name of letters',
    ],
    ['{ "namepool": { "names": ["mayor"] } }', 'namepool.names[0] is "mayor", but must be a name of letters'],
    [
      '{ "agents": { "x": { "hooks": { "dir": ".GIT/hooks" } } } }',
      'agents.x.hooks.dir is ".GIT/hooks", but must not be in .git',
    ],
    ['{ "runtime": { "hooks": { "dir": "sub/.git" } } }', 'runtime.hooks.dir is "sub/.git", but must not be in .git'],
  ])('%s is refused', (text, problem) => {
    const given = JSON.stringify({ type: 'rig-settings', ...(JSON.parse(text) as object) });
    expect(parseSettings(given, rigSettings, 'f').problems.map(({ message }) => message)).toEqual([
      expect.stringContaining(problem),
    ]);
  });
});
