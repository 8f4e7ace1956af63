// The rooms of the house (docs/developer/architecture.md) and which door leads where.
const forbidden = (name, from, to, comment) => ({
  name,
  severity: 'error',
  comment,
  from: { path: from },
  to: { path: to },
});

module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    forbidden('only-extension-knows-vscode', '^(shared|plugin)/', '^vscode$', 'The core runs without an editor.'),
    forbidden('core-knows-no-host', '^shared/', '^(extension|plugin|test)/', 'The core does not know who hosts it.'),
    forbidden('extension-is-no-test', '^(extension|plugin)/', '^test/', 'Nothing shipped depends on tests.'),
    forbidden('extension-and-plugin-apart', '^extension/', '^plugin/', 'They meet only over the channel.'),
    {
      name: 'plugin-is-tiny',
      severity: 'error',
      comment: 'What runs inside a session imports only the channel and pure types.',
      from: { path: '^plugin/' },
      to: { path: '^(shared/(?!channel/)|extension/)', dependencyTypesNot: ['type-only'] },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      extensions: ['.ts', '.mjs', '.js'],
      exportsFields: ['exports'],
      conditionNames: ['import', 'types'],
    },
  },
};
