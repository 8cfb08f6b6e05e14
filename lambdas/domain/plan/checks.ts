/**
 * The checks of a plan, each a function from the facts to a Check. `fail` and `unknown` block; `warn` does not.
 * Every message names what was found; every remedy says what to do, with the command where there is one.
 */
import { AGENT_ADDON } from '../addons.ts';
import { collectEvidence } from '../identity.ts';
import type { Check, PlannedAssociation } from '../model.ts';
import { fail, GUIDE, pass, unknown, warn } from './check.ts';
import type { Facts } from './facts.ts';

/** Another run on the same add-on: nothing is planned on ground that somebody else is moving. */
export function checkLock({ request, lock }: Facts): Check {
  const { target, addon } = request;
  const what = `the lock on ${addon} of cluster ${target.cluster}`;
  if (!lock) return pass('lock-free', `No other run holds ${what}.`);
  const held = `Migration ${lock.migrationId} holds ${what} since ${lock.since} (execution ${lock.executionArn})`;
  if (lock.recovering) return fail('lock-free', `${held}, and is putting back what that migration changed.`, 'Wait some minutes, then start again.');
  if (lock.running) return fail('lock-free', `${held}, and is still running.`, `Wait until it has ended, then start again; or stop it: pod-identity cancel ${lock.migrationId}`);
  if (lock.outcome === 'needs-human') {
    return fail('lock-free', `${held}; it ended needs-human.`, `Bring the add-on in order by the commands of its report, then free the lock: pod-identity rollback ${lock.migrationId}; or leave the add-on as it is and free the lock: pod-identity release ${lock.migrationId}`);
  }
  return fail('lock-free', `${held}; that execution has stopped, and what it left behind is being put back.`, 'Wait some minutes, then start again.');
}

export function checkCluster({ request, cluster }: Facts): Check {
  const { target } = request;
  if (!cluster) {
    return fail(
      'cluster-exists',
      `There is no cluster ${target.cluster} in ${target.region} of account ${target.account}.`,
      `Check --cluster, --region and --account; aws eks list-clusters --region ${target.region} lists what is there.`,
    );
  }
  if (cluster.status !== 'ACTIVE') {
    return fail('cluster-exists', `Cluster ${cluster.name} is ${cluster.status}, not ACTIVE.`, 'Wait until it is ACTIVE, then plan again.');
  }
  return pass('cluster-exists', `Cluster ${cluster.name} is ACTIVE, Kubernetes ${cluster.version}.`);
}

export function checkInstalled({ request, addon }: Facts): Check {
  const { target } = request;
  if (!addon) {
    return fail(
      'addon-installed',
      `Add-on ${request.addon} is not installed in cluster ${target.cluster}.`,
      `Check --addon; aws eks list-addons --cluster-name ${target.cluster} lists what is installed. Workloads that are no EKS add-on are not migrated by this command.`,
    );
  }
  if (addon.status !== 'ACTIVE') {
    const issues = addon.issues.map((issue) => `${issue.code}: ${issue.message}`).join('; ');
    return fail(
      'addon-installed',
      `Add-on ${addon.name} is ${addon.status}, not ACTIVE${issues ? ` (${issues})` : ''}.`,
      'Bring it back to ACTIVE first: a migration starts from a working add-on, so that there is something to go back to.',
    );
  }
  return pass('addon-installed', `Add-on ${addon.name} ${addon.version} is ACTIVE.`);
}

export function checkUsesIrsa({ addon }: Facts): Check {
  if (addon?.serviceAccountRoleArn) return pass('addon-uses-irsa', `It uses IRSA with ${addon.serviceAccountRoleArn}.`);
  return fail(
    'addon-uses-irsa',
    `Add-on ${addon?.name ?? ''} has no IRSA role: its pods use the node role.`,
    'Nothing to migrate from. To give it Pod Identity, update it with podIdentityAssociations.',
    `${GUIDE}, "Assign IAM roles to add-ons"`,
  );
}

export function checkSupport({ request, addon, podIdentity, newerVersionWithPodIdentity, offered }: Facts): Check {
  const source = `${GUIDE}, "Assign IAM roles to add-ons"; DescribeAddonConfiguration.podIdentityConfiguration`;
  const version = addon?.version ?? '';
  if (podIdentity.length > 0) {
    const accounts = podIdentity.map((one) => one.serviceAccount).join(', ');
    return pass('pod-identity-support', `Version ${version} takes Pod Identity associations for ${accounts}.`);
  }
  if (newerVersionWithPodIdentity !== undefined) {
    return fail(
      'pod-identity-support',
      `Version ${version} of ${request.addon} is too old for Pod Identity.`,
      `Update it first, and keep IRSA while doing so: aws eks update-addon --cluster-name ${request.target.cluster} --addon-name ${request.addon} --addon-version ${newerVersionWithPodIdentity} --service-account-role-arn ${addon?.serviceAccountRoleArn ?? 'ROLE'}`,
      source,
    );
  }
  return fail(
    'pod-identity-support',
    `Add-on ${request.addon} does not support Pod Identity${offered.length > 0 ? ` in any version offered for this cluster (newest: ${offered[0]?.version ?? ''})` : ''}.`,
    'Keep IRSA for it, and look again when a new version is out.',
    source,
  );
}

