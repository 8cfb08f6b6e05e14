import type { ErrorName } from '../domain/failures/errors.ts';

/** Services of the target. */
export type CalledService = 'eks' | 'iam' | 'sts' | 'kubernetes';

/**
 * Stands around each single call, page by page: for whoever paces calls, counts them, or makes them again. `nameOf`:
 * which of our errors is what the call has thrown. `prepare`: what it has to have before it can leave, such as a
 * session; it fails as the call does, and costs nothing where it is there. Answers, or throws, what the call does.
 */
export type AroundCalls = <T>(
  service: CalledService,
  call: () => Promise<T>,
  nameOf: (thrown: unknown) => ErrorName,
  prepare?: () => Promise<unknown>,
) => Promise<T>;
