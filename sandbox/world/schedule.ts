/** What is due in the world and when. Nothing ticks: whoever looks at the world first lets due events happen. */
export class Schedule {
  private events: { at: number; order: number; run: (at: number) => void }[] = [];
  private order = 0;
  private time: number;

  constructor(startAt: number) {
    this.time = startAt;
  }

  /** Time of the event that is happening, or of the last look: milliseconds since 1970. */
  now(): number {
    return this.time;
  }

  at(at: number, run: (at: number) => void): void {
    const event = { at: Math.max(at, this.time), order: this.order++, run };
    const after = this.events.findIndex((other) => other.at > event.at);
    this.events.splice(after === -1 ? this.events.length : after, 0, event);
  }

  after(milliseconds: number, run: (at: number) => void): void {
    this.at(this.time + milliseconds, run);
  }

  /** Lets everything happen that is due up to that time, in order; an event sees its own time as now. */
  advanceTo(time: number): void {
    for (;;) {
      const next = this.events[0];
      if (!next || next.at > time) break;
      this.events.shift();
      this.time = Math.max(this.time, next.at);
      next.run(this.time);
    }
    this.time = Math.max(this.time, time);
  }
}
