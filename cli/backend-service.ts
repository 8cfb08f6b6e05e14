/**
 * Opens the backend for commands that the API of a deployed service supports: through the API if the environment has its
 * URL, by direct calls otherwise.
 */
import type { Target } from '../lambdas/domain/migration/model.ts';
import { openApiSession } from './api/backend.ts';
import {
  openForKnown,
  openForMigration,
  openForSweep,
  type OpenOptions,
  type Session,
  type ServiceSession,
} from './open-backend.ts';
import type { DeployedChoice, BackendChoice, StateChoice } from './backend-options.ts';
import { apiUrlIn } from './service-environment.ts';
import type { Scenario } from '../sandbox/world/scenario.ts';
import type { TargetFlags } from './target.ts';

/** Does the same as `openForMigration`. */
export const openServiceForMigration = async (
  choice: BackendChoice,
  flags: TargetFlags,
  options: OpenOptions,
): Promise<{ session: ServiceSession; target: Target }> => {
  const url = choice.kind === 'deployed' ? apiUrlIn(process.env) : undefined;
  if (url === undefined) return openForMigration(choice, flags, options);
  const session = openApiSession(url, process.env, options.io);
  try {
    return { session, target: await session.targetOf(flags) };
  } catch (error) {
    await session.close();
    throw error;
  }
};

/** Does the same as `openForSweep`. */
export const openServiceForSweep = async (
  choice: BackendChoice,
  options: OpenOptions,
): Promise<{ session: ServiceSession & Partial<Pick<Session, 'run'>>; scenario?: Scenario }> => {
  const url = choice.kind === 'deployed' ? apiUrlIn(process.env) : undefined;
  return url === undefined ? openForSweep(choice, options) : { session: openApiSession(url, process.env, options.io) };
};

/** Does the same as `openForKnown`. */
export const openServiceForKnown = async (
  choice: StateChoice | DeployedChoice,
  options: OpenOptions,
): Promise<ServiceSession> => {
  const url = choice.kind === 'deployed' ? apiUrlIn(process.env) : undefined;
  return url === undefined ? openForKnown(choice, options) : openApiSession(url, process.env, options.io);
};
