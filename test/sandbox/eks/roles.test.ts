import { describe, expect, it } from 'vitest';
import { trustsPods } from '../../../sandbox/eks/roles.ts';
import { TRUST } from './fixture.ts';

const pods = { Service: 'pods.eks.amazonaws.com' };
const both = ['sts:AssumeRole', 'sts:TagSession'];
const trust = (...statements: unknown[]): string => JSON.stringify({ Version: '2012-10-17', Statement: statements });

describe('trustsPods for a trust policy', () => {
  it.each([
    ['as in the User Guide', TRUST.pods, true],
    [
      'with a condition',
      trust({
        Effect: 'Allow',
        Principal: pods,
        Action: both,
        Condition: { StringEquals: { 'aws:SourceAccount': '111122223333' } },
      }),
      true,
    ],
    [
      'together with the OIDC statement',
      trust(
        { Effect: 'Allow', Principal: { Federated: 'arn:x' }, Action: 'sts:AssumeRoleWithWebIdentity' },
        { Effect: 'Allow', Principal: pods, Action: both },
      ),
      true,
    ],
    [
      'in two statements',
      trust(
        { Effect: 'Allow', Principal: pods, Action: 'sts:AssumeRole' },
        { Effect: 'Allow', Principal: pods, Action: 'sts:TagSession' },
      ),
      true,
    ],
    ['with a wildcard action', trust({ Effect: 'Allow', Principal: pods, Action: 'sts:*' }), true],
    ['with other case', trust({ Effect: 'Allow', Principal: pods, Action: ['STS:assumerole', 'sts:Tag*'] }), true],
    [
      'among several services',
      trust({ Effect: 'Allow', Principal: { Service: ['ec2.amazonaws.com', 'pods.eks.amazonaws.com'] }, Action: both }),
      true,
    ],
    [
      'with a single statement instead of a list',
      JSON.stringify({ Statement: { Effect: 'Allow', Principal: pods, Action: both } }),
      true,
    ],
    ['without sts:TagSession', TRUST.noTagSession, false],
    ['for IRSA only', TRUST.oidc, false],
    ['as a deny', trust({ Effect: 'Deny', Principal: pods, Action: both }), false],
    [
      'for another service',
      trust({ Effect: 'Allow', Principal: { Service: 'eks.amazonaws.com' }, Action: both }),
      false,
    ],
    [
      'with an action that only has the same prefix',
      trust({ Effect: 'Allow', Principal: pods, Action: ['sts:AssumeRoleWithWebIdentity', 'sts:TagSession'] }),
      false,
    ],
    ['that is not JSON', 'no policy', false],
  ])('%s', (_what, policy, expected) => {
    expect(trustsPods(policy)).toBe(expected);
  });
});
