/** Handles pods that have not settled: detects whether they make progress, and throws the error if they do not. */
import { accountOf } from '../../domain/terms/subject.ts';
import { MigrationError } from '../../domain/failures/errors.ts';
import type { Migration } from '../../domain/record/migration.ts';
import type { Progress } from '../../domain/rollout/model.ts';
import { some } from '../../domain/terms/check.ts';
import { allowanceSeconds, progressOf, type Seen, seenOf } from '../../domain/rollout/progress.ts';
import { heldBackBy, judgeStall, type Situation } from '../../domain/rollout/stall.ts';
import { failingText, stalledText, hopelessText } from '../../domain/rollout/text.ts';
import { WEBHOOK_KNOWS_SECONDS } from '../../domain/verification/injection-seen.ts';
import type { Clock, Kubernetes, Ledger } from '../../ports/index.ts';
import { type Direction, nodesIfAllowed, type PodsSeen } from './pods.ts';
import { utcNow } from '../../runtime/utc.ts';

/**
 * Returns the name of the rollout that is waited for: each attempt and each round after a restart has its own, and so have
 * a pod that goes first, and pods that did not stay ready, because they have made all progress before.
 */
const rolloutName = (towards: Direction, attempt: number, round: number, settling = 1, tries = 0): string =>
  `${towards}.${attempt}-${round}${settling > 1 ? `-${settling}` : ''}${tries > 0 ? `.${tries}` : ''}`;

interface Observer {
  kubernetes: Kubernetes;
  ledger: Pick<Ledger, 'updateMigration'>;
  clock: Clock;
}

interface Observation {
  record: Migration;
  towards: Direction;
  attempt: number;
  round: number;
  /** How often the pods are to be observed, or were observed, from 1. */
  settling?: number | undefined;
  /** How often a single pod was replaced in this attempt; absent while all pods are replaced. */
  tries?: number | undefined;
  seen: PodsSeen;
}

/** Returns the progress of a rollout as of now, noted in the record if it has advanced. */
export async function noteSeen(
  { ledger, clock }: Pick<Observer, 'ledger' | 'clock'>,
  { migrationId, progress: before }: Pick<Migration, 'migrationId' | 'progress'>,
  of: string,
  seen: Seen,
): Promise<Progress> {
  const progress = progressOf(before, of, seen, utcNow(clock));
  if (progress !== before) await ledger.updateMigration(migrationId, { progress });
  return progress;
}

function noteProgress(observer: Observer, observation: Observation): Promise<Progress> {
  const { record, towards, attempt, round, settling, tries, seen } = observation;
  const concerned = new Set(seen.workloads.map(accountOf));
  const judged = seen.pods
    .filter((pod) => concerned.has(accountOf(pod)) && !seen.leniency.stuck.has(pod.uid))
    .map((pod) => ({ pod, right: seen.right.has(pod.uid) }));
  const name = rolloutName(towards, attempt, round, settling, tries);
  return noteSeen(observer, record, name, seenOf(judged, seen.workloads));
}

/** What is seen of a rollout without pods. */
const NOTHING: Seen = { ready: 0, others: 0, newest: '', observed: 0 };

/**
 * Throws PodsNotSettled until no pod has counted, and no workload was to create one, for as long as EKS's webhook may take to
 * learn of a change: pods that a workload gets later have the identity that they should have. `why` has the reasons as
 * clauses.
 */
export async function assertNoneForLong(
  observer: Pick<Observer, 'ledger' | 'clock'>,
  { record, towards, attempt, round, settling }: Omit<Observation, 'seen'>,
  why: string,
): Promise<void> {
  // Under a name of its own, the progress begins again whenever the last pod goes, and whenever pods come back.
  const of = `${rolloutName(towards, attempt, round, settling)}-none`;
  const { since } = await noteSeen(observer, record, of, NOTHING);
  if (observer.clock.now() - Date.parse(since) >= WEBHOOK_KNOWS_SECONDS * 1000) return;
  throw new MigrationError(
    'PodsNotSettled',
    `There has been no pod to verify since ${since}: ${why}. If it stays so for ${WEBHOOK_KNOWS_SECONDS} seconds, there is nothing to wait for, and a warning will say so.`,
  );
}

/**
 * Throws PodsFailing if pods fail with the identity that they should have, and PodsNotSettled otherwise: the state machine
 * polls. `open` is the text about what is not settled.
 */
export async function throwUnsettled(observer: Observer, observation: Observation, open: string): Promise<never> {
  const { clock, kubernetes } = observer;
  const { record, towards, seen } = observation;
  const progress = await noteProgress(observer, observation);
  const situation: Situation = {
    ...seen,
    progress,
    allowanceSeconds: allowanceSeconds(seen.workloads, seen.pods, record.plan?.forecast),
    now: clock.now(),
  };
  const first = judgeStall(situation);
  if (first.is === 'progressing') throw new MigrationError('PodsNotSettled', `The pods have not settled yet: ${open}.`);
  // The nodes are read only when they matter: a pod on a node that is down does not fail because of its identity.
  const nodes = seen.nodes ?? (await nodesIfAllowed(kubernetes));
  const stall = judgeStall({ ...situation, nodes });
  if (stall.is === 'hopeless') throw new MigrationError('PodsFailing', hopelessText(stall.pods, progress.since));
  if (stall.is === 'failing') throw new MigrationError('PodsFailing', failingText(stall.pods, progress.since, towards));
  throw new MigrationError(
    'PodsNotSettled',
    stalledText({
      open,
      since: progress.since,
      why: heldBackBy({ ...situation, nodes }),
      migrationId: record.migrationId,
      towards,
    }),
  );
}

/** Throws PodsNotSettled with the pods that EKS counts although they cannot end, and why, if there are any. */
export function assertNoneStuck(notYet: MigrationError, { pods, leniency }: Pick<PodsSeen, 'pods' | 'leniency'>): void {
  const stuck = pods.flatMap(({ name, uid }) => {
    const why = leniency.stuck.get(uid);
    return why === undefined ? [] : [`pod ${name} is ${why}`];
  });
  if (stuck.length === 0) return;
  throw new MigrationError(
    'PodsNotSettled',
    `${notYet.message} EKS counts the pods of a node that does not answer: ${some(stuck, '; ')}. Repair the node, or remove it: kubectl delete node NAME`,
    { cause: notYet },
  );
}
