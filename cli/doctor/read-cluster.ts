/** Reads one cluster for `doctor`: EKS, IAM and the API server, with the caller's own credentials. */
import { reasonOf } from '../errors.ts';
import { DescribeClusterCommand, type Cluster as SdkCluster } from '@aws-sdk/client-eks';
import { z } from 'zod';
import { AwsEks } from '../../lambdas/adapters/aws-eks.ts';
import { toCluster } from '../../lambdas/adapters/aws-eks-shapes.ts';
import { awsOrUndefined } from '../../lambdas/adapters/aws-errors.ts';
import { AwsRoles } from '../../lambdas/adapters/aws-roles.ts';
import { eksToken } from '../../lambdas/adapters/eks-token.ts';
import { KubernetesApi } from '../../lambdas/adapters/kubernetes-api.ts';
import { nodeHttp } from '../../lambdas/adapters/node-http.ts';
import { AGENT_ADDON } from '../../lambdas/domain/addons/registry.ts';
import { oidcProviderArn } from '../../lambdas/domain/aws/arn.ts';
import type { Cluster } from '../../lambdas/domain/aws/eks.ts';
import { isMigrationError } from '../../lambdas/domain/failures/errors.ts';
import type { Addon } from '../../lambdas/domain/terms/observed.ts';
import { type Check, unknown } from '../../lambdas/domain/terms/check.ts';
import type { Target } from '../../lambdas/domain/terms/subject.ts';
import { migrationRequest } from '../../lambdas/domain/request/request.ts';
import { agentCheck } from '../../lambdas/domain/identities/agent.ts';
import { checkPlatformVersion } from '../../lambdas/domain/plan/preflight.ts';
import { createHttpKubernetes } from '../../lambdas/adapters/http-kubernetes.ts';
import type { AwsSession } from '../aws/session.ts';
import {
  checkAccess,
  checkCluster,
  checkEndpoint,
  checkProvider,
  checkQuota,
  type EndpointFact,
  type Listed,
} from './cluster-checks.ts';
import { checkConsumerAccess } from './consumer-access.ts';
import { type Answered, PLAN_ACTIONS } from './permissions.ts';
import { readClusters, tried } from './read.ts';

/** The lists of the API server that a plan reads. One object of each is enough. */
const LISTS = [
  { what: 'pods', path: '/api/v1/pods?limit=1' },
  { what: 'service accounts', path: '/api/v1/serviceaccounts?limit=1' },
  { what: 'nodes', path: '/api/v1/nodes?limit=1' },
  { what: 'deployments', path: '/apis/apps/v1/deployments?limit=1' },
  {
    what: 'mutating webhook configurations',
    path: '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations?limit=1',
  },
] as const;

const endpointOf = async (
  found: SdkCluster,
  { endpoint = '', certificateAuthority }: Cluster,
): Promise<EndpointFact> => {
  const { endpointPublicAccess, endpointPrivateAccess, publicAccessCidrs = [] } = found.resourcesVpcConfig ?? {};
  const fact = {
    url: endpoint,
    isPublic: endpointPublicAccess ?? true,
    isPrivate: endpointPrivateAccess ?? false,
    publicCidrs: publicAccessCidrs,
  };
  try {
    await nodeHttp({
      method: 'GET',
      url: `${endpoint}/version`,
      headers: {},
      ...(certificateAuthority === undefined
        ? {}
        : { certificateAuthority: Buffer.from(certificateAuthority, 'base64').toString('utf8') }),
    });
    return fact;
  } catch (error) {
    return { ...fact, error: reasonOf(error) };
  }
};

const apiOptions = ({ clients, region }: AwsSession, { name, endpoint = '', certificateAuthority }: Cluster) => ({
  http: nodeHttp,
  cluster: name,
  endpoint: () =>
    Promise.resolve({ url: endpoint, ...(certificateAuthority === undefined ? {} : { certificateAuthority }) }),
  token: async () =>
    eksToken({ cluster: name, region, credentials: await clients.eks().config.credentials(), now: new Date() }),
});

