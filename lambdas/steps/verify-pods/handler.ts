/**
 * Looks at every pod that counts and says how it gets its credentials; the evidence goes into the ledger. Towards Pod
 * Identity, and, after a rollback, towards what the pods had before. Where the request is content with what EKS says
 * (`verification: api`), the API server is not asked and no pod is looked at: nothing is restarted, nothing climbs.
 * Idempotency: changes nothing but the ledger. Pods that come and go: PodsNotSettled, the state machine looks again.
 * A service account that has lost its identity, though the plan did not know of it, leads back (PodsOnWrongIdentity).
 * Failure: still the wrong identity after the last restart leads to the ladder's next way, or is terminal
 * (PodsOnWrongIdentity); so are pods of which it can't be told, and what somebody else has changed meanwhile.
 */
import { MigrationError } from '../../domain/errors.ts';
import type { PodEvidence } from '../../domain/model.ts';
import { associatedSince, expectedPods, lookAtPods, robbedBystanders } from '../../runtime/pods.ts';
import { recordedWork, type Work } from '../../runtime/recorded.ts';
import { EVIDENCE_LATEST } from '../../runtime/report.ts';
import { step, type StepRun } from '../../runtime/step.ts';
import { utcNow } from '../../runtime/utc.ts';
import { groundsOf } from '../../runtime/verifying.ts';
import { MAX_RESTARTS, verifyPodsSchema } from './schema.ts';

/** In so many words, what each of these pods is on. */
const listed = (pods: PodEvidence[], text: (pod: PodEvidence) => string): string =>
  pods.map((pod) => `${pod.name} (${text(pod)})`).join(', ');

/** Throws PodsOnWrongIdentity where service accounts have lost the add-on's role that the plan did not know of. */
function assertNoneRobbed(robbed: readonly string[], { snapshot }: Work): void {
  if (robbed.length === 0) return;
  const which = robbed.map((name) => `${snapshot.namespace}/${name}`).join(', ');
  throw new MigrationError(
    'PodsOnWrongIdentity',
    `With this migration service accounts have lost role ${snapshot.addon?.serviceAccountRoleArn ?? ''}, which their pods had when it began, and the plan did not know of it: ${which}. New pods of theirs fall back to the node role. Plan again: the plan names what can be done.`,
  );
}

const run: StepRun<typeof verifyPodsSchema> = async (
  { migrationId, target, rung, round, towards },
  { portsFor, ledger, clock },
) => {
  const work = await recordedWork(ledger, migrationId, rung);
  const { record, plan, snapshot } = work;
  const { eks, kubernetes } = portsFor(target);
  const grounds = await groundsOf({ eks, kubernetes, clock }, work, towards);
  /** Before the answer: whoever has to end this migration from here on knows that it succeeded. */
  const conclude = async (): Promise<void> => {
    const warnings = await grounds.conclude();
    if (towards === 'before') return;
    await ledger.updateMigration(migrationId, { verified: record.request.verification, warnings });
  };
  if (record.request.verification === 'api') {
    await conclude();
    return { verdict: 'proven' };
  }

  const lookedAt = utcNow(clock);
  const since = towards === 'pod-identity' ? associatedSince(record) : undefined;
  const robbed = towards === 'pod-identity' ? await robbedBystanders({ kubernetes, eks }, snapshot) : [];
  const associations = [...snapshot.associations, ...grounds.left];
  const expected = await expectedPods(ledger, migrationId, { ...snapshot, associations }, towards);
  const { evidence, judged, ...counts } = await lookAtPods(kubernetes, snapshot, { towards, expected, since, robbed });
  await ledger.putEvidence(migrationId, EVIDENCE_LATEST, evidence, lookedAt);
  assertNoneRobbed(robbed, work);
  if (judged.verdict === 'wait') throw new MigrationError('PodsNotSettled', `Not settled yet: ${judged.why}.`);
  if (judged.verdict === 'unknown') {
    throw new MigrationError(
      'PodsOnWrongIdentity',
      `It can't be told of these pods whose credentials they take, and a restart would not change that: ${listed(judged.pods, (pod) => pod.evidence)}.`,
    );
  }
  if (judged.verdict === 'restart') {
    if (round <= MAX_RESTARTS && judged.workloads.length > 0) return { verdict: 'restart', ...counts };
    if (round > MAX_RESTARTS && towards === 'pod-identity' && plan.ladder.length > rung + 1)
      return { verdict: 'climb', ...counts };
    const names = listed(judged.pods, ({ identity }) => identity);
    const wrong =
      towards === 'before' ? 'have not got back the identity that they had' : 'are still not on Pod Identity';
    throw new MigrationError('PodsOnWrongIdentity', `After ${round - 1} restarts these pods ${wrong}: ${names}.`);
  }
  await conclude();
  return { verdict: 'proven', ...counts };
};

export const verifyPodsStep = step(verifyPodsSchema, run);
