/** Promises about the level `ready`: what it claims of pods, and what may roll back a migration that has it to reach. */
import type { PodEvidence } from '../../lambdas/domain/terms/evidence.ts';
import { podsThatCount } from '../../lambdas/domain/verification/pod-identity.ts';
import { readReport } from '../../lambdas/use-cases/migration/report.ts';
import { PLAIN } from '../../cli/text/style.ts';
import { summary } from '../../cli/print/summary.ts';
import { isObject } from '../../sandbox/json.ts';
import { WORKLOAD_KINDS } from '../../lambdas/domain/kubernetes/objects.ts';
import { listObjects } from '../../sandbox/objects/store.ts';
import type { Claim } from './claims.ts';
import { hasBlinked, startedPod } from './life-effects.ts';
import { allMigrations } from './observe.ts';
import { interfered, isHarmless, mayBeHeldByConsumers, plannedOf, type Promised } from './promised.ts';
import type { RunResult } from './run.ts';

/** The settling time that the service promises: 60 seconds or what a workload needs, at most 5 minutes. */
const LEAST_SECONDS = 60;
const MOST_SECONDS = 300;

const seconds = (value: unknown): number => (typeof value === 'number' ? value : 0);

/** Returns the seconds in which a container with this liveness probe is restarted if the probe always fails. */
const livenessOf = (container: unknown): number => {
  const probe = isObject(container) ? container['livenessProbe'] : undefined;
  return isObject(probe) ? seconds(probe['periodSeconds'] ?? 10) * seconds(probe['failureThreshold'] ?? 3) : 0;
};

/** Returns the settling time of the workloads with these service accounts, from the API server's objects. */
const settlingMs = ({ cluster }: RunResult, accounts: ReadonlySet<string>): number => {
  const each = WORKLOAD_KINDS.flatMap((kind) => listObjects(cluster.kube, kind)).flatMap(({ metadata, spec }) => {
    const { serviceAccountName = 'default', containers } = spec.template.spec;
    if (!accounts.has(`${metadata.namespace ?? ''}/${serviceAccountName}`)) return [];
    return [seconds((spec as { minReadySeconds?: number }).minReadySeconds), ...containers.map(livenessOf)];
  });
  return Math.min(MOST_SECONDS, Math.max(LEAST_SECONDS, ...each)) * 1000;
};

/** Returns when the invocation that made the claim listed the pods; milliseconds since 1970. */
const readAt = ({ sandbox }: RunResult, { call }: Claim): number =>
  Date.parse(
    sandbox.world.log.calls.findLast(
      ({ n, invocation, operation, status }) =>
        n < call.n && invocation === call.invocation && operation === 'list pods' && status < 300,
    )?.at ?? call.at,
  );

/** Returns when the pods were last listed before that time, in milliseconds since 1970; that time if they never were. */
const listedBefore = ({ sandbox }: RunResult, { call }: Claim, before: number): number =>
  Date.parse(
    sandbox.world.log.calls.findLast(
      ({ n, at, operation, status }) =>
        n < call.n && operation === 'list pods' && status < 300 && Date.parse(at) <= before,
    )?.at ?? new Date(before).toISOString(),
  );

const accountsOf = (result: RunResult, migrationId: string): Set<string> =>
  new Set(
    plannedOf(allMigrations(result).find((one) => one.migrationId === migrationId)?.record).map(
      ({ namespace, serviceAccount }) => `${namespace}/${serviceAccount}`,
    ),
  );

const isReady = ({ level }: PodEvidence): boolean => level === 'ready';

/** Returns why a pod that is claimed to be ready was not stable in the settling time. */
const unstable = (result: RunResult, claim: Claim, { uid }: PodEvidence): string | undefined => {
  const to = readAt(result, claim);
  return result.stability.unstable(uid, to - settlingMs(result, accountsOf(result, claim.migrationId)), to);
};

/**
 * Returns why a pod of a migration that is verified as ready need not have reached the level: it joined too late to be
 * compared with an observation that is a settling time old (the API server may have been unreachable since), its node is
 * lost, it was made unready, no workload replaces it, or pods of its service account did not work before the migration.
 */
const isExcused = (result: RunResult, claim: Claim, pod: PodEvidence): boolean => {
  const to = readAt(result, claim);
  const from = to - settlingMs(result, accountsOf(result, claim.migrationId));
  return (
    result.stability.since(pod.uid) > listedBefore(result, claim, from) ||
    startedPod(result, pod.uid) !== undefined ||
    hasBlinked(result, pod.uid) ||
    result.stability.isOnLostNode(pod.uid, to) ||
    result.before.broken.has(`${pod.namespace}/${pod.serviceAccount}`)
  );
};

