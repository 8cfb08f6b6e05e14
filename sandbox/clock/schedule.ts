import { type Queued, TimeQueue } from './queue.ts';

interface DueEvent extends Queued {
  run: (at: number) => void;
}

/**
 * The events that are due in the world. Nothing ticks: every access to the world first runs the events that are due.
 */
export class Schedule {
  private readonly events = new TimeQueue<DueEvent>();
  private readonly watchers: ((at: number) => void)[] = [];
  private order = 0;
  private time: number;

  constructor(startAt: number) {
    this.time = startAt;
  }

  /** Returns the time of the running event, or of the last access, in milliseconds since 1970. */
  now(): number {
    return this.time;
  }

  /**
   * Calls the function after each event, with the world's time, for watchers that must see every state of the world.
   */
  watch(watcher: (at: number) => void): void {
    this.watchers.push(watcher);
  }

  /** Returns the time of the next event; undefined if there is none. */
  next(): number | undefined {
    return this.events.first()?.at;
  }

  at(at: number, run: (at: number) => void): void {
    this.events.add({ at: Math.max(at, this.time), order: this.order++, run });
  }

  after(milliseconds: number, run: (at: number) => void): void {
    this.at(this.time + milliseconds, run);
  }

  /** Runs every event that is due up to that time, in order; an event sees its own time as now. */
  advanceTo(time: number): void {
    for (;;) {
      const next = this.events.first();
      if (!next || next.at > time) break;
      this.events.remove(next);
      this.time = Math.max(this.time, next.at);
      next.run(this.time);
      for (const watcher of this.watchers) watcher(this.time);
    }
    this.time = Math.max(this.time, time);
  }
}
