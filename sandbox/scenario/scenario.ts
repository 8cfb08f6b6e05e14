/**
 * A scenario: the AWS accounts, roles and clusters that a sandbox starts with, and its assumptions where AWS's
 * behavior is uncertain. This schema validates scenario files; `load.ts` reads a file and builds the world.
 * `scripts/scenario-schema.ts` publishes the schema, with the descriptions, as sandbox/scenario.schema.json and in
 * docs/scenario-reference.md.
 */
import { z } from 'zod';
import {
  accountId,
  addonName,
  clusterName,
  regionName,
  roleArn,
  namespaceName,
} from '../../lambdas/domain/text/names.ts';
import { fault } from '../calls/faults.ts';
import { knobs } from '../knobs/knobs.ts';
import { clusterOidcProvider, oidcProvider } from './scenario-oidc.ts';
import { readySeconds } from '../knobs/knob.ts';
import { capability, controller } from './scenario-owners.ts';
import { role } from './scenario-role.ts';
import { throttle } from '../calls/throttles.ts';
import {
  accessEntry,
  clusterTags,
  customResource,
  fargateProfile,
  nodeGroup,
  rbacObject,
  tags,
  timestamp,
  workload,
} from './scenario-cluster.ts';
import { extraEnv, software } from './scenario-containers.ts';
import { autoscaler, disruptionBudget, nodeLoss } from './scenario-churn.ts';
import { networkPolicy } from './scenario-network.ts';
import { customResourceDefinition, persistentVolume } from './scenario-storage.ts';
import { catalogueChange, pastPods, serviceAccount } from './scenario-recorded.ts';

export { knobs } from '../knobs/knobs.ts';
export type { Knobs } from '../knobs/knobs.ts';

const association = z
  .strictObject({
    id: z
      .string()
      .regex(/^a-[a-z0-9]{17}$/, 'must be a- and 17 lower-case letters or digits')
      .optional()
      .describe('Id of the association; if omitted, drawn from the seed.'),
    namespace: z.string().min(1).describe('Namespace of the service account.'),
    serviceAccount: z.string().min(1).describe('Name of the service account; neither has to exist.'),
    roleArn: roleArn.describe("The role, of the cluster's account."),
    owner: addonName.optional().describe('Name of the add-on that owns it; if omitted, it is standalone.'),
    targetRoleArn: roleArn.optional().describe('A role in any account that the first role assumes.'),
    disableSessionTags: z.boolean().optional().describe('Whether EKS omits its session tags.'),
    policy: z.string().optional().describe('Session policy, JSON text; requires `disableSessionTags` true.'),
    tags: tags.default({}).describe('Tags.'),
    createdAt: timestamp
      .optional()
      .describe('When it was created: only pods created later use it. If omitted, together with the cluster.'),
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
      .describe('The field, as EKS reports it in a conflict: `Deployment.apps ebs-csi-controller - .spec.replicas`.'),
    manager: z.string().min(1).describe('The field manager that owns it: `kubectl-edit`, `helm`, …'),
    subresource: z
      .literal('scale')
      .optional()
      .describe(
        'The subresource that it was set through; if omitted, the object itself. A HorizontalPodAutoscaler sets `.spec.replicas` through `scale`, as `kube-controller-manager`.',
      ),
    value: z
      .unknown()
      .optional()
      .describe(
        'Its value, for a field of a workload. If omitted, the value is the one that EKS would set, which makes no other difference.',
      ),
  })
  .meta({
    id: 'ModifiedField',
    description: "A field of an add-on's object to which another manager gave a different value than EKS would.",
  });

