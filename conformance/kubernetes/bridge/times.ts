/**
 * Converts the times of a real API server to the world's. The world's time stands still while the cluster works and
 * jumps when it is quiet, so that a time of the server means nothing in the world by itself. Creations and deletions
 * have the world's time at which the mirror first saw them; any other time of the run is looked up in a list of pairs of
 * both times.
 */

export interface TimesOptions {
  /** The world's time, in milliseconds since 1970. */
  now: () => number;
  /** This machine's time. */
  machine?: () => number;
}

/** Formats a time as Kubernetes does, in whole seconds. */
const textOf = (at: number): string => `${new Date(at).toISOString().slice(0, 19)}Z`;

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z$/;

interface Stamped {
  uid?: string;
  creationTimestamp?: string | null;
  deletionTimestamp?: string;
}

interface ConditionTime {
  type: string;
  status: string;
  lastTransitionTime?: string | null;
}

export class Times {
  private readonly world: () => number;
  private readonly machine: () => number;
  /** Since when the world has had a time, by the machine's time. */
  private readonly pairs: { machine: number; world: number }[] = [];
  private readonly openedAt: number;
  private readonly created = new Map<string, string>();
  private readonly deleted = new Map<string, string>();
  /** Times of conditions that the world decided on, by uid and then by `type status`. */
  private readonly conditions = new Map<string, Map<string, string>>();

  constructor({ now, machine = Date.now }: TimesOptions) {
    this.world = now;
    this.machine = machine;
    // The server's times are in whole seconds.
    this.openedAt = Math.floor(machine() / 1000) * 1000;
    this.observe();
  }

  /** Notes the world's time as it is now; to be called whenever the server has done something. */
  observe(): void {
    const world = this.world();
    if (this.pairs.at(-1)?.world !== world) this.pairs.push({ machine: this.machine(), world });
  }

  /** Sets when an object was created, for one that the world had before the server did. */
  noteCreated(uid: string, creationTimestamp: string): void {
    this.created.set(uid, creationTimestamp);
  }

  /** Sets the times of an object's conditions, in the place of those that the server has. */
  noteConditions(uid: string, conditions: readonly ConditionTime[]): void {
    this.conditions.set(
      uid,
      new Map(
        conditions.map(({ type, status, lastTransitionTime }) => [`${type} ${status}`, lastTransitionTime ?? '']),
      ),
    );
  }

  /** Returns the world's time at a time of the server; a text that is no time of this run is returned as it is. */
  inWorld(text: string): string {
    if (!TIME.test(text)) return text;
    const at = Date.parse(text);
    if (at < this.openedAt || at > this.machine() + 1000) return text;
    // The text means any moment of that second: its end is later than everything that happened in it.
    const last = this.pairs.findLast(({ machine }) => machine < at + 1000) ?? this.pairs[0];
    return textOf(last?.world ?? this.world());
  }

  /** Returns a copy of an answer of the server with the world's times. */
  translate<T>(value: T): T {
    return this.walk(value) as T;
  }

  private walk(value: unknown): unknown {
    if (typeof value === 'string') return this.inWorld(value);
    if (Array.isArray(value)) return value.map((each: unknown) => this.walk(each));
    if (typeof value !== 'object' || value === null) return value;
    const copy = Object.fromEntries(Object.entries(value).map(([key, each]) => [key, this.walk(each)]));
    const metadata = (value as { metadata?: Stamped }).metadata;
    if (metadata?.uid !== undefined) this.stamp(copy as { metadata: Stamped }, metadata, metadata.uid);
    return copy;
  }

  private stamp(
    copy: { metadata: Stamped; status?: { conditions?: ConditionTime[] } },
    was: Stamped,
    uid: string,
  ): void {
    const { creationTimestamp, deletionTimestamp } = was;
    if (creationTimestamp) copy.metadata.creationTimestamp = this.first(this.created, uid, creationTimestamp);
    if (deletionTimestamp !== undefined) {
      const grace = (was as { deletionGracePeriodSeconds?: number }).deletionGracePeriodSeconds ?? 0;
      copy.metadata.deletionTimestamp = this.first(this.deleted, uid, deletionTimestamp, grace * 1000);
    }
    const known = this.conditions.get(uid);
    if (!known || !copy.status?.conditions) return;
    for (const condition of copy.status.conditions) {
      const at = known.get(`${condition.type} ${condition.status}`);
      if (at) condition.lastTransitionTime = at;
    }
  }

  /** Returns the noted time of an object; notes the present if there is none and the server's time is of this run. */
  private first(noted: Map<string, string>, uid: string, text: string, later = 0): string {
    const known = noted.get(uid);
    if (known !== undefined) return known;
    if (Date.parse(text) - later < this.openedAt) return text;
    const now = textOf(this.world() + later);
    noted.set(uid, now);
    return now;
  }
}
