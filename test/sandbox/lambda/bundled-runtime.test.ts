import { writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { BundledRuntime, type BundledRuntimeOptions } from '../../../sandbox/lambda/bundled-runtime.ts';
import { VirtualClock } from '../../../sandbox/clock/clock.ts';
import { ScaledClock } from '../../../sandbox/clock/scaled-clock.ts';
import { functionArn, functionOf, ROLE, START, worldOf } from '../states/fixture.ts';
import { containing } from '../../lambdas/matchers.ts';
import { scratchDirectory } from '../../scratch.ts';

const AS_MACHINE = { caller: ROLE };

const directory = scratchDirectory();
writeFileSync(
  join(directory, 'echo.mjs'),
  `let count = 0;
   export const handler = async (event, context) => {
     console.log('line', event.say);
     return { event, count: ++count, pid: process.pid, name: context.functionName, version: context.functionVersion,
       remaining: context.getRemainingTimeInMillis(), env: process.env };
   };`,
);
writeFileSync(
  join(directory, 'wild.mjs'),
  `export const handler = async (event) => {
     if (event.do === 'throw') throw Object.assign(new Error('m'), { name: 'AddonFailed' });
     if (event.do === 'exit') process.exit(3);
     if (event.do === 'hang') await new Promise((resolve) => setTimeout(resolve, 60_000));
     if (event.do === 'sleep') await new Promise((resolve) => setTimeout(resolve, 50));
     return { pid: process.pid };
   };`,
);
writeFileSync(
  join(directory, 'sleepy.mjs'),
  `import { get } from 'node:http';
   const sleep = (seconds) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));
   const burn = (milliseconds) => { const until = performance.now() + milliseconds; while (performance.now() < until); };
   const unanswered = (url) => new Promise((resolve) => {
     const request = get(url);
     const guard = setTimeout(() => request.destroy(), 20);
     request.on('error', () => resolve()).on('close', () => clearTimeout(guard));
   });
   export const handler = async ({ steps, url }, context) => {
     const left = [];
     for (const [what, amount] of steps) {
       if (what === 'sleep') await sleep(amount);
       if (what === 'sleep twice concurrently') await Promise.all([sleep(amount), sleep(amount / 2)]);
       if (what === 'cancel a sleep') { const timer = setTimeout(() => left.push('woken'), 1000); clearTimeout(timer); }
       if (what === 'burn') burn(amount);
       if (what === 'ask in vain') await unanswered(url);
       left.push(context.getRemainingTimeInMillis());
     }
     return left;
   };`,
);
writeFileSync(join(directory, 'broken.mjs'), "throw new Error('no table');");
writeFileSync(join(directory, 'empty.js'), 'export const other = 1;');

const SET = { AWS_REGION: 'eu-west-1', AWS_ENDPOINT_URL_EKS: 'http://127.0.0.1:1' };
const opened: BundledRuntime[] = [];
const open = (scale = 1, more: Partial<BundledRuntimeOptions> = {}) => {
  const world = worldOf();
  const functions = ['echo', 'wild', 'sleepy', 'broken', 'empty', 'absent'].map((name) =>
    functionOf(name, {
      codeDirectory: directory,
      environment: { TABLE_NAME: 'ledger', AWS_REGION: 'of the function' },
      timeoutSeconds: 30,
    }),
  );
  const clock = new ScaledClock(scale, START);
  const runtime = new BundledRuntime({
    world,
    functions,
    clock,
    environmentOf: ({ name }) => ({ ...SET, AWS_ACCESS_KEY_ID: name }),
    ...more,
  });
  opened.push(runtime);
  return { world, clock, runtime };
};

afterEach(async () => {
  await Promise.all(opened.splice(0).map((runtime) => runtime.close()));
});

interface Echo {
  event: unknown;
  count: number;
  pid: number;
  remaining: number;
  env: Record<string, string>;
}

describe('a bundle', () => {
  test('runs in a separate process, with only its own variables', async () => {
    const { runtime, world } = open();
    process.env['LEAK'] = 'x';
    const first = (await runtime.invoke(`${functionArn('echo')}:1`, { say: 'hello' }, AS_MACHINE)) as Echo;
    delete process.env['LEAK'];
    expect(first).toMatchObject({ event: { say: 'hello' }, count: 1, name: 'echo', version: '1' });
    expect(first.pid).not.toBe(process.pid);
    const own = { TABLE_NAME: 'ledger', AWS_ACCESS_KEY_ID: 'echo', AWS_LAMBDA_FUNCTION_NAME: 'echo' };
    expect(first.env).toMatchObject({ ...own, ...SET });
    expect(first.env).not.toHaveProperty('LEAK');
    expect(first.remaining).toBeGreaterThan(25_000);
    expect(first.remaining).toBeLessThanOrEqual(30_000);

    const second = (await runtime.invoke(functionArn('echo'), { say: 'again' }, AS_MACHINE)) as Echo;
    expect(second).toMatchObject({ count: 2, pid: first.pid });
    expect(world.log.calls).toMatchObject([{ service: 'lambda', status: 200 }, { status: 200 }]);
    await runtime.close();
    expect(runtime.logs.map((log) => log.text).join('')).toBe('line hello\nline again\n');
    expect(runtime.logs[0]).toMatchObject({ functionName: 'echo', stream: 'stdout' });
  });

  test('runs one invocation at a time: a concurrent one gets another process', async () => {
    const { runtime } = open();
    const sleep = () => runtime.invoke(functionArn('wild'), { do: 'sleep' }, AS_MACHINE) as Promise<{ pid: number }>;
    const [one, two] = await Promise.all([sleep(), sleep()]);
    expect(one.pid).not.toBe(two.pid);
    expect([one.pid, two.pid]).toContain((await sleep()).pid);
  });

  test.each([
    ['throws', 'wild', { do: 'throw' }, 'AddonFailed', '"errorMessage":"m","trace":[]'],
    ['exits', 'wild', { do: 'exit' }, 'Runtime.ExitError', 'exit status 3'],
    ['does not load', 'broken', {}, 'Runtime.ImportModuleError', 'Error: no table'],
    ['has no handler', 'empty', {}, 'Runtime.HandlerNotFound', 'handler is undefined'],
    ['does not exist', 'absent', {}, 'Runtime.ImportModuleError', "Cannot find module 'absent'"],
  ])('that %s', async (_, name, payload, errorType, cause) => {
    const { runtime, world } = open();
    await expect(runtime.invoke(functionArn(name), payload, AS_MACHINE)).rejects.toMatchObject({
      errorType,
      failureCause: containing(cause),
    });
    expect(world.log.calls).toMatchObject([{ status: 200, error: errorType }]);
  });

  test('that exits is started again', async () => {
    const { runtime } = open();
    const exiting = runtime.invoke(functionArn('wild'), { do: 'exit' }, AS_MACHINE);
    await expect(exiting).rejects.toMatchObject({ errorType: 'Runtime.ExitError' });
    expect(await runtime.invoke(functionArn('wild'), {}, AS_MACHINE)).toHaveProperty('pid');
  });

  test('that hangs is killed at its timeout, and the next call starts a new process', async () => {
    // Starting a process takes longer than 30 s of the sandbox's time would at that scale.
    const { runtime } = open(3000);
    await expect(runtime.invoke(functionArn('wild'), { do: 'hang' }, AS_MACHINE)).rejects.toMatchObject({
      errorType: 'Sandbox.Timedout',
      failureCause: containing('Task timed out after 30.00 seconds'),
    });
    expect(await runtime.invoke(functionArn('wild'), {}, AS_MACHINE)).toHaveProperty('pid');
  });

  test('close ends running processes', async () => {
    const { runtime } = open();
    const hanging = runtime.invoke(functionArn('wild'), { do: 'hang' }, AS_MACHINE).catch((error: unknown) => error);
    await runtime.close();
    const killed = { errorType: 'Runtime.ExitError', failureCause: containing('signal: SIGKILL') };
    expect(await hanging).toMatchObject(killed);
  });
});

describe('the time of a function', () => {
  /** Invokes on a thread, like a state machine: no time passes before the function's own thread starts. */
  const left = (
    { clock, runtime }: ReturnType<typeof open>,
    steps: [string, number][],
    more: object = {},
  ): Promise<unknown> =>
    clock.spawn(() => clock.park(runtime.invoke(functionArn('sleepy'), { steps, ...more }, AS_MACHINE)));

  test('passes while it sleeps, to the millisecond, and not while it computes', async () => {
    const location = open(3000);
    const steps: [string, number][] = [
      ['burn', 30],
      ['sleep', 10],
      ['burn', 30],
      ['sleep twice concurrently', 6],
      ['cancel a sleep', 0],
      ['burn', 30],
      ['sleep', 13],
    ];
    // 30 ms of the machine's time would be 90 s of the sandbox's, three times the function's timeout.
    expect(await left(location, steps)).toEqual([30_000, 20_000, 20_000, 14_000, 14_000, 14_000, 1000]);
    expect(await left(location, [['sleep', 29]])).toEqual([1000]);
  });

  test('does not pass while its request is answered or left unanswered', async () => {
    const silent = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => silent.once('listening', resolve));
    const { port } = silent.address() as AddressInfo;
    const location = open(3000);
    try {
      const url = `http://127.0.0.1:${port}`;
      const steps: [string, number][] = [
        ['ask in vain', 0],
        ['sleep', 5],
      ];
      expect(await left(location, steps, { url })).toEqual([30_000, 25_000]);
    } finally {
      silent.close();
    }
  });

  test('runs into the timeout if it sleeps too long', async () => {
    const location = open(3000);
    await expect(left(location, [['sleep', 31]])).rejects.toMatchObject({ errorType: 'Sandbox.Timedout' });
  });
});

test('a virtual clock is refused', () =>
  expect(() => open(1, { clock: new VirtualClock(START) })).toThrow('Open the sandbox with a real or scaled clock'));
