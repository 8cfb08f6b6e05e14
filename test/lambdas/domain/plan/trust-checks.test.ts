/** What a plan says of trust policies, as they are and as a repair would make them. */
import { describe, expect, it } from 'vitest';
import { parseTrust } from '../../../../lambdas/domain/trust/policy.ts';
import type { Check } from '../../../../lambdas/domain/terms/check.ts';
import type { MigrationRequestInput } from '../../../../lambdas/domain/request/request.ts';
import type { Plan } from '../../../../lambdas/domain/record/plan.ts';
import type { AddonFacts as Facts } from '../../../../lambdas/domain/plan/facts.ts';
import { blockingChecks, planMigration } from '../../../../lambdas/domain/plan/plan.ts';
import { samePolicy } from '../../../../lambdas/domain/trust/repair.ts';
import { bothWays, irsaStatement, podIdentityStatement, policyText } from '../../trust-examples.ts';
import { aCluster, anAssociation } from '../../eks-fixtures.ts';
import { aRequest, someFacts, GRANTED, trusting, OTHER_ROLE, ROLE, ROLES_OF_ACCOUNT } from '../../fixtures.ts';
import { said, matching } from '../../matchers.ts';

const CLUSTER_ARN = 'arn:aws:eks:eu-west-1:111122223333:cluster/dev';
type Input = Partial<MigrationRequestInput>;
const trusts = (...statements: unknown[]) => trusting(policyText(...statements));
const planOf = (statements: unknown[], request: Input = {}, change: Partial<Facts> = {}): Plan =>
  planMigration(
    someFacts({ request: aRequest(request), roles: trusts(...statements), roleGrants: GRANTED, ...change }),
  );
const checksOf = (plan: Plan, id: string): Check[] => plan.checks.filter((check) => check.id === id);
const checkOf = (plan: Plan, id: string): Check => checksOf(plan, id)[0]!;
const ACCEPTED = { accept: ['condition-key:aws:SourceIp'] };
const trustOf = (...given: Parameters<typeof planOf>): Check => checkOf(planOf(...given), 'role-trust');
const withCondition = (condition: object): object => ({ ...podIdentityStatement, Condition: condition });

/** Its value can't be known beforehand. */
const ADDRESS = { ...withCondition({ IpAddress: { 'aws:SourceIp': '10.0.0.0/8' } }), Sid: 'ByAddress' };
const TAGGED = withCondition({ StringEquals: { 'aws:RequestTag/kubernetes-namespace': 'kube-system' } });
const DENY = { ...podIdentityStatement, Sid: 'NoPods', Effect: 'Deny', Action: 'sts:TagSession' };
const PROVIDER_ARN = irsaStatement.Principal.Federated;
const REPAIR = { trust: 'repair' } as const;
const ENABLED = { repairableRoleArns: [ROLES_OF_ACCOUNT] };

const NOT_ALLOWED = /ebs-csi does not allow pods\.eks\S+com for kube-system\/ebs-csi-controller-sa\./;
const OF_TWO = withCondition({ ArnEquals: { 'aws:SourceArn': `${CLUSTER_ARN}-2` } });
const ANY_SERVICE = { ...withCondition({}), Principal: { Service: '*' } };

