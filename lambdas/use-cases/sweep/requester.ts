/** Finds the requester of a migration that a sweep began. */
import { type AuthenticatedRequester, sweepRequesterOf } from '../../domain/approval/requester.ts';
import type { MigrationRequest } from '../../domain/request/request.ts';
import { sha256 } from '../../domain/text/sha256.ts';
import { itemId } from '../../domain/sweep/items.ts';
import type { HandlerDependencies } from '../../ports/index.ts';
import { requestOf } from './flights.ts';

/** The beginning of each migration's reason, as `requestOf` writes it. */
const OF_SWEEP = /^sweep ([0-9A-HJKMNP-TV-Z]{26})(?:: |$)/;

/**
 * Returns the requester of the sweep if the ledger has a sweep that begins exactly this migration: under this id, which is
 * derived from the sweep and the add-on, and with exactly this request. A migration that only names a sweep in its reason was
 * not begun by the sweep. Undefined if the sweep's requester was not authenticated.
 */
export async function requesterBySweep(
  migrationId: string,
  request: MigrationRequest,
  { sweeps }: Pick<HandlerDependencies, 'sweeps'>,
): Promise<AuthenticatedRequester | undefined> {
  const { target, addon, reason = '', dryRun } = request;
  const sweepId = OF_SWEEP.exec(reason)?.[1];
  // A dry run needs no approval.
  if (sweepId === undefined || addon === undefined || dryRun) return undefined;
  const sweep = await sweeps.get(sweepId);
  if (!sweep || itemId(sweep, target, addon) !== migrationId) return undefined;
  if (sha256(requestOf(sweep, { ...target, addon })) !== sha256(request)) return undefined;
  return sweepRequesterOf(sweep);
}
