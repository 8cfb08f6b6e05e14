import { seedPersistentVolumes } from '../../../sandbox/build/build-storage.ts';
import { buildCapabilities } from '../../../sandbox/world/capabilities.ts';
import * as dynamodb from '@aws-sdk/client-dynamodb';
import * as eks from '@aws-sdk/client-eks';
import * as events from '@aws-sdk/client-eventbridge';
import * as iam from '@aws-sdk/client-iam';
import * as states from '@aws-sdk/client-sfn';
import * as sts from '@aws-sdk/client-sts';
import { readdirSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { ClientFactory, type PlainHttp } from '../../../lambdas/adapters/clients.ts';
import { eksToken } from '../../../lambdas/adapters/eks-token.ts';
import { nodeHttp } from '../../../lambdas/adapters/node-http.ts';
import type { Gateway } from '../../../sandbox/gateway/gateway.ts';
import { createDynamoDb } from '../../../sandbox/dynamodb/service.ts';
import { Authorizer } from '../../../sandbox/authorization/authorizer.ts';
import { createEksService, supportedOperations } from '../../../sandbox/eks/service.ts';
import { EventBus } from '../../../sandbox/events/bus.ts';
import { createEventsService } from '../../../sandbox/events/service.ts';
import type { HttpResponse } from '../../../sandbox/http.ts';
import { seedAddonObjects } from '../../../sandbox/kubernetes/addon-objects.ts';
import type { AddonObjects } from '../../../sandbox/objects/objects.ts';
import { KINDS } from '../../../sandbox/objects/store.ts';
import { Messages } from '../../../sandbox/messaging/messages.ts';
import { Executions } from '../../../sandbox/states/executions.ts';
import { createStatesService } from '../../../sandbox/states/service.ts';
import { inProcessTransport } from '../../../sandbox/transports/in-process.ts';
import { openLoopback } from '../../../sandbox/transports/loopback.ts';
import type { SandboxClock } from '../../../sandbox/clock/clock.ts';
import type { World } from '../../../sandbox/world/world.ts';
import { ACCOUNT, allow, REGION, configOf, newWorld, openGateway, operator, policyOf } from '../support.ts';
import { faultsOf } from './answers.ts';
import {
  type Answers,
  type AwsService,
  INLINE,
  inputOf,
  MACHINE,
  MANAGED,
  PROVIDER,
  rows,
  TABLE,
  WRONG_SECRET,
} from './corpus.ts';
import {
  callsFor,
  collection,
  discoveryCalls,
  evictionsOf,
  impersonatedCalls,
  type KubernetesCall,
} from './kubernetes-corpus.ts';

const SDKS: Record<AwsService, object> = { eks, iam, sts, dynamodb, states, events };
const CLIENTS = {
  eks: eks.EKSClient,
  iam: iam.IAMClient,
  sts: sts.STSClient,
  dynamodb: dynamodb.DynamoDBClient,
  states: states.SFNClient,
  events: events.EventBridgeClient,
};
const FACTORY = {
  eks: 'eks',
  iam: 'iam',
  sts: 'sts',
  dynamodb: 'dynamodb',
  states: 'stepFunctions',
  events: 'eventBridge',
} as const;
type Client = { send(command: unknown): Promise<Record<string, unknown>>; destroy(): void };

// The expiry of credentials and the age of tables come from this machine's clock, which is the same for all sessions.
beforeAll(() => void vi.useFakeTimers({ toFake: ['Date'] }));
afterAll(() => void vi.useRealTimers());

/** Executions have a time of their own, in which nothing that waits continues. */
const standingClock = (at: number): SandboxClock => {
  const timer = () => ({ elapsed: new Promise<void>(() => {}), cancel: () => {} });
  return {
    kind: 'real',
    now: () => at,
    sleep: () => timer().elapsed,
    spawn: (run) => run(),
    park: (promise) => promise,
    timer,
  };
};

interface Session {
  world: World;
  gateway: Gateway;
  /** Successful responses of AWS services as they were on the wire. */
  wire: { service: string; operation: string; response: HttpResponse }[];
}

const openSession = async (): Promise<Session> => {
  const world = newWorld();
  const { oidcProviders, roles } = world.accounts.get(ACCOUNT)!;
  Object.assign(roles.get('ebs-csi')!, { policies: [INLINE], attachedPolicies: [MANAGED] });
  oidcProviders!.set(PROVIDER.arn, PROVIDER);
  const start = policyOf(allow('states:StartExecution', MACHINE));
  const roleArn = `arn:aws:iam::${ACCOUNT}:role/waits`;
  roles.set('waits', {
    ...roles.get('ebs-csi')!,
    name: 'waits',
    path: '/',
    arn: roleArn,
    policies: [{ name: 'start', document: JSON.stringify(start) }],
    attachedPolicies: [],
  });
  const cluster = world.accounts.get(ACCOUNT)!.clusters.get(`${REGION}/dev`)!;
  const claimed = { namespace: 'kube-system', name: 'data' };
  seedPersistentVolumes(cluster, [{ name: 'data', driver: 'ebs.csi.aws.com', volumeAttributes: {}, claim: claimed }]);
  cluster.capabilities = buildCapabilities(world, cluster, [{ name: 'ack', type: 'ACK', status: 'ACTIVE', tags: {} }]);
  cluster.fargateProfiles = [{ name: 'apps', namespace: 'apps', labels: { tier: 'web' } }];
  // No add-on of the scenario has one.
  const database: AddonObjects['workloads'][number] = {
    kind: 'StatefulSet',
    name: 'db',
    serviceAccount: 'default',
    replicas: 1,
    labels: { app: 'db' },
    containers: [{ name: 'main', image: 'db:1' }],
  };
  const objects = { namespace: 'kube-system', serviceAccounts: [], workloads: [database] };
  const seeded = { irsaServiceAccounts: [], podsCreatedAt: cluster.createdAt, manager: 'helm' };
  seedAddonObjects(world, cluster, 'db', objects, seeded);
  const table = createDynamoDb(world);
  await table.createTable({
    name: TABLE,
    keySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
    attributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }],
  });
  const branch = (name: string) => ({
    StartAt: name,
    States: {
      [name]: {
        Type: 'Task',
        Resource: 'arn:aws:states:::lambda:invoke.waitForTaskToken',
        Arguments: { FunctionName: 'ask', Payload: '{% $states.context.Task.Token %}' },
        End: true,
      },
    },
  });
  const each = {
    ProcessorConfig: { Mode: 'DISTRIBUTED', ExecutionType: 'STANDARD' },
    StartAt: 'Rest',
    States: { Rest: { Type: 'Wait', Seconds: 60, End: true } },
  };
  const map = {
    StartAt: 'Each',
    States: { Each: { Type: 'Map', Label: 'Each', Items: [1, 2], ItemProcessor: each, End: true } },
  };
  const definition = {
    QueryLanguage: 'JSONata',
    StartAt: 'Ask',
    States: {
      Ask: {
        Type: 'Parallel',
        Branches: [branch('One'), branch('Other'), map],
        Catch: [{ ErrorEquals: ['States.ALL'], Next: 'Wait' }],
        End: true,
      },
      Wait: { Type: 'Wait', Seconds: 60, End: true },
    },
  };
  const clock = standingClock(world.schedule.now());
  const lambda = { invoke: () => Promise.resolve('asked') };
  const machine = { logicalId: 'Waits', name: 'Waits', arn: MACHINE, roleArn, definition };
  const executions = new Executions({ world, clock, lambda, stateMachines: [machine] });
  const authorizer = new Authorizer(world);
  const bus = new EventBus({
    world,
    clock,
    lambda,
    authorizer,
    rules: [],
    functions: [],
    messages: new Messages({ world, clock, authorizer }),
    startExecution: () => undefined,
  });
  const gateway = openGateway(world, {
    dynamodb: table.service,
    eks: createEksService(world),
    states: createStatesService(world, executions),
    events: createEventsService(world, bus),
  });
  const wire: Session['wire'] = [];
  const handle: Gateway['handle'] = async (request, claim) => {
    const response = await gateway.handle(request, claim);
    const { service, operation, status } = world.log.calls.at(-1)!;
    if (status < 400 && service !== 'kubernetes') wire.push({ service, operation, response });
    return response;
  };
  return { world, wire, gateway: { ...gateway, handle } };
};

