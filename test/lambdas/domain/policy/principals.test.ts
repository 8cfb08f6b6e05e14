import { describe, expect, it } from 'vitest';
import type { PolicyRequest, Verdict } from '../../../../lambdas/domain/policy/request.ts';
import { allowPods, ask, request, USER_GUIDE } from './requests.ts';

const PRINCIPAL = `${USER_GUIDE}reference_policies_elements_principal.html`;
const [role, session] = ['arn:aws:iam::111122223333:role/app', 'arn:aws:sts::111122223333:assumed-role/app/one'];
const root = 'arn:aws:iam::111122223333:root';

const caller = { type: 'AWS' as const, values: [role, session, '111122223333', root] };
const oidc = { type: 'Federated' as const, values: ['arn:aws:iam::111122223333:oidc-provider/oidc.example'] };
const pods = { type: 'Service' as const, values: ['pods.eks.amazonaws.com'] };
const someProvider = { type: 'Federated' as const, unknown: 'some OIDC provider' };

const who = { caller, oidc, pods, someProvider };
type Who = keyof typeof who;

const allows = (element: object, principal: PolicyRequest['principal']): Verdict =>
  ask({ Effect: 'Allow', Action: 'sts:AssumeRole', ...element }, request({}, { principal })).verdict;
/** The verdict for a Deny, with an Allow for every principal. */
const afterDeny = (element: object, principal: PolicyRequest['principal']): Verdict =>
  ask(
    [
      { Effect: 'Allow', Action: '*', Principal: '*' },
      { Effect: 'Deny', Action: 'sts:AssumeRole', ...element },
    ],
    request({}, { principal }),
  ).verdict;

type Match = 'yes' | 'no' | 'unknown';
const fromAllow: Partial<Record<Verdict, Match>> = { allowed: 'yes', denied: 'no', unknown: 'unknown' };
const fromDeny: Partial<Record<Verdict, Match>> = { allowed: 'no', denied: 'yes', unknown: 'unknown' };

describe(`Principal: ${PRINCIPAL}`, () => {
  const EVERYBODY: Record<Who, Match> = { caller: 'yes', oidc: 'yes', pods: 'yes', someProvider: 'yes' };
  const NOBODY: Record<Who, Match> = { caller: 'no', oidc: 'no', pods: 'no', someProvider: 'no' };
  const PODS: Record<Who, Match> = { ...NOBODY, pods: 'yes' };
  const CALLER: Record<Who, Match> = { ...NOBODY, caller: 'yes' };
  it.each<[principal: unknown, matches: Record<Who, Match>]>([
    ['*', EVERYBODY],
    [{ AWS: '*' }, EVERYBODY],
    [{ AWS: ['arn:aws:iam::444455556666:root', '*'] }, EVERYBODY],
    [{ Service: 'pods.eks.amazonaws.com' }, PODS],
    [{ Service: ['ec2.amazonaws.com', 'pods.eks.amazonaws.com'] }, PODS],
    [{ Service: 'ec2.amazonaws.com' }, NOBODY],
    [{ Service: 'PODS.eks.amazonaws.com' }, NOBODY],
    [{ AWS: 'pods.eks.amazonaws.com' }, NOBODY],
    // "The account ARN and the shortened account ID behave the same way."
    [{ AWS: '111122223333' }, CALLER],
    [{ AWS: root }, CALLER],
    [{ AWS: 'arn:aws:iam::444455556666:root' }, NOBODY],
    [{ AWS: 'arn:aws:iam::111122223333' }, NOBODY],
    [{ AWS: '111122223333:root' }, NOBODY],
    [{ AWS: role }, CALLER],
    [{ AWS: session }, CALLER],
    [{ AWS: role.toUpperCase() }, NOBODY],
    [{ Federated: oidc.values }, { ...NOBODY, oidc: 'yes', someProvider: 'unknown' }],
    [{ Federated: 'accounts.google.com' }, { ...NOBODY, someProvider: 'unknown' }],
    [{ Federated: [] }, NOBODY],
    [{ CanonicalUser: role }, NOBODY],
    [{}, NOBODY],
    // "You cannot use a wildcard to match part of a principal name or ARN."
    [{ AWS: 'arn:aws:iam::111122223333:role/*' }, NOBODY],
    [{ AWS: 'arn:aws:iam::11112222333?:root' }, NOBODY],
    [{ Service: '*.amazonaws.com' }, NOBODY],
    // "Error – Unsupported wildcard in principal" of the check reference, for all types but AWS.
    [{ Federated: '*' }, { ...NOBODY, oidc: 'unknown', someProvider: 'unknown' }],
  ])('%j', (Principal, matches) => {
    for (const name of Object.keys(who) as Who[]) {
      expect([name, fromAllow[allows({ Principal }, who[name])]]).toEqual([name, matches[name]]);
      expect([name, fromDeny[afterDeny({ Principal }, who[name])]]).toEqual([name, matches[name]]);
    }
  });

  it.each<[name: string, own: string, expected: Verdict]>([
    ['111122223333', root, 'allowed'],
    [root, '111122223333', 'allowed'],
    ['arn:aws-cn:iam::111122223333:root', '111122223333', 'allowed'],
    ['x111122223333', '111122223333', 'denied'],
    ['111122223333x', '111122223333', 'denied'],
    [`${root}x`, root, 'denied'],
    [`x${root}`, root, 'denied'],
    ['1111222233334', '111122223333', 'denied'],
    ['arn:aws:iam::111122223333:rooty', root, 'denied'],
  ])('%s for a principal whose only name is %s: %s', (AWS, own, expected) =>
    expect(allows({ Principal: { AWS } }, { type: 'AWS', values: [own] })).toBe(expected),
  );

  // "Wildcards are not supported with the principal key", and IAM refuses the whole policy.
  it.each([[{ Service: '*' }], [{ Service: ['pods.eks.amazonaws.com', '*'] }], [{ AWS: '*', Service: ['*'] }]])(
    '%j is invalid in an Allow and in a Deny',
    (Principal) => {
      for (const name of Object.keys(who) as Who[]) {
        expect([name, allows({ Principal }, who[name])]).toEqual([name, 'invalid']);
        expect([name, afterDeny({ Principal }, who[name])]).toEqual([name, 'invalid']);
      }
      expect(ask({ ...allowPods, Principal }).reasons).toEqual([
        {
          message:
            'the policy is not valid: Statement.Principal.Service: "*" does not match services: name each service, such as pods.eks.amazonaws.com',
          path: 'Statement.Principal.Service',
        },
      ]);
    },
  );

  it('is undecided for a request without a principal', () => {
    expect(allows({ Principal: { Service: 'pods.eks.amazonaws.com' } }, undefined)).toBe('unknown');
    expect(allows({ Principal: '*' }, undefined)).toBe('allowed');
  });
});

