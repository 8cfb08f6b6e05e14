/**
 * The shared pace of one invocation: what its step will call is reserved before the step begins, and each call waits
 * for its position. What changes something, and what puts something back, reserves and does not wait. Without the
 * ledger, or with an item in it that can't be used, calls are made without a pace.
 */
import { MigrationError } from '../domain/failures/errors.ts';
import { PACED_SECONDS, REFUSED_CALL, UNPACED } from '../domain/events/metrics.ts';
import type { Target } from '../domain/migration/model.ts';
import {
  allowedAt,
  backlogOf,
  isPaced,
  type PaceScope,
  paceScopeKey,
  paceScopeText,
  LONGEST_TURN,
  PACED_SERVICES,
  type PacedService,
  pacedText,
  type PaceState,
  rateAt,
  TOLERANCE,
} from '../domain/aws/pace.ts';
import type { AroundCalls, Clock, Pace, Reserved, Telemetry } from '../ports/index.ts';
import { failureOf } from './failures.ts';
import type { Patience, StepSchema } from './step.ts';

/** Calls that are reserved at once where a step makes more than it was expected to, or is not known. */
const MORE = 4;

/** Positions that the invocation has: those from `next` up to `end`. */
interface Turns {
  scope: PaceScope;
  next: number;
  end: number;
  state: PaceState;
}

export interface InvocationPaceOptions {
  pace: Pace;
  clock: Clock;
  telemetry: Telemetry;
  /** Milliseconds of the invocation that may be waited, now. */
  spareTime: () => number;
  step: Pick<StepSchema, 'name' | 'calls' | 'patience'>;
  /** The step puts something back. */
  isRollback: boolean;
  /** From 0 up to 1. */
  random: () => number;
}

