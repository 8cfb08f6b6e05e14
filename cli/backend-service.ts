/**
 * Opens the backend for commands that the API of a deployed service supports: through the API if the environment has its
 * URL, by direct calls otherwise.
 */
import type { Target } from '../lambdas/domain/terms/subject.ts';
import { openApiSession } from './api/backend.ts';
import { openForKnown, openForMigration, openForSweep } from './open-backend.ts';
import type { OpenOptions, ServiceSession, Session } from './session.ts';
import type { DeployedChoice, BackendChoice, StateChoice } from './backend-options.ts';
import { type Environment, findService } from './deployed-stack.ts';
import { apiUrlIn } from './service-environment.ts';
import type { Scenario } from '../sandbox/scenario/scenario.ts';
import type { TargetFlags } from './target.ts';

/** Returns the location of a deployed service, and the URL of its API if that is to be used. */
const locate = async (choice: BackendChoice): Promise<{ environment?: Environment; url?: string | undefined }> => {
  if (choice.kind !== 'deployed') return {};
  const environment = await findService(choice, process.env, 'service');
  return { environment, url: apiUrlIn(environment) };
};

/** Does the same as `openForMigration`. */
export const openServiceForMigration = async (
  choice: BackendChoice,
  flags: TargetFlags,
  options: OpenOptions,
): Promise<{ session: ServiceSession; target: Target }> => {
  const { environment = {}, url } = await locate(choice);
  if (url === undefined) return openForMigration(choice, flags, options, environment);
  const session = openApiSession(url, environment, options.io);
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
  const { environment = {}, url } = await locate(choice);
  return url === undefined
    ? openForSweep(choice, options, environment)
    : { session: openApiSession(url, environment, options.io) };
};

/** Does the same as `openForKnown`. */
export const openServiceForKnown = async (
  choice: StateChoice | DeployedChoice,
  options: OpenOptions,
): Promise<ServiceSession> => {
  const { environment = {}, url } = await locate(choice);
  return url === undefined ? openForKnown(choice, options, environment) : openApiSession(url, environment, options.io);
};
