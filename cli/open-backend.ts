/** Opens, by the flags of any command, the backend where its work is done. */
import type { Target } from '../lambdas/domain/terms/subject.ts';
import { homeOf } from '../sandbox/build/build.ts';
import type { Scenario } from '../sandbox/scenario/scenario.ts';
import type { BackendChoice, DeployedChoice, StateChoice } from './backend-options.ts';
import { awsError, clockOf, isInterruption, openDeployedBackend } from './deployed.ts';
import { type Environment, findService } from './deployed-stack.ts';
import { CliError } from './errors.ts';
import { checkSame, type Journal, readState, type StateFile } from './journal.ts';
import { openSandboxSession, openStateSession } from './open-sandbox.ts';
import { openScenario } from './open-scenario.ts';
import { EXAMPLE_SCENARIO } from './options.ts';
import { type OpenOptions, type Session, sessionOf } from './session.ts';
import { deployedFor, resolveTarget, targetOfCaller, type TargetFlags } from './target.ts';

/** Opens the deployed service, by direct calls. `environment`: its location, if it is known already. */
const openDeployedSession = async (choice: DeployedChoice, { io }: OpenOptions, environment?: Environment) => {
  const stopping = new AbortController();
  io.onStop?.(() => stopping.abort());
  const backend = await openDeployedBackend(
    environment ?? (await findService(choice, process.env, 'parts')),
    clockOf(io, stopping.signal),
  );
  const session = sessionOf({
    backend,
    requestedBy: backend.caller.arn,
    run: async (work) => {
      try {
        return await work(backend);
      } catch (error) {
        throw isInterruption(error) ? error : awsError(error);
      }
    },
    close: () => backend.close(),
  });
  return { backend, session };
};

/**
 * Returns the state in the file, or a new one for a sandbox that starts with this command. `deploy` adds to the scenario
 * where the service is deployed.
 */
const stateFor = async (
  { file, scenario: scenarioFile, seed }: StateChoice,
  deploy: (scenario: Scenario) => Scenario,
): Promise<StateFile> => {
  const scenario = scenarioFile === undefined ? undefined : await openScenario(scenarioFile);
  const kept = readState(file);
  if (kept) {
    checkSame(file, kept.journal, {
      ...(scenario && scenarioFile ? { scenario, scenarioFile } : {}),
      ...(seed === undefined ? {} : { seed }),
    });
    deploy(kept.journal.scenario);
    return kept;
  }
  if (!scenario) {
    throw new CliError(
      'NoSandbox',
      `--state ${file} does not exist yet, and --sandbox FILE is missing, so there is nothing to start from`,
      `Add --sandbox FILE, for example --sandbox ${EXAMPLE_SCENARIO}`,
    );
  }
  const journal: Journal = { scenario: deploy(scenario), seed: seed ?? scenario.seed, commands: [] };
  return { journal, text: undefined };
};

/** Opens the backend for `plan` and `migrate`, and resolves the target. Throws a CliError for unusable flags. */
export const openForMigration = async (
  choice: BackendChoice,
  flags: TargetFlags,
  options: OpenOptions,
  environment?: Environment,
): Promise<{ session: Session; target: Target }> => {
  switch (choice.kind) {
    case 'sandbox': {
      const scenario = await openScenario(choice.scenario);
      const target = resolveTarget(flags, scenario);
      return { session: await openSandboxSession(deployedFor(target, scenario), choice, options), target };
    }
    case 'state': {
      const state = await stateFor(choice, (scenario) => deployedFor(resolveTarget(flags, scenario), scenario));
      return {
        session: await openStateSession(choice, state, options),
        target: resolveTarget(flags, state.journal.scenario),
      };
    }
    case 'deployed': {
      const { backend, session } = await openDeployedSession(choice, options, environment);
      try {
        return {
          session,
          target: targetOfCaller(flags, {
            account: backend.caller.account,
            serviceAccount: backend.serviceAccount,
            region: backend.region,
          }),
        };
      } catch (error) {
        await session.close();
        throw error;
      }
    }
  }
};

/**
 * Opens the backend for `sweep`, with its scenario if there is one. The service is deployed where the scenario has it,
 * or in its first account.
 */
export const openForSweep = async (
  choice: BackendChoice,
  options: OpenOptions,
  environment?: Environment,
): Promise<{ session: Session; scenario?: Scenario }> => {
  const deploy = (scenario: Scenario): Scenario => ({ ...scenario, home: homeOf(scenario) });
  switch (choice.kind) {
    case 'sandbox': {
      const scenario = deploy(await openScenario(choice.scenario));
      return { session: await openSandboxSession(scenario, choice, options), scenario };
    }
    case 'state': {
      const state = await stateFor(choice, deploy);
      return { session: await openStateSession(choice, state, options), scenario: state.journal.scenario };
    }
    case 'deployed':
      return { session: (await openDeployedSession(choice, options, environment)).session };
  }
};

/** Opens the backend for commands about an existing migration. Throws a CliError for unusable flags. */
export const openForKnown = async (
  choice: StateChoice | DeployedChoice,
  options: OpenOptions,
  environment?: Environment,
): Promise<Session> => {
  if (choice.kind === 'deployed') return (await openDeployedSession(choice, options, environment)).session;
  const { file, scenario: scenarioFile } = choice;
  const state = readState(file);
  if (!state)
    throw new CliError(
      'StateFile',
      `--state ${file} does not exist`,
      'Name the file that plan or migrate wrote with --state',
    );
  if (scenarioFile !== undefined)
    checkSame(file, state.journal, { scenario: await openScenario(scenarioFile), scenarioFile });
  return openStateSession(choice, state, options);
};
