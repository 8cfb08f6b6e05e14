import { Interrupted } from './failure.ts';

/** Cancels everything below it: the whole execution, or the branches of one Map or Parallel. */
export class Cancellation {
  /** Never resolves; rejects with Interrupted on cancellation. */
  readonly interrupted: Promise<never>;
  private readonly children = new Set<{ cancel(): void }>();
  private readonly parent: Cancellation | undefined;
  private readonly reject: (reason: Interrupted) => void;
  private isCancelled = false;

  constructor(parent?: Cancellation) {
    const { promise, reject } = Promise.withResolvers<never>();
    // Waiting code sees the rejection; without any, it must not count as unhandled.
    promise.catch(() => undefined);
    this.interrupted = promise;
    this.reject = reject;
    this.parent = parent;
    parent?.children.add(this);
  }

  get cancelled(): boolean {
    return this.isCancelled;
  }

  cancel(): void {
    if (this.isCancelled) return;
    this.isCancelled = true;
    this.reject(new Interrupted('Cancelled.'));
    for (const child of this.children) child.cancel();
  }

  /** Calls the function on cancellation, or at once if already cancelled. Returns a function that removes it. */
  onCancel(run: () => void): () => void {
    const child = { cancel: run };
    if (this.isCancelled) run();
    else this.children.add(child);
    return () => this.children.delete(child);
  }

  /** Must be called when the work below it has ended. */
  release(): void {
    this.parent?.children.delete(this);
  }
}
