import type { FaultKind } from '../../sandbox/calls/faults.ts';

/** Transient faults of the sandbox: a single one never keeps a migration from its end. */
export const TRANSIENT_KINDS = [
  'throttled',
  'server-error',
  'lost-before',
  'lost-after',
  'crash-before',
  'crash-after',
  'time-out-before',
  'time-out-after',
] as const satisfies readonly FaultKind[];
export type TransientKind = (typeof TRANSIENT_KINDS)[number];

const TRANSIENT: ReadonlySet<FaultKind> = new Set(TRANSIENT_KINDS);

export const isTransient = (kind: FaultKind): boolean => TRANSIENT.has(kind);
