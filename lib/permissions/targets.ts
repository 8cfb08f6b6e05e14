/** Rights of each step at its target: in EKS and in IAM. */
import { Aws } from 'aws-cdk-lib';
import { EVENT_SOURCE } from '../../lambdas/domain/events/service-event.ts';
import { matchesWildcard } from '../../lambdas/domain/policy/index.ts';
import type { StepName } from '../../lambdas/steps/schemas.ts';
import {
  ACCESS_ENTRIES,
  ADDONS,
  API_SERVER,
  assertGrants,
  ASSOCIATIONS,
  changeTrust,
  CLUSTERS,
  createAddon,
  createAssociations,
  deleteAddon,
  deleteAssociations,
  describeAddon,
  describeCluster,
  describeOffer,
  listVersions,
  getProvider,
  getRole,
  IDENTITY_CENTER_ROLES,
  listAddons,
  observe,
  ONLY_OUR_TAG,
  passRoles,
  POLICIES,
  readAssociations,
  readFargateProfiles,
  ROLES,
  tagAssociations,
  tagNew,
  updateAddon,
  updateAssociations,
} from './eks-grants.ts';
import { everyValue } from './every-value.ts';
import type { Grant } from './grant.ts';

export interface TargetOptions {
  /** ARN patterns of the roles that may be given to EKS and to pods. */
  passableRoleArns: string[];
  /** ARN patterns of the roles whose trust policy may be changed; undefined for none. */
  repairableRoleArns: string[] | undefined;
  /** Whether an approver's role is compared with the requester's, and sessions of one role may be two people. */
  comparesApprovers: boolean;
}

/** Why the OIDC provider is read before associations are deleted. */
const IRSA_WORKS = "checks that IAM has the OIDC provider of the cluster's issuer, without which IRSA does not work";

/** What a plan reads for a migration or for an inventory. */
const planGrants = (): Grant[] => [
  describeCluster("reads the cluster's version and OIDC issuer, and finds its API server"),
  listAddons('finds other add-ons that use the same roles'),
  ...observe('reads the add-on, its associations, and those that share its roles'),
  {
    actions: ['eks:ListAccessEntries'],
    resources: CLUSTERS,
    why: "finds the roles of the cluster's nodes, which fetch the credentials of the pods",
  },
  {
    actions: ['eks:ListCapabilities'],
    resources: CLUSTERS,
    why: 'finds which controllers AWS runs for the cluster, which revert changes and which no pod shows',
  },
  ...readFargateProfiles(
    'finds Fargate profiles that select the pods: EKS Pod Identity is not supported on AWS Fargate',
  ),
  {
    actions: ['eks:DescribeAccessEntry'],
    resources: ACCESS_ENTRIES,
    why: 'reads which access entries belong to nodes',
  },
  describeOffer(),
  getRole(
    ROLES,
    'evaluates the trust policy of the roles in question: also those outside of the allow-list, to explain what is wrong with them',
  ),
  getProvider(),
  {
    actions: ['iam:ListRolePolicies', 'iam:GetRolePolicy', 'iam:ListAttachedRolePolicies'],
    resources: ROLES,
    why: 'reads whether the roles in question assume others, which session tags can stop, and whether those of the nodes may fetch credentials for pods',
  },
  {
    actions: ['iam:GetPolicy', 'iam:GetPolicyVersion'],
    resources: POLICIES,
    why: 'reads the same in the customer managed policies of these roles',
  },
  {
    actions: ['iam:SimulatePrincipalPolicy'],
    resources: ROLES,
    why: 'checks whether the steps may make the calls of the migration and of its rollback, and whether the roles of the nodes may fetch credentials for pods',
  },
];

/** `covered` has patterns of roles that may be read anyway. */
const readApprovers = (isCompared: boolean, covered: readonly string[]): Grant[] => {
  const resources = IDENTITY_CENTER_ROLES.filter((role) => !covered.some((pattern) => matchesWildcard(pattern, role)));
  return isCompared && resources.length > 0
    ? [
        getRole(
          resources,
          'distinguishes approver and requester if both are users of IAM Identity Center with one role',
        ),
      ]
    : [];
};

