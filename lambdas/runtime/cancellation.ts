import type { ErrorName } from '../domain/failures/errors.ts';
import type { Cancellation } from '../domain/record/migration.ts';

/** Returns who cancelled a migration, when and why, as the beginning of a sentence. */
export function cancelledText({ requestedAt, requestedBy, reason, supersededBy }: Cancellation): string {
  if (supersededBy !== undefined)
    return `Migration ${supersededBy} began on the same subject at ${requestedAt} while this migration was waiting`;
  const by = requestedBy === undefined ? '' : ` by ${requestedBy}`;
  const why = reason === undefined ? '' : ` ("${reason}")`;
  return `The migration was cancelled at ${requestedAt}${by}${why}`;
}

/** Returns why a migration that was cancelled, or superseded, no longer waits for its approval. */
export const approvalEndedText = (cancel: Cancellation): string =>
  `${cancelledText(cancel)}. It no longer waits for its approval. Nothing was changed.`;

/** Returns the name of the error that ends a migration after a cancellation. */
export const cancelledAs = ({ supersededBy }: Cancellation): ErrorName =>
  supersededBy === undefined ? 'Cancelled' : 'Superseded';
