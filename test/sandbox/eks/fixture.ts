/** A small world with one cluster, and the real SDK connected directly to the EKS service, without a transport. */
import { EKS } from '@aws-sdk/client-eks';
import type { HttpRequest, HttpResponse } from '../../../sandbox/http.ts';
import { Authorizer } from '../../../sandbox/authorization/authorizer.ts';
import { loadCatalogue } from '../../../sandbox/catalog/index.ts';
import { createEksService } from '../../../sandbox/eks/service.ts';
import { ofVersion } from '../../../sandbox/catalog/build.ts';
import { seedAddonObjects } from '../../../sandbox/kubernetes/addon-objects.ts';
import { seedCluster } from '../../../sandbox/kubernetes/cluster-objects.ts';
import type { KubeObject } from '../../../sandbox/objects/objects.ts';
import type { Knobs } from '../../../sandbox/scenario/scenario.ts';
import type { AccountState, AddonState, AssociationState, ClusterState, World } from '../../../sandbox/world/world.ts';
import { ACCOUNT, bareCluster, bareWorld, REGION, START } from '../../../sandbox/build/bare-world.ts';

export { ACCOUNT, REGION, START } from '../../../sandbox/build/bare-world.ts';
export const OTHER_ACCOUNT = '444455556666';
export const CLUSTER = 'shop';
export const EBS = 'aws-ebs-csi-driver';
export const EBS_SA = 'ebs-csi-controller-sa';

const allow = (principal: Record<string, string>, action: string | string[]): Record<string, unknown> => ({
  Effect: 'Allow',
  Principal: principal,
  Action: action,
});
const policy = (...statements: Record<string, unknown>[]): string =>
  JSON.stringify({ Version: '2012-10-17', Statement: statements });
const pods = { Service: 'pods.eks.amazonaws.com' };
export const TRUST = {
  pods: policy(allow(pods, ['sts:AssumeRole', 'sts:TagSession'])),
  noTagSession: policy(allow(pods, 'sts:AssumeRole')),
  oidc: policy(
    allow(
      { Federated: `arn:aws:iam::${ACCOUNT}:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/0123` },
      'sts:AssumeRoleWithWebIdentity',
    ),
  ),
};

/** Roles of the account; `young` is created half a second before the start. */
export const roleArn = (name: string, account = ACCOUNT): string => `arn:aws:iam::${account}:role/${name}`;
const ROLES: Record<string, { trust: string; createdAt: number }> = {
  ebs: { trust: TRUST.pods, createdAt: 0 },
  other: { trust: TRUST.pods, createdAt: 0 },
  'irsa-only': { trust: TRUST.oidc, createdAt: 0 },
  'no-tag-session': { trust: TRUST.noTagSession, createdAt: 0 },
  young: { trust: TRUST.pods, createdAt: START - 500 },
};

/** Permissions of the caller's role, as statements of a policy. */
export type Statement = Record<string, unknown>;
/** The caller's role if the fixture is opened with `as`; its session in errors. */
const CALLER = 'caller';
export const CALLER_SESSION = `arn:aws:sts::${ACCOUNT}:assumed-role/${CALLER}/sandbox`;

export interface FixtureAddon {
  name: string;
  version?: string;
  role?: string;
  status?: AddonState['status'];
  configurationValues?: string;
}

export interface Fixture {
  world: World;
  cluster: ClusterState;
  eks: EKS;
  /** Entries that the service added to the call log. */
  described: { operation: string; input: unknown }[];
  /** Every response, as sent over the wire. */
  answers: HttpResponse[];
  /** Sends a request that no SDK would send. */
  send: (
    method: string,
    path: string,
    options?: { query?: HttpRequest['query']; body?: unknown; rawBody?: string },
  ) => Promise<{ status: number; headers: Record<string, string>; body: Record<string, unknown> }>;
  /** Advances the time by a number of seconds. */
  pass: (seconds: number) => void;
  addon: (name?: string) => AddonState | undefined;
  /** Creates an association without a call. */
  associate: (
    association: Pick<AssociationState, 'serviceAccount' | 'roleArn'> & Partial<AssociationState>,
  ) => AssociationState;
  /** Returns running pods of a service account, without terminating ones. */
  podsOf: (serviceAccount: string, namespace?: string) => KubeObject[];
  object: (kind: string, name: string, namespace?: string) => KubeObject | undefined;
  /** The authorizer, with the permissions that were checked. */
  authorizer: Authorizer;
  /** Replaces the caller's permissions; only if the fixture was opened with `as`. */
  grant: (statements: Statement[]) => void;
}

