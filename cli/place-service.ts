/**
 * Opens the backend for commands that the API of a deployed service supports: through the API if the environment has its
 * URL, by direct calls otherwise.
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

/** Does the same as `openForMigration`. */
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

/** Does the same as `openForSweep`. */
export const openServiceForSweep = async (
  choice: PlaceChoice,
  options: OpenOptions,
): Promise<{ place: ServicePlace & Partial<Pick<Place, 'run'>>; scenario?: Scenario }> => {
  const url = choice.kind === 'deployed' ? apiUrlIn(process.env) : undefined;
  return url === undefined ? openForSweep(choice, options) : { place: openApiPlace(url, process.env, options.io) };
};

/** Does the same as `openForKnown`. */
export const openServiceForKnown = async (
  choice: StatePlace | DeployedPlace,
  options: OpenOptions,
): Promise<ServicePlace> => {
  const url = choice.kind === 'deployed' ? apiUrlIn(process.env) : undefined;
  return url === undefined ? openForKnown(choice, options) : openApiPlace(url, process.env, options.io);
};
