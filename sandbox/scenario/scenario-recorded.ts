/**
 * The parts of a scenario that `record` writes: what EKS offers of an add-on, and the service accounts and pods of a
 * cluster as they were.
 */
import { z } from 'zod';
import { addonName, roleArn, namespaceName } from '../../lambdas/domain/text/names.ts';
import { kubernetesName, namespace, strings } from './kubernetes-names.ts';
import { timestamp, workload } from './scenario-cluster.ts';
import { container } from './scenario-containers.ts';

const kubernetesVersion = z.string().regex(/^1\.\d{2}$/, 'must be a Kubernetes version such as 1.36');

const podIdentitySupport = z
  .strictObject({
    serviceAccount: kubernetesName.describe('Name of the service account.'),
    recommendedManagedPolicies: z.array(z.string()).default([]).describe('ARNs of the policies that EKS recommends.'),
  })
  .meta({ id: 'PodIdentitySupport', description: 'A service account that supports an association.' });

const recordedVersion = z
  .strictObject({
    version: z.string().min(1).describe('The version: `v1.55.0-eksbuild.2`.'),
    kubernetesVersions: z.array(kubernetesVersion).default([]).describe('Kubernetes versions for which it is offered.'),
    defaultFor: z.array(kubernetesVersion).default([]).describe('Kubernetes versions for which it is the default.'),
    requiresIamPermissions: z.boolean().default(false).describe('Whether it needs permissions in IAM.'),
    offered: z
      .boolean()
      .default(true)
      .describe('False for a version that is installed but no longer offered: EKS still describes its configuration.'),
    podIdentity: z
      .array(podIdentitySupport)
      .default([])
      .describe('Service accounts that support an association; empty if the version does not support Pod Identity.'),
    configurationSchema: z
      .string()
      .default('{}')
      .describe('JSON Schema of its configuration values, as text; the default allows everything.'),
  })
  .meta({ id: 'RecordedVersion', description: 'A version of an add-on, as EKS describes it.' });

const recordedWorkload = workload
  .pick({
    kind: true,
    name: true,
    serviceAccount: true,
    replicas: true,
    paused: true,
    updateStrategy: true,
    maxUnavailable: true,
    maxSurge: true,
    readySeconds: true,
    minReadySeconds: true,
    nodeSelector: true,
    tolerations: true,
    hostNetwork: true,
    podAnnotations: true,
    initContainers: true,
  })
  .extend({
    labels: strings.describe('Labels of the workload and its pods.'),
    containers: z.array(container).min(1).describe('Its containers.'),
  })
  .meta({ id: 'RecordedWorkload', description: 'A workload that EKS creates with an add-on.' });

const recordedAddon = z
  .strictObject({
    type: z.string().default('recorded').describe('Type according to DescribeAddonVersions.'),
    publisher: z.string().default('eks').describe('Its publisher.'),
    owner: z.string().default('aws').describe('Its owner.'),
    namespace: namespaceName.describe('Default namespace of its objects.'),
    versions: z.array(recordedVersion).min(1).describe('Its versions, newest first.'),
    serviceAccounts: z
      .array(kubernetesName)
      .optional()
      .describe("Its service accounts; if omitted, those of the sandbox's own catalogue."),
    irsaServiceAccounts: z
      .array(kubernetesName)
      .optional()
      .describe('The service accounts that EKS annotates with the IRSA role of the add-on; if omitted, likewise.'),
    workloads: z.array(recordedWorkload).optional().describe('Its workloads; if omitted, likewise.'),
  })
  .meta({
    id: 'RecordedAddon',
    description:
      "What EKS answered about an add-on, and the objects that a cluster has of it. Takes precedence over the sandbox's own catalogue, which does not have to know the add-on.",
  });
export type ScenarioRecordedAddon = z.infer<typeof recordedAddon>;

export const catalogueChange = z
  .strictObject({
    addon: addonName.describe('Name of the add-on.'),
    recorded: recordedAddon.optional().describe("The add-on as recorded; if omitted, as in the sandbox's catalogue."),
    withdrawnVersions: z
      .array(z.string())
      .default([])
      .describe('Versions that EKS no longer offers: installed ones keep running, new ones are refused.'),
  })
  .meta({ id: 'CatalogueChange', description: 'Changes what EKS offers of an add-on.' });
export type ScenarioCatalogueChange = z.infer<typeof catalogueChange>;

export const serviceAccount = z
  .strictObject({
    namespace,
    name: kubernetesName.describe('Its name.'),
    annotations: strings.default({}).describe('Annotations, such as `eks.amazonaws.com/role-arn`.'),
    labels: strings.default({}).describe('Labels.'),
    manager: z.string().min(1).default('helm').describe('The field manager that set the role annotation.'),
    appliedBy: z
      .string()
      .min(1)
      .optional()
      .describe(
        'The field manager that applied the object, which owns its labels and its other annotations: `argocd-controller`, `kustomize-controller`, `helm`, …; if omitted, no managed fields show one.',
      ),
    createdAt: timestamp.optional().describe('When it was created; if omitted, together with the cluster.'),
  })
  .meta({
    id: 'ServiceAccount',
    description: 'A service account that exists before add-ons and workloads, which keep its annotations.',
  });

export const pastPods = z
  .strictObject({
    kind: z.enum(['Deployment', 'DaemonSet', 'StatefulSet']).describe('Kind of their workload.'),
    namespace,
    workload: kubernetesName.describe('Name of their workload.'),
    count: z.number().int().min(1).max(5000).default(1).describe('Number of these pods.'),
    createdAt: timestamp.describe('When they were created.'),
    identity: z
      .enum(['irsa', 'pod-identity', 'none'])
      .describe('What the webhook injected, whatever associations and annotations exist now.'),
    roleArn: roleArn.optional().describe("The role of IRSA; if omitted, the service account's annotation."),
    restarts: z
      .number()
      .int()
      .min(0)
      .max(100_000)
      .default(0)
      .describe(
        'How often containers of each of these pods were restarted; the sandbox counts them for the first one.',
      ),
  })
  .meta({
    id: 'PastPods',
    description:
      'Pods from before the sandbox opened. Pods of a workload that are not listed follow from `createdAt`, associations and annotations.',
  });
