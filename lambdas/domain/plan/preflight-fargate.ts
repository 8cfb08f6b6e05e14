/**
 * Finds the Fargate profiles that select new pods of the planned service accounts: pods that run on other nodes now move to
 * AWS Fargate with their next restart (ADR 115).
 */
import type { FargateProfile } from '../aws/eks.ts';
import { isMadeBy, isMadeByAny, type Pod } from '../kubernetes/objects.ts';
import { type Check, GUIDE, some, warn, whyUnread } from '../terms/check.ts';
import type { PlannedAssociation } from '../terms/planned.ts';
import { matchesWildcard } from '../policy/index.ts';
import type { Facts } from './facts.ts';
import { plannedPods, plannedWorkloads } from './preflight-seen.ts';

const SOURCE = `${GUIDE}, "Define which Pods use AWS Fargate when launched", "Fargate profile wildcards"`;

type Labels = Readonly<Record<string, string>>;

const selects = ({ selectors }: FargateProfile, ofPod: { namespace: string; labels: Labels }): boolean =>
  selectors.some(
    ({ namespace, labels }) =>
      matchesWildcard(namespace, ofPod.namespace) &&
      Object.entries(labels).every(([key, value]) =>
        Object.entries(ofPod.labels).some((own) => matchesWildcard(key, own[0]) && matchesWildcard(value, own[1])),
      ),
  );

/** What a profile selects: a workload by its template, or a pod that none of the workloads has made. */
interface Selected {
  text: string;
  profile: string;
}

/**
 * Returns what the profiles select. DaemonSets are left out, since they have no pods on Fargate, and so is what has only
 * pods that `isReported`.
 */
export function selectedByProfiles(
  facts: Facts,
  planned: readonly PlannedAssociation[],
  isReported: (pod: Pod) => boolean,
): Selected[] {
  const { fargateProfiles } = facts;
  if (!fargateProfiles || 'error' in fargateProfiles || fargateProfiles.seen.length === 0) return [];
  const workloads = plannedWorkloads(facts, planned);
  const pods = plannedPods(facts, planned);
  const ofWorkloads = workloads.flatMap((workload) => {
    const { kind, namespace, name, templateLabels: labels = {} } = workload;
    const own = pods.filter((pod) => isMadeBy(pod, workload));
    const isKnown = own.length > 0 && own.every(isReported);
    return kind === 'DaemonSet' || isKnown ? [] : [{ text: `${kind} ${namespace}/${name}`, namespace, labels }];
  });
  const alone = pods.flatMap((pod) => {
    const isOther = pod.owner?.kind !== 'DaemonSet' && !isMadeByAny(pod, workloads);
    return isOther && !isReported(pod) ? [{ text: `pod ${pod.namespace}/${pod.name}`, ...pod }] : [];
  });
  return [...ofWorkloads, ...alone].flatMap((one) => {
    const profile = fargateProfiles.seen.find((each) => selects(each, one));
    return profile ? [{ text: one.text, profile: profile.name }] : [];
  });
}

/** Returns a sentence for each profile, with what it selects. */
export const selectedTexts = (selected: readonly Selected[]): string[] =>
  [...Map.groupBy(selected, ({ profile }) => profile)].map(
    ([profile, ones]) =>
      `Fargate profile ${profile} selects new pods of the planned service accounts, and EKS Pod Identity is not supported on AWS Fargate: ${some(ones.map(({ text }) => text))}.`,
  );

/** Warns if the profiles could not be read: a spoke of an older release does not have the rights. */
export function checkFargateProfiles({ fargateProfiles, request }: Facts): Check[] {
  if (!fargateProfiles || 'seen' in fargateProfiles) return [];
  return [
    warn(
      'fargate-profiles',
      `Whether a Fargate profile of cluster ${request.target.cluster} selects the pods is unknown: ${whyUnread(fargateProfiles.error)}. EKS Pod Identity is not supported on AWS Fargate.`,
      'Allow eks:ListFargateProfiles on the cluster and eks:DescribeFargateProfile on its profiles; a service or a spoke of an older release has them after its update. Until then, compare the selectors of the profiles with the labels of the pods yourself.',
      SOURCE,
    ),
  ];
}
