/**
 * Decides from the evidence and the workloads whether the pods have the expected identity, and builds the warnings
 * about
 * pods that were not inspected.
 */
import { grantCommand } from '../access/command.ts';
import { some, type Check } from '../terms/check.ts';
import { identitiesCommand, removalPlanCommand } from '../commands/pod-identity.ts';
import { classifyPod, podsThatCount } from './pod-identity.ts';
import { whyNone } from './unreplaced.ts';
import {
  isMadeBy,
  isMadeByAny,
  isOfJob,
  WORKLOAD_PLURALS,
  type Pod,
  type Workload,
  type WorkloadRef,
} from '../kubernetes/objects.ts';
import type { Addon } from '../terms/observed.ts';
import type { MigrationRequest, VerificationMode } from '../request/request.ts';
import { type Target, type ServiceAccountRef, subjectText } from '../terms/subject.ts';
import type { PodEvidence, PodIdentity } from '../terms/evidence.ts';
import type { Snapshot } from '../record/migration.ts';
import { isSettled, type Leniency, NO_LENIENCY, unreadyBefore } from '../rollout/settled.ts';
import { shellCommand } from '../text/shell.ts';

/** The expected identities of pods, by name of their service account: any identity of the set is accepted. */
export interface ExpectedPods {
  identities: ReadonlyMap<string, ReadonlySet<PodIdentity>>;
  /** There were no pods before, so that none are needed now. */
  mayBeNone: boolean;
}

/** Returns what is expected after the change: Pod Identity alone. */
export const onPodIdentity = ({ planned }: Pick<Snapshot, 'planned'>): ExpectedPods => ({
  identities: new Map(planned.map((one) => [one.serviceAccount, new Set<PodIdentity>(['pod-identity'])])),
  mayBeNone: false,
});

/**
 * Returns what is expected after a rollback: IRSA, or the previous identity of the service account's pods (`before` is
 * their evidence), or Pod Identity if the snapshot has an association. Identities whose loss was accepted are restored
 * too.
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
          // Not with the configuration of Pod Identity (`isExpected`): what the spec does not show undoes no rollback.
          'unknown',
          ...had.map((pod) => pod.identity),
          ...(associated ? (['pod-identity'] as const) : []),
        ]),
      ];
    }),
  ),
  mayBeNone: podsThatCount(before).length === 0,
});

/** Returns whether it is unknown how a pod gets its credentials, although it has the configuration of EKS Pod Identity. */
export const isInjectedButUnknown = ({ identity, level }: Pick<PodEvidence, 'identity' | 'level'>): boolean =>
  identity === 'unknown' && level !== undefined;

/**
 * Returns whether a pod that counts has an expected identity. If that is unknown, the complete configuration of EKS Pod
 * Identity decides: what the spec does not show is settled in the plan, and never undoes a change of working pods.
 */
export const isExpected = ({ identities }: ExpectedPods, pod: PodEvidence): boolean =>
  identities.get(pod.serviceAccount)?.has(isInjectedButUnknown(pod) ? 'pod-identity' : pod.identity) ?? false;

export type PodsVerdict =
  | { verdict: 'verified' }
  /**
   * The pods of these workloads are settled, but have another identity: a rolling restart makes the webhook process
   * them.
   */
  | { verdict: 'restart'; workloads: WorkloadRef[]; pods: PodEvidence[] }
  | { verdict: 'wait'; why: string }
  /** There is no pod that counts, and no workload that is to create one. */
  | { verdict: 'none'; why: string };

/** Names a pod that can't be scheduled, for example for lack of capacity for a surge: its workload never settles. */
function unscheduled(pods: Pod[], workload: Workload): string {
  const { namespace } = workload;
  const pod = pods.find((one) => isMadeBy(one, workload) && one.node === undefined && !one.terminating);
  return pod
    ? `, and pod ${pod.name} is not scheduled (for the reason: ${shellCommand(['kubectl', '-n', namespace, 'describe', 'pod', pod.name])})`
    : '';
}

