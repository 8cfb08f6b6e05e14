import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';
import { mockClient } from 'aws-sdk-client-mock';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { ClientFactory } from '../../../lambdas/adapters/clients.ts';
import { SPOKE_STEPS, rolesOfStep } from '../../../lambdas/domain/access/spokes.ts';
import { wire } from '../../../lambdas/runtime/wiring.ts';
import { newFakes } from '../fakes.ts';
import { ACCOUNT, NAMESPACE, target } from '../fixtures.ts';
import { anError, expectError } from '../matchers.ts';

const OTHER = '444455556666';
const there = { ...target, account: OTHER };
const ROLE = `arn:aws:iam::${OTHER}:role/addon`;

const sts = mockClient(STSClient);
afterAll(() => sts.restore());
const assumed = (): (string | undefined)[] =>
  sts.commandCalls(AssumeRoleCommand).map(({ args: [{ input }] }) => input.RoleArn?.split('/')[1]);

interface Sent {
  hostname: string;
  headers: Record<string, string>;
}

/** A cluster is answered, and nothing else; the access key says whose call it was. */
function wired(
  step: string,
  accounts = [OTHER],
  environment: Record<string, string> = { ACCOUNT },
  region = 'eu-west-1',
) {
  const sent: Sent[] = [];
  const tokens: string[] = [];
  const cluster = { name: 'dev', endpoint: 'https://dev.example', certificateAuthority: { data: 'Y2E=' } };
  const requestHandler = {
    handle: (request: never): Promise<never> => {
      const { hostname, headers } = request as Sent;
      sent.push({ hostname, headers });
      if (!hostname.startsWith('eks.'))
        return Promise.reject(Object.assign(new Error('nowhere'), { code: 'ECONNRESET' }));
      return Promise.resolve({
        response: {
          statusCode: 200,
          headers: {},
          body: new TextEncoder().encode(JSON.stringify({ cluster, clusters: ['dev'] })),
        },
      } as never);
    },
  };
  const http = ({ headers }: { headers: Record<string, string> }): Promise<never> => {
    tokens.push(Buffer.from(headers['authorization']!.replace('Bearer k8s-aws-v1.', ''), 'base64url').toString());
    return Promise.reject(new Error('no API server'));
  };
  const clients = new ClientFactory({
    region,
    credentials: { accessKeyId: 'AKIAOWN', secretAccessKey: 'secret' },
    transport: { requestHandler, http },
  });
  const { clock, telemetry, dependencies } = newFakes();
  const variables = {
    TABLE_NAME: 'Ledger',
    POWERTOOLS_SERVICE_NAME: 'migrate',
    POWERTOOLS_METRICS_NAMESPACE: 'PodIdentity',
    POWERTOOLS_LOG_LEVEL: 'INFO',
    ...environment,
  };
  return {
    ...wire({
      clients,
      step,
      environment: variables,
      deployment: { accounts, passableRoleArns: [ROLE] },
      clock,
      ids: dependencies.ids,
      telemetry,
    }),
    sent,
    tokens,
    keys: () => sent.map(({ headers }) => /Credential=(\w+)\//.exec(headers['authorization'] ?? '')?.[1]),
  };
}

beforeEach(() => {
  sts.reset();
  sts.on(AssumeRoleCommand).callsFake(({ RoleArn }: { RoleArn: string }) => ({
    Credentials: {
      AccessKeyId: `ASIA${RoleArn.split('pod-identity-migrator-')[1]!.replaceAll('-', '').toUpperCase()}`,
      SecretAccessKey: 'secret',
      SessionToken: 'token',
      Expiration: new Date(Date.now() + 900_000),
    },
  }));
});

describe('a cluster of another account', () => {
  it.each(SPOKE_STEPS)('is worked on by %s with the roles of that step, each when it is needed', async (step) => {
    const { eks, iam, kubernetes } = rolesOfStep(step);
    const { portsFor, keys, tokens } = wired(step);
    const ports = portsFor(there);
    expect(assumed()).toEqual([]);
    await ports.eks.describeCluster();
    expect(assumed()).toEqual([`pod-identity-migrator-${eks}`]);
    await expectError(ports.roles.getRole(ROLE), 'ConnectionLost');
    expect(keys()).toEqual([`ASIA${eks.toUpperCase()}`, `ASIA${iam.toUpperCase()}`]);
    await expect(ports.kubernetes.listPods(NAMESPACE)).rejects.toThrow('no API server');
    expect(tokens.at(-1)).toContain(`X-Amz-Credential=ASIA${(kubernetes ?? eks).replaceAll('-', '').toUpperCase()}%2F`);
    // A second look at another cluster of that account takes no other session.
    const before = assumed().length;
    await portsFor({ ...there, cluster: 'prod', region: 'us-east-2' }).eks.describeCluster();
    expect(assumed()).toHaveLength(before);
  });

  it('is asked for in its own region, by a session of STS in the region of the service; its step is the name of the session', async () => {
    const { portsFor, sent } = wired('plan');
    await portsFor({ ...there, region: 'us-east-2' }).eks.describeCluster();
    expect(sent.map(({ hostname }) => hostname)).toEqual(['eks.us-east-2.amazonaws.com']);
    expect(await sts.commandCalls(AssumeRoleCommand)[0]!.thisValue.config.region()).toBe('eu-west-1');
    expect(sts.commandCalls(AssumeRoleCommand)[0]!.args[0].input).toMatchObject({
      RoleSessionName: 'pod-identity-migrator-plan',
      ExternalId: `pod-identity-migrator-${ACCOUNT}`,
      DurationSeconds: 900,
    });
  });

  it('has its roles in the partition of its region', async () => {
    await wired('plan', [OTHER], { ACCOUNT }, 'us-gov-east-1')
      .portsFor({ ...there, region: 'us-gov-west-1' })
      .eks.describeCluster();
    expect(sts.commandCalls(AssumeRoleCommand)[0]!.args[0].input.RoleArn).toBe(
      `arn:aws-us-gov:iam::${OTHER}:role/pod-identity-migrator-read`,
    );
  });

  it.each([ACCOUNT, OTHER])('is none in a region of another partition: %s', (account) => {
    const { portsFor, keys } = wired('plan');
    expect(() => portsFor({ ...target, account, region: 'cn-north-1' })).toThrow(
      expect.objectContaining(anError('BadInput', 'is in the partition aws-cn, but this service is in aws')) as Error,
    );
    expect([keys(), assumed()]).toEqual([[], []]);
  });

  it('is found by the list of its region, by the role that looks', async () => {
    const { fleetOf, keys } = wired('take-inventory');
    expect(await fleetOf({ account: OTHER, region: 'eu-west-1' }).listClusters()).toEqual(['dev']);
    expect(keys()).toEqual(['ASIAREAD']);
  });

  it('is let alone by a step that has no role there', () => {
    const { portsFor } = wired('publish-events');
    expect(() => portsFor(there)).toThrow(
      expect.objectContaining(anError('BadInput', 'publish-events has no role in other accounts')) as Error,
    );
  });
});

describe('an account', () => {
  it.each([
    ['the own one', ACCOUNT, [OTHER], { ACCOUNT }],
    ['the own one, named again', ACCOUNT, [ACCOUNT], { ACCOUNT }],
    ['any, where nobody said which is the own one', OTHER, [], {}],
  ])('is worked on without a session: %s', async (_, account, accounts, environment) => {
    const { portsFor, fleetOf, keys } = wired('plan', accounts, environment);
    await portsFor({ ...target, account }).eks.describeCluster();
    await fleetOf({ account, region: 'us-east-2' }).listClusters();
    expect([assumed(), keys()]).toEqual([[], ['AKIAOWN', 'AKIAOWN']]);
  });

  it.each([
    ['none', []],
    ['another', ['777788889999']],
  ])('that is not configured is refused before anything is called: %s is', (_, accounts) => {
    const { portsFor, fleetOf, sent } = wired('plan', accounts);
    for (const call of [() => portsFor(there), () => fleetOf(there)])
      expect(call).toThrow(
        expect.objectContaining(
          anError('BadInput', /account 444455556666\..*setting accounts .*docs\/accounts\.md/),
        ) as Error,
      );
    expect([assumed(), sent]).toEqual([[], []]);
  });

  it('of any number is worked on where every account is: in the sandbox', async () => {
    await wired('plan', ['*']).portsFor(there).eks.describeCluster();
    expect(assumed()).toEqual(['pod-identity-migrator-read']);
  });
});
