/** Sends the requests that eksctl sent to a served sandbox (see README.md) to the gateway in process. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { createCloudFormationService } from '../../../sandbox/cloudformation/service.ts';
import { createEksService } from '../../../sandbox/eks/service.ts';
import type { HttpResponse } from '../../../sandbox/http.ts';
import { queryOf } from '../../../sandbox/transports/query.ts';
import { buildWorld, readScenario } from '../../../sandbox/build/load.ts';
import type { Scenario } from '../../../sandbox/scenario/scenario.ts';
import { openGateway, operator } from '../support.ts';

interface Recorded {
  service: 'cloudformation' | 'eks' | 'iam' | 'sts';
  region: string;
  method: string;
  path: string;
  query?: string;
  headers?: Record<string, string>;
  body?: string;
  status: number;
}
interface Command {
  command: string;
  scenario: string;
  requests: Recorded[];
}
interface Replayed extends Recorded {
  answer: HttpResponse;
}

const COMMANDS = JSON.parse(readFileSync(new URL('requests.json', import.meta.url), 'utf8')) as Command[];
/** Requests of a later version, whose CloudFormation the sandbox answered. */
const STACKS = JSON.parse(readFileSync(new URL('cloudformation.json', import.meta.url), 'utf8')) as Command[];
/** The only stack of the account: the service's own. */
const SERVICE = {
  name: 'PodIdentityMigrator',
  id: 'arn:aws:cloudformation:eu-west-1:111122223333:stack/PodIdentityMigrator/0',
  parameters: {},
  tags: {},
  outputs: [],
};
const commandOf = (text: string): Command => COMMANDS.find(({ command }) => command.includes(text))!;

/** Sends them in their order, in the world of the command's scenario. */
const replay = async (
  { scenario: name, requests }: Command,
  change: (scenario: Scenario) => void = () => undefined,
): Promise<Replayed[]> => {
  const scenario = await readScenario(`sandbox/scenarios/${name}.json`);
  change(scenario);
  const world = buildWorld(scenario);
  const stacks = [{ ...SERVICE, account: world.home.account, region: world.home.region }];
  const gateway = openGateway(world, {
    eks: createEksService(world),
    cloudformation: createCloudFormationService({ world, stacks, valueOf: (value) => value }),
  });
  const replayed: Replayed[] = [];
  for (const request of requests) {
    const { service, region, method, path, query = '', headers = {}, body = '' } = request;
    const answer = await gateway.handle(
      {
        method,
        host: '127.0.0.1:4566',
        path,
        query: queryOf(new URLSearchParams(query)),
        headers,
        body: Buffer.from(body),
      },
      { ...operator(world), service, region },
    );
    replayed.push({ ...request, answer });
  }
  expect(gateway.failures).toEqual([]);
  return replayed;
};

const textOf = ({ answer: { body } }: Replayed): string =>
  typeof body === 'string' ? body : Buffer.from(body).toString('utf8');
const jsonOf = (replayed: Replayed): Record<string, unknown> => JSON.parse(textOf(replayed)) as Record<string, unknown>;
const find = (replayed: Replayed[], part: string): Replayed =>
  replayed.find(({ path, query = '', body = '' }) => `${path}?${query} ${body}`.includes(part))!;
/** As eksctl reads them: whatever is not UNSUPPORTED. */
const supported = (replayed: Replayed): string[] =>
  (jsonOf(replayed)['clusterVersions'] as { clusterVersion: string; versionStatus: string }[])
    .filter(({ versionStatus }) => versionStatus !== 'UNSUPPORTED')
    .map(({ clusterVersion }) => clusterVersion);
const addonVersions = (replayed: Replayed): string[] =>
  (jsonOf(replayed)['addons'] as { addonVersions: { addonVersion: string }[] }[]).flatMap((addon) =>
    addon.addonVersions.map(({ addonVersion }) => addonVersion),
  );