const refOf = (workload: Workload): WorkloadRef => ({
  kind: workload.kind,
  namespace: workload.namespace,
  name: workload.name,
});

/** Returns the workloads that are expected to have pods with these identities. */
export const concernedWorkloads = (workloads: readonly Workload[], { identities }: ExpectedPods): Workload[] =>
  workloads.filter((workload) => identities.has(workload.serviceAccount) && workload.desired > 0);

/**
 * Returns the uids of pods that need not be ready: for each workload as many as were not ready before, broken pods, and
 * those that no workload replaces.
 */
function forgiven(counted: readonly PodEvidence[], pods: readonly Pod[], workloads: Workload[], leniency: Leniency) {
  const unready = pods.filter(({ uid }) => counted.some((one) => one.uid === uid && !one.ready));
  const ofWorkloads = workloads.flatMap((workload) =>
    unready.filter((pod) => isMadeBy(pod, workload)).slice(0, unreadyBefore(workload, leniency)),
  );
  const unreplaced = unready.filter((pod) => !isMadeByAny(pod, workloads));
  return new Set([...ofWorkloads, ...unreplaced, ...leniency.broken].map(({ uid }) => uid));
}

/** Returns the workloads that created these pods. */
function owningWorkloads(evidence: readonly PodEvidence[], pods: readonly Pod[], workloads: Workload[]): Workload[] {
  const uids = new Set(evidence.map(({ uid }) => uid));
  const seen = pods.filter((pod) => uids.has(pod.uid));
  return workloads.filter((workload) => seen.some((pod) => isMadeBy(pod, workload)));
}

/** Evaluates the pods. `leniency` has the problems that are ignored, since they existed before. */
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
  const leaving = pods.find(
    (pod) => pod.terminating && identities.has(pod.serviceAccount) && !leniency.stuck.has(pod.uid),
  );
  if (leaving) return { verdict: 'wait', why: `pod ${leaving.name} is still terminating` };
  if (counted.length === 0 && !expected.mayBeNone) {
    const own = workloads.filter(({ serviceAccount }) => identities.has(serviceAccount));
    return concerned.length === 0 && own.every(({ observed }) => observed !== false)
      ? { verdict: 'none', why: whyNone(pods, workloads, new Set(identities.keys())) }
      : { verdict: 'wait', why: `no pod runs with ${[...identities.keys()].join(', ')} yet` };
  }
  const mayBeUnready = forgiven(counted, pods, concerned, leniency);
  const notReady = counted.find((pod) => !pod.ready && !mayBeUnready.has(pod.uid));
  if (notReady) return { verdict: 'wait', why: `pod ${notReady.name} is not ready` };

  const wrong = counted.filter((pod) => !isExpected(expected, pod));
  if (wrong.length === 0) return { verdict: 'verified' };
  const ofJob = pods.find((pod) => isOfJob(pod) && wrong.some((one) => one.uid === pod.uid));
  if (ofJob)
    return {
      verdict: 'wait',
      why: `pod ${ofJob.name} of Job ${ofJob.owner?.name ?? ''} keeps the identity that it started with until it ends`,
    };
  const restarted = owningWorkloads(wrong, pods, concerned).map(refOf);
  // A workload that was scaled to zero a moment ago, or uses another service account now, removes its pods itself.
  const [removing] = restarted.length > 0 ? [] : owningWorkloads(wrong, pods, workloads);
  if (removing) return { verdict: 'wait', why: `${removing.kind} ${removing.name} has not removed its pods yet` };
  return { verdict: 'restart', workloads: restarted, pods: wrong };
}

export const ROLE_STILL_SET = 'irsa-role-still-set';

/**
 * Returns the warning that EKS still shows the role after an update that omitted it. The pods are what counts, if
 * inspected.
 */
