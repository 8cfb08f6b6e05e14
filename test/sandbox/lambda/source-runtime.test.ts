import { Logger } from '@aws-lambda-powertools/logger';
import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import middy from '@middy/core';
import { expect, test, vi } from 'vitest';
import type { LambdaContext } from '../../../sandbox/lambda/context.ts';
import { type Invoker, type SourceRuntimeOptions, SourceRuntime } from '../../../sandbox/lambda/source-runtime.ts';
import { VirtualClock } from '../../../sandbox/clock/clock.ts';
import { functionArn, functionOf, START, worldOf } from '../states/fixture.ts';
import { containing, matching } from '../../lambdas/matchers.ts';

const open = (invoker: Invoker, more: Partial<SourceRuntimeOptions> = {}) => {
  const world = worldOf();
  const clock = new VirtualClock(START);
  const createInvoker = vi.fn<() => Invoker>(() => invoker);
  const functions = [functionOf('plan')];
  const runtime = new SourceRuntime({ world, clock, functions, steps: { plan: {} }, createInvoker, ...more });
  /** Invokes on a thread that parks, like the interpreter. */
  const invoke = (payload: unknown = {}, arn = functionArn('plan')) =>
    clock.spawn(() => clock.park(runtime.invoke(arn, payload, { caller: 'arn:aws:iam::111122223333:role/machine' })));
  return { world, clock, createInvoker, invoke };
};

const expectFailed = (invocation: Promise<unknown>, errorType: string, failureCause: string): Promise<void> =>
  expect(invocation).rejects.toMatchObject({ errorType, failureCause });

test("a handler's result passes through JSON, and its container is warm the second time", async () => {
  const { invoke, createInvoker } = open(async (payload) => ({ payload, gone: undefined, at: new Date(START) }));
  expect(await invoke({ a: 1, b: undefined })).toEqual({ payload: { a: 1 }, at: '2026-01-15T09:00:00.000Z' });
  expect(await invoke(null)).toMatchObject({ payload: null });
  expect(createInvoker).toHaveBeenCalledTimes(1);
});

test('two concurrent invocations have a container each, so that neither waits for the other; later ones find both warm', async () => {
  let containers = 0;
  const createInvoker = (): Invoker => {
    containers += 1;
    let asked: Promise<void> | undefined;
    return async () => {
      // State that a container keeps, such as a session that one of its invocations waits for.
      const since = clock.now();
      asked ??= clock.sleep(100);
      await asked;
      return clock.now() - since;
    };
  };
  const { invoke, clock } = open(async () => 1, { createInvoker });
  expect([await Promise.all([invoke(), invoke()]), containers]).toEqual([[100, 100], 2]);
  await Promise.all([invoke(), invoke()]);
  expect(containers).toBe(2);
  await Promise.all([invoke(), invoke(), invoke()]);
  expect(containers).toBe(3);
});

test('no result is null', async () => {
  const { invoke } = open(async () => undefined);
  expect(await invoke()).toBeNull();
});

test('the context belongs to the version that was called', async () => {
  const seen: LambdaContext[] = [];
  const remaining: number[] = [];
  const { invoke, clock } = open(async (_, context) => {
    seen.push(context);
    remaining.push(context.getRemainingTimeInMillis());
    await clock.sleep(1500);
    remaining.push(context.getRemainingTimeInMillis());
  });
  await invoke({}, `${functionArn('plan')}:1`);
  await invoke();
  expect(seen[0]).toMatchObject({
    functionName: 'plan',
    functionVersion: '1',
    invokedFunctionArn: `${functionArn('plan')}:1`,
    memoryLimitInMB: '512',
    logGroupName: '/aws/lambda/plan',
    logStreamName: '2026/01/15/[1]sandbox',
    callbackWaitsForEmptyEventLoop: true,
  });
  expect(seen[1]!.functionVersion).toBe('$LATEST');
  expect(seen[0]!.awsRequestId).toMatch(/^[0-9a-f-]{36}$/);
  expect(seen[0]!.awsRequestId).not.toBe(seen[1]!.awsRequestId);
  expect(remaining).toEqual([60_000, 58_500, 60_000, 58_500]);
});