type Config = { region: string; credentials: ReturnType<typeof operator>; maxAttempts: number };

/** The SDK's own clients. */
const fromSdk = (service: AwsService, as: Config): Client => new CLIENTS[service](as);

/** Every row with its valid and its invalid input; a refusal is a response too. */
const askAws = async ({ world }: Session, config: Config, clientOf = fromSdk): Promise<Record<string, unknown>> => {
  const successes: Answers = {};
  const all: Record<string, unknown> = {};
  // An unsigned call can only name an unknown key.
  const guess = clientOf === fromSdk ? { secretAccessKey: 'guess' } : { accessKeyId: 'ASIAGUESS' };
  const wrong = { ...config, credentials: { ...config.credentials, ...guess } };
  type Answer = Promise<Record<string, unknown>>;
  const ask = async (service: AwsService, operation: string, input: object, as: Config): Answer => {
    const client = clientOf(service, as);
    const sdk = SDKS[service] as Record<string, new (input: object) => unknown>;
    try {
      return await client.send(new sdk[`${operation}Command`]!(input));
    } catch (error) {
      const { name, message, constructor } = error as Error;
      return { ...(error as object), refused: name, message, constructor };
    } finally {
      client.destroy();
    }
  };
  for (const [service, operation, good, bad, later] of rows) {
    if (later !== undefined) world.schedule.advanceTo(world.schedule.now() + later * 1000);
    if (good !== undefined) {
      successes[operation] = await ask(service, operation, inputOf(good, successes), config);
      all[`${service} ${operation}`] = successes[operation];
    }
    if (bad !== undefined) {
      const isUnsigned = bad === WRONG_SECRET;
      const input = isUnsigned ? {} : inputOf(bad, successes);
      all[`${service} ${operation}, refused`] = await ask(service, operation, input, isUnsigned ? wrong : config);
    }
    // Tables of DynamoDB are created at a moment of their own.
    if (service === 'dynamodb' && operation.endsWith('Table')) await wait(20);
  }
  return all;
};