const listed = async (api: KubernetesApi, { what, path }: (typeof LISTS)[number]): Promise<Listed> => {
  try {
    await api.call({ what: `list ${what}`, method: 'GET', path }, z.unknown());
    return { what, status: 'allowed' };
  } catch (error) {
    if (isMigrationError(error, 'Unauthorised')) return { what, status: 'unauthorised' };
    if (isMigrationError(error, 'AccessDenied')) return { what, status: 'forbidden' };
    return { what, status: 'failed', why: reasonOf(error) };
  }
};

/** Reads the agent as EKS and the cluster report it. `refused`: why the API server was not asked. */
const readAgent = async (
  session: AwsSession,
  eks: AwsEks,
  target: Target,
  { cluster, refused }: { cluster: Cluster; refused: string | undefined },
): Promise<Check> => {
  const addon = await eks.describeAddon(AGENT_ADDON);
  const status = addon === undefined ? {} : { addonStatus: addon.status };
  if (refused !== undefined) return agentCheck({ target, cluster, agent: { ...status, error: refused } });
  const kubernetes = createHttpKubernetes(apiOptions(session, cluster));
  try {
    const workload = await kubernetes.getWorkload({ kind: 'DaemonSet', namespace: 'kube-system', name: AGENT_ADDON });
    return agentCheck({ target, cluster, agent: { ...status, ...(workload ? { workload } : {}) } });
  } catch (error) {
    return agentCheck({ target, cluster, agent: { ...status, error: reasonOf(error) } });
  }
};

const readProvider = async ({ clients }: AwsSession, target: Target, issuer: string): Promise<boolean | undefined> => {
  try {
    return (await new AwsRoles(clients.iam()).getOidcProvider(oidcProviderArn(target, issuer))) !== undefined;
  } catch (error) {
    if (isMigrationError(error, 'AccessDenied')) return undefined;
    throw error;
  }
};

/** Tries the reads of EKS that a plan makes, on what the cluster has. */
const triedReads = async (eks: AwsEks, roles: AwsRoles, cluster: Cluster): Promise<Answered[]> => {
  let names: string[] = [];
  const answers = [
    await tried('eks:ListAddons', async () => void (names = await eks.listAddons())),
    await tried('eks:ListPodIdentityAssociations', () => eks.countAssociations()),
    await tried('eks:ListAccessEntries', () => eks.listNodeCandidates(1)),
    await tried('eks:ListCapabilities', () => eks.listCapabilities()),
    await tried('eks:ListFargateProfiles', () => eks.listFargateProfiles()),
  ];
  const [name] = names;
  if (name === undefined) return answers;
  let addon: Addon | undefined;
  answers.push(
    await tried('eks:DescribeAddon', async () => void (addon = await eks.describeAddon(name))),
    await tried('eks:DescribeAddonVersions', () => eks.listOfferedVersions(name, cluster.version)),
  );
  const { version } = addon ?? {};
  if (version !== undefined)
    answers.push(await tried('eks:DescribeAddonConfiguration', () => eks.describeConfiguration(name, version)));
  return [...answers, ...(await triedRole(eks, roles, names))];
};

/** Tries to read the role of an add-on as a plan does, if one has a role. */
const triedRole = async (eks: AwsEks, roles: AwsRoles, names: readonly string[]): Promise<Answered[]> => {
  for (const name of names) {
    const roleArn = (await eks.describeAddon(name).catch(() => undefined))?.serviceAccountRoleArn;
    if (roleArn === undefined) continue;
    const policies = await tried('iam:ListRolePolicies', () => roles.listPolicies(roleArn));
    return [
      await tried('iam:GetRole', () => roles.getRole(roleArn)),
      policies,
      ...(policies.answer === 'allowed'
        ? [{ action: 'iam:ListAttachedRolePolicies', answer: 'allowed' } satisfies Answered]
        : []),
    ];
  }
  return [];
};

