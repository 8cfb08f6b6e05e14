/**
 * What EKS's webhook will make of a pod once its service account has an association, so that a plan can judge the pods
 * that it will have. Source: github.com/aws/amazon-eks-pod-identity-webhook, pkg/handler/handler.go.
 */
import type { Container, TokenVolume } from '../kubernetes/objects.ts';
import { skippedContainers } from '../kubernetes/skip-containers.ts';
import { IRSA_CONFIG, POD_IDENTITY_CONFIG } from './credential-variables.ts';
import type { PodSpec } from './pod-identity.ts';

const { address, audience, mountPath, path, volume } = POD_IDENTITY_CONFIG;
const CREDENTIALS = {
  AWS_CONTAINER_CREDENTIALS_FULL_URI: address,
  AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: `${mountPath}/${path}`,
};
const REGIONS = ['AWS_DEFAULT_REGION', 'AWS_REGION'];
const STS = ['AWS_STS_REGIONAL_ENDPOINTS'];

const brings = ({ env }: Container, names: readonly string[]): boolean =>
  names.some((name) => Object.hasOwn(env, name));

/** Returns a container with what the webhook adds. If it has one of the two variables, it gets neither. */
function injectContainer(container: Container): Container {
  const own = brings(container, Object.keys(CREDENTIALS));
  // A container with a variable of each kind counts as complete, and gets no mount either.
  if (own && brings(container, REGIONS) && brings(container, STS)) return container;
  return {
    ...container,
    env: own ? container.env : { ...container.env, ...CREDENTIALS },
    mounts: container.mounts.some((mount) => mount.volume === volume)
      ? container.mounts
      : [...container.mounts, { volume, path: mountPath }],
  };
}

/** The spec of a pod or a template, with the names of all its volumes if they are known. */
export interface Template extends PodSpec {
  volumes?: readonly string[] | undefined;
}

/** Returns a pod of this template, as it is after the webhook has injected EKS Pod Identity. */
export function injected({ annotations, containers, tokens, volumes = [] }: Template): PodSpec {
  const skipped = skippedContainers(annotations);
  const hasVolume = volumes.includes(volume) || tokens.some((token) => token.volume === volume);
  const added: TokenVolume[] = hasVolume ? [] : [{ volume, audience, path }];
  return {
    annotations,
    containers: containers.map((container) => (skipped.has(container.name) ? container : injectContainer(container))),
    tokens: [...tokens, ...added],
  };
}

const IRSA_TOKEN_FILES = new Set([
  `${IRSA_CONFIG.mountPath}/${IRSA_CONFIG.path}`,
  `C:${`${IRSA_CONFIG.mountPath}/${IRSA_CONFIG.path}`.replaceAll('/', '\\')}`,
]);

/**
 * Returns a pod without the configuration of IRSA, which the webhook injected, and which a new pod does not get: one has
 * EKS Pod Identity or IRSA.
 */
export const withoutIrsa = ({ annotations, containers, tokens }: PodSpec): PodSpec => ({
  annotations,
  containers: containers.map((container) => {
    const { AWS_ROLE_ARN: role, AWS_WEB_IDENTITY_TOKEN_FILE: file, ...env } = container.env;
    return role !== undefined && IRSA_TOKEN_FILES.has(file ?? '') ? { ...container, env } : container;
  }),
  tokens,
});
