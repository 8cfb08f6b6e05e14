import { describe, expect, test } from 'vitest';
import type { AssemblyPermission } from '../../../sandbox/assembly/functions.ts';
import { allow, fail, functionArn, MACHINE, START } from '../states/fixture.ts';
import { EVENTS_ROLE, ended, open, OTHER, permission, rule, scheduled, VERSION } from './fixture.ts';

const INVOKED = { service: 'lambda', operation: 'Invoke', caller: 'events.amazonaws.com' };
const STARTED = { service: 'states', operation: 'StartExecution', caller: EVENTS_ROLE };

describe("an execution's end", () => {
  test("starts a target a moment later, with the rule's input for the event", async () => {
    const { executions, wait, recovered, world } = open();
    executions.start(MACHINE, '{}', 'one');
    await wait(60_000);
    const input = '{"migrationId":"one"}';
    expect(recovered()).toMatchObject([{ input, status: 'SUCCEEDED', startedAt: START + 11_000 }]);
    expect(recovered()[0]!.name.length).toBeLessThanOrEqual(80);
    expect(world.log.calls).toMatchObject([{ ...STARTED, input: { stateMachineArn: OTHER }, status: 200 }]);
  });

  test('is reported for any status, even if it was stopped', async () => {
    const { executions, wait, recovered } = open({ knobs: { eventLagSeconds: 5 } });
    const execution = executions.start(MACHINE, '{}', 'two');
    await wait(2000);
    execution.stop();
    await wait(60_000);
    expect(recovered()).toMatchObject([{ input: '{"migrationId":"two"}', startedAt: START + 7000 }]);
  });

  test('starts nothing if no rule matches, or if the event is lost', async () => {
    const other = open({ rules: [rule({ ...ended, pattern: { detail: { status: ['SUCCEEDED'] } } })] });
    const lost = open({ knobs: { eventsLost: true } });
    for (const { executions, wait, recovered } of [other, lost]) {
      executions.start(MACHINE);
      await wait(60_000);
      expect(recovered()).toEqual([]);
    }
    // The schedule continues without them.
    await lost.wait(600_000);
    expect(lost.invocations.length).toBeGreaterThan(0);
  });

  test('is matched by rules for the start of an execution too', async () => {
    const { executions, wait, invocations } = open({
      rules: [rule({ pattern: { detail: { status: ['RUNNING'] } }, targets: [{ id: 'F', arn: functionArn('find') }] })],
    });
    executions.start(MACHINE, '{}', 'three');
    await wait(5000);
    const detail = { name: 'three', status: 'RUNNING', stopDate: null };
    expect(invocations).toMatchObject([{ at: 1, event: { detail } }]);
  });

  test('leaves a refusal in the log if a target cannot be started', async () => {
    const { executions, wait, world } = open({
      rules: [rule({ ...ended, targets: [{ id: 'None', arn: `${MACHINE}-gone`, roleArn: EVENTS_ROLE }] })],
    });
    executions.start(MACHINE);
    await wait(60_000);
    expect(world.log.calls).toMatchObject([{ ...STARTED, status: 400, error: 'StateMachineDoesNotExist' }]);
  });
});

