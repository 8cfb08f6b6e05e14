/**
 * What each step calls at its target: reserved of the shared pace before it begins (`pace.ts`). As few as it makes where
 * little is there, since what is reserved and not used is lost to others; more is reserved while it works. Counted in
 * the sandbox, and compared by a test.
 */
import type { PacedService } from './pace.ts';

/**
 * What a step does where its turn is not near: it `comes-back` later, since nothing has been changed yet, or it looks
 * only; it `waits` for some seconds, since a change is under way; or it `goes-on`, since software may be missing, or is
 * being put back.
 */
export type Patience = 'comes-back' | 'waits' | 'goes-on';

export interface StepCalls {
  calls: Readonly<Partial<Record<PacedService, number>>>;
  patience: Patience;
}

/** By the step's name. A step that is not here reserves as it calls. */
export const STEP_CALLS: Readonly<Record<string, StepCalls>> = {
  plan: { calls: { eks: 7, iam: 20, kubernetes: 8 }, patience: 'comes-back' },
  begin: { calls: { eks: 3, iam: 1, kubernetes: 1 }, patience: 'comes-back' },
  'install-agent': { calls: { eks: 2, kubernetes: 1 }, patience: 'waits' },
  'repair-trust': { calls: { iam: 3 }, patience: 'waits' },
  'delete-addon': { calls: { eks: 2 }, patience: 'waits' },
  'await-deleted': { calls: { eks: 1 }, patience: 'goes-on' },
  'create-addon': { calls: { eks: 5, iam: 1 }, patience: 'goes-on' },
  'update-addon': { calls: { eks: 4, iam: 1 }, patience: 'waits' },
  'create-association': { calls: { eks: 5, iam: 1 }, patience: 'waits' },
  // A look: it gives way to whatever changes something.
  'await-active': { calls: { eks: 1 }, patience: 'comes-back' },
  'carry-over': { calls: {}, patience: 'waits' },
  'verify-pods': { calls: { eks: 3, kubernetes: 5 }, patience: 'waits' },
  'restart-pods': { calls: { eks: 1, kubernetes: 6 }, patience: 'waits' },
  'annotate-service-account': { calls: { eks: 2, kubernetes: 2 }, patience: 'waits' },
  'assess-rollback': { calls: { eks: 3 }, patience: 'goes-on' },
  'restore-addon': { calls: { eks: 4 }, patience: 'goes-on' },
  'restore-associations': { calls: { eks: 2 }, patience: 'goes-on' },
  'take-over': { calls: { eks: 3, iam: 1 }, patience: 'goes-on' },
  finish: { calls: {}, patience: 'goes-on' },
  'retire-trust': { calls: { eks: 12, iam: 4, kubernetes: 4 }, patience: 'waits' },
};

/** Of a step, and of one on the way back: that never waits. */
export const patienceOf = (step: string, isWayBack: boolean): Patience =>
  isWayBack ? 'goes-on' : (STEP_CALLS[step]?.patience ?? 'waits');
