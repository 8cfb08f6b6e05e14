/** Who requested a migration that a sweep began. */
import { type AuthenticatedRequester, type MigrationRequest, sweepRequesterOf } from '../../domain/migration/model.ts';
import { sha256 } from '../../domain/text/sha256.ts';
import { itemId } from '../../domain/sweep/items.ts';
import type { HandlerDependencies } from '../../ports/index.ts';
import { requestOf } from './flights.ts';

/** As `requestOf` begins the reason of each migration. */
const OF_SWEEP = /^sweep ([0-9A-HJKMNP-TV-Z]{26})(?:: |$)/;

/**
 * Whoever requested the sweep, where the ledger has a sweep that begins this very migration: under this id, which is
 * made of the sweep and the add-on, with this request, to the letter. Whatever else names a sweep as its reason was not
 * begun by it. Undefined where nobody has authenticated who requested the sweep.
 */
export async function requesterBySweep(
  migrationId: string,
  request: MigrationRequest,
  { sweeps }: Pick<HandlerDependencies, 'sweeps'>,
): Promise<AuthenticatedRequester | undefined> {
  const { target, addon, reason = '', dryRun } = request;
  const sweepId = OF_SWEEP.exec(reason)?.[1];
  // A dry run is never approved.
  if (sweepId === undefined || addon === undefined || dryRun) return undefined;
  const sweep = await sweeps.get(sweepId);
  if (!sweep || itemId(sweep, target, addon) !== migrationId) return undefined;
  if (sha256(requestOf(sweep, { ...target, addon })) !== sha256(request)) return undefined;
  return sweepRequesterOf(sweep);
}
