/**
 * A scenario: the AWS accounts, roles and clusters that a sandbox starts with, and how its AWS behaves where nobody
 * knows for sure. This schema is what a scenario file is checked by; `load.ts` reads the file and builds the world.
 * `scripts/scenario-schema.ts` publishes it, with the descriptions, as sandbox/scenario.schema.json and in
 * docs/sandbox.md.
 */
import { z } from 'zod';
import { accountId, addonName, clusterName, regionName, roleArn } from '../../lambdas/domain/model.ts';
import { namespaceName } from '../../lambdas/domain/names.ts';
import { fault } from './faults.ts';
import { knobs } from './knobs.ts';
import { clusterOidcProvider, oidcProvider } from './scenario-oidc.ts';
import { readySeconds } from './knob.ts';
import { throttle } from './throttles.ts';
import {
  accessEntry,
  clusterTags,
  customResource,
  extraEnv,
  fargateProfile,
  nodeGroup,
  rbacObject,
  tags,
  timestamp,
  workload,
} from './scenario-cluster.ts';
import { autoscaler, disruptionBudget, nodeLoss } from './scenario-churn.ts';

export { knobs } from './knobs.ts';
export type { Knobs } from './knobs.ts';

const policyDocument = z.union([z.string(), z.record(z.string(), z.unknown())]);

const inlinePolicy = z
  .strictObject({
    name: z
      .string()
      .regex(/^[\w+=,.@-]{1,128}$/, 'must be a policy name: letters, digits and any of _+=,.@-, at most 128')
      .describe('Name of the policy.'),
    document: policyDocument.describe('The policy: an object, or its JSON text.'),
  })
  .meta({ id: 'InlinePolicy', description: 'A policy that is part of a role.' });

const managedPolicyArn = z
  .string()
  .regex(
    /^arn:aws(-[a-z]+)*:iam::(\d{12}|aws):policy\/[\w+=,.@/-]+$/,
    'must be the ARN of a managed policy, such as arn:aws:iam::aws:policy/ReadOnlyAccess',
  )
  .describe("ARN of a managed policy: AWS's, or the account's own.");
const managedPolicyDocument = policyDocument
  .optional()
  .describe(
    "What it says: an object, or its JSON text. Needed for the account's own; one of AWS's without it allows nothing.",
  );

const attachedPolicy = z
  .strictObject({ arn: managedPolicyArn, document: managedPolicyDocument })
  .meta({ id: 'AttachedPolicy', description: 'A managed policy that a role has.' });

const permissionsBoundary = z.strictObject({ arn: managedPolicyArn, document: managedPolicyDocument }).meta({
  id: 'PermissionsBoundary',
  description: "A managed policy that bounds what a role's own policies allow: the role may do what both allow.",
});

const role = z
  .strictObject({
    arn: roleArn.describe('ARN of the role, with its path.'),
    trustPolicy: policyDocument.describe('The trust policy: an object, or its JSON text.'),
    policies: z.array(inlinePolicy).default([]).describe('Its inline policies.'),
    attachedPolicies: z.array(attachedPolicy).default([]).describe('Its managed policies.'),
    permissionsBoundary: permissionsBoundary
      .optional()
      .describe('Its permissions boundary; where it is left out, nothing bounds its policies.'),
    tags: tags.default({}).describe('Tags.'),
    createdAt: timestamp
      .default('2024-01-01T00:00:00.000Z')
      .describe('When it was created; see the knob `iamLagSeconds`.'),
  })
  .meta({ id: 'Role', description: 'An IAM role.' });

const association = z
  .strictObject({
    id: z
      .string()
      .regex(/^a-[a-z0-9]{17}$/, 'must be a- and 17 lower-case letters or digits')
      .optional()
      .describe('Made from the seed where it is left out.'),
    namespace: z.string().min(1).describe('Namespace of the service account.'),
    serviceAccount: z.string().min(1).describe('Name of the service account; neither has to exist.'),
    roleArn: roleArn.describe("The role, of the cluster's account."),
    owner: addonName.optional().describe('Name of the add-on that owns it; standalone where it is left out.'),
    targetRoleArn: roleArn.optional().describe('A role of any account that the first one goes on to.'),
    disableSessionTags: z.boolean().optional().describe('Whether EKS leaves its session tags out.'),
    policy: z.string().optional().describe('Session policy, JSON text; wants `disableSessionTags` true.'),
    tags: tags.default({}).describe('Tags.'),
    createdAt: timestamp.describe('When it was created: only pods that are younger have it.'),
  })
  .meta({ id: 'Association', description: 'A Pod Identity association.' });