describe('role-trust', () => {
  type Row = [what: string, statements: unknown[], status: Check['status'], message: RegExp[]];
  it.each<Row>([
    ['is for IRSA only', [irsaStatement], 'fail', [NOT_ALLOWED]],
    ['lacks sts:TagSession', [{ ...podIdentityStatement, Action: 'sts:AssumeRole' }], 'fail', [/sts:TagSession/]],
    [
      'is for another namespace',
      [withCondition({ StringEquals: { 'aws:RequestTag/kubernetes-namespace': 'web' } })],
      'fail',
      [/PodIdentity/, /aws:RequestTag\/kubernetes-namespace/, /web/, /kube-system/],
    ],
    ['is for another cluster', [OF_TWO], 'fail', [/PodIdentity/, /aws:SourceArn/, /cluster\/dev-2/]],
    ['has a Deny', [irsaStatement, podIdentityStatement, DENY], 'fail', [/NoPods/, /sts:TagSession/]],
    ['looks at an address', [ADDRESS], 'unknown', [/may not allow/, /ByAddress/, /aws:SourceIp/]],
    [
      'compares tag keys without a set operator',
      [withCondition({ StringLike: { 'aws:TagKeys': '*' } })],
      'unknown',
      [/may not allow/, /"PodIdentity": aws:TagKeys: the key may have several values/, /or ForAnyValue:\./],
    ],
    [
      'allows all but others',
      [{ ...withCondition({}), Principal: undefined, NotPrincipal: { AWS: '444455556666' } }],
      'fail',
      [/does not allow/, /Statement\[0\]\.NotPrincipal: cannot be used with "Effect": "Allow"/],
    ],
    ['allows services', [ANY_SERVICE], 'fail', [/Statement\[0\]\.Principal\.Service: "\*" does not match services/]],
    [
      'has a key that begins with the ARN of the provider',
      [withCondition({ StringEquals: { [`${PROVIDER_ARN}:aud`]: 'sts.amazonaws.com' } })],
      'fail',
      [/oidc-provider\/.*:aud is not part of the request/, /no request has a key that begins with the ARN/],
    ],
  ])(
    'blocks where it %s, and names statement, key, what is wanted and what is there',
    (_, statements, status, messages) => {
      const plan = planOf(statements);
      const check = checkOf(plan, 'role-trust');
      expect(check.status).toBe(status);
      for (const message of messages) expect(check.message).toMatch(message);
      expect([plan.verdict, blockingChecks(plan), plan.trustRepairs]).toEqual(['blocked', ['role-trust'], []]);
    },
  );

  it('warns where only a statement for every AWS principal lets the pods in, which EKS may not take', () => {
    const everybody = { ...podIdentityStatement, Sid: 'Everybody', Principal: { AWS: '*' } };
    const plan = planOf([irsaStatement, everybody]);
    expect(checkOf(plan, 'role-trust')).toMatchObject(
      said('warn', 'only through a statement for any principal', 'pods.eks.amazonaws.com'),
    );
    expect(plan.verdict).toBe('migrate');
    expect(checkOf(planOf([irsaStatement, everybody, podIdentityStatement]), 'role-trust').status).toBe('pass');
  });

  it('says where a policy is no policy', () => {
    const roles = trusting('{"Version":"2012-10-17","Statement":[{"Effect":"Maybe"}]}');
    expect(checkOf(planMigration(someFacts({ roles })), 'role-trust')).toMatchObject(
      said('fail', 'Statement[0].Effect'),
    );
  });

  it('shows the least privilege statement, and that the service could add it where it may', () => {
    const { remedy = '' } = checkOf(planOf([irsaStatement], {}, ENABLED), 'role-trust');
    for (const part of [
      'Add this statement',
      'keep the others',
      `"aws:SourceArn":"${CLUSTER_ARN}"`,
      '"aws:SourceAccount":"111122223333"',
      '"aws:RequestTag/kubernetes-service-account":"ebs-csi-controller-sa"',
      ' of 2,048 characters',
    ])
      expect(remedy).toContain(part);
    expect(remedy).toMatch(/--trust repair does that\.$/);
    expect(checkOf(planOf([irsaStatement]), 'role-trust').remedy).toContain(
      `--trust repair does that, if the CDK context repairableRoleArns covers ${ROLE}.`,
    );
  });

  it('explains a Deny instead, which no statement helps against', () => {
    const { remedy = '' } = checkOf(planOf([irsaStatement, podIdentityStatement, DENY], {}, ENABLED), 'role-trust');
    expect(remedy).toContain('NoPods');
    expect(remedy).not.toContain('--trust repair');
  });

  describe('with a key that can not be known', () => {
    it('says how to accept it', () => {
      const { remedy = '' } = checkOf(planOf([ADDRESS]), 'role-trust');
      for (const part of ['--accept condition-key:aws:SourceIp', '(in a request: accept)'])
        expect(remedy).toContain(part);
    });
    it.each(['aws:SourceIp', 'AWS:sourceip'])('warns once it is accepted as %s', (key) => {
      const plan = planOf([irsaStatement, ADDRESS], { accept: [`condition-key:${key}`] });
      expect(plan.verdict).toBe('migrate');
      expect(checkOf(plan, 'role-trust')).toMatchObject(
        said('warn', /provided that the accepted conditions hold: aws:SourceIp/i, /\w/),
      );
    });
    it('does not warn where another statement decides it', () =>
      expect(trustOf([irsaStatement, podIdentityStatement, ADDRESS], ACCEPTED).status).toBe('pass'));
    it('is not helped by another key', () =>
      expect(checkOf(planOf([ADDRESS], { accept: ['condition-key:aws:SourceVpc'] }), 'role-trust').status).toBe(
        'unknown',
      ));
  });

  describe('of an association that loses its session tags', () => {
    const carried = { associations: [anAssociation({ disableSessionTags: true })] };
    it('must let both forms in', () => {
      expect(trustOf([irsaStatement, podIdentityStatement], {}, carried).status).toBe('pass');
      expect(trustOf([irsaStatement, TAGGED]).status).toBe('pass');
    });
    it('fails where it needs the tags', () => {
      const check = checkOf(planOf([irsaStatement, TAGGED], {}, carried), 'role-trust');
      const why = /Without session tags, which its association will have disabled: .*kubernetes-namespace/;
      expect(check).toMatchObject(said('fail', why));
      expect(check.remedy).not.toContain('RequestTag/kubernetes-service-account');
    });
    it('fails where it forbids them, since it is made with them', () => {
      const untagged = withCondition({ Null: { 'aws:RequestTag/kubernetes-namespace': 'true' } });
      const why = 'With session tags, which its association has until they are disabled';
      expect(trustOf([irsaStatement, untagged], {}, carried)).toMatchObject(said('fail', why));
    });
    it('is repaired for both', () => {
      const plan = planOf([irsaStatement, TAGGED], REPAIR, { ...carried, ...ENABLED });
      expect([plan.verdict, plan.trustRepairs.length]).toEqual(['migrate', 1]);
    });
  });
});

