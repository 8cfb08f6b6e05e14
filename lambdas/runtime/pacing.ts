/**
 * The shared pace of one invocation: what its step will call is reserved before the step begins, and each call waits
 * for its position. What changes something, and what puts something back, reserves and does not wait. Without the
 * ledger, or with an item in it that can't be used, calls are made without a pace.
 */
import { MigrationError } from '../domain/errors.ts';
import { PACED_SECONDS, REFUSED_CALL, UNPACED } from '../domain/metrics.ts';
import type { Target } from '../domain/model.ts';
import {
  allowedAt,
  isPaced,
  keptPosition,
  type Location,
  locationKey,
  locationText,
  LONGEST_TURN,
  LONGEST_TURNS,
  PACED_SERVICES,
  type PacedService,
  pacedText,
  type PaceState,
  rateAt,
  TOLERANCE,
} from '../domain/pace.ts';
import { patienceOf, STEP_CALLS, type Patience } from '../domain/step-calls.ts';
import type { AroundCalls, Clock, Pace, Reserved, Telemetry } from '../ports/index.ts';
import { failureOf } from './failures.ts';

/** Calls that are reserved at once where a step makes more than it was expected to, or is not known. */
const MORE = 4;

/** Positions that the invocation has: those from `next` up to `end`. */
interface Turns {
  location: Location;
  next: number;
  end: number;
  state: PaceState;
}

/** What a step has to wait for before it may begin. */
interface Wait {
  milliseconds: number;
  state: PaceState;
}

export interface InvocationPaceOptions {
  pace: Pace;
  clock: Clock;
  telemetry: Telemetry;
  /** Milliseconds of the invocation that may be waited, now. */
  spareTime: () => number;
  /** Name of the step. */
  step: string;
  /** The step puts something back. */
  isWayBack: boolean;
  /** The migration; undefined for a step of none. */
  owner: string | undefined;
}

const locationOf = (service: PacedService, { account, region, cluster }: Target): Location => ({
  service,
  account,
  region,
  cluster,
});

/** An API server's answer that says so; AWS's clients throw. */
const isThrottle = (answer: unknown): boolean =>
  typeof answer === 'object' && answer !== null && 'status' in answer && answer.status === 429;

export class InvocationPace {
  private readonly options: InvocationPaceOptions;
  private readonly patience: Patience;
  private readonly turns = new Map<string, Turns>();
  /** Milliseconds that calls may still wait. */
  private mayWait = LONGEST_TURNS;
  /** The ledger gave no pace: it is not asked again. */
  private isLost = false;

  constructor(options: InvocationPaceOptions) {
    this.options = options;
    this.patience = patienceOf(options.step, options.isWayBack);
  }

  /**
   * Reserves what the step is known to call, before it begins. Throws Paced where it would have to wait for longer than
   * an invocation should, and may come back: its positions are kept for it.
   */
  async admit(target: Target): Promise<void> {
    const { step, owner } = this.options;
    const calls = STEP_CALLS[step]?.calls ?? {};
    const keeper = this.patience === 'comes-back' ? owner : undefined;
    const reserved: Location[] = [];
    for (const service of PACED_SERVICES) {
      const expected = calls[service];
      if (expected === undefined) continue;
      const location = locationOf(service, target);
      const wait =
        keeper === undefined
          ? await this.reserve(location, expected)
          : await this.reserveOrWait(location, expected, keeper);
      if (!wait || keeper === undefined) reserved.push(location);
      else {
        for (const before of reserved) await this.keepFor(keeper, before);
        throw this.paced(location, wait);
      }
    }
  }

  /** Stands around calls. `waits`: each call waits for its position, as far as the step is patient. */
  around(target: Target, { waits }: { waits: boolean }): AroundCalls {
    return async (service, call, nameOf, prepare) => {
      await prepare?.();
      if (!isPaced(service)) return call();
      const location = locationOf(service, target);
      const isInTurn = await this.turn(location, waits && this.patience !== 'goes-on');
      try {
        const answer = await call();
        if (isThrottle(answer)) await this.refused(location, isInTurn);
        return answer;
      } catch (error) {
        if (nameOf(error) === 'Throttled') await this.refused(location, isInTurn);
        throw error;
      }
    };
  }

  /** Gives back what was reserved and not used, where others wait for it. To be called once, at the end. */
  async end(): Promise<void> {
    for (const { location, next, end, state } of this.turns.values()) {
      const isWaitedFor = allowedAt(state, location.service, state.head) > this.now();
      if (next < end && isWaitedFor) await this.unlessLost((pace) => pace.giveBack(location, end - next));
    }
  }

  private now(): number {
    return this.options.clock.now();
  }

