/**
 * Every single fault at every call of a run; and every step that changes something failing for good, with every fault
 * at every call of the way back.
 */
import { FAULT_KINDS, type FaultKind } from '../../sandbox/world/faults.ts';
import type { RunResult } from './run.ts';
import type { FaultSpec, RunSpec } from './spec.ts';

/** A call that the service's functions made. */
export type SeenCall = RunResult['sandbox']['world']['faults']['seen'][number];

/**
 * Kinds that say something else at that call. A reply that is lost after a read is the same to the world as a call that
 * never arrived.
 */
export const kindsFor = ({ service, mutating }: SeenCall): FaultKind[] =>
  FAULT_KINDS.filter((kind) => {
    if (kind === 'in-use') return mutating && service === 'eks';
    if (kind === 'not-found') return service !== 'states';
    if (kind.endsWith('-after')) return mutating;
    return true;
  });

/** What a call is for, in whichever scenario. */
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

/** Services that can be away; a reply of Step Functions or EventBridge is waited for by nobody on the road. */
const AWAY = new Set(['eks', 'iam', 'kubernetes', 'dynamodb', 'states', 'events']);
const AWAY_SECONDS = [120, 900, 10_800];

/**
 * Each service away from each of its calls on, for two minutes, a quarter of an hour, and three hours: it refuses
 * everything, or nobody reaches it.
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

/** A migration whose OIDC trust is retired and put back, and every fault at every call of that. */
export const retired = (scenario: string): RunSpec => ({ ...smooth(scenario), retire: 'undone' });

export const retireFaults = (scenario: string, seen: readonly SeenCall[]): RunSpec[] =>
  singleFaults(
    scenario,
    seen.filter(({ step }) => step === 'retire-trust'),
  ).map((spec): RunSpec => ({ ...spec, retire: 'undone' }));

/** One persistent failure for each operation that changes something on the road, by its first call there. */
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

const ROLLBACK = new Set([
  'assess-rollback',
  'restore-addon',
  'restore-associations',
  'annotate-service-account',
  'verify-pods',
  'restart-pods',
  'repair-trust',
  'finish',
]);

/** Where the way back begins: with an assessment, or, of a service account, with its association. */
const FIRST_BACK = new Set(['assess-rollback', 'restore-associations']);

/** The calls of the way back in a run that failed for good: those from its first call on. */
export const rollbackOf = (seen: readonly SeenCall[]): SeenCall[] => {
  const start = seen.findIndex(({ step }) => step !== undefined && FIRST_BACK.has(step));
  return start === -1 ? [] : seen.slice(start).filter(({ step }) => ROLLBACK.has(step));
};

/** Every fault at each of these calls of the way back. */
export const secondFaults = (failure: RunSpec, back: readonly SeenCall[]): RunSpec[] =>
  back.flatMap((call) =>
    kindsFor(call).map((kind): RunSpec => ({ ...failure, faults: [...failure.faults, { kind, call: call.n }] })),
  );
