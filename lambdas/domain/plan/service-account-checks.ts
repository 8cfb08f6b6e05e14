/**
 * The checks of a plan about a service account that does not belong to an add-on, and about its workloads.
 */
import { identitiesCommand, migrateCommand } from '../commands/pod-identity.ts';
import { eksCommand } from '../commands/eks.ts';
import { grantCommand } from '../access/command.ts';
import { isMadeByAny, isOfJob, type Pod, SERVICE_MANAGER, type Workload } from '../kubernetes/objects.ts';
import { type Check, fail, GUIDE, pass, some, warn } from '../terms/check.ts';
import { subjectOf } from '../terms/subject.ts';
import { ownerByManager } from '../owners/signs.ts';
import type { ServiceAccountFacts } from './facts.ts';
import { plannedPods } from './preflight-seen.ts';

const IRSA_GUIDE = `${GUIDE}, "Assign IAM roles to Kubernetes service accounts"`;

/** Returns nothing if the API server could not be read, which `kubernetes-access` reports. */
export function checkServiceAccount({ request, serviceAccount, kubernetesError }: ServiceAccountFacts): Check[] {
  if (kubernetesError !== undefined) return [];
  const { namespace, name } = request.serviceAccount;
  const id = 'service-account';
  if (serviceAccount) return [pass(id, `Service account ${namespace}/${name} exists.`)];
  return [
    fail(
      id,
      `Service account ${namespace}/${name} does not exist in cluster ${request.target.cluster}.`,
      `Check --namespace and --service-account; list the service accounts: kubectl get serviceaccounts --all-namespaces , and the workloads that use them: ${identitiesCommand(request.target)}`,
    ),
  ];
}

/** Refuses an add-on's service account, since EKS would revert a change to it. */
export function checkOwner({ request, serviceAccount, ownerAddon, associations }: ServiceAccountFacts): Check[] {
  const [found] = associations;
  const [, ofOwner] = /:addon\/[^/]+\/([^/]+)\//.exec(found?.ownerArn ?? '') ?? [];
  const addon = ownerAddon ?? ofOwner;
  const byEks = serviceAccount?.annotatedBy.includes('eks') ?? false;
  if (addon === undefined && !byEks)
    return [pass('service-account-owner', 'The service account belongs to no add-on.')];
  return [
    fail(
      'service-account-owner',
      `Service account ${subjectOf(request)} belongs to ${addon === undefined ? 'an add-on: EKS itself has set its annotation' : `add-on ${addon}`}.`,
      addon === undefined
        ? `Migrate the add-on instead; list the installed add-ons: ${eksCommand(request.target, 'list-addons')}`
        : `Migrate the add-on instead: ${migrateCommand(request.target, addon)}`,
      `${GUIDE}, "Assign IAM roles to add-ons"`,
    ),
  ];
}

export function checkIrsa({ request, serviceAccount, associations }: ServiceAccountFacts): Check {
  const id = 'service-account-uses-irsa';
  const { namespace, name } = request.serviceAccount;
  if (serviceAccount?.roleArn !== undefined)
    return pass(id, `The service account uses IRSA with role ${serviceAccount.roleArn}.`);
  if (!serviceAccount) {
    if (request.roleArn !== undefined)
      return warn(
        id,
        'Whether the service account uses IRSA, and with which role, could not be read: the role in the request is used.',
        `Give the service access to the API server: ${grantCommand(request)}`,
        IRSA_GUIDE,
      );
    return fail(
      id,
      'The IRSA role of the service account could not be read, and the request names no role.',
      `Name the role: --role-arn ROLE_ARN; or give the service access to the API server: ${grantCommand(request)}`,
      IRSA_GUIDE,
    );
  }
  const [found] = associations;
  if (found) {
    return fail(
      id,
      `Service account ${namespace}/${name} has no annotation eks.amazonaws.com/role-arn, but association ${found.id} with ${found.roleArn}; some of its pods do not use the association.`,
      `There is nothing to migrate. Restart these pods to make them use it; to see the identity of each: ${identitiesCommand(request.target, namespace)}`,
      IRSA_GUIDE,
    );
  }
  return fail(
    id,
    `Service account ${namespace}/${name} has no annotation eks.amazonaws.com/role-arn: its pods use the node role, or other credentials.`,
    `There is nothing to migrate. To give it Pod Identity, create an association, then restart its pods: ${eksCommand(request.target, 'create-pod-identity-association', ['--namespace', namespace, '--service-account', name, '--role-arn', request.roleArn ?? 'ROLE_ARN'])}`,
    IRSA_GUIDE,
  );
}

const nameOf = ({ kind, name }: Pick<Workload, 'kind' | 'name'>): string => `${kind} ${name}`;

function ownerText({ name, owner }: Pod): string {
  return owner ? `${name} (of ${owner.kind} ${owner.name})` : `${name} (no controller)`;
}