const installedAddon = z
  .strictObject({
    name: addonName.describe("Name of an add-on in the sandbox's catalogue (`sandbox/catalog`), or of a recorded one."),
    version: z.string().min(1).describe('One of its versions in the catalogue.'),
    namespace: namespaceName
      .optional()
      .describe("The namespace that was chosen when it was created; if omitted, the catalogue's default."),
    status: z
      .enum(['ACTIVE', 'DEGRADED', 'CREATE_FAILED', 'UPDATE_FAILED', 'CREATING', 'UPDATING', 'DELETING'])
      .default('ACTIVE')
      .describe('A transitional status (CREATING, UPDATING, DELETING) stays: no operation is in progress.'),
    serviceAccountRoleArn: roleArn
      .optional()
      .describe("Its IRSA role, in the cluster's account; if omitted, its pods use the role of their node."),
    configurationValues: z.string().optional().describe('Its configuration values as text, JSON or YAML.'),
    modifiedFields: z
      .array(modifiedField)
      .optional()
      .describe(
        'Fields that other managers own, as `metadata.managedFields` shows: with resolveConflicts NONE, an update, and a create over preserved objects, fails because of them.',
      ),
    extraEnv: z.array(extraEnv).optional().describe('Environment variables that were added to its containers.'),
    software: z.array(software).optional().describe('Images, SDKs and probes of its containers.'),
    nodeSelector: z
      .record(z.string(), z.string())
      .optional()
      .describe('Labels of the nodes that the pods of its Deployments run on, as a user set them.'),
    replicas: z
      .number()
      .int()
      .min(1)
      .max(5000)
      .optional()
      .describe("Pods of each of its Deployments and StatefulSets; if omitted, the catalogue's default."),
    readySeconds: readySeconds
      .optional()
      .describe('Time from the creation of one of its pods until it is ready; if omitted, the knob `podReadySeconds`.'),
    tags: tags.default({}).describe('Tags.'),
    createdAt: timestamp.optional().describe('When it was created; if omitted, together with the cluster.'),
    podsCreatedAt: timestamp
      .optional()
      .describe(
        'When its pods were created: they do not use associations created later. If omitted, when the add-on was created.',
      ),
  })
  .meta({
    id: 'Addon',
    description: 'An installed EKS add-on. Its associations are in the list of the cluster, with its name as owner.',
  });

