import { RefusedError, TooLargeError } from '../../shared/channel/ask-once.ts';
import { socketMayBeBack } from '../../shared/channel/socket-may-be-back.ts';

const pauseMs = { first: 100, longest: 5000 };

/**
 * Asks one host after the other until one answers: hosts come and go (a reload of the window) while the user thinks. A
 * host that refuses is not asked again. Ends without an answer when the program that started us is gone. Rejects with
 * `TooLargeError` where no host would take the question.
 */
export async function untilAnswered<T extends object>(socket: string, ask: () => Promise<T>): Promise<Partial<T>> {
  const parent = process.ppid;
  for (let pause = pauseMs.first; process.ppid === parent; pause = Math.min(pause * 2, pauseMs.longest)) {
    const begun = performance.now();
    try {
      return await ask();
    } catch (error) {
      if (error instanceof TooLargeError) throw error;
      // `no-host`: one that is just going.
      if (error instanceof RefusedError && error.code !== 'no-host') return {};
    }
    // A host that held the question for a while was one: the next may follow at once.
    if (performance.now() - begun > pauseMs.longest) pause = pauseMs.first;
    await socketMayBeBack(socket, pause);
  }
  return {};
}
