/** The promise about pods that had an AWS identity: none ends without one unless the request accepts it. */
import { allMigrations } from './observe.ts';
import { podsOf } from './cluster.ts';
import { interfered, podsMayLag, type Promised } from './promised.ts';

export const identityKept: Promised = {
  name: 'identity-is-kept',
  statement:
    'If the pods of a service account had an AWS identity at the start, none is without one at the end, unless a migration that ended migrated was asked to accept that by name.',
  broken: (result) => {
    const migrations = allMigrations(result);
    if (interfered(result) || migrations.some(({ request }) => podsMayLag(result, request))) return [];
    const accepted = new Set(
      migrations
        .filter(({ record }) => record?.outcome === 'migrated')
        .flatMap(({ request }) => request.acceptIdentityLoss),
    );
    return podsOf(result.cluster)
      .filter(
        ({ namespace, serviceAccount, identity, terminating }) =>
          !terminating &&
          identity === 'node-role' &&
          result.before.identities.get(`${namespace}/${serviceAccount}`) === true &&
          !accepted.has(serviceAccount),
      )
      .map(
        ({ name, serviceAccount }) =>
          `pod ${name} of ${serviceAccount} has no identity, but pods of its service account had one before`,
      );
  },
};