const cluster = z
  .strictObject({
    name: clusterName.describe('Name of the cluster.'),
    region: regionName.describe('AWS region.'),
    version: z
      .string()
      .regex(/^1\.\d{2}$/, 'must be a Kubernetes version such as 1.31')
      .describe(
        'Kubernetes version; the catalogue has add-ons for 1.29 to 1.36, and others as recorded. Later than 1.35, the API server serves what 1.35 does.',
      ),
    platformVersion: z.string().default('eks.12').describe('Platform version of EKS.'),
    status: z
      .enum(['ACTIVE', 'CREATING', 'UPDATING', 'DELETING', 'FAILED'])
      .default('ACTIVE')
      .describe('The status that DescribeCluster shows; it does not change.'),
    createdAt: timestamp.default('2024-06-01T00:00:00.000Z').describe('When it and its nodes were created.'),
    oidcId: z
      .string()
      .regex(/^[0-9A-F]{32}$/, 'must be 32 upper-case hexadecimal digits')
      .optional()
      .describe('The 32 characters behind `oidc.eks.REGION.amazonaws.com/id/`; if omitted, the cluster has no issuer.'),
    oidcProvider: clusterOidcProvider,
    apiServer: z
      .enum(['reachable', 'unreachable', 'huge-answers', 'huge-objects', 'trickling', 'fatal'])
      .default('reachable')
      .describe(
        'Whether its API server can be reached from outside. `unreachable`: connections get no response until the client times out, as behind a firewall; EKS itself still reaches it. The others are hostile: each answer is 57 MB long (`huge-answers`); each object in a list is 2 MB larger (`huge-objects`); an answer arrives one byte each five seconds (`trickling`); an answer ends the process that reads it, as lack of memory does (`fatal`). Served on 127.0.0.1, these answer like any other.',
      ),
    autoMode: z.boolean().default(false).describe('EKS Auto Mode: the Pod Identity agent is built in.'),
    authenticationMode: z
      .enum(['API', 'API_AND_CONFIG_MAP', 'CONFIG_MAP'])
      .default('API_AND_CONFIG_MAP')
      .describe(
        'How it authenticates callers. With `CONFIG_MAP` EKS neither shows nor changes access entries: `accessEntries` then represent the content of the ConfigMap aws-auth.',
      ),
    nodes: z
      .union([z.number().int().min(0).max(5000), z.array(nodeGroup)])
      .default(2)
      .describe(
        'Its nodes: their number, all ready, on Linux, and on EC2 (with Auto Mode, managed by it); or groups of nodes.',
      ),
    fargateProfiles: z
      .array(fargateProfile)
      .optional()
      .describe('Profiles that select the pods on Fargate; the first match applies. If omitted, none.'),
    nodeLosses: z.array(nodeLoss).default([]).describe('Nodes that are lost, before the sandbox opens or later.'),
    disruptionBudgets: z.array(disruptionBudget).default([]).describe('Its PodDisruptionBudgets.'),
    autoscalers: z.array(autoscaler).default([]).describe('Autoscalers that change the number of pods meanwhile.'),
    nodeRoleArn: roleArn
      .optional()
      .describe(
        'IAM role of its nodes. If omitted, they have a role named CLUSTER-nodes with the policies that AWS recommends. The role has an access entry if `accessEntries` is omitted.',
      ),
    podIdentityWebhook: z
      .enum(['Ignore', 'Fail', 'absent'])
      .default('Ignore')
      .describe(
        "Failure policy of the MutatingWebhookConfiguration that gives pods their identity; EKS's own is Ignore. `absent`: it was deleted after the pods were created; new pods get no identity.",
      ),
    addons: z.array(installedAddon).default([]).describe('Its add-ons.'),
    associations: z
      .array(association)
      .default([])
      .describe('Its Pod Identity associations: standalone ones, and those that add-ons own.'),
    capabilities: z
      .array(capability)
      .default([])
      .describe('Its EKS capabilities: controllers that AWS runs outside of the cluster, so that no pod shows them.'),
    controllers: z
      .array(controller)
      .default([])
      .describe('Controllers, in this cluster or another one, that put back what others change.'),
    workloads: z.array(workload).default([]).describe('Deployments, DaemonSets and StatefulSets that no add-on owns.'),
    serviceAccounts: z
      .array(serviceAccount)
      .default([])
      .describe('Service accounts with annotations or labels of their own.'),
    pods: z.array(pastPods).default([]).describe('What pods had when the sandbox opened, where it matters.'),
    persistentVolumes: z.array(persistentVolume).default([]).describe('Its PersistentVolumes, with their claims.'),
    customResourceDefinitions: z
      .array(customResourceDefinition)
      .default([])
      .describe('Kinds of custom resources that it has in addition to those of `customResources` and of its add-ons.'),
    customResources: z
      .array(customResource)
      .default([])
      .describe('Custom resources, such as those that users create for an operator that an add-on brings.'),
    networkPolicies: z
      .array(networkPolicy)
      .default([])
      .describe(
        'Its NetworkPolicies; those of Cilium are `customResources`. Whether they keep pods from the Pod Identity agent: the knob `networkPolicies`.',
      ),
    accessEntries: z
      .array(accessEntry)
      .optional()
      .describe(
        'All of its access entries. If omitted, the operator is an administrator, and the roles of the deployed service that call API servers (in other accounts than its own: those that it assumes there) are in groups that may do what the service does: sandbox:migrator:read, and sandbox:migrator:restart or sandbox:migrator:annotate if they restart workloads or change service accounts.',
      ),
    serviceAccess: z
      .enum(['listed', 'added'])
      .default('listed')
      .describe(
        '`added`: the operator and the roles of the deployed service have access as if `accessEntries` was omitted, in addition to those.',
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
      .describe("OIDC providers in IAM, in addition to those for its clusters' issuers; if omitted, none."),
    clusters: z.array(cluster).default([]).describe('Its clusters, in any region.'),
    disabledRegions: z
      .array(regionName)
      .default([])
      .describe(
        'Opt-in regions that the account has not enabled: AWS refuses every call there that uses its credentials, and none of its roles can be assumed there.',
      ),
    spoke: z
      .enum(['deployed', 'absent'])
      .optional()
      .describe(
        "Whether the service's stack for other accounts (docs/accounts.md) is deployed in the account; if omitted, it is. Has no meaning for the service's own account.",
      ),
  })
  .meta({ id: 'Account', description: 'An AWS account.' });

const home = z
  .strictObject({ account: accountId.describe('Its account.'), region: regionName.describe('Its region.') })
  .meta({ id: 'Home', description: 'The account and region in which the service itself is deployed.' });

export const scenario = z
  .strictObject({
    $schema: z.string().optional().describe('The JSON Schema of this file, for editors: `../scenario.schema.json`.'),
    description: z.string().default('').describe('What the scenario shows, for readers.'),
    seed: z.number().int().min(0).max(4_294_967_295).default(1).describe('Seed of every id and every jitter.'),
    startAt: timestamp.default('2026-01-15T09:00:00.000Z').describe("The world's time when the sandbox opens."),
    accounts: z.array(account).min(1).describe('The AWS accounts.'),
    home: home
      .optional()
      .describe(
        'Where the service itself is deployed. If omitted, in the first account and the region of its first cluster.',
      ),
    catalogue: z.array(catalogueChange).default([]).describe('Changes to what EKS offers.'),
    faults: z.array(fault).default([]).describe("Failures of the calls that the service's own functions make."),
    throttles: z.array(throttle).default([]).describe('Limits on calls to services.'),
    knobs: knobs.prefault({}).describe('Assumptions about AWS where its behavior is uncertain.'),
  })
  .meta({ title: 'Scenario', description: 'The AWS that a sandbox of pod-identity starts with. See docs/sandbox.md.' });
export type Scenario = z.infer<typeof scenario>;
/** A scenario as a file declares it, with defaults omitted. */
export type ScenarioInput = z.input<typeof scenario>;
export type ScenarioCluster = z.infer<typeof cluster>;
export type ScenarioAddon = z.infer<typeof installedAddon>;
