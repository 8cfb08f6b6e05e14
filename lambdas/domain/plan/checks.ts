/**
 * The checks of a plan, each a function from the facts to a Check. `fail` and `unknown` block; `warn` does not.
 * Every message names what was found; every remedy says what to do, with the command where there is one.
 */
import { parseRoleArn } from '../arn.ts';
import { AGENT_ADDON, knownAddon } from '../addons.ts';
import { collectEvidence } from '../identity.ts';
import type { Check, PlannedAssociation } from '../model.ts';
import { irsaRequest, podIdentityRequests, POD_IDENTITY_PRINCIPAL } from '../policy/contexts.ts';
import { parseTrustPolicy } from '../policy/document.ts';
import { evaluateTrust } from '../policy/evaluate.ts';
import type { Facts } from './facts.ts';

const GUIDE = 'EKS User Guide';

const pass = (id: string, message: string): Check => ({ id, status: 'pass', message });
const fail = (id: string, message: string, remedy: string, source?: string): Check => ({ id, status: 'fail', message, remedy, ...(source ? { source } : {}) });

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

export function checkRisk({ request }: Facts): Check {
  const known = knownAddon(request.addon);
  if (known && !known.needsIam) {
    return fail('addon-risk', `Add-on ${request.addon} needs no IAM permissions.`, 'There is nothing to migrate; leave it as it is.');
  }
  if (known?.risk === 'networking' && !request.preserve) {
    return fail(
      'addon-risk',
      `Deleting ${request.addon} would take the network away from new pods.`,
      'Add --preserve: EKS lets go of the add-on while its DaemonSet keeps running.',
      'aws-cloudformation/cloudformation-coverage-roadmap#1050',
    );
  }
  if (request.preserve) return pass('addon-risk', `The software of ${request.addon} keeps running (preserve).`);
  return {
    id: 'addon-risk',
    status: 'warn',
    message: `The software of ${request.addon} is down from the delete to the create.`,
    remedy: 'Choose a quiet time, or add --preserve: its software then keeps running, and its pods roll.',
    source: `${GUIDE}, "Remove an Amazon EKS add-on from a cluster"`,
  };
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

export function checkOffered({ request, addon, cluster, offered }: Facts): Check {
  if (offered.some((one) => one.version === addon?.version)) {
    return pass('version-offered', `Version ${addon?.version ?? ''} is still offered for Kubernetes ${cluster?.version ?? ''}.`);
  }
  const best = offered.find((one) => one.default)?.version ?? offered[0]?.version;
  return fail(
    'version-offered',
    `Version ${addon?.version ?? ''} of ${request.addon} is no longer offered for Kubernetes ${cluster?.version ?? ''}: once deleted it could not be created again.`,
    best
      ? `Update it to an offered version first (default: ${best}), keeping its role: aws eks update-addon --cluster-name ${request.target.cluster} --addon-name ${request.addon} --addon-version ${best} --service-account-role-arn ${addon?.serviceAccountRoleArn ?? 'ROLE'}`
      : 'EKS offers no version of it for this cluster; ask AWS Support before touching it.',
    'DescribeAddonVersions',
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

export function checkKubernetes({ request, pods, kubernetesError }: Facts, planned: PlannedAssociation[]): Check {
  if (!pods) {
    return {
      id: 'kubernetes-access',
      status: 'unknown',
      message: `The pods could not be read: ${kubernetesError ?? 'no answer from the API server'}`,
      remedy: `Give the service an access entry in cluster ${request.target.cluster} that may read pods, and check that its API server can be reached. Without it nobody can prove which identity the pods use.`,
      source: `${GUIDE}, "Grant IAM users access to Kubernetes with EKS access entries"`,
    };
  }
  const accounts = new Set(planned.map((one) => one.serviceAccount));
  const count = pods.filter((pod) => accounts.has(pod.serviceAccount) && !pod.terminating).length;
  if (count === 0) {
    return fail('kubernetes-access', `No pod runs with ${[...accounts].join(', ')}: there would be nothing to prove the migration on.`, 'Scale the add-on up, or check why it has no pods, then plan again.');
  }
  return pass('kubernetes-access', `${count} pods of the planned service accounts can be seen.`);
}

/** Pods of the add-on that use its role by IRSA but take no association: with the role gone they fall back to the node role. */
export function checkOtherServiceAccounts({ request, addon, pods }: Facts, planned: PlannedAssociation[]): Check[] {
  const role = addon?.serviceAccountRoleArn;
  const evidence = collectEvidence(pods ?? [], new Set(planned.map((one) => one.serviceAccount)));
  const others = new Set(evidence.filter((pod) => pod.identity === 'not-applicable').map((pod) => pod.uid));
  const losing = (pods ?? []).filter((pod) => others.has(pod.uid) && pod.containers.some((container) => container.env['AWS_ROLE_ARN'] === role));
  const accounts = [...new Set(losing.map((pod) => pod.serviceAccount))];
  return accounts.map((serviceAccount) => ({
    id: 'other-service-accounts',
    status: 'warn',
    message: `Pods of ${request.addon} with service account ${serviceAccount} use ${role ?? ''} too, but the add-on takes no association for it: they will fall back to the node role.`,
    remedy: `If they call AWS, give them an association of their own first: aws eks create-pod-identity-association --cluster-name ${request.target.cluster} --namespace ${planned[0]?.namespace ?? ''} --service-account ${serviceAccount} --role-arn ${role ?? ''}`,
  }));
}

/** Exists, lies in this account, and lets EKS Auth in: for one role and the service accounts that shall use it. */
export function checkRole(facts: Facts, roleArn: string, planned: PlannedAssociation[]): Check[] {
  const { target } = facts.request;
  const parsed = parseRoleArn(roleArn);
  if (!parsed || parsed.account !== target.account) {
    return [
      fail(
        'role-account',
        `Role ${roleArn} is not in the cluster's account ${target.account}.`,
        'Use a role of the cluster\'s own account; to reach another account, chain to it with targetRoleArn.',
        `${GUIDE}, "Access AWS resources using EKS Pod Identity target IAM roles"; EKS answers "Cross-account pass role is not allowed."`,
      ),
    ];
  }
  const found = facts.roles[roleArn];
  const here = pass('role-account', `Role ${parsed.name} is in the cluster's account.`);
  if (!found) {
    return [here, fail('role-exists', `IAM has no role ${roleArn}.`, `Check its name: aws iam get-role --role-name ${parsed.name}. Create it with a trust policy for ${POD_IDENTITY_PRINCIPAL}, or name another with --role-arn.`)];
  }
  const policy = parseTrustPolicy(found.trustPolicy);
  const source = `${GUIDE}, "Create IAM role with trust policy required by EKS Pod Identity"`;
  const trust = planned.map((one): Check => {
    const answers = podIdentityRequests(target, one.namespace, one.serviceAccount).map((request) => ({ request, ...evaluateTrust(policy, request) }));
    const bad = answers.filter((answer) => answer.verdict !== 'allowed');
    if (bad.length === 0) return pass('role-trust', `Role ${parsed.name} lets ${POD_IDENTITY_PRINCIPAL} in for ${one.namespace}/${one.serviceAccount} (sts:AssumeRole and sts:TagSession).`);
    const decided = bad.some((answer) => answer.verdict !== 'unknown');
    const reasons = bad.map((answer) => `${answer.request.action} is ${answer.verdict}: ${answer.reasons.join('; ')}`).join('. ');
    return {
      id: 'role-trust',
      status: decided ? 'fail' : 'unknown',
      message: `The trust policy of role ${parsed.name} ${decided ? 'does not let' : 'may not let'} ${POD_IDENTITY_PRINCIPAL} in for ${one.namespace}/${one.serviceAccount}. ${reasons}.`,
      remedy: `Add this statement to the role's trust policy and keep the others: ${JSON.stringify({ Effect: 'Allow', Principal: { Service: POD_IDENTITY_PRINCIPAL }, Action: ['sts:AssumeRole', 'sts:TagSession'] })}`,
      source,
    };
  });
  return [here, pass('role-exists', `Role ${parsed.name} exists.`), ...trust];
}

/** The way back: after a rollback the add-on's own role must let its pods in by OIDC again. */
export function checkWayBack(facts: Facts, planned: PlannedAssociation[]): Check {
  const { target } = facts.request;
  const roleArn = facts.addon?.serviceAccountRoleArn ?? '';
  const found = facts.roles[roleArn];
  const issuer = facts.cluster?.oidcIssuer;
  const remedy = 'The migration can go on, but a rollback would put back an IRSA role that does not work. Repair the OIDC statement first if you want a way back.';
  if (!found || !issuer) return { id: 'way-back', status: 'warn', message: issuer ? `The IRSA role ${roleArn} could not be read.` : 'The cluster shows no OIDC issuer.', remedy };
  const policy = parseTrustPolicy(found.trustPolicy);
  const closed = planned.filter((one) => evaluateTrust(policy, irsaRequest(target, issuer, one.namespace, one.serviceAccount)).verdict !== 'allowed');
  if (closed.length === 0) return pass('way-back', 'The OIDC trust stands, and stays: a rollback can go back to IRSA.');
  const names = closed.map((one) => `${one.namespace}/${one.serviceAccount}`).join(', ');
  return { id: 'way-back', status: 'warn', message: `The trust of ${roleArn} does not certainly let ${names} in by OIDC.`, remedy };
}
