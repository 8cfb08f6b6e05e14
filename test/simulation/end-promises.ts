/** Promises about how a migration ends: what the cluster shows and what the ledger records. */
import { podsThatCount } from '../../lambdas/domain/verification/pod-identity.ts';
import { type ServiceAccountRef, subjectOf } from '../../lambdas/domain/terms/subject.ts';
import { CREDENTIALS_UNKNOWN, PODS_NOT_SEEN } from '../../lambdas/domain/verification/pods.ts';
import { STABILITY_NOT_OBSERVED } from '../../lambdas/domain/verification/stability-warnings.ts';
import { NO_PODS_TO_VERIFY, PODS_NOT_REPLACED } from '../../lambdas/domain/verification/unreplaced.ts';
import { listObjects, workloadOf } from '../../sandbox/objects/store.ts';
import { MAX_SETTLINGS } from '../../lambdas/domain/rollout/settling.ts';
import { evidenceSettling } from '../../lambdas/use-cases/migration/report.ts';
import type { Migration } from '../../lambdas/domain/record/migration.ts';
import type { MigrationRequest } from '../../lambdas/domain/request/request.ts';
import type { PodEvidence } from '../../lambdas/domain/terms/evidence.ts';
import { allMigrations, changes, lastReadOf, migrationOf, notWorking } from './observe.ts';
import { annotationOf, podsOf } from './cluster.ts';
import { isScaledToZero, startedPod } from './life-effects.ts';
import type { RunResult } from './run.ts';
import {
  rollsBackForPods,
  interfered,
  mayBeHeldByConsumers,
  mayKeepOldSdk,
  migratedSince,
  plannedOf,
  podsMayHaveNothing,
  podsMayLag,
  type Promised,
  sameTags,
} from './promised.ts';
import type { RestoreCommandsEnd } from './person.ts';
import type { FaultSpec } from './spec.ts';
import { isTransient } from '../faults/kinds.ts';
import { words } from '../words.ts';

/** Steps of the workflow that a rollback does not use. */
const WORKFLOW_ONLY = new Set(words`
  delete-addon await-deleted create-addon update-addon await-active carry-over repair-trust install-agent
  create-association
`);

/** Returns what the restore commands leave unfinished after a person has run them. */
const restoreCommandsProblems = ({
  problems,
  outcome,
  released,
  locks,
  heldUp,
  rounds,
  failure,
}: RestoreCommandsEnd): string[] => [
  ...problems.map((problem) => `the restore commands do not restore it: ${problem}`),
  ...(outcome === 'rolled-back' || released
    ? []
    : [`after ${rounds} sets of restore commands its outcome is still ${outcome ?? ''}: ${failure}`]),
  ...locks.map((key) => `after needs-human the lock ${key} is still held by the migration`),
  ...heldUp.map((why) => `after needs-human another migration cannot begin: ${why}`),
];

/** A rollback replaces ten pods in fourteen minutes, one at a time, and then gives up (`MAX_WITNESSES`). */
const WEBHOOK_GIVEN_UP_SECONDS = 3600;

/**
 * Returns whether the fault is a permission missing for a moment while pods follow their associations; the service
 * waits for it (ADR 53).
 */
const isHeld = ({ kind, step = '' }: FaultSpec): boolean =>
  kind === 'access-denied' && ['await-active', 'verify-pods', 'restart-pods'].includes(step);

/** The steps before an end that are the last to read what an actor may change. */
const LAST_READS = new Set(['verify-pods', 'restore-associations', 'annotate-service-account']);
const READS: Record<string, RegExp> = {
  associate: /PodIdentityAssociation/,
  dissociate: /PodIdentityAssociation/,
  repoint: /PodIdentityAssociation/,
  annotate: /serviceaccounts$/,
  'delete-account': /serviceaccounts$/,
  'recreate-account': /serviceaccounts$/,
};

