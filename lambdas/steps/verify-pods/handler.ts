/**
 * Determines how every pod that counts gets its credentials; stores the evidence in the ledger. Verifies towards Pod
 * Identity, or, in a rollback, towards what the pods had before. With `verification: api`, no pod is read or restarted. Towards `ready`, compares the pods with their
 * observation before the settling time, and raises the level or withdraws it (ADR 75). Pods that nothing replaces are left
 * out with a warning if they keep another identity (ADR 112); without a pod or a workload to create one, it ends at the
 * level `api` (ADR 113).
 * Idempotency: changes nothing but the ledger. Failure: while pods come and go, throws PodsNotSettled, and the state machine
 * polls; so it does while a Pod Identity agent starts on the node of a pod. Where none can come, AgentMissing causes a
 * rollback. A service account that has lost its identity without the plan's knowledge causes a rollback (PodsOnWrongIdentity).
 * If pods still have the wrong identity after the last restart, or after the pods that go first, the next attempt follows;
 * without another attempt, this is terminal (PodsOnWrongIdentity), as are changes made outside this migration. Neither comes
 * before EKS's webhook has had its time (ADR 117). Warnings: a webhook that misses some pods, which keeps the others from
 * `ready`, and pods whose spec does not show whether they use their configuration of EKS Pod Identity.
 */
import { isMigrationError, MigrationError } from '../../domain/failures/errors.ts';
import type { Check } from '../../domain/terms/check.ts';
import type { PodEvidence } from '../../domain/terms/evidence.ts';
import { readsPods } from '../../domain/request/request.ts';
import { podsThatCount } from '../../domain/verification/pod-identity.ts';
import { noPodsToVerify } from '../../domain/verification/unreplaced.ts';
import {
  INJECTION_FLAPS,
  isInjected,
  isInVain,
  MAX_RESTARTS,
  MAX_WITNESSES,
  notInjectedText,
} from '../../domain/verification/injection-seen.ts';
import type { HandlerDependencies, Kubernetes } from '../../ports/index.ts';
import { assertServedSoFar, judgingAgents, withReportedAgent } from '../../use-cases/pods/agents.ts';
import {
  assertNoneRobbed,
  associatedSince,
  type Direction,
  expectedPods,
  observePods,
  type PodsSeen,
  robbedBystanders,
} from '../../use-cases/pods/pods.ts';
import { recordedWork, type Work } from '../../use-cases/record/recorded.ts';
import { EVIDENCE_LATEST } from '../../use-cases/migration/report.ts';
import { step, type StepRun } from '../../runtime/step.ts';
import {
  beginSettling,
  readStability,
  settledOf,
  settlesNext,
  withdraw,
  withdrawingOnFailure,
  withLevels,
  withoutStability,
} from '../../use-cases/pods/stability.ts';
import { isFlapping, newestAssociations, noteFlap, secondsLeftFor, witnessOf } from '../../use-cases/pods/webhook.ts';
import { assertNoneForLong, assertNoneStuck, throwUnsettled } from '../../use-cases/pods/unsettled.ts';
import { utcNow } from '../../runtime/utc.ts';
import { type Grounds, groundsOf } from '../../use-cases/pods/verify.ts';
import { noteLeftBehind, warningsWith } from '../../use-cases/pods/warnings.ts';
import { verifyPodsSchema } from './schema.ts';

type Input = Parameters<StepRun<typeof verifyPodsSchema>>[0];
type Output = Awaited<ReturnType<StepRun<typeof verifyPodsSchema>>>;

const directionOf = ({ towards }: Pick<Input, 'towards'>): Direction =>
  towards === 'before' ? 'before' : 'pod-identity';

/** Lists the pods, each with the text about its identity. */
const listed = (pods: PodEvidence[], text: (pod: PodEvidence) => string): string =>
  pods.map((pod) => `${pod.name} (${text(pod)})`).join(', ');

