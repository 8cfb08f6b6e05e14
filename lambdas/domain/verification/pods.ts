/**
 * Whether the pods have the identity that they shall have: a decision from their evidence and the workloads they belong
 * to; and what is said where nobody looked.
 */
import { grantCommand } from '../access/command.ts';
import { podsThatCount } from './pod-identity.ts';
import {
  isMadeBy,
  isOfJob,
  WORKLOAD_PLURALS,
  type Pod,
  type Workload,
  type WorkloadRef,
} from '../kubernetes/objects.ts';
import type {
  Addon,
  Check,
  MigrationRequest,
  PodEvidence,
  PodIdentity,
  Snapshot,
  Target,
  VerificationMode,
} from '../migration/model.ts';
import { isSettled, type Leniency, NO_LENIENCY, unreadyBefore } from '../rollout/settled.ts';
import { shellCommand } from '../text/shell.ts';
import { type ServiceAccountRef, subjectText } from '../migration/subject.ts';

/** What the pods shall have, by name of their service account: any of these identities will do. */
export interface ExpectedPods {
  identities: ReadonlyMap<string, ReadonlySet<PodIdentity>>;
  /** There were none before, so that there need be none now. */
  mayBeNone: boolean;
}

/** After the change: Pod Identity, and nothing else. */
export const onPodIdentity = ({ planned }: Pick<Snapshot, 'planned'>): ExpectedPods => ({
  identities: new Map(planned.map((one) => [one.serviceAccount, new Set<PodIdentity>(['pod-identity'])])),
  mayBeNone: false,
});

/**
 * After a rollback: IRSA, or what the service account's pods had before (`before`: evidence of then), or Pod Identity
 * where the snapshot has an association for it. What was accepted to be lost comes back too.
 */
export const asBefore = (
  { planned, identityLosses, associations }: Pick<Snapshot, 'planned' | 'identityLosses' | 'associations'>,
  before: PodEvidence[],
): ExpectedPods => ({
  identities: new Map(
    [...planned, ...identityLosses].map(({ namespace, serviceAccount }) => {
      const had = before.filter((pod) => pod.identity !== 'not-applicable' && pod.serviceAccount === serviceAccount);
      const associated = associations.some(
        (one) => one.namespace === namespace && one.serviceAccount === serviceAccount,
      );
      return [
        serviceAccount,
        new Set<PodIdentity>([
          'irsa',
          ...had.map((pod) => pod.identity),
          ...(associated ? (['pod-identity'] as const) : []),
        ]),
      ];
    }),
  ),
  mayBeNone: podsThatCount(before).length === 0,
});

/** Whether a pod that counts is as it shall be. */
export const isExpected = ({ identities }: ExpectedPods, pod: PodEvidence): boolean =>
  identities.get(pod.serviceAccount)?.has(pod.identity) ?? false;

export type PodsVerdict =
  | { verdict: 'verified' }
  /**
   * These workloads' pods are settled, but have another identity: a rolling restart lets the webhook see them again.
   */
  | { verdict: 'restart'; workloads: WorkloadRef[]; pods: PodEvidence[] }
  /** Of these pods it can't be told which identity they have, and of no other is it wrong: a restart would not help. */
  | { verdict: 'unknown'; pods: PodEvidence[] }
  | { verdict: 'wait'; why: string };

/** A pod that no node takes keeps its workload from settling for good: say, for want of room for a surge. */
function unscheduled(pods: Pod[], workload: Workload): string {
  const { namespace } = workload;
  const pod = pods.find((one) => isMadeBy(one, workload) && one.node === undefined && !one.terminating);
  return pod
    ? `, and no node takes pod ${pod.name} (${shellCommand(['kubectl', '-n', namespace, 'describe', 'pod', pod.name])} says why)`
    : '';
}

const refOf = (workload: Workload): WorkloadRef => ({
  kind: workload.kind,
  namespace: workload.namespace,
  name: workload.name,
});

/** The workloads that are expected to have pods with these identities. */
export const concernedWorkloads = (workloads: readonly Workload[], { identities }: ExpectedPods): Workload[] =>
  workloads.filter((workload) => identities.has(workload.serviceAccount) && workload.desired > 0);

/** Uids of pods that need not be ready: of each workload as many as were not before, and those of no workload. */
function forgiven(counted: readonly PodEvidence[], pods: readonly Pod[], workloads: Workload[], leniency: Leniency) {
  const unready = pods.filter(({ uid }) => counted.some((one) => one.uid === uid && !one.ready));
  const ofWorkloads = workloads.flatMap((workload) =>
    unready.filter((pod) => isMadeBy(pod, workload)).slice(0, unreadyBefore(workload, leniency)),
  );
  return new Set([...ofWorkloads, ...leniency.broken].map(({ uid }) => uid));
}

