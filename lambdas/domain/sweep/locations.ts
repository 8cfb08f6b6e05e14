/** Where a sweep looks: each region of each account. */
import { EVERY_ACCOUNT } from '../aws/spokes.ts';
import type { SweepLocation, SweepSelection } from './model.ts';
import { assertAccountsAllowed } from './selection.ts';

export interface Territory {
  /** The service's own account. */
  home: string;
  /** Other accounts of its configuration; `*`: any that is named. */
  accounts: readonly string[];
  /** Those that are looked at where nobody names any. */
  regions: readonly string[];
}

const unique = (values: readonly string[]): string[] => [...new Set(values)].sort();

/**
 * All of them, each once, region by region: those that are looked at together are then of many accounts, whose one IAM
 * all of an account's regions share. Throws BadInput for an account that the service may not work on.
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
