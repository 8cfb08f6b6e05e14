/** The warnings of a record about the pods that a verification has seen. */
import type { Check } from '../../domain/terms/check.ts';
import type { Migration } from '../../domain/record/migration.ts';
import type { MigrationRequest } from '../../domain/request/request.ts';
import type { PodEvidence } from '../../domain/terms/evidence.ts';
import { PODS_LEFT_BEHIND, podsLeftBehind } from '../../domain/rollback/unreplaced-pods.ts';
import {
  CREDENTIALS_UNKNOWN,
  credentialsUnknown,
  isInjectedButUnknown,
  PODS_EXCLUDED,
  podsExcluded,
} from '../../domain/verification/pods.ts';
import { NO_PODS_TO_VERIFY, PODS_NOT_REPLACED, podsNotReplaced } from '../../domain/verification/unreplaced.ts';
import type { HandlerDependencies } from '../../ports/index.ts';
import type { PodsSeen } from './pods.ts';

/** The warnings about pods that each verification replaces. */
const ABOUT_PODS: readonly string[] = [PODS_EXCLUDED, CREDENTIALS_UNKNOWN, PODS_NOT_REPLACED, NO_PODS_TO_VERIFY];

/** Returns the warnings with those about these pods in place of earlier ones. */
export function warningsWith(
  warnings: readonly Check[],
  { evidence, pods, unreplaced }: Pick<PodsSeen, 'evidence' | 'pods' | 'unreplaced'>,
  request: MigrationRequest,
): Check[] {
  const unknown = new Set(evidence.filter(isInjectedButUnknown).map(({ uid }) => uid));
  const excluded = evidence.filter((one) => one.excluded !== undefined);
  const left = new Set(unreplaced.map(({ uid }) => uid));
  const isUnreplaced = ({ uid }: PodEvidence): boolean => left.has(uid);
  return [
    ...warnings.filter(({ id }) => !ABOUT_PODS.includes(id)),
    ...podsExcluded(excluded.filter((one) => !isUnreplaced(one))),
    ...podsNotReplaced(excluded.filter(isUnreplaced), pods, request),
    ...credentialsUnknown(
      pods.filter(({ uid }) => unknown.has(uid)),
      request,
    ),
  ];
}

/** Notes which pods a rollback leaves with the configuration of EKS Pod Identity, since no rollout replaces them. */
export async function noteLeftBehind(
  { ledger, clock }: Pick<HandlerDependencies, 'ledger' | 'clock'>,
  { migrationId, warnings }: Migration,
  { unreplaced }: Pick<PodsSeen, 'unreplaced'>,
): Promise<void> {
  // An earlier end may have had no pod to verify.
  const others = warnings.filter(({ id }) => id !== PODS_LEFT_BEHIND && id !== NO_PODS_TO_VERIFY);
  if (unreplaced.length === 0 && others.length === warnings.length) return;
  await ledger.updateMigration(migrationId, { warnings: [...others, ...podsLeftBehind(unreplaced, clock.now())] });
}