/** The workloads that have made these pods. */
function owningWorkloads(evidence: readonly PodEvidence[], pods: readonly Pod[], workloads: Workload[]): Workload[] {
  const uids = new Set(evidence.map(({ uid }) => uid));
  const seen = pods.filter((pod) => uids.has(pod.uid));
  return workloads.filter((workload) => seen.some((pod) => isMadeBy(pod, workload)));
}

/** `leniency`: what is not held against the pods, since it was so before. */
export function judgePods(
  evidence: PodEvidence[],
  pods: Pod[],
  workloads: Workload[],
  expected: ExpectedPods,
  leniency: Leniency = NO_LENIENCY,
): PodsVerdict {
  const { identities } = expected;
  const counted = podsThatCount(evidence);
  const concerned = concernedWorkloads(workloads, expected);
  const unsettled = concerned.find((workload) => !isSettled(workload, pods, leniency));
  const hopeless = counted.filter((pod) => leniency.hopeless.has(pod.uid));
  const replaceable = owningWorkloads(hopeless, pods, concerned).filter(({ kind }) => kind !== 'StatefulSet');
  if (replaceable.length > 0) return { verdict: 'restart', workloads: replaceable.map(refOf), pods: hopeless };
  if (unsettled)
    return {
      verdict: 'wait',
      why: `${unsettled.kind} ${unsettled.name} is rolling out: ${unsettled.ready} of ${unsettled.desired} pods are ready${unscheduled(pods, unsettled)}`,
    };
  if (counted.length === 0 && !expected.mayBeNone)
    return { verdict: 'wait', why: `no pod runs with ${[...identities.keys()].join(', ')} yet` };
  const leaving = pods.find(
    (pod) => pod.terminating && identities.has(pod.serviceAccount) && !leniency.stuck.has(pod.uid),
  );
  if (leaving) return { verdict: 'wait', why: `pod ${leaving.name} is still terminating` };
  const mayBeUnready = forgiven(counted, pods, concerned, leniency);
  const notReady = counted.find((pod) => !pod.ready && !mayBeUnready.has(pod.uid));
  if (notReady) return { verdict: 'wait', why: `pod ${notReady.name} is not ready` };

  const wrong = counted.filter((pod) => !isExpected(expected, pod));
  if (wrong.length === 0) return { verdict: 'verified' };
  const ofJob = pods.find((pod) => isOfJob(pod) && wrong.some((one) => one.uid === pod.uid));
  if (ofJob)
    return {
      verdict: 'wait',
      why: `pod ${ofJob.name} of Job ${ofJob.owner?.name ?? ''} keeps the identity that it began with until it ends`,
    };
  if (wrong.every((pod) => pod.identity === 'unknown')) return { verdict: 'unknown', pods: wrong };
  return { verdict: 'restart', workloads: owningWorkloads(wrong, pods, concerned).map(refOf), pods: wrong };
}

export const ROLE_STILL_SET = 'irsa-role-still-set';

/** EKS may go on showing the role after an update that left it out; the pods are what counts, where they were seen. */
export const roleStillSet = ({ name, serviceAccountRoleArn }: Addon, verification: VerificationMode): Check => ({
  id: ROLE_STILL_SET,
  status: 'warn',
  message: `${verification === 'injected' ? 'All pods are on Pod Identity' : 'The associations are as planned, and no pod was looked at'}, but DescribeAddon still shows the role ${serviceAccountRoleArn ?? ''} on add-on ${name}.`,
  remedy:
    verification === 'injected'
      ? 'Nothing has to be done for the pods: Pod Identity goes before the role. Take the role out of whatever manages the add-on, so that nobody takes it for the one in use.'
      : 'Pods that are made from now on take Pod Identity before the role; older ones may be on the role still. Look at them, then take the role out of whatever manages the add-on.',
  source:
    'hashicorp/terraform-provider-aws#30645; EKS User Guide, "Assign IAM roles to add-ons": with the agent installed the role is ignored',
});

export const IDENTITY_LOST = 'identity-loss';

