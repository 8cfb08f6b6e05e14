/** Checks the OIDC providers of a scenario's account: each exists once and matches an issuer. */
import { issuerOf } from './build-oidc.ts';
import type { Scenario } from '../scenario/scenario.ts';
import { type Path, type Report, reportDuplicates } from './scenario-problems.ts';

/** `path` is the account's path. */
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
        'the cluster has no issuer for a provider. Add its oidcId, or remove oidcProvider.',
      );
  }
  for (const [index, { url }] of oidcProviders.entries()) {
    const cluster = issuers.get(url);
    if (cluster !== undefined)
      report(
        [...path, 'oidcProviders', index, 'url'],
        `cluster ${cluster} has this issuer and already includes its provider. Add "oidcProvider": "absent" to the cluster, or remove this provider.`,
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
