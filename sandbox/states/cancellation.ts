import { Interrupted } from './failure.ts';

/** Calls off everything under it: the whole execution, or the branches of one Map or Parallel. */
export class Cancellation {
  /** Never resolves; rejects with Interrupted once it is called off. */
  readonly interrupted: Promise<never>;
  private readonly children = new Set<{ cancel(): void }>();
  private readonly parent: Cancellation | undefined;
  private readonly reject: (reason: Interrupted) => void;
  private isCancelled = false;

  constructor(parent?: Cancellation) {
    const { promise, reject } = Promise.withResolvers<never>();
    // Whoever waits sees the rejection; when nobody does, there is nobody to tell.
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
    this.reject(new Interrupted('Called off.'));
    for (const child of this.children) child.cancel();
  }

  /** Calls that when it is called off, at once where it has been. Answers what ends that. */
  onCancel(run: () => void): () => void {
    const child = { cancel: run };
    if (this.isCancelled) run();
    else this.children.add(child);
    return () => this.children.delete(child);
  }

  /** To be called when the work under it is over. */
  release(): void {
    this.parent?.children.delete(this);
  }
}
