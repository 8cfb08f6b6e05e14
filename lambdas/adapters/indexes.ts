/** The indexes of the ledger's table (`lib/ledger/table.ts` makes them), by name, and its time to live. */

/** The attribute of an item that goes by itself: seconds since 1970. */
export const EXPIRES = 'expires';

/** Locks that are held and not parked: partition key `held`. */
export const HELD_LOCKS = 'HeldLocks';
/**
 * What somebody has still to do something about: partition key `pending`, of records with something unsent and of
 * approvals that are waited for.
 */
export const PENDING = 'Pending';
/** All migrations by time: partition key `listed`, sort key `migrationId`. */
export const BY_TIME = 'ByTime';
/** Those of one cluster by time: partition key `place`, sort key `migrationId`. */
export const BY_CLUSTER = 'ByCluster';
