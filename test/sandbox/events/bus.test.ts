import { describe, expect, test } from 'vitest';
import type { AssemblyPermission } from '../../../sandbox/assembly/assembly.ts';
import type { AssemblyRule } from '../../../sandbox/assembly/rules.ts';
import { Authorizer } from '../../../sandbox/authorization/authorizer.ts';
import { EventBus } from '../../../sandbox/events/bus.ts';
import type { Event } from '../../../sandbox/events/event.ts';
import { SourceRuntime } from '../../../sandbox/lambda/source-runtime.ts';
import { Executions } from '../../../sandbox/states/executions.ts';
import { VirtualClock } from '../../../sandbox/world/clock.ts';
import { knobs } from '../../../sandbox/world/scenario.ts';
import { allow, fail, functionArn, functionOf, MACHINE, ROLE, roleOf, START, worldOf } from '../states/fixture.ts';

const OTHER = MACHINE.replace(':machine', ':recover');
const EVENTS_ROLE = 'arn:aws:iam::111122223333:role/events';
const rule = (more: Partial<AssemblyRule>): AssemblyRule => ({ logicalId: 'Rule', name: 'rule', arn: 'arn:aws:events:eu-west-1:111122223333:rule/rule', targets: [], ...more });
/** Of executions of the first machine alone: one that matched its own target would start itself for ever. */
const ended = rule({
  pattern: { source: ['aws.states'], detail: { stateMachineArn: [MACHINE], status: ['ABORTED', 'TIMED_OUT', 'FAILED'] } },
  targets: [{ id: 'Recover', arn: OTHER, roleArn: EVENTS_ROLE, inputTransformer: { paths: { name: '$.detail.name' }, template: '{"migrationId":<name>}' } }],
});
const VERSION = `${functionArn('find')}:1`;
const scheduled = rule({ everySeconds: 300, targets: [{ id: 'Find', arn: VERSION }] });
const permission = (more: Partial<AssemblyPermission> = {}): AssemblyPermission => ({ functionArn: VERSION, action: 'lambda:InvokeFunction', service: 'events.amazonaws.com', sourceArn: scheduled.arn, ...more });

interface Options {
  rules?: AssemblyRule[];
  /** Of the function. */
  permissions?: AssemblyPermission[];
  /** Of the role that starts. */
  events?: object[];
  find?: (event: Event, attempt: number) => unknown;
  knobs?: object;
}

const open = (options: Options = {}) => {
  const { permissions = [permission(), permission({ functionArn: functionArn('find') })], events = [allow('states:StartExecution', MACHINE, OTHER, `${MACHINE}-gone`)] } = options;
  const world = Object.assign(worldOf(1, [roleOf(EVENTS_ROLE, ...events)]), { knobs: knobs.parse(options.knobs ?? {}) });
  const authorizer = new Authorizer(world);
  const clock = new VirtualClock(START);
  const seconds = (): number => (clock.now() - START) / 1000;
  const invocations: { at: number; event: Event }[] = [];
  const createInvoker = () => async (payload: unknown) => {
    const event = payload as Event;
    invocations.push({ at: seconds(), event });
    return options.find?.(event, invocations.length);
  };
  const lambda = new SourceRuntime({ world, clock, functions: [functionOf('find', { permissions })], steps: { find: {} }, createInvoker, authorizer });
  const definition = { QueryLanguage: 'JSONata', StartAt: 'Wait', States: { Wait: { Type: 'Wait', Seconds: 10, Next: 'Fail' }, Fail: { Type: 'Fail', Error: 'Unexpected' } } };
  const recover = { QueryLanguage: 'JSONata', StartAt: 'Done', States: { Done: { Type: 'Pass', End: true } } };
  const executions = new Executions({
    world,
    clock,
    lambda,
    stateMachines: [
      { logicalId: 'M', name: 'machine', arn: MACHINE, definition, roleArn: ROLE },
      { logicalId: 'R', name: 'recover', arn: OTHER, definition: recover, roleArn: ROLE },
    ],
    onStatus: (execution) => bus.executionChanged(execution),
  });
  const bus = new EventBus({ world, clock, lambda, authorizer, rules: options.rules ?? [ended, scheduled], startExecution: (...given) => executions.start(...given) });
  const wait = (milliseconds: number): Promise<void> => clock.spawn(() => clock.sleep(milliseconds));
  return { world, clock, authorizer, bus, executions, invocations, wait, recovered: () => executions.list(OTHER) };
};

