/** Where a sweep keeps what in its bucket. */
import type { SweepPlace } from './model.ts';

const ofSweep = (sweepId: string): string => `sweeps/${sweepId}`;
/** JSON array of the places that it looks at: what the Distributed Map reads. */
export const placesKey = (sweepId: string): string => `${ofSweep(sweepId)}/places.json`;
/** Under it, what was found: `clusterInventory` and `placeInventory`. */
export const inventoryPrefix = (sweepId: string): string => `${ofSweep(sweepId)}/inventory/`;
const placePrefix = (sweepId: string, { account, region }: SweepPlace): string =>
  `${inventoryPrefix(sweepId)}${account}/${region}/`;
export const clusterKey = (sweepId: string, place: SweepPlace, cluster: string): string =>
  `${placePrefix(sweepId, place)}clusters/${cluster}.json`;
export const placeKey = (sweepId: string, place: SweepPlace): string => `${placePrefix(sweepId, place)}place.json`;
/** Which of the keys under `inventoryPrefix` are of clusters, and which of places. */
export const isClusterKey = (key: string): boolean => key.includes('/clusters/');
export const isPlaceKey = (key: string): boolean => key.endsWith('/place.json');
/** How far the look at a place has come that takes more than one invocation. */
export const progressKey = (sweepId: string, { account, region }: SweepPlace): string =>
  `${ofSweep(sweepId)}/progress/${account}/${region}.json`;
/** Under it, what the Distributed Map says of its child executions. */
export const mapPrefix = (sweepId: string): string => `${ofSweep(sweepId)}/map`;
export const reportKey = (sweepId: string, format: 'json' | 'csv' | 'html'): string =>
  `${ofSweep(sweepId)}/report.${format}`;