export const readyWasStable: Promised = {
  name: 'ready-was-stable',
  statement:
    'A pod is called ready only if it was Ready for the whole settling time and none of its containers restarted in it. A migration is verified as ready only if this holds for each pod that was there, except on lost nodes and where pods did not work before.',
  broken: (result) =>
    result.claims.claims.flatMap((claim) => {
      const counted = podsThatCount(claim.evidence);
      const wrong = counted.filter(isReady).flatMap((pod) => {
        const why = unstable(result, claim, pod);
        return why === undefined ? [] : [`${claim.migrationId} calls pod ${pod.name} ready, and ${why}`];
      });
      if (claim.of === 'pods') return wrong;
      const missing = counted.filter((pod) => !isReady(pod) && !isExcused(result, claim, pod));
      return [
        ...wrong,
        ...missing.map(({ name }) => `${claim.migrationId} is verified as ready, and pod ${name} is not`),
        ...(counted.some(isReady) ? [] : [`${claim.migrationId} is verified as ready by no pod`]),
      ];
    }),
};

/** What each text about a migration that is verified as ready must contain. */
const NOT_OBSERVED = 'use of the credentials not observed';

/** Returns what is said to a person about the end of a migration: by the command line, and by its last event. */
const textsOf = async (result: RunResult, migrationId: string): Promise<string[]> => {
  const report = await readReport(result.ledger, migrationId, { simulated: true });
  if (!report) return [];
  return [summary(report, PLAIN).join(' ').replaceAll(/\s+/g, ' ')];
};

/**
 * Returns whether software hides that it gets no credentials: nothing that the API server shows distinguishes it from
 * software that has some.
 */
const hides = ({ sandbox: { world } }: RunResult, why: string): boolean => {
  const { softwareWithoutCredentials: without } = world.knobs;
  return without === 'logs' || (without !== 'crashes' && why !== 'SdkTooOld');
};

export const readyHasCredentials: Promised = {
  name: 'ready-has-credentials',
  statement:
    'EKS Auth gives credentials to each pod that is called ready, unless its software hides that it has none. Every report of a migration that is verified as ready says that the use of the credentials was not observed.',
  broken: async (result) => {
    const problems: string[] = [];
    for (const { migrationId, evidence, lacking } of result.claims.claims)
      for (const { uid, name } of podsThatCount(evidence).filter(isReady)) {
        const why = lacking.get(uid);
        if (why === undefined || hides(result, why)) continue;
        problems.push(`${migrationId} calls pod ${name} ready, and it gets no credentials: ${why}`);
      }
    for (const { migrationId, record } of allMigrations(result)) {
      if (record?.outcome !== 'migrated' || record.verified !== 'ready') continue;
      for (const text of await textsOf(result, migrationId))
        if (!text.includes(NOT_OBSERVED))
          problems.push(`${migrationId} is verified as ready, and its report does not say: ${NOT_OBSERVED}`);
    }
    return problems;
  },
};

/** Returns whether what happens to the pods is all that happens in a run. */
const isPodsAlone = ({ spec }: RunResult): boolean => {
  const { faults, actor, copies = 1, trust, stranger, denied, approval = 'given', cancelAfterCall, time } = spec;
  return (
    faults.length === 0 &&
    !actor &&
    copies === 1 &&
    !trust &&
    !stranger &&
    !denied &&
    !mayBeHeldByConsumers(spec, 'request') &&
    approval === 'given' &&
    cancelAfterCall === undefined &&
    !time
  );
};

export const oldSdksAreFound: Promised = {
  name: 'old-sdks-are-found',
  statement:
    'A migration that asks for ready, of pods whose SDK is too old for EKS Pod Identity and whose software exits without credentials, ends blocked or rolled back, never migrated with the level ready.',
  broken: (result) => {
    if ((result.spec.pods?.oldSdk?.without ?? 'logs') === 'logs' || interfered(result)) return [];
    return result.migrations.flatMap(({ migrationId, request, record }) => {
      if (request.verification !== 'ready' || result.simulated.ends !== 'migrated') return [];
      if (record?.outcome === 'migrated' && record.verified === 'ready')
        return [`${migrationId} is migrated and ready, although an SDK is too old`];
      const isExpected = record?.outcome === 'blocked' || record?.outcome === 'rolled-back';
      return isExpected || !isPodsAlone(result) || result.spec.rollBack
        ? []
        : [`${migrationId} ended ${record?.outcome ?? 'without a record'} with an SDK that is too old`];
    });
  },
};

export const workingPodsAreKept: Promised = {
  name: 'working-pods-are-kept',
  statement:
    'Neither a single restart of a container, nor pods that did not work before, nor credentials that turn out unknown after the change, nor a node that joins or is lost, nor an outage of the API server while pods are observed keeps a migration from ending migrated.',
  broken: (result) => {
    if (!result.spec.pods || !isPodsAlone(result) || !isHarmless(result) || interfered(result)) return [];
    if (result.spec.rollBack) return [];
    return result.migrations.flatMap(({ migrationId, record }) =>
      record?.outcome === result.simulated.ends ||
      // Without the pods, nothing shows that those that keep the add-on DEGRADED did not work before.
      (record?.request.verification === 'api' && result.spec.pods?.brokenBefore === 'replaced')
        ? []
        : [
            `${migrationId} ended ${record?.outcome ?? 'without a record'}: ${record?.failure?.name ?? ''} ${record?.failure?.message ?? ''}`,
          ],
    );
  },
};