describe("an execution's end", () => {
  test('starts a target a moment later, with what the rule makes of the event', async () => {
    const { executions, wait, recovered, world } = open();
    executions.start(MACHINE, '{}', 'one');
    await wait(60_000);
    expect(recovered()).toMatchObject([{ input: '{"migrationId":"one"}', status: 'SUCCEEDED', startedAt: START + 11_000 }]);
    expect(recovered()[0]!.name.length).toBeLessThanOrEqual(80);
    expect(world.log.calls).toMatchObject([{ service: 'states', operation: 'StartExecution', caller: EVENTS_ROLE, input: { stateMachineArn: OTHER }, status: 200 }]);
  });

  test('of any status is told: one that is stopped too', async () => {
    const { executions, wait, recovered } = open({ knobs: { eventLagSeconds: 5 } });
    const execution = executions.start(MACHINE, '{}', 'two');
    await wait(2000);
    execution.stop();
    await wait(60_000);
    expect(recovered()).toMatchObject([{ input: '{"migrationId":"two"}', startedAt: START + 7000 }]);
  });

  test('starts nothing where no rule takes it, or the event is lost', async () => {
    const other = open({ rules: [rule({ ...ended, pattern: { detail: { status: ['SUCCEEDED'] } } })] });
    const lost = open({ knobs: { eventsLost: true } });
    for (const { executions, wait, recovered } of [other, lost]) {
      executions.start(MACHINE);
      await wait(60_000);
      expect(recovered()).toEqual([]);
    }
    // The schedule goes on without them.
    await lost.wait(600_000);
    expect(lost.invocations.length).toBeGreaterThan(0);
  });

  test('is told to whoever wants to know that one begins', async () => {
    const { executions, wait, invocations } = open({ rules: [rule({ pattern: { detail: { status: ['RUNNING'] } }, targets: [{ id: 'F', arn: functionArn('find') }] })] });
    executions.start(MACHINE, '{}', 'three');
    await wait(5000);
    expect(invocations).toMatchObject([{ at: 1, event: { detail: { name: 'three', status: 'RUNNING', stopDate: null } } }]);
  });

  test('a target that can not be started leaves its refusal in the log', async () => {
    const { executions, wait, world } = open({ rules: [rule({ ...ended, targets: [{ id: 'None', arn: `${MACHINE}-gone`, roleArn: EVENTS_ROLE }] })] });
    executions.start(MACHINE);
    await wait(60_000);
    expect(world.log.calls).toMatchObject([{ operation: 'StartExecution', caller: EVENTS_ROLE, status: 400, error: 'StateMachineDoesNotExist' }]);
  });
});

describe('a schedule', () => {
  test('ticks with its event, and lets time end', async () => {
    const { clock, wait, invocations, world } = open();
    await wait(1_000_000);
    expect(invocations.map(({ at }) => at)).toEqual([300, 600, 900]);
    expect(invocations[0]!.event).toMatchObject({ 'detail-type': 'Scheduled Event', resources: [scheduled.arn], time: '2026-01-15T09:05:00Z', account: '111122223333' });
    expect(clock.now()).toBe(START + 1_000_000);
    expect(world.log.calls).toMatchObject(invocations.map(() => ({ service: 'lambda', operation: 'Invoke', caller: 'events.amazonaws.com', status: 200 })));
  });

  test('tries a function that fails twice more, after one minute and after two', async () => {
    const { wait, invocations } = open({ find: (event, attempt) => (event.time === '2026-01-15T09:05:00Z' && attempt < 9 ? fail('ServiceUnavailable', 'no') : undefined) });
    await wait(599_000);
    expect(invocations.map(({ at }) => at)).toEqual([300, 360, 480]);
  });

  test('is over when the bus is closed', async () => {
    const { bus, executions, wait, invocations, recovered } = open();
    executions.start(MACHINE);
    await wait(400_000);
    bus.close();
    executions.start(MACHINE);
    await wait(1_000_000);
    expect(invocations).toHaveLength(1);
    expect(recovered()).toHaveLength(1);
  });
});

