/** Which clusters and add-ons a sweep is about, by its selection. */
import { MigrationError } from '../failures/errors.ts';
import { matchesWildcard } from '../policy/index.ts';
import { isServed, type Served } from '../aws/spokes.ts';
import { SWEEP_TAG, type SweepItem, type SweepSelection, TAG_IN, TAG_OUT } from './model.ts';

type Tags = Readonly<Record<string, string>>;

/** By its name alone, which costs no call. */
export const namesCluster = ({ clusters }: Pick<SweepSelection, 'clusters'>, name: string): boolean =>
  clusters === undefined || clusters.some((pattern) => matchesWildcard(pattern, name));

/** By its tags: all that are asked for have to be there, as they stand. */
export const tagsCluster = ({ clusterTags = {} }: Pick<SweepSelection, 'clusterTags'>, tags: Tags): boolean =>
  Object.entries(clusterTags).every(([key, value]) => Object.hasOwn(tags, key) && tags[key] === value);

/** What the tag says; anything but its two values says nothing. */
function said(tags: Tags): typeof TAG_IN | typeof TAG_OUT | undefined {
  const value = Object.hasOwn(tags, SWEEP_TAG) ? tags[SWEEP_TAG] : undefined;
  return value === TAG_IN || value === TAG_OUT ? value : undefined;
}

/** Why an add-on of that name is none of the sweep's business, which costs no call. */
export const nameLeftOut = ({ addons }: Pick<SweepSelection, 'addons'>, name: string): string | undefined =>
  addons === undefined || addons.includes(name) ? undefined : `The sweep is about other add-ons: ${addons.join(', ')}.`;

/** The same by its tags, and by those of its cluster where it says nothing itself. */
export function tagLeftOut(
  { tagging }: Pick<SweepSelection, 'tagging'>,
  addonTags: Tags,
  clusterTags: Tags,
): string | undefined {
  const own = said(addonTags);
  const tag = own ?? said(clusterTags);
  if (tag === TAG_OUT) return `${own === undefined ? 'Its cluster' : 'It'} has the tag ${SWEEP_TAG} = ${TAG_OUT}.`;
  if (tagging === 'opt-in' && tag !== TAG_IN)
    return `Neither it nor its cluster has the tag ${SWEEP_TAG} = ${TAG_IN}, which this sweep asks for.`;
  return undefined;
}

/**
 * Whether an item of a sweep is of its selection, as far as names say: its tags were looked at when it was queued, and
 * what is queued is read from the ledger.
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

/** Whether both mean the same, in whatever order they say it. */
export const sameSelection = (a: SweepSelection, b: SweepSelection): boolean => canonical(a) === canonical(b);

/** Throws BadInput that names the accounts which the service may not work on, and the setting. */
export function assertAccountsAllowed(accounts: readonly string[], served: Served): void {
  const refused = accounts.filter((account) => !isServed(account, served));
  if (refused.length === 0) return;
  throw new MigrationError(
    'BadInput',
    `The sweep names ${refused.length === 1 ? 'account' : 'accounts'} ${refused.join(', ')}, which this service may not work on. Add ${refused.length === 1 ? 'it' : 'them'} to the setting accounts of its configuration and deploy again, or leave ${refused.length === 1 ? 'it' : 'them'} out of the selection.`,
  );
}