/**
 * Returns whether the end of the migration claims the current state. The service is not responsible for a third-party
 * change after its last read, for what it left alone, or for what a person has decided to leave.
 */
const answersFor = (result: RunResult, migrationId: string, { outcome }: Migration): boolean => {
  const { actor, restoreCommands, sandbox } = result;
  if (restoreCommands.some((one) => one.migrationId === migrationId && one.released)) return false;
  const end = restoreCommands.find((one) => one.migrationId === migrationId)?.outcome ?? outcome;
  if (!actor?.accepted || end === 'needs-human') return true;
  if (end !== 'migrated' && end !== 'rolled-back') return false;
  // The associations may be listed after the last read of the add-on: the end also claims that the add-on owns them.
  const seen = READS[actor.spec.does] ?? /^(DescribeAddon|ListPodIdentityAssociations)$/;
  const last = sandbox.world.log.calls.findLast(
    ({ step, operation, execution }) =>
      LAST_READS.has(step ?? '') && seen.test(operation) && migrationOf(result, execution) === migrationId,
  );
  const stale = STALE.has(actor.spec.does) ? sandbox.world.knobs.deleteStaleSeconds * 1000 : 0;
  return last !== undefined && actor.acted !== undefined && Date.parse(last.at) > actor.acted + stale;
};

/** For a while, EKS may still show what was deleted. */
const STALE: ReadonlySet<string> = new Set(['delete', 'replace']);

export const neverLost: Promised = {
  name: 'never-lost',
  statement:
    'At every end the add-on exists and works with the old identity or the new one, or the ledger records needs-human with the commands that restore it.',
  broken: async (result) => {
    const problems: string[] = [];
    for (const { migrationId, record, request } of allMigrations(result)) {
      const changed = changes(result).some((call) => migrationOf(result, call.execution) === migrationId);
      if (!record && changed) problems.push(`${migrationId} changed something and left no record`);
      // A migration that could not even record that it is blocked has nothing to roll back.
      if (record && record.status !== 'ended' && changed) problems.push(`${migrationId} never ended`);
      if (!record || record.status !== 'ended') continue;
      const { rollback } = record;
      if (rollback?.state === 'requested' || rollback?.state === 'running')
        problems.push(`${migrationId} has ended, and its rollback is still ${rollback.state}`);
      if ((record.outcome === 'rolled-back') !== (rollback?.outcome === 'rolled-back'))
        problems.push(
          `${migrationId} ended ${record.outcome ?? ''}, and the outcome of its rollback is ${rollback?.outcome ?? 'missing'}`,
        );
      if (record.outcome === 'needs-human' && record.restoreCommands.length === 0)
        problems.push(`${migrationId} needs a person and has no commands`);
      const serviceAccounts = plannedOf(record);
      // Checked after the restore commands were run; another migration's end is checked in its own turn.
      if (serviceAccounts.length > 0 && answersFor(result, migrationId, record))
        problems.push(
          ...notWorking(result, request, serviceAccounts, {
            podsMayLag: podsMayLag(result, request),
            podsMayBeBroken: mayKeepOldSdk(result, request) || (result.spec.pods?.restarts?.times ?? 1) > 1,
            mayHaveNothing: record.outcome === 'rolled-back' && podsMayHaveNothing(result, request),
          }).map((problem) => `${record.outcome ?? ''}: ${problem}`),
        );
    }
    problems.push(...result.restoreCommands.flatMap(restoreCommandsProblems));
    for (const lock of await result.ledger.listHeldLocks())
      problems.push(`the lock ${lock.key} is still held by ${lock.holder?.executionArn ?? ''}`);
    return problems;
  },
};