describe('a function', () => {
  test.each<[string, AssemblyPermission[]]>([
    ['has no permission', []],
    ['lets another rule in', [permission({ sourceArn: `${scheduled.arn}-other` })]],
    ['lets rules of another account in', [permission({ sourceAccount: '444455556666' })]],
    ['lets another service in', [permission({ service: 's3.amazonaws.com' })]],
    ['lets it in without its version', [permission({ functionArn: functionArn('find') })]],
    ['lets it in to another version', [permission({ functionArn: `${functionArn('find')}:2` })]],
    ['lets it do something else', [permission({ action: 'lambda:GetFunction' })]],
  ])('that %s is not invoked, and not tried again', async (_, permissions) => {
    const { wait, invocations, world, authorizer } = open({ permissions });
    await wait(599_000);
    expect(invocations).toEqual([]);
    expect(world.log.calls).toMatchObject([
      { at: '2026-01-15T09:05:00.000Z', service: 'lambda', operation: 'Invoke', caller: 'events.amazonaws.com', status: 403, error: 'Lambda.AWSLambdaException', denied: 'lambda:InvokeFunction', input: { functionName: VERSION } },
    ]);
    expect(authorizer.denials).toMatchObject([{ principalArn: 'events.amazonaws.com', action: 'lambda:InvokeFunction', resource: VERSION, decision: 'implicitDeny' }]);
  });

  test.each<[string, AssemblyPermission[]]>([
    ['of its account', [permission({ sourceAccount: '111122223333' })]],
    ['by a pattern', [permission({ sourceArn: 'arn:aws:events:eu-west-1:111122223333:rule/*' })]],
    ['beside others', [permission({ service: 's3.amazonaws.com' }), permission()]],
    ['for all that it can be asked', [permission({ action: 'lambda:*' })]],
  ])('that lets the rule in %s is invoked', async (_, permissions) => {
    const { wait, invocations, authorizer } = open({ permissions });
    await wait(301_000);
    expect(invocations).toHaveLength(1);
    expect(authorizer.denials).toEqual([]);
  });

  test('that is not there is not tried again', async () => {
    const { wait, world } = open({ rules: [rule({ ...scheduled, targets: [{ id: 'Find', arn: functionArn('gone') }] })] });
    await wait(599_000);
    expect(world.log.calls).toMatchObject([{ status: 404, error: 'Lambda.ResourceNotFoundException' }]);
  });
});

describe("a target's role", () => {
  test.each<[string, object[]]>([
    ['nothing', []],
    ['start another machine', [allow('states:StartExecution', MACHINE)]],
    ['look at it', [allow('states:DescribeStateMachine', OTHER)]],
  ])('that may %s starts nothing', async (_, events) => {
    const { executions, wait, recovered, world, authorizer } = open({ events });
    executions.start(MACHINE);
    await wait(200_000);
    expect(recovered()).toEqual([]);
    expect(world.log.calls).toMatchObject([{ operation: 'StartExecution', caller: EVENTS_ROLE, status: 400, error: 'AccessDeniedException', denied: 'states:StartExecution' }]);
    expect(authorizer.denials).toMatchObject([{ principalArn: EVENTS_ROLE, action: 'states:StartExecution', resource: OTHER }]);
  });

  test('that may start it is seen to use that right', async () => {
    const { executions, wait, authorizer } = open();
    executions.start(MACHINE);
    await wait(60_000);
    expect(authorizer.uses()).toEqual([{ principalArn: EVENTS_ROLE, action: 'states:StartExecution', resource: OTHER }]);
  });
});

test('a state machine that no role starts is refused with its rule', () => {
  const targets = [{ id: 'Recover', arn: OTHER }];
  expect(() => open({ rules: [rule({ ...ended, name: 'odd', targets })] })).toThrow(/rule odd: its target Recover is a state machine.* Give the target a RoleArn\./);
});

test('a pattern that can not be compared is refused with its rule', () => {
  expect(() => open({ rules: [rule({ name: 'odd', pattern: { detail: { n: [{ numeric: ['>', 1] }] } } })] })).toThrow(/rule odd: it has the comparison .* at detail\.n\. Use exact values/);
});
