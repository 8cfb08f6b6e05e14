import type { ErrorName } from '../domain/failures/errors.ts';

/** Services that are called at a target. */
export type CalledService = 'eks' | 'iam' | 'sts' | 'kubernetes';

/**
 * Wraps each single call, page by page, to pace, count or retry calls. `nameOf` returns the service's name of an error
 * that the call threw. `prepare` obtains what the call needs before it can be sent, such as a session; it fails like
 * the call, and does nothing if that exists already. Returns or throws what the call does.
 */
export type AroundCalls = <T>(
  service: CalledService,
  call: () => Promise<T>,
  nameOf: (thrown: unknown) => ErrorName,
  prepare?: () => Promise<unknown>,
) => Promise<T>;