describe('a schedule', () => {
  test('ticks with its event, and does not keep time from ending', async () => {
    const { clock, wait, invocations, world } = open();
    await wait(1_000_000);
    expect(invocations.map(({ at }) => at)).toEqual([300, 600, 900]);
    expect(invocations[0]!.event).toMatchObject({
      'detail-type': 'Scheduled Event',
      resources: [scheduled.arn],
      time: '2026-01-15T09:05:00Z',
      account: '111122223333',
    });
    expect(clock.now()).toBe(START + 1_000_000);
    expect(world.log.calls).toMatchObject(invocations.map(() => ({ ...INVOKED, status: 200 })));
  });

  test('retries a failing function twice, after one minute and after two', async () => {
    const { wait, invocations } = open({
      find: (event, attempt) =>
        event.time === '2026-01-15T09:05:00Z' && attempt < 9 ? fail('ServiceUnavailable', 'no') : undefined,
    });
    await wait(599_000);
    expect(invocations.map(({ at }) => at)).toEqual([300, 360, 480]);
  });

  test('ends when the bus is closed', async () => {
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
    ['allows another rule', [permission({ sourceArn: `${scheduled.arn}-other` })]],
    ['allows rules of another account', [permission({ sourceAccount: '444455556666' })]],
    ['allows another service', [permission({ service: 's3.amazonaws.com' })]],
    ['allows it without its version', [permission({ functionArn: functionArn('find') })]],
    ['allows another version', [permission({ functionArn: `${functionArn('find')}:2` })]],
    ['allows another action', [permission({ action: 'lambda:GetFunction' })]],
  ])('that %s is not invoked, without retries', async (_, permissions) => {
    const { wait, invocations, world, authorizer } = open({ permissions });
    await wait(599_000);
    expect(invocations).toEqual([]);
    const refused = { status: 403, error: 'Lambda.AWSLambdaException', denied: 'lambda:InvokeFunction' };
    expect(world.log.calls).toMatchObject([
      { at: '2026-01-15T09:05:00.000Z', ...INVOKED, ...refused, input: { functionName: VERSION } },
    ]);
    const denied = { principalArn: 'events.amazonaws.com', action: 'lambda:InvokeFunction', resource: VERSION };
    expect(authorizer.denials).toMatchObject([{ ...denied, decision: 'implicitDeny' }]);
  });

  test.each<[string, AssemblyPermission[]]>([
    ['of its account', [permission({ sourceAccount: '111122223333' })]],
    ['by a pattern', [permission({ sourceArn: 'arn:aws:events:eu-west-1:111122223333:rule/*' })]],
    ['among others', [permission({ service: 's3.amazonaws.com' }), permission()]],
    ['for all actions', [permission({ action: 'lambda:*' })]],
  ])('that allows the rule %s is invoked', async (_, permissions) => {
    const { wait, invocations, authorizer } = open({ permissions });
    await wait(301_000);
    expect(invocations).toHaveLength(1);
    expect(authorizer.denials).toEqual([]);
  });

  test('that does not exist is not retried', async () => {
    const { wait, world } = open({
      rules: [rule({ ...scheduled, targets: [{ id: 'Find', arn: functionArn('gone') }] })],
    });
    await wait(599_000);
    expect(world.log.calls).toMatchObject([{ status: 404, error: 'Lambda.ResourceNotFoundException' }]);
  });
});

describe("a target's role", () => {
  const START_OTHER = { principalArn: EVENTS_ROLE, action: 'states:StartExecution', resource: OTHER };

  test.each<[string, object[]]>([
    ['nothing', []],
    ['start another machine', [allow('states:StartExecution', MACHINE)]],
    ['describe it', [allow('states:DescribeStateMachine', OTHER)]],
  ])('that may %s starts nothing', async (_, events) => {
    const { executions, wait, recovered, world, authorizer } = open({ events });
    executions.start(MACHINE);
    await wait(200_000);
    expect(recovered()).toEqual([]);
    const refused = { status: 400, error: 'AccessDeniedException', denied: 'states:StartExecution' };
    expect(world.log.calls).toMatchObject([{ ...STARTED, ...refused }]);
    expect(authorizer.denials).toMatchObject([START_OTHER]);
  });

  test('that allows starting it is recorded as used', async () => {
    const { executions, wait, authorizer } = open();
    executions.start(MACHINE);
    await wait(60_000);
    expect(authorizer.uses()).toEqual([START_OTHER]);
  });
});

test('a state machine target without a role is refused with its rule', () => {
  const targets = [{ id: 'Recover', arn: OTHER }];
  expect(() => open({ rules: [rule({ ...ended, name: 'odd', targets })] })).toThrow(
    /rule odd: its target Recover is a state machine.* Give the target a RoleArn\./,
  );
});

test('an unsupported pattern is refused with its rule', () =>
  expect(() => open({ rules: [rule({ name: 'odd', pattern: { detail: { n: [{ cidr: '10.0.0.0/8' }] } } })] })).toThrow(
    /rule odd: its pattern has the comparison .* at detail\.n\. Use exact values/,
  ));
