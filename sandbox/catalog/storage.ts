/**
 * Storage add-ons. Service accounts, policies and first versions with Pod Identity: EKS User Guide, "IAM roles for
 * add-ons".
 */
import { SIDECAR, containers, customKinds, everyNode, labels, podIdentity, versions } from './build.ts';
import type { CatalogueAddon } from './catalogue.ts';
import {
  affinity,
  anyObject,
  boolean,
  configurationSchema,
  object,
  reference,
  replicas,
  resources,
  text,
  texts,
  tolerations,
} from './schemas.ts';

const aws = { type: 'storage', publisher: 'eks', owner: 'aws' };
const sidecars = { 'csi-provisioner': SIDECAR.provisioner, 'liveness-probe': SIDECAR.liveness };
const nodeSidecars = { 'node-driver-registrar': SIDECAR.registrar, 'liveness-probe': SIDECAR.liveness };
const controllerSettings = object({
  additionalArgs: { type: 'array', items: text },
  affinity,
  extraVolumeTags: reference('extraVolumeTags'),
  nodeSelector: texts,
  podAnnotations: texts,
  replicaCount: replicas(),
  resources,
  tolerations,
});
const nodeSettings = object({
  additionalArgs: { type: 'array', items: text },
  affinity,
  resources,
  tolerateAllTaints: boolean,
  tolerations,
  volumeAttachLimit: { type: 'integer', minimum: -1 },
});
const TAG = String.raw`^[a-zA-Z0-9 _\.:\/=+\-@]*$`;
const definitions = {
  extraVolumeTags: {
    description: 'Additional tags to be added to all volumes',
    type: 'object',
    propertyNames: { type: 'string', minLength: 1, maxLength: 128, pattern: TAG },
    patternProperties: { '^.*$': { type: 'string', minLength: 0, maxLength: 256, pattern: TAG } },
  },
};

