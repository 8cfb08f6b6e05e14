/** How the service, and the sandbox, read a pod. */
import { pod as podSchema, toPod } from '../../lambdas/adapters/kubernetes-objects.ts';
import { skippedContainers } from '../../lambdas/domain/kubernetes/skip-containers.ts';
import type { Sdk } from '../../lambdas/domain/verification/credential-variables.ts';
import { type Classified, classifyPod, readContainers } from '../../lambdas/domain/verification/pod-identity.ts';
import { POD_IDENTITY_AUDIENCE } from '../../sandbox/credentials/pod-identity.ts';
import type { SdkName } from '../../sandbox/objects/sdks.ts';
import { containerSourcesOf, type ContainerSource } from '../../sandbox/credentials/sources.ts';
import { newKubeState } from '../../sandbox/objects/new-kube-state.ts';
import type { Pod } from '../../sandbox/objects/objects.ts';
import type { Called } from './judge.ts';
import { containersOf, type KubeContainer, type KubePod } from './kube-pod.ts';
import type { Outcome } from './outcome.ts';

const CREATED = { namespace: 'default', uid: 'u', creationTimestamp: '2026-01-05T08:00:00Z' };

const toRead = (pod: KubePod) => toPod(podSchema.parse({ ...pod, metadata: { ...CREATED, ...pod.metadata } }));

/** Returns how the service classifies a pod. */
export const classified = (pod: KubePod): Classified => classifyPod(toRead(pod));

/** Returns what the service calls each container that counts for it, by name. */
export const calledIn = (pod: KubePod): Map<string, Called> =>
  new Map(readContainers(toRead(pod)).map(({ container, is }) => [container.name, is]));

/** Returns the containers that the webhook has not skipped. */
export function countedIn(pod: KubePod): KubeContainer[] {
  const skipped = skippedContainers(pod.metadata.annotations);
  return containersOf(pod).filter(({ name }) => !skipped.has(name));
}

/** The SDKs by their names in the sandbox, with recent versions. */
const IN_SANDBOX: Readonly<Record<Sdk, { name: SdkName; version: string }>> = {
  go: { name: 'go-v2', version: '2026-01-01' },
  botocore: { name: 'botocore', version: '1.43.0' },
  javascript: { name: 'js-v3', version: '3.972.0' },
};

/** Returns how the sandbox reads each container of a pod, by name, if its software has this SDK. */
export function readInSandbox(given: KubePod, sdk: Sdk): Map<string, ContainerSource> {
  const kube = newKubeState();
  const pod = structuredClone(given) as unknown as Pod;
  Object.assign(pod.metadata, { uid: 'u' });
  const all = [...(pod.spec.initContainers ?? []), ...pod.spec.containers];
  kube.sdks.set('u', new Map(all.map(({ name, image }) => [name, { image, sdk: IN_SANDBOX[sdk] }])));
  return new Map(containerSourcesOf(kube, pod).map((source) => [source.container, source]));
}

/**
 * Returns what an SDK does according to the sandbox. Addresses other than the agent's answer in a conformance run, and
 * never in the sandbox.
 */
export const expectedBySandbox = ({ method, source }: ContainerSource, outcome: Outcome): Outcome => {
  if (method === 'keys') return 'static-keys';
  if (method === 'node-role') return 'node-role';
  if (method === 'address' && (outcome === 'ecs' || outcome === 'other')) return outcome;
  if (source === undefined || 'problem' in source) return 'none';
  if (source.method === 'pod-identity') return 'agent';
  // STS refuses a token for EKS Pod Identity or for the API server, in the conformance run and in the sandbox.
  return source.audiences.length === 0 || source.audiences.includes(POD_IDENTITY_AUDIENCE) ? 'none' : 'irsa';
};
