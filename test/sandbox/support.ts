/** A small world behind the gateway, for tests of the gateway and of the services behind it. */
import type { AwsCredentialIdentity } from '@smithy/types';
import { ClientFactory } from '../../lambdas/adapters/clients.ts';
import { createGateway, type Gateway } from '../../sandbox/gateway/gateway.ts';
import type { Service } from '../../sandbox/http.ts';
import { createIamService } from '../../sandbox/iam/service.ts';
import { createKubernetesService } from '../../sandbox/kubernetes/service.ts';
import { credentialsOf, operatorRoleArn } from '../../sandbox/authorization/access-keys.ts';
import { createStsService } from '../../sandbox/sts/service.ts';
import { inProcessTransport } from '../../sandbox/transports/in-process.ts';
import type { DeployedRole } from '../../sandbox/build/build-roles.ts';
import { buildWorld, parseScenario } from '../../sandbox/build/load.ts';
import { type ClusterState, findCluster, type World } from '../../sandbox/world/world.ts';

export const ACCOUNT = '111122223333';
export const REGION = 'eu-west-1';
export const ROLE = `arn:aws:iam::${ACCOUNT}:role/app/ebs-csi`;
export const FUNCTION_ROLE = `arn:aws:iam::${ACCOUNT}:role/plan-function`;

export const podIdentityTrust = {
  Version: '2012-10-17',
  Statement: [
    { Effect: 'Allow', Principal: { Service: 'pods.eks.amazonaws.com' }, Action: ['sts:AssumeRole', 'sts:TagSession'] },
  ],
};

/** A scenario as in a file: one account with one role and one cluster. */
export const scenarioFile = () => ({
  accounts: [
    {
      id: ACCOUNT,
      roles: [{ arn: ROLE, trustPolicy: podIdentityTrust as unknown, tags: { team: 'a&b' } as Record<string, string> }],
      clusters: [
        {
          name: 'dev',
          region: REGION,
          version: '1.31',
          nodes: 1,
          addons: [
            {
              name: 'aws-ebs-csi-driver',
              version: 'v1.38.1-eksbuild.1',
              createdAt: '2025-06-01T00:00:00.000Z',
              serviceAccountRoleArn: ROLE,
            },
          ],
          associations: [] as Record<string, unknown>[],
        },
      ],
    },
  ],
});

export const allow = (Action: string | string[], Resource: string | string[] = '*', Condition?: object): object => ({
  Effect: 'Allow',
  Action,
  Resource,
  ...(Condition ? { Condition } : {}),
});
export const deny = (Action: string | string[], Resource: string | string[] = '*'): object => ({
  ...allow(Action, Resource),
  Effect: 'Deny',
});
export const policyOf = (...Statement: object[]) => ({ Version: '2012-10-17', Statement });

/** The function's role as in a template, with these statements. */
export const functionRole = (...statements: object[]): DeployedRole => ({
  arn: FUNCTION_ROLE,
  policies: [{ name: 'own', document: policyOf(...statements) }],
  managedPolicyArns: [],
});

/** Gives the function's role these statements; without any, IAM does not have the role, which then allows nothing. */
export const newWorld = (...statements: object[]): World =>
  buildWorld(parseScenario(scenarioFile(), 'test'), {
    roles: [statements.length > 0 ? functionRole(...statements) : FUNCTION_ROLE],
  });

/** Builds a world of one account with one cluster, `dev`; each has these fields. */
export const clusterWorld = (
  cluster: object,
  account: object = {},
  scenario: object = {},
): { world: World; cluster: ClusterState } => {
  const clusters = [{ name: 'dev', region: REGION, version: '1.31', ...cluster }];
  const world = buildWorld(parseScenario({ ...scenario, accounts: [{ id: ACCOUNT, ...account, clusters }] }, 'test'));
  return { world, cluster: findCluster(world, ACCOUNT, REGION, 'dev')! };
};

export const operator = (world: World): AwsCredentialIdentity => credentialsOf(world, operatorRoleArn(world));

export const openGateway = (
  world: World,
  services: Record<string, Service> = {},
  signatureTime?: () => number,
  clock: { now(): number } = { now: () => world.schedule.now() },
): Gateway =>
  createGateway({
    world,
    clock,
    services: Object.assign(services, { iam: createIamService(world), sts: createStsService(world), ...services }),
    kubernetes: (cluster, verify) => createKubernetesService(world, cluster, verify),
    ...(signatureTime ? { signatureTime } : {}),
  });

/** Clients directly connected to the gateway, as the operator by default. */
export const clientsOf = (
  gateway: Gateway,
  world: World,
  credentials = operator(world),
  clients: 'direct' | 'sdk' = 'sdk',
): ClientFactory =>
  new ClientFactory({ region: REGION, credentials, transport: inProcessTransport(gateway, world, { clients }) });

/** Configuration for clients that the factory does not create. */
export const configOf = (gateway: Gateway, world: World, credentials = operator(world)) => ({
  region: REGION,
  credentials,
  maxAttempts: 1,
  requestHandler: inProcessTransport(gateway, world).requestHandler as never,
});

/** A service that returns its request. */
export const echo: Service = async (request, context) => {
  context.describe('ListClusters', { path: request.path });
  return {
    status: 200,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ clusters: [context.caller.principalArn, context.region] }),
  };
};
