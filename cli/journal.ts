/**
 * The file of `--state`: a sandbox that outlives the command, as a journal of the commands that changed it. A sandbox
 * is deterministic, so replaying them in virtual time gives the same world again (docs/adr/0007).
 */
import { randomBytes } from 'node:crypto';
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { annotationMode, migrationId, migrationRequest, outcome, target } from '../lambdas/domain/migration/model.ts';
import { serviceAccountRef } from '../lambdas/domain/migration/subject.ts';
import { parseScenario, ScenarioError } from '../sandbox/world/load.ts';
import type { Scenario } from '../sandbox/world/scenario.ts';
import { sweepId, sweepOutcome, sweepRequest } from '../lambdas/domain/sweep/model.ts';
import { retireTrustSchema } from '../lambdas/steps/retire-trust/schema.ts';
import { rehearsed } from './approval/embedded.ts';
import { CliError } from './errors.ts';
import { OWNER_ONLY, tighten } from './private-file.ts';

const VERSION = 1;

/** How a command ended, to see that replaying it gives the same: null where there was no outcome. */
const ended = { outcome: outcome.nullable(), endedAt: z.string().nullable() };
const asked = { migrationId, requestedBy: z.string().optional(), reason: z.string().optional() };

/** The same of a sweep, with how its migrations ended. */
const swept = {
  outcome: sweepOutcome.nullable(),
  endedAt: z.string().nullable(),
  ended: z.record(z.string(), z.int()),
};

const { action, dryRun, soakDays } = retireTrustSchema.input.shape;
const { done, roles } = retireTrustSchema.output.shape;

const journalEntry = z.discriminatedUnion('what', [
  z.strictObject({
    what: z.literal('migrate'),
    migrationId,
    request: migrationRequest,
    decisions: z.array(rehearsed).optional(),
    ...ended,
  }),
  z.strictObject({
    what: z.literal('rollback'),
    ...asked,
    acceptCredentialGap: z.literal(true).optional(),
    ...ended,
  }),
  z.strictObject({ what: z.literal('cancel'), ...asked, begun: z.boolean() }),
  z.strictObject({ what: z.literal('release'), ...asked, locks: z.array(z.string()) }),
  z.strictObject({
    what: z.literal('retire'),
    ...asked,
    action,
    dryRun,
    soakDays,
    done,
    results: z.array(roles.element.shape.result),
  }),
  z.strictObject({ what: z.literal('sweep'), sweepId, request: sweepRequest, ...swept }),
  z.strictObject({
    what: z.literal('resume-sweep'),
    sweepId,
    requestedBy: asked.requestedBy,
    reason: asked.reason,
    ...swept,
  }),
  z.strictObject({
    what: z.literal('grant-access'),
    target,
    addons: z.array(z.string()),
    serviceAccounts: z.array(serviceAccountRef).default([]),
    annotation: annotationMode.default('keep'),
    results: z.array(z.string()),
  }),
]);
export type JournalEntry = z.infer<typeof journalEntry>;

const journal = z.strictObject({
  version: z.literal(VERSION),
  /** Whole, so that the file stands for itself; with the service deployed where the first migration went. */
  scenario: z.unknown(),
  seed: z.number().int(),
  commands: z.array(journalEntry),
});
export interface Journal {
  scenario: Scenario;
  seed: number;
  commands: JournalEntry[];
}
/** A journal and the text that it was read from: none for a file that is not there yet. */
export interface StateFile {
  journal: Journal;
  text: string | undefined;
}

const unusable = (file: string, why: string, cause?: unknown): CliError =>
  new CliError(
    'StateFile',
    `--state ${file} ${why}`,
    'Name a file that this version of the program has written, or one that is not there yet',
    undefined,
    { cause },
  );

const read = (file: string): string | undefined => {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw unusable(file, `can't be read: ${error instanceof Error ? error.message : String(error)}`, error);
  }
};

const parsed = (file: string, text: string): Journal => {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (error) {
    throw unusable(file, `is not JSON: ${error instanceof Error ? error.message : String(error)}`, error);
  }
  const version = z.object({ version: z.unknown() }).safeParse(document);
  if (!version.success || version.data.version === undefined)
    throw unusable(file, 'is not a state of the sandbox: it has no version');
  if (version.data.version !== VERSION)
    throw unusable(
      file,
      `is of version ${JSON.stringify(version.data.version)}, and this program knows version ${VERSION}`,
    );
  const result = journal.safeParse(document);
  if (!result.success) {
    const [issue] = result.error.issues;
    throw unusable(file, `is damaged: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`, result.error);
  }
  try {
    return { ...result.data, scenario: parseScenario(result.data.scenario, `in ${file}`) };
  } catch (error) {
    if (!(error instanceof ScenarioError)) throw error;
    throw unusable(file, `holds a scenario that this program does not take: ${error.message}`, error);
  }
};

