/** Worlds with consumers of web identities, and what the sandbox plays of them. */
import { consumersIn } from '../../../sandbox/consumers/index.ts';
import { ROLE_ANNOTATION } from '../../../sandbox/kubernetes/webhook.ts';
import { getObject } from '../../../sandbox/objects/store.ts';
import type { KubeObject } from '../../../sandbox/objects/objects.ts';
import type { ScenarioInput } from '../../../sandbox/scenario/scenario.ts';
import { findRole, type ClusterState, type World } from '../../../sandbox/world/world.ts';
import { ACCOUNT, clusterWorld, policyOf, REGION } from '../support.ts';
import { ISSUER, OIDC } from './support.ts';

export type ClusterInput = NonNullable<ScenarioInput['accounts'][number]['clusters']>[number];
export type CustomInput = NonNullable<ClusterInput['customResources']>[number];

export const ROLE = `arn:aws:iam::${ACCOUNT}:role/shop`;
export const CREATED = '2025-06-01T00:00:00.000Z';
/** Any service account of the cluster. */
export const TRUST = {
  Effect: 'Allow',
  Principal: { Federated: `arn:aws:iam::${ACCOUNT}:oidc-provider/${ISSUER}` },
  Action: 'sts:AssumeRoleWithWebIdentity',
  Condition: { StringLike: { [`${ISSUER}:sub`]: 'system:serviceaccount:*:*', [`${ISSUER}:aud`]: 'sts.amazonaws.com' } },
};
export const POD_IDENTITY = {
  Effect: 'Allow',
  Principal: { Service: 'pods.eks.amazonaws.com' },
  Action: ['sts:AssumeRole', 'sts:TagSession'],
};

export interface Stage {
  world: World;
  cluster: ClusterState;
}
export const opened = (
  cluster: Partial<ClusterInput>,
  roles: NonNullable<ScenarioInput['accounts'][number]['roles']> = [],
): Stage =>
  clusterWorld(
    { oidcId: OIDC, addons: [{ name: 'eks-pod-identity-agent', version: 'v1.3.4-eksbuild.1' }], ...cluster },
    { roles: [{ arn: ROLE, trustPolicy: policyOf(TRUST, POD_IDENTITY) }, ...roles] },
  );

export const annotated = (namespace: string, name: string) => ({
  namespace,
  name,
  annotations: { [ROLE_ANNOTATION]: ROLE },
});
export const API = annotated('shop', 'api');
export const deployment = (more: Partial<NonNullable<ClusterInput['workloads']>[number]> = {}) => ({
  kind: 'Deployment' as const,
  namespace: 'shop',
  name: 'api',
  serviceAccount: 'api',
  createdAt: CREATED,
  ...more,
});
export const custom = (apiVersion: string, kind: string, plural: string, more: Partial<CustomInput>): CustomInput => ({
  apiVersion,
  kind,
  plural,
  name: 'aws',
  ...more,
});

export const accountOf = ({ cluster }: Stage, namespace: string, name: string): KubeObject =>
  getObject(cluster.kube, 'ServiceAccount', namespace, name)!;
export const removeAnnotation = (stage: Stage, namespace: string, name: string): void => {
  accountOf(stage, namespace, name).metadata.annotations = {};
};
export const retire = ({ world }: Stage): void => {
  findRole(world, ROLE)!.trustPolicy = JSON.stringify(policyOf(POD_IDENTITY));
};
export const seen = ({ world, cluster }: Stage): [string, string, boolean][] =>
  consumersIn(world, cluster).map(({ name, serviceAccount, works }) => [
    name,
    `${serviceAccount.namespace}/${serviceAccount.name}`,
    works,
  ]);
export const ES = 'external-secrets.io/v1';
export const store = (kind: 'SecretStore' | 'ClusterSecretStore', more: Partial<CustomInput> = {}): CustomInput =>
  custom(ES, kind, kind === 'SecretStore' ? 'secretstores' : 'clustersecretstores', {
    ...(kind === 'SecretStore' ? { namespace: 'shop' } : {}),
    spec: { provider: { aws: { region: REGION, auth: { jwt: { serviceAccountRef: { name: 'api' } } } } } },
    ...more,
  });
export const flux = (group: string, kind: string, plural: string, spec: Record<string, unknown>): CustomInput =>
  custom(group, kind, plural, { namespace: 'shop', spec });

export const issuer = (spec: Record<string, unknown>): CustomInput =>
  custom('cert-manager.io/v1', 'Issuer', 'issuers', { namespace: 'shop', spec });
export const solvers = (role?: string) => {
  const auth = { kubernetes: { serviceAccountRef: { name: 'api' } } };
  return { acme: { solvers: [{ dns01: { route53: { auth, ...(role === undefined ? {} : { role }) } } }] } };
};
export const keda = (podIdentity: object): CustomInput[] => [
  custom('keda.sh/v1alpha1', 'TriggerAuthentication', 'triggerauthentications', {
    namespace: 'shop',
    spec: { podIdentity },
  }),
  custom('keda.sh/v1alpha1', 'ScaledObject', 'scaledobjects', {
    namespace: 'shop',
    name: 'api',
    spec: {
      scaleTargetRef: { name: 'api' },
      triggers: [{ type: 'aws-sqs-queue', authenticationRef: { name: 'aws' } }],
    },
  }),
];
export const secretClass = (parameters: Record<string, string>): CustomInput =>
  custom('secrets-store.csi.x-k8s.io/v1', 'SecretProviderClass', 'secretproviderclasses', {
    namespace: 'shop',
    spec: { provider: 'aws', parameters },
  });
export const mounting = deployment({
  volumes: [{ name: 'secrets', mountPath: '/secrets', secretProviderClass: 'aws' }],
});