const JSON_TYPE = 'application/json';

const askKubernetes = async ({ world }: Session, http: PlainHttp): Promise<unknown[]> => {
  const { endpoint, certificateAuthority } = world.accounts.get(ACCOUNT)!.clusters.get(`${REGION}/dev`)!;
  const tokenFor = (cluster: string): Promise<string> =>
    eksToken({ cluster, region: REGION, credentials: operator(world), now: new Date() });
  const [known, unknown] = [await tokenFor('dev'), await tokenFor('prod')];
  const answers: unknown[] = [];
  const read = new Map<string, unknown>();
  const ask = async ({ method, path, type: bodyType, ...call }: KubernetesCall): Promise<unknown> => {
    const body = call.current ? read.get(path) : call.body;
    const headers = {
      authorization: `Bearer ${call.known === false ? unknown : known}`,
      ...(bodyType === undefined ? {} : { 'content-type': bodyType }),
      ...call.as,
    };
    const answer = await http({
      method,
      url: `${endpoint}${path}`,
      headers,
      certificateAuthority,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const type = answer.headers['content-type'];
    // Unknown paths get text.
    const document: unknown = type === JSON_TYPE ? JSON.parse(answer.body) : answer.body;
    answers.push([method, path, answer.status, type, document]);
    if (method === 'GET') read.set(path, document);
    return document;
  };
  for (const call of [...discoveryCalls, ...impersonatedCalls]) await ask(call);
  const firstOf = async (kind: keyof typeof KINDS): Promise<string> => {
    const list = await ask({ method: 'GET', path: `${collection(KINDS[kind])}?limit=1` });
    return (list as { items: { metadata: { name: string } }[] }).items[0]?.metadata.name ?? 'none';
  };
  for (const info of Object.values(KINDS)) for (const call of callsFor(info, await firstOf(info.kind))) await ask(call);
  for (const call of evictionsOf(await firstOf('Pod'))) await ask(call);
  return answers;
};

/**
 * The loopback transport puts its own address and authority into the clusters, and DynamoDB draws ids for its tables:
 * only these must differ.
 */
const comparable = (value: unknown, { world }: Session): unknown => {
  const cluster = world.accounts.get(ACCOUNT)!.clusters.get(`${REGION}/dev`)!;
  const encoded = Buffer.from(cluster.certificateAuthority).toString('base64');
  const text = JSON.stringify(value)
    .replaceAll(cluster.endpoint, 'ENDPOINT')
    .replaceAll(new URL(cluster.endpoint).host, 'HOST')
    .replaceAll(encoded, 'AUTHORITY')
    // The webhook's authority is the cluster's first one.
    .replaceAll(/"caBundle":"[^"]*"/g, '"caBundle":"AUTHORITY"');
  return JSON.parse(text.replaceAll(/"TableId":"[\w-]+"/g, '"TableId":"ID"'));
};

/** Makes the same calls through both transports, with the SDK. */
const openBoth = async () => {
  const direct = await openSession();
  const transport = inProcessTransport(direct.gateway, direct.world);
  const inProcess = [
    await askAws(direct, configOf(direct.gateway, direct.world)),
    await askKubernetes(direct, transport.http),
  ] as const;

  const remote = await openSession();
  const loopback = await openLoopback({ ...remote, credentials: operator(remote.world) });
  const config = { endpoint: loopback.url, region: REGION, credentials: operator(remote.world), maxAttempts: 1 };
  const overHttp = [await askAws(remote, config), await askKubernetes(remote, nodeHttp)];
  const calls = [...direct.world.log.calls];
  return { direct, remote, inProcess, overHttp, calls, close: loopback.close };
};

const UNSUPPORTED = {
  dynamodb: new dynamodb.TransactWriteItemsCommand({ TransactItems: [] }),
  eks: new eks.DeleteClusterCommand({ name: 'x' }),
  events: new events.ListRulesCommand({}),
  iam: new iam.CreateUserCommand({ UserName: 'x' }),
  states: new states.DeleteStateMachineCommand({ stateMachineArn: MACHINE }),
  sts: new sts.GetSessionTokenCommand({}),
};

/** Returns the supported operations that the refusal of an unsupported operation lists. */
const supportedBy = async (location: Session, service: keyof typeof UNSUPPORTED): Promise<string[]> => {
  const client = new CLIENTS[service](configOf(location.gateway, location.world)) as unknown as Client;
  const error = await client.send(UNSUPPORTED[service]).catch((refused: Error) => refused);
  const supported = /does not support the operation \w+\. Supported operations: (.*)\.$/;
  const [, names] = supported.exec((error as Error).message)!;
  return names!.split(', ');
};

/** dynalite returns it for every table; the model does not define it, and SDKs drop it. */
const BEYOND_THE_MODEL = '.TableThroughputModeSummary is not a member of TableDescription';

const capital = (file: string): string => `${file[0]!.toUpperCase()}${file.slice(1, -'.js'.length)}`;

let both: Awaited<ReturnType<typeof openBoth>>;
beforeAll(async () => void (both = await openBoth()));
afterAll(() => both.close());

describe('both transports', () => {
  it("return the same responses to the same calls, all in accordance with AWS's models", () => {
    const { direct, remote, inProcess, overHttp } = both;
    expect(comparable(overHttp, remote)).toEqual(comparable(inProcess, direct));
    expect(comparable(remote.world.log.calls, remote)).toEqual(comparable(both.calls, direct));
    expect([...direct.gateway.failures, ...remote.gateway.failures]).toEqual([]);

    // The corpus must be complete.
    const aws = inProcess[0] as Record<string, { refused?: string }>;
    expect(
      Object.entries(aws).filter(([name, { refused }]) => name.endsWith(', refused') !== (refused !== undefined)),
    ).toEqual([]);
    expect(
      Object.values(aws).filter(({ refused }) => refused === 'NotImplemented' || refused === 'InternalServerError'),
    ).toEqual([]);

    const faults = direct.wire.flatMap(({ service, operation, response }) =>
      faultsOf(SDKS[service as AwsService], operation, response).map((fault) => `${service} ${operation}: ${fault}`),
    );
    expect(faults.filter((fault) => !fault.includes(BEYOND_THE_MODEL))).toEqual([]);
    expect(direct.wire.length).toBe(rows.filter(([, , good]) => good !== undefined).length);
  });

  it('are called for every operation', async () => {
    const { direct: location } = both;
    const asked = (service: AwsService): string[] =>
      rows
        .filter(([name]) => name === service)
        .map(([, operation]) => operation)
        .sort();
    expect(asked('eks')).toEqual([...supportedOperations].sort());
    for (const service of ['dynamodb', 'eks', 'events', 'iam', 'states', 'sts'] as const)
      expect(asked(service)).toEqual((await supportedBy(location, service)).sort());
    expect(asked('dynamodb')).toEqual(readdirSync('node_modules/dynalite/actions').map(capital).sort());

    const outcomes = (operation: string): Set<boolean> =>
      new Set(
        location.world.log.calls.filter((call) => call.operation === operation).map(({ status }) => status < 400),
      );
    const incomplete = Object.values(KINDS).flatMap(({ plural, verbs }) =>
      verbs.flatMap((verb) => {
        const wanted = verb === 'watch' ? [false] : [false, true];
        return wanted
          .filter((ok) => !outcomes(`${verb} ${plural}`).has(ok))
          .map((ok) => `${verb} ${plural} ${ok ? 'succeeds' : 'is refused'}`);
      }),
    );
    expect(incomplete).toEqual([]);
  });
});

/** DynamoDB draws ids for its tables: only these must differ. */
const withoutTableId = (answer: unknown): unknown => {
  const { Table, TableDescription } = answer as Record<string, { TableId?: string } | undefined>;
  for (const table of [Table, TableDescription]) if (table) table.TableId = 'ID';
  return answer;
};

describe('clients of the sandbox', () => {
  it("return the SDK's own outputs and errors for every operation, and leave the same calls in the log", async () => {
    const { direct: sdk, inProcess } = both;
    const [bySdk] = inProcess;
    const own = await openSession();
    const transport = inProcessTransport(own.gateway, own.world, { clients: 'direct' });
    const direct = await askAws(own, configOf(own.gateway, own.world), (service, as) => {
      const factory = new ClientFactory({ region: as.region, credentials: as.credentials, transport });
      return factory[FACTORY[service]]();
    });
    const unsigned = rows.flatMap(([service, name, , bad]) =>
      bad === WRONG_SECRET ? [`${service} ${name}, refused`] : [],
    );
    expect(unsigned).toHaveLength(1);
    expect(Object.keys(direct)).toEqual(Object.keys(bySdk));
    for (const name of Object.keys(direct).filter((each) => !unsigned.includes(each)))
      expect({ [name]: withoutTableId(direct[name]) }).toStrictEqual({ [name]: withoutTableId(bySdk[name]) });

    const logged = (calls: Session['world']['log']['calls'], location: Session): unknown => {
      const unequal = ['SignatureDoesNotMatch', 'InvalidClientTokenId'];
      const kept = calls.filter(({ service, error = '' }) => service !== 'kubernetes' && !unequal.includes(error));
      return comparable(kept, location);
    };
    expect(logged(own.world.log.calls, own)).toEqual(logged(both.calls, sdk));
    expect([...own.gateway.failures, ...sdk.gateway.failures]).toEqual([]);
  });
});
