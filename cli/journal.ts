/**
 * The file of `--state`: a sandbox that outlives the command, as a journal of the commands that changed it. A sandbox
 * is deterministic, so replaying them in virtual time results in the same world (docs/sandbox-design.md).
 */
import { randomBytes } from 'node:crypto';
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { annotationMode, migrationRequest } from '../lambdas/domain/request/request.ts';
import { target, serviceAccountRef } from '../lambdas/domain/terms/subject.ts';
import { migrationId } from '../lambdas/domain/text/names.ts';
import { outcome } from '../lambdas/domain/terms/outcome.ts';
import { acceptOf } from '../lambdas/domain/acceptance/accept.ts';
import { inCurrentForm } from '../lambdas/domain/acceptance/former.ts';
import { parseScenario, ScenarioError } from '../sandbox/build/load.ts';
import type { Scenario } from '../sandbox/scenario/scenario.ts';
import { sweepId, sweepRequest } from '../lambdas/domain/sweep/request.ts';
import { sweepOutcome } from '../lambdas/domain/sweep/model.ts';
import { retireTrustSchema } from '../lambdas/steps/retire-trust/schema.ts';
import { rehearsed } from './rehearsal.ts';
import { CliError } from './errors.ts';
import { OWNER_ONLY, tighten } from './private-file.ts';

const VERSION = 1;

/** How a command ended, to verify its replay; null without an outcome. */
const ended = { outcome: outcome.nullable(), endedAt: z.string().nullable() };
const asked = { migrationId, requestedBy: z.string().optional(), reason: z.string().optional() };

/** The same for a sweep, with how its migrations ended. */
const swept = {
  outcome: sweepOutcome.nullable(),
  endedAt: z.string().nullable(),
  ended: z.record(z.string(), z.int()),
};

const { action, dryRun, soakDays, accept } = retireTrustSchema.input.shape;
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
    accept: acceptOf('rollback').optional(),
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
    accept,
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
  /** The whole scenario, so that the file is self-contained; with the service deployed where the first migration ran. */
  scenario: z.unknown(),
  seed: z.number().int(),
  commands: z.array(z.preprocess(inCurrentForm, journalEntry)),
});
export interface Journal {
  scenario: Scenario;
  seed: number;
  commands: JournalEntry[];
}
/** A journal and the text that it was read from; undefined for a file that does not exist yet. */
export interface StateFile {
  journal: Journal;
  text: string | undefined;
}

const unusable = (file: string, why: string, cause?: unknown): CliError =>
  new CliError(
    'StateFile',
    `--state ${file} ${why}`,
    'Name a file that this version of the program wrote, or a file that does not exist yet',
    undefined,
    { cause },
  );

const read = (file: string): string | undefined => {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw unusable(file, `cannot be read: ${error instanceof Error ? error.message : String(error)}`, error);
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
    throw unusable(file, 'is not a state file of the sandbox: it has no version');
  if (version.data.version !== VERSION)
    throw unusable(
      file,
      `has version ${JSON.stringify(version.data.version)}, but this program supports version ${VERSION}`,
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
    throw unusable(file, `contains a scenario that this program does not accept: ${error.message}`, error);
  }
};

/**
 * Reads a state file and makes it readable only by its owner. Returns undefined if it does not exist. Throws a CliError
 * for an unusable file.
 */
export const readState = (file: string): StateFile | undefined => {
  const text = read(file);
  if (text === undefined) return undefined;
  const state = { journal: parsed(file, text), text };
  // Only after the file is known to be the program's own.
  tighten(file);
  return state;
};

/** Throws a CliError if the given scenario or seed differs from that of the file. */
export const checkSame = (
  file: string,
  { scenario: kept, seed }: Journal,
  given: { scenario?: Scenario; scenarioFile?: string; seed?: number },
): void => {
  if (given.scenario && !isDeepStrictEqual({ ...given.scenario, home: given.scenario.home ?? kept.home }, kept)) {
    throw new CliError(
      'OtherState',
      `--state ${file} was written with another scenario than ${given.scenarioFile ?? 'the given one'}, or that scenario has changed since`,
      'Omit --sandbox to continue with the scenario in the file, or name another file to start afresh',
    );
  }
  if (given.seed !== undefined && given.seed !== seed) {
    throw new CliError(
      'OtherState',
      `--state ${file} has seed ${seed}, not ${given.seed}`,
      'Omit --seed to continue with that seed, or name another file to start afresh',
    );
  }
};

/** Returns an entry in its form in the file, for comparison with a replayed command. */
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

/** Returns the error for a command of the journal whose replay has another result. */
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
    `--state ${file} cannot be replayed: command ${index + 1} (${entry.what} ${about(entry)}) now results in ${said(again)}, but the file has ${said(entry)}; the program has changed since the file was written`,
    'Name another file to start afresh, or use the version of the program that wrote it',
  );
};

/**
 * Writes the file atomically, readable only by its owner. Throws a CliError if it cannot be written, or another command
 * has written it meanwhile.
 */
export const writeState = (
  file: string,
  { scenario: world, seed, commands }: Journal,
  before: string | undefined,
): void => {
  if (read(file) !== before)
    throw new CliError(
      'StateFile',
      `--state ${file} was changed by another command meanwhile, so this command is not recorded in it`,
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
      `--state ${file} cannot be written: ${reason}`,
      'Name a file in an existing directory that you may write to',
      undefined,
      { cause: error },
    );
  }
};
