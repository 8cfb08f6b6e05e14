/**
 * POST serviceaccounts/NAME/token issues a token of a service account, as requested by the kubelet for each pod and by
 * `kubectl create token`. Rules: k8s.io/kubernetes, registry/core/serviceaccount/storage/token.go and
 * apis/authentication/validation.
 */
import { z } from 'zod';
import { issuerOf, signToken } from '../credentials/tokens.ts';
import type { HttpResponse } from '../http.ts';
import { conflict, json, notFound, Refusal } from './answers.ts';
import type { KubeObject } from './objects.ts';
import type { ControlPlane } from './pods.ts';
import { getObject, KINDS, timestamp } from './store.ts';

const HOUR_SECONDS = 3600;
const LEAST_SECONDS = 600;
const MOST_SECONDS = 2 ** 32;

const tokenRequest = z.looseObject({
  spec: z
    .looseObject({
      audiences: z.array(z.string()).nullish(),
      expirationSeconds: z.number().int().nullish(),
      boundObjectRef: z
        .looseObject({
          kind: z.string().nullish(),
          name: z.string().nullish(),
          uid: z.string().nullish(),
        })
        .nullish(),
    })
    .default({}),
});
type Spec = z.infer<typeof tokenRequest>['spec'];

const invalidRequest = (field: string, problem: string): Refusal =>
  new Refusal(422, 'Invalid', `TokenRequest.authentication.k8s.io "" is invalid: ${field}: ${problem}`, {
    group: 'authentication.k8s.io',
    kind: 'TokenRequest',
    causes: [{ reason: 'FieldValueInvalid', message: problem, field }],
  });

const checkExpiration = (seconds: number): void => {
  const problem =
    seconds < LEAST_SECONDS
      ? 'may not specify a duration less than 10 minutes'
      : seconds > MOST_SECONDS
        ? 'may not specify a duration larger than 2^32 seconds'
        : undefined;
  if (problem !== undefined) throw invalidRequest('spec.expirationSeconds', `Invalid value: ${seconds}: ${problem}`);
};

/** Returns the pod to which the token is bound. Throws Refusal if it does not exist or has another service account. */
const boundPod = (
  { cluster }: ControlPlane,
  account: KubeObject,
  { boundObjectRef }: Spec,
): { name: string; uid: string } | undefined => {
  if (!boundObjectRef) return undefined;
  const { kind, name, uid } = boundObjectRef;
  if (kind !== 'Pod')
    throw new Refusal(
      400,
      'BadRequest',
      `cannot bind token for serviceaccount ${account.metadata.name} to ${kind ?? ''}: the sandbox binds tokens to pods only`,
    );
  const pod = getObject(cluster.kube, 'Pod', account.metadata.namespace, name ?? '');
  if (!pod) throw notFound(KINDS.Pod, name ?? '');
  if (uid && uid !== pod.metadata.uid) throw conflict(KINDS.Pod, pod.metadata.name);
  if ((pod.spec.serviceAccountName ?? 'default') !== account.metadata.name)
    throw new Refusal(
      400,
      'BadRequest',
      `cannot bind token for serviceaccount "${account.metadata.name}" to pod running with different serviceaccount name.`,
    );
  return { name: pod.metadata.name, uid: pod.metadata.uid };
};

/** Answers a token request for a service account. Throws Refusal if the request is not valid. */
export const answerTokenRequest = (plane: ControlPlane, account: KubeObject, body: unknown): HttpResponse => {
  const parsed = tokenRequest.safeParse(body);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new Refusal(
      400,
      'BadRequest',
      `TokenRequest in version "v1" cannot be handled as a TokenRequest: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`,
    );
  }
  const { spec } = parsed.data;
  const { world, cluster } = plane;
  const seconds = spec.expirationSeconds ?? HOUR_SECONDS;
  checkExpiration(seconds);
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
