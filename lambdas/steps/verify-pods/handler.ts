/**
 * Reads every pod that counts and determines how it gets its credentials; stores the evidence in the ledger. Verifies
 * towards Pod Identity, or, in a rollback, towards what the pods had before. If the request relies on EKS alone
 * (`verification: api`), no pod is read: nothing is restarted, and no further attempt is made.
 * Idempotency: changes nothing but the ledger. Failure: while pods come and go, throws PodsNotSettled, and the state machine
 * polls. A service account that has lost its identity without the plan's knowledge causes a rollback (PodsOnWrongIdentity).
 * If pods still have the wrong identity after the last restart, the next attempt follows; without another attempt, this is
 * terminal (PodsOnWrongIdentity). So are changes made outside this migration. Pods that have the configuration of EKS Pod
 * Identity, and whose spec does not show whether it is used, are a warning.
 */
import { isMigrationError, MigrationError } from '../../domain/failures/errors.ts';
import type { Pod } from '../../domain/kubernetes/objects.ts';
import type { PodEvidence } from '../../domain/migration/model.ts';
import {
  CREDENTIALS_UNKNOWN,
  credentialsUnknown,
  isInjectedButUnknown,
  PODS_EXCLUDED,
  podsExcluded,
} from '../../domain/verification/pods.ts';
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

/** Lists the pods, each with the text about its identity. */
const listed = (pods: PodEvidence[], text: (pod: PodEvidence) => string): string =>
  pods.map((pod) => `${pod.name} (${text(pod)})`).join(', ');

/** Throws PodsOnWrongIdentity if service accounts have lost the add-on's role without the plan's knowledge. */
function assertNoneRobbed(robbed: readonly string[], { snapshot }: Work): void {
  if (robbed.length === 0) return;
  const which = robbed.map((name) => `${snapshot.namespace}/${name}`).join(', ');
  throw new MigrationError(
    'PodsOnWrongIdentity',
    `Service accounts have lost role ${snapshot.addon?.serviceAccountRoleArn ?? ''} through this migration, which the plan did not foresee: ${which}. Their pods had that role when the migration began; new pods of these service accounts fall back to the node role. Plan the migration again: the new plan lists the remedies.`,
  );
}

function stillWrong(restarts: number, towards: Direction, pods: PodEvidence[]): MigrationError {
  const wrong = towards === 'before' ? 'do not have their former identity' : 'are not on EKS Pod Identity';
  const names = listed(pods, ({ identity, evidence }) => (identity === 'unknown' ? evidence : identity));
  return new MigrationError('PodsOnWrongIdentity', `After ${restarts} restarts these pods still ${wrong}: ${names}.`);
}

/** Throws WebhookStillInjects if so many new pods got EKS Pod Identity that waiting for the webhook is given up. */
function assertTriesLeft(tries: number, pods: PodEvidence[], migrationId: string): void {
  if (tries < MAX_TRIES) return;
  throw new MigrationError(
    'WebhookStillInjects',
    `EKS's webhook still injects EKS Pod Identity into new pods, although their association was deleted; ${MAX_TRIES} pods were replaced one by one to check that. The other pods were left as they are: ${listed(pods, ({ identity }) => identity)}. Their association is created again, so that these pods have credentials. Find out why the webhook still injects it, then run: pod-identity rollback ${migrationId}`,
  );
}
/** Returns the error instead of throwing it if the add-on is not settled: its pods are read nevertheless, as the possible cause. */
async function groundsOrNotYet(find: () => Promise<Grounds>): Promise<Grounds | MigrationError> {
  try {
    return await find();
  } catch (error) {
    if (isMigrationError(error, 'PodsNotSettled')) return error;
    throw error;
  }
}

/**
 * Throws if EKS still reports a problem of the add-on although its pods have settled. Throws AddonNotActive, since EKS's own
 * status is waited for, unless the problem is explained by pods that did not work before, or by pods that a restart is
 * about to replace.
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
  /** Records the verification before the step returns: any code that ends the migration from then on knows that it succeeded. */
  const conclude = async (excluded: PodEvidence[] = [], unknown: Pod[] = []): Promise<void> => {
    if (grounds instanceof MigrationError) throw grounds;
    const concluded = await grounds.conclude();
    if (towards === 'before') return;
    const otherWarnings = concluded.filter(({ id }) => id !== PODS_EXCLUDED && id !== CREDENTIALS_UNKNOWN);
    const warnings = [...otherWarnings, ...podsExcluded(excluded), ...credentialsUnknown(unknown, record.request)];
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
  const options = { towards, expected, since, robbed, newestPodAt, now: clock.now() };
  const seen = await observePods(kubernetes, snapshot, options);
  const { evidence, judged, next, podsThatCount, podsAsExpected } = seen;
  const counts = { podsThatCount, podsAsExpected };
  await ledger.putEvidence(migrationId, EVIDENCE_LATEST, evidence, observedAt);
  assertNoneRobbed(robbed, work);
  if (judged.verdict === 'wait')
    return throwUnsettled({ kubernetes, ledger, clock }, { record, towards, attempt, round, seen }, judged.why);
  if (grounds instanceof MigrationError) assertPodsExplain(grounds, seen);
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
  const unknown = new Set(evidence.filter(isInjectedButUnknown).map(({ uid }) => uid));
  await conclude(
    evidence.filter(({ excluded }) => excluded !== undefined),
    seen.pods.filter(({ uid }) => unknown.has(uid)),
  );
  return { verdict: 'verified', ...counts };
};

export const verifyPodsStep = step(verifyPodsSchema, run);
