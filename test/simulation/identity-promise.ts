/** The promise about pods that had an AWS identity: none ends without one unless the request accepts it. */
import { acceptedNames } from '../../lambdas/domain/acceptance/accept.ts';
import { podsOf } from './cluster.ts';
import { startedPod } from './life-effects.ts';
import { allMigrations, changes, effective } from './observe.ts';
import { interfered, podsMayLag, type Promised } from './promised.ts';
import type { RunResult } from './run.ts';

/**
 * Returns whether a pod that nobody replaces was started while the webhook did not know the association: after its
 * creation, or while an add-on was deleted and created again.
 */
const mayHaveNone = (result: RunResult, uid: string): boolean =>
  startedPod(result, uid) !== undefined &&
  (result.sandbox.world.knobs.webhookLagSeconds > 0 ||
    effective(changes(result)).some(({ operation }) => operation === 'DeleteAddon'));

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
        .flatMap(({ request }) => acceptedNames(request, 'identity-loss')),
    );
    return podsOf(result.cluster)
      .filter(
        ({ uid, namespace, serviceAccount, identity, terminating }) =>
          !terminating &&
          !mayHaveNone(result, uid) &&
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
