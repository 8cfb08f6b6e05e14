/** What a promise is, and what the promises have in common. */
import type { Migration, MigrationRequest, PlannedAssociation } from '../../lambdas/domain/migration/model.ts';
import { subjectOf } from '../../lambdas/domain/migration/subject.ts';
import type { Call } from '../../sandbox/world/call-log.ts';
import type { RunResult } from './run.ts';

export interface Promised {
  /** Short and stable: mutants name the promise that must catch them. */
  name: string;
  says: string;
  broken: (result: RunResult) => string[] | Promise<string[]>;
}

export const about = (call: Call): string => `call ${call.n} (${call.step ?? ''}: ${call.service} ${call.operation})`;

export const plannedOf = (record: Migration | undefined): PlannedAssociation[] => record?.plan?.associations ?? [];

/** Somebody else's doing is nobody's broken promise. */
export const interfered = ({ actor }: RunResult): boolean => actor?.accepted === true;

/**
 * Pods that are admitted before the webhook knows a new association keep their old identity, or go without any, until
 * somebody restarts them; so do those that are admitted while it still knows one that is gone. A request that is
 * content with what EKS says has nobody who does, and is promised nothing of them.
 */
export const podsMayLag = ({ sandbox }: RunResult, { verification }: MigrationRequest): boolean =>
  verification === 'api' && sandbox.world.knobs.webhookLagSeconds + sandbox.world.knobs.webhookRemovalLagSeconds > 0;

/**
 * Whether EKS may leave pods with the environment of EKS Pod Identity and no association: it replaces all of them by
 * the call that takes the associations away, and the webhook knows these for a while still. Nobody may look at the
 * pods; the report says that nobody did (docs/runbook.md, "What a rollback cannot promise").
 */
export const podsMayHaveNothing = ({ sandbox }: RunResult, { verification }: MigrationRequest): boolean =>
  verification === 'api' && sandbox.world.knobs.webhookRemovalLagSeconds > 0;

/** A time that a function has written, by AWS's clock: milliseconds since 1970. */
export const byAwsClock = ({ sandbox }: RunResult, text = ''): number =>
  Date.parse(text) - sandbox.world.knobs.functionClockSkewSeconds * 1000;

/** What one migration has put back may have been migrated by another one since. */
export const migratedSince = ({ migrations }: RunResult, subject: string): boolean =>
  migrations.some(({ record, request }) => record?.outcome === 'migrated' && subjectOf(request) === subject);

export const sameTags = (a: Record<string, string>, b: Record<string, string>): boolean =>
  Object.keys({ ...a, ...b }).every((key) => a[key] === b[key]);

/**
 * Pods that EKS Auth refuses credentials to fail with Pod Identity, and with nothing else: then it is right to go back,
 * however soon EKS Auth would be there again.
 */
export const goesBackForPods = ({ spec: { faults } }: RunResult, record: Migration | undefined): boolean =>
  faults.some(({ service }) => service === 'eks-auth') &&
  record?.outcome === 'rolled-back' &&
  record.failure?.name === 'PodsFailing';