export const roleStillSet = ({ name, serviceAccountRoleArn }: Addon, verification: VerificationMode): Check => ({
  id: ROLE_STILL_SET,
  status: 'warn',
  message: `${verification !== 'api' ? 'All pods have the configuration of Pod Identity' : 'The associations are as planned, and no pod was inspected'}, but DescribeAddon still shows the role ${serviceAccountRoleArn ?? ''} on add-on ${name}.`,
  remedy:
    verification !== 'api'
      ? 'The pods need no action: Pod Identity takes precedence over the role. Remove the role from the tool that manages the add-on, so that it is not mistaken for the role in use.'
      : 'For new pods, Pod Identity takes precedence over the role; older pods may still use the role. Check the pods, then remove the role from the tool that manages the add-on.',
  source:
    'hashicorp/terraform-provider-aws#30645; EKS User Guide, "Assign IAM roles to add-ons": with the agent installed the role is ignored',
});

export const IDENTITY_LOST = 'identity-loss';

/** Returns warnings about the identities that pods have lost, as the request accepted. They stay in the record. */
export const identityLost = (
  losses: Snapshot['identityLosses'],
  { target, verification }: Pick<MigrationRequest, 'target' | 'verification'>,
): Check[] =>
  losses.map(({ namespace, serviceAccount, roleArn, identity, accepted }) => ({
    id: IDENTITY_LOST,
    status: 'warn',
    message: `Service account ${namespace}/${serviceAccount} has lost role ${roleArn} (${identity} → node-role)${accepted ? ', as the request accepts' : '; no pod ran with it'}${verification !== 'api' ? '' : '. None of its pods were inspected'}.`,
    remedy: `If its pods need AWS access, create an association for it: ${shellCommand(['aws', 'eks', 'create-pod-identity-association', '--region', target.region, '--cluster-name', target.cluster], ['--namespace', namespace], ['--service-account', serviceAccount], ['--role-arn', roleArn])} ; then restart them.`,
  }));

export const PODS_NOT_SEEN = 'pods-not-seen';

/**
 * Returns the commands with which a person with access finds and restarts the workloads of the planned service
 * accounts.
 */
function restartByHand(planned: Snapshot['planned']): string {
  const accounts = [...new Set(planned.map((one) => one.serviceAccount))].join(', ');
  const commands = [...new Set(planned.map((one) => one.namespace))].map((namespace) => {
    const list = shellCommand(
      ['kubectl', '-n', namespace, 'get', Object.values(WORKLOAD_PLURALS).join(',')],
      ['-o', 'custom-columns=KIND:.kind,NAME:.metadata.name,ACCOUNT:.spec.template.spec.serviceAccountName'],
    );
    return `List the workloads of ${namespace}: ${list} , then for each of ${accounts}: ${shellCommand(['kubectl', '-n', namespace, 'rollout', 'restart', 'KIND/NAME'])}`;
  });
  return commands.join(' . ');
}

/** Returns the warning about an outcome that only EKS has confirmed. `planned` has the service accounts of the pods. */
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
      ? `EKS shows ${subjectText(subject)}${subject.includes('/') ? ' with its Pod Identity association' : ' ACTIVE with its Pod Identity associations'}, but no pod was inspected: pods that kept their old identity, or that were created before the webhook knew the associations, were not detected, and none were restarted.${subject.includes('/') ? '' : " Service accounts that had the add-on's role and get no association were not detected either: their new pods fall back to the node role."}`
      : `EKS shows ${subjectText(subject)}${subject.includes('/') ? '' : ' ACTIVE'} as it was before, but no pod was inspected: pods that still have the environment of Pod Identity, or no credentials at all, were not detected, and none were restarted.`,
  remedy: `Check the pods, and restart those that have the wrong identity. ${restartByHand(planned)} . To check how each workload gets its credentials afterwards: pod-identity identities --cluster ${cluster}`,
  source:
    'aws/amazon-eks-pod-identity-webhook: it processes a pod once, at its creation; aws/eks-pod-identity-agent#52',
});

export const PODS_EXCLUDED = 'pods-excluded';

