/** Reads what a recovery needs for its decision, and whether a migration without locks can still be rolled back. */
import { changedByThirdParty } from '../../domain/addons/copies.ts';
import { eachHolder } from '../../domain/migration/locks.ts';
import { type AddonSnapshot, isOfAddon, type Migration, type Snapshot } from '../../domain/record/migration.ts';
import { isForAddon } from '../../domain/request/request.ts';
import type { OwnerState } from '../../domain/rollback/recovery.ts';
import {
  accountProblem,
  associationText,
  foreignAssociations,
  isUnannotated,
} from '../../domain/migration/service-account.ts';
import { subjectOf } from '../../domain/terms/subject.ts';
import type { Executions, HandlerDependencies, Ledger, Lock } from '../../ports/index.ts';
import { listPlannedAssociations } from '../facts/planned-associations.ts';
import { subjectLock } from '../record/lock.ts';
import { readUntilSure } from '../confirmed/reads.ts';
import { irsaOfRollback, irsaRemedy } from './irsa.ts';
import { observeRestore } from './restore.ts';
import { roleNotReturned } from './returned-roles.ts';
import { readAccount } from '../confirmed/service-account.ts';

/** Step lines of a rollback's first step, in any round: for a service account, no add-on is assessed. */
const ROLLBACK_LINE = /^(assess-rollback|restore-annotation|restore-associations)\b/;

/**
 * Returns whether a rollback was begun by any execution. A change to a service account also counts if its step line was not
 * written.
 */
export async function rollbackBegun(
  ledger: Ledger,
  {
    migrationId,
    status,
    request,
    associations,
    annotationChange,
  }: Pick<Migration, 'migrationId' | 'status' | 'request' | 'associations' | 'annotationChange'>,
): Promise<boolean> {
  if (status === 'rolling-back') return true;
  if (!isForAddon(request) && (associations.purged.length > 0 || annotationChange?.undoneAt !== undefined)) return true;
  return (await ledger.listSteps(migrationId)).some((line) => ROLLBACK_LINE.test(line.name));
}

/** Returns the keys of all locks that a migration takes, the subject's first. */
export const lockKeys = ({ request, locks }: Pick<Migration, 'request' | 'locks'>): string[] => [
  ...new Set([subjectLock(request.target, subjectOf(request)), ...locks]),
];

/** Returns the locks, one entry for each holder, or free; a lock that was never held is omitted. */
export async function readLocks(ledger: Ledger, keys: string[]): Promise<Lock[]> {
  const locks: Lock[] = [];
  for (const key of keys) {
    const lock = await ledger.readLock(key);
    if (lock) locks.push(...eachHolder(lock));
  }
  return locks;
}

/**
 * Returns Step Functions' status of every execution that holds one of the locks for this migration, or that its record names.
 */
export async function readOwners(
  executions: Executions,
  record: Migration,
  locks: Lock[],
  asking: string,
): Promise<Map<string, OwnerState>> {
  const arns = new Set([
    record.executionArn,
    ...locks.map(({ holder }) => (holder?.migrationId === record.migrationId ? holder.executionArn : undefined)),
  ]);
  const owners = new Map<string, OwnerState>();
  for (const arn of arns) if (arn !== undefined && arn !== asking) owners.set(arn, await executions.describe(arn));
  return owners;
}

type Observer = Pick<HandlerDependencies, 'portsFor' | 'clock' | 'settings' | 'ledger'>;

/** Returns as text how the add-on was changed outside this migration, or undefined. */
async function addonChanged(
  record: Migration,
  snapshot: AddonSnapshot,
  { portsFor, clock }: Observer,
): Promise<string | undefined> {
  const { eks } = portsFor(record.request.target);
  const { now, decision } = await readUntilSure(
    clock,
    () => observeRestore({ eks, clock, record, snapshot, actions: 0 }),
    (seen) => seen.decision.do !== 'refuse',
  );
  if (decision.do === 'refuse') return decision.why;
  // The add-on may be busy with an operation that this migration did not start.
  return now && changedByThirdParty(snapshot, now);
}

/**
 * Returns as text how the service account or its associations were changed outside this migration, or undefined. Without its
 * annotation, its pods would have no role.
 */
async function accountChanged(
  record: Migration,
  snapshot: Snapshot,
  { portsFor, clock }: Observer,
): Promise<string | undefined> {
  const { eks, kubernetes } = portsFor(record.request.target);
  const { serviceAccount: was, planned } = snapshot;
  const [foreign] = foreignAssociations(record, snapshot, await listPlannedAssociations(eks, planned));
  if (foreign) return `association ${associationText(foreign)} was created outside this migration`;
  if (!was || record.request.verification === 'api') return undefined;
  return accountProblem(was, await readAccount(kubernetes, was, clock), isUnannotated(record));
}

/**
 * Returns why a migration that has no locks can't be rolled back, or undefined: its subject was changed since, a role may no
 * longer be given back, or IRSA, which worked before, would not work for the pods.
 */
export async function rollbackClosed(
  record: Migration,
  snapshot: Snapshot,
  observer: Observer,
): Promise<string | undefined> {
  const { target } = record.request;
  const { eks, roles } = observer.portsFor(target);
  const changed = isOfAddon(snapshot)
    ? await addonChanged(record, snapshot, observer)
    : await accountChanged(record, snapshot, observer);
  if (changed !== undefined) return changed;
  const notReturned = await roleNotReturned(record, snapshot, observer);
  if (notReturned !== undefined) return notReturned;

  const judged = await irsaOfRollback([...snapshot.planned, ...snapshot.identityLosses], {
    record,
    snapshot,
    eks,
    roles,
    ...observer,
  });
  if (!judged || judged.problems.length === 0) return undefined;
  const remedy = irsaRemedy(record, snapshot, judged);
  const why = judged.problems.map(({ text }) => text).join('; ');
  return `${why}. Restore that first${remedy === '' ? '' : ` (${remedy})`}, then roll back again`;
}