function stillWrong({
  input: { round, tries = 0 },
  towards,
  work,
  seen: { judged, sorted },
}: Observation): MigrationError {
  const pods = judged.verdict === 'restart' ? judged.pods : [];
  const isBack = towards === 'before';
  const names = listed(pods, ({ identity, evidence }) => (identity === 'unknown' ? evidence : identity));
  const ahead = isBack || tries === 0 ? '' : `${tries} ${tries === 1 ? 'pod was' : 'pods were'} replaced one by one. `;
  const text = `${ahead}After ${round - 1} restarts these pods still ${isBack ? 'do not have their former identity' : 'are not on EKS Pod Identity'}: ${names}.`;
  const flap = work.record.warnings.find(({ id }) => id === INJECTION_FLAPS);
  return new MigrationError('PodsOnWrongIdentity', isBack ? text : `${text}${notInjectedText(sorted.wrong, flap)}`);
}

/** Returns the next attempt, or throws, once neither a restart nor more time would give the pods the new identity. */
function gaveUp(observation: Observation): Output {
  const { input, towards, work, dependencies, seen } = observation;
  const { judged, podsThatCount: counted, podsAsExpected } = seen;
  if (towards === 'before' || judged.verdict !== 'restart') throw stillWrong(observation);
  const missed = seen.sorted.wrong.filter((pod) => !isInjected(pod));
  const left = secondsLeftFor(missed, work, seen, dependencies.clock);
  if (left > 0)
    throw new MigrationError(
      'PodsNotSettled',
      `These pods are not on EKS Pod Identity yet: ${listed(judged.pods, ({ identity }) => identity)}. EKS's webhook has another ${left} s to use the association.`,
    );
  // Another attempt does not help against a webhook that misses pods.
  const isRestarted = input.round > MAX_RESTARTS || seen.next?.isWitnessed === false;
  if (isRestarted && !isFlapping(work.record) && work.plan.attempts.length > input.attempt + 1)
    return { verdict: 'next-attempt', podsThatCount: counted, podsAsExpected };
  throw stillWrong(observation);
}

