/**
 * Takes the locks (the subject's, then those of its roles) and stores the snapshot. Promise 1: nothing is changed before
 * both exist. Idempotency: the same execution finds its own locks under their fences; the first snapshot is kept.
 * Failure: the migration ends `blocked`; nothing was changed. Outside the change window it releases its locks, and the
 * workflow waits for the window. A plan that is not the migration's own, or that this deployment may not carry out, is
 * refused before any lock is taken; a plan whose approval does not count is refused under the locks. Role locks are shared
 * with other migrations; the lock of a role whose trust this plan repairs is exclusive, and a migration that can't get it
 * waits.
 */
import { acceptedNames } from '../../domain/acceptance/accept.ts';
import { areOpen, nextCommonOpening, windowsText } from '../../domain/waiting/change-windows.ts';
import { MigrationError } from '../../domain/failures/errors.ts';
import { classifyPod } from '../../domain/verification/pod-identity.ts';
import { irsaRoleOf } from '../../domain/verification/irsa.ts';
import type { MigrationRequest } from '../../domain/request/request.ts';
import type { Plan } from '../../domain/record/plan.ts';
import type { PodIdentity } from '../../domain/terms/evidence.ts';
import type { Snapshot } from '../../domain/record/migration.ts';
import { identityHolders } from '../../domain/plan/identity-loss.ts';
import { rolesOf } from '../../domain/plan/roles.ts';
import { brokenFor, judgeIrsa } from '../../domain/rollback/irsa.ts';
import { windowsOf } from '../../domain/waiting/waiting.ts';
import { settingsFor } from '../../domain/access/spokes.ts';
import type {
  AttributedServiceAccount,
  Clock,
  HandlerDependencies,
  Ledger,
  LockHolder,
  TargetPorts,
} from '../../ports/index.ts';
import { assertApproved } from '../../use-cases/approval/approver.ts';
import { listPlannedAssociations } from '../../use-cases/facts/planned-associations.ts';
import { assertPlanIsGranted } from '../../use-cases/facts/grants.ts';
import { lockKeys, lockModeOf, takeLock } from '../../use-cases/record/lock.ts';
import { readAddonUntilSure } from '../../use-cases/confirmed/reads.ts';
import {
  assertPlanIsAllowed,
  assertPlanIsApproved,
  assertPlanIsOwn,
  assertRollbackIsAllowed,
} from '../../use-cases/migration/plan-allowed.ts';
import {
  assertAccountAsPlanned,
  assertAddonAsPlanned,
  assertAssociationAsPlanned,
  assertAssociationsAsPlanned,
} from '../../use-cases/migration/plan-current.ts';
import { planOf, recordedMigration } from '../../use-cases/record/recorded.ts';
import { readAccount, stateOf } from '../../use-cases/confirmed/service-account.ts';
import { readIrsa } from '../../use-cases/rollback/irsa.ts';
import { step, type StepRun } from '../../runtime/step.ts';
import { assertTrustAsPlanned } from '../../use-cases/migration/trust.ts';
import { utcNow, utcOf } from '../../runtime/utc.ts';
import { endWaiting } from '../../use-cases/waiting/waiting-slots.ts';
import { beginSchema } from './schema.ts';

/**
 * Returns the fence of the first lock, the subject's. Notes which migration holds a lock that is needed. Locks that were
 * taken are kept while the step waits for a role's lock.
 */
async function takeLocks(
  ledger: Ledger,
  keys: readonly string[],
  owner: LockHolder,
  { trustRepairs }: Plan,
): Promise<number> {
  const onBusy = ({ migrationId: heldBy }: LockHolder): Promise<void> =>
    ledger.updateMigration(owner.migrationId, { heldBy });
  const fences: number[] = [];
  for (const key of keys)
    fences.push(await takeLock(ledger, key, owner, lockModeOf(key, trustRepairs), { busy: 'SubjectBusy', onBusy }));
  return fences[0] ?? 0;
}

async function trustOf({ roles }: TargetPorts, arns: Iterable<string>): Promise<Snapshot['trustPolicies']> {
  const found: Snapshot['trustPolicies'] = {};
  for (const arn of arns) {
    const role = await roles.getRole(arn);
    if (role) found[arn] = role.trustPolicy;
  }
  return found;
}

