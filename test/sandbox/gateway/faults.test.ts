/** Faults as functions in virtual time experience them, through real SDK clients. */
import { GetItemCommand } from '@aws-sdk/client-dynamodb';
import {
  DeleteAddonCommand,
  DescribeAddonCommand,
  DescribeClusterCommand,
  UpdateAddonCommand,
} from '@aws-sdk/client-eks';
import { PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { GetRoleCommand } from '@aws-sdk/client-iam';
import { DescribeExecutionCommand } from '@aws-sdk/client-sfn';
import { describe, expect, test } from 'vitest';
import type { ClientFactory } from '../../../lambdas/adapters/clients.ts';
import { eksToken } from '../../../lambdas/adapters/eks-token.ts';
import { createDynamoDb } from '../../../sandbox/dynamodb/service.ts';
import { createEksService } from '../../../sandbox/eks/service.ts';
import { SourceRuntime } from '../../../sandbox/lambda/source-runtime.ts';
import { Executions } from '../../../sandbox/states/executions.ts';
import { createStatesService } from '../../../sandbox/states/service.ts';
import { VirtualClock } from '../../../sandbox/clock/clock.ts';
import type { FaultInput, FaultKind } from '../../../sandbox/calls/faults.ts';
import type { World } from '../../../sandbox/world/world.ts';
import { allow, functionArn, functionOf, invoke, MACHINE, ROLE as MACHINE_ROLE, roleOf } from '../states/fixture.ts';
import { ACCOUNT, clientsOf, echo, newWorld, openGateway, operator, REGION } from '../support.ts';

const ADDON = { clusterName: 'dev', addonName: 'aws-ebs-csi-driver' };
const CLUSTER = { name: 'dev' };

type Work = (tools: {
  clients: ClientFactory;
  world: World;
  sleep: (milliseconds: number) => Promise<void>;
  note: (text: string) => void;
  attempt: number;
}) => Promise<unknown>;

/** A state machine with one state that calls a function; two retries, as for a temporary failure. */
const open = (work: Work, faults: FaultInput[]) => {
  const world = newWorld();
  for (const fault of faults) world.faults.add(fault);
  const { roles } = world.accounts.get(ACCOUNT)!;
  roles.set('machine', roleOf(MACHINE_ROLE, allow('lambda:InvokeFunction', functionArn('step:1'))));
  const clock = new VirtualClock(world.schedule.now());
  const services: Parameters<typeof openGateway>[1] = {
    events: echo,
    eks: createEksService(world),
    dynamodb: createDynamoDb(world).service,
  };
  const gateway = openGateway(world, services, undefined, clock);
  const clients = clientsOf(gateway, world);
  const notes: string[] = [];
  const startedAt = clock.now();
  let attempts = 0;
  const createInvoker = () => async () => {
    attempts += 1;
    const attempt = attempts;
    const note = (text: string): void =>
      void notes.push(`${attempt} at ${((clock.now() - startedAt) / 1000).toFixed(0)} s: ${text}`);
    return work({ clients, world, sleep: (milliseconds) => clock.sleep(milliseconds), note, attempt });
  };
  const functions = [functionOf('step', { timeoutSeconds: 10 })];
  const lambda = new SourceRuntime({ world, clock, functions, steps: { step: {} }, createInvoker });
  const errors = ['Runtime.ExitError', 'Sandbox.Timedout'];
  const retry = { ErrorEquals: errors, IntervalSeconds: 1, BackoffRate: 1, MaxAttempts: 2 };
  const caught = { ErrorEquals: ['States.ALL'], Next: 'Caught' };
  const state = invoke('step', { Retry: [retry], Catch: [caught], End: true });
  const definition = {
    QueryLanguage: 'JSONata',
    StartAt: 'It',
    States: { It: state, Caught: { Type: 'Pass', Output: { caught: '{% $states.input.Error %}' }, End: true } },
  };
  const machine = { logicalId: 'M', name: 'machine', arn: MACHINE, definition, roleArn: MACHINE_ROLE };
  const executions = new Executions({ world, clock, lambda, stateMachines: [machine] });
  services['states'] = createStatesService(world, executions);
  /** Waits until the execution has ended and everything that still runs has finished. */
  const run = () =>
    clock.spawn(async () => {
      const execution = executions.start(MACHINE);
      await clock.park(execution.ended);
      await clock.sleep(60_000);
      return execution;
    });
  const callsOf = (ofLambda: boolean) => world.log.calls.filter(({ service }) => (service === 'lambda') === ofLambda);
  const invocations = () => callsOf(true).map(({ error }) => error);
  return { world, run, notes, calls: () => callsOf(false), invocations };
};

const describeThenDelete: Work = async ({ clients, note }) => {
  const eks = clients.eks();
  await eks.send(new DescribeAddonCommand(ADDON));
  const { addon } = await eks.send(new DeleteAddonCommand(ADDON));
  note('deleted');
  return addon?.addonName;
};
const operations = (bench: ReturnType<typeof open>) => bench.calls().map(({ operation }) => operation);

const DONE = { Source: 'my.app', DetailType: 'Done', Detail: '{}' };
const EXECUTION = 'arn:aws:states:eu-west-1:111122223333:execution:machine:x';
const call: Record<string, (clients: ClientFactory) => Promise<unknown>> = {
  eks: (clients) => clients.eks().send(new UpdateAddonCommand(ADDON)),
  iam: (clients) => clients.iam().send(new GetRoleCommand({ RoleName: 'ebs-csi' })),
  dynamodb: (clients) => clients.dynamodb().send(new GetItemCommand({ TableName: 'Ledger', Key: { pk: { S: 'a' } } })),
  events: (clients) => clients.eventBridge().send(new PutEventsCommand({ Entries: [DONE] })),
  states: (clients) => clients.stepFunctions().send(new DescribeExecutionCommand({ executionArn: EXECUTION })),
};

describe('a service that refuses', () => {
  const MAY_NOT_UPDATE =
    /^User: arn:aws:sts::111122223333:assumed-role\/operator\/\S+ is not authorized to perform: eks:UpdateAddon on resource: /;
  const UPDATING = /^Addon aws-ebs-csi-driver cannot be updated as it is currently in UPDATING state$/;
  const MAY_NOT_GET =
    /iam:GetRole on resource: role ebs-csi because no identity-based policy allows the iam:GetRole action$/;
  test.each<[string, FaultKind, number, string, RegExp]>([
    ['eks', 'throttled', 429, 'ThrottlingException', /^Rate exceeded$/],
    ['eks', 'server-error', 500, 'ServerException', /^Internal server error$/],
    ['eks', 'access-denied', 403, 'AccessDeniedException', MAY_NOT_UPDATE],
    ['eks', 'in-use', 409, 'ResourceInUseException', UPDATING],
    ['eks', 'not-found', 404, 'ResourceNotFoundException', /^No addon: aws-ebs-csi-driver found in cluster: dev$/],
    ['iam', 'throttled', 400, 'Throttling', /^Rate exceeded$/],
    ['iam', 'server-error', 500, 'ServiceFailure', /unknown error/],
    ['iam', 'access-denied', 403, 'AccessDenied', MAY_NOT_GET],
    ['iam', 'in-use', 409, 'ConcurrentModification', /simultaneously/],
    ['iam', 'not-found', 404, 'NoSuchEntity', /^The role with name ebs-csi cannot be found\.$/],
    ['dynamodb', 'throttled', 400, 'ThrottlingException', /throughput/],
    ['dynamodb', 'server-error', 500, 'InternalServerError', /^Internal server error$/],
    ['dynamodb', 'access-denied', 400, 'AccessDeniedException', /dynamodb:GetItem/],
    ['dynamodb', 'in-use', 400, 'ResourceInUseException', /in use/],
    ['dynamodb', 'not-found', 400, 'ResourceNotFoundException', /^Requested resource not found$/],
    ['events', 'throttled', 400, 'ThrottlingException', /^Rate exceeded$/],
    ['events', 'server-error', 500, 'InternalException', /unexpected causes/],
    ['events', 'access-denied', 400, 'AccessDeniedException', /events:PutEvents/],
    ['events', 'in-use', 400, 'ConcurrentModificationException', /concurrent modification/],
    ['events', 'not-found', 400, 'ResourceNotFoundException', /^Event bus default does not exist\.$/],
    ['states', 'throttled', 400, 'ThrottlingException', /^Rate exceeded$/],
    ['states', 'server-error', 500, 'InternalFailure', /unknown error/],
    ['states', 'access-denied', 400, 'AccessDeniedException', /states:DescribeExecution/],
    ['states', 'in-use', 400, 'ConflictException', /inconsistency/],
    ['states', 'not-found', 400, 'ExecutionDoesNotExist', /^Execution Does Not Exist: 'arn:/],
  ])('%s, %s', async (service, kind, status, name, message) => {
    const failures: unknown[] = [];
    const bench = open(
      async ({ clients }) => call[service]!(clients).catch((error: unknown) => void failures.push(error)),
      [{ kind }],
    );
    await bench.run();
    expect(failures).toEqual([
      expect.objectContaining({
        $metadata: expect.objectContaining({ httpStatusCode: status }) as unknown,
        message: expect.stringMatching(message) as unknown,
      }),
    ]);
    // The SDK has different names for some of IAM's errors.
    expect((failures[0] as Error).name).toMatch(new RegExp(`^${name}(Exception)?$`));
    expect(bench.calls()).toMatchObject([{ service, status, error: name }]);
  });

  test('has done nothing, and the log shows the request', async () => {
    const bench = open(describeThenDelete, [{ operation: 'DeleteAddon', kind: 'server-error' }]);
    expect(await bench.run()).toMatchObject({ status: 'SUCCEEDED', output: '{"caught":"ServerException"}' });
    expect(bench.calls()).toMatchObject([
      { operation: 'DescribeAddon' },
      { operation: 'DeleteAddon', input: ADDON, status: 500, error: 'ServerException', mutating: true },
    ]);
    const [cluster] = bench.world.accounts.get(ACCOUNT)!.clusters.values();
    expect(cluster!.addons.get(ADDON.addonName)).toMatchObject({ status: 'ACTIVE', generation: 0 });
  });
});

/** Returns a Status with that message. */
const refusedWith = (reason: string, code: number, message: string): RegExp =>
  new RegExp(
    `^application/json: \\{"kind":"Status","apiVersion":"v1","metadata":\\{\\},"status":"Failure","message":"${message}","reason":"${reason}","code":${code}\\}$`,
  );

const LIST = { operation: 'list pods', input: { namespace: 'kube-system', limit: '5' } };

test.each<[FaultKind, number, string, RegExp]>([
  ['throttled', 429, 'TooManyRequests', /^text\/plain; charset=utf-8: Too many requests, please try again later\.\n$/],
  ['server-error', 500, 'InternalError', refusedWith('InternalError', 500, 'Internal error occurred: .*')],
  [
    'access-denied',
    403,
    'Forbidden',
    refusedWith('Forbidden', 403, String.raw`pods is forbidden: User \\"arn:aws:sts::\S+\\" cannot list .*`),
  ],
  ['in-use', 409, 'Conflict', refusedWith('Conflict', 409, 'Operation cannot be fulfilled on pods: .*')],
  ['not-found', 404, 'NotFound', refusedWith('NotFound', 404, 'pods not found')],
])('an API server that refuses %s', async (kind, status, reason, message) => {
  const bench = open(
    async ({ clients, world, note }) => {
      const cluster = [...world.accounts.get(ACCOUNT)!.clusters.values()][0]!;
      const [credentials, now] = [operator(world), new Date()];
      const token = await eksToken({ cluster: cluster.name, region: REGION, credentials, now });
      const url = `${cluster.endpoint}/api/v1/namespaces/kube-system/pods?limit=5`;
      const headers = { authorization: `Bearer ${token}` };
      const { certificateAuthority } = cluster;
      const answer = await clients.config.transport.http({ method: 'GET', url, headers, certificateAuthority });
      // Excessive calls are refused in plain text, as a real API server does.
      expect(`${String(answer.headers['content-type'])}: ${answer.body}`).toMatch(message);
      note(String(answer.status));
    },
    [{ ...LIST, kind }],
  );
  await bench.run();
  expect(bench.notes).toEqual([`1 at 0 s: ${status}`]);
  expect(bench.calls()).toMatchObject([
    { service: 'kubernetes', ...LIST, status, error: reason, cluster: 'dev', mutating: false },
  ]);
});

describe('a connection that breaks', () => {
  const lost: Work = async ({ clients, note }) => {
    await clients
      .eks()
      .send(new DeleteAddonCommand(ADDON))
      .catch((error: Error & { code?: string; $metadata?: { httpStatusCode?: number } }) =>
        note(`${error.name} ${error.code} ${error.$metadata?.httpStatusCode}`),
      );
  };

  test('before the call arrives: the service does not see it', async () => {
    const bench = open(lost, [{ kind: 'lost-before' }]);
    await bench.run();
    expect([bench.notes, bench.calls()]).toEqual([['1 at 0 s: TimeoutError ECONNRESET undefined'], []]);
  });

  test('before the reply arrives: the call had its effect', async () => {
    const bench = open(lost, [{ kind: 'lost-after' }]);
    await bench.run();
    expect(bench.notes).toEqual(['1 at 0 s: TimeoutError ECONNRESET undefined']);
    expect(bench.calls()).toMatchObject([{ operation: 'DeleteAddon', status: 200 }]);
  });
});

describe('a function that dies', () => {
  test('before the call: Step Functions notices and retries', async () => {
    const bench = open(describeThenDelete, [{ operation: 'DeleteAddon', kind: 'crash-before' }]);
    expect(await bench.run()).toMatchObject({ status: 'SUCCEEDED' });
    expect(bench.invocations()).toEqual(['Runtime.ExitError', undefined]);
    expect(operations(bench)).toEqual(['DescribeAddon', 'DescribeAddon', 'DeleteAddon']);
    expect(bench.notes).toEqual(['2 at 1 s: deleted']);
  });

  test('after the call: the call had its effect, and nothing that the dead function still does has any', async () => {
    const stubborn: Work = async ({ clients, sleep, note, attempt }) => {
      const eks = clients.eks();
      await eks.send(new DescribeClusterCommand(CLUSTER)).catch((error: unknown) => note((error as Error).name));
      if (attempt > 1) return;
      await sleep(3000);
      await eks.send(new DeleteAddonCommand(ADDON)).catch((error: unknown) => note((error as Error).name));
    };
    const bench = open(stubborn, [{ kind: 'crash-after' }]);
    await bench.run();
    expect(operations(bench)).toEqual(['DescribeCluster', 'DescribeCluster']);
    expect(bench.notes).toEqual(['1 at 0 s: ProcessExited', '1 at 3 s: ProcessExited']);
    expect(bench.world.faults.seen).toHaveLength(2);
  });

  test('also kills its concurrent calls', async () => {
    const bench = open(
      async ({ clients, sleep, attempt }) => {
        if (attempt > 1) return;
        const eks = clients.eks();
        const late = sleep(500).then(() => eks.send(new DeleteAddonCommand(ADDON)));
        await Promise.allSettled([eks.send(new DescribeClusterCommand(CLUSTER)), late]);
      },
      [{ kind: 'crash-before' }],
    );
    await bench.run();
    expect(bench.calls()).toEqual([]);
  });
});

describe('a call that hangs until the timeout', () => {
  const noteStatus: Work = async ({ clients, note }) =>
    note(String((await clients.eks().send(new DescribeAddonCommand(ADDON))).addon?.status));

  test('and arrives only then: the first invocation continues while the next one works', async () => {
    const bench = open(noteStatus, [{ kind: 'time-out-before' }]);
    expect(await bench.run()).toMatchObject({ status: 'SUCCEEDED' });
    expect(bench.invocations()).toEqual(['Sandbox.Timedout', undefined]);
    const [second, first] = bench.calls().map(({ at }) => (Date.parse(at) - Date.parse('2026-01-15T09:00:00Z')) / 1000);
    expect(second).toBe(11);
    expect(first).toBeGreaterThan(10);
    expect(first).toBeLessThan(16);
    expect(bench.notes.map((note) => note.slice(0, 1)).sort()).toEqual(['1', '2']);
  });

  test('and arrived at once: the first invocation gets its answer late', async () => {
    const bench = open(noteStatus, [{ kind: 'time-out-after' }]);
    await bench.run();
    expect(bench.calls().map(({ at }) => at)).toEqual(['2026-01-15T09:00:00.000Z', '2026-01-15T09:00:11.000Z']);
    expect(bench.notes).toHaveLength(2);
    expect(bench.notes.some((note) => /^1 at 1[0-5] s: ACTIVE$/.test(note))).toBe(true);
  });
});

test.each<FaultKind>(['abort-before', 'abort-after'])(
  'an execution that is stopped %s: no Catch runs, and the invocation continues to its end',
  async (kind) => {
    const bench = open(describeThenDelete, [{ operation: 'DescribeAddon', kind }]);
    const execution = await bench.run();
    expect(execution).toMatchObject({ status: 'ABORTED' });
    expect(execution.output).toBeUndefined();
    expect([operations(bench), bench.notes]).toEqual([['DescribeAddon', 'DeleteAddon'], ['1 at 0 s: deleted']]);
    expect(bench.world.faults.seen[0]).toMatchObject({ executionArn: execution.arn, step: 'step' });
  },
);

test('calls that no function makes are not affected', async () => {
  const bench = open(async () => undefined, [{ times: 'all', kind: 'server-error' }]);
  const gateway = openGateway(bench.world, { eks: createEksService(bench.world) });
  await expect(clientsOf(gateway, bench.world).eks().send(new DescribeClusterCommand(CLUSTER))).resolves.toBeDefined();
  expect(bench.world.faults.seen).toEqual([]);
});
