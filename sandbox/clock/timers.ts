import { type Queued, TimeQueue } from './queue.ts';

export interface PendingTimer extends Queued {
  fire: () => void;
}

/** The pending timers of a clock: those that it waits for, and those in the background. */
export class Timers {
  private readonly foreground = new TimeQueue<PendingTimer>();
  private readonly background = new TimeQueue<PendingTimer>();
  private order = 0;

  add(at: number, fire: () => void, background: boolean): PendingTimer {
    const timer: PendingTimer = { at, order: this.order++, fire };
    (background ? this.background : this.foreground).add(timer);
    return timer;
  }

  /** Does nothing if the timer has fired or was removed. */
  remove(timer: PendingTimer): void {
    this.foreground.remove(timer);
    this.background.remove(timer);
  }

  /** Returns the first timer of all; at equal times, the one created first. */
  first(): PendingTimer | undefined {
    const [next, ticking] = [this.foreground.first(), this.background.first()];
    if (!next || !ticking) return next ?? ticking;
    return ticking.at < next.at || (ticking.at === next.at && ticking.order < next.order) ? ticking : next;
  }

  /** Returns whether any timer is pending that is not in the background. */
  get isAwaited(): boolean {
    return this.foreground.size > 0;
  }
}
