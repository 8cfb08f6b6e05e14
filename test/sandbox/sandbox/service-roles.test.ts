import { describe, expect, test } from 'vitest';
import type { Assembly } from '../../../sandbox/assembly/assembly.ts';
import { checkServiceRoles, ServiceRoleError } from '../../../sandbox/service-roles.ts';
import { functionOf, MACHINE } from '../states/fixture.ts';

const role = (name: string): string => `arn:aws:iam::111122223333:role/${name}`;
const RULE = 'arn:aws:events:eu-west-1:111122223333:rule/stopped';
const GROUP = 'arn:aws:scheduler:eu-west-1:111122223333:schedule-group/default';
const trust = (Principal: unknown, Condition?: object) => ({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Principal, Action: 'sts:AssumeRole', ...(Condition ? { Condition } : {}) }],
});
const service = (name: string, condition?: object) => trust({ Service: name }, condition);

type Trusts = Partial<Record<'plan' | 'machine' | 'events' | 'schedule', unknown>>;
const GOOD: Trusts = {
  plan: service('lambda.amazonaws.com'),
  machine: service('states.amazonaws.com'),
  events: service('events.amazonaws.com'),
  schedule: service('scheduler.amazonaws.com'),
};

/** A function, a state machine, a rule and a schedule that start it, each with its role. */
const assemblyOf = (trusts: Trusts): Assembly => ({
  functions: [functionOf('plan', { roleArn: role('plan') })],
  stateMachines: [{ logicalId: 'M', name: 'machine', arn: MACHINE, definition: {}, roleArn: role('machine') }],
  rules: [
    { logicalId: 'R', name: 'stopped', arn: RULE, targets: [{ id: 'T', arn: MACHINE, roleArn: role('events') }] },
  ],
  schedules: [
    {
      logicalId: 'S',
      name: 'weekly',
      arn: GROUP,
      groupArn: GROUP,
      expression: 'rate(7 days)',
      timeZone: 'UTC',
      target: { arn: MACHINE, roleArn: role('schedule') },
    },
  ],
  tables: [],
  topics: [],
  queues: [],
  roles: Object.entries({ ...GOOD, ...trusts }).flatMap(([name, trustPolicy]) =>
    trustPolicy === 'elsewhere'
      ? []
      : [{ logicalId: name, arn: role(name), policies: [], managedPolicyArns: [], trustPolicy }],
  ),
  outputs: {},
});

const source = (SourceArn: string, SourceAccount = '111122223333') => ({
  ArnLike: { 'aws:SourceArn': SourceArn },
  StringEquals: { 'aws:SourceAccount': SourceAccount },
});

describe('the roles of an application', () => {
  test.each<[string, Trusts]>([
    ['trust their service', {}],
    [
      'trust it for the account of its resources',
      {
        machine: service('states.amazonaws.com', source('arn:aws:states:eu-west-1:111122223333:stateMachine:*')),
        events: service('events.amazonaws.com', source(RULE)),
        schedule: service('scheduler.amazonaws.com', source(GROUP)),
      },
    ],
    ['trust its regional principal', { machine: service('states.eu-west-1.amazonaws.com') }],
    [
      'trust it under a condition that is not known beforehand',
      { plan: service('lambda.amazonaws.com', source('arn:aws:lambda:eu-west-1:111122223333:function:plan')) },
    ],
    [
      'are not defined by the application',
      { plan: 'elsewhere', machine: 'elsewhere', events: 'elsewhere', schedule: 'elsewhere' },
    ],
  ])('that %s are accepted', (_, trusts) => expect(() => checkServiceRoles(assemblyOf(trusts))).not.toThrow());

  const everywhere = source('arn:aws:states:*:*:stateMachine:*', '444455556666');
  const person = trust('*', { Bool: { 'aws:PrincipalIsAWSService': 'false' } });
  const WHAT = {
    plan: 'function plan',
    machine: 'state machine machine',
    events: 'rule stopped',
    schedule: 'schedule weekly',
  };
  const PRINCIPALS = { plan: 'lambda', machine: 'states', events: 'events', schedule: 'scheduler' };
  test.each<[string, Trusts]>([
    ['a function', { plan: service('states.amazonaws.com') }],
    ['a state machine', { machine: service('lambda.amazonaws.com') }],
    ['a rule', { events: trust({ AWS: '111122223333' }) }],
    ['a state machine of another account', { machine: service('states.amazonaws.com', everywhere) }],
    ['another rule', { events: service('events.amazonaws.com', source(`${RULE}-other`)) }],
    ['a schedule', { schedule: service('events.amazonaws.com') }],
    ['another group', { schedule: service('scheduler.amazonaws.com', source(`${GROUP}-other`)) }],
    ['nobody', { plan: undefined }],
    ['only people', { plan: person }],
  ])('that do not trust their service for %s are reported, with the statement to add', (_, trusts) => {
    const [name] = Object.keys(trusts) as (keyof Trusts)[];
    const [principal, what] = [`${PRINCIPALS[name!]}.amazonaws.com`, WHAT[name!]];
    const check = () => checkServiceRoles(assemblyOf(trusts));
    expect(check).toThrow(ServiceRoleError);
    expect(check).toThrow(`${principal} may not assume the role ${role(name!)} of the ${what} (`);
    expect(check).toThrow(
      `Add to the role's trust policy: {"Effect":"Allow","Principal":{"Service":"${principal}"},"Action":"sts:AssumeRole"}.`,
    );
  });

  test('are checked again after a refusal', () => {
    const bad = assemblyOf({ plan: service('ec2.amazonaws.com') });
    for (let time = 0; time < 2; time += 1) expect(() => checkServiceRoles(bad)).toThrow(ServiceRoleError);
  });
});
