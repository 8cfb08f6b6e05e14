import { MigrationError } from '../../domain/failures/errors.ts';
import type { Target } from '../../domain/terms/subject.ts';
import type { HandlerDependencies } from '../../ports/index.ts';
import { subjectLock } from '../record/lock.ts';

/**
 * The milliseconds that must be left of an invocation's time to begin a change: more than one call can take.
 */
const NEEDED_MS = 15_000;

export interface LockedInput {
  migrationId: string;
  target: Target;
  subject: string;
  fence: number;
}

/**
 * Returns a check that must run directly before each call that changes something at the target. It throws LockLost if
 * another execution holds the lock by now, and OutOfTime if this invocation is so near its end that Step Functions might
 * begin the next one during the call.
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
        `Only ${Math.round(left / 1000)} s of this invocation are left, which is too little to begin a change. The next invocation makes it.`,
      );
  };
