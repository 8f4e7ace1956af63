/**
 * Settings of an editor that runs tests or the demo: no welcome pages, no network, no second side bar; the terminal's
 * text is in the page, where tests and screenshots find it.
 */
export function quietSettings(workspaceTrust: boolean): Record<string, unknown> {
  return {
    'workbench.startupEditor': 'none',
    'workbench.welcomePage.walkthroughs.openOnInstall': false,
    'workbench.tips.enabled': false,
    'workbench.secondarySideBar.defaultVisibility': 'hidden',
    'workbench.enableExperiments': false,
    'chat.disableAIFeatures': true,
    'telemetry.telemetryLevel': 'off',
    'update.mode': 'none',
    'update.showReleaseNotes': false,
    'extensions.autoUpdate': false,
    'extensions.autoCheckUpdates': false,
    'extensions.ignoreRecommendations': true,
    'security.workspace.trust.enabled': workspaceTrust,
    'terminal.integrated.gpuAcceleration': 'off',
    // One screen a terminal in the page, and always a list of terminals to choose from.
    'terminal.integrated.stickyScroll.enabled': false,
    'terminal.integrated.tabs.hideCondition': 'never',
    'window.dialogStyle': 'custom',
    'git.openRepositoryInParentFolders': 'never',
  };
}