const install = (
  world: World,
  cluster: ClusterState,
  { name, version, role, status = 'ACTIVE', configurationValues }: FixtureAddon,
): void => {
  const offered = world.catalogue.get(name)!;
  const serviceAccountRoleArn = role === undefined ? undefined : roleArn(role);
  const createdAt = START - 86_400_000;
  const installed =
    version ?? offered.versions.find((candidate) => candidate.defaultFor.includes(cluster.version))!.version;
  cluster.addons.set(name, {
    name,
    arn: `arn:aws:eks:${REGION}:${ACCOUNT}:addon/${CLUSTER}/${name}/${world.random.uuid()}`,
    version: installed,
    status,
    issues: [],
    namespace: offered.objects.namespace,
    serviceAccountRoleArn,
    configurationValues,
    associationIds: [],
    tags: { team: 'storage' },
    createdAt,
    modifiedAt: createdAt,
    generation: 1,
  });
  seedAddonObjects(world, cluster, name, ofVersion(offered.objects, installed), {
    irsaServiceAccounts: offered.irsaServiceAccounts,
    ...(serviceAccountRoleArn === undefined ? {} : { roleArn: serviceAccountRoleArn }),
    podsCreatedAt: createdAt,
  });
};

/** `as`: permissions of the calling role; defaults to the account's administrator. */
export const openFixture = (
  options: {
    knobs?: Partial<Knobs>;
    addons?: FixtureAddon[];
    nodes?: number;
    seed?: number;
    version?: string;
    as?: Statement[];
  } = {},
): Fixture => {
  const account: AccountState = { id: ACCOUNT, roles: new Map(), clusters: new Map() };
  const roles = options.as ? { ...ROLES, [CALLER]: { trust: TRUST.oidc, createdAt: 0 } } : ROLES;
  for (const [name, { trust, createdAt }] of Object.entries(roles)) {
    account.roles.set(name, {
      arn: roleArn(name),
      name,
      path: '/',
      roleId: `AROA${name.toUpperCase()}`,
      createdAt,
      trustPolicy: trust,
      pastTrust: [],
      policies: [],
      attachedPolicies: [],
      tags: {},
    });
  }
  const world = bareWorld({
    seed: options.seed ?? 1,
    knobs: options.knobs ?? {},
    catalogue: loadCatalogue(),
    accounts: new Map([[ACCOUNT, account]]),
  });
  const cluster = bareCluster({
    name: CLUSTER,
    version: options.version ?? '1.31',
    endpoint: 'https://shop.example',
    certificateAuthority: '-----BEGIN CERTIFICATE-----\n',
    oidcIssuer: 'https://oidc.eks.eu-west-1.amazonaws.com/id/0123456789ABCDEF0123456789ABCDEF',
  });
  account.clusters.set(`${REGION}/${CLUSTER}`, cluster);
  seedCluster(world, cluster, options.nodes ?? 2);
  for (const addon of options.addons ?? []) install(world, cluster, addon);

  const grant = (statements: Statement[]): void => {
    account.roles.get(CALLER)!.policies =
      statements.length === 0 ? [] : [{ name: 'permissions', document: policy(...statements) }];
  };
  if (options.as) grant(options.as);
  const authorizer = new Authorizer(world);
  const caller = {
    accessKeyId: 'AKIAEXAMPLE',
    principalArn: roleArn(options.as ? CALLER : 'operator'),
    account: ACCOUNT,
  };
  const service = createEksService(world);
  const described: Fixture['described'] = [];
  const answers: HttpResponse[] = [];
  const call = async (request: HttpRequest): Promise<HttpResponse> => {
    const entry = { operation: '', input: undefined as unknown };
    described.push(entry);
    const response = await service(request, {
      caller,
      region: REGION,
      describe: (operation, input) => Object.assign(entry, { operation, input }),
      authorize: (permission) => authorizer.authorize(caller, permission, REGION),
    });
    answers.push(response);
    return response;
  };
  const bytes = (body: unknown): Uint8Array =>
    body instanceof Uint8Array ? body : Buffer.from(typeof body === 'string' ? body : '');
  const eks = new EKS({
    region: REGION,
    maxAttempts: 1,
    credentials: { accessKeyId: 'AKIAEXAMPLE', secretAccessKey: 'secret' },
    requestHandler: {
      handle: async (request: {
        method: string;
        hostname: string;
        path: string;
        query: HttpRequest['query'];
        headers: Record<string, string>;
        body: unknown;
      }) => {
        const { method, hostname: host, path, query, headers } = request;
        const response = await call({ method, host, path, query, headers, body: bytes(request.body) });
        return { response: { statusCode: response.status, headers: response.headers, body: bytes(response.body) } };
      },
    } as never,
  });

  const objects = (kind: string): Map<string, KubeObject> =>
    cluster.kube.objects.get(kind) ?? new Map<string, KubeObject>();
  return {
    world,
    cluster,
    eks,
    described,
    answers,
    send: async (method, path, { query = {}, body, rawBody } = {}) => {
      const text = rawBody ?? (body === undefined ? '' : JSON.stringify(body));
      const response = await call({
        method,
        host: 'eks.eu-west-1.amazonaws.com',
        path,
        query,
        headers: {},
        body: Buffer.from(text),
      });
      return {
        status: response.status,
        headers: response.headers,
        body: JSON.parse(String(response.body)) as Record<string, unknown>,
      };
    },
    pass: (seconds) => world.schedule.advanceTo(world.schedule.now() + seconds * 1000),
    addon: (name = EBS) => cluster.addons.get(name),
    associate: (association) => {
      const id = association.id ?? `a-${world.random.string(17)}`;
      const state: AssociationState = {
        namespace: 'kube-system',
        tags: {},
        createdAt: START - 3600_000,
        modifiedAt: START - 3600_000,
        ...association,
        id,
        arn: `arn:aws:eks:${REGION}:${ACCOUNT}:podidentityassociation/${CLUSTER}/${id}`,
      };
      cluster.associations.set(id, state);
      return state;
    },
    podsOf: (serviceAccount, namespace = 'kube-system') =>
      [...objects('pods.').values()].filter(
        (pod) =>
          pod.metadata.namespace === namespace &&
          pod.spec?.['serviceAccountName'] === serviceAccount &&
          pod.metadata.deletionTimestamp === undefined,
      ),
    object: (kind, name, namespace = 'kube-system') => objects(kind).get(`${namespace}/${name}`),
    authorizer,
    grant,
  };
};

