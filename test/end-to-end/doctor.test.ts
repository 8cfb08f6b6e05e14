/** `doctor` against a served sandbox, healthy and broken. */
import { createServer, request as httpRequest, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { check } from '../../lambdas/domain/terms/check.ts';
import { addPrincipals } from '../../sandbox/sts/principals.ts';
import type { ScenarioCluster } from '../../sandbox/scenario/scenario.ts';
import { accessEntryOf } from './doctor-world.ts';
import { stubEnvironment } from '../cli/fixtures.ts';
import { scenarioWith, TARGET } from './fixture.ts';
import { PACE, serveHere, type ServedHere } from './served.ts';
import { containing, matching } from '../lambdas/matchers.ts';
import { runProgram } from '../cli/run-program.ts';

const document = z.strictObject({ wanted: z.string(), ready: z.boolean(), checks: z.array(check) });

const closing: (() => unknown)[] = [];
afterEach(async () => {
  vi.unstubAllEnvs();
  for (const close of closing.splice(0).toReversed()) await close();
});

const open = async (...given: Parameters<typeof scenarioWith>): Promise<ServedHere> => {
  const served = await serveHere(scenarioWith(...given), PACE);
  closing.push(() => served.close());
  stubEnvironment(served.variables);
  return served;
};

const run = (...words: string[]) => runProgram('doctor', ...words);

/** Runs with `--json`, and returns what did not pass by id. */
const findings = async (...words: string[]) => {
  const { code, out } = await run(...words, '--json');
  const { ready, checks } = document.parse(JSON.parse(out));
  const others = checks.filter(({ status }) => status !== 'pass');
  return { code, ready, checks, notPassed: Object.fromEntries(others.map((one) => [one.id, one])) };
};

/** Serves the sandbox under another address, with a Date header that is off by so many seconds. */
const withClock = async (url: string, seconds: number): Promise<string> => {
  const server: Server = createServer((message, reply) => {
    const to = httpRequest(
      url + (message.url ?? '/'),
      { method: message.method, headers: message.headers },
      (answer) => {
        reply.sendDate = false;
        const date = new Date(Date.now() + seconds * 1000).toUTCString();
        reply.writeHead(answer.statusCode ?? 500, { ...answer.headers, date });
        answer.pipe(reply);
      },
    );
    message.pipe(to);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(() => new Promise((resolve) => server.close(resolve)));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
};

const CLUSTER = ['--cluster', TARGET.cluster];

describe('doctor in a healthy world', () => {
  it('passes with and without a cluster, says whose credentials they are and what comes next, and changes nothing', async () => {
    const { backend } = await open();
    const { code, out, err } = await run(...CLUSTER);
    expect(code).toBe(0);
    expect(err).toMatch(/^Reading account 111122223333 in eu-west-1 as .*operator.* Nothing is changed\.\n$/);
    expect(out).toContain('✔ agent: The Pod Identity agent is ready on 3 of 3 nodes.');
    expect(out).toMatch(/✔ clock: The clock of this machine is 0 s off/);
    expect(out).toMatch(/\nReady to plan.*\.\nNext:\n .* plan --cluster reliability-dev\n$/);
    expect(Math.max(...out.split('\n').map(({ length }) => length))).toBeLessThanOrEqual(110);
    const next = matching(/Next, check a cluster:\n .* doctor --cluster NAME\n$/);
    expect(await run()).toMatchObject({ code: 0, out: next });
    expect(backend.sandbox.world.log.mutations()).toEqual([]);
  });

  it('finds the service by its stack, without variables, and by variables', async () => {
    const { backend, variables } = await open();
    const lookups = (): number =>
      backend.sandbox.world.log.calls.filter(({ service }) => service === 'cloudformation').length;
    const without = await findings('--for', 'migrate');
    expect(without.notPassed).not.toHaveProperty('service');
    expect(without.checks.map(({ id }) => id)).toContain('service-answer');
    expect(lookups()).toBe(0);
    for (const name of Object.keys(variables).filter((each) => each.startsWith('POD_IDENTITY_')))
      vi.stubEnv(name, undefined);
    const { code, notPassed, checks } = await findings('--for', 'migrate', ...CLUSTER);
    // The API of a sandbox has no address in AWS.
    expect({ code, notPassed: Object.keys(notPassed) }).toEqual({ code: 0, notPassed: ['service-permissions'] });
    expect(checks.find(({ id }) => id === 'service')).toMatchObject({ message: containing(backend.sandbox.apiUrl!) });
    expect([lookups(), backend.sandbox.world.log.mutations()]).toEqual([1, []]);
  });

  it('checks the parts of a service that is called directly', async () => {
    await open();
    vi.stubEnv('POD_IDENTITY_API_URL', '');
    const { code, checks } = await findings('--for', 'migrate');
    expect(code).toBe(0);
    expect(checks.filter(({ id }) => id.startsWith('service'))).toMatchObject([
      { id: 'service', status: 'pass', message: containing(':stateMachine:') },
      { id: 'service-answer', status: 'pass' },
      { id: 'service-permissions', status: 'pass', message: containing('All 3 permissions') },
    ]);
  });

  it('reports a service that is not found as --deployed does, and a region that is not bootstrapped', async () => {
    await open();
    const { code, notPassed } = await findings('--for', 'migrate', '--stack', 'Mine');
    expect(code).toBe(3);
    expect(notPassed['service']).toMatchObject({
      status: 'fail',
      message: 'Account 111122223333 has no stack Mine in eu-west-1, so the deployed service was not found.',
      remedy: containing('--stack NAME or --stack-region REGION'),
    });
    expect(await run('--stack', 'Mine')).toMatchObject({ code: 2, err: containing('works only with --for migrate') });
    expect(await findings('--for', 'deploy')).toMatchObject({
      code: 3,
      notPassed: { 'cdk-bootstrap': { remedy: containing('npx cdk bootstrap aws://111122223333/eu-west-1') } },
    });
  });
});

describe('doctor for a caller with few rights', () => {
  const becomeApprover = ({ sandbox }: ServedHere['backend']): void => {
    const { accessKeyId, secretAccessKey, sessionToken } = addPrincipals(sandbox.world).approver;
    vi.stubEnv('AWS_ACCESS_KEY_ID', accessKeyId);
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', secretAccessKey);
    vi.stubEnv('AWS_SESSION_TOKEN', sessionToken);
  };

  it('names the missing permissions for a plan, and needs none of them for the service', async () => {
    const { backend } = await open();
    becomeApprover(backend);
    expect(await findings(...CLUSTER)).toMatchObject({
      code: 3,
      notPassed: {
        permissions: {
          status: 'fail',
          message: 'These credentials lack permissions to make a plan: eks:DescribeCluster.',
          remedy: containing('put-role-policy --role-name approver'),
        },
        cluster: { status: 'unknown' },
      },
    });
    const migrate = await findings('--for', 'migrate');
    expect(migrate).toMatchObject({ code: 0, notPassed: { permissions: { status: 'warn' } } });
    expect(migrate.checks.find(({ id }) => id === 'service-answer')?.status).toBe('pass');
  });

  it('reports that the service refuses the caller', async () => {
    const { backend } = await open();
    const { world } = backend.sandbox;
    becomeApprover(backend);
    world.accounts.get(TARGET.account)!.roles.get('approver')!.policies.splice(0);
    vi.stubEnv('POD_IDENTITY_API_URL', backend.sandbox.apiUrl);
    expect(await findings('--for', 'migrate')).toMatchObject({
      code: 3,
      notPassed: { 'service-answer': { status: 'fail', message: containing('execute-api:Invoke') } },
    });
  });
});

describe('doctor in a broken world', () => {
  const expectFound = async (
    notPassed: object,
    change?: Parameters<typeof scenarioWith>[0],
    words = CLUSTER,
  ): Promise<void> => {
    await open(change);
    expect(await findings(...words)).toMatchObject({ code: 3, notPassed });
  };

  it('names the clusters that exist', () =>
    expectFound({ cluster: { message: containing('Clusters there: reliability-dev.') } }, undefined, [
      '--cluster',
      'relaibility-dev',
    ]));

  it('finds that the agent is absent', () =>
    expectFound({ agent: { remedy: containing('aws eks create-addon') } }, (_, cluster) => {
      cluster.addons = cluster.addons.filter(({ name }) => name !== 'eks-pod-identity-agent');
    }));

  it('finds that the caller has no access entry', () =>
    expectFound(
      { 'kubernetes-access': { remedy: containing('aws eks create-access-entry') } },
      (_, cluster) => void (cluster.accessEntries = []),
    ));

  it('finds that the caller may list pods, but not nodes', () => {
    const message = 'The API server does not let you list nodes, mutating webhook configurations.';
    const remedy = containing('aws eks associate-access-policy');
    return expectFound({ 'kubernetes-access': { message, remedy } }, (_, cluster) =>
      accessEntryOf(cluster, 'AmazonEKSViewPolicy'),
    );
  });

  it('finds that the API server does not answer', async () => {
    const { backend } = await open();
    const cluster = backend.sandbox.world.accounts
      .get(TARGET.account)!
      .clusters.get(`${TARGET.region}/${TARGET.cluster}`)!;
    // Nothing listens on port 1.
    cluster.endpoint = 'https://127.0.0.1:1';
    expect(await findings(...CLUSTER)).toMatchObject({
      code: 3,
      notPassed: { 'api-server': { message: containing('ECONNREFUSED') }, agent: {} },
    });
  });

  it('finds that the clock is off', async () => {
    const { variables } = await open();
    vi.stubEnv('AWS_ENDPOINT_URL_STS', await withClock(variables['AWS_ENDPOINT_URL']!, -200));
    expect((await findings()).notPassed).toMatchObject({
      clock: { status: 'warn', message: matching(/(199|200) s ahead of AWS/) },
    });
  });
});

it.each<[string, Record<string, string | undefined>, RegExp]>([
  ['wrong', { AWS_SECRET_ACCESS_KEY: 'wrong' }, /AWS does not accept the credentials/],
  ['no region', { AWS_REGION: undefined, AWS_DEFAULT_REGION: undefined }, /no AWS region is configured/],
  [
    'none',
    {
      AWS_ACCESS_KEY_ID: undefined,
      AWS_SECRET_ACCESS_KEY: undefined,
      AWS_SESSION_TOKEN: undefined,
      AWS_EC2_METADATA_DISABLED: 'true',
    },
    /no AWS credentials/,
  ],
])('doctor without usable credentials says so: %s', async (_, variables, message) => {
  await open();
  for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value);
  const { code, out, err } = await run();
  expect({ code, out, err }).toMatchObject({ code: 2, out: '', err: expect.stringMatching(message) as unknown });
  expect(err).toMatch(/hint: {2}\S/);
});

describe('doctor and the resources of other software', () => {
  const withStores = (cluster: ScenarioCluster): void => {
    cluster.customResourceDefinitions = [
      { group: 'external-secrets.io', versions: ['v1'], plural: 'secretstores', kind: 'SecretStore', namespaced: true },
    ];
  };

  it('passes if they may be read, or are not served', async () => {
    await open();
    expect((await findings(...CLUSTER)).checks.find(({ id }) => id === 'consumers-access')).toMatchObject({
      status: 'pass',
      message: containing('serves none of the resources'),
    });
  });

  it('warns if they may not be read, and names them', async () => {
    await open(({ accounts }) => {
      const [cluster] = accounts[0]!.clusters;
      withStores(cluster!);
      accessEntryOf(cluster!, 'AmazonEKSViewPolicy');
    });
    expect((await findings(...CLUSTER)).notPassed['consumers-access']).toMatchObject({
      status: 'warn',
      message: containing('secretstores.external-secrets.io'),
    });
  });
});
