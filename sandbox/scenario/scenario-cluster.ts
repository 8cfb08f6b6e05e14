/** The parts of a cluster in addition to its add-ons: nodes, workloads, access entries, and RBAC objects. */
import { z } from 'zod';
import { readySeconds } from '../knobs/knob.ts';
import { kubernetesName, namespace, strings } from './kubernetes-names.ts';
import { taint, toleration } from '../objects/taints.ts';
import { container } from './scenario-containers.ts';
import { workloadVolume } from './scenario-storage.ts';

export const tags = z.record(z.string(), z.string());
export const timestamp = z.iso.datetime();

/** EKS API reference, TagResource: at most 50 tags, with 128 and 256 characters; AWS reserves `aws:`. */
export const clusterTags = z
  .record(
    z
      .string()
      .min(1)
      .max(128)
      .regex(/^(?!aws:)/i, 'must not begin with aws:, which AWS reserves'),
    z.string().max(256),
  )
  .refine((given) => Object.keys(given).length <= 50, 'must have at most 50 tags');

export const nodeGroup = z
  .strictObject({
    count: z.number().int().min(1).max(5000).describe('Number of nodes.'),
    os: z.enum(['linux', 'windows']).default('linux').describe('Operating system.'),
    compute: z
      .enum(['ec2', 'auto', 'fargate', 'hybrid'])
      .optional()
      .describe(
        'Their compute type; if omitted, `auto` in a cluster with EKS Auto Mode, otherwise `ec2`. Only pods of `fargateProfiles` run on `fargate`, and only pods that select it on `hybrid`; DaemonSets have pods on neither.',
      ),
    ready: z
      .boolean()
      .default(true)
      .describe('Whether the nodes are ready: on others no pod becomes ready, and none is scheduled.'),
    labels: strings.optional().describe('Further labels of the nodes, which pods can select.'),
    taints: z.array(taint).min(1).optional().describe('Taints of the nodes; if omitted, none.'),
    nodeGroup: z
      .union([z.string().min(1), z.null()])
      .optional()
      .describe(
        'Name of the managed node group of EC2 nodes, if omitted `default`; null for nodes that belong to none.',
      ),
    agentReady: z.boolean().default(true).describe('Whether the pods of the Pod Identity agent become ready on them.'),
  })
  .meta({ id: 'NodeGroup', description: 'A group of identical nodes.' });

export const fargateProfile = z
  .strictObject({
    name: z.string().min(1).describe('Name of the profile.'),
    namespace: z
      .string()
      .regex(/^[a-z0-9*?-]{1,63}$/)
      .describe('Namespace of the pods that it selects; `*` and `?` are wildcards, here and in the labels.'),
    labels: strings.default({}).describe('Labels that these pods must have, all of them.'),
  })
  .meta({
    id: 'FargateProfile',
    description: 'Sends pods of Deployments and StatefulSets to the Fargate nodes, which must exist (`nodes`).',
  });

