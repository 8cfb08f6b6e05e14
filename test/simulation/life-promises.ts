/** Promises about the ordinary life of a cluster: it neither fails a migration nor holds its locks, and it is reported. */
import { accountOf } from '../../lambdas/domain/terms/subject.ts';
import { podsThatCount } from '../../lambdas/domain/verification/pod-identity.ts';
import type { Migration } from '../../lambdas/domain/record/migration.ts';
import { sourcesOf } from '../../sandbox/credentials/sources.ts';
import { isActive } from '../../sandbox/kubernetes/pods.ts';
import { listObjects } from '../../sandbox/objects/store.ts';
import type { Call } from '../../sandbox/calls/call-log.ts';
import { liveAssociations } from './cluster.ts';
import { ROLLBACK } from './life.ts';
import { happened, isLifeAlone, startedPod } from './life-effects.ts';
import { allMigrations, changes, effective, lastReadOf, migrationOf } from './observe.ts';
import { about, mayKeepOldSdk, type Promised } from './promised.ts';
import type { RunResult } from './run.ts';
import type { LifeEvent, RunSpec } from './spec.ts';

/** What a person has requested; a failure of this name is no failure of the migration. */
const REQUESTED: ReadonlySet<string> = new Set(['Cancelled', 'RollbackRequested']);

const failureOf = ({ failure }: Migration): string => `${failure?.name ?? ''} ${failure?.message ?? ''}`;

/**
 * Returns whether pods are the reason for a rollback that had no agent, and to which none was coming, at the last read before
 * it. They need not be ready: software may wait for credentials.
 */
const isAboutAgents = (result: RunResult, { migrationId, failure }: Migration): boolean => {
  if (failure?.name === 'PodsOnWrongIdentity') return false;
  const isOfIt = ({ execution }: Call): boolean => migrationOf(result, execution) === migrationId;
  const back = result.sandbox.world.log.calls.find((call) => ROLLBACK.has(call.step ?? '') && isOfIt(call));
  const read = result.agents?.reads.findLast(({ call }) => call.n < (back?.n ?? 0) && isOfIt(call));
  return read !== undefined && read.forGood.size > 0;
};

/**
 * Returns whether a pod that nobody replaces could lose credentials when a rollback last read the pods before it stopped. A
 * pod without an agent has none to lose.
 */
const isAnyLasting = (result: RunResult, { migrationId }: Migration): boolean => {
  const until = result.handedOffAfter ?? Number.POSITIVE_INFINITY;
  const read = result.agents?.reads.findLast(
    ({ call: { n, step, execution } }) =>
      n <= until && step === 'restore-associations' && migrationOf(result, execution) === migrationId,
  );
  return [...(read?.all.keys() ?? [])].some(
    (uid) => startedPod(result, uid) !== undefined && read?.forGood.has(uid) !== true,
  );
};

/**
 * Returns whether a rollback may ask a person: about pods that nobody replaces and about slow pods, whose credentials it
 * would take away, and where IRSA does not work any more.
 */
const mayAsk = (result: RunResult, record: Migration): boolean =>
  happened(result, 'break-irsa').length > 0 ||
  (failureOf(record).includes('SessionsMayEnd') && (result.spec.time !== undefined || isAnyLasting(result, record)));

/** Returns whether any act of the life happened before the end of a migration. */
const hasLived = ({ life }: RunResult): boolean =>
  life?.records.some(({ event, at }) => at !== undefined && event.at !== 'ended' && event.at !== 'rollback') === true;

export const lifeIsNotFailure: Promised = {
  name: 'life-is-not-failure',
  statement:
    'Pods that nobody replaces, pods that are unready for a while, nodes that come and go, slow starts, workloads without pods and a webhook that learns late never cause a rollback, and a rollback asks a person only about pods that would lose their credentials.',
  broken: (result) => {
    const { spec, simulated } = result;
    if (!isLifeAlone(spec)) return [];
    return result.migrations.flatMap(({ migrationId, record }) => {
      if (!record || mayKeepOldSdk(result, record.request)) return [];
      const { outcome } = record;
      const isRequested = REQUESTED.has(record.failure?.name ?? '');
      const isFine =
        outcome === simulated.ends ||
        // A cancel before the first change, or a plan that blocked before anything of the life began.
        (outcome === 'blocked' && (isRequested || !hasLived(result))) ||
        (outcome === 'rolled-back' && (isRequested || isAboutAgents(result, record))) ||
        (outcome === 'needs-human' && mayAsk(result, record));
      return isFine ? [] : [`${migrationId} ended ${outcome ?? record.status}: ${failureOf(record)}`];
    });
  },
};

const HOUR = 3600;

/** Returns for how many seconds an event may delay a migration: nothing waits for pods that nobody replaces. */
const delayOf = (event: LifeEvent): number => {
  if (event.does === 'blink') return event.seconds;
  // Each rollout restarts its pods one after the other at worst, and there may be three in each direction.
  if (event.does === 'slow-starts') return 30 * event.seconds;
  if (event.does === 'lose-node') return event.goneAfterSeconds + HOUR / 6;
  return event.does === 'scale-to-zero' ? (event.seconds ?? 0) : 0;
};

