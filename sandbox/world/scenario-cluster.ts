/** What a cluster has beside its add-ons: nodes, workloads of its own, access entries, and RBAC objects. */
import { z } from 'zod';
import { readySeconds } from './knob.ts';
import { kubernetesName, namespace, strings } from './kubernetes-names.ts';

export const tags = z.record(z.string(), z.string());
export const timestamp = z.iso.datetime();

/** EKS API reference, TagResource: at most 50, of 128 and 256 characters; AWS keeps `aws:` to itself. */
export const clusterTags = z
  .record(
    z
      .string()
      .min(1)
      .max(128)
      .regex(/^(?!aws:)/i, 'must not begin with aws:, which AWS keeps to itself'),
    z.string().max(256),
  )
  .refine((given) => Object.keys(given).length <= 50, 'must be 50 tags at most');

export const nodeGroup = z
  .strictObject({
    count: z.number().int().min(1).max(5000).describe('How many.'),
    os: z.enum(['linux', 'windows']).default('linux').describe('Operating system.'),
    compute: z
      .enum(['ec2', 'auto', 'fargate', 'hybrid'])
      .optional()
      .describe(
        'What they run on; where it is left out, `auto` in a cluster with EKS Auto Mode and else `ec2`. On `fargate` run the pods of `fargateProfiles` alone, on `hybrid` those that select it; DaemonSets have pods on neither.',
      ),
    ready: z.boolean().default(true).describe('Whether they work: on others no pod gets ready, and none is put there.'),
    agentReady: z.boolean().default(true).describe('Whether the pods of the Pod Identity agent get ready there.'),
  })
  .meta({ id: 'NodeGroup', description: 'Nodes that are alike.' });

export const fargateProfile = z
  .strictObject({
    name: z.string().min(1).describe('Name of the profile.'),
    namespace: kubernetesName.describe('Namespace of the pods that it takes.'),
    labels: strings.default({}).describe('Labels that they have, all of them.'),
  })
  .meta({
    id: 'FargateProfile',
    description:
      'Sends pods of Deployments and StatefulSets to the nodes on Fargate, of which there must be some (`nodes`).',
  });

const variableFields = {
  name: z
    .string()
    .regex(/^[A-Za-z_][\w.-]*$/, 'must be the name of an environment variable')
    .describe('Its name.'),
  value: z.string().optional().describe('Its value; none where it comes from a Secret.'),
  secret: z
    .strictObject({
      name: kubernetesName.describe('Name of the Secret; there are none in the sandbox.'),
      key: z.string().min(1).describe('Key in it.'),
      optional: z.boolean().default(false).describe('Whether the variable is left out where there is no such Secret.'),
    })
    .meta({ id: 'SecretKey', description: 'A key of a Secret.' })
    .optional()
    .describe('Where its value comes from instead (`valueFrom.secretKeyRef`).'),
};

export const extraEnv = z
  .strictObject({
    workload: kubernetesName.optional().describe("Name of the add-on's workload; all where it is left out."),
    container: kubernetesName.optional().describe('Name of the container; all where it is left out.'),
    ...variableFields,
  })
  .meta({
    id: 'ExtraEnv',
    description:
      "An environment variable that people have added to an add-on's containers, as they do by its configuration values.",
  });
export type ScenarioExtraEnv = z.infer<typeof extraEnv>;

const container = z
  .strictObject({
    name: kubernetesName.describe('Name of the container.'),
    image: z.string().min(1).describe('Its image; nothing is pulled.'),
    env: z
      .array(
        z.strictObject(variableFields).meta({ id: 'EnvVar', description: 'An environment variable of a container.' }),
      )
      .default([])
      .describe('Environment variables.'),
  })
  .meta({ id: 'Container', description: 'A container of a workload.' });