/** Returns a warning about pods that can't end, and that the verification leaves out, if there are any. */
export const podsExcluded = (pods: readonly PodEvidence[]): Check[] =>
  pods.length === 0
    ? []
    : [
        {
          id: PODS_EXCLUDED,
          status: 'warn',
          message: `The verification leaves out ${pods.length === 1 ? 'a pod' : `${pods.length} pods`} that cannot terminate: ${pods.map(({ namespace, name, identity, excluded }) => `${namespace}/${name} (${identity}; ${excluded ?? ''})`).join(', ')}.`,
          remedy: `Find out whether their nodes are permanently gone, and if so delete the nodes (${shellCommand(['kubectl', 'delete', 'node'])} NODE), which also deletes the pods. A node that comes back terminates them itself.`,
          source: 'Kubernetes documentation, "Nodes", "Node status"; "Non-graceful node shutdown handling"',
        },
      ];

export const CREDENTIALS_UNKNOWN = 'credentials-unknown';

/**
 * Returns a warning about verified pods whose source of credentials the spec does not show, if there are any. They have the
 * configuration of EKS Pod Identity.
 */
export const credentialsUnknown = (pods: readonly Pod[], { target }: Pick<MigrationRequest, 'target'>): Check[] => {
  const open = new Map<string, string[]>();
  for (const pod of pods)
    for (const { why } of classifyPod(pod).unknown)
      open.set(why, [...(open.get(why) ?? []), `${pod.namespace}/${pod.name}`]);
  if (open.size === 0) return [];
  const reasons = [...open].map(([why, names]) => `in ${some(names)}, ${why}`);
  return [
    {
      id: CREDENTIALS_UNKNOWN,
      status: 'warn',
      message: `${pods.length === 1 ? 'A pod has the configuration of EKS Pod Identity, but its spec does' : `${pods.length} pods have the configuration of EKS Pod Identity, but their specs do`} not show whether AWS SDKs use it: ${some(reasons, '; ')}.`,
      remedy: `Find out which credentials these containers use, for example in CloudTrail, or remove the variables from their workloads. To check the pods again afterwards: ${identitiesCommand(target)}`,
      source: 'docs/verification-variables.md',
    },
  ];
};

export const ANNOTATION_LEFT = 'annotation-left';
/** Written by the step that left it, and kept by the end. */
export const ANNOTATION_USED = 'annotation-used';

/**
 * Returns the warning that the annotation was not removed since other software uses the web identity. `why` names it.
 */
export const annotationUsed = ({ namespace, name }: ServiceAccountRef, target: Target, why: string): Check => ({
  id: ANNOTATION_USED,
  status: 'warn',
  message: `The annotation eks.amazonaws.com/role-arn of service account ${namespace}/${name} is still there. ${why}`,
  remedy: `Its pods are on Pod Identity nevertheless, which takes precedence. To see how each object can get its credentials instead, plan its removal: ${removalPlanCommand(target, { namespace, name })}`,
  source: 'docs/consumers.md',
});

/**
 * Returns the warning that the annotation was to be removed, and was not. It has no effect while there is an
 * association.
 */
export const annotationLeft = ({ namespace, name }: ServiceAccountRef, target: Target): Check => ({
  id: ANNOTATION_LEFT,
  status: 'warn',
  message: `The annotation eks.amazonaws.com/role-arn of service account ${namespace}/${name} was not removed, or it is not known whether it was; the line of the step shows why. Its pods are on Pod Identity nevertheless, which takes precedence.`,
  remedy: `Remove it: ${shellCommand(['kubectl', '-n', namespace, 'annotate', 'serviceaccount', name, 'eks.amazonaws.com/role-arn-'])} ; or allow the service to remove it, and migrate again: ${grantCommand({ target, serviceAccount: { namespace, name }, annotation: 'remove' })}`,
  source: 'aws/amazon-eks-pod-identity-webhook: the association takes precedence over the annotation',
});