/** Returns the longest time for which an execution may run: what was drawn, and an hour for everything else. */
const mostSeconds = ({ life = [], knobs = {} }: RunSpec): number =>
  HOUR +
  6 * (Number(knobs['webhookLagSeconds'] ?? 0) + Number(knobs['webhookRemovalLagSeconds'] ?? 0)) +
  life.reduce((sum, event) => sum + delayOf(event), 0);

export const waitsHaveCauses: Promised = {
  name: 'waits-have-causes',
  statement:
    'No execution holds its locks for longer than what it waits for takes: none waits for a pod that nobody replaces, or for pods of workloads that have none.',
  broken: (result) => {
    const { spec, sandbox } = result;
    if (!isLifeAlone(spec) || spec.time) return [];
    const most = mostSeconds(spec);
    const spans = new Map<string, { from: number; to: number }>();
    for (const { execution, at, n } of sandbox.world.log.calls) {
      if (execution === undefined || n > (result.handedOffAfter ?? Number.POSITIVE_INFINITY)) continue;
      const span = spans.get(execution) ?? { from: Date.parse(at), to: 0 };
      span.to = Date.parse(at);
      spans.set(execution, span);
    }
    return [...spans].flatMap(([execution, { from, to }]) => {
      const seconds = Math.round((to - from) / 1000);
      return migrationOf(result, execution) !== '' && seconds > most
        ? [`${execution} took ${seconds} s, and what was drawn explains ${most} s`]
        : [];
    });
  },
};

export const readyHasAgents: Promised = {
  name: 'ready-has-agents',
  statement:
    'No pod on EKS Pod Identity is called ready whose node had no agent when the service read the pods, and still has none.',
  broken: (result) =>
    result.claims.claims.flatMap(({ migrationId, call, evidence, withoutAgent }) => {
      const read = result.agents?.reads.findLast((one) => one.call.n < call.n && one.call.execution === call.execution);
      return podsThatCount(evidence)
        .filter(({ uid, level }) => level === 'ready' && read?.without.has(uid) === true && withoutAgent.has(uid))
        .map(({ name }) => `${migrationId} calls pod ${name} ready, and its node has no agent`);
    }),
};

/** Steps of a rollback that take something away from pods. */
const TAKES: ReadonlySet<string> = new Set(['restore-addon', 'restore-associations']);
/** An UpdateAddon with the role alone takes nothing: the associations stay, and take precedence. */
const takes = ({ operation, input }: Call): boolean =>
  operation === 'DeletePodIdentityAssociation' ||
  operation === 'DeleteAddon' ||
  (operation === 'UpdateAddon' && input !== null && typeof input === 'object' && 'podIdentityAssociations' in input);

export const brokenIrsaTakesNothing: Promised = {
  name: 'broken-irsa-takes-nothing',
  statement:
    'Where IRSA does not work any more, a rollback takes nothing away from pods that EKS Pod Identity serves, until a person has restored IRSA.',
  broken: (result) => {
    const [broken] = happened(result, 'break-irsa');
    if (!broken) return [];
    const rolledBack = result.sandbox.world.log.calls.find(({ n, step }) => n > broken.line && TAKES.has(step ?? ''));
    const until = result.handedOffAfter ?? Number.POSITIVE_INFINITY;
    return effective(changes(result))
      .filter(
        (call) =>
          rolledBack !== undefined &&
          call.n > broken.line &&
          call.n <= until &&
          TAKES.has(call.step ?? '') &&
          takes(call),
      )
      .map((call) => `${about(call)} came after IRSA had stopped working (${JSON.stringify(broken.event)})`);
  },
};

export const unreplacedPodsAreNamed: Promised = {
  name: 'unreplaced-pods-are-named',
  statement:
    'A migration that ends migrated while pods that nobody replaces keep another identity names each of them in a warning, and so does one that ends rolled back while they keep EKS Pod Identity without an association.',
  broken: (result) => {
    const { kube } = result.cluster;
    const started = listObjects(kube, 'Pod').filter(
      (pod) => startedPod(result, pod.metadata.uid) !== undefined && isActive(pod) && pod.status.phase === 'Running',
    );
    const associated = new Set(liveAssociations(result.cluster).map(accountOf));
    return allMigrations(result).flatMap(({ migrationId, record }) => {
      const outcome = record?.outcome;
      if (!record || (outcome !== 'migrated' && outcome !== 'rolled-back') || record.request.verification === 'api')
        return [];
      const isBack = outcome === 'rolled-back';
      const texts = record.warnings.map(({ message }) => message);
      const readAt = lastReadOf(result, migrationId);
      return started
        .filter((pod) => sourcesOf(kube, pod).some(({ method }) => method === 'pod-identity') === isBack)
        .filter(
          ({ metadata: { namespace }, spec }) =>
            !isBack || !associated.has(`${namespace ?? ''}/${spec.serviceAccountName ?? ''}`),
        )
        .filter(({ metadata }) => Date.parse(metadata.creationTimestamp) < readAt)
        .filter(({ metadata }) => !texts.some((message) => message.includes(metadata.name)))
        .map(({ metadata }) => `${migrationId} is ${outcome}, and no warning names pod ${metadata.name}`);
    });
  },
};
