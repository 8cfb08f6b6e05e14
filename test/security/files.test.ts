/**
 * Files that the command line writes on a user's machine contain the weaknesses of a fleet: no other user of that
 * machine may read them.
 */
import { chmodSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Journal, readState, writeState } from '../../cli/journal.ts';
import { writePrivate } from '../../cli/private-file.ts';
import { writeReports } from '../../cli/sweep/reports.ts';
import { scenarioWith, TARGET } from '../end-to-end/fixture.ts';
import { fleetReport } from '../lambdas/domain/sweep-report-fixtures.ts';

const journal: Journal = {
  scenario: { ...scenarioWith(), home: { account: TARGET.account, region: TARGET.region } },
  seed: 7,
  commands: [],
};

let directory: string;
let file: string;
let before: number;
beforeEach(() => {
  // The default of most machines: other users may read new files.
  before = process.umask(0o022);
  directory = mkdtempSync(join(tmpdir(), 'files-'));
  file = join(directory, 'file');
});
afterEach(() => {
  process.umask(before);
  rmSync(directory, { recursive: true });
});
const modeOf = (path: string): string => (statSync(path).mode & 0o777).toString(8);

describe('a file of the command line', () => {
  it('with the state of a sandbox is readable by its owner only', () => {
    writeState(file, journal, undefined);
    expect(modeOf(file)).toBe('600');
  });

  it('with a state that others may read is made private when it is read and when it is written', () => {
    writeState(file, journal, undefined);
    chmodSync(file, 0o644);
    const { text } = readState(file)!;
    expect(modeOf(file)).toBe('600');
    chmodSync(file, 0o666);
    writeState(file, journal, text);
    expect(modeOf(file)).toBe('600');
  });

  it('that is not a state keeps its permissions', () => {
    writeFileSync(file, '{}');
    expect(() => readState(file)).toThrow('is not a state file of the sandbox');
    expect(modeOf(file)).toBe('644');
  });

  it('with a report of a sweep is readable by its owner only, unless it existed with other permissions', () => {
    const texts = { json: '{}', csv: '', html: '' };
    const reports = [{ file, format: 'json' as const }];
    writeReports(reports, { report: fleetReport(), texts });
    expect(modeOf(file)).toBe('600');
    chmodSync(file, 0o640);
    writeReports(reports, { report: fleetReport(), texts });
    expect(modeOf(file)).toBe('640');
  });

  it('with calls, or with the keys of a sandbox, is readable by its owner only', () => {
    writePrivate(file, 'x');
    expect(modeOf(file)).toBe('600');
  });
});