/** Warns about workloads whose pods are briefly unavailable in a rolling restart. */
const losesCapacity = ({ kind, desired, recreates }: Workload): boolean =>
  recreates === true || (kind === 'StatefulSet' && desired === 1);

function checkDisruption({ request }: ServiceAccountFacts, workloads: readonly Workload[]): Check[] {
  const losing = workloads
    .filter(losesCapacity)
    .map((one) => `${nameOf(one)} (${one.recreates === true ? 'strategy Recreate' : 'one replica'})`);
  if (losing.length === 0 || request.maxDisruption === 'outage') return [];
  const message = `During a restart, these workloads briefly have no ready pod: ${some(losing)}.`;
  const source = 'Kubernetes documentation, "Deployments", "Recreate Deployment"; "StatefulSets", "Rolling Updates"';
  if (request.maxDisruption === 'rolling')
    return [
      fail(
        'max-disruption',
        `${message} The request allows no outage (maxDisruption: rolling).`,
        'Allow it with --max-disruption outage, or make them roll: strategy RollingUpdate, or a second replica.',
        source,
      ),
    ];
  return [
    warn(
      'max-disruption',
      message,
      'Choose a quiet time. To block the migration in this case: --max-disruption rolling',
      source,
    ),
  ];
}

/** Checks whether a rolling restart replaces every pod, since EKS's webhook only changes new pods. */
export function checkRollout(facts: ServiceAccountFacts): Check[] {
  const { request, pods, workloads = [] } = facts;
  if (!pods || request.verification === 'api') return [];
  const { name, namespace } = request.serviceAccount;
  const id = 'rollout';
  const own = workloads.filter((one) => one.serviceAccount === name && one.desired > 0);
  const held = own.flatMap((one) => (one.heldBack === undefined ? [] : [`${nameOf(one)}: ${one.heldBack}`]));
  const source =
    'Kubernetes documentation, "Performing a Rolling Update"; aws/amazon-eks-pod-identity-webhook: it changes a pod only when the pod is created';
  if (held.length > 0)
    return [
      fail(
        id,
        `A restart would not replace the pods of ${some(held)}.`,
        'Make it roll out changes to its template (no paused rollout; updateStrategy RollingUpdate without a partition), then plan again; or rely on what EKS reports and replace its pods yourself: --verification api',
        source,
      ),
    ];
  const running = plannedPods(facts, [{ namespace, serviceAccount: name, roleArn: '' }]);
  const alone = running.filter((pod) => !isOfJob(pod) && !isMadeByAny(pod, own));
  if (alone.length > 0) {
    return [
      fail(
        id,
        `Nothing would recreate these pods: the service restarts Deployments, StatefulSets and DaemonSets, and none of them owns: ${some(alone.map(ownerText))}.`,
        'Rely on what EKS reports, and replace them yourself once the association exists: --verification api ; or delete them, then plan again.',
        source,
      ),
    ];
  }
  const jobs = running.filter(isOfJob);
  return [
    ...(jobs.length > 0
      ? [
          warn(
            id,
            `Pods of Jobs are not restarted: ${some(jobs.map(ownerText))}. Those that still run when every other pod is verified keep the old identity until they end: the migration leaves them out, and a warning names them.`,
            'To have every pod verified, choose a time when no Job runs.',
            source,
          ),
        ]
      : []),
    ...(own.length > 0 ? [pass(id, `A rolling restart replaces the pods of ${some(own.map(nameOf))}.`)] : []),
    ...checkDisruption(facts, own),
  ];
}

/** Checks an annotation that is to be removed: whether it could be read, and which managers would set it again. */
export function checkAnnotation({ request, serviceAccount, accountMarks }: ServiceAccountFacts): Check[] {
  if (request.annotation !== 'remove') return [];
  const id = 'annotation';
  const what = `annotation eks.amazonaws.com/role-arn of ${subjectOf(request)}`;
  if (!serviceAccount)
    return [
      fail(
        id,
        `The ${what} could not be read, so it cannot be removed.`,
        `Give the service access to the API server (${grantCommand(request)}), or omit --annotation remove.`,
      ),
    ];
  // This service does not set it again either; it set the annotation when it restored it in a rollback. `owner-checks.ts`
  // reports the managers of known tools.
  const by = serviceAccount.annotatedBy.filter(
    (manager) =>
      !manager.startsWith('kubectl-annotate') &&
      manager !== SERVICE_MANAGER &&
      !(accountMarks && ownerByManager(manager) !== undefined),
  );
  if (by.length === 0) return [pass(id, `The ${what} is removed once the pods are verified.`)];
  return [
    warn(
      id,
      `The ${what} was set by ${some(by)}, which may set it again after its removal.`,
      'That does no harm, because the association takes precedence. Remove it from the tool that manages the service account too, or omit --annotation remove.',
      'Kubernetes documentation, "Server-Side Apply", "Field management"',
    ),
  ];
}
