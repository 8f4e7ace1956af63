// Hosts a town until it is told to close, or killed. See host-process.ts.
import { once } from 'node:events';
import { joinTown } from '../../shared/host/membership.ts';
import { BorrowedTerminalHost } from './borrowed-terminals.ts';
import { fileLogger } from './file-logger.ts';
import type { HostSetup } from './host-process.ts';
import { PtyTerminalHost } from './pty-terminal-host.ts';

// Whoever started this has gone, so nobody would end it. Sessions live on, as after a crash.
process.once('disconnect', () => process.exit(1));
const toClose = new Promise<void>((resolve) => process.on('message', (message) => message === 'close' && resolve()));
const [{ borrowsTerminals, logFile, ...setup }] = (await once(process, 'message')) as [HostSetup];
const terminals = borrowsTerminals ? new BorrowedTerminalHost() : new PtyTerminalHost();
const member = await joinTown({ ...setup, terminals, log: fileLogger(logFile), trusted: () => true });
if (process.argv[2] === 'host' && member.role !== 'host') throw new Error('The town has a host already.');
process.send?.('ready');
await toClose;
await member.dispose();
process.exit(0);
