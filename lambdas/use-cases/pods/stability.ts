/**
 * The settling of verified pods: their observation before and after the settling time, and what is recorded about it. The
 * observations of an attempt are stored by number, so that a repeated step compares the same ones.
 */
import { onwardFrom } from '../../domain/failures/routing.ts';
import { MigrationError } from '../../domain/failures/errors.ts';
import type { Check } from '../../domain/terms/check.ts';
import type { Migration } from '../../domain/record/migration.ts';
import type { PodEvidence } from '../../domain/terms/evidence.ts';
import { MAX_SETTLINGS, settleSeconds } from '../../domain/rollout/settling.ts';
import { restartingText } from '../../domain/rollout/text.ts';
import { compareObservations, restartedBetween, type Stability } from '../../domain/verification/stability.ts';
import {
  shortPodsWarnings,
  STABILITY_WARNINGS,
  stabilityNotObserved,
  unstableText,
} from '../../domain/verification/stability-warnings.ts';
import type { Kubernetes, Ledger } from '../../ports/index.ts';
import { failureOf } from '../../runtime/failures.ts';
import type { Work } from '../record/recorded.ts';
import { EVIDENCE_BEFORE, evidenceSettling } from '../migration/report.ts';
import { nodesIfAllowed, type PodsSeen } from './pods.ts';
import { isFlapping } from './webhook.ts';

/** Returns whether verified pods are observed next. `settling` is absent in definitions that do not observe them. */
export const settlesNext = ({ request }: Pick<Migration, 'request'>, settling: number | undefined): boolean =>
  request.verification === 'ready' && settling !== undefined && settling <= MAX_SETTLINGS;

/** Stores the observation at the beginning of a settling time. Returns the settling time in seconds. */
export async function beginSettling(
  ledger: Pick<Ledger, 'putEvidence'>,
  { migrationId }: Pick<Migration, 'migrationId'>,
  settling: number,
  { evidence, workloads }: Pick<PodsSeen, 'evidence' | 'workloads'>,
  observedAt: string,
): Promise<number> {
  await ledger.putEvidence(migrationId, evidenceSettling(settling), evidence, observedAt);
  return settleSeconds(workloads);
}

/** Compares the pods with the stored observations. Nodes are read only if a pod is not ready. */
export async function readStability(
  { kubernetes, ledger }: { kubernetes: Kubernetes; ledger: Pick<Ledger, 'getEvidence'> },
  { record: { migrationId }, snapshot }: Pick<Work, 'record' | 'snapshot'>,
  settling: number,
  seen: PodsSeen,
): Promise<Stability> {
  const observations: PodEvidence[][] = [];
  for (let number = 1; number <= settling; number += 1)
    observations.push(await ledger.getEvidence(migrationId, evidenceSettling(number)));
  const { evidence, pods, workloads, right, leniency } = seen;
  const isAnyUnready = pods.some(({ uid, ready }) => right.has(uid) && !ready);
  const nodes = seen.nodes ?? (isAnyUnready ? await nodesIfAllowed(kubernetes) : undefined);
  return compareObservations({
    before: observations.at(-1) ?? [],
    now: evidence,
    pods,
    workloads,
    right,
    nodes,
    leniency,
    former: {
      pods: await ledger.getEvidence(migrationId, EVIDENCE_BEFORE),
      readAt: snapshot.takenAt,
      settleSeconds: settleSeconds(workloads),
    },
    restartedEarlier: restartedBetween(observations),
  });
}

/** Returns the evidence with the level that each pod reached. A pod on a node that is not ready does not count. */
export function withLevels(
  { evidence, right }: Pick<PodsSeen, 'evidence' | 'right'>,
  stability?: Pick<Stability, 'ready' | 'short'>,
): PodEvidence[] {
  const unseen = new Map(
    (stability?.short ?? [])
      .filter(({ why }) => why === 'unready-node')
      .map(({ pod }) => [pod.uid, `its node ${pod.node ?? ''} is not ready`]),
  );
  return evidence.map((pod): PodEvidence => {
    const excluded = unseen.get(pod.uid);
    if (excluded !== undefined) return { ...pod, excluded };
    if (!right.has(pod.uid)) return pod;
    return { ...pod, level: stability?.ready.has(pod.uid) === true ? 'ready' : 'injected' };
  });
}

/** Returns the record's warnings without those that an observation replaces. */
export const withoutStability = (warnings: readonly Check[]): Check[] =>
  warnings.filter(({ id }) => !STABILITY_WARNINGS.includes(id));

const namespacesOf = ({ workloads, pods, right }: Pick<PodsSeen, 'workloads' | 'pods' | 'right'>): string[] => [
  ...new Set([...workloads, ...pods.filter(({ uid }) => right.has(uid))].map(({ namespace }) => namespace)),
];

/** Returns what the record states after an observation that ended stable, or that could not show anything. */
export function settledOf(
  stability: Stability,
  record: Pick<Migration, 'request' | 'warnings'>,
  seen: PodsSeen,
): { verified: 'injected' | 'ready'; warnings: Check[] } {
  const warnings = shortPodsWarnings(stability.short);
  if (stability.is === 'stable' && !isFlapping(record)) return { verified: 'ready', warnings };
  const why =
    stability.is === 'stable'
      ? "EKS's webhook has missed new pods, and may miss the next one."
      : 'The pods that were observed have ended or are not ready, and no workload replaces them.';
  return {
    verified: 'injected',
    warnings: [...warnings, stabilityNotObserved(why, record.request.target, namespacesOf(seen))],
  };
}

/**
 * Withdraws the level from the record, so that an execution that stops now is rolled back and not recorded as migrated.
 * The warning describes the reason, and stays if the migration ends at the level `injected`. Throws PodsFailing if pods
 * fail.
 */
export async function withdraw(
  ledger: Pick<Ledger, 'updateMigration'>,
  { migrationId, request, warnings }: Migration,
  stability: Stability,
  seen: PodsSeen,
): Promise<string> {
  const pods = stability.causes.map(({ pod }) => pod);
  const why = unstableText(stability);
  await ledger.updateMigration(migrationId, {
    verified: 'none',
    warnings: [...withoutStability(warnings), stabilityNotObserved(why, request.target, namespacesOf(seen), pods)],
  });
  if (stability.is === 'failing')
    throw new MigrationError('PodsFailing', restartingText(pods, settleSeconds(seen.workloads)));
  return why;
}

/** Runs an observation. Withdraws the level from the record if it fails in a way that leads to a rollback. */
export async function withdrawingOnFailure<Result>(
  ledger: Pick<Ledger, 'updateMigration'>,
  migrationId: string,
  observe: () => Promise<Result>,
): Promise<Result> {
  try {
    return await observe();
  } catch (error) {
    if (onwardFrom('confirm-ready', failureOf(error).name) === 'back')
      await ledger.updateMigration(migrationId, { verified: 'none' });
    throw error;
  }
}
