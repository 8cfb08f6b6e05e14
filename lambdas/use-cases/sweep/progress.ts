/** How far the look at a place has come, between invocations. */
import { MigrationError } from '../../domain/failures/errors.ts';
import { progressKey } from '../../domain/sweep/keys.ts';
import { locationInventory, type LocationInventory, type SweepLocation } from '../../domain/sweep/model.ts';
import type { HandlerDependencies } from '../../ports/index.ts';

export interface LocationProgress {
  done: boolean;
  /** Name of the last cluster that is over. */
  after?: string;
  /** The cluster that this invocation had too little time for, although it began with it. */
  tooShortFor?: string;
  /** That this invocation looked at. */
  clusters: number;
}

/** Where an invocation goes on: what the one before it answered. */
export interface GoesOn {
  after?: string | undefined;
  tooShortFor?: string | undefined;
}

/** What earlier invocations came to; nothing before the first. */
export async function progressOf(
  sweepId: string,
  location: SweepLocation,
  after: string | undefined,
  { documents }: Pick<HandlerDependencies, 'documents'>,
): Promise<LocationInventory> {
  const text = after === undefined ? undefined : await documents.get(progressKey(sweepId, location));
  if (text === undefined) return { ...location, clusters: 0, notSelected: 0, calls: {} };
  try {
    return locationInventory.parse(JSON.parse(text));
  } catch (error) {
    throw new MigrationError(
      'BadInput',
      `What the sweep ${sweepId} noted of ${location.account}, ${location.region} in its bucket is not as this service writes it. Start another sweep.`,
      { cause: error },
    );
  }
}
