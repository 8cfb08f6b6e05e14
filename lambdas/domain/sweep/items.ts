/** The items of a sweep: each add-on that it found ready, to be migrated or planned. */
import { migrationRequest, type AddonRequest } from '../request/request.ts';
import type { Target } from '../terms/subject.ts';
import { ulidFrom } from '../text/ulid.ts';
import type { ClusterInventory, Sweep, SweepItem } from './model.ts';
import type { SweepRequest } from './request.ts';

/** Returns the sweep's request for the migration of one add-on. `dryRun`: only for a plan. */
export const requestOf = (
  { options }: Pick<SweepRequest, 'options'>,
  target: Target,
  addon: string,
  dryRun: boolean,
): AddonRequest => ({ ...migrationRequest.parse({ ...options, target, addon, dryRun }), addon });

/** Returns the id of an item. It is derived, so that a repeated inspection finds the items that were queued before. */
export const itemId = (
  { sweepId, startedAt }: Pick<Sweep, 'sweepId' | 'startedAt'>,
  { account, region, cluster }: Target,
  addon: string,
): string => ulidFrom(Date.parse(startedAt), [sweepId, account, region, cluster, addon].join(' '));

/** Returns the items to queue for a cluster; none if the sweep is an inventory. */
export function itemsOf(
  sweep: Pick<Sweep, 'sweepId' | 'startedAt' | 'request'>,
  { account, region, cluster, findings }: Pick<ClusterInventory, 'account' | 'region' | 'cluster' | 'findings'>,
): SweepItem[] {
  if (sweep.request.mode === 'inventory') return [];
  return findings.flatMap(({ class: found, addon, roles }): SweepItem[] => {
    if (found !== 'ready' || addon === undefined) return [];
    return [
      {
        migrationId: itemId(sweep, { account, region, cluster }, addon),
        account,
        region,
        cluster,
        addon,
        roles,
        state: 'queued',
      },
    ];
  });
}
