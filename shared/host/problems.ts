import type { Disposable } from '../platform/emitter.ts';
import type { Problem } from '../domain/problem.ts';

/** What is wrong, for people: each part that knows of something is added when it is made, and asked for what is so now. */
export class Problems {
  private readonly sources = new Set<() => readonly Problem[]>();

  add(source: () => readonly Problem[]): Disposable {
    this.sources.add(source);
    return { dispose: () => this.sources.delete(source) };
  }

  list(): Problem[] {
    return [...this.sources].flatMap((source) => source());
  }
}
