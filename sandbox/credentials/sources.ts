/**
 * The sources from which a pod's containers get AWS credentials, according to the environment and token that the
 * webhook injected. SDKs check for static keys first, then for a web identity, then for the container credentials of
 * Pod Identity.
 */
import type { Container, Pod } from '../kubernetes/objects.ts';
import { POD_IDENTITY_AUDIENCE } from './pod-identity.ts';

export type Source =
  | { method: 'pod-identity' }
  | { method: 'irsa'; roleArn: string; audiences: string[] }
  /** The environment names a source whose token the pod does not have. */
  | { method: 'pod-identity' | 'irsa'; missing: 'token' };

/** Returns the audiences of a pod's tokens, except the token for the API server. */
const audiencesOf = (pod: Pod): string[] =>
  (pod.spec.volumes ?? []).flatMap(({ projected }) =>
    (projected?.sources ?? []).flatMap((source) => {
      const token = source['serviceAccountToken'] as { audience?: string } | undefined;
      return token?.audience === undefined ? [] : [token.audience];
    }),
  );

const sourceOf = ({ env = [] }: Container, audiences: readonly string[]): Source | undefined => {
  const variables = new Map(env.map(({ name, value }) => [name, value ?? '']));
  if ((variables.get('AWS_ACCESS_KEY_ID') ?? '') !== '') return undefined;
  const roleArn = variables.get('AWS_ROLE_ARN') ?? '';
  if (variables.has('AWS_WEB_IDENTITY_TOKEN_FILE') && roleArn !== '') {
    const own = audiences.filter((audience) => audience !== POD_IDENTITY_AUDIENCE);
    return own.length === 0 ? { method: 'irsa', missing: 'token' } : { method: 'irsa', roleArn, audiences: own };
  }
  if (!variables.has('AWS_CONTAINER_CREDENTIALS_FULL_URI')) return undefined;
  return audiences.includes(POD_IDENTITY_AUDIENCE)
    ? { method: 'pod-identity' }
    : { method: 'pod-identity', missing: 'token' };
};

const known = new WeakMap<Pod, readonly Source[]>();

/**
 * Returns the sources that a pod's containers use, without duplicates; empty for a pod with static keys or the node's
 * role. The result is cached, because a pod's environment never changes.
 */
export const sourcesOf = (pod: Pod): readonly Source[] => {
  const read = known.get(pod);
  if (read) return read;
  const audiences = audiencesOf(pod);
  const found = new Map<string, Source>();
  for (const container of pod.spec.containers) {
    const source = sourceOf(container, audiences);
    if (source) found.set(JSON.stringify(source), source);
  }
  const sources = [...found.values()];
  known.set(pod, sources);
  return sources;
};