export const workload = z
  .strictObject({
    kind: z.enum(['Deployment', 'DaemonSet', 'StatefulSet']).describe('Kind of the workload.'),
    namespace,
    name: kubernetesName.describe('Its name.'),
    serviceAccount: kubernetesName
      .default('default')
      .describe('Service account of its pods; created if it does not exist.'),
    serviceAccountAnnotations: strings
      .default({})
      .describe('Annotations of that service account: `eks.amazonaws.com/role-arn` makes its pods use IRSA.'),
    replicas: z
      .number()
      .int()
      .min(0)
      .max(5000)
      .optional()
      .describe('Number of pods of a Deployment or StatefulSet; if omitted, 1. A DaemonSet has one on each node.'),
    paused: z
      .boolean()
      .default(false)
      .describe(
        'Whether a Deployment is paused (`spec.paused`), so that a changed pod template is not rolled out; its pods existed before.',
      ),
    updateStrategy: z
      .enum(['OnDelete', 'Recreate'])
      .optional()
      .describe(
        '`OnDelete`, for a DaemonSet or StatefulSet: pods are replaced only once they are deleted. `Recreate`, for a Deployment: all pods end before new ones are created. If omitted, they roll.',
      ),
    maxUnavailable: z
      .union([z.number().int().min(0).max(5000), z.string().regex(/^(\d\d?|100)%$/)])
      .optional()
      .describe(
        'How many pods of a DaemonSet or Deployment may be unavailable during a rollout: a number, or a percentage such as `10%`; if omitted, 1 for a DaemonSet and `25%` for a Deployment.',
      ),
    maxSurge: z
      .union([z.number().int().min(0).max(5000), z.string().regex(/^(\d\d?|100)%$/)])
      .optional()
      .describe('How many pods a Deployment may have in addition during a rollout; if omitted, `25%`.'),
    readySeconds: readySeconds
      .optional()
      .describe('Time from the creation of one of its pods until it is ready; if omitted, the knob `podReadySeconds`.'),
    minReadySeconds: z
      .number()
      .int()
      .min(1)
      .max(3600)
      .optional()
      .describe('Time for which one of its pods must be ready until it counts as available; if omitted, 0.'),
    labels: strings
      .optional()
      .describe('Labels of the workload and its pods; if omitted, `app.kubernetes.io/name` with its name.'),
    annotations: strings.optional().describe('Annotations of the workload, such as those of Helm and Argo CD.'),
    podAnnotations: strings
      .optional()
      .describe('Annotations of its pods, such as `eks.amazonaws.com/skip-containers`.'),
    manager: z.string().min(1).optional().describe('The field manager that applied it; if omitted, `helm`.'),
    nodeSelector: strings
      .optional()
      .describe(
        'Labels of the nodes that its pods run on, in addition to `kubernetes.io/os: linux`, which is the default for that label.',
      ),
    tolerations: z
      .array(toleration)
      .min(1)
      .optional()
      .describe('Tolerations of its pods; if omitted, they run only on nodes without taints.'),
    hostNetwork: z.boolean().default(false).describe("Whether its pods use their node's network."),
    initContainers: z.array(container).optional().describe('Its init containers; if omitted, none.'),
    volumes: z.array(workloadVolume).optional().describe('Volumes of its pods; if omitted, none of its own.'),
    containers: z
      .array(container)
      .min(1)
      .optional()
      .describe('Its containers; if omitted, one with the name of the workload.'),
    createdAt: timestamp
      .optional()
      .describe(
        'When it and its pods were created: the associations of that time determine what the webhook gave them. If omitted, together with the cluster.',
      ),
  })
  .meta({
    id: 'Workload',
    description:
      'A Deployment, DaemonSet or StatefulSet that no add-on owns: an application, or software installed with Helm.',
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
      .describe('Its namespace, created if it does not exist; if omitted, the resource is cluster-scoped.'),
    name: kubernetesName.describe('Its name.'),
    labels: strings.optional().describe('Its labels.'),
    annotations: strings.optional().describe('Its annotations.'),
    spec: z
      .record(z.string(), z.unknown())
      .default({})
      .describe('Its spec. No controller acts on it, but the sandbox knows which AWS credentials it leads to.'),
    createdAt: timestamp.optional().describe('When it was created; if omitted, together with the cluster.'),
  })
  .meta({
    id: 'CustomResource',
    description: 'A custom resource. If no add-on brings its definition, the cluster has a matching one.',
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
          namespaces: z.array(kubernetesName).min(1).describe('The namespaces that it covers.'),
        }),
      ])
      .default({ type: 'cluster' })
      .describe('Its scope: `{"type": "cluster"}`, or `{"type": "namespace", "namespaces": ["kube-system"]}`.'),
  })
  .meta({ id: 'AccessPolicy', description: 'An access policy that is associated with an access entry.' });

export const accessEntry = z
  .strictObject({
    principalArn: principalArn.describe('The IAM role or user that it allows.'),
    type: z
      .enum(['STANDARD', 'EC2_LINUX', 'EC2_WINDOWS', 'FARGATE_LINUX', 'EC2', 'HYBRID_LINUX', 'HYPERPOD_LINUX'])
      .default('STANDARD')
      .describe('STANDARD for people and services; the others are for nodes.'),
    username: z.string().min(1).optional().describe('Its Kubernetes username; if omitted, derived from the ARN.'),
    kubernetesGroups: z.array(z.string().min(1)).default([]).describe('Groups that role bindings can name.'),
    policies: z.array(accessPolicy).default([]).describe('Access policies of EKS, each once.'),
    tags: tags.default({}).describe('Tags.'),
    createdAt: timestamp.optional().describe('When it was created; if omitted, together with the cluster.'),
  })
  .meta({ id: 'AccessEntry', description: 'Gives an IAM role or user access to the API server.' });
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
      'A Role, ClusterRole, RoleBinding or ClusterRoleBinding, in the form that kubectl accepts; apiVersion may be omitted.',
  });
export type ScenarioRbacObject = z.infer<typeof rbacObject>;