export const storage: CatalogueAddon[] = [
  {
    ...aws,
    name: 'aws-ebs-csi-driver',
    objects: {
      namespace: 'kube-system',
      serviceAccounts: ['ebs-csi-controller-sa', 'ebs-csi-node-sa'],
      workloads: [
        {
          kind: 'Deployment',
          name: 'ebs-csi-controller',
          serviceAccount: 'ebs-csi-controller-sa',
          replicas: 2,
          labels: { ...labels('aws-ebs-csi-driver', 'csi-driver'), app: 'ebs-csi-controller' },
          containers: containers({
            'ebs-plugin': 'aws-ebs-csi-driver',
            'csi-provisioner': SIDECAR.provisioner,
            'csi-attacher': SIDECAR.attacher,
            'csi-snapshotter': SIDECAR.snapshotter,
            'csi-resizer': SIDECAR.resizer,
            'liveness-probe': SIDECAR.liveness,
          }),
        },
        {
          kind: 'DaemonSet',
          name: 'ebs-csi-node',
          tolerations: everyNode,
          serviceAccount: 'ebs-csi-node-sa',
          // aws-ebs-csi-driver, charts/aws-ebs-csi-driver/values.yaml.
          maxUnavailable: '10%',
          labels: { ...labels('aws-ebs-csi-driver', 'csi-driver'), app: 'ebs-csi-node' },
          containers: containers({ 'ebs-plugin': 'aws-ebs-csi-driver', ...nodeSidecars }),
        },
      ],
    },
    irsaServiceAccounts: ['ebs-csi-controller-sa'],
    configurationSchema: configurationSchema(
      'Configurable parameters of the AWS EBS CSI Driver',
      {
        controller: controllerSettings,
        defaultStorageClass: object({ enabled: boolean }),
        node: nodeSettings,
        sidecars: anyObject,
      },
      definitions,
    ),
    versions: versions(
      [
        ['v1.55.0-eksbuild.2', 33, 36, [35, 36], true],
        ['v1.54.0-eksbuild.1', 33, 35, [34], true],
        ['v1.44.0-eksbuild.1', 30, 34, [32, 33], true],
        ['v1.38.1-eksbuild.1', 29, 32, [31], true],
        ['v1.35.0-eksbuild.1', 29, 31, [29, 30], true],
        ['v1.31.0-eksbuild.1', 29, 31, [], true],
        // The last version without associations, which are supported since v1.26.0-eksbuild.1.
        ['v1.25.0-eksbuild.1', 29, 30, [], false],
      ],
      {
        requiresIamPermissions: true,
        podIdentity: podIdentity({ 'ebs-csi-controller-sa': ['service-role/AmazonEBSCSIDriverPolicy'] }),
      },
    ),
  },
  {
    ...aws,
    name: 'aws-efs-csi-driver',
    objects: {
      namespace: 'kube-system',
      serviceAccounts: ['efs-csi-controller-sa', 'efs-csi-node-sa'],
      workloads: [
        {
          kind: 'Deployment',
          name: 'efs-csi-controller',
          serviceAccount: 'efs-csi-controller-sa',
          replicas: 2,
          labels: { ...labels('aws-efs-csi-driver', 'csi-driver'), app: 'efs-csi-controller' },
          containers: containers({ 'efs-plugin': 'aws-efs-csi-driver', ...sidecars }),
          hostNetwork: true,
        },
        {
          kind: 'DaemonSet',
          name: 'efs-csi-node',
          tolerations: everyNode,
          serviceAccount: 'efs-csi-node-sa',
          labels: { ...labels('aws-efs-csi-driver', 'csi-driver'), app: 'efs-csi-node' },
          containers: containers({
            'efs-plugin': 'aws-efs-csi-driver',
            'csi-driver-registrar': SIDECAR.registrar,
            'liveness-probe': SIDECAR.liveness,
          }),
          hostNetwork: true,
        },
      ],
    },
    irsaServiceAccounts: ['efs-csi-controller-sa', 'efs-csi-node-sa'],
    configurationSchema: configurationSchema(
      'Configurable parameters of the AWS EFS CSI Driver',
      {
        controller: controllerSettings,
        node: nodeSettings,
        replicaCount: replicas(),
        sidecars: anyObject,
        useFIPS: boolean,
      },
      definitions,
    ),
    versions: versions(
      [
        ['v2.3.0-eksbuild.1', 33, 36, [35, 36], true],
        ['v2.1.15-eksbuild.1', 33, 35, [34], true],
        ['v2.1.9-eksbuild.1', 30, 33, [31, 32, 33], true],
        ['v2.1.4-eksbuild.1', 29, 32, [29, 30], true],
        ['v2.0.7-eksbuild.1', 29, 31, [], true],
        ['v1.7.7-eksbuild.1', 29, 30, [], false],
      ],
      {
        requiresIamPermissions: true,
        podIdentity: podIdentity({ 'efs-csi-controller-sa': ['service-role/AmazonEFSCSIDriverPolicy'] }),
      },
    ),
  },
  {
    ...aws,
    name: 'aws-fsx-csi-driver',
    objects: {
      namespace: 'kube-system',
      serviceAccounts: ['fsx-csi-controller-sa', 'fsx-csi-node-sa'],
      workloads: [
        {
          kind: 'Deployment',
          name: 'fsx-csi-controller',
          serviceAccount: 'fsx-csi-controller-sa',
          replicas: 2,
          labels: { ...labels('aws-fsx-csi-driver', 'csi-driver'), app: 'fsx-csi-controller' },
          containers: containers({ 'fsx-plugin': 'aws-fsx-csi-driver', ...sidecars, 'csi-resizer': SIDECAR.resizer }),
        },
        {
          kind: 'DaemonSet',
          name: 'fsx-csi-node',
          tolerations: everyNode,
          serviceAccount: 'fsx-csi-node-sa',
          labels: { ...labels('aws-fsx-csi-driver', 'csi-driver'), app: 'fsx-csi-node' },
          containers: containers({ 'fsx-plugin': 'aws-fsx-csi-driver', ...nodeSidecars }),
        },
      ],
    },
    irsaServiceAccounts: ['fsx-csi-controller-sa'],
    configurationSchema: configurationSchema(
      'Configurable parameters of the Amazon FSx CSI Driver',
      { controller: controllerSettings, node: nodeSettings },
      definitions,
    ),
    versions: versions(
      [
        ['v1.8.0-eksbuild.1', 33, 36, [34, 35, 36], true],
        ['v1.6.0-eksbuild.1', 30, 33, [31, 32, 33], true],
        ['v1.5.1-eksbuild.1', 29, 33, [29, 30], true],
        ['v1.4.0-eksbuild.1', 29, 32, [], true],
      ],
      { requiresIamPermissions: true, podIdentity: podIdentity({ 'fsx-csi-controller-sa': ['AmazonFSxFullAccess'] }) },
    ),
  },
  {
    ...aws,
    name: 'aws-mountpoint-s3-csi-driver',
    objects: {
      namespace: 'kube-system',
      serviceAccounts: ['s3-csi-driver-sa', 's3-csi-driver-controller-sa'],
      workloads: [
        {
          kind: 'Deployment',
          name: 's3-csi-controller',
          serviceAccount: 's3-csi-driver-controller-sa',
          replicas: 1,
          labels: { ...labels('aws-mountpoint-s3-csi-driver', 'csi-driver'), app: 's3-csi-controller' },
          containers: containers({ 's3-csi-controller': 'aws-s3-csi-driver' }),
        },
        {
          kind: 'DaemonSet',
          name: 's3-csi-node',
          tolerations: [{ key: 'CriticalAddonsOnly', operator: 'Exists' }],
          serviceAccount: 's3-csi-driver-sa',
          labels: { ...labels('aws-mountpoint-s3-csi-driver', 'csi-driver'), app: 's3-csi-node' },
          containers: containers({ 's3-plugin': 'aws-s3-csi-driver', ...nodeSidecars }),
        },
      ],
      customKinds: customKinds('s3.csi.aws.com', [
        ['mountpoints3podattachments', 'MountpointS3PodAttachment', ['v2'], ['s3pa'], false],
      ]),
    },
    irsaServiceAccounts: ['s3-csi-driver-sa'],
    configurationSchema: configurationSchema('Configurable parameters of the Mountpoint for Amazon S3 CSI Driver', {
      experimental: anyObject,
      node: nodeSettings,
    }),
    versions: versions(
      [
        ['v2.3.0-eksbuild.1', 33, 36, [34, 35, 36], true],
        ['v2.0.0-eksbuild.1', 30, 33, [], true],
        // awslabs/mountpoint-s3-csi-driver#215: version 1 does not support associations.
        ['v1.15.0-eksbuild.1', 29, 33, [29, 30, 31, 32, 33], false],
        ['v1.11.0-eksbuild.1', 29, 31, [], false],
      ],
      // No managed policy is recommended: users write their own policy for the buckets that the driver may read.
      { requiresIamPermissions: true, podIdentity: podIdentity({ 's3-csi-driver-sa': [] }) },
    ),
  },
  {
    ...aws,
    name: 'snapshot-controller',
    objects: {
      namespace: 'kube-system',
      serviceAccounts: ['snapshot-controller'],
      workloads: [
        {
          kind: 'Deployment',
          name: 'snapshot-controller',
          serviceAccount: 'snapshot-controller',
          replicas: 2,
          labels: labels('snapshot-controller', 'snapshot-controller'),
          containers: containers({ 'snapshot-controller': 'snapshot-controller' }),
        },
      ],
      customKinds: [
        ...customKinds('snapshot.storage.k8s.io', [
          ['volumesnapshots', 'VolumeSnapshot', ['v1'], ['vs']],
          ['volumesnapshotcontents', 'VolumeSnapshotContent', ['v1'], ['vsc', 'vscs'], false],
          ['volumesnapshotclasses', 'VolumeSnapshotClass', ['v1'], ['vsclass', 'vsclasses'], false],
        ]),
        ...customKinds('groupsnapshot.storage.k8s.io', [
          ['volumegroupsnapshots', 'VolumeGroupSnapshot', ['v1beta1', 'v1alpha1'], ['vgs']],
          [
            'volumegroupsnapshotcontents',
            'VolumeGroupSnapshotContent',
            ['v1beta1', 'v1alpha1'],
            ['vgsc', 'vgscs'],
            false,
          ],
          [
            'volumegroupsnapshotclasses',
            'VolumeGroupSnapshotClass',
            ['v1beta1', 'v1alpha1'],
            ['vgsclass', 'vgsclasses'],
            false,
          ],
        ]),
      ],
    },
    irsaServiceAccounts: [],
    configurationSchema: configurationSchema('Configurable parameters of the CSI snapshot controller', {
      nodeSelector: texts,
      priorityClassName: text,
      replicaCount: replicas(),
      resources,
      tolerations,
    }),
    versions: versions(
      [
        ['v8.4.0-eksbuild.3', 33, 36, [34, 35, 36], false],
        ['v8.2.0-eksbuild.1', 30, 33, [31, 32, 33], false],
        ['v8.1.0-eksbuild.2', 29, 31, [29, 30], false],
        ['v7.0.1-eksbuild.1', 29, 30, [], false],
      ],
      { requiresIamPermissions: false },
    ),
  },
];
