import { describe, expect, test } from 'vitest';
import type { AssemblySchedule } from '../../../sandbox/assembly/schedules.ts';
import { Authorizer } from '../../../sandbox/authorization/authorizer.ts';
import { SourceRuntime } from '../../../sandbox/lambda/source-runtime.ts';
import { Messages } from '../../../sandbox/messaging/messages.ts';
import { Scheduler } from '../../../sandbox/scheduler/scheduler.ts';
import { Executions } from '../../../sandbox/states/executions.ts';
import { VirtualClock } from '../../../sandbox/clock/clock.ts';
import type { Knobs } from '../../../sandbox/scenario/scenario.ts';
import { allow, functionArn, functionOf, MACHINE, ROLE, roleOf, START, worldOf } from '../states/fixture.ts';
import { matching, containing } from '../../lambdas/matchers.ts';

const SCHEDULE = 'arn:aws:scheduler:eu-west-1:111122223333:schedule/default/sweep';
const SCHEDULER = 'arn:aws:iam::111122223333:role/scheduler';
const DEAD = 'arn:aws:sqs:eu-west-1:111122223333:dead';
const INPUT =
  '{"at":"<aws.scheduler.scheduled-time>","id":"<aws.scheduler.execution-id>","attempt":"<aws.scheduler.attempt-number>","by":"<aws.scheduler.schedule-arn>","other":"<aws.scheduler.nothing>"}';

interface Options {
  schedule?: Partial<Omit<AssemblySchedule, 'target'>>;
  target?: Partial<AssemblySchedule['target']>;
  permissions?: object[];
  knobs?: Partial<Knobs>;
  work?: (payload: unknown) => unknown;
}

const FUNCTION = allow('lambda:InvokeFunction', functionArn('start'));

/** Runs the schedule for that many seconds. */
const simulate = async (
  seconds: number,
  { schedule = {}, target = {}, permissions = [FUNCTION], knobs = {}, work }: Options = {},
) => {
  const world = worldOf(1, [roleOf(SCHEDULER, ...permissions), roleOf(ROLE)]);
  Object.assign(world.knobs, knobs);
  const clock = new VirtualClock(START);
  const authorizer = new Authorizer(world);
  const calls: { at: string; payload: Record<string, string> }[] = [];
  const fn = functionOf('start');
  const createInvoker = () => async (payload: unknown) => {
    calls.push({ at: new Date(clock.now()).toISOString().slice(11, 19), payload: payload as Record<string, string> });
    return work?.(payload);
  };
  const lambda = new SourceRuntime({ world, clock, functions: [fn], steps: { start: {} }, createInvoker, authorizer });
  const definition = { QueryLanguage: 'JSONata', StartAt: 'Done', States: { Done: { Type: 'Pass', End: true } } };
  const executions = new Executions({
    world,
    clock,
    lambda,
    stateMachines: [{ logicalId: 'M', name: 'machine', arn: MACHINE, definition, roleArn: ROLE }],
  });
  const messages = new Messages({
    world,
    clock,
    authorizer,
    queues: [{ logicalId: 'D', name: 'dead', arn: DEAD, policies: [] }],
  });
  const scheduler = new Scheduler({
    world,
    clock,
    authorizer,
    lambda,
    messages,
    functions: [fn],
    schedules: [
      {
        logicalId: 'S',
        name: 'sweep',
        arn: SCHEDULE,
        groupArn: '',
        expression: 'cron(0/10 * * * ? *)',
        timeZone: 'UTC',
        ...schedule,
        target: { arn: functionArn('start'), roleArn: SCHEDULER, input: INPUT, ...target },
      },
    ],
    startExecution: (...given) => executions.start(...given),
  });
  await clock.spawn(() => clock.sleep(seconds * 1000));
  return { world, clock, calls, executions, scheduler, authorizer };
};

