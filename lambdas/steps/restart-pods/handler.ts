/**
 * Starts a rolling restart of the workloads whose pods kept their old identity or were admitted before the webhook
 * knew the association: only a new pod is looked at by the webhook again.
 * Idempotency: the restart's mark is made of the migration and the round; the same mark again changes nothing.
 */
import { lookAtPods } from '../../runtime/pods.ts';
import { addonLock } from '../../runtime/lock.ts';
import { recordedSnapshot } from '../../runtime/recorded.ts';
import { step, type StepRun } from '../../runtime/step.ts';
import { restartPodsSchema } from './schema.ts';

const run: StepRun<typeof restartPodsSchema> = async ({ migrationId, target, addon, fence, round }, { portsFor, ledger }) => {
  const snapshot = await recordedSnapshot(ledger, migrationId);
  const { kubernetes } = portsFor(target);
  const { judged } = await lookAtPods(kubernetes, snapshot);
  if (judged.verdict !== 'restart') return { restarted: [] };
  await ledger.assertLock(addonLock(target, addon), migrationId, fence);
  for (const workload of judged.workloads) await kubernetes.restartWorkload(workload, `${migrationId}-${round}`);
  return { restarted: judged.workloads.map((workload) => `${workload.kind}/${workload.namespace}/${workload.name}`) };
};

export const restartPodsStep = step(restartPodsSchema, run);
