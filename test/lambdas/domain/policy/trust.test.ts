import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { TrustUse } from '../../../../lambdas/domain/policy/contexts.ts';
import { parsePolicy } from '../../../../lambdas/domain/policy/document.ts';
import type { Evaluation, Verdict } from '../../../../lambdas/domain/policy/request.ts';
import { evaluateIrsa, evaluatePodIdentity, evaluateTrust } from '../../../../lambdas/domain/policy/trust.ts';
import { forAll } from '../../../for-all.ts';

const ISSUER = 'oidc.eks.eu-west-1.amazonaws.com/id/ABC';
const PROVIDER = `arn:aws:iam::111122223333:oidc-provider/${ISSUER}`;
const use: TrustUse = {
  clusterArn: 'arn:aws:eks:eu-west-1:111122223333:cluster/dev',
  namespace: 'kube-system',
  serviceAccount: 'ebs-csi-controller-sa',
  oidcIssuer: `https://${ISSUER}`,
};

const pods = (change: object = {}): object => ({
  Sid: 'Pods',
  Effect: 'Allow',
  Principal: { Service: 'pods.eks.amazonaws.com' },
  Action: ['sts:AssumeRole', 'sts:TagSession'],
  ...change,
});
const token = (change: object = {}): object => ({
  Sid: 'Token',
  Effect: 'Allow',
  Principal: { Federated: PROVIDER },
  Action: 'sts:AssumeRoleWithWebIdentity',
  ...change,
});
const policy = (...Statement: object[]) => parsePolicy({ Version: '2012-10-17', Statement }, 'trust');
const where = (key: string, value: string, operator = 'StringEquals'): object => ({
  Condition: { [operator]: { [key]: value } },
});
const POD_NAME = 'aws:RequestTag/kubernetes-pod-name';
const actionsOf = ({ reasons }: Evaluation): (string | undefined)[] => reasons.map((one) => one.action);

describe('EKS Pod Identity needs both actions', () => {
  it('is allowed if both are, each with the statement that allows it', () => {
    const tags = pods({ Sid: 'Tags', Action: 'sts:TagSession' });
    const found = evaluatePodIdentity(policy(pods({ Action: 'sts:AssumeRole' }), tags), use);
    expect(found).toMatchObject({ verdict: 'allowed', undecided: [], accepted: [] });
    expect(found.reasons.map((one) => [one.statement, one.action])).toEqual([
      ['Pods', 'sts:AssumeRole'],
      ['Tags', 'sts:TagSession'],
    ]);
  });

  it('is denied if one is, with only that action in the reason', () => {
    const found = evaluatePodIdentity(policy(pods({ Action: 'sts:AssumeRole' })), use);
    expect([found.verdict, new Set(actionsOf(found))]).toEqual(['denied', new Set(['sts:TagSession'])]);
  });

  it.each<[string, object, object, Verdict]>([
    ['denied before unknown', where('aws:SourceAccount', '444455556666'), where(POD_NAME, 'ebs-0'), 'denied'],
    ['unknown before allowed', {}, where(POD_NAME, 'ebs-0'), 'unknown'],
    ['unknown before allowed, in the other order', where(POD_NAME, 'ebs-0'), {}, 'unknown'],
  ])('has the worse verdict of the two: %s', (_name, assumeRole, tagSession, verdict) => {
    const tags = pods({ Sid: 'Tags', Action: 'sts:TagSession', ...tagSession });
    const found = evaluatePodIdentity(policy(pods({ Action: 'sts:AssumeRole', ...assumeRole }), tags), use);
    expect(found.verdict).toBe(verdict);
  });

  it('has a reason that applies to both actions once, without an action', () => {
    const found = evaluatePodIdentity(policy(pods(where('aws:SourceAccount', '444455556666'))), use);
    expect(found.reasons).toMatchObject([
      { statement: 'Pods', key: 'aws:SourceAccount', wanted: ['444455556666'], found: ['111122223333'] },
    ]);
    expect(actionsOf(found)).toEqual([undefined]);
  });

  it('has each of two different reasons with its action', () => {
    const guard = pods({ Sid: 'Guard', Effect: 'Deny', Action: 'sts:AssumeRole' });
    const found = evaluatePodIdentity(policy(pods({ Action: 'sts:AssumeRole' }), guard), use);
    expect(found.verdict).toBe('denied');
    expect(new Set(actionsOf(found))).toEqual(new Set(['sts:AssumeRole', 'sts:TagSession']));
  });

  it('names a deciding key once, as written in the policy', () => {
    const guard = { ...pods(where(POD_NAME.toUpperCase(), 'x')), Sid: 'Guard', Effect: 'Deny' };
    const found = evaluatePodIdentity(policy(pods(where(POD_NAME, 'ebs-0')), guard), use);
    expect(found).toMatchObject({ verdict: 'unknown', accepted: [] });
    expect(found.undecided).toHaveLength(1);
    expect(found.undecided[0]?.toLowerCase()).toBe(POD_NAME.toLowerCase());
  });

  it('has no undecided key if it is denied', () =>
    expect(
      evaluatePodIdentity(policy(pods({ Action: 'sts:AssumeRole', ...where(POD_NAME, 'ebs-0') })), use),
    ).toMatchObject({ verdict: 'denied', undecided: [] }));

  it('counts the steps of both actions', () => {
    const one = evaluatePodIdentity(policy(pods()), use).steps;
    expect(one).toBeGreaterThan(1);
    expect(evaluatePodIdentity(policy(pods(), pods({ Sid: 'Again' })), use).steps).toBe(2 * one);
  });
});

