import type { FaultKind } from '../../sandbox/world/faults.ts';

/** What may be over in a moment: a single one of these never keeps a migration from its end. */
const TRANSIENT: ReadonlySet<FaultKind> = new Set([
  'throttled',
  'server-error',
  'lost-before',
  'lost-after',
  'crash-before',
  'crash-after',
  'time-out-before',
  'time-out-after',
]);

export const isTransient = (kind: FaultKind): boolean => TRANSIENT.has(kind);