describe('a repair that was asked for', () => {
  it('is planned, told before it is done, and leaves what is there', () => {
    const plan = planOf([irsaStatement], REPAIR, ENABLED);
    expect([plan.verdict, blockingChecks(plan)]).toEqual(['migrate', []]);
    expect(checkOf(plan, 'role-trust')).toMatchObject(
      said(
        'warn',
        /A statement for it is added to the trust policy of role ebs-csi before anything else; the policy then has \d[\d,]* of 2,048 characters\. A rollback removes the statement\.$/,
      ),
    );
    expect(checkOf(plan, 'trust-repair').status).toBe('pass');
    const [repair] = plan.trustRepairs;
    expect(plan.trustRepairs).toHaveLength(1);
    expect(repair).toMatchObject({
      roleArn: ROLE,
      before: policyText(irsaStatement),
      statement: { Effect: 'Allow', Principal: { Service: 'pods.eks.amazonaws.com' } },
    });
    expect(samePolicy(repair!.after, policyText(irsaStatement, repair!.statement))).toBe(true);
    expect(checkOf(planMigration(someFacts({ roles: trusting(repair!.after) })), 'role-trust').status).toBe('pass');
    expect(checkOf(plan, 'rollback-trust').status).toBe('pass');
  });

  it('is nothing where the trust lets them in', () => {
    const plan = planMigration(someFacts({ request: aRequest(REPAIR), ...ENABLED }));
    const statuses = ['role-trust', 'trust-repair'].map((id) => checkOf(plan, id).status);
    expect([plan.verdict, plan.trustRepairs, statuses]).toEqual(['migrate', [], ['pass', 'pass']]);
  });
  it('is nothing that a request without it speaks of', () =>
    expect(checksOf(planOf([irsaStatement], {}, ENABLED), 'trust-repair')).toEqual([]));

  it.each<[string, string[], RegExp]>([
    ['is not enabled', [], /does not have the repair of trust policies enabled/],
    [
      'is enabled for other roles',
      ['arn:aws:iam::1:role/team/*'],
      /may change only those of arn:aws:iam::1:role\/team\/\*/,
    ],
  ])('blocks where it %s, and says what to set', (_, repairableRoleArns, message) => {
    const plan = planOf([irsaStatement], REPAIR, { repairableRoleArns });
    const blocking = ['role-trust', 'trust-repair'];
    expect([plan.verdict, blockingChecks(plan), plan.trustRepairs]).toEqual(['blocked', blocking, []]);
    expect(checkOf(plan, 'trust-repair')).toMatchObject(
      said('fail', message, `Add ${ROLE} to the CDK context repairableRoleArns and deploy`),
    );
    expect(checkOf(plan, 'role-trust').remedy).toContain('Add this statement');
  });

  it.each<[string, unknown[], RegExp]>([
    ['a Deny stands against it', [irsaStatement, podIdentityStatement, DENY], /NoPods/],
    ['the policy would be too long', [irsaStatement, { ...irsaStatement, Sid: 'x'.repeat(900) }], /2048|2,048/],
  ])('blocks where %s, with why and what to do', (_, statements, remedy) => {
    const plan = planOf(statements, REPAIR, ENABLED);
    expect([blockingChecks(plan), plan.trustRepairs]).toEqual([['role-trust'], []]);
    expect(checkOf(plan, 'role-trust')).toMatchObject({ status: 'fail', remedy: matching(remedy) });
  });
  it('blocks where a Deny can not be decided, unless its key is accepted', () => {
    const maybe = { ...DENY, Condition: { IpAddress: { 'aws:SourceIp': '10.0.0.0/8' } } };
    expect(checkOf(planOf([irsaStatement, maybe], REPAIR, ENABLED), 'role-trust')).toMatchObject({ status: 'fail' });
    const accepted = planOf([irsaStatement, maybe], { ...REPAIR, accept: ['condition-key:aws:SourceIp'] }, ENABLED);
    expect([accepted.verdict, accepted.trustRepairs.length]).toEqual(['migrate', 1]);
  });

  it('is one for each role, for all service accounts that lack it', () => {
    const podIdentity = ['ebs-csi-controller-sa', 'second-sa', 'third-sa'].map((serviceAccount) => {
      return { serviceAccount, recommendedManagedPolicies: [] };
    });
    const trust = { trustPolicy: parseTrust(policyText(irsaStatement)) };
    const facts = { ...ENABLED, podIdentity, roles: { [ROLE]: trust, [OTHER_ROLE]: trust } };
    const plan = planOf([], { ...REPAIR, roles: { 'third-sa': OTHER_ROLE } }, facts);
    expect(plan.trustRepairs.map((one) => one.roleArn)).toEqual([ROLE, OTHER_ROLE]);
    for (const account of ['ebs-csi-controller-sa', 'second-sa'])
      expect(JSON.stringify(plan.trustRepairs[0])).toContain(account);
    expect(checksOf(plan, 'role-trust').map((check) => check.status)).toEqual(['warn', 'warn', 'warn']);
    expect(plan.steps[1]?.what).toContain(
      'role ebs-csi (for kube-system/ebs-csi-controller-sa, kube-system/second-sa) and of role third-party (for kube-system/third-sa)',
    );
  });
  it('is not part of a plan that something else blocks', () => {
    for (const blocks of [{ cluster: aCluster({ status: 'UPDATING' }) }, { passableRoleArns: [] }])
      expect(planOf([irsaStatement], REPAIR, { ...ENABLED, ...blocks }).trustRepairs).toEqual([]);
  });
});

