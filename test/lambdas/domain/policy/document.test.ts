import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseTrustPolicy } from '../../../../lambdas/domain/policy/document.ts';
import { podIdentityStatement, policyText } from '../../fixtures.ts';

const good = podIdentityStatement;
const without = (key: keyof typeof good): Record<string, unknown> => Object.fromEntries(Object.entries(good).filter(([name]) => name !== key));
const reasonOf = (text: string): string => {
  const parsed = parseTrustPolicy(text);
  return parsed.valid ? '(valid)' : parsed.reason;
};

describe('parseTrustPolicy', () => {
  it('reads statements, single values as lists', () => {
    const parsed = parseTrustPolicy(JSON.stringify({ Statement: { Effect: 'Deny', Principal: { AWS: 'x', Service: ['a', 'b'] }, NotAction: 'sts:*', Condition: { Bool: { 'aws:SecureTransport': false }, NumericLessThan: { n: [1, '2'] } } } }));
    expect(parsed).toEqual({
      valid: true,
      statements: [
        {
          label: 'statement 1',
          effect: 'Deny',
          principal: { AWS: ['x'], Service: ['a', 'b'] },
          notAction: ['sts:*'],
          condition: { Bool: { 'aws:SecureTransport': ['false'] }, NumericLessThan: { n: ['1', '2'] } },
        },
      ],
    });
  });

  it('labels by Sid where there is one', () => {
    const parsed = parseTrustPolicy(policyText(good, { ...good, Sid: '' }, { ...without('Principal'), NotPrincipal: '*' }));
    expect(parsed.valid && parsed.statements.map((one) => one.label)).toEqual(['PodIdentity', 'statement 2', 'PodIdentity']);
    expect(parsed.valid && parsed.statements[2]).toMatchObject({ notPrincipal: '*' });
  });

  it.each([
    ['no JSON', '{', 'is not JSON'],
    ['no text', '', 'is not JSON'],
    ['URL-encoded as IAM answers it', encodeURIComponent(policyText(good)), 'is not JSON'],
    ['null', 'null', 'has no Statement'],
    ['a list', '[]', 'has no Statement'],
    ['no Statement', '{"Version":"2012-10-17"}', 'has no Statement'],
    ['a statement that is text', policyText('x'), 'Statement[0] must be an object'],
    ['the second one null', policyText(good, null), 'Statement[1] must be an object'],
    ['effect in lower case', policyText({ ...good, Effect: 'allow' }), 'Statement[0].Effect must be "Allow" or "Deny"'],
    ['no Principal', policyText(without('Principal')), 'Statement[0] must have Principal or NotPrincipal'],
    ['both Principals', policyText({ ...good, NotPrincipal: '*' }), 'and not both'],
    ['no Action', policyText(without('Action')), 'Statement[0] must have Action or NotAction'],
    ['both Actions', policyText({ ...good, NotAction: 'x' }), 'and not both'],
    ['a Principal that is text', policyText({ ...good, Principal: 'pods.eks.amazonaws.com' }), 'Statement[0].Principal must be "*" or an object'],
    ['a Principal of null', policyText({ ...good, Principal: null }), 'Statement[0].Principal must be'],
    ['a Service of null', policyText({ ...good, Principal: { Service: null } }), 'Statement[0].Principal.Service must be a string or a list of strings'],
    ['an Action that nests', policyText({ ...good, Action: [['x']] }), 'Statement[0].Action must be a string'],
    ['a Condition that is a list', policyText({ ...good, Condition: [] }), 'Statement[0].Condition must be an object'],
    ['an operator without keys', policyText({ ...good, Condition: { StringEquals: 'x' } }), 'Statement[0].Condition.StringEquals must be an object of condition keys'],
    ['a wanted value of null', policyText({ ...good, Condition: { StringEquals: { a: null } } }), 'Statement[0].Condition.StringEquals.a must be a string'],
  ])('says what is wrong with %s', (_, text, reason) => {
    expect(reasonOf(text)).toContain(reason);
  });

  it('never throws, whatever the text', () => {
    const pieces = fc.record(
      { Effect: fc.anything(), Principal: fc.jsonValue(), NotPrincipal: fc.jsonValue(), Action: fc.jsonValue(), NotAction: fc.jsonValue(), Condition: fc.jsonValue(), Sid: fc.jsonValue() },
      { requiredKeys: [] },
    );
    const statement = fc.oneof(fc.jsonValue(), pieces.map((one) => ({ ...one, Effect: 'Allow' })));
    const texts = fc.oneof(
      fc.string(),
      fc.json(),
      fc.jsonValue().map((value) => JSON.stringify({ Statement: value })),
      fc.array(statement, { maxLength: 3 }).map((list) => policyText(...list)),
    );
    fc.assert(
      fc.property(texts, (text) => {
        const parsed = parseTrustPolicy(text);
        expect(parsed.valid ? parsed.statements.every((one) => one.label !== '') : parsed.reason.startsWith('the trust policy')).toBe(true);
      }),
      { numRuns: 1000 },
    );
  });
});
