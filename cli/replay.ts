/** Converts the commands that change the world to journal entries, and replays them. */
import { type Granted, grantAccess, type GrantRequest } from './cluster-access/grant.ts';
import { toolsInSandbox } from './cluster-access/tools.ts';
import { rehearseAgain, type Rehearsed } from './rehearsal.ts';
import type { Backend } from './backend.ts';
import { cancel, type Cancelled } from './service/cancel.ts';
import type { JournalEntry } from './journal.ts';
import { silentProgress } from './progress.ts';
import { release, type Released } from './service/release.ts';
import { retireAndFollow, type Retired, type RetireRequest } from './service/retire.ts';
import { rollBackAndFollow, type RollbackRequest } from './service/rollback.ts';
import { type End, startAndFollow } from './service/run.ts';
import { sandboxOf } from './sandbox-of.ts';
import type { MigrationRequest } from '../lambdas/domain/request/request.ts';
import type { SweepRequest } from '../lambdas/domain/sweep/request.ts';
import type { SweepStanding } from '../lambdas/domain/sweep/standing.ts';
import { directSweeps } from './service/sweep.ts';
import { silentSweep } from './sweep-progress.ts';

const endOf = ({ report }: End) => ({ outcome: report?.outcome ?? null, endedAt: report?.endedAt ?? null });

/** Returns the entry of a migration. `decisions`: those made about its plan in the sandbox while it waited. */
export const migrateEntry = (
  request: MigrationRequest,
  end: End,
  decisions: readonly Rehearsed[] = [],
): JournalEntry => ({
  what: 'migrate',
  migrationId: end.migrationId,
  request,
  ...(decisions.length > 0 ? { decisions: [...decisions] } : {}),
  ...endOf(end),
});

export const rollbackEntry = (request: RollbackRequest, end: End): JournalEntry => ({
  what: 'rollback',
  ...request,
  ...endOf(end),
});

export const cancelEntry = (request: RollbackRequest, { begun }: Cancelled): JournalEntry => ({
  what: 'cancel',
  ...request,
  begun,
});

export const releaseEntry = (request: RollbackRequest, { locks }: Released): JournalEntry => ({
  what: 'release',
  ...request,
  locks,
});

/** Returns the entry of a retirement; also of a dry run, which takes time and leaves a step in the ledger. */
export const retireEntry = (request: RetireRequest, { done, roles }: Retired): JournalEntry => ({
  what: 'retire',
  ...request,
  done,
  results: roles.map(({ result }) => result),
});

export const grantEntry = (
  { target, addons, serviceAccounts, annotation }: GrantRequest,
  { accessEntries, objects }: Granted,
): JournalEntry => ({
  what: 'grant-access',
  target,
  addons: [...addons],
  serviceAccounts: [...serviceAccounts],
  annotation,
  results: [...accessEntries, ...objects].map(({ result }) => result),
});

const sweptOf = ({ sweepId, outcome, endedAt, tally }: SweepStanding) => ({
  sweepId,
  outcome: outcome ?? null,
  endedAt: endedAt ?? null,
  ended: tally.ended,
});

export const sweepEntry = (request: SweepRequest, standing: SweepStanding): JournalEntry => ({
  what: 'sweep',
  request,
  ...sweptOf(standing),
});

export const resumeSweepEntry = (
  { requestedBy, reason }: Pick<RollbackRequest, 'requestedBy' | 'reason'>,
  standing: SweepStanding,
): JournalEntry => ({
  what: 'resume-sweep',
  ...(requestedBy === undefined ? {} : { requestedBy }),
  ...(reason === undefined ? {} : { reason }),
  ...sweptOf(standing),
});

const performSweep = async (
  backend: Backend,
  entry: Extract<JournalEntry, { what: 'sweep' | 'resume-sweep' }>,
): Promise<JournalEntry> => {
  if (entry.what === 'sweep') {
    const { request } = entry;
    return sweepEntry(request, await directSweeps(backend, request.requestedBy ?? '').sweep(request, silentSweep));
  }
  const { sweepId, requestedBy = '', reason } = entry;
  const sweeps = directSweeps(backend, requestedBy);
  await sweeps.command(sweepId, { command: 'resume', reason });
  return resumeSweepEntry(entry, await sweeps.follow(sweepId, silentSweep));
};

/** Runs a command of the journal again, in a thread of the backend's clock, and returns its new entry. */
export const perform = async (backend: Backend, entry: JournalEntry): Promise<JournalEntry> => {
  if (entry.what === 'migrate') {
    const { request: wanted, decisions } = entry;
    return migrateEntry(
      wanted,
      await startAndFollow(backend, wanted, { ...silentProgress, waits: rehearseAgain(backend, decisions ?? []) }),
      decisions,
    );
  }
  if (entry.what === 'sweep' || entry.what === 'resume-sweep') return performSweep(backend, entry);
  if (entry.what === 'grant-access') {
    const { target, addons, serviceAccounts, annotation } = entry;
    const request = { target, addons, serviceAccounts, annotation, apply: true };
    return grantEntry(request, await grantAccess(toolsInSandbox(sandboxOf(backend), target), request));
  }
  const { migrationId, requestedBy, reason } = entry;
  const request = {
    migrationId,
    ...(requestedBy === undefined ? {} : { requestedBy }),
    ...(reason === undefined ? {} : { reason }),
  };
  if (entry.what === 'cancel') return cancelEntry(request, await cancel(backend, request));
  if (entry.what === 'release') return releaseEntry(request, await release(backend, request));
  if (entry.what === 'retire') {
    const { action, dryRun, soakDays, accept } = entry;
    const wanted = { ...request, action, dryRun, soakDays, ...(accept ? { accept } : {}) };
    return retireEntry(wanted, await retireAndFollow(backend, wanted, silentProgress));
  }
  return rollbackEntry(request, await rollBackAndFollow(backend, request, silentProgress));
};
