// Hosts a town until it is told to close, or killed. See host-process.ts.
import { once } from 'node:events';
import { silentLogger } from '../../shared/process/logger.ts';
import { joinTown } from '../../shared/town/join.ts';
import type { HostSetup } from './host-process.ts';
import { PtyTerminalHost } from './pty-terminal-host.ts';

// Whoever started this has gone, so nobody would end it. Sessions live on, as after a crash.
process.once('disconnect', () => process.exit(1));
const [setup] = (await once(process, 'message')) as [HostSetup];
const member = await joinTown({ ...setup, terminals: new PtyTerminalHost(), log: silentLogger, trusted: () => true });
if (process.argv[2] === 'host' && member.role !== 'host') throw new Error('The town has a host already.');
process.send?.('ready');
await once(process, 'message');
await member.dispose();
process.exit(0);