/** What a migration has taken from pods, as its request has accepted: it stays in the record. */
export const identityLost = (
  losses: Snapshot['identityLosses'],
  { target, verification }: Pick<MigrationRequest, 'target' | 'verification'>,
): Check[] =>
  losses.map(({ namespace, serviceAccount, roleArn, identity, accepted }) => ({
    id: IDENTITY_LOST,
    status: 'warn',
    message: `Service account ${namespace}/${serviceAccount} has lost role ${roleArn} (${identity} → node-role)${accepted ? ', as the request accepts' : '; no pod ran with it'}${verification === 'injected' ? '' : '. None of its pods was looked at'}.`,
    remedy: `If its pods need AWS access, give it an association: ${shellCommand(['aws', 'eks', 'create-pod-identity-association', '--region', target.region, '--cluster-name', target.cluster], ['--namespace', namespace], ['--service-account', serviceAccount], ['--role-arn', roleArn])} ; then restart them.`,
  }));

export const PODS_NOT_SEEN = 'pods-not-seen';

/** How somebody with access finds the workloads of the planned service accounts, and restarts them. */
function restartByHand(planned: Snapshot['planned']): string {
  const accounts = [...new Set(planned.map((one) => one.serviceAccount))].join(', ');
  const commands = [...new Set(planned.map((one) => one.namespace))].map((namespace) => {
    const list = shellCommand(
      ['kubectl', '-n', namespace, 'get', Object.values(WORKLOAD_PLURALS).join(',')],
      ['-o', 'custom-columns=KIND:.kind,NAME:.metadata.name,ACCOUNT:.spec.template.spec.serviceAccountName'],
    );
    return `${list} lists them, then for each of ${accounts}: ${shellCommand(['kubectl', '-n', namespace, 'rollout', 'restart', 'KIND/NAME'])}`;
  });
  return commands.join('; ');
}

/** What an end that EKS alone has confirmed leaves to a person. `planned`: whose pods nobody looked at. */
export const podsNotSeen = (
  outcome: 'migrated' | 'rolled-back',
  subject: string,
  { cluster }: Pick<Target, 'cluster'>,
  planned: Snapshot['planned'],
): Check => ({
  id: PODS_NOT_SEEN,
  status: 'warn',
  message:
    outcome === 'migrated'
      ? `EKS shows ${subjectText(subject)}${subject.includes('/') ? ' with its Pod Identity association' : ' ACTIVE with its Pod Identity associations'}, but no pod was looked at: those that kept their old identity, or were created before the webhook knew the associations, were not found, and none was restarted.${subject.includes('/') ? '' : " Nor were service accounts found that had the add-on's role and take no association: their new pods fall back to the node role."}`
      : `EKS shows ${subjectText(subject)}${subject.includes('/') ? '' : ' ACTIVE'} as it was before, but no pod was looked at: those that still have Pod Identity's env, or no credentials at all, were not found, and none was restarted.`,
  remedy: `Look at the pods, and restart those that have the wrong identity: ${restartByHand(planned)}. How each workload gets its credentials then: pod-identity identities --cluster ${cluster}`,
  source:
    'aws/amazon-eks-pod-identity-webhook: it looks at a pod once, when it is created; aws/eks-pod-identity-agent#52',
});

export const PODS_EXCLUDED = 'pods-excluded';

/** Pods that nobody can end, and that the verification leaves out. Nothing where there are none. */
export const podsExcluded = (pods: readonly PodEvidence[]): Check[] =>
  pods.length === 0
    ? []
    : [
        {
          id: PODS_EXCLUDED,
          status: 'warn',
          message: `The verification leaves out ${pods.length === 1 ? 'a pod' : `${pods.length} pods`} that can't end: ${pods.map(({ namespace, name, identity, excluded }) => `${namespace}/${name} (${identity}; ${excluded ?? ''})`).join(', ')}.`,
          remedy: `Find out whether their nodes are off for good, and delete them then (${shellCommand(['kubectl', 'delete', 'node'])} NODE): the pods go with them. A node that comes back ends them itself.`,
          source: 'Kubernetes documentation, "Nodes", "Node status"; "Non-graceful node shutdown handling"',
        },
      ];

export const ANNOTATION_LEFT = 'annotation-left';

/** That the annotation stays where it was to go: it does nothing as long as there is an association. */
export const annotationLeft = ({ namespace, name }: ServiceAccountRef, target: Target): Check => ({
  id: ANNOTATION_LEFT,
  status: 'warn',
  message: `The annotation eks.amazonaws.com/role-arn of service account ${namespace}/${name} was not taken off, or nobody knows whether it was; the step's own line says why. Its pods are on Pod Identity nevertheless, which goes before it.`,
  remedy: `Take it off yourself: ${shellCommand(['kubectl', '-n', namespace, 'annotate', 'serviceaccount', name, 'eks.amazonaws.com/role-arn-'])} ; or let the service do so, and migrate again: ${grantCommand({ target, serviceAccount: { namespace, name }, annotation: 'remove' })}`,
  source: 'aws/amazon-eks-pod-identity-webhook: the association goes before the annotation',
});
