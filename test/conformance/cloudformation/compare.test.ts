/** How what moto has made of a stack is compared with what the sandbox makes of it. */
import { describe, expect, it } from 'vitest';
import { readOrder } from '../../../conformance/cloudformation/arguments.ts';
import { compared } from '../../../conformance/cloudformation/compare.ts';
import { findingsOf } from '../../../conformance/cloudformation/lint.ts';
import type { MotoResource, MotoStack } from '../../../conformance/cloudformation/moto.ts';
import { motoRename, renamed, sandboxRename } from '../../../conformance/cloudformation/names.ts';
import type { SandboxStack } from '../../../conformance/cloudformation/sandbox-stack.ts';
import { compareStack } from '../../../conformance/cloudformation/stacks.ts';

describe('values', () => {
  it('are compared one by one, wherever they are', () => {
    const result = compared('x', { a: [1, 2], b: { c: true }, d: undefined }, { b: { c: false }, a: [1] });
    expect(result.differences).toEqual([
      { path: 'x.a[1]', real: 2, sandbox: undefined },
      { path: 'x.b.c', real: true, sandbox: false },
    ]);
    expect(result.facts).toBe(3);
  });

  it('are compared inside of texts that are JSON', () => {
    expect(compared('x', '{"States":{"A":1}}', '{"States":{"A":2}}').differences).toEqual([
      { path: 'x(JSON).States.A', real: 1, sandbox: 2 },
    ]);
    // CloudFormation passes the text on as it is.
    expect(compared('x', '{"a": 1}', '{"a":1}').differences).toHaveLength(1);
    expect(compared('x', '{not JSON', '{not JSON').differences).toEqual([]);
  });

  it('differ if one is of another type', () => {
    const pairs: [unknown, unknown][] = [
      ['3', 3],
      [null, undefined],
      [[], {}],
    ];
    for (const [real, sandbox] of pairs) expect(compared('x', real, sandbox).differences).toHaveLength(1);
  });
});

describe('generated names', () => {
  const logicalIds = ['Table1234ABCD', 'Table1234ABCDIndex', 'Api5678'];
  const longest = `Steps${'VeryLong'.repeat(8)}1234ABCD`;
  const names = { stackName: 'Stack', logicalIds: [...logicalIds, longest] };
  const moto = motoRename({ ...names, ids: { '<Api5678>': 'a1b2c3' } });
  const sandbox = sandboxRename({ ...names, ids: { '<Api5678>': 'zyxwv1' } });

  it('become the logical id in both worlds', () => {
    const index = (table: string) => `arn:aws:dynamodb:r:1:table/${table}/index/*`;
    expect(moto(index('Stack-Table1234ABCD-GENERATED0012'))).toBe(index('<Table1234ABCD>'));
    expect(sandbox(index('Stack-Table1234ABCD'))).toBe(index('<Table1234ABCD>'));
    expect(sandbox('Stack-Table1234ABCDIndex Stack-Table1234ABCD')).toBe('<Table1234ABCDIndex> <Table1234ABCD>');
    expect(moto('stack-table1234abcd-generated0003')).toBe('<Table1234ABCD>');
    expect(sandbox('stack-table1234abcd')).toBe('<Table1234ABCD>');
    for (const url of [moto('https://a1b2c3.execute-api'), sandbox('https://zyxwv1.execute-api')])
      expect(url).toBe('https://<Api5678>.execute-api');
  });

  it('are found where the sandbox shortens them', () => {
    const name = `Stack-${longest}`;
    expect(sandbox(`${name.slice(0, 56)}${name.slice(-8)}`)).toBe(`<${longest}>`);
  });

  it('are left alone where they are no whole name', () => {
    expect(moto('Stack-Other-GENERATED0001')).toBe('Stack-Other-GENERATED0001');
    expect(sandbox('Stack-Table1234ABCDE')).toBe('Stack-Table1234ABCDE');
  });

  it('are replaced in keys as well', () => {
    const of = (name: string) => ({ [name]: [name, 1, null] });
    expect(renamed(of('Stack-Api5678'), sandbox)).toEqual(of('<Api5678>'));
  });
});

