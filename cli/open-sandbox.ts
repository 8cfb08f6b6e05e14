/** Opens embedded sandboxes: new ones, and those that are kept in a file. */
import { isDeepStrictEqual } from 'node:util';
import type { Scenario } from '../sandbox/scenario/scenario.ts';
import { type Backend, openSandboxBackend, type SandboxBackend } from './backend.ts';
import type { SandboxChoice, StateChoice } from './backend-options.ts';
import { CliError } from './errors.ts';
import type { Io } from './io.ts';
import { asKept, type JournalEntry, outOfDate, type StateFile, writeState } from './journal.ts';
import { WATCHING_SCALE } from './options.ts';
import { writePrivate } from './private-file.ts';
import { perform } from './replay.ts';
import { type OpenOptions, type Session, sessionOf } from './session.ts';

const REQUESTED_BY = 'command-line';

export const sayBuilding = (io: Io) => (): void =>
  void io.stderr.write('Building the application once; this takes a few seconds.\n');

const builds = ({ io, silent }: OpenOptions): { onBuild?: () => void } => (silent ? {} : { onBuild: sayBuilding(io) });

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

export const openSandboxSession = async (
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

export const openStateSession = async (
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
