/**
 * Parts of `grant-access` that no sandbox covers: clusters that support only aws-auth, refusals by AWS, and an
 * interruption.
 */
import {
  CreateAccessEntryCommand,
  DescribeAccessEntryCommand,
  DescribeClusterCommand,
  EKSClient,
  EKSServiceException,
  ListClustersCommand,
  UpdateAccessEntryCommand,
} from '@aws-sdk/client-eks';
import { mockClient } from 'aws-sdk-client-mock';
import { afterAll, describe, expect, it } from 'vitest';
import { createRbacObjects, type RbacObjects } from '../../cli/cluster-access/api-server.ts';
import { type AccessEntries, createAccessEntries } from '../../cli/cluster-access/eks.ts';
import { grantAccess } from '../../cli/cluster-access/grant.ts';
import { grantedLines } from '../../cli/access/print.ts';
import { accessEnvironment, readAccessEnvironment, rolesFor } from '../../cli/service-roles.ts';
import type { AccessTools } from '../../cli/cluster-access/survey.ts';
import { CliError } from '../../cli/errors.ts';
import { PLAIN } from '../../cli/text/style.ts';
import { wantedEntries } from '../../lambdas/domain/access/entries.ts';
import { ACCESS_GROUPS } from '../../lambdas/domain/access/rules.ts';
import { accessManifests, manifestName } from '../../lambdas/domain/access/manifests.ts';
import type { Eks, Kubernetes } from '../../lambdas/ports/index.ts';
import { errorOf, TARGET } from './fixtures.ts';
import { anError, anExit, containing, expectError } from '../lambdas/matchers.ts';

const [READER, RESTARTER, ANNOTATOR] = [
  'arn:aws:iam::111122223333:role/reader',
  'arn:aws:iam::111122223333:role/restarter',
  'arn:aws:iam::111122223333:role/annotator',
] as const;
const ROLES = { all: [READER, RESTARTER, ANNOTATOR], restart: [RESTARTER], annotate: [ANNOTATOR] };

interface Cluster {
  mode?: string;
  entries?: Partial<AccessEntries>;
  rbac?: Partial<RbacObjects>;
}
/** A cluster without add-ons, and the calls that are made, in order. */
const clusterWith = ({ mode = 'API', entries = {}, rbac = {} }: Cluster): { tools: AccessTools; done: string[] } => {
  const done: string[] = [];
  const note = (what: string): Promise<void> => Promise.resolve(void done.push(what));
  const tools: AccessTools = {
    entries: {
      describeCluster: async () => ({
        endpoint: 'https://api',
        certificateAuthority: 'PEM',
        authenticationMode: mode,
        version: '1.31',
      }),
      describe: async () => undefined,
      create: (arn) => note(`create ${arn}`),
      update: (arn) => note(`update ${arn}`),
      ...entries,
    },
    eks: { listAddons: async () => [] } as unknown as Eks,
    kubernetes: {} as unknown as Kubernetes,
    rbacOf: () => ({
      get: async () => undefined,
      create: (manifest) => note(`create ${manifestName(manifest)}`),
      patch: (manifest) => note(`patch ${manifestName(manifest)}`),
      ...rbac,
    }),
    roles: ROLES,
  };
  return { tools, done };
};
const wish = { target: TARGET, addons: [], serviceAccounts: [], annotation: 'keep' } as const;
const rejection = async (run: Promise<unknown>): Promise<CliError> => {
  const error: unknown = await run.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof CliError) return error;
  throw new Error('expected a CliError', { cause: error });
};

describe('a cluster that does not support access entries', () => {
  it.each(['CONFIG_MAP', ''])('(%s) gets the lines for aws-auth instead, in addition to the objects', async (mode) => {
    const { tools } = clusterWith({
      entries: {
        describeCluster: async () => ({
          endpoint: 'https://api',
          certificateAuthority: 'PEM',
          authenticationMode: mode || undefined,
          version: '1.31',
        }),
        describe: () => Promise.reject(new Error('not asked')),
      },
    });
    const granted = await grantAccess(tools, { ...wish, apply: false });
    expect(granted).toMatchObject({
      applied: false,
      accessEntries: [],
      mapRoles: containing(`- rolearn: ${READER}\n`),
    });
    const text = grantedLines(granted, undefined, PLAIN).join('\n');
    expect(text).toContain('authentication mode CONFIG_MAP');
    for (const [arn, purpose] of [
      [RESTARTER, 'restart'],
      [ANNOTATOR, 'annotate'],
    ] as const) {
      expect(text).toContain(
        `    - rolearn: ${arn}\n      username: pod-identity-migrator:{{SessionName}}\n      groups:\n        - ${ACCESS_GROUPS.read}\n        - ${ACCESS_GROUPS[purpose]}\n`,
      );
    }
    expect(text).toContain('No add-on supports EKS Pod Identity');
  });

  it('is not changed by --apply, which shows both options', async () => {
    const { tools, done } = clusterWith({ mode: 'CONFIG_MAP' });
    const { name, exitCode, message, hint } = await rejection(grantAccess(tools, { ...wish, apply: true }));
    expect([name, exitCode, done]).toEqual(['NoAccessEntries', 3, []]);
    expect(message).toContain('its authentication mode is CONFIG_MAP; nothing was changed');
    expect(hint).toContain(
      'aws eks update-cluster-config --name demo --access-config authenticationMode=API_AND_CONFIG_MAP',
    );
    expect(hint).toContain(`- rolearn: ${RESTARTER}`);
  });
});

