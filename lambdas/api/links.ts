/** Paths under which a caller goes on. */
import { pendingApproval } from '../domain/approval/approval.ts';
import type { Migration } from '../domain/migration/model.ts';
import { nothingToPutBack } from '../domain/rollback/recovery.ts';
import { isOpenRetirement } from '../domain/trust/retirement.ts';
import { judgeCommand } from '../domain/sweep/commands.ts';
import type { Sweep } from '../domain/sweep/model.ts';
import type { Settings } from '../ports/index.ts';
import type { Accepted, Links, SweepLinks } from './answers.ts';

type Standing = Pick<
  Migration,
  'migrationId' | 'status' | 'outcome' | 'recovery' | 'approvals' | 'heldBy' | 'verified' | 'retirements' | 'retirement'
>;

export const migrationPath = (prefix: string, id: string): string => `${prefix}/migrations/${id}`;
export const planPath = (prefix: string, id: string): string => `${prefix}/plans/${id}`;

/** Whether it may have an OIDC trust to retire, or to put back, and nobody is at that. */
const isRetirable = ({ status, outcome, verified, retirements, retirement }: Standing): boolean =>
  status === 'ended' &&
  !isOpenRetirement(retirement) &&
  ((outcome === 'migrated' && verified === 'injected') || retirements.some(({ undoneAt }) => undoneAt === undefined));

/** Those that change something are there where they would be taken, as far as the record says. */
export function linksOf(prefix: string, record: Standing, { retires }: Pick<Settings, 'retires'>): Links {
  const { migrationId, status, recovery, approvals, heldBy } = record;
  const self = migrationPath(prefix, migrationId);
  const running = status === 'running';
  return {
    self,
    plan: planPath(prefix, migrationId),
    ...(running && pendingApproval(approvals) ? { approval: `${self}/approval` } : {}),
    ...(running && !recovery ? { cancel: `${self}/cancel` } : {}),
    ...(heldBy === undefined ? {} : { holder: migrationPath(prefix, heldBy) }),
    ...(status === 'ended' && nothingToPutBack(record) === undefined ? { rollback: `${self}/rollback` } : {}),
    ...(retires === true && isRetirable(record) ? { retire: `${self}/retire` } : {}),
  };
}

/** The links of a migration, in an answer that is about its plan. */
export const planLinksOf = ({ self, ...links }: Links): Links => ({
  ...links,
  self: links.plan ?? self,
  migration: self,
});

/** What is known of one that was only just taken in, whatever has become of it since. */
export const acceptedAs = (prefix: string, migrationId: string): Accepted => ({
  migrationId,
  status: 'accepted',
  links: { self: migrationPath(prefix, migrationId), plan: planPath(prefix, migrationId) },
});

export const sweepPath = (prefix: string, id: string): string => `${prefix}/sweeps/${id}`;

/** As many as anybody follows. */
const MOST_RELATED = 20;
/** As every text of the service names one. */
const NAMED = /\b(migration|sweep) ([0-7][0-9A-HJKMNP-TV-Z]{25})\b/gi;

/** Paths of the migrations and sweeps that texts of the service name, but for `own`. */
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

/** As `linksOf`. */
export function sweepLinksOf(prefix: string, sweep: Sweep): SweepLinks {
  const self = sweepPath(prefix, sweep.sweepId);
  const asked = COMMANDS.filter((command) => judgeCommand(sweep, command, 'running').refused === undefined);
  return {
    self,
    ...Object.fromEntries(asked.map((command) => [command, `${self}/${command}`])),
    ...(sweep.reports ? { report: `${self}/report` } : {}),
  };
}
