/**
 * Lists the exhaustive runs: every single fault at every call of a run; and for every mutating step, its persistent
 * failure combined with every fault at every call of the rollback.
 */
import { FAULT_KINDS, type FaultKind } from '../../sandbox/calls/faults.ts';
import type { RunResult } from './run.ts';
import type { FaultSpec, RunSpec } from './spec.ts';
import { words } from '../words.ts';

/** A call that the service's functions made. */
export type SeenCall = RunResult['sandbox']['world']['faults']['seen'][number];

/**
 * Returns the fault kinds that make a difference at a call. A lost reply to a read affects the world no more than a
 * call that never arrived.
 */
export const kindsFor = ({ service, mutating }: SeenCall): FaultKind[] =>
  FAULT_KINDS.filter((kind) => {
    if (kind === 'in-use') return mutating && service === 'eks';
    if (kind === 'not-found') return service !== 'states';
    if (kind.endsWith('-after')) return mutating;
    return true;
  });

/** Returns what a call is for, independent of the scenario. */
export const positionOf = ({ step, service, operation }: SeenCall): string => `${step} ${service} ${operation}`;

const SEED = 1;

export const smooth = (scenario: string): RunSpec => ({ scenario, seed: SEED, faults: [] });

export const singleFaults = (scenario: string, seen: readonly SeenCall[]): RunSpec[] =>
  seen.flatMap((call) =>
    kindsFor(call).map((kind): RunSpec => ({
      scenario,
      seed: SEED,
      faults: [{ kind, call: call.n }],
      ...(kind.startsWith('abort') && call.mutating ? { again: true } : {}),
    })),
  );

/** Services that can have an outage. No step waits for a reply of Step Functions or EventBridge. */
const AWAY = new Set(['eks', 'iam', 'kubernetes', 'dynamodb', 'states', 'events']);
const AWAY_SECONDS = [120, 900, 10_800];

/**
 * Returns outages of each service, from each of its calls on, for 2 minutes, 15 minutes and 3 hours. During an outage
 * the service refuses every call or is unreachable.
 */
export const outages = (scenario: string, seen: readonly SeenCall[]): RunSpec[] => {
  const counted = new Map<string, number>();
  return seen.flatMap(({ service }) => {
    if (!AWAY.has(service)) return [];
    const call = (counted.get(service) ?? 0) + 1;
    counted.set(service, call);
    return AWAY_SECONDS.flatMap((seconds) =>
      (['server-error', 'throttled', 'lost-before'] as const).map((kind): RunSpec => ({
        scenario,
        seed: SEED,
        faults: [{ kind, call, seconds, service: service as NonNullable<FaultSpec['service']> }],
      })),
    );
  });
};

/**
 * Returns a run that retires and reinstates the OIDC trust of its migration, to be combined with every fault at every
 * call of both.
 */
export const retired = (scenario: string): RunSpec => ({ ...smooth(scenario), retire: 'undone' });

export const retireFaults = (scenario: string, seen: readonly SeenCall[]): RunSpec[] =>
  singleFaults(
    scenario,
    seen.filter(({ step }) => step === 'retire-trust'),
  ).map((spec): RunSpec => ({ ...spec, retire: 'undone' }));

/** Returns one persistent failure for each mutating operation of the workflow, at its first call. */
export const persistentFailures = (scenario: string, seen: readonly SeenCall[]): RunSpec[] => {
  const first = new Map<string, FaultSpec>();
  for (const { service, operation, step, mutating } of seen) {
    if (!mutating || !['eks', 'iam', 'kubernetes'].includes(service)) continue;
    const key = `${step} ${operation}`;
    if (!first.has(key))
      first.set(key, {
        kind: service === 'kubernetes' ? 'server-error' : 'access-denied',
        call: 1,
        step,
        operation,
        persists: true,
      });
  }
  return [...first.values()].map((fault): RunSpec => ({ scenario, seed: SEED, faults: [fault] }));
};

const ROLLBACK = new Set(words`
  assess-rollback restore-addon restore-associations annotate-service-account verify-pods restart-pods repair-trust
  finish
`);

/** Steps with which a rollback begins: the assessment or, for a service account, its association. */
const FIRST_BACK = new Set(['assess-rollback', 'restore-associations']);

/** Returns the calls of the rollback in a run that failed persistently: those from its first call on. */
export const rollbackOf = (seen: readonly SeenCall[]): SeenCall[] => {
  const start = seen.findIndex(({ step }) => step !== undefined && FIRST_BACK.has(step));
  return start === -1 ? [] : seen.slice(start).filter(({ step }) => ROLLBACK.has(step));
};

/** Returns every fault at each of these calls of the rollback. */
export const secondFaults = (failure: RunSpec, back: readonly SeenCall[]): RunSpec[] =>
  back.flatMap((call) =>
    kindsFor(call).map((kind): RunSpec => ({ ...failure, faults: [...failure.faults, { kind, call: call.n }] })),
  );
