/**
 * Opens the place for what a deployed service's API can do: by that API where the environment says where it is, by
 * direct calls otherwise.
 */
import type { Target } from '../lambdas/domain/model.ts';
import { openApiPlace } from './api/place.ts';
import {
  openForKnown,
  openForMigration,
  openForSweep,
  type OpenOptions,
  type Place,
  type ServicePlace,
} from './place.ts';
import type { DeployedPlace, PlaceChoice, StatePlace } from './place-options.ts';
import { apiUrlIn } from './service-environment.ts';
import type { Scenario } from '../sandbox/world/scenario.ts';
import type { TargetFlags } from './target.ts';

/** As `openForMigration`. */
export const openServiceForMigration = async (
  choice: PlaceChoice,
  flags: TargetFlags,
  options: OpenOptions,
): Promise<{ place: ServicePlace; target: Target }> => {
  const url = choice.kind === 'deployed' ? apiUrlIn(process.env) : undefined;
  if (url === undefined) return openForMigration(choice, flags, options);
  const place = openApiPlace(url, process.env, options.io);
  try {
    return { place, target: await place.targetOf(flags) };
  } catch (error) {
    await place.close();
    throw error;
  }
};

/** As `openForSweep`. */
export const openServiceForSweep = async (
  choice: PlaceChoice,
  options: OpenOptions,
): Promise<{ place: ServicePlace & Partial<Pick<Place, 'run'>>; scenario?: Scenario }> => {
  const url = choice.kind === 'deployed' ? apiUrlIn(process.env) : undefined;
  return url === undefined ? openForSweep(choice, options) : { place: openApiPlace(url, process.env, options.io) };
};

/** As `openForKnown`. */
export const openServiceForKnown = async (
  choice: StatePlace | DeployedPlace,
  options: OpenOptions,
): Promise<ServicePlace> => {
  const url = choice.kind === 'deployed' ? apiUrlIn(process.env) : undefined;
  return url === undefined ? openForKnown(choice, options) : openApiPlace(url, process.env, options.io);
};