export const workload = z
  .strictObject({
    kind: z.enum(['Deployment', 'DaemonSet', 'StatefulSet']).describe('What rolls out its pods.'),
    namespace,
    name: kubernetesName.describe('Its name.'),
    serviceAccount: kubernetesName
      .default('default')
      .describe('Service account of its pods; made where it is missing.'),
    serviceAccountAnnotations: strings
      .default({})
      .describe('Annotations of that service account: `eks.amazonaws.com/role-arn` makes its pods use IRSA.'),
    replicas: z
      .number()
      .int()
      .min(0)
      .max(5000)
      .optional()
      .describe('Pods of a Deployment or StatefulSet; 1 where it is left out. A DaemonSet has one on each node.'),
    paused: z
      .boolean()
      .default(false)
      .describe(
        'Whether a Deployment is paused (`spec.paused`), so that a changed pod template is not rolled out; its pods were there before.',
      ),
    updateStrategy: z
      .enum(['OnDelete'])
      .optional()
      .describe(
        'Of a DaemonSet or StatefulSet whose pods are replaced only once somebody deletes them; where it is left out, they roll.',
      ),
    maxUnavailable: z
      .union([z.number().int().min(1).max(5000), z.string().regex(/^([1-9]\d?|100)%$/)])
      .optional()
      .describe(
        'How many nodes of a DaemonSet may be without a ready pod while it rolls: a number, or a share of its nodes such as `10%`; 1 where it is left out.',
      ),
    readySeconds: readySeconds
      .optional()
      .describe(
        'From the creation of one of its pods to its readiness; the knob `podReadySeconds` where it is left out.',
      ),
    labels: strings
      .optional()
      .describe('Labels of the workload and its pods; `app.kubernetes.io/name` with its name where they are left out.'),
    nodeSelector: strings
      .optional()
      .describe(
        'Labels of the nodes that its pods run on, beside `kubernetes.io/os: linux`, which is there where it is not set otherwise.',
      ),
    hostNetwork: z.boolean().default(false).describe("Whether its pods use their node's network."),
    containers: z
      .array(container)
      .min(1)
      .optional()
      .describe('Where they are left out: one with the name of the workload.'),
    createdAt: timestamp.describe(
      'When it and its pods were created: what the webhook gave them follows from the associations of that time.',
    ),
  })
  .meta({
    id: 'Workload',
    description:
      'A Deployment, DaemonSet or StatefulSet that no add-on owns: an application, or what Helm has installed.',
  });
export type ScenarioWorkload = z.infer<typeof workload>;

export const customResource = z
  .strictObject({
    apiVersion: z
      .string()
      .regex(
        /^[a-z0-9.-]+\.[a-z]+\/v\d+((alpha|beta)\d+)?$/,
        'must be group and version, such as opentelemetry.io/v1beta1',
      )
      .describe('Group and version: `opentelemetry.io/v1beta1`.'),
    kind: z
      .string()
      .regex(/^[A-Z]\w*$/, 'must be a kind such as OpenTelemetryCollector')
      .describe('Its kind: `OpenTelemetryCollector`.'),
    plural: z
      .string()
      .regex(/^[a-z][a-z0-9]*$/, "must be the resource's name in URLs, such as opentelemetrycollectors")
      .describe("The resource's name in URLs: `opentelemetrycollectors`."),
    namespace: kubernetesName
      .optional()
      .describe('Its namespace, made where it is missing; none: it is of the whole cluster.'),
    name: kubernetesName.describe('Its name.'),
    spec: z.record(z.string(), z.unknown()).default({}).describe('What it says; nothing in the sandbox acts on it.'),
    createdAt: timestamp.optional().describe("Where it is left out: the cluster's own time."),
  })
  .meta({
    id: 'CustomResource',
    description: 'A custom resource. Where no add-on brings its definition, the cluster has one that fits.',
  });
export type ScenarioCustomResource = z.infer<typeof customResource>;

const principalArn = z
  .string()
  .regex(
    /^arn:aws(-[a-z]+)*:iam::\d{12}:(role|user)\/[\x21-\x7e]+$/,
    'must be the ARN of an IAM role or user, such as arn:aws:iam::111122223333:role/platform (not of an assumed role)',
  );

