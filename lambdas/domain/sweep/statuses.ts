/**
 * How the classes of add-ons, and what became of them, are called and shown: words and a sign, since colour alone tells
 * too few people.
 */
import type { Outcome } from '../migration/model.ts';
import type { SweepClass } from './model.ts';
import type { ReportRow } from './report.ts';

export type Status = SweepClass | Outcome | 'queued' | 'in-flight' | 'none';

/** Colours of the page. */
export const TONES = ['good', 'next', 'stop', 'bad', 'node', 'quiet', 'unknown'] as const;

export interface Shown {
  label: string;
  /** One character that common fonts have, and draw in the text's colour. */
  sign: string;
  tone: (typeof TONES)[number];
  /** One line for a tile. */
  about: string;
}

export const STATUSES: Record<Status, Shown> = {
  'on-pod-identity': { label: 'On Pod Identity', sign: '✓', tone: 'good', about: 'nothing left to do' },
  ready: { label: 'Ready', sign: '→', tone: 'next', about: 'on IRSA, nothing in the way' },
  blocked: { label: 'Blocked', sign: '×', tone: 'stop', about: 'on IRSA, checks in the way' },
  'node-role': { label: 'Node role', sign: '◇', tone: 'node', about: 'has no role of its own' },
  'not-concerned': { label: 'Not concerned', sign: '–', tone: 'quiet', about: 'needs no IAM, or left out' },
  unreachable: { label: 'Unreachable', sign: '?', tone: 'unknown', about: 'could not be looked at' },
  migrated: { label: 'Migrated', sign: '✓', tone: 'good', about: 'moved by this sweep' },
  'already-migrated': { label: 'Already migrated', sign: '✓', tone: 'good', about: 'there was nothing to move' },
  planned: { label: 'Planned', sign: '→', tone: 'next', about: 'a plan was made and kept' },
  'rolled-back': { label: 'Rolled back', sign: '↺', tone: 'bad', about: 'failed, and put back' },
  'needs-human': { label: 'Needs a person', sign: '!', tone: 'bad', about: 'the hand-off says what to do' },
  none: { label: 'No outcome', sign: '!', tone: 'bad', about: 'ended without saying how' },
  queued: { label: 'Not begun', sign: '○', tone: 'quiet', about: 'waits, or the sweep stopped' },
  'in-flight': { label: 'Under way', sign: '▸', tone: 'next', about: 'has not ended yet' },
};

/** What became of it; `undefined` where the sweep had nothing to do with it. */
export const outcomeOf = ({ state, outcome }: Pick<ReportRow, 'state' | 'outcome'>): Status | undefined =>
  state === 'ended' ? (outcome ?? 'none') : state;

/** What a cell of the matrix says: what became of it, or else what was found. */
export const statusOf = (row: Pick<ReportRow, 'state' | 'outcome' | 'class'>): Status => outcomeOf(row) ?? row.class;