describe('a schedule', () => {
  test('invokes its function on time, as its role, with its input', async () => {
    const { calls, world } = await simulate(1300);
    expect(calls.map(({ at }) => at)).toEqual(['09:00:00', '09:10:00', '09:20:00']);
    expect(calls[1]!.payload).toEqual({
      at: '2026-01-15T09:10:00Z',
      id: matching(/^[0-9a-f]{16}$/),
      attempt: '1',
      by: SCHEDULE,
      other: '<aws.scheduler.nothing>',
    });
    expect(new Set(calls.map(({ payload }) => payload['id'])).size).toBe(3);
    expect(
      world.log.calls.map(({ service, operation, caller, status }) => [service, operation, caller, status]),
    ).toEqual(Array.from({ length: 3 }, () => ['lambda', 'Invoke', SCHEDULER, 200]));
  });

  test('without an input sends a default event', async () => {
    const { calls } = await simulate(1, { target: { input: undefined as never } });
    expect(calls[0]!.payload).toEqual({
      version: '0',
      id: expect.any(String) as string,
      'detail-type': 'Scheduled Event',
      source: 'aws.scheduler',
      account: '111122223333',
      time: '2026-01-15T09:00:00Z',
      region: 'eu-west-1',
      resources: [SCHEDULE],
      detail: '{}',
    });
  });

  test('respects its start, its end and its time zone', async () => {
    const times = async (schedule: Options['schedule']) =>
      (await simulate(7201, { schedule: schedule! })).calls.map(({ at }) => at);
    expect(await times({ expression: 'rate(1 hour)' })).toEqual(['09:00:00', '10:00:00', '11:00:00']);
    expect(await times({ expression: 'rate(30 minutes)', startAt: START + 600_000, endAt: START + 3_600_000 })).toEqual(
      ['09:10:00', '09:40:00'],
    );
    expect(
      await times({
        expression: 'at(2026-01-15T11:00:00)',
        timeZone: 'Europe/Berlin',
        startAt: START + 3_600_000,
        endAt: START,
      }),
    ).toEqual(['10:00:00']);
    expect(await times({ expression: 'at(2026-01-15T08:59:59)' })).toEqual([]);
  });

  test('starts a state machine', async () => {
    const { executions, world } = await simulate(1, {
      target: { arn: MACHINE },
      permissions: [allow('states:StartExecution', MACHINE)],
    });
    expect(
      executions.list(MACHINE).map(({ input, status }) => [(JSON.parse(input) as { at: string }).at, status]),
    ).toEqual([['2026-01-15T09:00:00Z', 'SUCCEEDED']]);
    expect(world.log.calls).toMatchObject([
      { service: 'states', operation: 'StartExecution', caller: SCHEDULER, status: 200 },
    ]);
  });

  test('delivers twice with the knob schedulesTwice, with the same scheduled time', async () => {
    const { calls } = await simulate(602, { knobs: { schedulesTwice: true } });
    expect(calls.map(({ at, payload }) => [at, payload['at']])).toEqual([
      ['09:00:00', '2026-01-15T09:00:00Z'],
      ['09:00:01', '2026-01-15T09:00:00Z'],
      ['09:10:00', '2026-01-15T09:10:00Z'],
      ['09:10:01', '2026-01-15T09:10:00Z'],
    ]);
    expect(new Set(calls.map(({ payload }) => payload['id'])).size).toBe(4);
  });

  test('has Lambda retry failures', async () => {
    const { calls } = await simulate(200, {
      schedule: { expression: 'at(2026-01-15T09:00:00)' },
      work: () => {
        throw new Error('not now');
      },
    });
    expect(calls.map(({ at }) => at)).toEqual(['09:00:00', '09:01:00', '09:03:00']);
  });

  test('ends with the sandbox', async () => {
    const { calls, scheduler, clock } = await simulate(1);
    scheduler.close();
    await clock.spawn(() => clock.sleep(3_600_000));
    expect(calls).toHaveLength(1);
  });

  test('does not keep time from ending', async () => {
    const { clock } = await simulate(1);
    await clock.spawn(() => Promise.resolve());
    expect(clock.now()).toBe(START + 1000);
  });
});

describe('a target that its role may not use', () => {
  const once = { expression: 'at(2026-01-15T09:00:00)' };
  const SEND = allow('sqs:SendMessage', DEAD);

  test.each([
    ['the function', functionArn('start'), 'NO_PERMISSIONS', 'lambda:InvokeFunction'],
    ['the state machine', MACHINE, 'NO_PERMISSIONS', 'states:StartExecution'],
  ])('%s: sends the event to its dead-letter queue', async (_, arn, code, action) => {
    const { world, calls, executions } = await simulate(10, {
      schedule: once,
      target: { arn, deadLetterArn: DEAD },
      permissions: [SEND],
    });
    expect([calls, executions.list(MACHINE)]).toEqual([[], []]);
    expect(world.deadLetters).toMatchObject([
      {
        queueArn: DEAD,
        event: { at: '2026-01-15T09:00:00Z' },
        why: containing(
          `${code}: User: arn:aws:sts::111122223333:assumed-role/scheduler/sandbox is not authorized to perform: ${action}`,
        ),
      },
    ]);
  });

  test('also sends it if the target does not exist', async () => {
    const gone = functionArn('gone');
    const { world } = await simulate(10, {
      schedule: once,
      target: { arn: gone, deadLetterArn: DEAD },
      permissions: [SEND, allow('lambda:InvokeFunction', gone)],
    });
    expect(world.deadLetters).toMatchObject([{ why: containing('NO_RESOURCE: Function not found') }]);
  });

  test('is lost without a queue, or without permission for it', async () => {
    expect((await simulate(10, { schedule: once, permissions: [] })).world.deadLetters).toEqual([]);
    const { world, authorizer } = await simulate(10, {
      schedule: once,
      target: { deadLetterArn: DEAD },
      permissions: [],
    });
    expect(world.deadLetters).toEqual([]);
    expect(authorizer.denials.map(({ action }) => action)).toEqual(['lambda:InvokeFunction', 'sqs:SendMessage']);
  });
});
