/**
 * POST serviceaccounts/NAME/token issues a token of a service account, as requested by the kubelet for each pod and by
 * `kubectl create token`. Rules: k8s.io/kubernetes, registry/core/serviceaccount/storage/token.go and
 * apis/authentication/validation.
 */
import { issuerOf, signToken } from '../credentials/tokens.ts';
import type { HttpResponse } from '../http.ts';
import type { ClusterState } from '../world/world.ts';
import { badRequest, json, notFound, Refusal } from './answers.ts';
import type { KubeObject } from '../objects/objects.ts';
import type { ControlPlane } from './pods.ts';
import { getObject, KINDS, timestamp } from '../objects/store.ts';
import { invalid, invalidObject } from './validation/field-errors.ts';

const HOUR_SECONDS = 3600;
const LEAST_SECONDS = 600;
const MOST_SECONDS = 2 ** 32;

interface Spec {
  audiences?: string[];
  expirationSeconds?: number;
  boundObjectRef?: { kind?: string; apiVersion?: string; name?: string; uid?: string };
}
interface TokenRequest {
  metadata?: { name?: string; namespace?: string; uid?: string };
  spec?: Spec;
}

const KIND = { kind: 'TokenRequest', group: 'authentication.k8s.io' };

/** Throws the refusal of a request that names another service account than its path does. */
const checkMetadata = (
  { version }: ClusterState,
  account: { namespace: string; name: string },
  { metadata = {} }: TokenRequest,
): void => {
  const errors = (['name', 'namespace'] as const).flatMap((key) => {
    const value = metadata[key] ?? '';
    const what = key === 'name' ? 'name' : 'namespace';
    return value === '' || value === account[key]
      ? []
      : [invalid(`metadata.${key}`, value, `must match the service account ${what} if specified`)];
  });
  if (errors.length > 0) throw invalidObject(KIND, account.name, errors.slice(0, 1), version);
};

const checkExpiration = ({ version }: ClusterState, seconds: number): void => {
  const problem =
    seconds < LEAST_SECONDS
      ? 'may not specify a duration less than 10 minutes'
      : seconds > MOST_SECONDS
        ? 'may not specify a duration larger than 2^32 seconds'
        : undefined;
  if (problem !== undefined)
    throw invalidObject(KIND, '', [invalid('spec.expirationSeconds', seconds, problem)], version);
};

/** Returns the pod to which the token is bound. Throws Refusal if it does not exist or has another service account. */
const boundPod = (
  { cluster }: ControlPlane,
  account: KubeObject,
  { boundObjectRef }: Spec,
): { name: string; uid: string } | undefined => {
  if (!boundObjectRef) return undefined;
  const { kind = '', name = '', uid } = boundObjectRef;
  if (kind !== 'Pod')
    throw badRequest(
      `cannot bind token for serviceaccount ${account.metadata.name} to ${kind}: the sandbox binds tokens to pods only`,
    );
  const pod = getObject(cluster.kube, 'Pod', account.metadata.namespace, name);
  if (!pod) throw notFound(KINDS.Pod, name);
  if ((pod.spec.serviceAccountName ?? 'default') !== account.metadata.name)
    throw badRequest(
      `cannot bind token for serviceaccount "${account.metadata.name}" to pod running with different serviceaccount name.`,
    );
  if (uid && uid !== pod.metadata.uid)
    throw new Refusal(
      409,
      'Conflict',
      `Operation cannot be fulfilled on Pod "${name}": the UID in the bound object reference (${uid}) does not match the UID in record. The object might have been deleted and then recreated`,
      { name, kind: 'Pod' },
    );
  return { name: pod.metadata.name, uid: pod.metadata.uid };
};

/** Answers a token request for a service account. Throws Refusal if the request is not valid. */
export const answerTokenRequest = (
  plane: ControlPlane,
  wanted: { namespace: string; name: string },
  body: Record<string, unknown>,
): HttpResponse => {
  const { world, cluster } = plane;
  const request = body as TokenRequest;
  checkMetadata(cluster, wanted, request);
  const account = getObject(cluster.kube, 'ServiceAccount', wanted.namespace, wanted.name);
  if (!account) throw notFound(KINDS.ServiceAccount, wanted.name);
  const { spec = {} } = request;
  const seconds = spec.expirationSeconds ?? HOUR_SECONDS;
  checkExpiration(cluster, seconds);
  const pod = boundPod(plane, account, spec);
  const issuer = issuerOf(cluster);
  const audiences = spec.audiences && spec.audiences.length > 0 ? spec.audiences : [issuer];
  const issuedAt = Math.floor(world.schedule.now() / 1000);
  const { name, namespace = 'default', uid } = account.metadata;
  const token = signToken(
    cluster,
    {
      namespace,
      serviceAccount: { name, uid },
      ...(pod ? { pod } : {}),
      issuer,
      audiences,
      issuedAt,
      expiresAt: issuedAt + seconds,
    },
    cluster.kube.random.uuid(),
  );
  return json(201, {
    kind: 'TokenRequest',
    apiVersion: 'authentication.k8s.io/v1',
    metadata: { name, namespace, creationTimestamp: timestamp(world.schedule.now()) },
    spec: { ...spec, audiences, expirationSeconds: seconds, boundObjectRef: spec.boundObjectRef ?? null },
    status: { token, expirationTimestamp: timestamp((issuedAt + seconds) * 1000) },
  });
};
