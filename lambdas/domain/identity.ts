/**
 * Which identity a pod uses, from its spec alone. The webhook writes it at admission and it never changes after.
 * Source: github.com/aws/amazon-eks-pod-identity-webhook, pkg/handler; SDK credential chains: web identity goes before
 * container credentials, so a pod with both is still on IRSA in effect and counts as `mixed`.
 */
import type { PodEvidence, PodIdentity } from './model.ts';
import type { Container, Pod } from './kubernetes.ts';

const POD_IDENTITY_AUDIENCE = 'pods.eks.amazonaws.com';
const IRSA_AUDIENCE = 'sts.amazonaws.com';
const SKIP_ANNOTATION = 'eks.amazonaws.com/skip-containers';

const hasPodIdentity = (container: Container): boolean =>
  container.env['AWS_CONTAINER_CREDENTIALS_FULL_URI'] !== undefined && container.env['AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE'] !== undefined;
const hasIrsa = (container: Container): boolean =>
  container.env['AWS_ROLE_ARN'] !== undefined || container.env['AWS_WEB_IDENTITY_TOKEN_FILE'] !== undefined;

/** The class and what in the spec makes it. Containers that the pod's annotation tells the webhook to skip don't count. */
export function classifyPod(pod: Pod): { identity: Exclude<PodIdentity, 'not-applicable'>; evidence: string } {
  const skipped = new Set((pod.annotations[SKIP_ANNOTATION] ?? '').split(',').map((name) => name.trim()));
  const containers = pod.containers.filter((container) => !skipped.has(container.name));
  const audiences = new Set(pod.tokens.map((token) => token.audience));
  const onPodIdentity = containers.filter(hasPodIdentity);
  const onIrsa = containers.filter(hasIrsa);

  if (onPodIdentity.length === 0 && onIrsa.length === 0) {
    return { identity: 'node-role', evidence: 'no container has credentials in its env: the SDK falls back to the node role' };
  }
  if (onIrsa.length === 0 && onPodIdentity.length === containers.length && audiences.has(POD_IDENTITY_AUDIENCE)) {
    return { identity: 'pod-identity', evidence: `AWS_CONTAINER_CREDENTIALS_FULL_URI in all ${containers.length} containers, token for ${POD_IDENTITY_AUDIENCE}` };
  }
  if (onPodIdentity.length === 0 && onIrsa.length === containers.length) {
    const role = onIrsa[0]?.env['AWS_ROLE_ARN'] ?? 'unknown role';
    return { identity: 'irsa', evidence: `AWS_WEB_IDENTITY_TOKEN_FILE in all ${containers.length} containers, ${audiences.has(IRSA_AUDIENCE) ? `token for ${IRSA_AUDIENCE}, ` : ''}role ${role}` };
  }
  return {
    identity: 'mixed',
    evidence: `${onPodIdentity.length} of ${containers.length} containers have Pod Identity's env, ${onIrsa.length} have IRSA's, token audiences: ${[...audiences].join(', ') || 'none'}`,
  };
}

export const NAME_LABEL = 'app.kubernetes.io/name';

/**
 * Evidence for the pods of an add-on: those of the planned service accounts count; others that carry the same
 * `app.kubernetes.io/name` belong to the add-on too, but don't migrate. Pods on their way out are left out.
 */
export function collectEvidence(pods: Pod[], serviceAccounts: ReadonlySet<string>): PodEvidence[] {
  const living = pods.filter((pod) => !pod.terminating && pod.phase !== 'Succeeded' && pod.phase !== 'Failed');
  const names = new Set(living.filter((pod) => serviceAccounts.has(pod.serviceAccount)).map((pod) => pod.labels[NAME_LABEL]));
  names.delete(undefined);
  return living
    .filter((pod) => serviceAccounts.has(pod.serviceAccount) || names.has(pod.labels[NAME_LABEL]))
    .map((pod) => {
      const counts = serviceAccounts.has(pod.serviceAccount);
      const { identity, evidence } = classifyPod(pod);
      return {
        namespace: pod.namespace,
        name: pod.name,
        uid: pod.uid,
        serviceAccount: pod.serviceAccount,
        identity: counts ? identity : ('not-applicable' as const),
        ready: pod.ready,
        createdAt: pod.createdAt,
        ...(pod.node === undefined ? {} : { node: pod.node }),
        evidence: counts ? evidence : `service account ${pod.serviceAccount} is not part of the migration`,
      };
    })
    .sort((a, b) => Number(a.identity === 'not-applicable') - Number(b.identity === 'not-applicable') || a.name.localeCompare(b.name));
}

export const podsThatCount = (evidence: PodEvidence[]): PodEvidence[] => evidence.filter((pod) => pod.identity !== 'not-applicable');
