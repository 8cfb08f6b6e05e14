/** Volumes of a scenario's workloads, its persistent volumes, and definitions of custom resources. */
import { z } from 'zod';
import { kubernetesName, namespace, strings } from './kubernetes-names.ts';

const absolutePath = z.string().regex(/^\/[^:\0]*$/, 'must be an absolute path such as /mnt/data');

/** Rules: k8s.io/kubernetes, core/validation, validateProjectionSources. */
const relativePath = z
  .string()
  .regex(/^(?!\/)(?!\.\.(\/|$))[^:\0]+$/, 'must be a relative path such as token')
  .default('token');

const tokenVolume = z
  .strictObject({
    audience: z.string().min(1).optional().describe("Its audience; if omitted, the API server's own."),
    path: relativePath.describe('Path of its file in the volume.'),
    expirationSeconds: z.number().int().min(600).default(3600).describe('Its lifetime.'),
  })
  .meta({ id: 'ProjectedToken', description: 'A service account token that the author of a pod projects.' });

const SOURCES = ['claim', 'secretProviderClass', 'token'] as const;

export const workloadVolume = z
  .strictObject({
    name: kubernetesName.describe('Name of the volume.'),
    mountPath: absolutePath.describe('Where every container of the pod mounts it.'),
    claim: kubernetesName.optional().describe('The PersistentVolumeClaim that it mounts.'),
    secretProviderClass: kubernetesName
      .optional()
      .describe('The SecretProviderClass that the Secrets Store CSI driver mounts.'),
    token: tokenVolume.optional().describe('A service account token that the pod projects itself.'),
  })
  .superRefine((volume, context) => {
    if (SOURCES.filter((source) => volume[source] !== undefined).length !== 1)
      context.addIssue({ code: 'custom', message: `needs exactly one of ${SOURCES.join(', ')}` });
  })
  .meta({ id: 'WorkloadVolume', description: 'A volume of the pods of a workload.' });
export type ScenarioVolume = z.infer<typeof workloadVolume>;

export const persistentVolume = z
  .strictObject({
    name: kubernetesName.describe('Its name.'),
    driver: z.string().min(1).describe('Its CSI driver: `s3.csi.aws.com`.'),
    volumeHandle: z.string().min(1).optional().describe("The driver's id of the volume; if omitted, its name."),
    volumeAttributes: strings
      .default({})
      .describe(
        'Settings for the driver: `authenticationSource: pod` makes Mountpoint for S3 use the role of the pod.',
      ),
    claim: z
      .strictObject({
        namespace: namespace.describe('Its namespace, created if it does not exist.'),
        name: kubernetesName.describe('Its name.'),
      })
      .meta({ id: 'Claim', description: 'A PersistentVolumeClaim.' })
      .optional()
      .describe('The PersistentVolumeClaim that it is bound to, which the cluster has then; if omitted, none.'),
  })
  .meta({ id: 'PersistentVolume', description: 'A statically provisioned PersistentVolume.' });
export type ScenarioPersistentVolume = z.infer<typeof persistentVolume>;

const version = z.string().regex(/^v\d+((alpha|beta)\d+)?$/, 'must be a version such as v1beta1');

export const customResourceDefinition = z
  .strictObject({
    group: z
      .string()
      .regex(/^[a-z0-9.-]+\.[a-z]+$/, 'must be an API group such as external-secrets.io')
      .describe('API group: `external-secrets.io`.'),
    versions: z.array(version).min(1).describe('Versions that are served, the preferred one first.'),
    plural: z
      .string()
      .regex(/^[a-z][a-z0-9]*$/, "must be the resource's name in URLs, such as secretstores")
      .describe("The resource's name in URLs: `secretstores`."),
    kind: z
      .string()
      .regex(/^[A-Z]\w*$/, 'must be a kind such as SecretStore')
      .describe('Its kind: `SecretStore`.'),
    namespaced: z.boolean().default(true).describe('Whether its objects have a namespace.'),
  })
  .meta({
    id: 'CustomResourceDefinition',
    description: 'A kind of custom resources that is defined in the cluster, with or without objects.',
  });
