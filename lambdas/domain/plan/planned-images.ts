/** The images of the containers that are to get their credentials from EKS Pod Identity. */
import { isSameBuild, parseImage } from '../images/reference.ts';
import { type Container, isMadeBy, isMadeByAny, type Pod, type Workload } from '../kubernetes/objects.ts';
import type { PlannedAssociation } from '../terms/planned.ts';
import { notSkipped } from '../verification/pod-identity.ts';
import type { Facts } from './facts.ts';
import { plannedPods, plannedWorkloads } from './preflight-seen.ts';

export interface PlannedImage {
  image: string;
  /** The containers that have it, such as `container external-dns of Deployment external-dns`. */
  usedBy: string[];
}

/** Returns whether a webhook made one reference of the other, as mirrors of registries do. */
function isMirrored(one: string, other: string): boolean {
  const [a, b] = [parseImage(one), parseImage(other)];
  return one === other || (a !== undefined && b !== undefined && isSameBuild(a, b));
}

/** Returns the containers that run, and those of the template that run from another image, or not yet. */
function ofWorkload({ containers, templateAnnotations }: Workload, pods: readonly Pod[]): Container[] {
  const running = pods.flatMap((pod) => notSkipped(pod.containers, pod.annotations));
  const coming = notSkipped(containers, templateAnnotations).filter(
    ({ name, image }) => !running.some((one) => one.name === name && isMirrored(one.image, image)),
  );
  return [...running, ...coming];
}

/**
 * Returns the images of the planned service accounts, each once: of the running pods, which show what the API server has
 * accepted, and of the workloads' templates, which the next pods will have.
 */
export function plannedImages(facts: Facts, planned: readonly PlannedAssociation[]): PlannedImage[] {
  const pods = plannedPods(facts, planned);
  const workloads = plannedWorkloads(facts, planned);
  const alone = pods.filter((pod) => !isMadeByAny(pod, workloads));
  const found = [
    ...workloads.map((workload) => ({
      of: `${workload.kind} ${workload.name}`,
      containers: ofWorkload(
        workload,
        pods.filter((pod) => isMadeBy(pod, workload)),
      ),
    })),
    ...alone.map((pod) => ({ of: `Pod ${pod.name}`, containers: notSkipped(pod.containers, pod.annotations) })),
  ];
  const images = new Map<string, Set<string>>();
  for (const { of, containers } of found)
    for (const { name, image } of containers)
      images.set(image, (images.get(image) ?? new Set()).add(`container ${name} of ${of}`));
  return [...images].map(([image, usedBy]) => ({ image, usedBy: [...usedBy] }));
}