export const addon = { clusterName: CLUSTER, addonName: EBS };
export const podIdentityAssociations = [{ serviceAccount: EBS_SA, roleArn: roleArn('ebs') }];
/** Returns the role in the annotation of the driver's service account. */
export const annotation = (fixture: Fixture): string | undefined =>
  fixture.object('serviceaccounts.', EBS_SA)?.metadata.annotations?.['eks.amazonaws.com/role-arn'];
/** Returns the uids of the driver's pods. */
export const uids = (fixture: Fixture): string[] =>
  fixture
    .podsOf(EBS_SA)
    .map((pod) => pod.metadata.uid)
    .sort();

/** Returns how many of the driver's pods are among those with these uids. */
export const kept = (fixture: Fixture, before: string[]): number =>
  uids(fixture).filter((uid) => before.includes(uid)).length;
export const updateOf = async ({ eks }: Fixture, updateId: string | undefined) =>
  (await eks.describeUpdate({ name: CLUSTER, addonName: EBS, updateId })).update;

/** Returns the names of the environment variables of a pod's first container. */
export const envOf = (pod: KubeObject | undefined): string[] => {
  const [container] = (pod?.spec?.['containers'] ?? []) as { env?: { name: string }[] }[];
  return (container?.env ?? []).map(({ name }) => name);
};

/** Returns the SDK's error of a call that must fail. */
export const failureOf = async (
  promise: Promise<unknown>,
): Promise<{ name: string; message: string; status: number | undefined; clusterName?: string; addonName?: string }> => {
  try {
    await promise;
  } catch (error) {
    const { name, message, $metadata, clusterName, addonName } = error as Error & {
      $metadata?: { httpStatusCode?: number };
      clusterName?: string;
      addonName?: string;
    };
    return {
      name,
      message,
      status: $metadata?.httpStatusCode,
      ...(clusterName === undefined ? {} : { clusterName }),
      ...(addonName === undefined ? {} : { addonName }),
    };
  }
  throw new Error('The call succeeded, but was expected to fail.');
};
