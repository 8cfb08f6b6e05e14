/** Where a sweep looks: each region of each account. */
import type { SweepPlace, SweepSelection } from './model.ts';
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

/** All of them, sorted, each once. Throws BadInput for an account that the service may not work on. */
export function placesOf(selection: Pick<SweepSelection, 'accounts' | 'regions'>, { home, accounts: others, regions: usual }: Territory): SweepPlace[] {
  const known = [home, ...others];
  const accounts = unique(selection.accounts ?? known.filter((account) => account !== '*'));
  assertAccountsAllowed(accounts, known);
  const regions = unique(selection.regions ?? usual);
  return accounts.flatMap((account) => regions.map((region) => ({ account, region })));
}
