/**
 * Service accounts that lose their AWS identity in the migration of an add-on. EKS gives an add-on's single IRSA role to
 * all service accounts that its software declares, such as a CSI driver's controller and its nodes, but supports
 * associations for only some of them. Without the role, EKS removes its annotation from the others too, and their next
 * pods fall back to the node role. An attempt that deletes the add-on's objects also deletes annotations that other tools
 * have set. The affected service accounts are read from the API server, never from a list of add-ons.
 */
import { accepts, acceptWords, entryOf } from '../acceptance/accept.ts';
import { ownedOf, standaloneOf } from '../associations/associations.ts';
import { classifyPod, isLosable, NAME_LABEL } from '../verification/pod-identity.ts';
import type { AttributedServiceAccount, Pod } from '../kubernetes/objects.ts';
import { type Check, fail, GUIDE, pass, unknown, warn } from '../terms/check.ts';
import type { IdentityLoss, PlannedAssociation } from '../terms/planned.ts';
import type { PodIdentity } from '../terms/evidence.ts';
import type { Attempt } from '../record/plan.ts';
import { shellCommand } from '../text/shell.ts';
import type { AddonFacts } from './facts.ts';
import { seenIn } from '../terms/seen.ts';
import { removesSoftware } from './attempts.ts';

/** The field manager with which EKS applies an add-on's objects. Source: EKS User Guide, "Determine fields you can customize". */
const EKS_MANAGER = 'eks';

const SOURCE = `${GUIDE}, "IAM roles for Amazon EKS add-ons"; kubernetes-sigs/aws-efs-csi-driver#1759`;

type Seen = Pick<AddonFacts, 'addon' | 'namespace' | 'pods' | 'annotated' | 'roleUsers'>;

/** Returns whether a pod was admitted with the role through IRSA: the variable alone has no effect. */
const usesRole = (pod: Pod, roleArn: string): boolean =>
  pod.containers.some((container) => container.env['AWS_ROLE_ARN'] === roleArn) &&
  classifyPod(pod).identity !== 'node-role';

const isLiving = ({ terminating, phase }: Pod): boolean => !terminating && phase !== 'Succeeded' && phase !== 'Failed';

/** The facts of a namespace that show which add-on owns a service account. */
interface Namespace {
  pods: Pod[];
  annotated: readonly AttributedServiceAccount[];
  /** Values of `app.kubernetes.io/name` that the add-on's own objects carry. */
  names: ReadonlySet<string>;
}

function namespaceOf({ namespace, pods = [], annotated }: Seen, planned: readonly PlannedAssociation[]): Namespace {
  const accounts = new Set(ownedOf(planned).map((one) => one.serviceAccount));
  const living = pods.filter((pod) => pod.namespace === namespace && isLiving(pod));
  const seen = seenIn(annotated) ?? [];
  const labels = [
    ...living.filter((pod) => accounts.has(pod.serviceAccount)),
    ...seen.filter((one) => accounts.has(one.name)),
  ].flatMap((one) => one.labels[NAME_LABEL] ?? []);
  return { pods: living, annotated: seen, names: new Set(labels) };
}

/**
 * Returns whether EKS has set the annotation for this add-on. An annotation that another manager has set stays when the
 * add-on loses its role. If other add-ons have the same role, the name label of the objects decides. A service account
 * without the label counts as this add-on's, since a blocked plan does less harm than a pod without permissions.
 */
function isAnnotatedFor(account: AttributedServiceAccount, isShared: boolean, namespace: Namespace): boolean {
  const { annotatedBy } = account;
  if (annotatedBy.length === 0 || annotatedBy.some((manager) => manager !== EKS_MANAGER)) return false;
  return !isShared || nameOf(account, namespace) !== 'another';
}

/**
 * Returns whether other add-ons have the role, or may have it. Their associations count too: an add-on that is being
 * migrated loses its role before its service accounts lose their annotations.
 */
const isRoleShared = (addonArn: string, roleArn: string, users: Seen['roleUsers']): boolean =>
  users?.addons === undefined ||
  users.addons.some((one) => one.roleArn === roleArn) ||
  users.associations.some((one) => one.roleArn === roleArn && one.ownerArn !== undefined && one.ownerArn !== addonArn);