/** Returns what differs from the original state of a service account that was rolled back. */
const accountProblems = (
  { cluster }: RunResult,
  { plan }: Migration,
  account: ServiceAccountRef,
  pods: ReturnType<typeof podsOf>,
): string[] => [
  ...(annotationOf(cluster, account) === plan?.serviceAccount?.roleArn
    ? []
    : [`rolled-back, but the annotation is ${annotationOf(cluster, account) ?? 'gone'}`]),
  ...pods
    .filter(({ identity }) => identity !== 'irsa')
    .map(({ name, identity }) => `rolled-back, but pod ${name} uses ${identity}`),
];

/** Returns whether a pod is from before the run, and the service may not replace it. */
const isNotRestarted = (
  { sandbox }: RunResult,
  { verification }: MigrationRequest,
  { createdAt }: Pick<ReturnType<typeof podsOf>[number], 'createdAt'>,
): boolean => verification === 'api' && createdAt < Date.parse(sandbox.world.log.calls[0]?.at ?? '');

export const migratedMeansMigrated: Promised = {
  name: 'outcome-is-true',
  statement:
    'After migrated, every pod that counts is on Pod Identity. After rolled-back, role, version, configuration, tags and annotation are as they were, and so is every pod.',
  broken: (result) => {
    if (interfered(result) || result.repeated.length > 0) return [];
    return result.migrations.flatMap(({ record, request }) => {
      const addon = result.cluster.addons.get(request.addon ?? '');
      const was = result.before.addons.get(request.addon ?? '');
      const pods = podsOf(result.cluster).filter(
        (pod) =>
          !pod.terminating &&
          plannedOf(record).some(
            (one) => one.namespace === pod.namespace && one.serviceAccount === pod.serviceAccount,
          ) &&
          // See `unreplaced-pods-are-named` and `credentials-are-kept`.
          startedPod(result, pod.uid) === undefined,
      );
      if (record?.outcome === 'migrated')
        return pods
          .filter((pod) => pod.identity !== 'pod-identity' && !podsMayLag(result, request))
          .filter((pod) => !isNotRestarted(result, request, pod))
          .map((pod) => `migrated, but pod ${pod.name} uses ${pod.identity}`);
      // A later migration may have migrated the subject since the rollback.
      if (record?.outcome === 'rolled-back' && request.serviceAccount && !migratedSince(result, subjectOf(request)))
        return accountProblems(result, record, request.serviceAccount, pods);
      if (record?.outcome !== 'rolled-back' || !addon || !was || migratedSince(result, subjectOf(request))) return [];
      const same = (['version', 'configurationValues', 'serviceAccountRoleArn'] as const).filter(
        (field) => addon[field] !== was[field],
      );
      const tags = sameTags(addon.tags, was.tags) ? [] : ['tags'];
      return [...same, ...tags].map((field) => `rolled-back, but ${field} of ${subjectOf(request)} was not restored`);
    });
  },
};

export const transientEndsMigrated: Promised = {
  name: 'transient-fault-ends-migrated',
  statement:
    'A single transient fault never keeps a migration from ending migrated; a person is needed only if a fault persists.',
  broken: (result) => {
    const {
      faults,
      actor,
      cancelAfterCall,
      copies = 1,
      trust,
      stranger,
      denied,
      approval = 'given',
      time,
      pods,
      life,
      knobs = {},
    } = result.spec;
    const [fault] = faults;
    if (
      faults.length > 1 ||
      approval !== 'given' ||
      actor ||
      cancelAfterCall !== undefined ||
      copies > 1 ||
      trust ||
      stranger ||
      denied ||
      // See `working-pods-are-kept` and `life-is-not-failure`.
      pods ||
      life ||
      mayBeHeldByConsumers(result.spec, 'request') ||
      // A webhook that never learns of a deletion makes a rollback impossible.
      Number(knobs['webhookRemovalLagSeconds'] ?? 0) > WEBHOOK_GIVEN_UP_SECONDS ||
      // Nodes lost and callers unknown before the plan may keep the migration from starting: see `time-is-not-failure`.
      (time?.losses ?? []).length > 0 ||
      knobs['apiTokenLagSeconds'] !== undefined ||
      (fault?.seconds !== undefined && result.spec.scenario === 'approved')
    )
      return [];
    return result.migrations.flatMap(({ record }) => {
      if (
        (!fault || ((isTransient(fault.kind) || isHeld(fault)) && !fault.persists)) &&
        record?.outcome !== result.simulated.ends &&
        // A first plan reports that the API server is unreachable and does not wait for it.
        !(record?.outcome === 'blocked' && fault?.seconds !== undefined && fault.service === 'kubernetes') &&
        !result.spec.rollBack &&
        !rollsBackForPods(result, record)
      ) {
        return [
          `ended ${record?.outcome ?? 'without a record'} after ${fault?.kind ?? 'nothing'}: ${record?.failure?.name ?? ''} ${record?.failure?.message ?? ''}`,
        ];
      }
      return record?.outcome === 'needs-human' && !fault?.persists
        ? [`needs a person after a single ${fault?.kind ?? ''}: ${record.failure?.message ?? ''}`]
        : [];
    });
  },
};