const accessPolicy = z
  .strictObject({
    policyArn: z
      .string()
      .regex(
        /^arn:aws(-[a-z]+)*:eks::aws:cluster-access-policy\/\w+$/,
        'must be the ARN of an access policy, such as arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy',
      )
      .describe('ARN of one of the access policies of EKS.'),
    accessScope: z
      .discriminatedUnion('type', [
        z.strictObject({ type: z.literal('cluster') }),
        z.strictObject({
          type: z.literal('namespace'),
          namespaces: z.array(kubernetesName).min(1).describe('Where it holds.'),
        }),
      ])
      .default({ type: 'cluster' })
      .describe('Where it holds: `{"type": "cluster"}`, or `{"type": "namespace", "namespaces": ["kube-system"]}`.'),
  })
  .meta({ id: 'AccessPolicy', description: 'An access policy that is associated with an access entry.' });

export const accessEntry = z
  .strictObject({
    principalArn: principalArn.describe('The IAM role or user that it lets in.'),
    type: z
      .enum(['STANDARD', 'EC2_LINUX', 'EC2_WINDOWS', 'FARGATE_LINUX', 'EC2', 'HYBRID_LINUX', 'HYPERPOD_LINUX'])
      .default('STANDARD')
      .describe('STANDARD for people and services; the others are for nodes.'),
    username: z.string().min(1).optional().describe('Who it is for Kubernetes; made of the ARN where it is left out.'),
    kubernetesGroups: z.array(z.string().min(1)).default([]).describe('Groups that role bindings can name.'),
    policies: z.array(accessPolicy).default([]).describe('Access policies of EKS, each once.'),
    tags: tags.default({}).describe('Tags.'),
    createdAt: timestamp.optional().describe("Where it is left out: the cluster's own time."),
  })
  .meta({ id: 'AccessEntry', description: 'Lets an IAM role or user in to the API server.' });
export type ScenarioAccessEntry = z.infer<typeof accessEntry>;

const RBAC_VERSION = 'rbac.authorization.k8s.io/v1';
const rbacNames = z.array(z.string());
const common = { apiVersion: z.literal(RBAC_VERSION).default(RBAC_VERSION) };
const named = z.strictObject({ name: z.string().min(1), labels: strings.optional(), annotations: strings.optional() });
const namedInNamespace = named.extend({ namespace: kubernetesName });
const rules = z.array(
  z.strictObject({
    apiGroups: rbacNames.optional(),
    resources: rbacNames.optional(),
    resourceNames: rbacNames.optional(),
    nonResourceURLs: rbacNames.optional(),
    verbs: rbacNames.min(1),
  }),
);
const subjects = z.array(
  z.strictObject({
    kind: z.enum(['User', 'Group', 'ServiceAccount']),
    name: z.string().min(1),
    namespace: kubernetesName.optional(),
    apiGroup: z.string().optional(),
  }),
);
const roleRef = (kinds: ['ClusterRole'] | ['ClusterRole', 'Role']) =>
  z.strictObject({
    apiGroup: z.literal('rbac.authorization.k8s.io').default('rbac.authorization.k8s.io'),
    kind: z.enum(kinds),
    name: z.string().min(1),
  });

export const rbacObject = z
  .discriminatedUnion('kind', [
    z.strictObject({ ...common, kind: z.literal('Role'), metadata: namedInNamespace, rules }),
    z.strictObject({ ...common, kind: z.literal('ClusterRole'), metadata: named, rules }),
    z.strictObject({
      ...common,
      kind: z.literal('RoleBinding'),
      metadata: namedInNamespace,
      roleRef: roleRef(['ClusterRole', 'Role']),
      subjects,
    }),
    z.strictObject({
      ...common,
      kind: z.literal('ClusterRoleBinding'),
      metadata: named,
      roleRef: roleRef(['ClusterRole']),
      subjects,
    }),
  ])
  .meta({
    id: 'RbacObject',
    description:
      'A Role, ClusterRole, RoleBinding or ClusterRoleBinding, as kubectl takes it; apiVersion may be left out.',
  });
export type ScenarioRbacObject = z.infer<typeof rbacObject>;
