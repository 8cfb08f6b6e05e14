import { DescribeClusterCommand, EKSClient } from '@aws-sdk/client-eks';
import { mockClient } from 'aws-sdk-client-mock';
import { describe, expect, it } from 'vitest';
import { ClientFactory } from '../../../lambdas/adapters/clients.ts';
import type { DeploymentSettings } from '../../../lambdas/domain/settings/deployment.ts';
import { portsOf, wire } from '../../../lambdas/runtime/wiring.ts';
import { newFakes } from '../fakes.ts';
import { EXECUTION, MIGRATION_ID, NAMESPACE, ROLE, ROLES_OF_ACCOUNT, target } from '../fixtures.ts';
import { expectError } from '../matchers.ts';

const credentials = { accessKeyId: 'AKIAEXAMPLE', secretAccessKey: 'secret' };
const environment = {
  TABLE_NAME: 'Ledger',
  POWERTOOLS_SERVICE_NAME: 'migrate',
  POWERTOOLS_METRICS_NAMESPACE: 'PodIdentity',
  POWERTOOLS_LOG_LEVEL: 'INFO',
};

interface Sent {
  hostname: string;
  path: string;
  headers: Record<string, string>;
  body?: Uint8Array;
}
/** A transport that notes where calls go and lets none through. */
function nowhere(): { clients: ClientFactory; sent: Sent[] } {
  const sent: Sent[] = [];
  const requestHandler = {
    handle: (request: never): Promise<never> => {
      sent.push(request);
      return Promise.reject(Object.assign(new Error('nowhere'), { code: 'ECONNRESET' }));
    },
  };
  const clients = new ClientFactory({
    region: 'eu-west-1',
    credentials,
    transport: { requestHandler, http: () => Promise.reject(new Error('no API server')) },
  });
  return { clients, sent };
}

it.each([
  ["the function's own region", 'eu-west-1'],
  ['another region', 'us-east-2'],
])("portsOf asks EKS in %s, with the function's credentials", async (_, region) => {
  const { clients, sent } = nowhere();
  const { eks, roles, kubernetes } = portsOf(clients, { ...target, region });
  await expectError(eks.describeCluster(), 'ConnectionLost');
  await expectError(roles.getRole(ROLE), 'ConnectionLost');
  await expectError(kubernetes.listPods(NAMESPACE), 'ConnectionLost');
  expect(sent.map(({ hostname, path }) => hostname + path)).toEqual([
    `eks.${region}.amazonaws.com/clusters/dev`,
    'iam.amazonaws.com/',
    `eks.${region}.amazonaws.com/clusters/dev`,
  ]);
  for (const { headers } of sent) expect(headers['authorization']).toContain('Credential=AKIAEXAMPLE/');
});

it.each<[string, object, string]>([
  ['no endpoint', { certificateAuthority: { data: 'Q0E=' } }, 'has no API server endpoint.'],
  ['no certificate authority', { endpoint: 'https://dev.example' }, 'has no certificate authority, so that'],
])('an API server that the cluster does not make known is not asked: %s', async (_, cluster, why) => {
  const asked: string[] = [];
  const mock = mockClient(EKSClient);
  mock.on(DescribeClusterCommand).resolves({ cluster: { name: 'dev', status: 'ACTIVE', ...cluster } });
  const clients = new ClientFactory({
    region: 'eu-west-1',
    credentials,
    transport: { http: ({ url }) => (asked.push(url), Promise.reject(new Error('asked'))) },
  });
  await expectError(portsOf(clients, target).kubernetes.listPods(NAMESPACE), 'NotFound', why);
  mock.restore();
  expect(asked).toEqual([]);
});

/** Of a function that is told nothing of approvals. */
const STRICTEST = { required: false, approver: 'another-role', allowUnknownRequester: false };

