/**
 * Starts a rolling restart of the workloads whose pods have another identity than they shall have, since they kept it
 * or were admitted before the webhook knew the association: only a new pod is looked at by the webhook again. On the
 * way back one pod goes ahead: the others follow when a new one shows what they had.
 * Idempotency: the restart's mark is made of the migration, the way and the round; the same mark again changes nothing.
 * A pod is evicted by its uid, and only while no other new pod shows what it has.
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

/** A workload that was listed a moment ago, and is not found: the next look finds it deleted, or restarts it. */
function rereadPods(error: unknown): never {
  if (isMigrationError(error, 'NotFound'))
    throw new MigrationError('ServiceUnavailable', `${error.message} It is looked at again.`, { cause: error });
  throw error;
}

async function restart(workloads: readonly WorkloadRef[], { kubernetes, marker, guard }: Work): Promise<string[]> {
  for (const workload of workloads) {
    await guard();
    await kubernetes.restartWorkload(workload, marker).catch(rereadPods);
  }
  return workloads.map(textOf);
}

/**
 * Where a pod can't be evicted, by its budget or for want of the right, the webhook is given the time of so many tries;
 * then its workload is restarted as a whole, which no budget holds back.
 */
const TRIES_WAITED = 3;

async function goBack(
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
    if (answer === 'refused' && tries >= TRIES_WAITED) refused.push(workload);
  }
  return { restarted: await restart([...next.restart, ...refused], work), evicted };
}

const run: StepRun<typeof restartPodsSchema> = async (input, dependencies) => {
  const { migrationId, target, attempt, round, fence, towards, newestPodAt, tries = 0, deferred } = input;
  const { ledger, clock } = dependencies;
  const snapshot = await recordedSnapshot(ledger, migrationId);
  const { kubernetes } = dependencies.portsFor(target);
  const expected = await expectedPods(ledger, migrationId, snapshot, towards, deferred);
  const looking = { towards, expected, newestPodAt, now: clock.now() };
  const { judged, next } = await observePods(kubernetes, snapshot, looking);
  const isTry = next?.isWitnessed === false ? { isTry: true } : {};
  // What it has begun before its reply was lost is under way.
  if (judged.verdict !== 'restart') return { restarted: [], ...isTry };
  // A rollback may be tried again by another execution, under another fence: its restarts are its own.
  const marker =
    towards === 'before'
      ? `${migrationId}-before-${fence}-${round}${tries === 0 ? '' : `-${tries}`}`
      : `${migrationId}-${attempt}-${round}`;
  const work: Work = { kubernetes, marker, guard: changeGuard(dependencies, input) };
  if (!next) return { restarted: await restart(judged.workloads, work) };
  const { restarted, evicted } = await goBack(next, tries, work);
  return {
    restarted,
    ...(evicted.length > 0 ? { evicted } : {}),
    ...isTry,
  };
};

export const restartPodsStep = step(restartPodsSchema, run);