export const rollsBackAutomatically: Promised = {
  name: 'rolls-back-automatically',
  statement:
    'If something fails persistently in the workflow alone, the service rolls back automatically, without a person.',
  broken: (result) => {
    const { faults, actor, denied, life } = result.spec;
    const [fault] = faults;
    if (
      denied ||
      life ||
      faults.length !== 1 ||
      !fault?.persists ||
      fault.step === undefined ||
      !WORKFLOW_ONLY.has(fault.step) ||
      actor
    )
      return [];
    return result.migrations.flatMap(({ record }) =>
      record?.outcome === 'needs-human'
        ? [`needs a person although only ${fault.step} failed: ${record.failure?.message ?? ''}`]
        : [],
    );
  },
};

/** Returns whether evidence shows Pod Identity, or its configuration in a pod for which the record warns about the rest. */
const isOnPodIdentity = ({ warnings }: Migration, { identity, level }: PodEvidence): boolean =>
  identity === 'pod-identity' ||
  (identity === 'unknown' && level !== undefined && warnings.some(({ id }) => id === CREDENTIALS_UNKNOWN));

/** Returns whether pods of the same service account did not work before the run. */
const wasBroken = ({ before }: RunResult, { namespace, serviceAccount }: PodEvidence): boolean =>
  before.broken.has(`${namespace}/${serviceAccount}`);

/** Returns the pods at the beginning of the last settling time of a migration that is verified as ready. */
const observedIn = async ({ ledger }: RunResult, { migrationId, verified }: Migration): Promise<PodEvidence[]> => {
  let last: PodEvidence[] = [];
  if (verified !== 'ready') return last;
  for (let number = 1; number <= MAX_SETTLINGS; number += 1) {
    const found = await ledger.getEvidence(migrationId, evidenceSettling(number));
    if (found.length > 0) last = found;
  }
  return last;
};

/** Returns whether pods on Pod Identity were stored at the beginning of a settling time. */
const wasSettling = async ({ ledger }: RunResult, migrationId: string): Promise<boolean> =>
  (await ledger.getEvidence(migrationId, evidenceSettling(1))).some(({ identity }) => identity === 'pod-identity');

/** Returns whether a pod joined while the others were observed, so that it need not be ready yet. */
const joined = (observed: readonly PodEvidence[], { uid, level }: PodEvidence): boolean =>
  observed.length > 0 && level !== 'ready' && !observed.some((one) => one.uid === uid);

/** Returns whether a pod of no workload is listed as one that keeps its identity, and a warning says so. */
const isNotReplaced = (
  { cluster: { kube } }: RunResult,
  { warnings }: Migration,
  uid: string,
  evidence: readonly PodEvidence[],
): boolean =>
  listObjects(kube, 'Pod').some((pod) => pod.metadata.uid === uid && workloadOf(kube, pod) === undefined) &&
  evidence.some((one) => one.uid === uid && one.excluded !== undefined) &&
  warnings.some(({ id }) => id === PODS_NOT_REPLACED);

