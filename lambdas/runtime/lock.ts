import type { Target } from '../domain/model.ts';

/** Key of the lock on one add-on of one cluster. */
export const addonLock = (target: Target, addon: string): string => `${target.account}#${target.region}#${target.cluster}#${addon}`;
