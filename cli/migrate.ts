/** `plan` and `migrate`: from flags to the exit code. */
import { writeFileSync } from 'node:fs';
import type { MigrationReport } from '../lambdas/domain/model.ts';
import { readScenario, ScenarioError } from '../sandbox/world/load.ts';
import type { Scenario } from '../sandbox/world/scenario.ts';
import { openSandboxBackend } from './backend.ts';
import { CliError } from './errors.ts';
import { exitCodeOf, type ExitCode } from './exit-codes.ts';
import type { Io } from './io.ts';
import { deployedFor, EXAMPLE_SCENARIO, migrateCommand, requestFrom, resolveTarget, type SandboxFlags, WATCHING_SCALE } from './options.ts';
import { planNext } from './print/plan.ts';
import { styleFor } from './print/style.ts';
import { summary } from './print/summary.ts';
import { silentProgress, startProgress } from './progress.ts';
import { runMigration } from './run.ts';

/** Who the ledger says asked for it. */
const REQUESTED_BY = 'command-line';

/** Runs one migration, or its plan, and prints the report. Throws CliError for everything that has no report. */
export const migrate = async (flags: SandboxFlags, io: Io): Promise<ExitCode> => {
  const scenario = await openScenario(flags.sandbox);
  const target = resolveTarget(flags, scenario);
  if (flags.calls !== undefined) writeCalls(flags.calls, '');
  const watched = io.stderr.isTTY === true;
  const silent = flags.json && !watched;
  const backend = await openSandboxBackend(deployedFor(target, scenario), {
    seed: flags.seed,
    clock: flags.clock ?? (watched && !flags.dryRun ? { scaled: WATCHING_SCALE } : 'virtual'),
    ...(silent ? {} : { onBuild: sayBuilding(io) }),
  });
  const progress = silent ? silentProgress : startProgress(io.stderr, backend);
  try {
    const report = await runMigration(backend, requestFrom(flags, target, REQUESTED_BY), progress);
    print(report, flags, io);
    return exitCodeOf(report.outcome);
  } finally {
    // Also for a run that failed: its calls are what one wants to see then.
    if (flags.calls !== undefined) writeCalls(flags.calls, backend.sandbox.world.log.toJsonLines());
    await backend.close();
  }
};

const print = (report: MigrationReport, flags: SandboxFlags, io: Io): void => {
  if (flags.json) {
    io.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
    return;
  }
  const style = styleFor(io.stdout);
  const lines = [...summary(report, style), ...planNext(report, migrateCommand(flags), style)];
  io.stdout.write(`${lines.join('\n')}\n`);
};

export const sayBuilding = (io: Io) => (): void => void io.stderr.write('Building the application once: this takes some seconds.\n');

/** Throws a CliError that names the file, the place in it, and what is right there. */
export const openScenario = async (file: string): Promise<Scenario> => {
  try {
    return await readScenario(file);
  } catch (error) {
    if (!(error instanceof ScenarioError)) throw error;
    throw new CliError('ScenarioError', error.message, `Correct ${file}, or compare it with ${EXAMPLE_SCENARIO}`);
  }
};

const writeCalls = (file: string, lines: string): void => {
  try {
    writeFileSync(file, lines);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new CliError('CallsFile', `--calls ${file} can't be written: ${reason}`, 'Name a file in a directory that exists and that you may write to', undefined, {
      cause: error,
    });
  }
};
