/** Objects by which other software uses the web identity of a service account, as an API server has them. */
import type { ConsumerFacts } from '../../lambdas/domain/consumers/model.ts';

export const SECRET_STORES = 'secretstores.external-secrets.io';
export const CLUSTER_STORES = 'clustersecretstores.external-secrets.io';

/** A SecretStore whose tokens External Secrets gets for a service account of its namespace. */
export const aSecretStore = (name: string, namespace: string, serviceAccount: string): object => ({
  apiVersion: 'external-secrets.io/v1',
  kind: 'SecretStore',
  metadata: { namespace, name },
  spec: {
    provider: {
      aws: {
        service: 'SecretsManager',
        region: 'eu-west-1',
        auth: { jwt: { serviceAccountRef: { name: serviceAccount } } },
      },
    },
  },
});

/** What was read of a cluster with these SecretStores. */
export const readStores = (stores: readonly object[], unread: ConsumerFacts['unread'] = []): ConsumerFacts => ({
  objects: { [SECRET_STORES]: stores },
  unread,
});

export const notAllowed = (resource: string): ConsumerFacts['unread'][number] => ({
  resource,
  error: `The API server answered 403 to list ${resource} on cluster dev: ${resource} is forbidden.`,
});
