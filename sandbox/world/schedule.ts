import { type Queued, TimeQueue } from './queue.ts';

interface DueEvent extends Queued {
  run: (at: number) => void;
}

/** What is due in the world and when. Nothing ticks: whoever looks at the world first lets due events happen. */
export class Schedule {
  private readonly events = new TimeQueue<DueEvent>();
  private readonly watchers: ((at: number) => void)[] = [];
  private order = 0;
  private time: number;

  constructor(startAt: number) {
    this.time = startAt;
  }

  /** Time of the event that is happening, or of the last look: milliseconds since 1970. */
  now(): number {
    return this.time;
  }

  /** Calls that function after each event, with the world's time: for whoever must see every state of the world. */
  watch(watcher: (at: number) => void): void {
    this.watchers.push(watcher);
  }

  at(at: number, run: (at: number) => void): void {
    this.events.add({ at: Math.max(at, this.time), order: this.order++, run });
  }

  after(milliseconds: number, run: (at: number) => void): void {
    this.at(this.time + milliseconds, run);
  }

  /** Lets everything happen that is due up to that time, in order; an event sees its own time as now. */
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
