/**
 * Consumers of a run: objects by which software other than the service account's own pods uses its web identity, and the
 * service's access to them. What each of them gets from STS is decided by the sandbox (`sandbox/credentials/consumers`).
 */
import type { MigrationRequestInput } from '../../lambdas/domain/request/request.ts';
import type { ServiceAccountRef } from '../../lambdas/domain/terms/subject.ts';
import { defineCustomKinds, infoOf } from '../../sandbox/kubernetes/custom-resources.ts';
import { createServiceAccount, ensureNamespace } from '../../sandbox/kubernetes/cluster-objects.ts';
import type { CustomKind } from '../../sandbox/objects/objects.ts';
import {
  apiVersionOf,
  getResource,
  listObjects,
  newMetadata,
  putObject,
  putResource,
} from '../../sandbox/objects/store.ts';
import type { Scenario } from '../../sandbox/scenario/scenario.ts';
import type { Sandbox } from '../../sandbox/sandbox.ts';
import { type ClusterState, findRole } from '../../sandbox/world/world.ts';
import { annotationsIn, ROLE_ANNOTATION } from './cluster.ts';
import { addPattern } from './patterns.ts';
import type { ConsumerSpec, ConsumersSpec, RunSpec } from './spec.ts';

/** The namespace of the service account that no request is about, and which has the name of one that a request is about. */
const OTHER_NAMESPACE = 'elsewhere';
const OTHER_ROLE = 'arn:aws:iam::111122223333:role/elsewhere';

interface Form {
  kind: CustomKind;
  /** Returns the object's spec. */
  spec: (account: ServiceAccountRef, roleArn: string) => Record<string, unknown>;
}

const kindOf = (group: string, versions: string[], plural: string, kind: string, namespaced = true): CustomKind => ({
  group,
  versions,
  plural,
  kind,
  namespaced,
});

const externalSecrets = (serviceAccountRef: object): Record<string, unknown> => ({
  provider: { aws: { service: 'SecretsManager', region: 'eu-west-1', auth: { jwt: { serviceAccountRef } } } },
});

/** The kinds of objects that seeds draw, as their documentation has them. */
const FORMS: Record<ConsumerSpec['is'], Form> = {
  SecretStore: {
    kind: kindOf('external-secrets.io', ['v1', 'v1beta1'], 'secretstores', 'SecretStore'),
    spec: ({ name }) => externalSecrets({ name }),
  },
  ClusterSecretStore: {
    kind: kindOf('external-secrets.io', ['v1', 'v1beta1'], 'clustersecretstores', 'ClusterSecretStore', false),
    spec: ({ namespace, name }) => externalSecrets({ namespace, name }),
  },
  ECRAuthorizationToken: {
    kind: kindOf('generators.external-secrets.io', ['v1alpha1'], 'ecrauthorizationtokens', 'ECRAuthorizationToken'),
    spec: ({ name }) => ({ region: 'eu-west-1', auth: { jwt: { serviceAccountRef: { name } } } }),
  },
  Issuer: {
    kind: kindOf('cert-manager.io', ['v1'], 'issuers', 'Issuer'),
    spec: ({ name }, role) => ({
      acme: {
        server: 'https://acme-v02.api.letsencrypt.org/directory',
        privateKeySecretRef: { name: 'acme' },
        solvers: [
          { dns01: { route53: { region: 'eu-west-1', role, auth: { kubernetes: { serviceAccountRef: { name } } } } } },
        ],
      },
    }),
  },
  Bucket: {
    kind: kindOf('source.toolkit.fluxcd.io', ['v1', 'v1beta2'], 'buckets', 'Bucket'),
    spec: ({ name }) => ({
      provider: 'aws',
      bucketName: 'deliveries',
      endpoint: 's3.amazonaws.com',
      interval: '5m',
      serviceAccountName: name,
    }),
  },
  // These name no service account: they are about pods, which `withPodsOfConsumers` changes.
  ProviderConfig: {
    kind: kindOf('aws.upbound.io', ['v1beta1'], 'providerconfigs', 'ProviderConfig', false),
    spec: ({ namespace }) => ({ credentials: { source: namespace === OTHER_NAMESPACE ? 'Secret' : 'IRSA' } }),
  },
  SecretProviderClass: {
    kind: kindOf('secrets-store.csi.x-k8s.io', ['v1'], 'secretproviderclasses', 'SecretProviderClass'),
    spec: () => ({ provider: 'aws', parameters: { objects: '- objectName: orders\n  objectType: secretsmanager\n' } }),
  },
};

