/**
 * What exceeds AWS's limits is refused with AWS's messages when an assembly is deployed; what just fits is accepted.
 */
import { describe, expect, it } from 'vitest';
import type { Assembly } from '../../../sandbox/assembly/assembly.ts';
import { fn, load, role, type Template, write } from './stacks.ts';
import { loadSpokes } from '../../../sandbox/assembly/spokes.ts';

const ROLE = { Ref: 'Role' };
const deploy = (Resources: Record<string, unknown>, more: Template = {}): Assembly =>
  load({ App: { Resources: { Role: role, ...Resources }, ...more } });

/** Returns a document with that many characters without white space. */
const documentOf = (characters: number): object => {
  const made = (text: string): object => ({
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Action: 's3:GetObject', Resource: `arn:aws:s3:::${text}` }],
  });
  return made('x'.repeat(characters - JSON.stringify(made('')).length));
};
const inline = (characters: number) => ({
  Type: 'AWS::IAM::Policy',
  Properties: { PolicyName: 'p', PolicyDocument: documentOf(characters), Roles: [ROLE] },
});
const managed = (characters: number, more: object = { Roles: [ROLE] }) => ({
  Type: 'AWS::IAM::ManagedPolicy',
  Properties: { PolicyDocument: documentOf(characters), ...more },
});
const roleWith = (properties: object) => ({
  Type: 'AWS::IAM::Role',
  Properties: { AssumeRolePolicyDocument: {}, ...properties },
});
const times = (count: number, make: (index: number) => object): Record<string, object> =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`R${index}`, make(index)]));
/** Returns `{"A":"…"}` with that many bytes, as Lambda measures it. */
const environmentOf = (bytes: number, letter = 'x') => ({
  Function: fn({ Environment: { Variables: { A: letter.repeat((bytes - 8) / Buffer.byteLength(letter)) } } }),
});

describe('the environment of a function', () => {
  it('has at most 4,096 bytes as JSON, including names and quotes', () => {
    expect(deploy(environmentOf(4096)).functions).toHaveLength(1);
    expect(() => deploy(environmentOf(4097))).toThrow(
      'The sandbox cannot use the application\'s template: App.template.json has the environment of the function Function with 4097 bytes, but AWS allows 4096; Lambda answers: Lambda was unable to configure your environment variables because the environment variables you have provided exceeded the 4KB limit. String measured: {"A":"xxx',
    );
  });

  it('is counted in bytes rather than characters, including what JSON escapes', () => {
    expect(deploy(environmentOf(4096, 'é')).functions).toHaveLength(1);
    expect(() => deploy(environmentOf(4098, 'é'))).toThrow(/with 4098 bytes/);
    expect(() => deploy({ Function: fn({ Environment: { Variables: { A: '"'.repeat(2045) } } }) })).toThrow(
      /with 4098 bytes/,
    );
  });

  it("is measured with names as long as CloudFormation's", () => {
    const variables = { A: { Ref: 'Role' }, B: 'x'.repeat(4096 - 23) };
    // {"A":"App-Role","B":"…"}: 4,090 bytes without what CloudFormation appends to the role's name.
    expect(() => deploy({ Function: fn({ Environment: { Variables: variables } }) })).toThrow(/with 41\d\d bytes/);
  });
});

describe('the inline policies of a role', () => {
  it('have at most 10,240 characters together, wherever they are defined', () => {
    expect(deploy({ One: inline(5000), Two: inline(5240) }).roles).toHaveLength(1);
    const refusal =
      /the inline policies of the role Role with 10241 characters.*Maximum policy size of 10240 bytes exceeded for role App-XXX/;
    expect(() => deploy({ One: inline(5000), Two: inline(5241) })).toThrow(/with 10241 characters/);
    expect(() => deploy({ One: inline(10_241) })).toThrow(/IAM answers: Maximum policy size of 10240 bytes exceeded/);
    const within = { Policies: [{ PolicyName: 'own', PolicyDocument: documentOf(241) }] };
    expect(() => deploy({ Role: roleWith(within), One: inline(10_000) })).toThrow(refusal.source.split('.*')[0]!);
  });

  it('are counted without white space', () => {
    const spaced = inline(10_240);
    spaced.Properties.PolicyName = 'p p';
    expect(
      deploy({
        One: {
          ...spaced,
          Properties: { ...spaced.Properties, PolicyDocument: { ...documentOf(10_230), Id: ' '.repeat(99) } },
        },
      }).roles,
    ).toHaveLength(1);
  });
});

