/** Opens, by the flags of any command, the backend where its work is done. */
import { isDeepStrictEqual } from 'node:util';
import type { Target } from '../lambdas/domain/migration/model.ts';
import { shown } from '../lambdas/domain/text/text.ts';
import { homeOf } from '../sandbox/world/build.ts';
import { readScenario, ScenarioError } from '../sandbox/world/load.ts';
import type { Scenario } from '../sandbox/world/scenario.ts';
import { type Backend, openSandboxBackend, type SandboxBackend } from './backend.ts';
import { awsError, clockOf, isInterruption, openDeployedBackend } from './deployed.ts';
import { type Environment, findService } from './deployed-stack.ts';
import { CliError } from './errors.ts';
import type { Io } from './io.ts';
import {
  asKept,
  checkSame,
  type Journal,
  type JournalEntry,
  outOfDate,
  readState,
  type StateFile,
  writeState,
} from './journal.ts';
import { EXAMPLE_SCENARIO, WATCHING_SCALE } from './options.ts';
import { findScenario } from './scenarios.ts';
import type { DeployedChoice, BackendChoice, SandboxChoice, StateChoice } from './backend-options.ts';
import { perform } from './replay.ts';
import { directService, type Service } from './service.ts';
import { deployedFor, resolveTarget, targetOfCaller, type TargetFlags } from './target.ts';
import { writePrivate } from './private-file.ts';

/** Access to the service, directly or through its API. */
export interface ServiceSession {
  /** Present if the service's parts are called directly. */
  backend?: Backend;
  /** The requester to record in the ledger, as far as this program decides that. */
  requestedBy: string;
  /** True if AWS is simulated. */
  simulated: boolean;
  /** Runs the command's work, as `Place.run` does. */
  serve<T>(work: (service: Service) => Promise<T>, entryOf?: (result: T) => JournalEntry): Promise<T>;
  close(): Promise<void>;
}

export interface Session extends ServiceSession {
  backend: Backend;
  /**
   * Runs the command's work in a thread of the backend's clock. If there is a journal, records the result of `entryOf`
   * in it after the work; work that throws is not recorded.
   */
  run<T>(work: (backend: Backend) => Promise<T>, entryOf?: (result: T) => JournalEntry): Promise<T>;
}

const sessionOf = (session: Pick<Session, 'backend' | 'requestedBy' | 'run' | 'close'>): Session => ({
  ...session,
  simulated: session.backend.simulated,
  serve: (work, entryOf) => session.run((backend) => work(directService(backend, session.requestedBy)), entryOf),
});

export interface OpenOptions {
  io: Io;
  /** Nothing on stderr but errors. */
  silent: boolean;
  /** Slows down time for a viewer at a terminal. */
  watched: boolean;
}

const REQUESTED_BY = 'command-line';

export const sayBuilding = (io: Io) => (): void =>
  void io.stderr.write('Building the application once; this takes a few seconds.\n');

const builds = ({ io, silent }: OpenOptions): { onBuild?: () => void } => (silent ? {} : { onBuild: sayBuilding(io) });

/** Returns the file of the scenario that a command names. Throws a CliError for a name that no scenario has. */
const namedScenario = (argument: string): string => {
  const found = findScenario(argument);
  if ('file' in found) return found.file;
  const { similar, names } = found;
  throw new CliError(
    'ScenarioError',
    `${shown(argument, 200)} is neither a scenario of this program nor a file in this directory`,
    similar.length > 0
      ? `Similar scenarios: ${similar.join(', ')}`
      : `Name a file, or one of these scenarios: ${names.join(', ')}`,
  );
};

/**
 * Reads a scenario, which is named as `findScenario` accepts it. Throws a CliError that names the file, the position in
 * it, and what is expected there.
 */
export const openScenario = async (argument: string): Promise<Scenario> => {
  const file = namedScenario(argument);
  try {
    return await readScenario(file);
  } catch (error) {
    if (!(error instanceof ScenarioError)) throw error;
    throw new CliError('ScenarioError', error.message, `For a complete example, see ${EXAMPLE_SCENARIO}`);
  }
};

const writeCalls = (file: string, lines: string): void => {
  try {
    writePrivate(file, lines);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new CliError(
      'CallsFile',
      `--calls ${file} cannot be written: ${reason}`,
      'Name a file in an existing directory that you may write to',
      undefined,
      { cause: error },
    );
  }
};

/** Writes only the calls of this command: replayed calls were written by the command that made them. */
const writeCallsSince = (file: string, { sandbox: { world } }: SandboxBackend, since: number): void =>
  writeCalls(
    file,
    world.log.calls
      .slice(since)
      .map((call) => `${JSON.stringify(call)}\n`)
      .join(''),
  );

const openSandboxSession = async (
  scenario: Scenario,
  { calls, seed, clock }: SandboxChoice,
  options: OpenOptions,
): Promise<Session> => {
  if (calls !== undefined) writeCalls(calls, '');
  const backend = await openSandboxBackend(scenario, {
    ...(seed === undefined ? {} : { seed }),
    clock: clock ?? (options.watched ? { scaled: WATCHING_SCALE } : 'virtual'),
    ...builds(options),
  });
  return sessionOf({
    backend,
    requestedBy: REQUESTED_BY,
    run: (work) => backend.clock.spawn(() => work(backend)),
    close: async () => {
      // Also after a failure, when the calls are most useful.
      if (calls !== undefined) writeCallsSince(calls, backend, 0);
      await backend.close();
    },
  });
};

/**
 * Replays the journal's commands in a new sandbox. Runs in a thread of its clock. Throws StateOutOfDate if a command
 * has another result than in the journal.
 */
const replay = async (backend: Backend, file: string, commands: readonly JournalEntry[]): Promise<void> => {
  for (const [index, entry] of commands.entries()) {
    // A command in the journal was not refused when it ran, so a refusal now is a difference.
    const again = await perform(backend, entry).catch((error: unknown) => {
      if (error instanceof CliError) return undefined;
      throw error;
    });
    if (again === undefined || !isDeepStrictEqual(asKept(again), asKept(entry)))
      throw outOfDate(file, index, entry, again);
  }
};

const openStateSession = async (
  { file, calls }: StateChoice,
  { journal, text }: StateFile,
  options: OpenOptions,
): Promise<Session> => {
  if (calls !== undefined) writeCalls(calls, '');
  const backend = await openSandboxBackend(journal.scenario, {
    seed: journal.seed,
    clock: 'virtual',
    ...builds(options),
  });
  let since = 0;
  return sessionOf({
    backend,
    requestedBy: REQUESTED_BY,
    run: async (work, entryOf) => {
      // One thread for both, so that no time passes between them, now or when this command is replayed.
      const result = await backend.clock.spawn(async () => {
        await replay(backend, file, journal.commands);
        since = backend.sandbox.world.log.calls.length;
        return work(backend);
      });
      if (entryOf) writeState(file, { ...journal, commands: [...journal.commands, entryOf(result)] }, text);
      return result;
    },
    close: async () => {
      if (calls !== undefined) writeCallsSince(calls, backend, since);
      await backend.close();
    },
  });
};

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
