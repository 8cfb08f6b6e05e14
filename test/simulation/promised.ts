/** The type of a promise, and helpers that the promises share. */
import type { Migration } from '../../lambdas/domain/record/migration.ts';
import type { MigrationRequest } from '../../lambdas/domain/request/request.ts';
import type { PlannedAssociation } from '../../lambdas/domain/terms/planned.ts';
import { subjectOf } from '../../lambdas/domain/terms/subject.ts';
import type { Call } from '../../sandbox/calls/call-log.ts';
import type { RunResult } from './run.ts';
import type { ConsumerSpec, RunSpec } from './spec.ts';

export interface Promised {
  /** Short and stable: mutants name the promise that must catch them. */
  name: string;
  statement: string;
  broken: (result: RunResult) => string[] | Promise<string[]>;
}

export const about = (call: Call): string => `call ${call.n} (${call.step ?? ''}: ${call.service} ${call.operation})`;

export const plannedOf = (record: Migration | undefined): PlannedAssociation[] => record?.plan?.associations ?? [];

/** Returns whether a third party has changed something, for which no promise is responsible. */
export const interfered = ({ actor }: RunResult): boolean => actor?.accepted === true;

/**
 * Pods that are admitted before the webhook knows a new association, or while it still knows a deleted one, keep their
 * old identity or have none until they are restarted. With `verification: api` the service does not restart them, so
 * nothing is promised about them.
 */
export const podsMayLag = ({ sandbox }: RunResult, { verification }: MigrationRequest): boolean =>
  verification === 'api' && sandbox.world.knobs.webhookLagSeconds + sandbox.world.knobs.webhookRemovalLagSeconds > 0;

/**
 * Returns whether EKS may leave pods with the environment of EKS Pod Identity and no association: the call that removes
 * the associations replaces all pods while the webhook still knows them. The service may not read the pods, and the
 * report says so (docs/runbook.md, "What a rollback cannot promise").
 */
export const podsMayHaveNothing = ({ sandbox }: RunResult, { verification }: MigrationRequest): boolean =>
  verification === 'api' && sandbox.world.knobs.webhookRemovalLagSeconds > 0;

/** Returns a time that a function has written, corrected to AWS's clock: milliseconds since 1970. */
export const byAwsClock = ({ sandbox }: RunResult, text = ''): number =>
  Date.parse(text) - sandbox.world.knobs.functionClockSkewSeconds * 1000;

/**
 * Returns whether a migration of the subject ended migrated: it may have migrated again what another one had rolled
 * back.
 */
export const migratedSince = ({ migrations }: RunResult, subject: string): boolean =>
  migrations.some(({ record, request }) => record?.outcome === 'migrated' && subjectOf(request) === subject);

export const sameTags = (a: Record<string, string>, b: Record<string, string>): boolean =>
  Object.keys({ ...a, ...b }).every((key) => a[key] === b[key]);

/**
 * Returns whether EKS Auth refused credentials to pods. These pods fail with Pod Identity and with nothing else, so
 * rolling back is correct, however soon the outage of EKS Auth ends.
 */
export const rollsBackForPods = ({ spec: { faults } }: RunResult, record: Migration | undefined): boolean =>
  faults.some(({ service }) => service === 'eks-auth') &&
  record?.outcome === 'rolled-back' &&
  record.failure?.name === 'PodsFailing';

/**
 * Returns whether pods of a request may keep an SDK that is too old: their software hides it, or the request does not
 * have them observed.
 */
export const mayKeepOldSdk = ({ spec: { pods } }: RunResult, { verification }: MigrationRequest): boolean =>
  pods?.oldSdk !== undefined && (pods.oldSdk.without === 'logs' || verification !== 'ready');

/**
 * Returns whether what happens to the pods besides the migration is no reason for a rollback. Pods that wait for
 * credentials never become ready with an SDK that is too old, even if their software only logs it.
 */
export const isHarmless = ({ spec: { pods: { oldSdk, restarts } = {} }, sandbox }: RunResult): boolean =>
  (oldSdk === undefined || (oldSdk.without === 'logs' && !sandbox.world.knobs.podsWaitForCredentials)) &&
  (restarts?.times ?? 1) === 1;

/** Returns whether a consumer that nobody accepts, or that may not be read, may keep a migration or a retirement back. */
export const mayBeHeldByConsumers = ({ consumers }: RunSpec, by: 'request' | 'retirement'): boolean => {
  const isAccepted = ({ accepted }: { accepted?: ConsumerSpec['accepted'] }) => accepted === 'both' || accepted === by;
  return (
    consumers !== undefined &&
    !(
      consumers.objects.every((one) => one.of === 'other' || isAccepted(one)) &&
      (consumers.unread ?? []).every(isAccepted)
    )
  );
};
