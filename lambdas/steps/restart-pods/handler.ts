/**
 * Starts a rolling restart of the workloads whose pods do not have the expected identity, since they kept the old one or
 * were admitted before the webhook knew the association: the webhook injects only into new pods. During a rollback one
 * pod goes first; the others follow when a new pod shows the identity that it had before.
 * Idempotency: the restart's marker consists of the migration, the attempt and the round; the same marker changes nothing.
 * A pod is evicted by its uid, and only while no other new pod shows its identity. Failure: an API server that does not
 * answer, or that no longer finds a listed workload, is retried.
 */
import { isMigrationError, MigrationError } from '../../domain/failures/errors.ts';
import type { Replacement } from '../../domain/rollback/pods.ts';
import type { WorkloadRef } from '../../domain/kubernetes/objects.ts';
import type { Kubernetes } from '../../ports/index.ts';
import { changeGuard } from '../../use-cases/migration/guard.ts';
import { expectedPods, observePods } from '../../use-cases/pods/pods.ts';
import { recordedSnapshot } from '../../use-cases/migration/recorded.ts';
import { step, type StepRun } from '../../runtime/step.ts';
import { restartPodsSchema } from './schema.ts';

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

async function replacePods(
  next: Replacement,
  tries: number,
  work: Work,
): Promise<{ restarted: string[]; evicted: string[] }> {
  const evicted: string[] = [];
  const refused: WorkloadRef[] = [];
  for (const { pod, workload } of next.evict) {
    await work.guard();
    const answer = await work.kubernetes.evictPod(pod);
    if (answer === 'evicted') evicted.push(`${pod.namespace}/${pod.name}`);
    if (answer === 'refused' && (next.isWitnessed || tries >= TRIES_WAITED)) refused.push(workload);
  }
  return { restarted: await restart([...next.restart, ...refused], work), evicted };
}

const run: StepRun<typeof restartPodsSchema> = async (input, dependencies) => {
  const { migrationId, target, attempt, round, fence, towards, newestPodAt, tries = 0, deferred } = input;
  const { ledger, clock } = dependencies;
  const snapshot = await recordedSnapshot(ledger, migrationId);
  const { kubernetes } = dependencies.portsFor(target);
  const expected = await expectedPods(ledger, migrationId, snapshot, towards, deferred);
  const options = { towards, expected, newestPodAt, now: clock.now() };
  const { judged, next } = await observePods(kubernetes, snapshot, options);
  const isTry = next?.isWitnessed === false ? { isTry: true } : {};
  // A restart that began before its reply was lost is in progress, and not repeated.
  if (judged.verdict !== 'restart') return { restarted: [], ...isTry };
  // A rollback may be repeated by another execution, under another fence: its restarts are its own.
  const marker =
    towards === 'before'
      ? `${migrationId}-before-${fence}-${round}${tries === 0 ? '' : `-${tries}`}`
      : `${migrationId}-${attempt}-${round}`;
  const work: Work = { kubernetes, marker, guard: changeGuard(dependencies, input) };
  if (!next) return { restarted: await restart(judged.workloads, work) };
  const { restarted, evicted } = await replacePods(next, tries, work);
  return {
    restarted,
    ...(evicted.length > 0 ? { evicted } : {}),
    ...isTry,
  };
};

export const restartPodsStep = step(restartPodsSchema, run);
