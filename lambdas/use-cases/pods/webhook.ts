/** What a migration knows of EKS's webhook while it restarts pods towards EKS Pod Identity. */
import { accountOf } from '../../domain/terms/subject.ts';
import type { Migration, Snapshot } from '../../domain/record/migration.ts';
import {
  findFlap,
  INJECTION_FLAPS,
  injectionFlaps,
  latestTime,
  secondsLeft,
  type WebhookFacts,
} from '../../domain/verification/injection-seen.ts';
import { type AssociatedSince, podsThatCount } from '../../domain/verification/pod-identity.ts';
import type { Clock, Ledger, Pod } from '../../ports/index.ts';
import { associatedSince, type PodsSeen } from './pods.ts';

interface Known {
  record: Pick<Migration, 'associations'>;
  snapshot: Pick<Snapshot, 'associations'>;
}

/**
 * Returns when the newest association of each service account was created, including those that the migration found and
 * kept.
 */
export const newestAssociations = ({ record, snapshot: { associations } }: Known): AssociatedSince =>
  new Map([...associations.map((one) => [accountOf(one), one.createdAt] as const), ...associatedSince(record)]);

/**
 * Returns what is known of the webhook if one pod goes first. Undefined in a rollback, which has its own rule, and in
 * definitions of releases that restarted all pods at once: they do not count tries.
 */
export const witnessOf = (
  { towards, tries, round }: { towards: string; tries?: number | undefined; round: number },
  known: Known,
): Omit<WebhookFacts, 'now'> | undefined =>
  towards === 'before' || tries === undefined ? undefined : { newest: newestAssociations(known), round };

/** Returns the seconds until the webhook has had its time for these pods that it has missed. */
export const secondsLeftFor = (
  missed: readonly Pod[],
  known: Known,
  { pods }: Pick<PodsSeen, 'pods'>,
  clock: Clock,
): number => secondsLeft(missed, { newest: newestAssociations(known), now: latestTime(clock.now(), pods) });

export const isFlapping = ({ warnings }: Pick<Migration, 'warnings'>): boolean =>
  warnings.some(({ id }) => id === INJECTION_FLAPS);

/** Returns the record, with a warning from now on if EKS's webhook misses some of the new pods. */
export async function noteFlap(
  ledger: Pick<Ledger, 'updateMigration'>,
  { record, snapshot }: { record: Migration; snapshot: Snapshot },
  { pods, evidence }: Pick<PodsSeen, 'pods' | 'evidence'>,
): Promise<Migration> {
  if (isFlapping(record)) return record;
  const flap = findFlap(pods, podsThatCount(evidence), newestAssociations({ record, snapshot }));
  if (flap === undefined) return record;
  const warnings = [...record.warnings, injectionFlaps(flap, record.request)];
  await ledger.updateMigration(record.migrationId, { warnings });
  return { ...record, warnings };
}
