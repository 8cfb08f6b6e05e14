/**
 * Looks at every pod that counts and says how it gets its credentials; the evidence goes into the ledger. Towards Pod
 * Identity, and, after a rollback, towards what the pods had before. Where the request is content with what EKS says
 * (`verification: api`), the API server is not asked and no pod is looked at: nothing is restarted, nothing climbs.
 * Idempotency: changes nothing but the ledger. Pods that come and go: PodsNotSettled, the state machine looks again.
 * Failure: still the wrong identity after the last restart leads to the ladder's next way, or is terminal
 * (PodsOnWrongIdentity); so are pods of which it can't be told, and an add-on that somebody else has changed meanwhile.
 */
import { changedByOthers, classifyCopy } from '../../domain/copies.ts';
import { MigrationError } from '../../domain/errors.ts';
import type { Addon, Check, Migration, PodEvidence, Snapshot } from '../../domain/model.ts';
import { PODS_NOT_SEEN, podsNotSeen, ROLE_STILL_SET, roleStillSet } from '../../domain/verification.ts';
import type { Clock, Eks } from '../../ports/index.ts';
import { associationChanged, listOwned } from '../../runtime/in-the-way.ts';
import { lookAtAddon, lookSeveralTimes } from '../../runtime/looks.ts';
import { issuesOf, lookAtOwnCopy } from '../../runtime/own-copy.ts';
import { associatedSince, expectedPods, lookAtPods } from '../../runtime/pods.ts';
import { recordedWork, type Work } from '../../runtime/recorded.ts';
import { EVIDENCE_LATEST } from '../../runtime/report.ts';
import { step, type StepRun } from '../../runtime/step.ts';
import { utcNow } from '../../runtime/utc.ts';
import { MAX_RESTARTS, verifyPodsSchema } from './schema.ts';

/** What was warned of before, and what this look makes of it. A late one, which overtakes the end, leaves out nothing that the end says. */
const warningsOf = ({ warnings, request }: Migration, { planned }: Snapshot, now: Addon): Check[] => [
  ...warnings.filter(({ id }) => id !== ROLE_STILL_SET && id !== PODS_NOT_SEEN),
  ...(now.serviceAccountRoleArn === undefined ? [] : [roleStillSet(now, request.verification)]),
  ...(request.verification === 'api' ? [podsNotSeen('migrated', request.addon, request.target, planned)] : []),
];

/** The add-on after a rollback. Throws RestoreRefused where somebody else has changed it since. */
async function lookAtRestored(eks: Eks, clock: Clock, { snapshot, record }: Work): Promise<Addon> {
  const { name, serviceAccountRoleArn } = snapshot.addon;
  const now = await lookAtAddon(eks, name, clock);
  if (!now) throw new MigrationError('RestoreRefused', `Somebody else has deleted add-on ${name} after it was put back.`);
  const role = now.serviceAccountRoleArn === serviceAccountRoleArn ? undefined : `it has ${now.serviceAccountRoleArn ?? 'no role'}, and had ${serviceAccountRoleArn ?? 'none'}`;
  const why = classifyCopy(snapshot, record, now) === 'foreign' ? 'somebody else has created it again' : (changedByOthers(snapshot, now) ?? role);
  if (why !== undefined) throw new MigrationError('RestoreRefused', `Add-on ${name} is no longer as it was put back: ${why}. It was left as it is.`);
  return now;
}

/** The pods' env says nothing of an association that was deleted, or given another role, since they started. */
async function assertAssociated(eks: Eks, clock: Clock, { planned }: Snapshot, ownerArn: string): Promise<void> {
  const owned = await lookSeveralTimes(clock, () => listOwned(eks, planned, ownerArn), (found) => !found.includes(undefined));
  const missing = planned[owned.indexOf(undefined)];
  if (missing) throw associationChanged(`for ${missing.namespace}/${missing.serviceAccount} is no longer as this migration made it`, 'find out who changed it');
}

/** Throws PodsNotSettled while EKS does not call the add-on well. What it found wrong before the migration counts only where no pod is looked at by anybody. */
function assertHealthy(now: Addon, { snapshot, record }: Work): void {
  if (now.status !== 'ACTIVE') throw new MigrationError('PodsNotSettled', `Add-on ${now.name} is ${now.status} again.`);
  if (record.request.verification === 'pods') return;
  const before = new Set(snapshot.addon.issues.map(({ code }) => code));
  const issues = now.issues.filter(({ code }) => !before.has(code));
  if (issues.length > 0) throw new MigrationError('PodsNotSettled', `Add-on ${now.name} is ACTIVE, but not healthy: ${issuesOf({ ...now, issues })}.`);
}

/** In so many words, what each of these pods is on. */
const listed = (pods: PodEvidence[], text: (pod: PodEvidence) => string): string => pods.map((pod) => `${pod.name} (${text(pod)})`).join(', ');

const run: StepRun<typeof verifyPodsSchema> = async ({ migrationId, target, addon, rung, round, towards }, { portsFor, ledger, clock }) => {
  const work = await recordedWork(ledger, migrationId, rung);
  const { record, plan, snapshot } = work;
  const { eks, kubernetes } = portsFor(target);
  const now = towards === 'before' ? await lookAtRestored(eks, clock, work) : await lookAtOwnCopy({ eks, clock }, addon, work, 'PodsNotSettled');
  assertHealthy(now, work);
  /** Before the answer: whoever has to end this migration from here on knows that it succeeded. */
  const conclude = async (): Promise<void> => {
    if (towards === 'before') return;
    await assertAssociated(eks, clock, snapshot, now.arn);
    await ledger.updateMigration(migrationId, { verified: record.request.verification, warnings: warningsOf(record, snapshot, now) });
  };
  if (record.request.verification === 'api') {
    await conclude();
    return { verdict: 'proven' };
  }

  const lookedAt = utcNow(clock);
  const since = towards === 'pod-identity' ? associatedSince(record) : undefined;
  const { evidence, judged, ...counts } = await lookAtPods(kubernetes, snapshot, await expectedPods(ledger, migrationId, snapshot, towards), since);
  await ledger.putEvidence(migrationId, EVIDENCE_LATEST, evidence, lookedAt);
  if (judged.verdict === 'wait') throw new MigrationError('PodsNotSettled', `Not settled yet: ${judged.why}.`);
  if (judged.verdict === 'unknown') {
    throw new MigrationError('PodsOnWrongIdentity', `It can't be told of these pods whose credentials they take, and a restart would not change that: ${listed(judged.pods, (pod) => pod.evidence)}.`);
  }
  if (judged.verdict === 'restart') {
    if (round <= MAX_RESTARTS && judged.workloads.length > 0) return { verdict: 'restart', ...counts };
    if (round > MAX_RESTARTS && towards === 'pod-identity' && plan.ladder.length > rung + 1) return { verdict: 'climb', ...counts };
    const names = listed(judged.pods, ({ identity }) => identity);
    const wrong = towards === 'before' ? 'have not got back the identity that they had' : 'are still not on Pod Identity';
    throw new MigrationError('PodsOnWrongIdentity', `After ${round - 1} restarts these pods ${wrong}: ${names}.`);
  }
  await conclude();
  return { verdict: 'proven', ...counts };
};

export const verifyPodsStep = step(verifyPodsSchema, run);