export const verifiedOnPods: Promised = {
  name: 'verified-on-pods',
  statement:
    'A migrated record reports how it was verified: by evidence for every pod that counts or, if the request asks for no more, by the API alone. If the level ready was asked for and not reached, it is injected, and a warning says so; if there was no pod, it is api, and a warning says so; so does one about pods that nothing replaces, and about pods whose spec does not show that they use the configuration. Verified by the API alone, migrated and rolled-back both report that no pod was seen.',
  broken: async (result) => {
    const problems: string[] = [];
    for (const { migrationId, record } of result.migrations) {
      const saysNotSeen = record?.warnings.some(({ id }) => id === PODS_NOT_SEEN) === true;
      if (record?.outcome === 'rolled-back' && record.request.verification === 'api' && !saysNotSeen)
        problems.push(`${migrationId} is rolled back and does not report that no pod was seen`);
      if (record?.outcome !== 'migrated') continue;
      const { verification } = record.request;
      const isAtLeastInjected =
        verification === 'ready' &&
        record.verified === 'injected' &&
        record.warnings.some(({ id }) => id === STABILITY_NOT_OBSERVED);
      const saysNone = record.warnings.some(({ id }) => id === NO_PODS_TO_VERIFY);
      if (record.verified !== verification && !isAtLeastInjected && !(saysNone && record.verified === 'api'))
        problems.push(`${migrationId} is migrated, verified by ${record.verified} instead of ${verification}`);
      const evidence = await result.ledger.getEvidence(migrationId, 'latest');
      if (verification === 'api') {
        if (evidence.length > 0) problems.push(`${migrationId} has evidence of pods that the service may not read`);
        if (!saysNotSeen) problems.push(`${migrationId} does not report that no pod was seen`);
        continue;
      }
      const counted = podsThatCount(evidence);
      // The pods were verified, and their workloads were scaled to zero while they settled.
      const hadPods = isAtLeastInjected && isScaledToZero(result) && (await wasSettling(result, migrationId));
      if (counted.length === 0 && !saysNone && !hadPods) problems.push(`${migrationId} has no evidence of a pod`);
      if (counted.length > 0 && saysNone) problems.push(`${migrationId} says that there was no pod, and has evidence`);
      const observed = await observedIn(result, record);
      for (const pod of counted)
        if (startedPod(result, pod.uid) !== undefined) continue;
        else if (!isOnPodIdentity(record, pod) || !(pod.ready || wasBroken(result, pod) || joined(observed, pod)))
          problems.push(
            `${migrationId} is migrated with pod ${pod.name} using ${pod.identity}${pod.ready ? '' : ', not ready'}`,
          );
      // Another migration of the same subject has restarted its pods again.
      const others = result.migrations.filter(
        (one) =>
          one.migrationId !== migrationId &&
          subjectOf(one.request) === subjectOf(record.request) &&
          one.record?.outcome === 'migrated',
      );
      if (interfered(result) || result.repeated.length > 0 || others.length > 0) continue;
      const observedAt = lastReadOf(result, migrationId);
      const missing = podsOf(result.cluster).filter(
        (pod) =>
          !pod.terminating &&
          // An autoscaler or a lost node may create pods after the last read.
          !((result.spec.time ?? result.spec.pods ?? result.spec.life) && pod.createdAt >= observedAt) &&
          startedPod(result, pod.uid) === undefined &&
          plannedOf(record).some(
            (one) => one.serviceAccount === pod.serviceAccount && one.namespace === pod.namespace,
          ) &&
          !counted.some((one) => one.uid === pod.uid) &&
          !isNotReplaced(result, record, pod.uid, evidence),
      );
      problems.push(...missing.map((pod) => `${migrationId} has no evidence of pod ${pod.name}`));
    }
    return problems;
  },
};