describe('wire', () => {
  const { clock, telemetry, dependencies } = newFakes();
  const wired = (
    changed: Record<string, string | undefined>,
    deployment?: DeploymentSettings,
    { clients }: Pick<ReturnType<typeof nowhere>, 'clients'> = nowhere(),
  ): ReturnType<typeof wire> =>
    wire({
      clients,
      step: 'plan',
      environment: { ...environment, ...changed },
      deployment,
      clock,
      ids: dependencies.ids,
      telemetry,
    });

  it('hands on what it was given and keeps the ledger on the table of the environment', async () => {
    const { clients, sent } = nowhere();
    const made = wired({}, undefined, { clients });
    expect([made.clock, made.ids, made.telemetry]).toEqual([clock, dependencies.ids, telemetry]);
    await expectError(made.ledger.getSnapshot('x'), 'ConnectionLost');
    expect(sent[0]?.hostname).toBe('dynamodb.eu-west-1.amazonaws.com');
  });

  it('asks Step Functions of its own region, and starts the state machine that it was told of', async () => {
    const { clients, sent } = nowhere();
    const RECOVER_STATE_MACHINE_ARN = 'arn:aws:states:eu-west-1:111122223333:stateMachine:Recover';
    const { executions } = wired({ RECOVER_STATE_MACHINE_ARN }, undefined, { clients });
    await expectError(executions.describe(EXECUTION), 'ConnectionLost');
    await expectError(executions.startRecovery(MIGRATION_ID, 'recovery'), 'ConnectionLost');
    expect(sent.map(({ hostname }) => hostname)).toEqual([
      'states.eu-west-1.amazonaws.com',
      'states.eu-west-1.amazonaws.com',
    ]);
    expect(JSON.parse(new TextDecoder().decode(sent[1]?.body))).toMatchObject({
      stateMachineArn: RECOVER_STATE_MACHINE_ARN,
      name: 'recovery',
    });
  });
  it.each([undefined, ''])('says which variable a recovery lacks (%j)', (RECOVER_STATE_MACHINE_ARN) =>
    expectError(
      wired({ RECOVER_STATE_MACHINE_ARN }).executions.startRecovery(MIGRATION_ID, 'recovery'),
      'BadInput',
      'RECOVER_STATE_MACHINE_ARN',
    ),
  );

  it('has no roles, accounts and regions where the deployment ships no settings with the function', () =>
    expect(wired({}).settings).toEqual({
      passableRoleArns: [],
      repairableRoleArns: [],
      actingRoles: {},
      approvals: STRICTEST,
      accounts: [],
      simulated: false,
    }));
  it('has the settings that the deployment ships, and the own region where they name none', () => {
    const changeWindow = { schedule: '0 22 * * SUN', durationMinutes: 120, timeZone: 'UTC', waitAtMostHours: 336 };
    const deployment = {
      accounts: ['444455556666', '777788889999'],
      passableRoleArns: [ROLES_OF_ACCOUNT, ROLE],
      repairableRoleArns: [ROLE],
      changeWindow,
    };
    expect(wired({}, deployment).settings).toMatchObject({ ...deployment, regions: ['eu-west-1'] });
    expect(wired({}, { ...deployment, regions: ['us-east-2'] }).settings.regions).toEqual(['us-east-2']);
  });
  it('reads which role each step passes others with', () => {
    const variables = {
      CREATE_ADDON_ROLE_ARN: `${ROLE}-create`,
      UPDATE_ADDON_ROLE_ARN: '',
      RESTORE_ADDON_ROLE_ARN: `${ROLE}-restore`,
    };
    expect(wired(variables).settings).toEqual({
      passableRoleArns: [],
      repairableRoleArns: [],
      actingRoles: { 'create-addon': `${ROLE}-create`, 'restore-addon': `${ROLE}-restore` },
      approvals: STRICTEST,
      accounts: [],
      simulated: false,
    });
    expect(wired({ UPDATE_ADDON_ROLE_ARN: ROLE }).settings.actingRoles).toEqual({ 'update-addon': ROLE });
    expect(wired({ CREATE_ASSOCIATION_ROLE_ARN: ROLE }).settings.actingRoles).toEqual({ 'create-association': ROLE });
  });

  it('reads who may approve, and takes what it does not know for the strictest', () => {
    const given = { APPROVAL_REQUIRED: 'true', APPROVER: 'anyone', ALLOW_UNKNOWN_REQUESTER: 'true' };
    expect(wired(given).settings.approvals).toEqual({
      required: true,
      approver: 'anyone',
      allowUnknownRequester: true,
    });
    expect(
      wired({ APPROVAL_REQUIRED: 'false', APPROVER: 'everyone', ALLOW_UNKNOWN_REQUESTER: 'yes' }).settings.approvals,
    ).toEqual(STRICTEST);
  });
  it('knows of no end of the invocation', () => expect(wired({}).remainingTime()).toBeGreaterThan(1e15));

  it.each([
    ['no table', { TABLE_NAME: undefined }],
    ['an empty table', { TABLE_NAME: '' }],
    ['a log level of its own', { POWERTOOLS_LOG_LEVEL: 'LOUD' }],
  ])('does not start with %s', (_, changed) => expect(() => wired(changed)).toThrow(Object.keys(changed)[0]));
});
