/**
 * The checks of a plan, each a function from the facts to a Check. `fail` and `unknown` block; `warn` does not.
 * Every message names what was found. Every remedy describes what to do, with a command if there is one.
 */
import { isNetworking, NAMESPACE_UNKNOWN } from '../addons/registry.ts';
import { eksCommand, eksRegionCommand } from '../commands/eks.ts';
import { type Check, fail, GUIDE, keepIrsa, pass, unknown } from '../terms/check.ts';
import type { PlannedAssociation } from '../terms/planned.ts';
import { shellCommand } from '../text/shell.ts';
import { subjectOf } from '../terms/subject.ts';
import type { AddonFacts, Facts } from './facts.ts';

/**
 * Checks that no other execution is working on the same subject, since it may change what the plan is based on. Without a
 * deployed service there is no ledger with locks to check.
 */
export const checkLocks = (facts: Facts): Check[] => (facts.preview ? [] : [checkLock(facts)]);

function checkLock({ request, lock }: Facts): Check {
  const { target } = request;
  const what = `the lock on ${subjectOf(request)} of cluster ${target.cluster}`;
  if (!lock) return pass('lock-free', `No other run holds ${what}.`);
  const held = `Migration ${lock.migrationId} has held ${what} since ${lock.since} (execution ${lock.executionArn})`;
  if (lock.recovering)
    return fail(
      'lock-free',
      `${held}, and its changes are being rolled back.`,
      'Wait a few minutes, then start again.',
    );
  if (lock.running)
    return fail(
      'lock-free',
      `${held}, and is still running.`,
      `Wait until it has ended, then start again; or stop it: pod-identity cancel ${lock.migrationId} --deployed`,
    );
  if (lock.outcome === 'needs-human') {
    return fail(
      'lock-free',
      `${held}; it ended needs-human.`,
      `Repair it with the commands in its report, then release the lock: pod-identity rollback ${lock.migrationId} --deployed ; or leave everything as it is and release the lock: pod-identity release ${lock.migrationId} --deployed`,
    );
  }
  return fail(
    'lock-free',
    `${held}; that execution has stopped, and its changes are being rolled back.`,
    'Wait a few minutes, then start again.',
  );
}

export function checkCluster({ request, cluster }: Facts): Check {
  const { target } = request;
  if (!cluster) {
    return fail(
      'cluster-exists',
      `Cluster ${target.cluster} does not exist in ${target.region} of account ${target.account}.`,
      `Check --cluster, --region and --account; list the clusters: ${eksRegionCommand(target, 'list-clusters')}`,
    );
  }
  // The credentials decide which account is read, not the request: both accounts may have a cluster of that name.
  const [, , , region, account] = cluster.arn.split(':');
  if (account !== target.account || region !== target.region) {
    return fail(
      'cluster-exists',
      `The cluster ${cluster.name} that was found is in ${region ?? ''} of account ${account ?? ''}, not in ${target.region} of account ${target.account}.`,
      "Correct --account and --region. A cluster in another account is reached through the service's roles in that account (docs/accounts.md).",
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
      `Check --addon; list the installed add-ons: ${eksCommand(target, 'list-addons')} . For a workload that is not an EKS add-on, use migrate-workload.`,
    );
  }
  if (addon.status !== 'ACTIVE') {
    const issues = addon.issues.map((issue) => `${issue.code}: ${issue.message}`).join('; ');
    return fail(
      'addon-installed',
      `Add-on ${addon.name} is ${addon.status}, not ACTIVE${issues ? ` (${issues})` : ''}.`,
      'Get it back to ACTIVE first: a migration starts from a working add-on, so that a rollback has a working state to restore.',
    );
  }
  return pass('addon-installed', `Add-on ${addon.name} ${addon.version} is ACTIVE.`);
}

export function checkUsesIrsa({ addon }: Facts): Check {
  if (addon?.serviceAccountRoleArn)
    return pass('addon-uses-irsa', `The add-on uses IRSA with role ${addon.serviceAccountRoleArn}.`);
  return fail(
    'addon-uses-irsa',
    `Add-on ${addon?.name ?? ''} has no IRSA role: its pods use the node role.`,
    'There is nothing to migrate. To give it Pod Identity, update it with podIdentityAssociations.',
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
      : ` Or migrate it without this service, because EKS itself knows the namespace: ${eksCommand(target, 'update-addon', ['--addon-name', addon, '--pod-identity-associations', ...associations])}`;
  return unknown(
    'addon-namespace',
    `The namespace of add-on ${addon} is not known: ${NAMESPACE_UNKNOWN}.`,
    `Install a release of this service that knows the add-on, and plan again.${byHand}`,
    'DescribeAddon.namespaceConfig; DescribeAddonVersions.defaultNamespace',
  );
}

/**
 * Returns the command that updates an add-on to a version. It names the add-on's role, since an update without it removes
 * the role, and preserves what others have changed (EKS API Reference, UpdateAddon).
 */
export const updateCommand = (
  { target, addon: name }: AddonFacts['request'],
  addon: AddonFacts['addon'],
  version: string,
): string =>
  eksCommand(
    target,
    'update-addon',
    ['--addon-name', name],
    ['--addon-version', version],
    addon?.serviceAccountRoleArn === undefined
      ? undefined
      : ['--service-account-role-arn', addon.serviceAccountRoleArn],
    ['--resolve-conflicts', 'PRESERVE'],
  );

export function checkSupport({ request, addon, podIdentity, newerVersionWithPodIdentity, offered }: AddonFacts): Check {
  const source = `${GUIDE}, "Assign IAM roles to add-ons"; DescribeAddonConfiguration.podIdentityConfiguration`;
  const version = addon?.version ?? '';
  if (podIdentity.length > 0) {
    const accounts = podIdentity.map((one) => one.serviceAccount).join(', ');
    return pass('pod-identity-support', `Version ${version} supports Pod Identity associations for ${accounts}.`);
  }
  if (newerVersionWithPodIdentity !== undefined) {
    const { region, cluster } = request.target;
    const waiting = shellCommand(
      ['aws', 'eks', 'wait', 'addon-active', '--region', region],
      ['--cluster-name', cluster, '--addon-name', request.addon],
    );
    return fail(
      'pod-identity-support',
      `Version ${version} of ${request.addon} is too old for Pod Identity; ${newerVersionWithPodIdentity} supports it.`,
      `Update it first${addon?.serviceAccountRoleArn === undefined ? '' : ', keeping IRSA'}: ${updateCommand(request, addon, newerVersionWithPodIdentity)} ; wait until it is ACTIVE: ${waiting} ; then plan again.${isNetworking(request.addon) ? ' AWS recommends updating this add-on one minor version at a time.' : ''}`,
      source,
    );
  }
  // Without an IRSA role there is nothing to keep.
  const judged = addon?.serviceAccountRoleArn === undefined ? fail : keepIrsa;
  return judged(
    'pod-identity-support',
    `Add-on ${request.addon} does not support Pod Identity${offered.length > 0 ? ` in any version offered for this cluster (newest: ${offered[0]?.version ?? ''})` : ''}.`,
    addon?.serviceAccountRoleArn === undefined
      ? 'Plan again when a version that supports it is released.'
      : 'Keep IRSA for it, and plan again when a version that supports Pod Identity is released.',
    source,
  );
}
