/** Reads are tried again where that may help: nothing but this command waits for them. */
import { ERROR_CLASSES, isMigrationError } from '../../lambdas/domain/failures/errors.ts';
import type { Clock } from '../../lambdas/ports/index.ts';

/** Milliseconds before each further try: throttling of EKS and IAM is over in seconds. */
const PAUSES = [1000, 3000, 9000];
/**
 * Of a server that does not answer: it is most often one that can't be reached from here, and each try waits long
 * enough.
 */
const WITHOUT_ANSWER = 1;

/** Runs it until it does not fail with an error that may be over in a moment; throws the last one. */
export const again = async <T>(clock: Clock, run: () => Promise<T>): Promise<T> => {
  for (let tries = 0; ; tries += 1) {
    try {
      return await run();
    } catch (error) {
      const pause = PAUSES[tries];
      if (pause === undefined || !isMigrationError(error) || ERROR_CLASSES[error.name] !== 'retryable') throw error;
      if (error.name === 'ConnectionLost' && tries >= WITHOUT_ANSWER) throw error;
      await clock.sleep(pause);
    }
  }
};
