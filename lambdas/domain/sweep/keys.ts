/** The keys of a sweep's objects in its bucket. */
import type { SweepLocation } from './model.ts';

const ofSweep = (sweepId: string): string => `sweeps/${sweepId}`;
/** Returns the key of the JSON array of the locations to inspect, which the Distributed Map reads. */
export const locationsKey = (sweepId: string): string => `${ofSweep(sweepId)}/locations.json`;
/** Returns the prefix of the findings: `clusterInventory` and `locationInventory`. */
export const inventoryPrefix = (sweepId: string): string => `${ofSweep(sweepId)}/inventory/`;
const locationPrefix = (sweepId: string, { account, region }: SweepLocation): string =>
  `${inventoryPrefix(sweepId)}${account}/${region}/`;
export const clusterKey = (sweepId: string, location: SweepLocation, cluster: string): string =>
  `${locationPrefix(sweepId, location)}clusters/${cluster}.json`;
export const locationKey = (sweepId: string, location: SweepLocation): string =>
  `${locationPrefix(sweepId, location)}location.json`;
/** Returns whether a key under `inventoryPrefix` belongs to a cluster. */
export const isClusterKey = (key: string): boolean => key.includes('/clusters/');
/** Returns whether a key under `inventoryPrefix` belongs to a location. */
export const isLocationKey = (key: string): boolean => key.endsWith('/location.json');
/** Returns the key of the progress of an inspection that takes more than one invocation. */
export const progressKey = (sweepId: string, { account, region }: SweepLocation): string =>
  `${ofSweep(sweepId)}/progress/${account}/${region}.json`;
/** Returns the prefix of the Distributed Map's results of its child executions. */
export const mapPrefix = (sweepId: string): string => `${ofSweep(sweepId)}/map`;
export const reportKey = (sweepId: string, format: 'json' | 'csv' | 'html'): string =>
  `${ofSweep(sweepId)}/report.${format}`;
