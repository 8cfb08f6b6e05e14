/**
 * What the sandbox's EKS answers a real API server's webhooks: whose token it is, what access policies allow, and what
 * is injected into a new pod. Pure, except for the world that is read.
 */
import { isDeepStrictEqual } from 'node:util';
import { readClaimToken, verifyClusterClaim } from '../../../sandbox/claim.ts';
import type { Caller } from '../../../sandbox/http.ts';
import { userOf } from '../../../sandbox/kubernetes/access.ts';
import type { Pod } from '../../../sandbox/objects/objects.ts';
import { type Attributes, decideByPolicies } from '../../../sandbox/kubernetes/rbac.ts';
import { verifyEksToken } from '../../../sandbox/signature-eks-token.ts';
import type { ClusterState, World } from '../../../sandbox/world/world.ts';

export interface ReviewedCluster {
  world: World;
  cluster: ClusterState;
}

/** A review as the API server sends and expects it. */
export interface Review {
  apiVersion: string;
  kind: string;
  [field: string]: unknown;
}

const answered = ({ apiVersion, kind }: Review, status: object): Review => ({ apiVersion, kind, status });

/** Key in `extra` with the ARN of the calling role, by which access policies are found again. */
const PRINCIPAL = 'canonicalArn';

const callerOf = ({ world, cluster }: ReviewedCluster, token: string, signedNow: number): Caller | undefined => {
  const claim = readClaimToken(`Bearer ${token}`);
  const caller = claim
    ? verifyClusterClaim(claim, world, cluster.name, signedNow)
    : verifyEksToken(world, token, cluster, signedNow);
  return 'refused' in caller ? undefined : caller;
};

/**
 * Answers a TokenReview: the user and groups of the caller's access entry. `signedNow`: the time by the clock of the
 * signers, in milliseconds since 1970.
 */
export const reviewToken = (where: ReviewedCluster, review: Review, signedNow: number): Review => {
  const { token = '' } = (review['spec'] ?? {}) as { token?: string };
  const caller = callerOf(where, token, signedNow);
  const user = caller && userOf(where.world, where.cluster, caller);
  if (!user) return answered(review, { authenticated: false });
  const { username, groups, uid, extra } = user;
  return answered(review, { authenticated: true, user: { username, groups, uid, extra } });
};

interface AccessSpec {
  extra?: Record<string, string[]>;
  resourceAttributes?: Partial<Record<'verb' | 'group' | 'resource' | 'subresource' | 'namespace' | 'name', string>>;
  nonResourceAttributes?: { path?: string; verb?: string };
}

/** Returns the attributes of a request; empty strings count as absent, as on the wire. */
const attributesOf = ({ resourceAttributes: wanted, nonResourceAttributes: url }: AccessSpec): Attributes => ({
  verb: (wanted ?? url)?.verb ?? '',
  group: wanted?.group ?? '',
  resource: wanted?.resource ?? '',
  ...(url?.path ? { path: url.path } : {}),
  ...(wanted?.subresource ? { subresource: wanted.subresource } : {}),
  ...(wanted?.namespace ? { namespace: wanted.namespace } : {}),
  ...(wanted?.name ? { name: wanted.name } : {}),
});

/** Answers a SubjectAccessReview by the access policies of the caller's entry; no opinion if none allows the request. */
export const reviewAccess = ({ cluster }: ReviewedCluster, review: Review): Review => {
  const spec = (review['spec'] ?? {}) as AccessSpec;
  const [principalArn = ''] = spec.extra?.[PRINCIPAL] ?? [];
  const policies = cluster.accessEntries.get(principalArn)?.policies ?? [];
  const decision = decideByPolicies({ principalArn, policies }, attributesOf(spec));
  return answered(review, decision ? { allowed: true, reason: decision.reason } : { allowed: false });
};

interface AdmissionRequest {
  uid: string;
  namespace?: string;
  object: Pod;
}

/** Returns JSON patch operations that replace what differs of a pod's metadata and spec. */
const patchOf = (before: Pod, after: Pod): object[] => {
  const parts: [path: string, before: unknown, after: unknown][] = [
    ['/metadata/labels', before.metadata.labels, after.metadata.labels],
    ['/spec/initContainers', before.spec.initContainers, after.spec.initContainers],
    ['/spec/containers', before.spec.containers, after.spec.containers],
    ['/spec/volumes', before.spec.volumes, after.spec.volumes],
  ];
  // "add" sets a member whether or not it exists.
  return parts.flatMap(([path, was, value]) =>
    isDeepStrictEqual(was, value) || value === undefined ? [] : [{ op: 'add', path, value }],
  );
};

/** Answers an AdmissionReview with the patch that `admit` makes of a new pod; it gets a copy that it may modify. */
export const reviewAdmission = (review: Review, admit: (pod: Pod) => void): Review => {
  const { uid, namespace, object } = review['request'] as AdmissionRequest;
  const pod = structuredClone(object);
  // The namespace of a new object may be in the request alone.
  if (namespace !== undefined) pod.metadata.namespace = namespace;
  admit(pod);
  const patch = patchOf(object, pod);
  const { apiVersion, kind } = review;
  return {
    apiVersion,
    kind,
    response: {
      uid,
      allowed: true,
      ...(patch.length > 0
        ? { patchType: 'JSONPatch', patch: Buffer.from(JSON.stringify(patch)).toString('base64') }
        : {}),
    },
  };
};
