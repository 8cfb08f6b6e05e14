import { expect, it } from 'vitest';
import { trustsPods } from '../../../sandbox/eks/roles.ts';
import { TRUST } from './fixture.ts';

const pods = { Service: 'pods.eks.amazonaws.com' };
const both = ['sts:AssumeRole', 'sts:TagSession'];
const WEB = 'sts:AssumeRoleWithWebIdentity';
const allow = (more: object = {}) => ({ Effect: 'Allow', Principal: pods, Action: both, ...more });
const trust = (...statements: unknown[]): string => JSON.stringify({ Version: '2012-10-17', Statement: statements });

it.each([
  ['as in the User Guide', TRUST.pods, true],
  ['with a condition', trust(allow({ Condition: { StringEquals: { 'aws:SourceAccount': '111122223333' } } })), true],
  ['together with the OIDC statement', trust(allow({ Principal: { Federated: 'arn:x' }, Action: WEB }), allow()), true],
  ['in two statements', trust(...both.map((Action) => allow({ Action }))), true],
  ['with a wildcard action', trust(allow({ Action: 'sts:*' })), true],
  ['with other case', trust(allow({ Action: ['STS:assumerole', 'sts:Tag*'] })), true],
  ['among several services', trust(allow({ Principal: { Service: ['ec2.amazonaws.com', pods.Service] } })), true],
  ['with a single statement instead of a list', JSON.stringify({ Statement: allow() }), true],
  ['without sts:TagSession', TRUST.noTagSession, false],
  ['for IRSA only', TRUST.oidc, false],
  ['as a deny', trust(allow({ Effect: 'Deny' })), false],
  ['for another service', trust(allow({ Principal: { Service: 'eks.amazonaws.com' } })), false],
  ['with an action that only has the same prefix', trust(allow({ Action: [WEB, 'sts:TagSession'] })), false],
  ['that is not JSON', 'no policy', false],
])('trustsPods for a trust policy %s', (_what, policy, expected) => expect(trustsPods(policy)).toBe(expected));