/**
 * Returns the add-on or the service account, and its associations. Throws AddonChanged, ServiceAccountChanged or
 * AssociationChanged if they are no longer as planned.
 */
async function readAsPlanned(
  plan: Plan,
  { target, addon, serviceAccount, accept }: MigrationRequest,
  { eks, kubernetes }: TargetPorts,
  clock: Clock,
): Promise<Pick<Snapshot, 'addon' | 'serviceAccount' | 'associations'>> {
  if (addon !== undefined) {
    const found = await readAddonUntilSure(eks, addon, clock);
    assertAddonAsPlanned(plan, addon, found);
    const associations = await listPlannedAssociations(eks, plan.associations);
    assertAssociationsAsPlanned(plan, associations, { target, addon: found, accept });
    return { addon: found, associations };
  }
  // A service account that the plan could not see may not be read here either.
  const account =
    plan.serviceAccount && serviceAccount ? await readAccount(kubernetes, serviceAccount, clock) : undefined;
  if (plan.serviceAccount) assertAccountAsPlanned(plan.serviceAccount, account);
  const associations = await listPlannedAssociations(eks, plan.associations);
  assertAssociationAsPlanned(plan, associations);
  return { ...(account ? { serviceAccount: stateOf(account) } : {}), associations };
}

/**
 * Returns the service accounts that have the add-on's role by annotation, or undefined if pods may not be read or the
 * add-on has no role.
 */
async function annotatedWithRole(
  { addon, namespace = '' }: Plan,
  { verification }: MigrationRequest,
  { kubernetes }: TargetPorts,
): Promise<AttributedServiceAccount[] | undefined> {
  const roleArn = addon?.serviceAccountRoleArn;
  if (roleArn === undefined || verification === 'api') return undefined;
  return (await kubernetes.listAttributedServiceAccounts(namespace)).filter((one) => one.roleArn === roleArn);
}

/**
 * Returns the service accounts of the add-on that have its role by annotation and whose pods all use it, without those
 * that are planned and those whose loss is accepted. A service account that was created after the plan is included.
 */
async function bystandersOf(
  { addon, namespace = '', associations, identityLosses }: Plan,
  seen: readonly AttributedServiceAccount[],
  { kubernetes }: TargetPorts,
): Promise<string[]> {
  if (!addon) return [];
  const known = new Set([...associations, ...identityLosses].map((one) => one.serviceAccount));
  if (seen.every(({ name }) => known.has(name))) return [];
  const pods = (await kubernetes.listPods(namespace)).filter((pod) => !pod.terminating);
  const holders = identityHolders({ addon, namespace, pods, annotated: { seen: [...seen] } }, associations, {
    deleted: true,
  });
  const identitiesOf = (name: string): PodIdentity[] =>
    pods.filter((pod) => pod.serviceAccount === name).map((pod) => classifyPod(pod).identity);
  return seen
    .map(({ name }) => name)
    .filter((name) => holders.has(name) && !known.has(name))
    .filter((name) => identitiesOf(name).length > 0 && identitiesOf(name).every((one) => one === 'irsa'))
    .sort();
}

/**
 * Throws WindowClosed if the window has closed, for example during the wait for a role's lock, and releases the locks: none
 * is held during the wait for the next window.
 */
async function assertWindowOpen(
  request: MigrationRequest,
  locks: readonly string[],
  executionArn: string,
  { settings, ledger, clock }: Pick<HandlerDependencies, 'settings' | 'ledger' | 'clock'>,
): Promise<void> {
  const windows = windowsOf(request, settings);
  if (areOpen(windows, clock.now())) return;
  for (const key of locks) await ledger.releaseLock(key, executionArn);
  const opens = nextCommonOpening(windows, clock.now());
  throw new MigrationError(
    'WindowClosed',
    `${windowsText(windows)} is not open. Nothing was changed. ${opens === undefined ? 'It does not open within 400 days; start the migration again later' : `It opens at ${utcOf(opens)}; the migration waits until then`}.`,
  );
}

