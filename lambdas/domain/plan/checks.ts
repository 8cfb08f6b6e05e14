/**
 * The checks of a plan, each a function from the facts to a Check. `fail` and `unknown` block; `warn` does not.
 * Every message names what was found. Every remedy describes what to do, with a command if there is one.
 */
import { NAMESPACE_UNKNOWN } from '../addons/registry.ts';
import type { Check, PlannedAssociation } from '../migration/model.ts';
import { shellCommand } from '../text/shell.ts';
import { subjectOf } from '../migration/subject.ts';
import { fail, GUIDE, pass, unknown } from './check.ts';
import type { AddonFacts, Facts } from './facts.ts';

/** Checks that no other execution is working on the same subject, since it may change what the plan is based on. */
export function checkLock({ request, lock }: Facts): Check {
  const { target } = request;
  const what = `the lock on ${subjectOf(request)} of cluster ${target.cluster}`;
  if (!lock) return pass('lock-free', `No other run holds ${what}.`);
  const held = `Migration ${lock.migrationId} holds ${what} since ${lock.since} (execution ${lock.executionArn})`;
  if (lock.recovering)
    return fail(
      'lock-free',
      `${held}, and is putting back what that migration changed.`,
      'Wait some minutes, then start again.',
    );
  if (lock.running)
    return fail(
      'lock-free',
      `${held}, and is still running.`,
      `Wait until it has ended, then start again; or stop it: pod-identity cancel ${lock.migrationId}`,
    );
  if (lock.outcome === 'needs-human') {
    return fail(
      'lock-free',
      `${held}; it ended needs-human.`,
      `Bring it in order by the commands of its report, then free the lock: pod-identity rollback ${lock.migrationId}; or leave it as it is and free the lock: pod-identity release ${lock.migrationId}`,
    );
  }
  return fail(
    'lock-free',
    `${held}; that execution has stopped, and what it left behind is being put back.`,
    'Wait some minutes, then start again.',
  );
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
  // The credentials decide which account is read, not the request: both accounts may have a cluster of that name.
  const [, , , region, account] = cluster.arn.split(':');
  if (account !== target.account || region !== target.region) {
    return fail(
      'cluster-exists',
      `The cluster ${cluster.name} that can be seen is in ${region ?? ''} of account ${account ?? ''}, not in ${target.region} of account ${target.account}.`,
      'Correct --account and --region. A cluster of another account is reached by the roles that the service has there (docs/accounts.md).',
    );
  }
  if (cluster.status !== 'ACTIVE') {
    return fail(
      'cluster-exists',
      `Cluster ${cluster.name} is ${cluster.status}, not ACTIVE.`,
      'Wait until it is ACTIVE, then plan again.',
    );
  }
  return pass('cluster-exists', `Cluster ${cluster.name} is ACTIVE, Kubernetes ${cluster.version}.`);
}

export function checkInstalled({ request, addon }: AddonFacts): Check {
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

/** Checks an add-on whose namespace is not known. `wanted` are the associations that it would get in that namespace. */
export function checkNamespace({ request }: AddonFacts, wanted: readonly PlannedAssociation[]): Check {
  const { addon, target } = request;
  const associations = wanted.map(
    ({ serviceAccount, roleArn }) => `serviceAccount=${serviceAccount},roleArn=${roleArn}`,
  );
  const byHand =
    wanted.length === 0
      ? ''
      : ` Or move it without this service, since EKS knows the namespace itself: ${shellCommand(['aws', 'eks', 'update-addon', '--region', target.region, '--cluster-name', target.cluster, '--addon-name', addon, '--pod-identity-associations', ...associations])}`;
  return unknown(
    'addon-namespace',
    `Which namespace add-on ${addon} runs in is not known: ${NAMESPACE_UNKNOWN}.`,
    `Install a release of this service that knows the add-on, and plan again.${byHand}`,
    'DescribeAddon.namespaceConfig; DescribeAddonVersions.defaultNamespace',
  );
}

export function checkSupport({ request, addon, podIdentity, newerVersionWithPodIdentity, offered }: AddonFacts): Check {
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
      `Update it first, and keep IRSA while doing so: ${shellCommand(['aws', 'eks', 'update-addon', '--cluster-name', request.target.cluster, '--addon-name', request.addon], ['--addon-version', newerVersionWithPodIdentity], ['--service-account-role-arn', addon?.serviceAccountRoleArn ?? 'ROLE'])}`,
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