/** Returns whether the objects of a service account have the same name label as the add-on's. */
function nameOf(account: AttributedServiceAccount, { pods, names }: Namespace): 'own' | 'another' | 'none' {
  const labels = [account, ...pods.filter((pod) => pod.serviceAccount === account.name)].flatMap(
    (one) => one.labels[NAME_LABEL] ?? [],
  );
  if (labels.length === 0) return 'none';
  return labels.some((label) => names.has(label)) ? 'own' : 'another';
}

/** The sources of a service account's identity. */
interface Held {
  identity: PodIdentity;
  roleArn: string;
}

/**
 * Returns the service accounts of the add-on that have its identity, by name, with its sources, except those for which
 * the add-on supports an association. `roleUsers` shows who shares the role; if absent, any add-on may. `deleted`: the
 * add-on's objects are deleted, including annotations on its service accounts that other managers have set.
 */
export function identityHolders(
  facts: Seen,
  planned: readonly PlannedAssociation[],
  { deleted }: { deleted: boolean },
): Map<string, Held> {
  const { addon, namespace, roleUsers } = facts;
  const holders = new Map<string, Held>();
  if (!addon) return holders;
  const roleArn = addon.serviceAccountRoleArn;
  const taken = new Set(ownedOf(planned).map((one) => one.serviceAccount));
  const found = namespaceOf(facts, planned);
  if (roleArn !== undefined) {
    const isShared = isRoleShared(addon.arn, roleArn, roleUsers);
    for (const account of found.annotated)
      if (
        (account.roleArn === roleArn && isAnnotatedFor(account, isShared, found)) ||
        (deleted && nameOf(account, found) === 'own')
      )
        holders.set(account.name, { identity: 'irsa', roleArn: account.roleArn });
    // Pods admitted with the role while their service account had it, or while that cannot be read.
    const annotated = new Set(found.annotated.map((one) => one.name));
    for (const pod of found.pods)
      if (!annotated.has(pod.serviceAccount) && usesRole(pod, roleArn) && found.names.has(pod.labels[NAME_LABEL] ?? ''))
        holders.set(pod.serviceAccount, { identity: classifyPod(pod).identity, roleArn });
  }
  // An update replaces all associations that the add-on owns by those in its request.
  for (const one of roleUsers?.associations ?? [])
    if (one.ownerArn === addon.arn && one.namespace === namespace)
      holders.set(one.serviceAccount, { identity: 'pod-identity', roleArn: one.roleArn });
  for (const account of taken) holders.delete(account);
  return holders;
}

/** Returns the service accounts whose pods lose their identity, which excludes those with a current or planned standalone association. */
export function identityLosses(
  facts: AddonFacts,
  planned: readonly PlannedAssociation[],
  attempts: readonly Attempt[],
): IdentityLoss[] {
  const { addon, namespace, request, pods = [], bystanderAssociations } = facts;
  if (namespace === undefined) return [];
  const kept = new Set([
    ...standaloneOf(planned).map((one) => one.serviceAccount),
    ...bystanderAssociations.filter((one) => one.ownerArn !== addon?.arn).map((one) => one.serviceAccount),
  ]);
  return [...identityHolders(facts, planned, { deleted: attempts.some(removesSoftware) })]
    .filter(([serviceAccount]) => !kept.has(serviceAccount))
    .map(([serviceAccount, held]) => {
      const own = pods.filter(
        (pod) => pod.namespace === namespace && pod.serviceAccount === serviceAccount && isLiving(pod),
      );
      const shown = own.map((pod) => classifyPod(pod).identity).find((identity) => isLosable(identity));
      return {
        namespace,
        serviceAccount,
        roleArn: held.roleArn,
        identity: shown ?? held.identity,
        pods: own.length,
        accepted: accepts(request, 'identity-loss', serviceAccount),
      };
    })
    .sort((a, b) => a.serviceAccount.localeCompare(b.serviceAccount));
}

