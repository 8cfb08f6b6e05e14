/** Checks of the OIDC providers of a scenario's account: each is there once, and belongs to something. */
import { issuerOf } from './build-oidc.ts';
import type { Scenario } from './scenario.ts';
import { type Path, type Report, reportDuplicates } from './scenario-problems.ts';

/** `path`: of the account. */
export const checkOidcProviders = (
  { clusters, oidcProviders = [] }: Scenario['accounts'][number],
  path: Path,
  report: Report,
): void => {
  const issuers = new Map<string, string>();
  for (const [index, { name, region, oidcId, oidcProvider }] of clusters.entries()) {
    if (oidcId !== undefined && oidcProvider === 'exists') issuers.set(issuerOf(region, oidcId), name);
    if (oidcId === undefined && oidcProvider === 'absent')
      report(
        [...path, 'clusters', index, 'oidcProvider'],
        'the cluster shows no issuer that a provider could be of. Add its oidcId, or remove it.',
      );
  }
  for (const [index, { url }] of oidcProviders.entries()) {
    const cluster = issuers.get(url);
    if (cluster !== undefined)
      report(
        [...path, 'oidcProviders', index, 'url'],
        `cluster ${cluster} has that issuer, and brings its provider along. Add "oidcProvider": "absent" to the cluster, or remove this one.`,
      );
  }
  reportDuplicates(
    oidcProviders,
    ({ url }) => url,
    (index) => [...path, 'oidcProviders', index, 'url'],
    'the OIDC provider',
    report,
  );
};
