import { describe, expect, test } from 'vitest';
import type { AssemblyTarget } from '../../../sandbox/assembly/rules.ts';
import { scheduledEvent, statusChange } from '../../../sandbox/events/event.ts';
import { inputFor } from '../../../sandbox/events/input.ts';

const options = {
  id: '00000000-0000-4000-8000-000000000000',
  account: '111122223333',
  region: 'eu-west-1',
  at: Date.parse('2026-01-15T09:00:00.500Z'),
};
const execution = {
  arn: 'arn:aws:states:eu-west-1:111122223333:execution:machine:one',
  name: 'one',
  status: 'FAILED',
  machine: { arn: 'arn:aws:states:eu-west-1:111122223333:stateMachine:machine' },
  startedAt: options.at - 5000,
  stoppedAt: options.at,
  input: '{"a":1}',
  output: undefined as string | undefined,
  error: 'Lambda.Unknown' as string | undefined,
  cause: 'say "no"' as string | undefined,
};
const event = statusChange(execution, options);
const rule = { name: 'rule', arn: 'arn:aws:events:eu-west-1:111122223333:rule/rule' };
const target = (more: Partial<AssemblyTarget>): AssemblyTarget => ({ id: 'Target0', arn: 'arn:x', ...more });
const transformed = (template: string, paths: Record<string, string> = {}): unknown =>
  JSON.parse(inputFor(target({ inputTransformer: { template, paths } }), rule, event));

describe('an event', () => {
  test('of an execution that has ended', () =>
    expect(event).toEqual({
      version: '0',
      id: options.id,
      'detail-type': 'Step Functions Execution Status Change',
      source: 'aws.states',
      account: '111122223333',
      time: '2026-01-15T09:00:00Z',
      region: 'eu-west-1',
      resources: [execution.arn],
      detail: {
        executionArn: execution.arn,
        stateMachineArn: execution.machine.arn,
        name: 'one',
        status: 'FAILED',
        startDate: options.at - 5000,
        stopDate: options.at,
        input: '{"a":1}',
        inputDetails: { included: true },
        output: null,
        outputDetails: null,
        stateMachineVersionArn: null,
        stateMachineAliasArn: null,
        redriveCount: 0,
        redriveDate: null,
        error: 'Lambda.Unknown',
        cause: 'say "no"',
      },
    }));

  test('of a running execution has no end; if input and output together are too long, the input is left out', () => {
    const running = statusChange(
      { ...execution, status: 'RUNNING', stoppedAt: undefined, error: undefined, cause: undefined },
      options,
    );
    expect(running.detail).toMatchObject({ stopDate: null, error: null, cause: null });
    const half = JSON.stringify('x'.repeat(130_000));
    const long = statusChange({ ...execution, status: 'SUCCEEDED', input: half, output: half }, options);
    expect(long.detail).toMatchObject({
      input: null,
      inputDetails: { included: false },
      output: half,
      outputDetails: { included: true },
    });
    expect(statusChange({ ...execution, output: JSON.stringify('x'.repeat(260_000)) }, options).detail).toMatchObject({
      output: null,
      outputDetails: { included: false },
      input: '{"a":1}',
    });
  });

  test('of a schedule', () =>
    expect(scheduledEvent(rule.arn, options)).toMatchObject({
      'detail-type': 'Scheduled Event',
      source: 'aws.events',
      resources: [rule.arn],
      detail: {},
      time: '2026-01-15T09:00:00Z',
    }));
});

describe('a target gets', () => {
  test('the event, a part of it, or a constant input', () => {
    expect(JSON.parse(inputFor(target({}), rule, event))).toEqual(event);
    expect(inputFor(target({ inputPath: '$.detail.name' }), rule, event)).toBe('"one"');
    expect(JSON.parse(inputFor(target({ inputPath: '$.detail' }), rule, event))).toEqual(event.detail);
    expect(inputFor(target({ input: '{"cause":"stranded"}' }), rule, event)).toBe('{"cause":"stranded"}');
  });

  test('a template with variables as values and within strings', () =>
    expect(
      transformed('{"migrationId":<name>,"count":<n>,"what":"it \\"<error>\\" <name>","first":<first>}', {
        name: '$.detail.name',
        n: '$.detail.redriveCount',
        error: '$.detail.error',
        first: '$.resources[0]',
      }),
    ).toEqual({ migrationId: 'one', count: 0, what: 'it "Lambda.Unknown" one', first: execution.arn }));

  test('predefined variables', () => {
    const { detail: _, 'detail-type': detailType, ...rest } = event;
    expect(
      transformed(
        '{"rule":"<aws.events.rule-name>","arn":<aws.events.rule-arn>,"at":<aws.events.event.ingestion-time>,"whole":<aws.events.event.json>,"head":<aws.events.event>}',
      ),
    ).toEqual({ rule: 'rule', arn: rule.arn, at: event.time, whole: event, head: { ...rest, detailType } });
  });

  test('nothing for what the event lacks', () =>
    expect(transformed('{"a":<gone>,"b":"<gone>!"}', { gone: '$.detail.nothing.at[3].all' })).toEqual({
      a: '',
      b: '!',
    }));

  const raw = (template: string, paths: Record<string, string> = {}): string =>
    inputFor(target({ inputTransformer: { template, paths } }), rule, event);

  test('text with its quotation marks, in which lists and objects have none', () => {
    const paths = {
      name: '$.detail.name',
      list: '$.resources',
      object: '$.detail.inputDetails',
      none: '$.detail.nothing',
    };
    expect(raw('"<name>: <list> <object><none>!"', paths)).toBe(`"one: [${execution.arn}] {included:true}!"`);
  });

  test('several lines unchanged', () =>
    expect(raw('"First <name>"\n"second \\"<name>\\""', { name: '$.detail.name' })).toBe(
      '"First one"\n"second \\"one\\""',
    ));

  test('lists and objects as values, and without white space', () =>
    expect(
      raw('{ "list" : [ <list>, "x" ],\n "object": <object> }', {
        list: '$.resources',
        object: '$.detail.inputDetails',
      }),
    ).toBe(`{"list":[["${execution.arn}"],"x"],"object":{"included":true}}`));

  test("a value's quotation marks escaped outside of a string, and unescaped within a string", () => {
    expect(raw('{"cause":<cause>}', { cause: '$.detail.cause' })).toBe('{"cause":"say \\"no\\""}');
    expect(raw('{"cause":"<cause>"}', { cause: '$.detail.cause' })).toBe('{"cause":"say "no""}');
  });
});
