/**
 * Starts a rolling restart of the workloads whose pods do not have the expected identity, since they kept the old one or
 * were admitted before the webhook knew the association: the webhook injects only into new pods. One pod of each service
 * account goes first; the others follow when a new pod shows the expected identity, which is the former one in a rollback.
 * Idempotency: the restart's marker consists of the migration, the attempt and the round; the same marker changes nothing.
 * A pod is evicted by its uid, and only while no other new pod shows its identity. Failure: an API server that does not
 * answer, or that no longer finds a listed workload, is retried.
 */
import { isMigrationError, MigrationError } from '../../domain/failures/errors.ts';
import type { Replacement } from '../../domain/rollback/pods.ts';
import { WITNESS_WAIT_SECONDS } from '../../domain/rollout/forecast.ts';
import { latestTime, MAX_RESTARTS, secondsLeft } from '../../domain/verification/injection-seen.ts';
import type { WorkloadRef } from '../../domain/kubernetes/objects.ts';
import type { Kubernetes } from '../../ports/index.ts';
import { changeGuard } from '../../use-cases/migration/guard.ts';
import { expectedPods, observePods } from '../../use-cases/pods/pods.ts';
import { witnessOf } from '../../use-cases/pods/webhook.ts';
import { recordedMigration, recordedSnapshot } from '../../use-cases/record/recorded.ts';
import { step, type StepRun } from '../../runtime/step.ts';
import { restartPodsSchema } from './schema.ts';

type Output = Awaited<ReturnType<StepRun<typeof restartPodsSchema>>>;

interface Work {
  kubernetes: Kubernetes;
  marker: string;
  /** To be called directly before each change. */
  guard: () => Promise<void>;
}

const textOf = ({ kind, namespace, name }: WorkloadRef): string => `${kind}/${namespace}/${name}`;

/** Throws a retryable error for a workload that was just listed but is not found: the next read shows its present state. */
function retryIfNotFound(error: unknown): never {
  if (isMigrationError(error, 'NotFound'))
    throw new MigrationError('ServiceUnavailable', `${error.message} The restart is retried.`, { cause: error });
  throw error;
}

async function restart(workloads: readonly WorkloadRef[], { kubernetes, marker, guard }: Work): Promise<string[]> {
  for (const workload of workloads) {
    await guard();
    await kubernetes.restartWorkload(workload, marker).catch(retryIfNotFound);
  }
  return workloads.map(textOf);
}

/**
 * The number of tries for which the webhook gets time when a pod can't be evicted, because of its budget or a missing
 * right. After them its workload is restarted as a whole, which no budget holds back.
 */
const TRIES_WAITED = 3;

/** `instead`: the workloads to restart as a whole because a pod of one of them can't be evicted. */
async function replacePods(
  next: Replacement,
  instead: (workload: WorkloadRef) => readonly WorkloadRef[],
  work: Work,
): Promise<{ restarted: string[]; evicted: string[]; isWhole: boolean }> {
  const evicted: string[] = [];
  const refused: WorkloadRef[] = [];
  for (const { pod, workload } of next.evict) {
    await work.guard();
    const answer = await work.kubernetes.evictPod(pod);
    if (answer === 'evicted') evicted.push(`${pod.namespace}/${pod.name}`);
    if (answer === 'refused') refused.push(...instead(workload));
  }
  const restarted = await restart([...next.restart, ...refused], work);
  return { restarted, evicted, isWhole: next.isWitnessed || refused.length > 0 };
}

/** Returns the seconds until the pods are verified again: no later than when the webhook has had its time. */
function waitSeconds(tries: number, left: number): number {
  const grown = WITNESS_WAIT_SECONDS * (tries + 1);
  return left === 0 ? grown : Math.min(grown, Math.max(WITNESS_WAIT_SECONDS, left + 1));
}

/**
 * Replaces pods towards Pod Identity. The number of restarts of all pods is limited, and the last one is kept until the
 * webhook has had its time.
 */
async function replaceTowards(
  next: Replacement,
  { round, tries, left, workloads }: { round: number; tries: number; left: number; workloads: readonly WorkloadRef[] },
  work: Work,
): Promise<Output> {
  const isTry = { restarted: [], isTry: true, waitSeconds: waitSeconds(tries, left) };
  const mayRestart = tries >= TRIES_WAITED && (round < MAX_RESTARTS || left === 0);
  const instead = (workload: WorkloadRef): readonly WorkloadRef[] => {
    if (next.isWitnessed) return [workload];
    return mayRestart ? workloads : [];
  };
  const replaced = await replacePods(next, instead, work);
  const { restarted, evicted } = replaced;
  const what = { restarted, ...(evicted.length > 0 ? { evicted } : {}) };
  return replaced.isWhole ? { ...what, waitSeconds: WITNESS_WAIT_SECONDS } : { ...isTry, ...what };
}

const run: StepRun<typeof restartPodsSchema> = async (input, dependencies) => {
  const { migrationId, target, attempt, round, fence, towards, newestPodAt, tries = 0, deferred } = input;
  const { ledger, clock } = dependencies;
  const snapshot = await recordedSnapshot(ledger, migrationId);
  const { kubernetes } = dependencies.portsFor(target);
  const expected = await expectedPods(ledger, migrationId, snapshot, towards, deferred);
  const witness =
    towards === 'before'
      ? undefined
      : witnessOf(input, { record: await recordedMigration(ledger, migrationId), snapshot });
  const now = clock.now();
  const options = { towards, expected, newestPodAt, witness, now };
  const { judged, next, pods } = await observePods(kubernetes, snapshot, options);
  const left =
    judged.verdict === 'restart' && witness ? secondsLeft(judged.pods, { ...witness, now: latestTime(now, pods) }) : 0;
  const isTry = {
    ...(next?.isWitnessed === false ? { isTry: true } : {}),
    ...(witness ? { waitSeconds: waitSeconds(tries, left) } : {}),
  };
  // A restart that began before its reply was lost is in progress, and not repeated.
  if (judged.verdict !== 'restart') return { restarted: [], ...isTry };
  // A rollback may be repeated by another execution, under another fence: its restarts are its own.
  const marked = towards === 'before' ? `before-${fence}` : attempt;
  const marker = `${migrationId}-${marked}-${round}${tries === 0 ? '' : `-${tries}`}`;
  const work: Work = { kubernetes, marker, guard: changeGuard(dependencies, input) };
  if (!next) return { restarted: await restart(judged.workloads, work) };
  if (witness) return replaceTowards(next, { round, tries, left, workloads: judged.workloads }, work);
  const instead = (workload: WorkloadRef) => (next.isWitnessed || tries >= TRIES_WAITED ? [workload] : []);
  const { restarted, evicted } = await replacePods(next, instead, work);
  return { restarted, ...(evicted.length > 0 ? { evicted } : {}), ...isTry };
};

export const restartPodsStep = step(restartPodsSchema, run);
