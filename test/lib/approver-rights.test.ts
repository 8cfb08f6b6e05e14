import { describe, expect, it } from 'vitest';
import { grantsOf } from '../../lib/migration/permissions.ts';
import { matching } from '../lambdas/matchers.ts';

describe('the right to read the roles of IAM Identity Center before a change', () => {
  const read = (comparesApprovers: boolean, passableRoleArns = ['arn:role']): string[] =>
    grantsOf('begin', {
      accounts: ['444455556666'],
      tableArn: 'arn:table',
      bucketArn: 'arn:bucket',
      passableRoleArns,
      repairableRoleArns: [],
      comparesApprovers,
    })
      .filter(({ actions }) => actions.includes('iam:GetRole'))
      .flatMap(({ resources }) => resources)
      .filter((resource) => resource.includes('sso.amazonaws.com'));

  it('is there only where approvers are compared by role', () => {
    expect(read(true)).toEqual([matching(/:role\/aws-reserved\/sso\.amazonaws\.com\/\*$/)]);
    expect(read(false)).toEqual([]);
  });
  it('is not given again to whom may read every role', () => expect(read(true, ['arn:*:role/*'])).toEqual([]));
});
