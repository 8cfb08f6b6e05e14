/** Decides which clusters and add-ons the selection of a sweep includes. */
import { MigrationError } from '../failures/errors.ts';
import { matchesWildcard } from '../policy/index.ts';
import { isServed, type Served } from '../access/spokes.ts';
import { SWEEP_TAG, type SweepSelection, TAG_IN, TAG_OUT } from './request.ts';
import type { SweepItem } from './model.ts';

type Tags = Readonly<Record<string, string>>;

/** Returns whether the selection includes a cluster of that name, which costs no call. */
export const namesCluster = ({ clusters }: Pick<SweepSelection, 'clusters'>, name: string): boolean =>
  clusters === undefined || clusters.some((pattern) => matchesWildcard(pattern, name));

/** Returns whether a cluster has all tags of the selection, with the same values. */
export const tagsCluster = ({ clusterTags = {} }: Pick<SweepSelection, 'clusterTags'>, tags: Tags): boolean =>
  Object.entries(clusterTags).every(([key, value]) => Object.hasOwn(tags, key) && tags[key] === value);

/** Returns the value of the sweep's tag; `undefined` if there is none, or if it has another value. */
function sweepTag(tags: Tags): typeof TAG_IN | typeof TAG_OUT | undefined {
  const value = Object.hasOwn(tags, SWEEP_TAG) ? tags[SWEEP_TAG] : undefined;
  return value === TAG_IN || value === TAG_OUT ? value : undefined;
}

/** Returns why the selection excludes an add-on of that name, which costs no call; `undefined` if it does not. */
export const nameLeftOut = ({ addons }: Pick<SweepSelection, 'addons'>, name: string): string | undefined =>
  addons === undefined || addons.includes(name) ? undefined : `The sweep selects other add-ons: ${addons.join(', ')}.`;

/** Returns why the tags of an add-on, or else those of its cluster, exclude it; `undefined` if they do not. */
export function tagLeftOut(
  { tagging }: Pick<SweepSelection, 'tagging'>,
  addonTags: Tags,
  clusterTags: Tags,
): string | undefined {
  const own = sweepTag(addonTags);
  const tag = own ?? sweepTag(clusterTags);
  if (tag === TAG_OUT) return `The ${own === undefined ? 'cluster' : 'add-on'} has the tag ${SWEEP_TAG} = ${TAG_OUT}.`;
  if (tagging === 'opt-in' && tag !== TAG_IN)
    return `Neither the add-on nor its cluster has the tag ${SWEEP_TAG} = ${TAG_IN}, which this sweep requires.`;
  return undefined;
}

/**
 * Returns whether the selection includes an item of the sweep, by names alone. The item's tags were checked when it was
 * queued, but queued items are read from the ledger and checked again.
 */
export const isSelected = (
  { accounts, regions, ...selection }: SweepSelection,
  { account, region, cluster, addon }: Pick<SweepItem, 'account' | 'region' | 'cluster' | 'addon'>,
): boolean =>
  (accounts === undefined || accounts.includes(account)) &&
  (regions === undefined || regions.includes(region)) &&
  namesCluster(selection, cluster) &&
  nameLeftOut(selection, addon) === undefined;

const sorted = (values: readonly string[] | undefined): string[] | undefined => values && [...new Set(values)].sort();
const canonical = ({ accounts, regions, clusters, clusterTags, addons, tagging }: SweepSelection): string =>
  JSON.stringify(
    [
      sorted(accounts),
      sorted(regions),
      sorted(clusters),
      clusterTags && Object.entries(clusterTags).sort(([a], [b]) => (a < b ? -1 : 1)),
      sorted(addons),
      tagging,
    ].map((part) => part ?? null),
  );

/** Returns whether two selections are equivalent, regardless of the order of their values. */
export const sameSelection = (a: SweepSelection, b: SweepSelection): boolean => canonical(a) === canonical(b);

/** Throws `BadInput` with the accounts that the service may not work on, and the setting that allows them. */
export function assertAccountsAllowed(accounts: readonly string[], served: Served): void {
  const refused = accounts.filter((account) => !isServed(account, served));
  if (refused.length === 0) return;
  throw new MigrationError(
    'BadInput',
    `The sweep names ${refused.length === 1 ? 'account' : 'accounts'} ${refused.join(', ')}, which this service may not work on. Add ${refused.length === 1 ? 'it' : 'them'} to the setting accounts of its configuration and deploy again, or leave ${refused.length === 1 ? 'it' : 'them'} out of the selection.`,
  );
}
