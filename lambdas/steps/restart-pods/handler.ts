/**
 * Starts a rolling restart of the workloads whose pods have another identity than they shall have, since they kept it
 * or were admitted before the webhook knew the association: only a new pod is looked at by the webhook again.
 * Idempotency: the restart's mark is made of the migration, the way and the round; the same mark again changes nothing.
 */
import { changeGuard } from '../../runtime/guard.ts';
import { expectedPods, lookAtPods } from '../../runtime/pods.ts';
import { recordedSnapshot } from '../../runtime/recorded.ts';
import { step, type StepRun } from '../../runtime/step.ts';
import { restartPodsSchema } from './schema.ts';

const run: StepRun<typeof restartPodsSchema> = async (input, dependencies) => {
  const { migrationId, target, rung, round, fence, towards } = input;
  const { ledger, clock } = dependencies;
  const snapshot = await recordedSnapshot(ledger, migrationId);
  const { kubernetes } = dependencies.portsFor(target);
  const expected = await expectedPods(ledger, migrationId, snapshot, towards);
  const { judged } = await lookAtPods(kubernetes, snapshot, { towards, expected, now: clock.now() });
  if (judged.verdict !== 'restart') return { restarted: [] };
  // A rollback may be tried again by another execution, under another fence: its restarts are its own.
  const marker = towards === 'before' ? `${migrationId}-before-${fence}-${round}` : `${migrationId}-${rung}-${round}`;
  const guard = changeGuard(dependencies, input);
  for (const workload of judged.workloads) {
    await guard();
    await kubernetes.restartWorkload(workload, marker);
  }
  return { restarted: judged.workloads.map((workload) => `${workload.kind}/${workload.namespace}/${workload.name}`) };
};

export const restartPodsStep = step(restartPodsSchema, run);