const modifiedField = z
  .strictObject({
    field: z
      .string()
      .regex(
        /^[A-Z]\w*(\.[\w.-]+)? [\w.:-]+ - \.\S+$/,
        'must name kind, object and field as EKS does in a conflict, such as "Deployment.apps ebs-csi-controller - .spec.replicas"',
      )
      .describe('As EKS names it in a conflict: `Deployment.apps ebs-csi-controller - .spec.replicas`.'),
    manager: z.string().min(1).describe('The field manager that owns it: `kubectl-edit`, `helm`, …'),
    subresource: z
      .literal('scale')
      .optional()
      .describe(
        'The subresource that it was set through; none: the object itself. A HorizontalPodAutoscaler sets `.spec.replicas` through `scale`, as `kube-controller-manager`.',
      ),
    value: z
      .unknown()
      .optional()
      .describe(
        'Its value, for a field of a workload. Where it is left out, it is as EKS would set it, which makes no other difference.',
      ),
  })
  .meta({
    id: 'ModifiedField',
    description: "A field of an add-on's object to which somebody else gave another value than EKS would.",
  });

const installedAddon = z
  .strictObject({
    name: addonName.describe("One of the sandbox's catalogue (`sandbox/catalog`)."),
    version: z.string().min(1).describe('One of the versions that the catalogue has of it.'),
    namespace: namespaceName
      .optional()
      .describe("The namespace that was chosen when it was created; none: the catalogue's default."),
    status: z
      .enum(['ACTIVE', 'DEGRADED', 'CREATE_FAILED', 'UPDATE_FAILED', 'CREATING', 'UPDATING', 'DELETING'])
      .default('ACTIVE')
      .describe('A passing status (CREATING, UPDATING, DELETING) stays: nothing has been started that would end it.'),
    serviceAccountRoleArn: roleArn
      .optional()
      .describe("Its IRSA role, of the cluster's account; none: its pods use the role of their node."),
    configurationValues: z.string().optional().describe('The raw text, JSON or YAML.'),
    modifiedFields: z
      .array(modifiedField)
      .optional()
      .describe(
        'Fields that other managers own, as `metadata.managedFields` shows: an update, and a create over preserved objects, fails because of them with resolveConflicts NONE.',
      ),
    extraEnv: z.array(extraEnv).optional().describe('Environment variables that people have added to its containers.'),
    nodeSelector: z
      .record(z.string(), z.string())
      .optional()
      .describe('Labels of the nodes that the pods of its Deployments run on, as people set them.'),
    replicas: z
      .number()
      .int()
      .min(1)
      .max(5000)
      .optional()
      .describe("Pods of each of its Deployments and StatefulSets, as people set them; the catalogue's default."),
    readySeconds: readySeconds
      .optional()
      .describe('From the creation of one of its pods to its readiness; the knob `podReadySeconds`.'),
    tags: tags.default({}).describe('Tags.'),
    createdAt: timestamp.describe('When it was created.'),
    podsCreatedAt: timestamp
      .optional()
      .describe(
        "When its pods were created: an association that is younger is not in them. Where it is left out: the add-on's own time.",
      ),
  })
  .meta({
    id: 'Addon',
    description: 'An installed EKS add-on. Its associations stand in the list of the cluster, with its name as owner.',
  });

const cluster = z
  .strictObject({
    name: clusterName.describe('Name of the cluster.'),
    region: regionName.describe('AWS region.'),
    version: z
      .string()
      .regex(/^1\.\d{2}$/, 'must be a Kubernetes version such as 1.31')
      .describe('Kubernetes version; the catalogue knows 1.29 to 1.35.'),
    platformVersion: z.string().default('eks.12').describe('Platform version of EKS.'),
    status: z
      .enum(['ACTIVE', 'CREATING', 'UPDATING', 'DELETING', 'FAILED'])
      .default('ACTIVE')
      .describe('What DescribeCluster says; it stays.'),
    createdAt: timestamp.default('2024-06-01T00:00:00.000Z').describe('When it was created; its nodes are as old.'),
    oidcId: z
      .string()
      .regex(/^[0-9A-F]{32}$/, 'must be 32 upper-case hexadecimal digits')
      .optional()
      .describe('The 32 characters behind `oidc.eks.REGION.amazonaws.com/id/`; none: the cluster shows no issuer.'),
    oidcProvider: clusterOidcProvider,
    apiServer: z
      .enum(['reachable', 'unreachable'])
      .default('reachable')
      .describe(
        'Whether its API server can be reached from outside. `unreachable`: a connection gets no answer and runs into the time-out of whoever makes it, as behind a firewall; EKS itself still reaches it.',
      ),
    autoMode: z.boolean().default(false).describe('EKS Auto Mode: the Pod Identity agent is built in.'),
    authenticationMode: z
      .enum(['API', 'API_AND_CONFIG_MAP', 'CONFIG_MAP'])
      .default('API_AND_CONFIG_MAP')
      .describe(
        'How it lets callers in. With `CONFIG_MAP` EKS shows and changes no access entries: `accessEntries` then stand for what the ConfigMap aws-auth says.',
      ),
    nodes: z
      .union([z.number().int().min(0).max(5000), z.array(nodeGroup)])
      .default(2)
      .describe(
        'Its nodes: how many there are, all ready, on Linux, and on EC2 (with Auto Mode: of that); or groups of them.',
      ),
    fargateProfiles: z
      .array(fargateProfile)
      .optional()
      .describe('Which pods run on Fargate, the first that fits; none where it is left out.'),
    nodeLosses: z.array(nodeLoss).default([]).describe('Nodes that get lost, before the sandbox opens or later.'),
    disruptionBudgets: z.array(disruptionBudget).default([]).describe('Its PodDisruptionBudgets.'),
    autoscalers: z.array(autoscaler).default([]).describe('What changes the number of pods meanwhile.'),
    nodeRoleArn: roleArn
      .optional()
      .describe(
        'IAM role of its nodes. Where it is left out, they have one of the name CLUSTER-nodes with the policies that AWS recommends. Has an access entry where `accessEntries` is left out.',
      ),
    podIdentityWebhook: z
      .enum(['Ignore', 'Fail', 'absent'])
      .default('Ignore')
      .describe(
        "Failure policy of the MutatingWebhookConfiguration that gives pods their identity; EKS's own is Ignore. `absent`: somebody has deleted it, after the pods were made; new ones get no identity.",
      ),
    addons: z.array(installedAddon).default([]).describe('Its add-ons.'),
    associations: z
      .array(association)
      .default([])
      .describe('Its Pod Identity associations: standalone ones, and those that add-ons own.'),
    workloads: z.array(workload).default([]).describe('Deployments, DaemonSets and StatefulSets that no add-on owns.'),
    customResources: z
      .array(customResource)
      .default([])
      .describe('Custom resources, such as people make for the operator that an add-on brings.'),
    accessEntries: z
      .array(accessEntry)
      .optional()
      .describe(
        'All that there are. Where they are left out: the operator is an administrator, and the roles of the deployed service that call API servers (in another account than its own: those that it assumes there) are in groups that may do what the service does: sandbox:migrator:read, and sandbox:migrator:restart or sandbox:migrator:annotate where they restart workloads, or change service accounts.',
      ),
    rbac: z.array(rbacObject).default([]).describe('RBAC objects of the cluster.'),
    tags: clusterTags.default({}).describe('Tags.'),
  })
  .meta({ id: 'Cluster', description: 'An EKS cluster.' });