/** The pods of Crossplane's providers have this label, with the name of the package. */
const PROVIDER_LABEL = 'pkg.crossplane.io/provider';

/** Kinds whose objects are about the pods of a service account. Add-ons of the sandbox have no such pods. */
const ABOUT_PODS: ReadonlySet<ConsumerSpec['is']> = new Set(['ProviderConfig', 'SecretProviderClass']);

/**
 * Makes the pods of the planned service account those of a Crossplane provider if the run has a configuration for one, and
 * has them mount the secrets of its classes.
 */
export function withPodsOfConsumers(
  scenario: Scenario,
  [request]: readonly MigrationRequestInput[],
  spec: ConsumersSpec | undefined,
): void {
  const account = request?.serviceAccount;
  const planned = spec?.objects.filter(({ of }) => of === 'planned') ?? [];
  const classes = planned.filter(({ is }) => is === 'SecretProviderClass');
  const isProvider = planned.some(({ is }) => is === 'ProviderConfig');
  for (const workload of scenario.accounts.flatMap(({ clusters }) => clusters).flatMap(({ workloads }) => workloads)) {
    if (workload.namespace !== account?.namespace || workload.serviceAccount !== account.name) continue;
    if (isProvider) workload.labels = { 'app.kubernetes.io/name': workload.name, [PROVIDER_LABEL]: 'provider-aws-s3' };
    if (classes.length > 0)
      workload.volumes = classes.map(({ name }) => ({
        name: `secrets-${name}`,
        mountPath: `/mnt/${name}`,
        secretProviderClass: name,
      }));
  }
}

/**
 * Returns the service account that the first request is about; for an add-on, one of its own whose annotation names its
 * role. Undefined if there is none.
 */
const plannedAccount = (
  { world }: Sandbox,
  cluster: ClusterState,
  [request]: readonly MigrationRequestInput[],
): ServiceAccountRef | undefined => {
  if (request?.serviceAccount) return request.serviceAccount;
  const addon = cluster.addons.get(request?.addon ?? '');
  const annotations = annotationsIn(cluster);
  const namespace = addon?.namespace ?? '';
  const name = world.catalogue
    .get(request?.addon ?? '')
    ?.objects.workloads.map(({ serviceAccount }) => serviceAccount)
    .find((each) => annotations.get(`${namespace}/${each}`) === addon?.serviceAccountRoleArn);
  return name === undefined || addon?.serviceAccountRoleArn === undefined ? undefined : { namespace, name };
};

/** Returns the name by which requests accept the object. */
const nameOf = ({ is, name }: ConsumerSpec, { namespace }: ServiceAccountRef): string =>
  FORMS[is].kind.namespaced ? `${is}/${namespace}/${name}` : `${is}/${name}`;

/** An object of a run. */
export interface PlacedConsumer {
  spec: ConsumerSpec;
  /** As the plan names it: `SecretStore/shop/aws`. */
  name: string;
  /** The resource as kubectl names it: `secretstores.external-secrets.io`. */
  resource: string;
  serviceAccount: ServiceAccountRef;
  /** Whether it uses the identity of the planned service account. */
  uses: boolean;
  /** Number of the call log's line after which it appeared; 0 if it exists from the beginning, absent if it never did. */
  appeared?: number;
}

const resourceNameOf = ({ plural, group }: CustomKind): string => `${plural}.${group}`;

/** Removes the service's right to list a resource from the ClusterRoles of the sandbox's migrator. */
const denyResource = (cluster: ClusterState, resource: string): void => {
  for (const role of listObjects(cluster.kube, 'ClusterRole').filter(({ metadata }) =>
    metadata.name.startsWith('sandbox:migrator:'),
  ))
    putObject(cluster.kube, 'ClusterRole', {
      ...role,
      rules: (role.rules ?? []).flatMap((rule) => {
        const resources = (rule.resources ?? []).filter(
          (plural) => !(rule.apiGroups ?? []).some((group) => `${plural}.${group}` === resource),
        );
        return resources.length === 0 && rule.resources ? [] : [rule.resources ? { ...rule, resources } : rule];
      }),
    });
};

/** The objects of a run that may be consumers, and how they come about. */
export class Consumers {
  readonly placed: PlacedConsumer[] = [];
  /** What the requests accept, and what the retirements accept. */
  readonly accepted: { request: string[]; retirement: string[] } = { request: [], retirement: [] };
  private readonly sandbox: Sandbox;
  private readonly cluster: ClusterState;

