import { assert, constantFrom, property, record, stringMatching } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PARTITION_NAMES } from '../../../../lambdas/domain/aws/partitions.ts';
import {
  isOfIdentityCenter,
  likeness,
  LONGEST_PRINCIPAL,
  parsePrincipal,
} from '../../../../lambdas/domain/aws/principal.ts';

const A = '111122223333';
const LONG_PATH = `/${'p'.repeat(510)}/`;
const NAME = 'n'.repeat(64);

describe('the ARN of a principal', () => {
  it.each([
    [`arn:aws:iam::${A}:root`, { kind: 'root' }],
    [`arn:aws:iam::${A}:user/ann`, { kind: 'user', name: 'ann' }],
    [`arn:aws:iam::${A}:user/division/team/ann`, { kind: 'user', name: 'ann' }],
    [`arn:aws:iam::${A}:role/aws-reserved/sso.amazonaws.com/Deployer`, { kind: 'role', name: 'Deployer' }],
    [`arn:aws:sts::${A}:assumed-role/Deployer/ann@x.org`, { kind: 'role', name: 'Deployer', session: 'ann@x.org' }],
    [`arn:aws:sts::${A}:federated-user/ann`, { kind: 'federated-user', name: 'ann' }],
    [`arn:aws:iam::${A}:user${LONG_PATH}${NAME}`, { kind: 'user', name: NAME }],
  ])('is read: %s', (arn, parts) => expect(parsePrincipal(arn)).toEqual({ partition: 'aws', account: A, ...parts }));
  it.each(
    [
      ['', 'ann', 'ssm-automation 0d1f3f54-7d9e-4b5b-9f0a-5f4f7c1c9e11', `cloudtrail: arn:aws:iam::${A}:user/ann`],
      [`arn:aws:iam::${A}:user/`, `arn:aws:iam::${A}:group/ann`, `arn:aws:iam::1111:user/ann`],
      [`arn:aws-nowhere:iam::${A}:user/ann`, `arn:aws:sts::${A}:user/ann`],
      [`arn:aws:iam::${A}:assumed-role/Deployer/ann`, `arn:aws:sts::${A}:assumed-role/Deployer`],
      [`arn:aws:sts::${A}:assumed-role/path/Deployer/ann`, `arn:aws:sts::${A}:federated-user/${'n'.repeat(33)}`],
      [`arn:aws:iam::${A}:user${LONG_PATH}p/${NAME}`, `arn:aws:iam::${A}:user/${NAME}n`],
      [`arn:aws:iam::${A}:user/ann\n`],
    ].flat(),
  )('is not read: %j', (arn) => expect(parsePrincipal(arn)).toBeUndefined());
  it('has at most as many characters as the longest ARN of IAM', () => {
    const longest = PARTITION_NAMES.map((partition) => `arn:${partition}:iam::${A}:user${LONG_PATH}${NAME}`);
    expect(Math.max(...longest.map(({ length }) => length))).toBe(LONGEST_PRINCIPAL);
    expect([longest.filter((arn) => parsePrincipal(arn) === undefined), LONGEST_PRINCIPAL]).toEqual([[], 613]);
  });
  it('belongs to IAM Identity Center by its path alone', () => {
    const of = (resource: string): boolean => isOfIdentityCenter(`arn:aws:iam::${A}:role/${resource}`);
    expect([
      of('aws-reserved/sso.amazonaws.com/AWSReservedSSO_x_1'),
      of('aws-reserved/sso.amazonaws.com/eu-west-1/AWSReservedSSO_x_1'),
      of('AWSReservedSSO_x_1'),
      of('team/aws-reserved/sso.amazonaws.com/AWSReservedSSO_x_1'),
    ]).toEqual([true, true, false, false]);
  });
});

const name = stringMatching(/^[\w+=,.@-]{2,20}$/);
const principals = record({
  partition: constantFrom(...PARTITION_NAMES),
  account: constantFrom(A, '444455556666'),
  form: constantFrom(
    (one: string) => `iam::ACCOUNT:user/${one}`,
    (one: string) => `sts::ACCOUNT:assumed-role/${one}/session`,
    (one: string) => `sts::ACCOUNT:federated-user/${one}`,
    () => 'iam::ACCOUNT:root',
  ),
  name,
}).map(({ partition, account, form, name: one }) => `arn:${partition}:${form(one).replace('ACCOUNT', account)}`);

describe('two principals', () => {
  it('compare symmetrically, and each is the same as itself', () =>
    assert(
      property(principals, principals, (a, b) => {
        const [one, two] = [parsePrincipal(a)!, parsePrincipal(b)!];
        expect(likeness(one, two)).toEqual(likeness(two, one));
        expect(likeness(one, one).is).not.toBe('other');
      }),
    ));
  it('of one role are the same in any two sessions', () =>
    assert(
      property(name, name, name, (role, a, b) => {
        const session = (of: string) => parsePrincipal(`arn:aws:sts::${A}:assumed-role/${role}/${of}`)!;
        expect(likeness(session(a), session(b)).is).toBe('same');
      }),
    ));
  it('of a role that IAM Identity Center may have created can only be distinguished with IAM', () => {
    const session = (of: string) => parsePrincipal(`arn:aws:sts::${A}:assumed-role/AWSReservedSSO_x_1/${of}`)!;
    expect(likeness(session('ann'), session('bob'))).toEqual({
      is: 'shared',
      role: { partition: 'aws', account: A, name: 'AWSReservedSSO_x_1' },
    });
    expect(likeness(session('ann'), session('Ann'))).toEqual({ is: 'same' });
  });
});