test('Powertools accepts the context', async () => {
  const lines: string[] = [];
  // Makes Powertools write to the existing console instead of its own.
  vi.stubEnv('POWERTOOLS_DEV', 'true');
  const write = vi.spyOn(console, 'info').mockImplementation((line: string) => void lines.push(line));
  const logger = new Logger({ serviceName: 'test', logLevel: 'INFO' });
  const handler = middy(async () => logger.info('here')).use(injectLambdaContext(logger));
  const { invoke } = open((payload, context) => handler(payload, context as never));
  await invoke();
  write.mockRestore();
  vi.unstubAllEnvs();
  expect(JSON.parse(lines[0]!)).toMatchObject({
    message: 'here',
    function_name: 'plan',
    function_memory_size: '512',
    function_arn: functionArn('plan'),
  });
});

test.each([
  [
    'an error',
    () => Object.assign(new Error('m'), { name: 'AddonFailed' }),
    { errorType: 'AddonFailed', errorMessage: 'm', trace: [] },
  ],
  ['a value that is not an Error', () => 'text', { errorType: 'string', errorMessage: 'text', trace: [] }],
])('a handler throws %s', async (_, thrown, cause) => {
  const { invoke, world } = open(() => Promise.reject(thrown()));
  const failure = await invoke().catch((error: unknown) => error as { errorType: string; failureCause: string });
  expect(failure).toMatchObject({ name: 'LambdaFailure', errorType: cause.errorType });
  expect(JSON.parse((failure as { failureCause: string }).failureCause)).toEqual(cause);
  const call = { service: 'lambda', operation: 'Invoke', status: 200, error: cause.errorType };
  expect(world.log.calls).toMatchObject([call]);
});

test('a result that cannot be serialized fails', () =>
  expect(open(async () => ({ n: 1n })).invoke()).rejects.toMatchObject({ errorType: 'Runtime.MarshalError' }));

test('a failed wiring is retried at the next invocation', async () => {
  const createInvoker = vi.fn<() => Invoker>(() => {
    throw Object.assign(new Error('TABLE_NAME is missing'), { name: 'ZodError' });
  });
  const { invoke } = open(async () => 1, { createInvoker });
  await expect(invoke()).rejects.toMatchObject({ errorType: 'ZodError' });
  await expect(invoke()).rejects.toMatchObject({ errorType: 'ZodError' });
  expect(createInvoker).toHaveBeenCalledTimes(2);
});

test('a timeout is reported in time; the invocation continues', async () => {
  const done: number[] = [];
  const { invoke, clock } = open(
    async () => {
      await clock.sleep(10_000);
      done.push(clock.now() - START);
      throw new Error('too late to matter');
    },
    { functions: [functionOf('plan', { timeoutSeconds: 3 })] },
  );
  await expectFailed(invoke(), 'Sandbox.Timedout', matching(/Task timed out after 3\.00 seconds"}$/));
  expect(clock.now() - START).toBe(3000);
  await clock.spawn(() => clock.sleep(20_000));
  expect(done).toEqual([10_000]);
});

test('payloads may have 6 MB in each direction', async () => {
  const { invoke } = open(async (payload) => (payload === 'big' ? 'x'.repeat(6_300_000) : null));
  await expect(invoke('x'.repeat(6_300_000))).rejects.toMatchObject({ errorType: 'Lambda.RequestTooLargeException' });
  await expect(invoke('big')).rejects.toMatchObject({ errorType: 'Function.ResponseSizeTooLarge' });
});

test('missing functions and versions are refused', async () => {
  const { invoke, world } = open(async () => 1);
  for (const arn of [functionArn('other'), `${functionArn('plan')}:2`, 'plan'])
    await expectFailed(invoke({}, arn), 'Lambda.ResourceNotFoundException', containing(arn));
  expect(world.log.calls.map(({ status }) => status)).toEqual([404, 404, 404]);
});

test('a function without a step fails', async () => {
  const { invoke } = open(async () => 1, { steps: { begin: {} } });
  await expectFailed(invoke(), 'Runtime.ImportModuleError', containing("Cannot find module 'plan'"));
});

test('the call log has each invocation', async () => {
  const { invoke, world } = open(async () => 1);
  await invoke({ secret: 1 });
  expect(world.log.calls).toEqual([
    {
      n: 1,
      at: '2026-01-15T09:00:00.000Z',
      service: 'lambda',
      operation: 'Invoke',
      mutating: false,
      caller: 'arn:aws:iam::111122223333:role/machine',
      account: '111122223333',
      region: 'eu-west-1',
      input: { functionName: functionArn('plan') },
      status: 200,
    },
  ]);
});