  constructor(
    sandbox: Sandbox,
    cluster: ClusterState,
    { requests, spec }: { requests: readonly MigrationRequestInput[]; spec: ConsumersSpec },
  ) {
    this.sandbox = sandbox;
    this.cluster = cluster;
    const account = plannedAccount(sandbox, cluster, requests);
    const roleArn = account && annotationsIn(cluster).get(`${account.namespace}/${account.name}`);
    if (!account || roleArn === undefined) return;
    const other = { namespace: OTHER_NAMESPACE, name: account.name };
    this.addOther(other, account, roleArn);
    const uses = ({ is, of }: ConsumerSpec): boolean =>
      of === 'planned' && (!ABOUT_PODS.has(is) || requests[0]?.serviceAccount !== undefined);
    for (const one of spec.objects)
      this.place(
        one,
        one.of === 'planned'
          ? { serviceAccount: account, roleArn, uses: uses(one) }
          : { serviceAccount: other, roleArn: OTHER_ROLE, uses: false },
      );
    const accept = (name: string, by: ConsumerSpec['accepted']): void => {
      if (by === 'request' || by === 'both') this.accepted.request.push(name);
      if (by === 'retirement' || by === 'both') this.accepted.retirement.push(name);
    };
    for (const { name, spec: one } of this.placed) accept(name, one.accepted);
    if (spec.pattern)
      this.accepted.retirement.push(...addPattern(sandbox, cluster, { account, roleArn, spec: spec.pattern }));
    for (const { is, accepted } of spec.unread ?? []) {
      const resource = resourceNameOf(FORMS[is].kind);
      denyResource(cluster, resource);
      accept(resource, accepted);
    }
  }

  /** Creates a service account of the same name in another namespace, with a role of its own. */
  private addOther({ namespace, name }: ServiceAccountRef, like: ServiceAccountRef, roleArn: string): void {
    const { cluster, sandbox } = this;
    const { world } = sandbox;
    const role = findRole(world, roleArn);
    if (role)
      world.accounts.get(roleArn.split(':')[4] ?? '')?.roles.set(OTHER_NAMESPACE, {
        ...structuredClone(role),
        arn: OTHER_ROLE,
        name: OTHER_NAMESPACE,
        trustPolicy: role.trustPolicy.replaceAll(
          `system:serviceaccount:${like.namespace}:${like.name}`,
          `system:serviceaccount:${namespace}:${name}`,
        ),
      });
    const at = world.schedule.now();
    ensureNamespace(cluster, namespace, at);
    const { metadata, ...account } = createServiceAccount(cluster, namespace, name, at);
    putObject(cluster.kube, 'ServiceAccount', {
      ...account,
      metadata: { ...metadata, annotations: { [ROLE_ANNOTATION]: OTHER_ROLE } },
    });
  }

  /** Creates the object now, or once the step that it waits for has made its first call. */
  private place(
    spec: ConsumerSpec,
    { serviceAccount, roleArn, uses }: Pick<PlacedConsumer, 'serviceAccount' | 'uses'> & { roleArn: string },
  ): void {
    const { kind, spec: form } = FORMS[spec.is];
    const { cluster, sandbox } = this;
    const { world } = sandbox;
    defineCustomKinds(cluster, [kind]);
    const one: PlacedConsumer = {
      spec,
      name: nameOf(spec, serviceAccount),
      resource: resourceNameOf(kind),
      serviceAccount,
      uses,
    };
    this.placed.push(one);
    const namespace = kind.namespaced ? { namespace: serviceAccount.namespace } : {};
    const put = (line: number): void => {
      one.appeared = line;
      if (getResource(cluster.kube, infoOf(kind), namespace.namespace, spec.name)) return;
      putResource(cluster.kube, kind, {
        apiVersion: apiVersionOf(infoOf(kind)),
        kind: kind.kind,
        metadata: newMetadata(cluster.kube, world.schedule.now(), { name: spec.name, ...namespace, generation: 1 }),
        spec: form(serviceAccount, roleArn),
      });
    };
    if (spec.appears === undefined) {
      put(0);
      return;
    }
    world.log.onCall(({ step, n }) => {
      if (one.appeared === undefined && step === spec.appears) put(n);
    });
  }
}

/** Returns the requests with what the run's consumers want of them. */
export const withConsumers = <Request extends MigrationRequestInput>(
  requests: readonly Request[],
  { consumers: spec }: RunSpec,
  consumers: Consumers | undefined,
): Request[] =>
  requests.map((request) => ({
    ...request,
    ...(spec?.annotation && request.serviceAccount ? { annotation: spec.annotation } : {}),
    ...(consumers ? { accept: consumers.accepted.request.map((name) => `consumer:${name}`) } : {}),
  }));
