import type { Cancellation } from '../domain/model.ts';

/** Who asked a migration to stop, when and why, as the beginning of a sentence. */
export function cancelledText({ requestedAt, requestedBy, reason }: Cancellation): string {
  const by = requestedBy === undefined ? '' : ` by ${requestedBy}`;
  const why = reason === undefined ? '' : ` ("${reason}")`;
  return `The migration was asked to stop at ${requestedAt}${by}${why}`;
}
