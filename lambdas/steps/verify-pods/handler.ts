/**
 * Looks at every pod that counts and says how it gets its credentials; the evidence goes into the ledger. Towards Pod
 * Identity, and, after a rollback, towards what the pods had before. Where the request is content with what EKS says
 * (`verification: api`), the API server is not asked and no pod is looked at: nothing is restarted, nothing climbs.
 * Idempotency: changes nothing but the ledger. Pods that come and go: PodsNotSettled, the state machine looks again.
 * A service account that has lost its identity, though the plan did not know of it, leads back (PodsOnWrongIdentity).
 * Failure: still the wrong identity after the last restart leads to the ladder's next way, or is terminal
 * (PodsOnWrongIdentity); so are pods of which it can't be told, and what somebody else has changed meanwhile.
 */
import { isMigrationError, MigrationError } from '../../domain/failures/errors.ts';
import type { PodEvidence } from '../../domain/migration/model.ts';
import { PODS_EXCLUDED, podsExcluded } from '../../domain/verification/pods.ts';
import {
  associatedSince,
  type Direction,
  expectedPods,
  observePods,
  type PodsSeen,
  robbedBystanders,
} from '../../use-cases/pods/pods.ts';
import { recordedWork, type Work } from '../../use-cases/migration/recorded.ts';
import { EVIDENCE_LATEST } from '../../use-cases/migration/report.ts';
import { step, type StepRun } from '../../runtime/step.ts';
import { throwUnsettled } from '../../use-cases/pods/unsettled.ts';
import { utcNow } from '../../runtime/utc.ts';
import { type Grounds, groundsOf } from '../../use-cases/pods/verify.ts';
import { MAX_RESTARTS, MAX_TRIES, verifyPodsSchema } from './schema.ts';

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

function stillWrong(restarts: number, towards: Direction, pods: PodEvidence[]): MigrationError {
  const wrong = towards === 'before' ? 'have not got back the identity that they had' : 'are still not on Pod Identity';
  const names = listed(pods, ({ identity }) => identity);
  return new MigrationError('PodsOnWrongIdentity', `After ${restarts} restarts these pods ${wrong}: ${names}.`);
}

/** Throws WebhookStillInjects where so many new pods got EKS Pod Identity that nobody waits for the webhook any more. */
function assertTriesLeft(tries: number, pods: PodEvidence[], migrationId: string): void {
  if (tries < MAX_TRIES) return;
  throw new MigrationError(
    'WebhookStillInjects',
    `EKS's webhook still gives new pods EKS Pod Identity, although their association is gone; ${MAX_TRIES} pods were replaced one by one to see that. The others were left as they are: ${listed(pods, ({ identity }) => identity)}. Their association is created again, so that these pods have credentials. Find out why the webhook still injects it, then run: pod-identity rollback ${migrationId}`,
  );
}
/** What is not settled of the add-on itself does not keep anybody from looking at its pods: they may be the reason. */
async function groundsOrNotYet(find: () => Promise<Grounds>): Promise<Grounds | MigrationError> {
  try {
    return await find();
  } catch (error) {
    if (isMigrationError(error, 'PodsNotSettled')) return error;
    throw error;
  }
}

/**
 * What EKS still says of the add-on, although its pods have settled: it is waited for as EKS's own word, AddonNotActive,
 * but where pods explain it that did not work before, or that a restart is about to replace.
 */
function assertPodsExplain(notYet: MigrationError, { judged, leniency }: PodsSeen): void {
  if (judged.verdict === 'restart' && leniency.hopeless.size > 0) return;
  if (leniency.stuck.size > 0 || leniency.broken.length > 0) throw notYet;
  throw new MigrationError('AddonNotActive', `${notYet.message} Its pods have settled.`, { cause: notYet });
}

const run: StepRun<typeof verifyPodsSchema> = async (
  { migrationId, target, attempt, round, towards, newestPodAt, tries = 0, deferred },
  { portsFor, ledger, clock },
) => {
  const work = await recordedWork(ledger, migrationId, attempt);
  const { record, plan, snapshot } = work;
  const { eks, kubernetes } = portsFor(target);
  const grounds = await groundsOrNotYet(() => groundsOf({ eks, kubernetes, clock }, work, towards));
  /** Before the answer: whoever has to end this migration from here on knows that it succeeded. */
  const conclude = async (excluded: PodEvidence[] = []): Promise<void> => {
    if (grounds instanceof MigrationError) throw grounds;
    const concluded = await grounds.conclude();
    if (towards === 'before') return;
    const others = concluded.filter(({ id }) => id !== PODS_EXCLUDED);
    const warnings = [...others, ...podsExcluded(excluded)];
    await ledger.updateMigration(migrationId, { verified: record.request.verification, warnings });
  };
  if (record.request.verification === 'api') {
    await conclude();
    return { verdict: 'verified' };
  }

  const observedAt = utcNow(clock);
  const since = towards === 'pod-identity' ? associatedSince(record) : undefined;
  const robbed = towards === 'pod-identity' ? await robbedBystanders({ kubernetes, eks }, snapshot) : [];
  const left = grounds instanceof MigrationError ? [] : grounds.left;
  const associations = [...snapshot.associations, ...left];
  const expected = await expectedPods(ledger, migrationId, { ...snapshot, associations }, towards, deferred);
  const looking = { towards, expected, since, robbed, newestPodAt, now: clock.now() };
  const seen = await observePods(kubernetes, snapshot, looking);
  const { evidence, judged, next, podsThatCount, podsAsExpected } = seen;
  const counts = { podsThatCount, podsAsExpected };
  await ledger.putEvidence(migrationId, EVIDENCE_LATEST, evidence, observedAt);
  assertNoneRobbed(robbed, work);
  if (judged.verdict === 'wait')
    return throwUnsettled({ kubernetes, ledger, clock }, { record, towards, attempt, round, seen }, judged.why);
  if (grounds instanceof MigrationError) assertPodsExplain(grounds, seen);
  if (judged.verdict === 'unknown') {
    throw new MigrationError(
      'PodsOnWrongIdentity',
      `It can't be told of these pods whose credentials they take, and a restart would not change that: ${listed(judged.pods, (pod) => pod.evidence)}.`,
    );
  }
  if (judged.verdict === 'restart') {
    if (next?.isWitnessed === false) {
      assertTriesLeft(tries, judged.pods, migrationId);
      return { verdict: 'restart', ...counts };
    }
    if (round <= MAX_RESTARTS && judged.workloads.length > 0) return { verdict: 'restart', ...counts };
    if (round > MAX_RESTARTS && towards === 'pod-identity' && plan.attempts.length > attempt + 1)
      return { verdict: 'next-attempt', ...counts };
    throw stillWrong(round - 1, towards, judged.pods);
  }
  await conclude(evidence.filter(({ excluded }) => excluded !== undefined));
  return { verdict: 'verified', ...counts };
};

export const verifyPodsStep = step(verifyPodsSchema, run);