const account = z
  .strictObject({
    id: accountId.describe('The 12 digits.'),
    roles: z.array(role).default([]).describe('Its IAM roles.'),
    oidcProviders: z
      .array(oidcProvider)
      .optional()
      .describe("OIDC providers that IAM has beside those of its clusters' issuers; none where it is left out."),
    clusters: z.array(cluster).default([]).describe('Its clusters, of any region.'),
    disabledRegions: z
      .array(regionName)
      .default([])
      .describe(
        'Regions to opt in to that it has not enabled: AWS refuses every call there that is made with its credentials, and no role of it can be assumed there.',
      ),
    spoke: z
      .enum(['deployed', 'absent'])
      .optional()
      .describe(
        "Whether the service's stack for other accounts (docs/accounts.md) is deployed there: it is where this is left out. Says nothing of the service's own account.",
      ),
  })
  .meta({ id: 'Account', description: 'An AWS account.' });

const catalogueChange = z
  .strictObject({
    addon: addonName.describe('Name of the add-on.'),
    withdrawnVersions: z
      .array(z.string())
      .default([])
      .describe('Versions that EKS offers no longer: installed ones go on, new ones are refused.'),
  })
  .meta({ id: 'CatalogueChange', description: 'Takes away from what EKS offers.' });

const home = z
  .strictObject({ account: accountId.describe('Its account.'), region: regionName.describe('Its region.') })
  .meta({ id: 'Home', description: 'Where the service itself is deployed.' });

export const scenario = z
  .strictObject({
    $schema: z.string().optional().describe('The JSON Schema of this file, for editors: `../scenario.schema.json`.'),
    description: z.string().default('').describe('What the scenario is about, for people.'),
    seed: z.number().int().min(0).max(4_294_967_295).default(1).describe('Every id and every jitter follows from it.'),
    startAt: timestamp.default('2026-01-15T09:00:00.000Z').describe("The world's time when the sandbox opens."),
    accounts: z.array(account).min(1).describe('The AWS accounts that there are.'),
    home: home
      .optional()
      .describe(
        'Where the service itself is deployed. Where it is left out: in the first account, in the region of its first cluster.',
      ),
    catalogue: z.array(catalogueChange).default([]).describe('Changes to what EKS offers.'),
    faults: z
      .array(fault)
      .default([])
      .describe("What goes wrong with the calls of the service's own functions, and when."),
    throttles: z.array(throttle).default([]).describe('How many calls services take; no limit where there is none.'),
    knobs: knobs.prefault({}).describe('How AWS behaves where nobody knows for sure.'),
  })
  .meta({ title: 'Scenario', description: 'The AWS that a sandbox of pod-identity starts with. See docs/sandbox.md.' });
export type Scenario = z.infer<typeof scenario>;
/** As it is written: with defaults left out. */
export type ScenarioInput = z.input<typeof scenario>;
export type ScenarioCluster = z.infer<typeof cluster>;
export type ScenarioAddon = z.infer<typeof installedAddon>;