describe(`NotPrincipal: ${USER_GUIDE}reference_policies_elements_notprincipal.html`, () => {
  const expected: [notPrincipal: unknown, inDeny: Partial<Record<Who, Match>>][] = [
    ['*', { caller: 'no', pods: 'no', someProvider: 'no' }],
    [{ AWS: '*' }, { caller: 'no', pods: 'no' }],
    // "all principals except the ones specified"
    [{ AWS: 'arn:aws:iam::444455556666:root' }, { caller: 'yes', oidc: 'yes', pods: 'yes', someProvider: 'yes' }],
    [{ Service: 'pods.eks.amazonaws.com' }, { caller: 'yes', oidc: 'yes', pods: 'no', someProvider: 'yes' }],
    [{ Federated: oidc.values }, { oidc: 'no', someProvider: 'unknown', pods: 'yes' }],
    // "AWS might validate the account first, then the role, and then the assumed-role user": all three must be named.
    [{ AWS: [session, role, root] }, { caller: 'no' }],
    [{ AWS: [session, role, '111122223333'] }, { caller: 'no' }],
    [{ AWS: [session, role] }, { caller: 'unknown' }],
    [{ AWS: [root] }, { caller: 'unknown' }],
    [{ AWS: [role, root] }, { caller: 'unknown' }],
    [{ AWS: [root, '111122223333', root] }, { caller: 'unknown' }],
    // IAM refuses wildcards in names, and what they would mean here is not documented.
    [{ AWS: 'arn:aws:iam::111122223333:role/*' }, { caller: 'unknown', pods: 'yes' }],
    [{ Service: 'p*' }, { pods: 'unknown', caller: 'yes' }],
    [{}, { pods: 'yes' }],
  ];
  const cases = expected.flatMap(([NotPrincipal, inDeny]) =>
    (Object.keys(inDeny) as Who[]).map((name) => [NotPrincipal, name, inDeny[name]] as const),
  );

  it.each(cases)('%j for %s in a Deny: %s', (NotPrincipal, name, inDeny) =>
    expect(fromDeny[afterDeny({ NotPrincipal }, who[name])]).toBe(inDeny),
  );

  // "NotPrincipal must be used with "Effect":"Deny". Using it with "Effect":"Allow" is not supported."
  it.each(expected)('%j in an Allow allows no principal', (NotPrincipal) => {
    for (const name of Object.keys(who) as Who[])
      expect([name, allows({ NotPrincipal }, who[name])]).toEqual([name, 'invalid']);
  });

  it('in an Allow makes the whole policy invalid', () => {
    const others = { Sid: 'Others', Effect: 'Allow', NotPrincipal: { AWS: '444455556666' }, Action: 's3:GetObject' };
    expect(ask([allowPods, others])).toMatchObject({
      verdict: 'invalid',
      reasons: [
        {
          message:
            'the policy is not valid: Statement[1].NotPrincipal: cannot be used with "Effect": "Allow": name the allowed principals with Principal',
          path: 'Statement[1].NotPrincipal',
        },
      ],
    });
  });

  it('reports which names of a session it needs', () => {
    const { reasons } = ask(
      [
        allowPods,
        { Effect: 'Allow', Action: '*', Principal: '*' },
        { Sid: 'Guard', Effect: 'Deny', NotPrincipal: { AWS: role }, Action: '*' },
      ],
      request({}, { principal: caller }),
    );
    expect(reasons).toEqual([
      {
        message: '"Guard": NotPrincipal names the principal in part: its account, role and session must all be named',
        statement: 'Guard',
        effect: 'Deny',
        action: 'sts:AssumeRole',
      },
    ]);
  });
});