export function checkAgent({ request, cluster, agentAddon, agentWorkload, kubernetesError }: Facts): Check {
  const source = `${GUIDE}, "Set up the Amazon EKS Pod Identity Agent"`;
  if (cluster?.autoMode) return pass('agent', 'EKS Auto Mode has the Pod Identity agent built in.');
  if (!agentAddon && !agentWorkload) {
    return fail(
      'agent',
      `The Pod Identity agent is not installed in cluster ${request.target.cluster}${kubernetesError ? ' (as far as EKS knows; the API server could not be asked)' : ''}.`,
      `Install it and wait until it is ACTIVE: aws eks create-addon --cluster-name ${request.target.cluster} --addon-name ${AGENT_ADDON}`,
      source,
    );
  }
  if (agentAddon && agentAddon.status !== 'ACTIVE') {
    return fail('agent', `Add-on ${AGENT_ADDON} is ${agentAddon.status}, not ACTIVE.`, 'Bring it to ACTIVE first; pods on its nodes would get no credentials.', source);
  }
  if (agentWorkload && (agentWorkload.desired === 0 || agentWorkload.ready < agentWorkload.desired)) {
    return fail(
      'agent',
      `The Pod Identity agent is ready on ${agentWorkload.ready} of ${agentWorkload.desired} nodes.`,
      `Look at its pods: kubectl -n ${agentWorkload.namespace} get pods -l app.kubernetes.io/name=${AGENT_ADDON} -o wide`,
      source,
    );
  }
  const where = agentWorkload ? `ready on ${agentWorkload.ready} of ${agentWorkload.desired} nodes` : 'ACTIVE';
  return pass('agent', `The Pod Identity agent is ${where}.`);
}

export function checkKubernetes({ request, pods, kubernetesError }: Facts, planned: readonly PlannedAssociation[]): Check {
  if (!pods) {
    return unknown(
      'kubernetes-access',
      `The pods could not be read: ${kubernetesError ?? 'no answer from the API server'}`,
      `Give the service an access entry in cluster ${request.target.cluster} that may read pods, and check that its API server can be reached. Without it nobody can prove which identity the pods use.`,
      `${GUIDE}, "Grant IAM users access to Kubernetes with EKS access entries"`,
    );
  }
  const accounts = new Set(planned.map((one) => one.serviceAccount));
  const count = pods.filter((pod) => accounts.has(pod.serviceAccount) && !pod.terminating).length;
  if (count === 0) {
    return fail('kubernetes-access', `No pod runs with ${[...accounts].join(', ')}: there would be nothing to prove the migration on.`, 'Scale the add-on up, or check why it has no pods, then plan again.');
  }
  return pass('kubernetes-access', `${count} pods of the planned service accounts can be seen.`);
}

/** Pods of the add-on that use its role by IRSA but take no association: with the role gone they fall back to the node role. */
export function checkOtherServiceAccounts({ request, addon, pods }: Facts, planned: readonly PlannedAssociation[]): Check[] {
  const role = addon?.serviceAccountRoleArn;
  const evidence = collectEvidence(pods ?? [], new Set(planned.map((one) => one.serviceAccount)));
  const others = new Set(evidence.filter((pod) => pod.identity === 'not-applicable').map((pod) => pod.uid));
  const losing = (pods ?? []).filter((pod) => others.has(pod.uid) && pod.containers.some((container) => container.env['AWS_ROLE_ARN'] === role));
  const accounts = [...new Set(losing.map((pod) => pod.serviceAccount))];
  return accounts.map((serviceAccount) =>
    warn(
      'other-service-accounts',
      `Pods of ${request.addon} with service account ${serviceAccount} use ${role ?? ''} too, but the add-on takes no association for it: they will fall back to the node role.`,
      `If they call AWS, give them an association of their own first: aws eks create-pod-identity-association --cluster-name ${request.target.cluster} --namespace ${planned[0]?.namespace ?? ''} --service-account ${serviceAccount} --role-arn ${role ?? ''}`,
    ),
  );
}