/**
 * Returns `undefined` where there is no such file, and leaves one that is there readable for its owner alone. Throws a
 * CliError for one that can't be used.
 */
export const readState = (file: string): StateFile | undefined => {
  const text = read(file);
  if (text === undefined) return undefined;
  const state = { journal: parsed(file, text), text };
  // Once it is known to be the program's own.
  tighten(file);
  return state;
};

/** Throws a CliError where a scenario or a seed was named that is another than the file's. */
export const checkSame = (
  file: string,
  { scenario: kept, seed }: Journal,
  given: { scenario?: Scenario; scenarioFile?: string; seed?: number },
): void => {
  if (given.scenario && !isDeepStrictEqual({ ...given.scenario, home: given.scenario.home ?? kept.home }, kept)) {
    throw new CliError(
      'OtherState',
      `--state ${file} is of another scenario than ${given.scenarioFile ?? 'the one given'}, or that has changed since`,
      'Leave --sandbox out to go on with the one in the file, or name another file to begin anew',
    );
  }
  if (given.seed !== undefined && given.seed !== seed) {
    throw new CliError(
      'OtherState',
      `--state ${file} is of seed ${seed}, not ${given.seed}`,
      'Leave --seed out to go on with that one, or name another file to begin anew',
    );
  }
};

/** In the form that the file has: what a replayed command gives is compared in it. */
export const asKept = (entry: JournalEntry): unknown => JSON.parse(JSON.stringify(entry));

const gives = (entry: JournalEntry): string => {
  switch (entry.what) {
    case 'cancel':
      return entry.begun ? 'begun' : 'not begun';
    case 'release':
      return entry.locks.join(', ') || 'no locks';
    case 'retire':
      return entry.results.join(', ') || 'no role';
    case 'grant-access':
      return entry.results.join(', ') || 'nothing';
    case 'migrate':
    case 'rollback':
    case 'sweep':
    case 'resume-sweep':
      return entry.outcome ?? 'without an outcome';
  }
};

const about = (entry: JournalEntry): string => {
  if (entry.what === 'grant-access') return entry.target.cluster;
  return 'sweepId' in entry ? entry.sweepId : entry.migrationId;
};

/** A command of the journal that does not give what it gave when it was run. */
export const outOfDate = (
  file: string,
  index: number,
  entry: JournalEntry,
  again: JournalEntry | undefined,
): CliError => {
  const said = (one: JournalEntry | undefined): string =>
    one === undefined ? 'nothing' : `${about(one)} ${gives(one)}`;
  return new CliError(
    'StateOutOfDate',
    `--state ${file} can't be replayed: command ${index + 1} (${entry.what} ${about(entry)}) now gives ${said(again)}, the file has ${said(entry)}. The program has changed since the file was written`,
    'Name another file to begin anew, or go on with the version of the program that wrote it',
  );
};

/**
 * Writes the file in one go, readable for its owner alone. Throws a CliError where it can't be written, or where another command has written it
 * meanwhile.
 */
export const writeState = (
  file: string,
  { scenario: world, seed, commands }: Journal,
  before: string | undefined,
): void => {
  if (read(file) !== before)
    throw new CliError(
      'StateFile',
      `--state ${file} was changed by another command meanwhile; this one is not kept in it`,
      'Run it again',
    );
  const temporary = `${file}.${randomBytes(6).toString('hex')}.tmp`;
  const text = `${JSON.stringify({ version: VERSION, scenario: world, seed, commands }, null, 2)}\n`;
  try {
    writeFileSync(temporary, text, { flag: 'wx', mode: OWNER_ONLY });
    renameSync(temporary, file);
  } catch (error) {
    rmSync(temporary, { force: true });
    const reason = error instanceof Error ? error.message : String(error);
    throw new CliError(
      'StateFile',
      `--state ${file} can't be written: ${reason}`,
      'Name a file in a directory that exists and that you may write to',
      undefined,
      { cause: error },
    );
  }
};
