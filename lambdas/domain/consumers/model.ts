/**
 * Consumers of a service account's web identity: objects by which other software than the service account's own pods gets
 * AWS credentials with its token or its IRSA role.
 */
import type { ServiceAccountRef } from '../terms/subject.ts';

/**
 * What a consumer needs of the old identity. `annotation`: the role in the service account's annotation, so that it breaks
 * when the annotation is removed. `trust`: the role's OIDC trust, so that it breaks when the trust is retired. `pods`: the
 * environment that IRSA gives the service account's own pods, so that it breaks as soon as these have EKS Pod Identity.
 */
export type Need = 'annotation' | 'trust' | 'pods';

export interface Consumer {
  /** The resource as kubectl names it, such as `secretstores.external-secrets.io`. */
  resource: string;
  kind: string;
  /** Absent for a cluster-scoped object. */
  namespace?: string;
  name: string;
  /** The service account whose web identity it uses. A namespace or name that the object does not show is `*`: it may be any. */
  serviceAccount: ServiceAccountRef;
  needs: readonly Need[];
  /** The role that the object names itself. Absent if it uses the role of the annotation. */
  roleArn?: string;
  /** How it uses the identity: a clause after its name, such as `gets tokens for it (spec.provider.aws.auth.jwt)`. */
  how: string;
  /** How it can get its credentials without the old identity: a sentence. */
  instead: string;
  /** Where this comes from: documentation or source code. */
  source: string;
}

/** Returns a consumer's name in messages and in requests: `SecretStore/shop/aws`, or `ClusterIssuer/aws`. */
export const nameOfConsumer = ({ kind, namespace, name }: Pick<Consumer, 'kind' | 'namespace' | 'name'>): string =>
  [kind, ...(namespace === undefined ? [] : [namespace]), name].join('/');

/** What was read of a cluster to find consumers. */
export interface ConsumerFacts {
  /** Objects as the API server has them, by `plural.group` (core group: `plural`). Resources that it does not serve are missing. */
  objects: Readonly<Record<string, readonly unknown[]>>;
  /** Resources that could not be read, by the same name, with the reason. */
  unread: readonly { resource: string; error: string }[];
  /** Images of the pods of CSI drivers, where volumes depend on a driver's version. Absent if they were not read. */
  driverImages?: readonly string[];
}
