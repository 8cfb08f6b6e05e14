/** The locations that a sweep inspects: each region of each account. */
import { EVERY_ACCOUNT } from '../access/spokes.ts';
import type { SweepLocation } from './model.ts';
import type { SweepSelection } from './request.ts';
import { assertAccountsAllowed } from './selection.ts';

export interface Territory {
  /** The service's own account. */
  home: string;
  /** Other accounts of its configuration; `*`: any account that the selection names. */
  accounts: readonly string[];
  /** The regions to inspect if the selection names none. */
  regions: readonly string[];
}

const unique = (values: readonly string[]): string[] => [...new Set(values)].sort();

/**
 * Returns all locations, each once, region by region: the locations that are inspected together then belong to many
 * accounts, since all regions of an account share its limit of IAM. Throws `BadInput` for an account that the service
 * may
 * not work on.
 */
export function locationsOf(
  selection: Pick<SweepSelection, 'accounts' | 'regions'>,
  { home, accounts: others, regions: usual }: Territory,
): SweepLocation[] {
  const accounts = unique(selection.accounts ?? [home, ...others].filter((account) => account !== EVERY_ACCOUNT));
  assertAccountsAllowed(accounts, { account: home, accounts: others });
  const regions = unique(selection.regions ?? usual);
  return regions.flatMap((region) => accounts.map((account) => ({ account, region })));
}
