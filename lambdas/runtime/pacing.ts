/**
 * The shared pace of one invocation: the expected calls of a step are reserved before the step begins, and each call waits
 * for its position. A step that changes or restores something reserves its calls, but does not wait. Without the ledger, or
 * if its item can't be used, calls are made without a pace.
 */
import { MigrationError } from '../domain/failures/errors.ts';
import { PACED_SECONDS, REFUSED_CALL, UNPACED } from '../domain/events/metrics.ts';
import type { Target } from '../domain/terms/subject.ts';
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

/** The number of calls that are reserved at once if a step makes more than expected, or has no expected number. */
const MORE = 4;

/** The positions that the invocation has reserved: from `next` up to, but not including, `end`. */
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
  /** Returns the milliseconds of the invocation that may be spent on waiting now. */
  spareTime: () => number;
  step: Pick<StepSchema, 'name' | 'calls' | 'patience'>;
  /** Whether the step restores something. */
  isRollback: boolean;
  /** From 0 up to 1. */
  random: () => number;
}

const scopeOf = (service: PacedService, { account, region, cluster }: Target): PaceScope => ({
  service,
  account,
  region,
  cluster,
});

/** Returns whether an API server's answer is a refusal because of throttling; AWS's clients throw instead. */
const isThrottle = (answer: unknown): boolean =>
  typeof answer === 'object' && answer !== null && 'status' in answer && answer.status === 429;

export class InvocationPace {
  private readonly options: InvocationPaceOptions;
  private readonly patience: Patience;
  private readonly turns = new Map<string, Turns>();
  /** By scope: a reservation in progress. */
  private readonly asked = new Map<string, Promise<unknown>>();
  /** The milliseconds that all calls together may still wait: the rest of the invocation is for the step's work. */
  private mayWait: number;
  /** Whether the ledger could not supply the pace: it is not asked again. */
  private isLost = false;

  constructor(options: InvocationPaceOptions) {
    this.options = options;
    this.patience = options.isRollback ? 'goes-on' : options.step.patience;
    this.mayWait = options.spareTime() / 2;
  }

  /**
   * Reserves the calls that the step is known to make, before it begins. Throws Paced if they would have to wait longer than
   * an invocation should and the step may come back: then nothing stays reserved for it.
   */
  async admit(target: Target): Promise<void> {
    const { step } = this.options;
    const within = this.patience === 'comes-back' ? LONGEST_TURN : undefined;
    for (const service of PACED_SERVICES) {
      const calls = step.calls?.[service];
      if (calls === undefined) continue;
      const scope = scopeOf(service, target);
      const full = await this.reserve(scope, calls, within);
      if (!full) continue;
      await this.end();
      throw this.paced(scope, full);
    }
  }

  /** Wraps calls. `waits`: each call waits for its position, as far as the step's patience allows. */
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
   * Wraps calls inside another wrapper that handles each try. The wait for the position is part of a call's preparation, so
   * that the outer wrapper decides when the call is made.
   */
  within(outer: AroundCalls, target: Target, { waits }: { waits: boolean }): AroundCalls {
    return (service, call, nameOf, prepare) => {
      if (!isPaced(service)) return outer(service, call, nameOf, prepare);
      const scope = scopeOf(service, target);
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

  /** Returns unused reservations if other invocations wait for them. No call may follow. */
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
    // The wait is at most twice the backlog, random so that steps that are sent away together don't come back together.
    const wait = backlogOf(state, scope.service, this.now()) * (1 + random());
    return new MigrationError(
      'Paced',
      `Step ${step.name} waits for its turn to call ${paceScopeText(scope)}: the service currently makes at most ${rate} calls a second there. Nothing is wrong, and no action is needed: the step begins automatically (${pacedText(wait)}).`,
    );
  }

  /** Returns undefined once the pace is unavailable: the caller then works without it. */
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

  /** Returns the scope's state if the calls would have to wait longer than `within`: then nothing is reserved. */
  private async reserve(scope: PaceScope, calls: number, within?: number): Promise<PaceState | undefined> {
    const result = await this.unlessLost((pace) => pace.reserve(scope, calls, this.now(), within));
    if (!result) return undefined;
    const { state } = result;
    if (!('position' in result)) return state;
    const next = result.position;
    this.turns.set(paceScopeKey(scope), { scope, next, end: next + calls, state });
    return undefined;
  }

  /** Returns the milliseconds until a call at that position may be made. */
  private until({ service }: PaceScope, state: PaceState, position: number): number {
    return Math.max(0, allowedAt(state, service, position) - TOLERANCE - this.now());
  }

  /** Returns the next reserved position; undefined if there is no pace. */
  private async nextTurn(scope: PaceScope, calls: number): Promise<Reserved | undefined> {
    const key = paceScopeKey(scope);
    for (;;) {
      const turns = this.turns.get(key);
      if (turns && turns.next < turns.end) {
        turns.next += 1;
        return { position: turns.next - 1, state: turns.state };
      }
      if (this.isLost) return undefined;
      // Of several simultaneous calls, one makes the reservation, and all of them check again.
      const asked = this.asked.get(key) ?? this.reserve(scope, calls).finally(() => this.asked.delete(key));
      this.asked.set(key, asked);
      await asked;
    }
  }

  /** Waits for the turn. Returns whether the call comes when its position is allowed, or in the second before. */
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

  /** Reports a refusal to the pace. A call that did not wait for its turn says nothing about the rate. */
  private async refused(scope: PaceScope, isInTurn: boolean): Promise<void> {
    this.options.telemetry.count(REFUSED_CALL);
    const turns = this.turns.get(paceScopeKey(scope));
    if (!turns || !isInTurn) return;
    const state = await this.unlessLost((pace) => pace.refused(scope, this.now(), turns.state.cutAt));
    if (state) turns.state = state;
  }
}