const resource = (properties: MotoResource['properties'], more: Partial<MotoResource> = {}): MotoResource => ({
  type: 'AWS::DynamoDB::Table',
  createdBy: 'moto',
  listed: true,
  ref: 'Stack-Table-GENERATED0001',
  attributes: {},
  properties,
  ...more,
});
const UNNAMED = { roles: {}, functions: {}, stateMachines: {}, tables: {}, rules: {}, buckets: {}, apis: {} };
const motoStack = (resources: MotoStack['resources'], more: Partial<MotoStack> = {}): MotoStack => ({
  assembly: 'everything',
  stack: 'hub',
  seconds: 1,
  status: 'CREATE_COMPLETE',
  stackId: 'arn:moto',
  statuses: ['CREATE_COMPLETE'],
  resources,
  outputs: { Name: 'Stack-Table-GENERATED0001' },
  deployed: { ...UNNAMED, queues: [], topics: [] },
  ...more,
});
const sandboxStack = (resources: SandboxStack['resources'], outputs = { Name: 'Stack-Table' }): SandboxStack => ({
  stackId: 'arn:sandbox',
  resources,
  outputs,
  deployed: { roles: [], rules: [] },
  attribute: () => '',
});
const table = (properties: MotoResource['properties']): SandboxStack['resources'][string] => ({
  type: 'AWS::DynamoDB::Table',
  ref: 'Stack-Table',
  properties,
});

describe('stacks', () => {
  it('are equal if their resources and outputs are', () => {
    const moto = motoStack({ Table: resource({ Tags: ['Stack-Table-GENERATED0001'] }) });
    const result = compareStack(moto, sandboxStack({ Table: table({ Tags: ['Stack-Table'] }) }), 'Stack');
    expect([result.differences, [result.created, result.resolved]]).toEqual([[], [1, 1]]);
  });

  const bare = motoStack({ Table: resource({}) });
  const one = sandboxStack({ Table: table({}) });
  const TABLE = 'AWS::DynamoDB::Table Table';
  const billed = (BillingMode: string) => ({ BillingMode });
  const provisioned = motoStack({ Table: resource(billed('PROVISIONED')) });
  const unlisted = motoStack({ Table: resource({}, { listed: false }) });
  const failed = { statuses: ['CREATE_COMPLETE', 'CREATE_FAILED'] };
  const none = sandboxStack({});
  const policy = 'AWS::SNS::TopicPolicy';
  it.each<[string, MotoStack, SandboxStack, string]>([
    ['a property', provisioned, sandboxStack({ Table: table(billed('PAY_PER_REQUEST')) }), `${TABLE}.BillingMode`],
    ['an output', bare, sandboxStack({ Table: table({}) }, { Name: 'Stack-Other' }), 'output.Name'],
    ['a resource that the sandbox excludes', bare, sandboxStack({}), TABLE],
    ['a resource that moto has not created', motoStack({ Table: resource({}, { createdBy: 'nothing' }) }), one, TABLE],
    ['a resource that is not listed among those of the stack', unlisted, one, TABLE],
    [
      'a type that moto creates although the list of exceptions has it',
      motoStack({ Table: resource({}, { type: policy }) }),
      sandboxStack({ Table: { ...table({}), type: policy } }),
      `${policy} Table`,
    ],
    ['a stack that moto does not create', motoStack({}, { status: 'ValidationError' }), none, 'stack status'],
    ['a resource that moto does not create', motoStack({}, failed), none, 'stack status'],
  ])('differ in %s', (_, moto, sandbox, path) =>
    expect(compareStack(moto, sandbox, 'Stack').differences.map((difference) => difference.path)).toEqual([path]),
  );

  it('show what the outputs of the hub have named', () => {
    const hub = compareStack(motoStack({ Table: resource({}) }), sandboxStack({ Table: table({}) }), 'Stack');
    const moto = motoStack({ Role: resource({ Trusted: 'Stack-Table-GENERATED0001' }) }, { outputs: {} });
    const sandbox = { ...sandboxStack({ Role: table({ Trusted: 'Stack-Table' }) }), outputs: {} };
    expect(compareStack(moto, sandbox, 'Spoke', hub.rename).differences).toEqual([]);
  });
});

it('the output of cfn-lint becomes differences', () => {
  const Location = { Path: ['Resources', 'Table', 'Properties', 0] };
  const finding = { Level: 'Error', Location, Message: 'It is wrong', Rule: { Id: 'E3030' } };
  expect(findingsOf(JSON.stringify([finding]))).toEqual([
    { what: 'cfn-lint E3030 Resources.Table.Properties.0', real: 'Error: It is wrong', sandbox: 'no finding' },
  ]);
  expect(findingsOf('[]')).toEqual([]);
});

describe('the flags', () => {
  it('select both tools, or one', () => {
    expect(readOrder([])).toEqual({ names: [], lint: true, moto: true, brief: false, whole: true });
    expect(readOrder(['--lint'])).toMatchObject({ lint: true, moto: false, whole: false });
    expect(readOrder(['--moto', '--lint'])).toMatchObject({ lint: true, moto: true, whole: true });
    const order = { names: ['everything'], lint: true, moto: true, brief: true, whole: false };
    expect(readOrder(['--only', 'everything', '--brief'])).toEqual(order);
  });

  it('are refused if there is no such flag', () => expect(() => readOrder(['--every'])).toThrow(/--every[^]*Usage:/));
});