it('an interruption reports what was done before, and how to continue', async () => {
  const refused = new CliError('AwsRefused', 'AWS denied the call: eks:CreateAccessEntry', 'Check the rights', 3);
  const { tools, done } = clusterWith({
    entries: { create: (arn) => (arn === READER ? Promise.resolve() : Promise.reject(refused)) },
  });
  const { exitCode, message, hint } = await rejection(grantAccess(tools, { ...wish, apply: true }));
  expect(done).toEqual([`create ClusterRole ${ACCESS_GROUPS.read}`, `create ClusterRoleBinding ${ACCESS_GROUPS.read}`]);
  expect(exitCode).toBe(1);
  expect(message).toBe(
    `AWS denied the call: eks:CreateAccessEntry\nAlready done: ClusterRole ${ACCESS_GROUPS.read}, ClusterRoleBinding ${ACCESS_GROUPS.read}, the access entry of ${READER}.`,
  );
  expect(hint).toMatch(/Check the rights\nThen run the same command again/);
});

describe('EKS', () => {
  const eks = mockClient(EKSClient);
  afterAll(() => eks.restore());
  const entries = createAccessEntries(
    new EKSClient({ region: TARGET.region, credentials: { accessKeyId: 'A', secretAccessKey: 'S' } }),
    TARGET,
  );
  const failure = (name: string, status: number): EKSServiceException =>
    new EKSServiceException({
      name,
      message: `${name} it is`,
      $fault: 'client',
      $metadata: { httpStatusCode: status },
    });

  it('describes a cluster and its authentication mode', async () => {
    eks.on(DescribeClusterCommand).resolves({
      cluster: {
        endpoint: 'https://api/',
        certificateAuthority: { data: Buffer.from('PEM').toString('base64') },
        accessConfig: { authenticationMode: 'API' },
        version: '1.31',
      },
    });
    expect(await entries.describeCluster()).toEqual({
      endpoint: 'https://api',
      certificateAuthority: 'PEM',
      authenticationMode: 'API',
      version: '1.31',
    });
  });

  it('reports a cluster that does not exist or is not ready', async () => {
    eks
      .on(DescribeClusterCommand)
      .rejects(failure('ResourceNotFoundException', 404))
      .on(ListClustersCommand)
      .resolves({ clusters: ['one', 'two'] });
    expect(await rejection(entries.describeCluster())).toMatchObject({
      name: 'UnknownCluster',
      exitCode: 2,
      hint: 'Clusters there: one, two',
    });
    eks.on(ListClustersCommand).rejects(failure('AccessDeniedException', 403));
    expect(await rejection(entries.describeCluster())).toMatchObject({
      hint: 'To list clusters: aws eks list-clusters --region eu-west-1',
    });
    eks.on(DescribeClusterCommand).resolves({ cluster: { status: 'CREATING' } });
    expect(await rejection(entries.describeCluster())).toMatchObject(anExit('ClusterNotReady', 3, 'CREATING'));
  });

  it('creates STANDARD entries, by role', async () => {
    eks.on(DescribeAccessEntryCommand).resolves({ accessEntry: { type: 'STANDARD', kubernetesGroups: ['mine'] } });
    expect(await entries.describe(READER)).toEqual({ type: 'STANDARD', groups: ['mine'] });
    eks.on(DescribeAccessEntryCommand).rejects(failure('ResourceNotFoundException', 404));
    expect(await entries.describe(READER)).toBeUndefined();
    eks.on(CreateAccessEntryCommand).resolves({}).on(UpdateAccessEntryCommand).resolves({});
    await entries.create(READER, ['a']);
    await entries.update(READER, ['a', 'b']);
    expect(eks.commandCalls(CreateAccessEntryCommand)[0]?.args[0].input).toEqual({
      clusterName: 'demo',
      principalArn: READER,
      type: 'STANDARD',
      kubernetesGroups: ['a'],
    });
    expect(eks.commandCalls(UpdateAccessEntryCommand)[0]?.args[0].input).toEqual({
      clusterName: 'demo',
      principalArn: READER,
      kubernetesGroups: ['a', 'b'],
    });
  });

  it('is reported with the missing rights if it refuses, and with what to check if it is unreachable', async () => {
    eks.on(CreateAccessEntryCommand).rejects(failure('AccessDeniedException', 403));
    expect(await rejection(entries.create(READER, []))).toMatchObject({
      name: 'AwsRefused',
      exitCode: 3,
      message: containing('eks:CreateAccessEntry'),
      hint: containing('CreateAccessEntry and UpdateAccessEntry'),
    });
    eks
      .on(UpdateAccessEntryCommand)
      .rejects(Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' }));
    expect(await rejection(entries.update(READER, []))).toMatchObject({
      name: 'AwsError',
      exitCode: 1,
      hint: containing('AWS_ENDPOINT_URL_'),
    });
  });
});

describe('the API server', () => {
  const { manifest } = accessManifests([])[0]!;
  const answering = (status: number, body: string): RbacObjects =>
    createRbacObjects({
      cluster: 'demo',
      url: 'https://api',
      certificateAuthority: 'PEM',
      token: async () => 't',
      http: async () => ({ status, headers: {}, body }),
    });
  const status = (message: string): string => JSON.stringify({ kind: 'Status', message });

  it.each<[number, string, Partial<CliError>]>([
    [409, status('the object has been modified'), anExit('ChangedMeanwhile', 1, 'was changed by another writer after')],
    [
      422,
      status('is invalid'),
      anExit('ApiServerError', 1, 'answered 422 to "change ClusterRole pod-identity-migrator:read": is invalid'),
    ],
    [
      429,
      'Too many requests, please try again later.\n',
      anError('ApiServerError', /: Too many requests, please try again later$/),
    ],
    [503, 'no', { name: 'ApiServerError', exitCode: 1 }],
    [401, '', { name: 'Unauthorised', exitCode: 3 }],
  ])('that answers %i is reported', async (code, body, expected) =>
    expect(await rejection(answering(code, body).patch(manifest, {}))).toMatchObject(expected),
  );

  it('that does not answer, or not in JSON, is reported', async () => {
    await expectError(answering(200, '<html>').get(manifest), 'ApiServerError', 'is not JSON');
    const silent = createRbacObjects({
      cluster: 'demo',
      url: 'https://api',
      certificateAuthority: 'PEM',
      token: async () => 't',
      http: () => Promise.reject(new Error('ENOTFOUND')),
    });
    expect(await rejection(silent.get(manifest))).toMatchObject({
      name: 'Unreachable',
      exitCode: 1,
      hint: containing('private endpoint'),
    });
  });
});

describe('the roles of a deployed service', () => {
  it('are read as they are printed', () => expect(readAccessEnvironment(accessEnvironment(ROLES))).toEqual(ROLES));

  it('are those that it assumes if the cluster is in another account, with the groups for what they do', () => {
    expect(rolesFor(ROLES, { account: '111122223333', region: 'eu-west-1' })).toBe(ROLES);
    const there = rolesFor(ROLES, { account: '444455556666', region: 'us-gov-west-1' });
    expect(wantedEntries(there)).toEqual([
      {
        principalArn: 'arn:aws-us-gov:iam::444455556666:role/pod-identity-migrator-kubernetes-read',
        groups: [ACCESS_GROUPS.read],
      },
      {
        principalArn: 'arn:aws-us-gov:iam::444455556666:role/pod-identity-migrator-kubernetes-restart',
        groups: [ACCESS_GROUPS.read, ACCESS_GROUPS.restart],
      },
      {
        principalArn: 'arn:aws-us-gov:iam::444455556666:role/pod-identity-migrator-kubernetes-annotate',
        groups: [ACCESS_GROUPS.read, ACCESS_GROUPS.annotate],
      },
    ]);
  });

  it('are listed by variable if they are missing or wrong', () => {
    const { message, hint } = errorOf(() =>
      readAccessEnvironment({ POD_IDENTITY_KUBERNETES_ROLE_ARNS: `${READER},mine` }),
    );
    expect(message).toContain(
      'POD_IDENTITY_KUBERNETES_ROLE_ARNS must be comma-separated ARNs of IAM roles, but "mine" is not one\nPOD_IDENTITY_KUBERNETES_RESTART_ROLE_ARNS is not set\nPOD_IDENTITY_KUBERNETES_ANNOTATE_ROLE_ARNS is not set',
    );
    expect(hint).toContain('POD_IDENTITY_KUBERNETES_ROLE_ARNS: output KubernetesRoleArns');
  });
});
