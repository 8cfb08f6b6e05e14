/** Paths with which a caller can continue. */
import { operationOf } from '../domain/waiting/operations.ts';
import { pendingApproval } from '../domain/approval/approval.ts';
import { handOffOf } from '../domain/hand-off/of-record.ts';
import { isVerifiedOnPods } from '../domain/terms/levels.ts';
import type { Migration } from '../domain/record/migration.ts';
import { nothingToPutBack } from '../domain/rollback/recovery.ts';
import { isOpenRetirement } from '../domain/record/retirement.ts';
import { judgeCommand } from '../domain/sweep/commands.ts';
import type { Sweep } from '../domain/sweep/model.ts';
import type { Settings } from '../ports/index.ts';
import type { Accepted, Links, SweepLinks } from './answers.ts';

export const migrationPath = (prefix: string, id: string): string => `${prefix}/migrations/${id}`;
export const planPath = (prefix: string, id: string): string => `${prefix}/plans/${id}`;

/** Returns whether it may have an OIDC trust to retire or reinstate, and no retirement is in progress. */
const isRetirable = ({ status, outcome, verified, retirements, retirement }: Migration): boolean =>
  status === 'ended' &&
  !isOpenRetirement(retirement) &&
  ((outcome === 'migrated' && isVerifiedOnPods(verified)) ||
    retirements.some(({ undoneAt }) => undoneAt === undefined));

/** Returns whether the migration, or an operation on it, waits for an approval. */
function pendingFor(record: Migration): boolean {
  const pending = pendingApproval(record.approvals);
  if (!pending) return false;
  return pending.operation === undefined ? record.status === 'running' : operationOf(record, pending) !== undefined;
}

/**
 * Returns the links of a migration. A link to an action is present if, according to the record, it would be accepted.
 */
export function linksOf(prefix: string, record: Migration, { retires }: Pick<Settings, 'retires'>): Links {
  const { migrationId, status, recovery, heldBy } = record;
  const self = migrationPath(prefix, migrationId);
  const running = status === 'running';
  return {
    self,
    plan: planPath(prefix, migrationId),
    ...(handOffOf(record) ? { handOff: `${self}/hand-off` } : {}),
    ...(pendingFor(record) ? { approval: `${self}/approval` } : {}),
    ...(running && !recovery ? { cancel: `${self}/cancel` } : {}),
    ...(heldBy === undefined ? {} : { holder: migrationPath(prefix, heldBy) }),
    ...(status === 'ended' && nothingToPutBack(record) === undefined ? { rollback: `${self}/rollback` } : {}),
    ...(retires === true && isRetirable(record) ? { retire: `${self}/retire` } : {}),
  };
}

/** Returns the links of a migration for an answer that is about its plan. */
export const planLinksOf = ({ self, ...links }: Links): Links => ({
  ...links,
  self: links.plan ?? self,
  migration: self,
});

/** Returns the answer for a migration that was just accepted, without reading its current state. */
export const acceptedAs = (prefix: string, migrationId: string): Accepted => ({
  migrationId,
  status: 'accepted',
  links: { self: migrationPath(prefix, migrationId), plan: planPath(prefix, migrationId) },
});

export const sweepPath = (prefix: string, id: string): string => `${prefix}/sweeps/${id}`;

/** Maximum number of related paths, which is enough in practice. */
const MOST_RELATED = 20;
/** How the service's texts name a migration or a sweep. */
const NAMED = /\b(migration|sweep) ([0-7][0-9A-HJKMNP-TV-Z]{25})\b/gi;

/** Returns the paths of the migrations and sweeps named in the service's texts, except for `own`. */
export function relatedIn(texts: (string | undefined)[], prefix: string, own?: string): string[] {
  const named = texts.flatMap((text = '') => [...text.matchAll(NAMED)]);
  const paths = named
    .filter(([, , id]) => id !== own)
    .map(([, what = '', id = '']) =>
      what.toLowerCase() === 'sweep' ? sweepPath(prefix, id) : migrationPath(prefix, id),
    );
  return [...new Set(paths)].slice(0, MOST_RELATED);
}

const COMMANDS = ['pause', 'resume', 'stop'] as const;

/** Returns the links of a sweep, by the same rule as `linksOf`. */
export function sweepLinksOf(prefix: string, sweep: Sweep): SweepLinks {
  const self = sweepPath(prefix, sweep.sweepId);
  const asked = COMMANDS.filter((command) => judgeCommand(sweep, command, 'running').refused === undefined);
  return {
    self,
    ...Object.fromEntries(asked.map((command) => [command, `${self}/${command}`])),
    ...(sweep.reports ? { report: `${self}/report` } : {}),
  };
}