/** Returns the service accounts for which IRSA does not work before the first change, which a rollback cannot improve. */
async function irsaBefore(
  { associations, identityLosses }: Plan,
  seen: Pick<Snapshot, 'addon' | 'serviceAccount' | 'trustPolicies'>,
  { target, accept }: MigrationRequest,
  { eks, roles }: TargetPorts,
): Promise<Pick<Snapshot, 'irsaBroken'>> {
  const roleArn = irsaRoleOf(seen);
  const accounts = [...associations, ...identityLosses];
  if (roleArn === undefined || accounts.length === 0) return {};
  const trustPolicy = seen.trustPolicies[roleArn];
  const facts = await readIrsa(roleArn, target, {
    eks: { describeCluster: () => eks.knownCluster() },
    roles: {
      getRole: (arn) => Promise.resolve(trustPolicy === undefined ? undefined : { arn, trustPolicy, tags: {} }),
      getOidcProvider: (arn) => roles.getOidcProvider(arn),
    },
  });
  const { problems } = judgeIrsa(facts, accounts, acceptedNames({ accept }, 'condition-key'));
  const irsaBroken = brokenFor(problems, accounts);
  return irsaBroken.length > 0 ? { irsaBroken } : {};
}

const run: StepRun<typeof beginSchema> = async (input, dependencies) => {
  const { portsFor, ledger, clock } = dependencies;
  const { migrationId, executionArn, target, subject } = input;
  const settings = settingsFor(dependencies.settings, target);
  const record = await recordedMigration(ledger, migrationId);
  const plan: Plan = planOf(record);
  assertPlanIsOwn(record, plan, input);
  assertPlanIsAllowed(plan, record.request, settings);
  assertPlanIsApproved(record, plan, input, settings);
  const roles = rolesOf(plan);
  const locks = lockKeys(target, subject, roles, plan.associations);
  const isBegun = (await ledger.getSnapshot(migrationId)) !== undefined;
  if (!isBegun) await assertWindowOpen(record.request, locks, executionArn, dependencies);
  // This comes first, so that any code that ends this migration knows which locks to release.
  await ledger.updateMigration(migrationId, { locks });
  const fence = await takeLocks(ledger, locks, { migrationId, executionArn, since: utcNow(clock) }, plan);
  const begun = async (): Promise<{ fence: number }> => {
    await endWaiting(record, dependencies);
    return { fence };
  };
  await assertApproved(record, plan, dependencies);
  if (isBegun) return begun();

  const ports = portsFor(target);
  const takenAt = utcNow(clock);
  const seen = await readAsPlanned(plan, record.request, ports, clock);
  assertRollbackIsAllowed(seen.associations, settings);
  // Those of associations that the migration deletes decide whether a later rollback may give them back.
  const trustPolicies = await trustOf(ports, new Set([...roles, ...seen.associations.map(({ roleArn }) => roleArn)]));
  // The holder of a role's lock may have changed the trust policy while this migration waited for the lock.
  assertTrustAsPlanned(plan, trustPolicies);
  const withRole = await annotatedWithRole(plan, record.request, ports);
  const annotated = withRole?.map(({ name }) => name);
  await assertPlanIsGranted(
    { migrationId, plan, request: record.request },
    { ...seen, trustPolicies, annotated },
    ports,
    dependencies,
  );
  const snapshot: Snapshot = {
    takenAt,
    ...seen,
    namespace: plan.namespace,
    ...(plan.defaultNamespace === undefined ? {} : { defaultNamespace: plan.defaultNamespace }),
    planned: plan.associations,
    identityLosses: plan.identityLosses,
    ...(plan.brokenPods ? { brokenPods: plan.brokenPods } : {}),
    bystanders: await bystandersOf(plan, withRole ?? [], ports),
    ...(annotated ? { annotated } : {}),
    ...(await irsaBefore(plan, { ...seen, trustPolicies }, record.request, ports)),
    trustPolicies,
  };
  await ledger.noteAttempt(migrationId, 0);
  // This comes before the snapshot, which marks the migration as begun: otherwise a lost reply could lose the event.
  await ledger.addOutboxEvent(migrationId, 'started');
  await ledger.putSnapshot(migrationId, snapshot);
  return begun();
};

export const beginStep = step(beginSchema, run);
