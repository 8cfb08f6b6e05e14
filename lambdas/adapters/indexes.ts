/** Names of the indexes of the ledger's table, which `lib/ledger/table.ts` creates, and of its time to live. */

/** The attribute of an item that expires: seconds since 1970. */
export const EXPIRES = 'expires';

/** Index of locks that are held and not parked, with partition key `held`. */
export const HELD_LOCKS = 'HeldLocks';
/** Index of pending work, with partition key `pending`: records with unsent outbox events, and pending approvals. */
export const PENDING = 'Pending';

/** Index of all migrations and all sweeps by time, with partition key `listed`. */
export const BY_TIME = 'ByTime';

/**
 * The sort key of the indexes of lists. Only the records of migrations and sweeps have it, so nothing else is in these
 * indexes, regardless of its attributes.
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

/** Attributes that a list shows, so that the record itself need not be read. */
const SHOWN = ['summary', 'status', 'outcome', 'endedAt'];
/** Returns the attributes that an index projects in addition to its keys. */
export const attributesOfList = (index: ListIndex): string[] => SHOWN.filter((name) => name !== LIST_INDEXES[index]);