export interface ClusterReading {
  checks: Check[];
  /** What trying the reads has shown. */
  answers: Answered[];
}

/** Returns the check of a part, or `unknown` if reading it fails: one part must not hide the others. */
const part = async (id: string, read: () => Promise<Check>): Promise<Check> => {
  try {
    return await read();
  } catch (error) {
    return unknown(id, `This could not be read: ${reasonOf(error)}`, 'Allow the action, then run this again.');
  }
};

const unreadCluster = ({ cluster }: Target, { answer, why = 'no answer' }: Answered): Check =>
  answer === 'denied'
    ? unknown(
        'cluster',
        `Nothing about cluster ${cluster} was checked, because these credentials may not read it.`,
        'Allow the permissions above, then run this again.',
      )
    : unknown('cluster', `Nothing about cluster ${cluster} could be checked: ${why}.`, 'Run this again.');

/** `roleArn`: the caller's role as IAM knows it, for an access entry. */
export const readCluster = async (
  session: AwsSession,
  target: Target,
  roleArn: string | undefined,
): Promise<ClusterReading> => {
  const eksClient = session.clients.eks();
  let found: SdkCluster | undefined;
  const described = await tried('eks:DescribeCluster', async () => {
    const answer = await awsOrUndefined(`eks:DescribeCluster ${target.cluster}`, () =>
      eksClient.send(new DescribeClusterCommand({ name: target.cluster })),
    );
    found = answer?.cluster;
  });
  if (described.answer !== 'allowed') return { checks: [unreadCluster(target, described)], answers: [described] };
  const cluster = found && toCluster(found, target.cluster);
  const exists = checkCluster(target, cluster, cluster ? undefined : await readClusters(session));
  if (!found || !cluster || exists.status !== 'pass') return { checks: [exists], answers: [described] };
  const eks = new AwsEks(eksClient, target.cluster);
  const endpoint = await endpointOf(found, cluster);
  const api = new KubernetesApi(apiOptions(session, cluster));
  const lists: Listed[] = [];
  if (endpoint.error === undefined) for (const list of LISTS) lists.push(await listed(api, list));
  const refused = endpoint.error ?? lists.find(({ status }) => status === 'unauthorised' || status === 'failed')?.why;
  const isClosed = lists.some(({ status }) => status === 'unauthorised');
  const request = migrationRequest.parse({ target, addon: AGENT_ADDON });
  return {
    checks: [
      exists,
      ...checkPlatformVersion({ request, cluster }),
      checkEndpoint(target, endpoint),
      ...(lists.length === 0 ? [] : [checkAccess(target, roleArn, lists)]),
      ...(lists.length === 0 || refused !== undefined || isClosed
        ? []
        : [await part('consumers-access', () => checkConsumerAccess(api))]),
      await part('agent', () =>
        readAgent(session, eks, target, {
          cluster,
          refused: refused ?? (isClosed ? 'the API server does not know these credentials' : undefined),
        }),
      ),
      await part('association-quota', async () => checkQuota(target, await eks.countAssociations())),
      await part('oidc-provider', async () =>
        checkProvider(
          target,
          cluster,
          cluster.oidcIssuer === undefined ? true : await readProvider(session, target, cluster.oidcIssuer),
        ),
      ),
    ],
    answers: [described, ...(await triedReads(eks, new AwsRoles(session.clients.iam()), cluster))],
  };
};

/** Returns the answers of a plan's actions: what was tried counts more than what IAM's simulation says. */
export const mergedAnswers = (observed: readonly Answered[], asked: readonly Answered[]): Answered[] =>
  PLAN_ACTIONS.map(
    (action) =>
      observed.find((one) => one.action === action && one.answer !== 'unknown') ??
      asked.find((one) => one.action === action) ??
      observed.find((one) => one.action === action) ?? { action, answer: 'unknown' },
  );
