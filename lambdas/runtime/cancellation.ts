import type { ErrorName } from '../domain/failures/errors.ts';
import type { Cancellation } from '../domain/migration/model.ts';

/** Who asked a migration to stop, when and why, as the beginning of a sentence. */
export function cancelledText({ requestedAt, requestedBy, reason, supersededBy }: Cancellation): string {
  if (supersededBy !== undefined)
    return `Migration ${supersededBy} has begun on the same subject at ${requestedAt} while this one waited`;
  const by = requestedBy === undefined ? '' : ` by ${requestedBy}`;
  const why = reason === undefined ? '' : ` ("${reason}")`;
  return `The migration was asked to stop at ${requestedAt}${by}${why}`;
}

/** The name of the error that ends a migration by it. */
export const cancelledAs = ({ supersededBy }: Cancellation): ErrorName =>
  supersededBy === undefined ? 'Cancelled' : 'Superseded';
