/**
 * Looks at every pod that counts and says how it gets its credentials; the evidence goes into the ledger.
 * Idempotency: reads only. Pods that come and go: PodsNotSettled, the state machine looks again.
 * Failure: still the wrong identity after the last restart is terminal (PodsOnWrongIdentity).
 */
import { MigrationError } from '../../domain/errors.ts';
import { podsThatCount } from '../../domain/identity.ts';
import { lookAtPods } from '../../runtime/pods.ts';
import { recordedSnapshot } from '../../runtime/recorded.ts';
import { EVIDENCE_LATEST } from '../../runtime/report.ts';
import { step, type StepRun } from '../../runtime/step.ts';
import { MAX_RESTARTS, verifyPodsSchema } from './schema.ts';

const run: StepRun<typeof verifyPodsSchema> = async ({ migrationId, target, addon, round }, { portsFor, ledger }) => {
  const snapshot = await recordedSnapshot(ledger, migrationId);
  const { eks, kubernetes } = portsFor(target);
  const now = await eks.describeAddon(addon);
  if (now?.status !== 'ACTIVE') throw new MigrationError('PodsNotSettled', `Add-on ${addon} is ${now?.status ?? 'gone'} again.`);

  const { evidence, judged } = await lookAtPods(kubernetes, snapshot);
  await ledger.putEvidence(migrationId, EVIDENCE_LATEST, evidence);
  const counted = podsThatCount(evidence);
  const counts = { podsThatCount: counted.length, podsOnPodIdentity: counted.filter((pod) => pod.identity === 'pod-identity').length };
  if (judged.verdict === 'wait') throw new MigrationError('PodsNotSettled', `Not settled yet: ${judged.why}.`);
  if (judged.verdict === 'restart' && (round > MAX_RESTARTS || judged.workloads.length === 0)) {
    const names = judged.pods.map((pod) => `${pod.name} (${pod.identity})`).join(', ');
    throw new MigrationError('PodsOnWrongIdentity', `After ${round - 1} restarts these pods are still not on Pod Identity: ${names}.`);
  }
  return { verdict: judged.verdict, ...counts };
};

export const verifyPodsStep = step(verifyPodsSchema, run);
