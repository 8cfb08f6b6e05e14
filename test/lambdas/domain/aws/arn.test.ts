import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  clusterArn,
  isOwnedBy,
  MAX_ROLE_ARN,
  parseRoleArn,
  ROLE_ARN_PATTERN,
} from '../../../../lambdas/domain/aws/arn.ts';
import { roleArn } from '../../../../lambdas/domain/text/names.ts';
import { ADDON, addonArn, CLUSTER, target } from '../../fixtures.ts';
import { forAllIn } from '../../../for-all.ts';

describe('parseRoleArn', () => {
  it.each([
    ['arn:aws:iam::111122223333:role/ebs', { partition: 'aws', account: '111122223333', path: '/', name: 'ebs' }],
    [
      'arn:aws-us-gov:iam::111122223333:role/team/a/ebs+csi=1,@x.y-z',
      { partition: 'aws-us-gov', account: '111122223333', path: '/team/a/', name: 'ebs+csi=1,@x.y-z' },
    ],
    [
      'arn:aws:iam::111122223333:role/aws-service-role/eks.amazonaws.com/ForEKS',
      { partition: 'aws', account: '111122223333', path: '/aws-service-role/eks.amazonaws.com/', name: 'ForEKS' },
    ],
  ])('reads %s', (arn, parts) => expect([parseRoleArn(arn), roleArn.safeParse(arn).success]).toEqual([parts, true]));

  it.each(
    [
      ['', 'ebs', 'arn:aws:iam::1:role/ebs', 'arn:aws:iam::111122223333:user/ebs', 'arn:aws:iam::111122223333:role/'],
      [`arn:aws:iam::111122223333:role/${'x'.repeat(65)}`, 'arn:aws:iam::111122223333:role/a b'],
      ['arn:aws:sts::111122223333:assumed-role/ebs/session'],
    ].flat(),
  )('does not accept %j as a role', (arn) =>
    expect([parseRoleArn(arn), roleArn.safeParse(arn).success]).toEqual([undefined, false]),
  );
});

it('builds the ARN of a cluster', () => {
  expect(clusterArn(target)).toBe('arn:aws:eks:eu-west-1:111122223333:cluster/dev');
  expect(clusterArn({ ...target, region: 'cn-north-1' })).toBe('arn:aws-cn:eks:cn-north-1:111122223333:cluster/dev');
});

describe('ROLE_ARN_PATTERN', () => {
  const part = fc.string({ unit: fc.constantFrom('.', '.', 'a', '-', '*'), maxLength: 6 });
  const arns = fc
    .tuple(
      fc.constantFrom('aws', 'aws-cn', 'aws-', 'gcp'),
      fc.constantFrom('111122223333', '1', ''),
      fc.array(part, { maxLength: 3 }),
      fc.oneof(part, fc.constantFrom('a'.repeat(64), 'a'.repeat(65), `..${'a'.repeat(62)}`, `..${'a'.repeat(63)}`)),
    )
    .map(([partition, account, path, name]) => `arn:${partition}:iam::${account}:role/${[...path, name].join('/')}`);
  it('accepts the same as parseRoleArn, except for the length', () =>
    forAllIn(2000, arns, (arn) =>
      expect(arn.length <= MAX_ROLE_ARN && new RegExp(ROLE_ARN_PATTERN, 'u').test(arn)).toBe(
        parseRoleArn(arn) !== undefined,
      ),
    ));
});

it.each([
  ['this incarnation', addonArn(1), true],
  ['a later incarnation', addonArn(2), true],
  ['another add-on', addonArn(1, 'aws-efs-csi-driver'), false],
  ['an add-on whose name only starts like it', addonArn(1, `${ADDON}-2`), false],
  ['the add-on of another cluster', addonArn(1, ADDON, 'prod'), false],
  ['nobody', undefined, false],
])('isOwnedBy %s', (_, ownerArn, owned) => expect(isOwnedBy(ownerArn, CLUSTER, ADDON)).toBe(owned));
