/** What has to be disposed: an object of ours or of the editor's. Some take a while, and return a promise. */
export interface Disposable {
  dispose(): unknown;
}

/** Subscribes a listener; disposing what it returns ends that. */
export type Event<T> = (listener: (value: T) => void) => Disposable;

/** One kind of event: tells state, does not steer flow. A listener that throws does not stop the others. */
export class Emitter<T> {
  private readonly listeners = new Set<(value: T) => void>();
  private readonly onListenerError: (error: unknown) => void;

  constructor(onListenerError: (error: unknown) => void) {
    this.onListenerError = onListenerError;
  }

  readonly event: Event<T> = (listener) => {
    this.listeners.add(listener);
    return { dispose: () => this.listeners.delete(listener) };
  };

  fire(value: T): void {
    for (const listener of [...this.listeners]) {
      try {
        listener(value);
      } catch (error) {
        this.onListenerError(error);
      }
    }
  }
}
