/** What a sweep migrates, or plans: each add-on that it found ready. */
import { migrationRequest, type AddonRequest, type Target } from '../migration/model.ts';
import { ulidFrom } from '../text/ulid.ts';
import type { ClusterInventory, Sweep, SweepItem, SweepRequest } from './model.ts';

/** The request of the migration of one add-on, as the sweep asks for it. `dryRun`: its plan alone. */
export const requestOf = (
  { options }: Pick<SweepRequest, 'options'>,
  target: Target,
  addon: string,
  dryRun: boolean,
): AddonRequest => ({ ...migrationRequest.parse({ ...options, target, addon, dryRun }), addon });

/** Derived, so that a sweep that looks again finds what it has queued before. */
export const itemId = (
  { sweepId, startedAt }: Pick<Sweep, 'sweepId' | 'startedAt'>,
  { account, region, cluster }: Target,
  addon: string,
): string => ulidFrom(Date.parse(startedAt), [sweepId, account, region, cluster, addon].join(' '));

/** What is to be queued of a cluster; nothing where the sweep only looks. */
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
