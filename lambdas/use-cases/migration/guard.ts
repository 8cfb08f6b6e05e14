import { MigrationError } from '../../domain/failures/errors.ts';
import type { Target } from '../../domain/migration/model.ts';
import type { HandlerDependencies } from '../../ports/index.ts';
import { subjectLock } from './lock.ts';

/**
 * What is left of an invocation's time when it may still begin a change, milliseconds: longer than one call can take.
 */
const NEEDED_MS = 15_000;

export interface LockedInput {
  migrationId: string;
  target: Target;
  subject: string;
  fence: number;
}

/**
 * To be called directly before each call that changes something at the target. Throws LockLost where another execution
 * holds the lock by now, OutOfTime where this invocation is so near its end that Step Functions may have begun the next
 * one while the call is still under way.
 */
export const changeGuard =
  (
    { ledger, remainingTime }: Pick<HandlerDependencies, 'ledger' | 'remainingTime'>,
    { migrationId, target, subject, fence }: LockedInput,
  ): (() => Promise<void>) =>
  async () => {
    await ledger.assertLock(subjectLock(target, subject), migrationId, fence);
    const left = remainingTime();
    if (left < NEEDED_MS)
      throw new MigrationError(
        'OutOfTime',
        `Only ${Math.round(left / 1000)} s of this invocation are left: no change is begun; the next invocation will.`,
      );
  };
