import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  asKept,
  checkSame,
  type Journal,
  type JournalEntry,
  outOfDate,
  readState,
  writeState,
} from '../../cli/journal.ts';
import { migrationRequest } from '../../lambdas/domain/request/request.ts';
import { scenarioWith, TARGET } from '../end-to-end/fixture.ts';
import { errorOf } from './fixtures.ts';
import { words } from '../words.ts';
import { containing } from '../lambdas/matchers.ts';

const ID = '01JD8Z5Q6R7S8T9V0W1X2Y3Z4A';
const migrated: JournalEntry = {
  what: 'migrate',
  migrationId: ID,
  request: migrationRequest.parse({ target: TARGET, addon: 'aws-ebs-csi-driver' }),
  outcome: 'migrated',
  endedAt: '2026-01-15T09:01:00.000Z',
};
const retired: JournalEntry = {
  what: 'retire',
  migrationId: ID,
  action: 'retire',
  dryRun: false,
  soakDays: 0,
  accept: ['consumer:SecretStore/shop/aws'],
  done: true,
  results: ['removed'],
};
const home = { account: TARGET.account, region: TARGET.region };
const journal: Journal = { scenario: { ...scenarioWith(), home }, seed: 7, commands: [migrated] };

let directory: string;
let file: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'journal-'));
  file = join(directory, 'world.json');
});
afterEach(() => rmSync(directory, { recursive: true }));

describe('the state file', () => {
  it('is read as it was written, and leaves no other file', () => {
    expect(readState(file)).toBeUndefined();
    writeState(file, journal, undefined);
    const kept = readState(file)!;
    expect(kept.journal).toMatchObject(journal);
    writeState(
      file,
      {
        ...journal,
        commands: [
          migrated,
          { what: 'cancel', migrationId: ID, begun: false },
          { what: 'release', migrationId: ID, reason: 'gone', locks: ['a#b'] },
          retired,
        ],
      },
      kept.text,
    );
    expect(readState(file)!.journal.commands.map(({ what }) => what)).toEqual(words`migrate cancel release retire`);
    expect([readState(file)!.journal.commands.at(-1), readdirSync(directory)]).toEqual([retired, ['world.json']]);
  });

  it('does not overwrite what another command has written meanwhile', () => {
    writeState(file, journal, undefined);
    const before = readFileSync(file, 'utf8');
    expect(errorOf(() => writeState(file, { ...journal, commands: [] }, undefined)).message).toContain(
      'was changed by another command meanwhile',
    );
    expect(readFileSync(file, 'utf8')).toBe(before);
  });

  it('that cannot be written is reported, and no other file is left', () => {
    const error = errorOf(() => writeState(join(directory, 'no', 'world.json'), journal, undefined));
    expect(error).toMatchObject({ name: 'StateFile', exitCode: 2 });
    expect(error.message).toMatch(/no\/world\.json cannot be written: ENOENT/);
    expect(readdirSync(directory)).toEqual([]);
  });

  it.each([
    ['not JSON', '{', /is not JSON/],
    ['something else', '{}', /is not a state file of the sandbox/],
    ['of another version', '{"version": 2}', /has version 2, but this program supports version 1/],
    ['damaged', '{"version": 1, "scenario": {}, "seed": 1, "commands": [{"what": "x"}]}', /is damaged: commands\.0\./],
    [
      'of a scenario that is none',
      '{"version": 1, "scenario": {}, "seed": 1, "commands": []}',
      /contains a scenario that this program does not accept: .*accounts/s,
    ],
  ])('that is %s is refused', (_what, text, message) => {
    writeFileSync(file, text);
    const error = errorOf(() => readState(file));
    expect(error.message).toMatch(message);
    expect(error).toMatchObject({ exitCode: 2, hint: containing('Name a file') });
  });

  it('that is a directory is refused', () =>
    expect(errorOf(() => readState(directory)).message).toContain('cannot be read: EISDIR'));
});

describe('a journal', () => {
  it('continues only with its own scenario and seed', () => {
    expect(() =>
      checkSame('w.json', journal, { scenario: scenarioWith(), scenarioFile: 's.json', seed: 7 }),
    ).not.toThrow();
    expect(() => checkSame('w.json', journal, {})).not.toThrow();
    const other = scenarioWith((_scenario, cluster) => (cluster.nodes = 9));
    expect(errorOf(() => checkSame('w.json', journal, { scenario: other, scenarioFile: 's.json' })).message).toBe(
      '--state w.json was written with another scenario than s.json, or that scenario has changed since',
    );
    expect(errorOf(() => checkSame('w.json', journal, { seed: 8 })).message).toBe('--state w.json has seed 7, not 8');
  });

  it('reports which command has another result when it is replayed', () => {
    expect(outOfDate('w.json', 1, migrated, { ...migrated, outcome: 'rolled-back' }).message).toContain(
      `command 2 (migrate ${ID}) now results in ${ID} rolled-back, but the file has ${ID} migrated; the`,
    );
    expect(outOfDate('w.json', 0, retired, { ...retired, results: [] }).message).toContain(
      `(retire ${ID}) now results in ${ID} no role, but the file has ${ID} removed; the`,
    );
    expect(outOfDate('w.json', 0, migrated, undefined).message).toContain('now results in nothing');
  });

  it('is compared in the form of the file', () =>
    expect(asKept({ ...migrated, request: { ...migrated.request, reason: undefined } })).toEqual(asKept(migrated)));
});