describe('eksctl', () => {
  it.each(COMMANDS.map((command) => [command.command, command] as const))(
    '%s is answered as it was',
    async (_text, command) =>
      expect((await replay(command)).map(({ path, answer }) => [path, answer.status])).toEqual(
        command.requests.map(({ path, status }) => [path, status]),
      ),
  );

  it('finds the version of the cluster among those that it takes, and those that it defaults to', async () => {
    const replayed = await replay(commandOf('get cluster --name'));
    const cluster = jsonOf(find(replayed, '/clusters/lake-prod'))['cluster'] as { version: string };
    expect(cluster.version).toBe('1.35');
    expect(supported(find(replayed, '/cluster-versions'))).toEqual(
      expect.arrayContaining([cluster.version, '1.32', '1.34']),
    );
  });

  it('gets all versions where it names no type of cluster', async () => {
    const replayed = await replay(commandOf('describe-cluster-versions'));
    const asked = find(replayed, 'clusterType=&');
    expect(supported(asked)).toEqual(supported(find(replayed, '/cluster-versions')));
    expect(supported(asked)).toContain('1.35');
  });

  it('gets each add-on with the versions for Kubernetes 1.35', async () => {
    const replayed = await replay(commandOf('get addon --cluster'));
    const asked = replayed.filter(({ path }) => path === '/addons/supported-versions');
    expect(asked).toHaveLength(5);
    for (const each of asked) expect(addonVersions(each)).not.toEqual([]);
  });

  it('gets the association', async () => {
    const replayed = await replay(commandOf('get podidentityassociation'));
    expect(jsonOf(replayed.at(-1)!)['association']).toMatchObject({
      associationArn: 'arn:aws:eks:eu-central-1:111122223333:podidentityassociation/lake-prod/a-4kq0r7m2v9xw3btz1',
      namespace: 'lake',
      serviceAccount: 'catalog',
      roleArn: 'arn:aws:iam::111122223333:role/lake-prod-catalog',
    });
  });

  it.each(['1.32', '1.34', '1.35', '1.36'])(
    'has a version of the agent to install, if it defaults to Kubernetes %s',
    async (version) => {
      const command = commandOf('--approve');
      const requests = command.requests.map((request) => ({
        ...request,
        ...(request.query === undefined ? {} : { query: request.query.replace('=1.32', `=${version}`) }),
      }));
      const asked = find(await replay({ ...command, requests }), `kubernetesVersion=${version}`);
      expect(addonVersions(asked)).toContain('v1.3.10-eksbuild.2');
    },
  );

  it.each(['associate-iam-oidc-provider', 'migrate-to-pod-identity --cluster lake-prod'])(
    '%s finds the OIDC provider of the cluster, or that there is none',
    async (text) => {
      const ISSUER = 'oidc.eks.eu-central-1.amazonaws.com/id/3F0A96D1C85E4B27A9D4E60B71C258F3';
      const there = find(await replay(commandOf(text)), 'GetOpenIDConnectProvider');
      expect([there.answer.status, textOf(there)]).toEqual([200, expect.stringContaining(`<Url>${ISSUER}</Url>`)]);
      const absent = await replay(commandOf(text), ({ accounts }) => {
        accounts[0]!.clusters[0]!.oidcProvider = 'absent';
      });
      const asked = find(absent, 'GetOpenIDConnectProvider');
      // eksctl decides by the code: CheckProviderExists in pkg/iam/oidc/api.go.
      expect([asked.answer.status, textOf(asked)]).toEqual([404, expect.stringContaining('<Code>NoSuchEntity</Code>')]);
    },
  );
});

it.each(STACKS.map((command) => [command.command, command] as const))(
  'the stacks that eksctl looks for %s',
  async (_name, command) => {
    const replayed = await replay(command);
    expect(replayed.map(({ answer }) => answer.status)).toEqual(replayed.map(({ status }) => status));
    for (const each of replayed)
      expect(textOf(each)).toContain(
        each.body?.startsWith('Action=ListStacks')
          ? '<StackName>PodIdentityMigrator</StackName>'
          : '<Code>ValidationError</Code>',
      );
  },
);
