/** How far the look at a place has come, between invocations. */
import { MigrationError } from '../../domain/errors.ts';
import { progressKey } from '../../domain/sweep/keys.ts';
import { placeInventory, type PlaceInventory, type SweepPlace } from '../../domain/sweep/model.ts';
import type { HandlerDependencies } from '../../ports/index.ts';

export interface PlaceLook {
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
  place: SweepPlace,
  after: string | undefined,
  { documents }: Pick<HandlerDependencies, 'documents'>,
): Promise<PlaceInventory> {
  const text = after === undefined ? undefined : await documents.get(progressKey(sweepId, place));
  if (text === undefined) return { ...place, clusters: 0, notSelected: 0, calls: {} };
  try {
    return placeInventory.parse(JSON.parse(text));
  } catch (error) {
    throw new MigrationError(
      'BadInput',
      `What the sweep ${sweepId} noted of ${place.account}, ${place.region} in its bucket is not as this service writes it. Start another sweep.`,
      { cause: error },
    );
  }
}