describe('keys that the caller accepts by name', () => {
  it.each<[string, object[]]>([
    ['in an Allow', [pods(where(POD_NAME, 'ebs-0'))]],
    ['in a Deny', [pods(), { ...pods(where(POD_NAME, 'debug-*', 'StringLike')), Sid: 'Guard', Effect: 'Deny' }]],
  ])('decide the verdict, and are named: %s', (_name, statements) => {
    expect(evaluatePodIdentity(policy(...statements), use).verdict).toBe('unknown');
    expect(evaluatePodIdentity(policy(...statements), use, { acceptedKeys: ['aws:SourceIp'] }).verdict).toBe('unknown');
    expect(evaluatePodIdentity(policy(...statements), use, { acceptedKeys: [POD_NAME.toUpperCase()] })).toMatchObject({
      verdict: 'allowed',
      undecided: [],
      accepted: [POD_NAME],
    });
  });

  it('are not named if nothing depends on them', () =>
    expect(evaluatePodIdentity(policy(pods()), use, { acceptedKeys: [POD_NAME] })).toMatchObject({
      verdict: 'allowed',
      accepted: [],
    }));

  it('do not change a condition that is known not to be met', () =>
    expect(
      evaluatePodIdentity(policy(pods(where('aws:SourceAccount', '444455556666'))), use, {
        acceptedKeys: ['aws:SourceAccount'],
      }).verdict,
    ).toBe('denied'));

  it('count for IRSA too', () => {
    const trust = policy(token(where('aws:SourceIp', '203.0.113.0/24', 'IpAddress')));
    expect(evaluateIrsa(trust, use).verdict).toBe('unknown');
    expect(evaluateTrust(trust, use, { acceptedKeys: ['aws:sourceip'] }).irsa).toMatchObject({
      verdict: 'allowed',
      accepted: ['aws:SourceIp'],
    });
  });
});

describe('IRSA without an issuer', () => {
  const unknown = { ...use, oidcIssuer: undefined };

  it.each<[string, object[], Verdict]>([
    ['no statement for a provider', [pods()], 'denied'],
    ['a provider without the action', [token({ Action: 'sts:TagSession' })], 'denied'],
    ['a provider', [token()], 'unknown'],
    ['a provider and a subject', [token(where(`${ISSUER}:sub`, 'system:serviceaccount:a:b'))], 'unknown'],
    ['a provider, and a condition that no token meets', [token(where('aws:SourceAccount', '111122223333'))], 'denied'],
    ['everybody', [token({ Principal: { AWS: '*' } })], 'unknown'],
    [
      'a Deny for every principal',
      [token(), token({ Sid: 'Guard', Effect: 'Deny', Principal: { AWS: '*' } })],
      'denied',
    ],
  ])('%s', (_name, statements, verdict) => {
    const found = evaluateIrsa(policy(...statements), unknown);
    expect(found.verdict).toBe(verdict);
    expect(found.reasons.length).toBeGreaterThan(0);
  });
});

it('a policy that is not valid has one reason with the position for both actions', () => {
  const { podIdentity, irsa } = evaluateTrust(parsePolicy('{"Statement":[{"Effect":"allow"}]}', 'trust'), use);
  for (const found of [podIdentity, irsa]) {
    expect(found).toMatchObject({ verdict: 'invalid', reasons: [{ path: 'Statement[0].Effect' }] });
    expect(actionsOf(found)).toEqual([undefined]);
  }
});

describe('over all fixtures', () => {
  const folder = join(import.meta.dirname, 'fixtures');
  const statements = readdirSync(folder)
    .flatMap((file) => JSON.parse(readFileSync(join(folder, file), 'utf8')) as { policy: unknown }[])
    .flatMap((one) => (one.policy as { Statement?: unknown } | null)?.Statement ?? [])
    .filter((one): one is { Effect: string } => parsePolicy({ Statement: [{ ...one, Sid: '' }] }, 'trust').valid)
    .map((one) => ({ ...one, Sid: '' }));
  const some = fc.uniqueArray(fc.constantFrom(...statements), { minLength: 1, maxLength: 6 });
  const rank = (verdict: Verdict): number => ['denied', 'unknown', 'allowed'].indexOf(verdict);
  const both = (of: object[], acceptedKeys: string[] = []): [Evaluation, Evaluation] => {
    const { podIdentity, irsa } = evaluateTrust(policy(...of), use, { acceptedKeys });
    return [podIdentity, irsa];
  };

  it('accepting the undecided keys never makes a verdict worse, and leaves no key undecided', () =>
    forAll(some, (of) => {
      for (const [way, before] of both(of).entries()) {
        const after = both(of, before.undecided)[way]!;
        expect(rank(after.verdict)).toBeGreaterThanOrEqual(rank(before.verdict));
        expect(after.undecided.filter((key) => before.undecided.includes(key))).toEqual([]);
      }
    }));

  it('an additional Deny never makes a verdict better, and every verdict has a reason', () =>
    forAll(some, fc.constantFrom(...statements), (of, one) => {
      const after = both([...of, { ...one, Effect: 'Deny' }]);
      for (const [way, before] of both(of).entries()) {
        expect(rank(after[way]!.verdict)).toBeLessThanOrEqual(rank(before.verdict));
        expect(before.reasons.length).toBeGreaterThan(0);
      }
    }));
});
