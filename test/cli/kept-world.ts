/** Runs commands that keep their world in a file for the next command. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach } from 'vitest';
import { type MigrationReport, migrationReport } from '../../lambdas/domain/record/migration.ts';
import { type Ran, runProgram } from './run-program.ts';

interface KeptWorld {
  /** Returns the path of a file in the test's own directory. */
  file: (name: string) => string;
  /** Returns the path of the file with the world. */
  state: () => string;
  run: (...argv: string[]) => Promise<Ran>;
  reportOf: (...argv: string[]) => Promise<MigrationReport>;
  /** Begins with a world in which that command has run: it runs once, and each test gets a copy of the file. */
  begin: (...argv: string[]) => Promise<MigrationReport>;
}

const begun = new Map<string, { report: MigrationReport; world: string }>();

/** Sets up a world for the tests of the file, or of the `describe`, in which it is called. */
export const keptWorld = (): KeptWorld => {
  let directory: string;
  beforeEach(() => void (directory = mkdtempSync(join(tmpdir(), 'state-'))));
  afterEach(() => rmSync(directory, { recursive: true }));

  const file = (name: string): string => join(directory, name);
  const state = (): string => file('world.json');
  const run: KeptWorld['run'] = (...argv) => runProgram(...argv, '--state', state());
  const reportOf: KeptWorld['reportOf'] = async (...argv) =>
    migrationReport.parse(JSON.parse((await run(...argv, '--json')).out));
  const begin: KeptWorld['begin'] = async (...argv) => {
    const key = argv.join(' ');
    const known = begun.get(key);
    if (known) {
      writeFileSync(state(), known.world);
      return known.report;
    }
    const report = await reportOf(...argv);
    begun.set(key, { report, world: readFileSync(state(), 'utf8') });
    return report;
  };
  return { file, state, run, reportOf, begin };
};
