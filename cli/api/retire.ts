/** Retires, or restores, the OIDC trust of a migrated add-on through the API, and follows that to its end. */
import { randomUUID } from 'node:crypto';
import { acceptField } from '../../lambdas/domain/acceptance/accept.ts';
import { retirementAnswer } from '../../lambdas/api/answers.ts';
import { isOpenRetirement } from '../../lambdas/domain/record/retirement.ts';
import type { Watcher } from '../service/follow.ts';
import { retireFailed, retireRefused, type Retired, type RetireRequest } from '../service/retire.ts';
import { getMigration, watch, type WatchOptions } from './watch.ts';

/** Does the same as `retireAndFollow`. */
export const retireByApi = async (
  { ask, clock }: Pick<WatchOptions, 'ask' | 'clock'>,
  request: RetireRequest,
  watcher: Watcher,
  onStart?: () => void,
): Promise<Retired> => {
  const { migrationId, action, dryRun, soakDays, accept, reason } = request;
  const before = (await getMigration(ask, migrationId)).value;
  const { value } = await ask({
    method: 'POST',
    path: `/migrations/${migrationId}/retire`,
    body: {
      action,
      dryRun,
      soakDays,
      ...acceptField({ accept }),
      ...(reason === undefined ? {} : { reason }),
    },
    idempotencyKey: randomUUID(),
    answer: retirementAnswer,
  });
  onStart?.();
  const { id, executionArn } = value.retirement;
  const isOver = ({ retirement }: typeof before): boolean => retirement?.id !== id || !isOpenRetirement(retirement);
  const { retirement } = await watch(migrationId, isOver, { ask, clock, watcher, before });
  if (retirement?.id !== id || isOpenRetirement(retirement))
    throw retireFailed(
      `the end of this retirement of migration ${migrationId} is not known: its record shows another retirement, or none`,
      executionArn,
    );
  const { state, error, done = false, checks = [], roles = [] } = retirement;
  if (state === 'refused') throw retireRefused(error?.message ?? 'it was refused', request);
  if (error) throw retireFailed(error.message, executionArn);
  return { migrationId, action, dryRun, done, checks, roles };
};