/** Returns the request as a command, with additional options. */
function again({ request }: AddonFacts, more: string[]): string {
  const { target, addon, strategy, preserve, maxDisruption, resolveConflicts, roleArn, roles } = request;
  return shellCommand(
    ['pod-identity', 'migrate', '--account', target.account, '--region', target.region],
    ['--cluster', target.cluster, '--addon', addon],
    strategy === 'auto' ? undefined : ['--strategy', strategy],
    preserve ? ['--preserve'] : undefined,
    maxDisruption && ['--max-disruption', maxDisruption],
    resolveConflicts && ['--resolve-conflicts', resolveConflicts],
    roleArn === undefined ? undefined : ['--role-arn', roleArn],
    Object.entries(roles).flatMap(([account, arn]) => ['--role', `${account}=${arn}`]),
    request.trust === 'validate' ? undefined : ['--trust', request.trust],
    request.iac && ['--iac', request.iac],
    acceptWords(request.accept),
    request.verification === 'ready' ? undefined : ['--verification', request.verification],
    request.agent === 'require' ? undefined : ['--agent', request.agent],
    more,
    ['--deployed'],
  );
}

/** `open` are all losses that have pods and are not accepted. One command accepts them together. */
function checkLoss(facts: AddonFacts, loss: IdentityLoss, open: readonly IdentityLoss[]): Check {
  const { namespace, serviceAccount, roleArn, identity, pods, accepted } = loss;
  const id = 'identity-loss';
  const count = `${pods} pod${pods === 1 ? '' : 's'}`;
  const message = `${count} with service account ${namespace}/${serviceAccount} will change from ${identity} to node-role: the service account has role ${roleArn} through ${facts.request.addon}, which supports no association for it.`;
  const associate = (losses: readonly IdentityLoss[]): string =>
    again(
      facts,
      losses.flatMap((one) => ['--role', `${one.serviceAccount}=${one.roleArn}`]),
    );
  if (accepted)
    return warn(
      id,
      `${message} The request accepts this.`,
      'Make sure that the node role has every permission that these pods need.',
      SOURCE,
    );
  if (pods === 0)
    return warn(
      id,
      `${message} No pod uses the service account now.`,
      `If its pods will need AWS access, create a standalone association for it in the same migration: ${associate([loss])}`,
      SOURCE,
    );
  const accept = again(facts, acceptWords(open.map((one) => entryOf('identity-loss', one.serviceAccount))));
  return fail(
    id,
    message,
    `Create a standalone association for it in the same migration, with this role or another (in a request: roles): ${associate(open)} . If these pods need no AWS access, or the node role has every permission that they need, accept the loss (in a request: accept): ${accept}`,
    SOURCE,
  );
}

/** Returns a check for each service account that loses its identity. */
export function checkIdentityLoss(facts: AddonFacts, losses: readonly IdentityLoss[]): Check[] {
  const open = losses.filter(({ accepted, pods }) => !accepted && pods > 0);
  return losses.map((loss) => checkLoss(facts, loss, open));
}

/** Without the API server it is not known whether a service account belongs to the add-on. */
function checkUnseenStandalone(
  { request, pods, kubernetesError }: AddonFacts,
  serviceAccount: string,
): Check | undefined {
  if (pods) return undefined;
  const say = request.verification === 'api' ? warn : unknown;
  return say(
    'role-service-accounts',
    `A role was given for service account ${serviceAccount}, for which ${request.addon} supports no association; it gets a standalone association. Whether it is a service account of the add-on could not be read: ${kubernetesError ?? 'no answer from the API server'}`,
    `Check its name in the list of service accounts: kubectl get serviceaccounts --all-namespaces`,
    SOURCE,
  );
}

/** Returns the requested roles for service accounts that have the add-on's identity and are not supported by its version. */
export function checkStandalone(facts: AddonFacts, planned: readonly PlannedAssociation[]): Check[] {
  const { request, podIdentity } = facts;
  const holders = identityHolders(facts, planned, { deleted: true });
  const accounts = podIdentity.map((one) => one.serviceAccount);
  return standaloneOf(planned).map(({ namespace, serviceAccount, roleArn }) => {
    const unseen = checkUnseenStandalone(facts, serviceAccount);
    if (unseen) return unseen;
    if (holders.has(serviceAccount))
      return pass(
        'role-service-accounts',
        `${namespace}/${serviceAccount} has the role of ${request.addon}, which supports no association for it: it gets a standalone association with role ${roleArn}.`,
      );
    const names = [...new Set([...accounts, ...holders.keys()])];
    return fail(
      'role-service-accounts',
      `A role was given for service account ${serviceAccount}, for which ${request.addon} supports no association and which does not have the add-on's role.`,
      `Name one of: ${names.join(', ') || 'none'}.`,
    );
  });
}