const locationOf = (service: PacedService, { account, region, cluster }: Target): PaceScope => ({
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
  /** By location: a reservation that is under way. */
  private readonly asked = new Map<string, Promise<unknown>>();
  /** Milliseconds that all calls together may still wait: the rest of the invocation is for what it is there for. */
  private mayWait: number;
  /** The ledger gave no pace: it is not asked again. */
  private isLost = false;

  constructor(options: InvocationPaceOptions) {
    this.options = options;
    this.patience = options.isRollback ? 'goes-on' : options.step.patience;
    this.mayWait = options.spareTime() / 2;
  }

  /**
   * Reserves what the step is known to call, before it begins. Throws Paced where it would have to wait for longer than
   * an invocation should, and may come back: then nothing is reserved for it.
   */
  async admit(target: Target): Promise<void> {
    const { step } = this.options;
    const within = this.patience === 'comes-back' ? LONGEST_TURN : undefined;
    for (const service of PACED_SERVICES) {
      const calls = step.calls?.[service];
      if (calls === undefined) continue;
      const scope = locationOf(service, target);
      const full = await this.reserve(scope, calls, within);
      if (!full) continue;
      await this.end();
      throw this.paced(scope, full);
    }
  }

  /** Stands around calls. `waits`: each call waits for its position, as far as the step is patient. */
  around(target: Target, { waits }: { waits: boolean }): AroundCalls {
    return this.within(
      async (_service, call, _nameOf, prepare) => {
        await prepare?.();
        return call();
      },
      target,
      { waits },
    );
  }

  /**
   * Stands between somebody who stands around each try of a call, and the call. The position is waited for as part of
   * what a call has to have before it can leave, so that it leaves when the other one says so.
   */
  within(outer: AroundCalls, target: Target, { waits }: { waits: boolean }): AroundCalls {
    return (service, call, nameOf, prepare) => {
      if (!isPaced(service)) return outer(service, call, nameOf, prepare);
      const scope = locationOf(service, target);
      let isInTurn = true;
      const watched: typeof call = async () => {
        try {
          const answer = await call();
          if (isThrottle(answer)) await this.refused(scope, isInTurn);
          return answer;
        } catch (error) {
          if (nameOf(error) === 'Throttled') await this.refused(scope, isInTurn);
          throw error;
        }
      };
      return outer(service, watched, nameOf, async () => {
        await prepare?.();
        isInTurn = await this.turn(scope, waits && this.patience !== 'goes-on');
      });
    };
  }

  /** Gives back what was reserved and not used, where others wait for it. Nothing more is called then. */
  async end(): Promise<void> {
    for (const { scope, next, end, state } of this.turns.values()) {
      const isWaitedFor = allowedAt(state, scope.service, state.head) > this.now();
      if (next < end && isWaitedFor) await this.unlessLost((pace) => pace.giveBack(scope, end - next));
    }
  }

  private now(): number {
    return this.options.clock.now();
  }

  private paced(scope: PaceScope, state: PaceState): MigrationError {
    const { step, random } = this.options;
    const rate = rateAt(state, scope.service, this.now()).toFixed(1);
    // Twice the backlog at most, so that those that are sent away together don't come back together.
    const wait = backlogOf(state, scope.service, this.now()) * (1 + random());
    return new MigrationError(
      'Paced',
      `Step ${step.name} waits for its turn to call ${paceScopeText(scope)}, where the service makes ${rate} calls a second at most at the moment. Nothing is wrong, and nothing has to be done: the step begins by itself (${pacedText(wait)}).`,
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
      telemetry.log.warn(`${step.name}: calls are made without the shared pace`, { error: name, message });
      telemetry.count(UNPACED);
      return undefined;
    }
  }

  /** Answers the location where the calls would have to wait for longer than that: then nothing is reserved. */
  private async reserve(scope: PaceScope, calls: number, within?: number): Promise<PaceState | undefined> {
    const made = await this.unlessLost((pace) => pace.reserve(scope, calls, this.now(), within));
    if (!made) return undefined;
    const { state } = made;
    if (!('position' in made)) return state;
    const next = made.position;
    this.turns.set(paceScopeKey(scope), { scope, next, end: next + calls, state });
    return undefined;
  }

  /** Milliseconds until a call at that position may be made. */
  private until({ service }: PaceScope, state: PaceState, position: number): number {
    return Math.max(0, allowedAt(state, service, position) - TOLERANCE - this.now());
  }

  /** The next position of what is reserved; undefined where there is no pace. */
  private async nextTurn(scope: PaceScope, calls: number): Promise<Reserved | undefined> {
    const key = paceScopeKey(scope);
    for (;;) {
      const turns = this.turns.get(key);
      if (turns && turns.next < turns.end) {
        turns.next += 1;
        return { position: turns.next - 1, state: turns.state };
      }
      if (this.isLost) return undefined;
      // Of several calls at once one reserves, and all look again.
      const asked = this.asked.get(key) ?? this.reserve(scope, calls).finally(() => this.asked.delete(key));
      this.asked.set(key, asked);
      await asked;
    }
  }

  /** Whether the call comes when its position is allowed, or in that second before. */
  private async turn(scope: PaceScope, waits: boolean): Promise<boolean> {
    const turn = await this.nextTurn(scope, MORE);
    if (!turn) return true;
    const wait = this.until(scope, turn.state, turn.position);
    if (wait <= 0) return true;
    const waited = Math.ceil(Math.min(wait, LONGEST_TURN, this.mayWait, this.options.spareTime()));
    if (!waits || waited <= 0) return false;
    this.mayWait -= waited;
    this.options.telemetry.seconds(PACED_SECONDS, waited / 1000);
    await this.options.clock.sleep(waited);
    return waited >= wait;
  }

  /** A call that did not wait for its turn says nothing about the rate. */
  private async refused(scope: PaceScope, isInTurn: boolean): Promise<void> {
    this.options.telemetry.count(REFUSED_CALL);
    const turns = this.turns.get(paceScopeKey(scope));
    if (!turns || !isInTurn) return;
    const state = await this.unlessLost((pace) => pace.refused(scope, this.now(), turns.state.cutAt));
    if (state) turns.state = state;
  }
}
