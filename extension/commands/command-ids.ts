/** Every command that `package.json` contributes (checked by a test), as `gastown.<name>`. */
export const commandNames = [
  'createTown',
  'addRig',
  'newWork',
  'slingWork',
  'spawnSession',
  'attach',
  'startMayor',
  'startRefinery',
  'assignWork',
  'sendMessage',
  'broadcastMessage',
  'terminateSession',
  'showAgents',
  'showWaiting',
  'checkHealth',
  'openRigSettings',
  'openTownSettings',
  'showLog',
  'checkAgents',
  'allow',
  'deny',
  'answer',
] as const;

export type CommandName = (typeof commandNames)[number];
