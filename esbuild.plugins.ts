/** What keeps the bundles small. What they do is the same without any of these. */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { Plugin } from 'esbuild';
import type { Node, SourceFile, TransformerFactory } from 'typescript';

/**
 * vscode-jsonrpc is CommonJS, of which esbuild keeps everything: pipes, processes and workers too, and each name once more
 * to pass it on. In place of the two modules that gather the others stand the parts of them that the channel needs; an import
 * of anything else fails the build.
 */
const jsonRpcParts = {
  'lib/common/api.js': `
    export { Disposable } from './disposable';
    export { AbstractMessageBuffer } from './messageBuffer';
    export { default as RAL } from './ral';
  `,
  'lib/node/main.js': `
    import { ReadableStreamMessageReader } from '../common/messageReader';
    import { WriteableStreamMessageWriter } from '../common/messageWriter';
    import ril from './ril';
    export { CancellationTokenSource } from '../common/cancellation';
    export { ConnectionError, createMessageConnection } from '../common/connection';
    export { ErrorCodes, ResponseError } from '../common/messages';

    ril.install();

    export class StreamMessageReader extends ReadableStreamMessageReader {
      constructor(readable, options) {
        super(ril().stream.asReadableStream(readable), options);
      }
    }
    export { StreamMessageReader as SocketMessageReader };

    export class SocketMessageWriter extends WriteableStreamMessageWriter {
      constructor(socket, options) {
        super(ril().stream.asWritableStream(socket), options);
        this.socket = socket;
      }
      dispose() {
        super.dispose();
        this.socket.destroy();
      }
    }
  `,
};

export const jsonRpcInParts: Plugin = {
  name: 'json-rpc-in-parts',
  setup({ onLoad }) {
    for (const [file, contents] of Object.entries(jsonRpcParts)) {
      const filter = new RegExp(`/vscode-jsonrpc/${file}$`.replaceAll('/', String.raw`[\\/]`));
      onLoad({ filter }, () => ({ contents }));
    }
    onLoad({ filter: /[\\/]vscode-jsonrpc[\\/]lib[\\/]common[\\/](messages|linkedMap)\.js$/ }, async ({ path }) => ({
      contents: (await readFile(path, 'utf8')).replace(allNames, '').replaceAll(unusedClasses, ''),
    }));
  },
};

/** Before it says what they are, the compiler's output says of all names of a file that they are none. */
const allNames = /^exports\.\w+ = (?:exports\.\w+ = )*void 0;$/m;

/** Kinds of requests and notifications by the number of their parameters (ours are named by their methods), and a cache. */
const unusedClasses =
  /^class ((?:RequestType|NotificationType)\d|RequestType|LRUCache) extends \w+ \{\n[\s\S]*?^\}\nexports\.\1 = \1;$/gm;

/**
 * In CommonJS each file that imports a module of Node's requires it anew, unless all of them import the same file of the
 * bundle, which says what the module has.
 */
export const builtinsOnce: Plugin = {
  name: 'builtins-once',
  setup({ onResolve, onLoad }) {
    const namespace = 'builtin';
    onResolve({ filter: /^node:/ }, ({ path, kind, namespace: importer }) =>
      kind === 'import-statement' && importer !== namespace
        ? { path, namespace, sideEffects: false }
        : { path, external: true },
    );
    onLoad({ filter: /^/, namespace }, ({ path }) => {
      const names = Object.keys(createRequire(import.meta.url)(path) as object).filter((name) =>
        /^[a-z]\w*$/i.test(name),
      );
      return { contents: `export { ${[...new Set(['default', ...names])].join()} } from '${path}';` };
    });
  },
};

/** What the settings' definitions say for the JSON schemas alone, which are made from the sources. */
export const withoutDescriptions: Plugin = {
  name: 'without-descriptions',
  setup({ onLoad }) {
    onLoad({ filter: /[\\/]shared[\\/]config[\\/][^\\/]+\.ts$/ }, async ({ path }) => ({
      contents: await undescribed(await readFile(path, 'utf8')),
      loader: 'ts',
    }));
  },
};

/** Pure. TypeScript without `z.describe` and `z.meta` among checks: neither checks anything. */
async function undescribed(text: string): Promise<string> {
  const { default: ts } = await import('typescript');
  const source = ts.createSourceFile('settings.ts', text, ts.ScriptTarget.Latest, true);
  const isDescription = (node: Node): boolean =>
    ts.isCallExpression(node) && ['z.describe', 'z.meta'].includes(node.expression.getText(source));
  const transformer: TransformerFactory<SourceFile> = (context) => (file) => {
    const visit = (node: Node): Node => {
      const isCheck =
        ts.isCallExpression(node) &&
        ts.isPropertyAccessExpression(node.expression) &&
        node.expression.name.text === 'check' &&
        node.arguments.some(isDescription);
      if (!isCheck) return ts.visitEachChild(node, visit, context);
      const checks = node.arguments.filter((argument) => !isDescription(argument));
      // With no check, `schema.check()` is the schema.
      if (checks.length === 0) return visit(node.expression.expression);
      return ts.visitEachChild(
        ts.factory.updateCallExpression(node, node.expression, undefined, checks),
        visit,
        context,
      );
    };
    return ts.visitEachChild(file, visit, context);
  };
  const [transformed] = ts.transform(source, [transformer]).transformed;
  return ts.createPrinter().printFile(transformed ?? source);
}