describe('rollback-trust', () => {
  const withSubjects = (change: (entry: [string, string]) => [string, string]) => ({
    ...irsaStatement,
    Condition: { StringEquals: Object.fromEntries(Object.entries(irsaStatement.Condition.StringEquals).map(change)) },
  });
  it('says why the OIDC trust is closed', () => {
    const other = withSubjects(([key, value]) => [key, value.replace('ebs-csi', 'efs-csi')]);
    expect(checkOf(planOf([podIdentityStatement, other]), 'rollback-trust')).toMatchObject(
      said('warn', /Irsa.*efs-csi-controller-sa/),
    );
  });
  it('looks for the provider of the account that the IRSA role is in', () => {
    const other = ROLE.replace('111122223333', '444455556666');
    const of = (trustPolicy: string): Check => {
      const { addon } = someFacts();
      const facts = someFacts({
        addon: { ...addon!, serviceAccountRoleArn: other },
        roles: { [ROLE]: { trustPolicy: parseTrust(bothWays) }, [other]: { trustPolicy: parseTrust(trustPolicy) } },
      });
      return checkOf(planMigration(facts), 'rollback-trust');
    };
    expect(of(policyText(irsaStatement)).message).toContain('does not certainly allow');
    expect(of(policyText(irsaStatement).replaceAll('111122223333', '444455556666')).status).toBe('pass');
  });
  it("explains a condition key that begins with the provider's ARN", () => {
    const misnamed = withSubjects(([key, value]) => [key.replace(/^.*(?=:)/, PROVIDER_ARN), value]);
    const name = PROVIDER_ARN.replace(/^.*oidc-provider\//, '');
    const { status, message } = checkOf(planOf([podIdentityStatement, misnamed]), 'rollback-trust');
    expect(status).toBe('warn');
    expect(message).toContain(
      `${PROVIDER_ARN}:sub is not part of the request, StringEquals requires system:serviceaccount:kube-system:ebs-csi-controller-sa: no request has a key that begins with the ARN of an OIDC provider; write ${name}:sub instead.`,
    );
  });
  it('counts an accepted key as met', () => {
    const Condition = { ...irsaStatement.Condition, IpAddress: { 'aws:SourceIp': '10.0.0.0/8' } };
    const address = { ...irsaStatement, Condition };
    expect(checkOf(planOf([podIdentityStatement, address]), 'rollback-trust').status).toBe('warn');
    expect(checkOf(planOf([podIdentityStatement, address], ACCEPTED), 'rollback-trust').status).toBe('pass');
  });
  it('takes the policy URL-encoded too', () => {
    const plan = planMigration(someFacts({ roles: trusting(encodeURIComponent(bothWays)) }));
    expect([checkOf(plan, 'role-trust').status, checkOf(plan, 'rollback-trust').status]).toEqual(['pass', 'pass']);
  });
});
