/** Where a sweep keeps what in its bucket. */
import type { SweepLocation } from './model.ts';

const ofSweep = (sweepId: string): string => `sweeps/${sweepId}`;
/** JSON array of the places that it looks at: what the Distributed Map reads. */
export const locationsKey = (sweepId: string): string => `${ofSweep(sweepId)}/locations.json`;
/** Under it, what was found: `clusterInventory` and `locationInventory`. */
export const inventoryPrefix = (sweepId: string): string => `${ofSweep(sweepId)}/inventory/`;
const locationPrefix = (sweepId: string, { account, region }: SweepLocation): string =>
  `${inventoryPrefix(sweepId)}${account}/${region}/`;
export const clusterKey = (sweepId: string, location: SweepLocation, cluster: string): string =>
  `${locationPrefix(sweepId, location)}clusters/${cluster}.json`;
export const paceScopeKey = (sweepId: string, location: SweepLocation): string =>
  `${locationPrefix(sweepId, location)}place.json`;
/** Which of the keys under `inventoryPrefix` are of clusters, and which of places. */
export const isClusterKey = (key: string): boolean => key.includes('/clusters/');
export const isLocationKey = (key: string): boolean => key.endsWith('/place.json');
/** How far the look at a place has come that takes more than one invocation. */
export const progressKey = (sweepId: string, { account, region }: SweepLocation): string =>
  `${ofSweep(sweepId)}/progress/${account}/${region}.json`;
/** Under it, what the Distributed Map says of its child executions. */
export const mapPrefix = (sweepId: string): string => `${ofSweep(sweepId)}/map`;
export const reportKey = (sweepId: string, format: 'json' | 'csv' | 'html'): string =>
  `${ofSweep(sweepId)}/report.${format}`;
