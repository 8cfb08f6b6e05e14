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

/** All migrations, and all sweeps, by time: partition key `listed`. */
export const BY_TIME = 'ByTime';

/**
 * The sort key of the indexes of lists. Only the records of migrations and sweeps have it, so nothing else is in these
 * indexes, whatever attributes it has.
 */
export const LIST_KEY = 'listKey';

/** The indexes of lists, with the attribute that is the partition key of each. */
export const LIST_INDEXES = {
  [BY_TIME]: 'listed',
  ByStatus: 'status',
  ByOutcome: 'outcome',
  /** Account, region and name. */
  ByCluster: 'location',
  ByClusterName: 'cluster',
  ByAccount: 'account',
  ByAddon: 'addon',
  ByRequester: 'requestedBy',
} as const;
export type ListIndex = keyof typeof LIST_INDEXES;
export const LIST_INDEX_NAMES = Object.keys(LIST_INDEXES) as ListIndex[];

/** What a list shows of a record, so that the record itself need not be read. */
const SHOWN = ['summary', 'status', 'outcome', 'endedAt'];
/** Attributes that an index carries in addition to its keys. */
export const attributesOfList = (index: ListIndex): string[] => SHOWN.filter((name) => name !== LIST_INDEXES[index]);