describe('managed policies', () => {
  it('have at most 6,144 characters each', () => {
    expect(deploy({ One: managed(6144), Two: managed(6144) }).roles[0]?.policies).toHaveLength(2);
    expect(() => deploy({ One: managed(6145) })).toThrow(/IAM answers: Cannot exceed quota for PolicySize: 6144/);
  });

  it('are at most 10 for a role, from whichever side they are attached', () => {
    const attached = { ManagedPolicyArns: ['arn:aws:iam::aws:policy/ReadOnlyAccess', { Ref: 'R0' }] };
    // One of them is attached from both sides.
    expect(deploy({ Role: roleWith(attached), ...times(1, () => managed(200, {})) }).roles).toHaveLength(1);
    expect(deploy(times(10, () => managed(200))).roles[0]?.policies).toHaveLength(10);
    expect(() => deploy(times(11, () => managed(200)))).toThrow(
      /with 11 policies.*Cannot exceed quota for PoliciesPerRole: 10/,
    );
    const arns = Array.from({ length: 11 }, (_, index) => `arn:aws:iam::aws:policy/P${index}`);
    expect(() => deploy({ Role: roleWith({ ManagedPolicyArns: arns }) })).toThrow(/PoliciesPerRole: 10/);
  });
});

it('the trust policy of a role has at most 2,048 characters', () => {
  expect(deploy({ Role: roleWith({ AssumeRolePolicyDocument: documentOf(2048) }) }).roles).toHaveLength(1);
  expect(() => deploy({ Role: roleWith({ AssumeRolePolicyDocument: documentOf(2049) }) })).toThrow(
    /the trust policy of the role Role with 2049 characters.*Cannot exceed quota for ACLSizePerRole: 2048/,
  );
});

describe('a template', () => {
  const wait = { Type: 'AWS::CloudFormation::WaitConditionHandle' };
  it('has at most 1,000,000 bytes in its file', () => {
    const sized = (bytes: number): Template => {
      const template = { Resources: {}, Metadata: { Filler: '' } };
      template.Metadata.Filler = 'x'.repeat(bytes - JSON.stringify(template).length);
      return template;
    };
    expect(load({ App: sized(1_000_000) }).functions).toEqual([]);
    expect(() => load({ App: sized(1_000_001) })).toThrow(/Template may not exceed 1000000 bytes in size\./);
  });

  it('has at most 500 resources, 200 outputs and 200 parameters', () => {
    const outputs = (count: number) => ({ Outputs: times(count, () => ({ Value: 'x' })) });
    const parameters = (count: number) => ({ Parameters: times(count, () => ({ Type: 'String', Default: 'x' })) });
    expect(load({ App: { Resources: times(500, () => wait), ...outputs(200), ...parameters(200) } }).functions).toEqual(
      [],
    );
    expect(() => load({ App: { Resources: times(501, () => wait) } })).toThrow(
      /Number of resources, 501, is greater than maximum allowed, 500/,
    );
    expect(() => load({ App: { Resources: {}, ...outputs(201) } })).toThrow(/Number of outputs, 201,/);
    expect(() => load({ App: { Resources: {}, ...parameters(201) } })).toThrow(/Number of parameters, 201,/);
  });

  it('has no parameter with more than 4,096 bytes', () => {
    const given = (bytes: number) => ({ Parameters: { P: { Type: 'String', Default: 'x'.repeat(bytes) } } });
    expect(load({ App: { Resources: {}, ...given(4096) } }).functions).toEqual([]);
    expect(() => load({ App: { Resources: {}, ...given(4097) } })).toThrow(/the parameter P of .* with 4097 bytes/);
  });
});

it('the stack for other accounts has the same limits in each location', () => {
  const spoke = { Resources: { Role: role, One: inline(10_241) }, Parameters: {} };
  const directory = write({ App: { Resources: {} }, PodIdentityMigratorSpoke: spoke });
  const options = { outputs: {}, rolesRegion: 'eu-west-1' };
  expect(loadSpokes(directory, { ...options, locations: [] }).roles).toEqual([]);
  expect(() =>
    loadSpokes(directory, { ...options, locations: [{ account: '444455556666', region: 'eu-west-1' }] }),
  ).toThrow(/PodIdentityMigratorSpoke\.template\.json has the inline policies of the role Role with 10241 characters/);
});