/** Throws WebhookStillInjects if so many new pods got EKS Pod Identity that waiting for the webhook is given up. */
function assertTriesLeft(tries: number, pods: PodEvidence[], migrationId: string): void {
  if (tries < MAX_WITNESSES) return;
  throw new MigrationError(
    'WebhookStillInjects',
    `EKS's webhook still injects EKS Pod Identity into new pods, although their association was deleted; ${MAX_WITNESSES} pods were replaced one by one to check that. The other pods were left as they are: ${listed(pods, ({ identity }) => identity)}. Their association is created again, so that these pods have credentials. Find out why the webhook still injects it, then run: pod-identity rollback ${migrationId}`,
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
function assertPodsExplain(notYet: MigrationError, seen: PodsSeen): void {
  if (seen.judged.verdict === 'restart' && seen.leniency.hopeless.size > 0) return;
  assertNoneStuck(notYet, seen);
  if (seen.leniency.broken.length > 0) throw notYet;
  throw new MigrationError('AddonNotActive', `${notYet.message} Its pods have settled.`, { cause: notYet });
}

/** What one invocation works with. `towards` is the identity that the pods should have. */
interface Observation {
  input: Input;
  towards: Direction;
  work: Work;
  dependencies: HandlerDependencies;
  kubernetes: Kubernetes;
  grounds: Grounds | MigrationError;
  robbed: string[];
  seen: PodsSeen;
  observedAt: string;
}

/** Checks the add-on or service account once more. Throws if it is not settled, or has changed. */
const concluded = (grounds: Grounds | MigrationError): Promise<Check[]> => {
  if (grounds instanceof MigrationError) throw grounds;
  return grounds.conclude();
};

async function observe(
  input: Input,
  work: Work,
  grounds: Grounds | MigrationError,
  dependencies: HandlerDependencies,
): Promise<Observation> {
  const { migrationId, target, newestPodAt, deferred } = input;
  const { ledger, portsFor, clock } = dependencies;
  const { eks, kubernetes } = portsFor(target);
  const { record, snapshot } = work;
  const towards = directionOf(input);
  const observedAt = utcNow(clock);
  const since = towards === 'pod-identity' ? associatedSince(record) : undefined;
  const robbed = towards === 'pod-identity' ? await robbedBystanders({ kubernetes, eks }, snapshot) : [];
  const left = grounds instanceof MigrationError ? [] : grounds.left;
  const associations = [...snapshot.associations, ...left];
  const expected = await expectedPods(ledger, migrationId, { ...snapshot, associations }, towards, deferred);
  const witness = witnessOf(input, work);
  const options = { towards, expected, since, robbed, newestPodAt, witness, now: clock.now() };
  const seen = await observePods(kubernetes, snapshot, options);
  // EKS counts pods that did not work before, too.
  const isExplained = seen.leniency.broken.length > 0 && seen.judged.verdict === 'verified';
  const found =
    grounds instanceof MigrationError && isExplained
      ? await groundsOrNotYet(() => groundsOf({ eks, kubernetes, clock }, work, towards, true))
      : grounds;
  const noted = towards === 'before' ? record : await noteFlap(ledger, work, seen);
  return {
    input,
    towards,
    work: { ...work, record: noted },
    dependencies,
    kubernetes,
    grounds: judgingAgents({ ...dependencies, eks, kubernetes }, found, towards, noted, seen),
    robbed,
    seen,
    observedAt,
  };
}

/** Compares the pods with their observation before the settling time. */
async function confirm(observation: Observation, settling: number): Promise<Output> {
  const { input, work, dependencies, kubernetes, grounds, robbed, seen, observedAt } = observation;
  const { migrationId } = input;
  const { ledger } = dependencies;
  const { record } = work;
  const stability = await readStability({ kubernetes, ledger }, work, settling, seen);
  const isUnstable = stability.is === 'unstable' || stability.is === 'failing';
  const store = async (ready: ReadonlySet<string>): Promise<PodEvidence[]> => {
    const evidence = withLevels(seen, { ...stability, ready });
    await ledger.putEvidence(migrationId, EVIDENCE_LATEST, evidence, observedAt);
    return podsThatCount(evidence);
  };
  let concludedWith: Check[] = [];
  try {
    assertNoneRobbed(robbed, work);
    if (!isUnstable && grounds instanceof MigrationError) assertPodsExplain(grounds, seen);
    if (!isUnstable) concludedWith = await concluded(grounds);
  } catch (error) {
    await store(new Set());
    throw error;
  }
  // Pods that stayed ready are called so only if all else is as it should be, which is not read for unstable pods.
  const counted = await store(isUnstable ? new Set() : stability.ready);
  const counts = {
    podsThatCount: counted.length,
    podsAsExpected: counted.filter(({ uid }) => seen.right.has(uid)).length,
    podsReady: stability.ready.size,
  };
  if (isUnstable) return { verdict: 'unstable', ...counts, why: await withdraw(ledger, record, stability, seen) };
  const warnings = withoutStability(warningsWith(concludedWith, seen, record.request));
  const settled = settledOf(stability, record, seen);
  await ledger.updateMigration(migrationId, {
    verified: settled.verified,
    warnings: [...warnings, ...settled.warnings],
  });
  return { verdict: 'verified', ...counts };
}

/** Returns what follows if pods have another identity than they should have. */
function restartOf(observation: Observation): Output {
  const { input, towards, work, seen } = observation;
  const { round, tries = 0, migrationId } = input;
  const { judged, next, podsThatCount: counted, podsAsExpected } = seen;
  const counts = { podsThatCount: counted, podsAsExpected };
  if (judged.verdict !== 'restart') return { verdict: 'verified', ...counts };
  const isAhead = next?.isWitnessed === false;
  if (isAhead && towards === 'before') {
    assertTriesLeft(tries, judged.pods, migrationId);
    return { verdict: 'restart', ...counts };
  }
  const facts = { newest: newestAssociations(work) };
  const isHopeless = judged.workloads.length === 0 || (isAhead && isInVain(seen.sorted, facts, tries));
  return round <= MAX_RESTARTS && !isHopeless ? { verdict: 'restart', ...counts } : gaveUp(observation);
}

/**
 * Concludes a verification without pods: everything else is as it should be, and a warning names the cause. Nothing that
 * needs verified pods accepts the level.
 */
async function concludeWithoutPods(observation: Observation, why: string): Promise<Output> {
  const { input, towards, work, dependencies, grounds, seen } = observation;
  const { migrationId, attempt, round, settling } = input;
  const { ledger } = dependencies;
  const { record } = work;
  await assertNoneForLong(dependencies, { record, towards, attempt, round, settling }, why);
  const concludedWith = await concluded(grounds);
  const warnings = [
    ...warningsWith(towards === 'before' ? record.warnings : concludedWith, seen, record.request),
    noPodsToVerify(towards, why, record.request, seen.atZero),
  ];
  await ledger.updateMigration(migrationId, { warnings, ...(towards === 'before' ? {} : { verified: 'api' }) });
  return { verdict: 'verified', podsThatCount: 0, podsAsExpected: 0 };
}

/** Evaluates the pods after a rollout. */
async function verify(observation: Observation): Promise<Output> {
  const { input, towards, work, dependencies, kubernetes, grounds, robbed, seen, observedAt } = observation;
  const { migrationId, attempt, round, settling } = input;
  const { ledger, clock } = dependencies;
  const { record } = work;
  const { judged } = seen;
  const evidence = towards === 'before' ? seen.evidence : withLevels(seen);
  await ledger.putEvidence(migrationId, EVIDENCE_LATEST, evidence, observedAt);
  assertNoneRobbed(robbed, work);
  await assertServedSoFar({ ...dependencies, ...dependencies.portsFor(input.target) }, record, towards, seen);
  if (judged.verdict === 'wait') {
    const isAhead = towards === 'pod-identity' && seen.next?.isWitnessed === false;
    const tries = isAhead ? input.tries : 0;
    const unsettled = { record, towards, attempt, round, settling, tries, seen };
    return throwUnsettled({ kubernetes, ledger, clock }, unsettled, judged.why);
  }
  if (grounds instanceof MigrationError) assertPodsExplain(grounds, seen);
  if (judged.verdict === 'none') return concludeWithoutPods(observation, judged.why);
  const after = restartOf(observation);
  if (after.verdict !== 'verified') return after;
  const warnings = warningsWith(await concluded(grounds), seen, record.request);
  if (towards === 'before') {
    await noteLeftBehind(dependencies, record, seen);
    return after;
  }
  const isSettling = settling !== undefined && settlesNext(record, settling);
  const seconds = isSettling ? await beginSettling(ledger, record, settling, seen, observedAt) : undefined;
  // The record is written before the step returns: any code that ends the migration from then on knows the level.
  await ledger.updateMigration(migrationId, { verified: 'injected', warnings });
  return seconds === undefined ? after : { ...after, verdict: 'settle', settleSeconds: seconds };
}

const run: StepRun<typeof verifyPodsSchema> = async (input, dependencies) => {
  const { migrationId, target, attempt, settling = 1 } = input;
  const { portsFor, ledger, clock } = dependencies;
  const work = await recordedWork(ledger, migrationId, attempt);
  const { eks, kubernetes } = portsFor(target);
  const towards = directionOf(input);
  const grounds = (): Promise<Grounds | MigrationError> =>
    groundsOrNotYet(() => groundsOf({ eks, kubernetes, clock }, work, towards));
  if (!readsPods(work.record.request)) {
    const warnings = await withReportedAgent(eks, work.record.request, towards, await concluded(await grounds()));
    if (towards === 'pod-identity') await ledger.updateMigration(migrationId, { verified: 'api', warnings });
    return { verdict: 'verified' };
  }
  const evaluate = async (): Promise<Observation> => observe(input, work, await grounds(), dependencies);
  return input.towards === 'ready'
    ? withdrawingOnFailure(ledger, migrationId, async () => confirm(await evaluate(), settling))
    : verify(await evaluate());
};

export const verifyPodsStep = step(verifyPodsSchema, run);
