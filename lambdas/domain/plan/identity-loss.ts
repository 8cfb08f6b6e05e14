/**
 * Service accounts that lose their AWS identity by the migration of an add-on. EKS gives an add-on's one IRSA role to
 * all service accounts that its software declares, such as a CSI driver's controller and its nodes, but takes
 * associations for some of them alone: with the role gone, EKS takes its annotation off the others too, and their next
 * pods fall back to the node role. A way that deletes the add-on's objects takes along what others have annotated. Who
 * they are is read from the API server, never from a list of add-ons.
 */
import { ownedOf, standaloneOf } from '../associations/associations.ts';
import { classifyPod, isLosable, NAME_LABEL } from '../verification/pod-identity.ts';
import type { AttributedServiceAccount, Pod } from '../kubernetes/objects.ts';
import type { Check, IdentityLoss, PlannedAssociation, PodIdentity, Attempt } from '../migration/model.ts';
import { shellCommand } from '../text/shell.ts';
import { fail, GUIDE, pass, unknown, warn } from './check.ts';
import type { AddonFacts } from './facts.ts';
import { removesSoftware } from './attempts.ts';

/** The name under which EKS applies an add-on's objects. Source: EKS User Guide, "Determine fields you can customize". */
const EKS_MANAGER = 'eks';

const SOURCE = `${GUIDE}, "IAM roles for Amazon EKS add-ons"; kubernetes-sigs/aws-efs-csi-driver#1759`;

type Seen = Pick<AddonFacts, 'addon' | 'namespace' | 'pods' | 'annotated' | 'roleUsers'>;

/** Whether a pod was admitted with that role by IRSA. */
const usesRole = (pod: Pod, roleArn: string): boolean =>
  pod.containers.some((container) => container.env['AWS_ROLE_ARN'] === roleArn);

const isLiving = ({ terminating, phase }: Pod): boolean => !terminating && phase !== 'Succeeded' && phase !== 'Failed';

/** What of a namespace tells whose a service account is. */
interface Namespace {
  pods: Pod[];
  annotated: readonly AttributedServiceAccount[];
  /** Values of `app.kubernetes.io/name` that the add-on's own objects carry. */
  names: ReadonlySet<string>;
}

function namespaceOf({ namespace, pods = [], annotated }: Seen, planned: readonly PlannedAssociation[]): Namespace {
  const accounts = new Set(ownedOf(planned).map((one) => one.serviceAccount));
  const living = pods.filter((pod) => pod.namespace === namespace && isLiving(pod));
  const seen = annotated && 'seen' in annotated ? annotated.seen : [];
  const labels = [
    ...living.filter((pod) => accounts.has(pod.serviceAccount)),
    ...seen.filter((one) => accounts.has(one.name)),
  ].flatMap((one) => one.labels[NAME_LABEL] ?? []);
  return { pods: living, annotated: seen, names: new Set(labels) };
}

/**
 * Whether EKS has given that annotation for this add-on. One that somebody else has set stays when the add-on loses its
 * role. Where other add-ons have the same role, the name that the objects carry tells whose it is; one without a name
 * is taken for this add-on's, since a block is put right sooner than a pod without rights.
 */
function isAnnotatedFor(account: AttributedServiceAccount, isShared: boolean, namespace: Namespace): boolean {
  const { annotatedBy } = account;
  if (annotatedBy.length === 0 || annotatedBy.some((manager) => manager !== EKS_MANAGER)) return false;
  return !isShared || nameOf(account, namespace) !== 'another';
}

/**
 * Whether other add-ons have that role, or may have; also by their associations: the role of one that migrates just now is
 * gone before the annotations of its service accounts are.
 */
const isRoleShared = (addonArn: string, roleArn: string, users: Seen['roleUsers']): boolean =>
  users?.addons === undefined ||
  users.addons.some((one) => one.roleArn === roleArn) ||
  users.associations.some((one) => one.roleArn === roleArn && one.ownerArn !== undefined && one.ownerArn !== addonArn);

/** Whether the objects of a service account carry the name of the add-on's own ones. */
function nameOf(account: AttributedServiceAccount, { pods, names }: Namespace): 'own' | 'another' | 'none' {
  const labels = [account, ...pods.filter((pod) => pod.serviceAccount === account.name)].flatMap(
    (one) => one.labels[NAME_LABEL] ?? [],
  );
  if (labels.length === 0) return 'none';
  return labels.some((label) => names.has(label)) ? 'own' : 'another';
}

/** What gives a service account its identity. */
interface Held {
  identity: PodIdentity;
  roleArn: string;
}

/**
 * Service accounts of the add-on that have its identity, by name, with what gives it to them; those for which the
 * add-on takes an association are left out. `roleUsers` tells who shares the role; absent: anybody may.
 * `deleted`: the add-on's objects are, and with its service accounts also the annotations that others have set.
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
    // Admitted with the role while their service account had it, or while nobody may see whether it has.
    const annotated = new Set(found.annotated.map((one) => one.name));
    for (const pod of found.pods)
      if (!annotated.has(pod.serviceAccount) && usesRole(pod, roleArn) && found.names.has(pod.labels[NAME_LABEL] ?? ''))
        holders.set(pod.serviceAccount, { identity: classifyPod(pod).identity, roleArn });
  }
  // An update replaces all that the add-on owns by what its form asks for.
  for (const one of roleUsers?.associations ?? [])
    if (one.ownerArn === addon.arn && one.namespace === namespace)
      holders.set(one.serviceAccount, { identity: 'pod-identity', roleArn: one.roleArn });
  for (const account of taken) holders.delete(account);
  return holders;
}

/** Service accounts whose pods lose their identity; those that have a standalone association, or are planned one, don't. */
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
        accepted: request.acceptIdentityLoss.includes(serviceAccount),
      };
    })
    .sort((a, b) => a.serviceAccount.localeCompare(b.serviceAccount));
}

/** The request as a command, with more of its options. */
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
    request.acceptedKeys.flatMap((key) => ['--accept-key', key]),
    request.acceptIdentityLoss.flatMap((account) => ['--accept-identity-loss', account]),
    request.verification === 'injected' ? undefined : ['--verification', request.verification],
    request.agent === 'require' ? undefined : ['--agent', request.agent],
    more,
  );
}

/** `open`: all losses that are neither accepted nor without pods, which one command names together. */
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
  const accept = again(
    facts,
    open.flatMap((one) => ['--accept-identity-loss', one.serviceAccount]),
  );
  return fail(
    id,
    message,
    `Create a standalone association for it in the same migration, with this role or another (in a request: roles): ${associate(open)} . If these pods need no AWS access, or the node role has every permission that they need, accept the loss (in a request: acceptIdentityLoss): ${accept}`,
    SOURCE,
  );
}

/** A check for each service account that loses its identity; nothing where none does. */
export function checkIdentityLoss(facts: AddonFacts, losses: readonly IdentityLoss[]): Check[] {
  const open = losses.filter(({ accepted, pods }) => !accepted && pods > 0);
  return losses.map((loss) => checkLoss(facts, loss, open));
}

/** Where the API server can't be read, nobody knows whether such a service account is the add-on's. */
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

/** Roles that were given for service accounts for which the add-on takes no association: those that have its identity. */
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
