/**
 * The labels of the classes and outcomes of add-ons. Each has words and a sign, since not everyone can tell colours
 * apart.
 */
import { levelCounts } from '../terms/levels.ts';
import type { Outcome } from '../terms/outcome.ts';
import type { SweepClass } from './model.ts';
import type { ReportRow } from './report.ts';

export type Status = SweepClass | Outcome | 'queued' | 'in-flight' | 'none';

/** The colours of the page. */
export const TONES = ['good', 'next', 'stop', 'bad', 'node', 'quiet', 'unknown'] as const;

export interface Shown {
  label: string;
  /** One character that common fonts contain, and render in the colour of the text. */
  sign: string;
  tone: (typeof TONES)[number];
  /** One line for a tile. */
  about: string;
}

export const STATUSES: Record<Status, Shown> = {
  'on-pod-identity': { label: 'On Pod Identity', sign: '✓', tone: 'good', about: 'nothing left to do' },
  ready: { label: 'Ready', sign: '→', tone: 'next', about: 'on IRSA, no check blocks it' },
  blocked: { label: 'Blocked', sign: '×', tone: 'stop', about: 'on IRSA, checks block it' },
  'keep-irsa': { label: 'Keep IRSA', sign: '=', tone: 'quiet', about: 'on IRSA, which is the better fit' },
  'node-role': { label: 'Node role', sign: '◇', tone: 'node', about: 'has no role of its own' },
  'not-concerned': { label: 'Not applicable', sign: '–', tone: 'quiet', about: 'needs no IAM, or is excluded' },
  unreachable: { label: 'Unreachable', sign: '?', tone: 'unknown', about: 'could not be inspected' },
  migrated: { label: 'Migrated', sign: '✓', tone: 'good', about: 'migrated by this sweep' },
  'already-migrated': { label: 'Already migrated', sign: '✓', tone: 'good', about: 'there was nothing to change' },
  planned: { label: 'Planned', sign: '→', tone: 'next', about: 'a plan was created and stored' },
  'rolled-back': { label: 'Rolled back', sign: '↺', tone: 'bad', about: 'failed, and restored' },
  'needs-human': { label: 'Needs a person', sign: '!', tone: 'bad', about: 'the restore commands finish it' },
  none: { label: 'No outcome', sign: '!', tone: 'bad', about: 'ended without an outcome' },
  queued: { label: 'Not started', sign: '○', tone: 'quiet', about: 'queued, or the sweep stopped' },
  'in-flight': { label: 'In progress', sign: '▸', tone: 'next', about: 'has not ended yet' },
};

/** Returns the outcome of a row, or its state until it has ended; `undefined` if the sweep did nothing with the row. */
export const outcomeOf = ({ state, outcome }: Pick<ReportRow, 'state' | 'outcome'>): Status | undefined =>
  state === 'ended' ? (outcome ?? 'none') : state;

/** Returns what a cell of the matrix shows: the outcome, or else the class. */
export const statusOf = (row: Pick<ReportRow, 'state' | 'outcome' | 'class'>): Status => outcomeOf(row) ?? row.class;

/** Returns how many add-ons were migrated with each level of evidence, or `undefined` if none was. */
export const levelsOfRows = (rows: readonly Pick<ReportRow, 'outcome' | 'verified'>[]): string | undefined =>
  levelCounts(rows.flatMap(({ outcome, verified }) => (outcome === 'migrated' ? (verified ?? []) : [])));