  private paced(location: Location, { milliseconds, state }: Wait): MigrationError {
    const rate = rateAt(state, location.service, this.now()).toFixed(1);
    return new MigrationError(
      'Paced',
      `Step ${this.options.step} waits for its turn to call ${locationText(location)}, where the service makes ${rate} calls a second at most at the moment. Nothing is wrong, and nothing has to be done: the step begins by itself (${pacedText(milliseconds)}).`,
    );
  }

  /** Undefined once the pace can't be had: then the caller does without. */
  private async unlessLost<T>(ask: (pace: Pace) => Promise<T>): Promise<T | undefined> {
    if (this.isLost) return undefined;
    const { pace, telemetry, step } = this.options;
    try {
      return await ask(pace);
    } catch (error) {
      this.isLost = true;
      const { name, message } = failureOf(error);
      telemetry.log.warn(`${step}: calls are made without the shared pace`, { error: name, message });
      telemetry.count(UNPACED);
      return undefined;
    }
  }

  private have(location: Location, { position, state }: Reserved, calls: number): void {
    this.turns.set(locationKey(location), { location, next: position, end: position + calls, state });
  }

  /** Reserves, however long it has to be waited for. */
  private async reserve(location: Location, calls: number): Promise<undefined> {
    const made = await this.unlessLost((pace) => pace.reserve(location, calls, this.now()));
    if (made && 'position' in made) this.have(location, made, calls);
  }

  /** Undefined where the invocation has the positions soon enough, or does without. */
  private async reserveOrWait(location: Location, calls: number, owner: string): Promise<Wait | undefined> {
    const made = await this.unlessLost((pace) => pace.reserve(location, calls, this.now(), LONGEST_TURN));
    if (!made) return undefined;
    const { state } = made;
    const kept = state.kept > 0 ? await this.unlessLost((pace) => pace.kept(location, owner)) : undefined;
    const position = kept === undefined ? undefined : keptPosition(state, location.service, kept, this.now());
    if (position !== undefined) {
      const milliseconds = this.until(location, state, position);
      // What was reserved a moment ago is not needed.
      if ('position' in made) await this.unlessLost((pace) => pace.giveBack(location, calls));
      else if (milliseconds > LONGEST_TURN) return { milliseconds, state };
      this.have(location, { position, state }, calls);
    } else if ('position' in made) this.have(location, made, calls);
    else return this.queue(location, calls, owner);
    if (kept !== undefined) await this.unlessLost((pace) => pace.release(location, owner));
    return undefined;
  }

  /** Takes the next positions, and keeps them until the step comes back. */
  private async queue(location: Location, calls: number, owner: string): Promise<Wait | undefined> {
    const last = await this.unlessLost((pace) => pace.reserve(location, calls, this.now()));
    if (!last || !('position' in last)) return undefined;
    const { position, state } = last;
    this.have(location, last, calls);
    await this.keepFor(owner, location);
    // Without that nobody would find it again.
    return this.isLost ? undefined : { milliseconds: this.until(location, state, position), state };
  }

  private async keepFor(owner: string, location: Location): Promise<void> {
    const turns = this.turns.get(locationKey(location));
    if (!turns) return;
    this.turns.delete(locationKey(location));
    await this.unlessLost((pace) => pace.keep(location, owner, turns.next, this.now()));
  }

  /** Milliseconds until a call at that position may be made. */
  private until({ service }: Location, state: PaceState, position: number): number {
    return Math.max(0, allowedAt(state, service, position) - TOLERANCE - this.now());
  }

  /** Whether the call comes when its position is allowed, or in that second before. */
  private async turn(location: Location, waits: boolean): Promise<boolean> {
    const key = locationKey(location);
    const known = this.turns.get(key);
    if (!known || known.next >= known.end) await this.reserve(location, waits ? MORE : 1);
    const turns = this.turns.get(key);
    if (!turns || turns.next >= turns.end) return true;
    const wait = this.until(location, turns.state, turns.next);
    turns.next += 1;
    if (wait <= 0) return true;
    const waited = Math.ceil(Math.min(wait, LONGEST_TURN, this.mayWait, this.options.spareTime()));
    if (!waits || waited <= 0) return false;
    this.mayWait -= waited;
    this.options.telemetry.seconds(PACED_SECONDS, waited / 1000);
    await this.options.clock.sleep(waited);
    return waited >= wait;
  }

  /** A call that did not wait for its turn says nothing about the rate. */
  private async refused(location: Location, isInTurn: boolean): Promise<void> {
    this.options.telemetry.count(REFUSED_CALL);
    const turns = this.turns.get(locationKey(location));
    if (!turns || !isInTurn) return;
    const state = await this.unlessLost((pace) => pace.refused(location, this.now(), turns.state.cutAt));
    if (state) turns.state = state;
  }
}
