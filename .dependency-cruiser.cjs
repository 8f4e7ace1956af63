// The rooms of the house (docs/developer/architecture.md) and which door leads where.
const forbidden = (name, from, to, comment) => ({
  name,
  severity: 'error',
  comment,
  from: { path: from },
  to: { path: to },
});

// The rooms of shared/, top down: imports go down only, types too; rooms on one line do not know each other.
const rooms = [
  ['host'],
  ['api'],
  ['reconcile', 'merge'],
  ['orchestration'],
  ['messages', 'attention'],
  ['sessions'],
  ['backends', 'work'],
  ['store', 'channel', 'config', 'roles'],
  ['domain'],
  ['platform'],
];

const order = rooms
  .flatMap((peers, level) =>
    peers.map((room) => {
      const closed = [...rooms.slice(0, level).flat(), ...peers.filter((peer) => peer !== room)];
      if (closed.length === 0) return [];
      return forbidden(
        `order-of-${room}`,
        `^shared/${room}/`,
        `^shared/(${closed.join('|')})/`,
        `${room} knows only the rooms below it.`,
      );
    }),
  )
  .flat();

module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    ...order,
    {
      name: 'every-room-has-a-place',
      severity: 'error',
      comment: 'A new folder of shared/ gets its line in `rooms`.',
      from: {},
      to: { path: '^shared/', pathNot: `^shared/(${rooms.flat().join('|')})/` },
    },
    forbidden(
      'backends-apart',
      '^shared/backends/([^/]+)/',
      '^shared/backends/(?!$1/)[^/]+/',
      'What two backends share is in neither of them.',
    ),
    forbidden('only-extension-knows-vscode', '^(shared|plugin)/', '^vscode$', 'The core runs without an editor.'),
    forbidden('core-knows-no-host', '^shared/', '^(extension|plugin|test)/', 'The core does not know who hosts it.'),
    forbidden('extension-is-no-test', '^(extension|plugin)/', '^test/', 'Nothing shipped depends on tests.'),
    forbidden(
      'zod-mini',
      '^(shared|plugin|extension)/',
      '^node_modules/zod/(index|v4/(index|classic))',
      'What a bundle does not call of `zod/mini` is not in it; of `zod` most is.',
    ),
    forbidden('extension-and-plugin-apart', '^extension/', '^plugin/', 'They meet only over the channel.'),
    {
      name: 'plugin-is-tiny',
      severity: 'error',
      comment: 'What runs inside a session imports only the channel, the domain and the platform.',
      from: { path: '^plugin/' },
      to: { path: '^(shared/(?!(channel|domain|platform)/)|extension/)' },
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