export const targetGrants: Record<StepName, (options: TargetOptions) => Grant[]> = {
  plan: planGrants,
  // What they need is in the ledger.
  'request-approval': () => [],
  'await-window': () => [],
  pause: () => [],
  begin: ({ passableRoleArns, comparesApprovers }) => [
    describeCluster(
      "finds the address of the cluster's API server, from which it reads a service account that does not belong to an add-on, and reads the OIDC issuer",
    ),
    getProvider(),
    ...observe('checks that everything is as the plan found it, and takes the snapshot'),
    getRole(
      passableRoleArns,
      "stores the roles' trust policies in the snapshot, and compares those to be repaired with the plan",
    ),
    ...readApprovers(comparesApprovers, passableRoleArns),
  ],
  'install-agent': () => [
    describeAddon('checks whether the Pod Identity agent exists, and waits until it is active'),
    createAddon("installs the Pod Identity agent's add-on, which has no role, if the plan contains that"),
    describeCluster(
      "finds the address of the cluster's API server, from which it reads on how many nodes the agent is ready",
    ),
  ],
  'repair-trust': ({ repairableRoleArns }) => [
    ...assertGrants(),
    ...readAssociations('finds the association that shows that the service account has the role already'),
    ...changeTrust(repairableRoleArns),
  ],
  'delete-addon': () => [
    describeAddon('checks that the add-on is as the migration left it'),
    deleteAddon('deletes the add-on if the plan recreates it'),
    deleteAssociations("without preserve, EKS deletes the add-on's associations on the caller's behalf"),
  ],
  'await-deleted': () => [describeAddon('waits until the add-on is gone')],
  'create-addon': ({ passableRoleArns }) => [
    ...observe('finds its own earlier create whose response was lost, and the conflicting associations'),
    deleteAssociations(
      'deletes the conflicting associations of the planned service accounts directly before the create',
    ),
    createAddon('creates the add-on again, as it was, with associations'),
    createAssociations("EKS creates the add-on's associations on the caller's behalf"),
    tagNew('CreateAddon', ADDONS, 'creates the add-on with the tags that it had'),
    ...assertGrants(),
    ...passRoles(
      passableRoleArns,
      'gives the planned roles to the pods, with the associations of the add-on that it creates',
    ),
  ],
  'update-addon': ({ passableRoleArns }) => [
    ...observe('finds its own earlier update whose response was lost, and the conflicting associations'),
    updateAddon('gives the add-on associations instead of its role'),
    createAssociations("EKS creates the add-on's associations on the caller's behalf"),
    updateAssociations("EKS changes the role of those that the add-on owns on the caller's behalf"),
    // Nobody says whether EKS keeps an association that is given another role, or makes it again.
    deleteAssociations(
      "deletes conflicting associations directly before the update; and EKS may delete the add-on's own on the caller's behalf, to replace them",
    ),
    ...assertGrants(),
    ...passRoles(
      passableRoleArns,
      'gives the planned roles to the pods, with the associations of the add-on that it updates',
    ),
  ],
  'create-association': ({ passableRoleArns }) => [
    describeCluster(
      "finds the address of the cluster's API server, from which it reads the service account, and reads the OIDC issuer",
    ),
    getProvider(),
    ...readAssociations('finds its own earlier create whose response was lost, and third-party associations'),
    createAssociations(
      'associates a service account with its role: one that does not belong to an add-on, or one for which its add-on supports no association',
    ),
    tagNew(
      'CreatePodIdentityAssociation',
      ASSOCIATIONS,
      'tags that association with its migration, by which it recognizes it',
      ONLY_OUR_TAG,
    ),
    ...passRoles(passableRoleArns, 'gives the planned role to the pods, with the association that it creates'),
  ],
  'await-active': () => observe('waits until the add-on is active with its associations'),
  // It names no role; whether EKS wants the right to pass the one that the association has, nobody says. A target role
  // is assumed by the pods' role, and not passed.
  'carry-over': ({ passableRoleArns }) => [
    ...readAssociations('compares what the new associations have with what the old ones had'),
    updateAssociations('gives them the session tags of the old ones, which an add-on cannot set'),
    tagAssociations('gives them the tags of the old ones'),
    ...assertGrants(),
    ...passRoles(passableRoleArns, 'changes associations of these roles, which EKS may check'),
  ],
  'verify-pods': () => [
    describeCluster(API_SERVER),
    ...observe('checks that the add-on and its associations are as the previous step left them'),
  ],
  'restart-pods': () => [
    describeCluster("finds the address of the cluster's API server, which it calls to restart workloads"),
  ],
  'annotate-service-account': () => [
    describeCluster("finds the address of the cluster's API server, which it calls to change the service account"),
    ...readAssociations('checks that the association exists before it removes the annotation'),
  ],
  'assess-rollback': () => observe('reads the current state to decide the next action of the rollback'),
  'restore-addon': ({ passableRoleArns }) => [
    ...observe('reads again, and acts only if the same is still needed'),
    describeCluster('reads the OIDC issuer, to check that IRSA works before EKS deletes associations'),
    getProvider(IRSA_WORKS),
    updateAddon('restores the role of the add-on, and its former associations'),
    createAddon('creates the add-on again as it was before the migration'),
    deleteAddon('deletes a copy of the add-on that EKS could not create or delete'),
    createAssociations("EKS creates the add-on's former associations on the caller's behalf"),
    updateAssociations("EKS restores the former role of the remaining ones on the caller's behalf"),
    deleteAssociations(
      "deletes the migration's own associations; EKS does so on the caller's behalf with an add-on that it updates or deletes",
    ),
    tagNew('CreateAddon', ADDONS, 'creates the add-on with the tags that it had'),
    ...passRoles(passableRoleArns, "restores the add-on's IRSA role, and the roles of its former associations"),
  ],
  'restore-associations': ({ passableRoleArns }) => [
    describeCluster(
      "finds the address of the cluster's API server, from which it reads whether a service account still has its IRSA role",
    ),
    deleteAssociations('deletes the standalone associations that the migration created'),
    ...observe('compares the current state with the snapshot, and sends only what differs'),
    createAssociations('restores the standalone associations that the migration deleted'),
    ...passRoles(passableRoleArns, 'restores the roles of these associations'),
    getProvider(),
    updateAssociations("restores the target role, session policy and session tags of the add-on's own ones"),
    tagNew('CreatePodIdentityAssociation', ASSOCIATIONS, 'restores the tags of associations'),
  ],
  'take-over': ({ passableRoleArns }) => [
    describeCluster(
      "reads the OIDC issuer, with which it evaluates the IRSA role's trust before a rollback, and finds the cluster's API server",
    ),
    ...observe('checks before a rollback that no other principal has changed the add-on, or the association, since'),
    getRole(passableRoleArns, 'checks before a rollback that the IRSA role would still allow the pods'),
    getProvider(IRSA_WORKS),
  ],
  'find-stranded': () => [],
  finish: ({ repairableRoleArns }) => [
    describeCluster(
      "finds the address of the cluster's API server, to name the workloads in the commands for a person",
    ),
    ...observe('reads the state from which the commands for a person start'),
    listVersions('finds a version that those commands can create, since the cluster may have been upgraded'),
    ...(repairableRoleArns
      ? [getRole(repairableRoleArns, 'reads what a person would have to undo in a repaired trust policy')]
      : []),
  ],
  'publish-events': () => [
    {
      actions: ['events:PutEvents'],
      resources: [`arn:${Aws.PARTITION}:events:${Aws.REGION}:${Aws.ACCOUNT_ID}:event-bus/default`],
      // The key has the sources of all events of a call, so a comparison without `ForAllValues` would match if only one
      // matches.
      conditions: everyValue('StringEquals', { 'events:source': EVENT_SOURCE }),
      why: "puts the service's own events on the bus",
    },
  ],
  'diagnose-denial': () => [],
  'start-sweep': () => [],
  'begin-sweep': () => [],
  'take-inventory': () => [
    { actions: ['eks:ListClusters'], resources: ['*'], why: 'finds the clusters of a region' },
    ...planGrants(),
  ],
  'dispatch-sweep': () => [],
  'report-sweep': () => [],
  'retire-trust': ({ repairableRoleArns, comparesApprovers }) => [
    describeCluster("reads the OIDC issuer whose trust it removes, and finds the cluster's API server"),
    listAddons('finds everything in the cluster that could still need the trust'),
    ...observe('checks that the add-on is on Pod Identity, and that no other needs the trust'),
    ...changeTrust(repairableRoleArns),
    ...readApprovers(comparesApprovers, repairableRoleArns ?? []),
  ],
  api: () => [
    describeCluster("finds the API server of a cluster whose workloads' identities are requested"),
    listAddons('finds the add-ons of these workloads'),
    ...observe('reads these add-ons, and the associations of the workloads'),
    {
      actions: ['eks:DescribeAddonConfiguration'],
      resources: ['*'],
      why: "reads EKS's catalog: for which service accounts an add-on supports associations",
    },
    getRole(
      ROLES,
      'evaluates the trust policies of the roles that workloads use, and distinguishes approver and requester if both are users of IAM Identity Center',
    ),
  ],
};
