/** The progress of the inspection of a location, between invocations. */
import { MigrationError } from '../../domain/failures/errors.ts';
import { progressKey } from '../../domain/sweep/keys.ts';
import { locationInventory, type LocationInventory, type SweepLocation } from '../../domain/sweep/model.ts';
import type { HandlerDependencies } from '../../ports/index.ts';

export interface LocationProgress {
  done: boolean;
  /** The name of the last cluster that is done. */
  after?: string;
  /** The cluster that this invocation had too little time for, although it began with it. */
  tooShortFor?: string;
  /** The number of clusters that this invocation has inspected. */
  clusters: number;
}

/** Where an invocation continues: the previous invocation's output. */
export interface GoesOn {
  after?: string | undefined;
  tooShortFor?: string | undefined;
}

/** Returns the counts of earlier invocations; zeros before the first. */
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
      `The progress of sweep ${sweepId} for account ${location.account}, region ${location.region} in its bucket does not have the form that this service writes. Start another sweep.`,
      { cause: error },
    );
  }
}
