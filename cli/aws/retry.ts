/** Retries reads if that may help: only this command waits for them. */
import { ERROR_CLASSES, isMigrationError } from '../../lambdas/domain/failures/errors.ts';
import type { Clock } from '../../lambdas/ports/index.ts';

/** Milliseconds before each retry: throttling by EKS and IAM ends within seconds. */
const PAUSES = [1000, 3000, 9000];
/** Retries for a server that does not answer: it is mostly unreachable from here, and each attempt takes long. */
const WITHOUT_ANSWER = 1;

/**
 * Runs `run` until it succeeds or fails with an error that is not transient; throws the last error. `withoutAnswer`: retries
 * for a server that does not answer.
 */
export const again = async <T>(clock: Clock, run: () => Promise<T>, withoutAnswer = WITHOUT_ANSWER): Promise<T> => {
  for (let tries = 0; ; tries += 1) {
    try {
      return await run();
    } catch (error) {
      const pause = PAUSES[tries];
      if (pause === undefined || !isMigrationError(error) || ERROR_CLASSES[error.name] !== 'retryable') throw error;
      if (error.name === 'ConnectionLost' && tries >= withoutAnswer) throw error;
      await clock.sleep(pause);
    }
  }
};
