/** What doctor decides from what it has read. */
import { describe, expect, it } from 'vitest';
import { checkCaller, checkClock, checkExpiry, checkVersions, isSkew } from '../../../cli/doctor/checks.ts';
import {
  checkAccess,
  checkCluster,
  checkEndpoint,
  checkProvider,
  checkQuota,
  type EndpointFact,
} from '../../../cli/doctor/cluster-checks.ts';
import { parseDoctorFlags } from '../../../cli/doctor/options.ts';
import { checkPermissions, grantRemedy, PLAN_ACTIONS, policyFor } from '../../../cli/doctor/permissions.ts';
import { checkBootstrap } from '../../../cli/doctor/purposes.ts';
import { checkService, serviceOf } from '../../../cli/doctor/service.ts';
import { mergedAnswers } from '../../../cli/doctor/read-cluster.ts';
import { targetGrants } from '../../../lib/permissions/targets.ts';
import { aCluster } from '../../lambdas/fixtures.ts';
import { TARGET } from '../fixtures.ts';
import { words } from '../../words.ts';
import { containing, matching, said } from '../../lambdas/matchers.ts';

const ROLE = 'arn:aws:iam::111122223333:role/team/reader';
const SESSION = 'arn:aws:sts::111122223333:assumed-role/reader/anna';

describe('this machine', () => {
  it.each([
    ['v24.18.0', 'pass'],
    ['v20.0.0', 'pass'],
    ['v18.20.4', 'fail'],
    ['nonsense', 'fail'],
  ])('has Node %s: %s', (node, status) => expect(checkVersions('0.1.0', node).status).toBe(status));

  it.each<[number | undefined, string, RegExp]>([
    [0, 'pass', /0 s off/],
    [-60, 'pass', /60 s off/],
    [61, 'warn', /61 s ahead of AWS/],
    [-300, 'warn', /300 s behind AWS/],
    [301, 'fail', /301 s ahead of AWS\. AWS refuses signatures/],
    [undefined, 'unknown', /did not say/],
  ])('has a clock that is %s s off: %s', (seconds, status, message) => {
    const check = checkClock(seconds);
    expect(check).toMatchObject(said(status, message));
    expect(check.remedy?.includes('timedatectl set-ntp true') ?? false).toBe(status !== 'pass');
  });

  it.each([
    'RequestTimeTooSkewed: The difference between the request time and the current time is too large.',
    'SignatureDoesNotMatch: Signature expired: 20260115T090000Z is now earlier than 20260115T091500Z',
    'InvalidSignatureException: Signature not yet current: 20260115T093000Z is still later than 20260115T091500Z',
  ])('knows that AWS refuses its clock: %s', (text) => expect(isSkew(text)).toBe(true));
  it('does not take other refusals for that', () => {
    expect(isSkew('ExpiredToken: The security token included in the request is expired')).toBe(false);
    expect(isSkew('SignatureDoesNotMatch: The request signature we calculated does not match')).toBe(false);
  });
});

describe('the credentials', () => {
  const where = { region: 'eu-west-1', endpoint: 'https://eks.eu-west-1.amazonaws.com' };
  it('are shown, and those of the root user are a warning', () => {
    expect(checkCaller({ ...where, caller: { account: '111122223333', arn: SESSION } }).status).toBe('pass');
    expect(
      checkCaller({ ...where, caller: { account: '111122223333', arn: 'arn:aws:iam::111122223333:root' } }),
    ).toMatchObject({ status: 'warn', remedy: containing('IAM role') });
  });

  it.each<[number | undefined, 'plan' | 'migrate', string]>([
    [undefined, 'plan', 'pass'],
    [60, 'migrate', 'pass'],
    [29, 'migrate', 'warn'],
    [29, 'plan', 'pass'],
    [4, 'plan', 'warn'],
    [-1, 'plan', 'warn'],
  ])('that last %s minutes are for %s a %s', (minutes, wanted, status) => {
    const expiresAt = minutes === undefined ? undefined : minutes * 60_000;
    const check = checkExpiry(expiresAt, 0, { wanted, login: 'aws sso login --profile dev' });
    expect(check.status).toBe(status);
    expect(check.remedy?.includes('aws sso login --profile dev') ?? false).toBe(status === 'warn');
  });
});

describe('the permissions', () => {
  const GRANT = { policyName: 'read', asked: [{ actions: ['eks:A'] }] };
  const of = (...answers: ('allowed' | 'denied' | 'unknown')[]) =>
    checkPermissions(
      answers.map((answer, index) => ({ action: `eks:Read${index}`, answer })),
      { what: 'make a plan', callerArn: SESSION, grant: GRANT },
    );

  it('pass, fail or stay open', () => {
    expect([of('allowed', 'allowed').status, of('allowed', 'unknown').status]).toEqual(['pass', 'unknown']);
    expect(of('allowed', 'unknown', 'denied')).toMatchObject({
      status: 'fail',
      message: 'These credentials lack permissions to make a plan: eks:Read2.',
    });
  });

  it('are given by a policy that has all of them, in a command where the caller is a role or a user', () => {
    const policy = policyFor([{ actions: ['eks:B', 'eks:A'] }, { actions: ['sts:AssumeRole'], resources: [ROLE] }]);
    expect(JSON.parse(policy)).toEqual({
      Version: '2012-10-17',
      Statement: [
        { Effect: 'Allow', Action: ['eks:A', 'eks:B'], Resource: '*' },
        { Effect: 'Allow', Action: ['sts:AssumeRole'], Resource: [ROLE] },
      ],
    });
    expect(grantRemedy(SESSION, GRANT)).toContain('aws iam put-role-policy --role-name reader --policy-name read');
    expect(grantRemedy('arn:aws:iam::111122223333:user/anna', GRANT)).toContain(
      'aws iam put-user-policy --user-name anna',
    );
    const sso = 'arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_Reader_0123456789abcdef/anna';
    expect(grantRemedy(sso, GRANT)).toMatch(/^Ask an administrator for a permission set .*"eks:A"/);
  });

  it("of a plan are those of the service's step", () => {
    const granted = targetGrants
      .plan({ passableRoleArns: ['*'], repairableRoleArns: [] } as unknown as Parameters<typeof targetGrants.plan>[0])
      .flatMap(({ actions }) => actions);
    expect([...new Set(granted)].sort()).toEqual([...PLAN_ACTIONS].sort());
  });

  it('count what was tried more than what the simulation says', () => {
    const merged = mergedAnswers(
      [
        { action: 'eks:ListAddons', answer: 'allowed' },
        { action: 'eks:DescribeAddon', answer: 'unknown' },
      ],
      PLAN_ACTIONS.map((action) => ({ action, answer: 'denied' })),
    );
    expect(merged.filter((one) => one.answer === 'allowed')).toEqual([{ action: 'eks:ListAddons', answer: 'allowed' }]);
    expect(merged).toHaveLength(PLAN_ACTIONS.length);
  });
});

describe('the cluster', () => {
  it('exists, or the others are named', () => {
    expect(checkCluster(TARGET, aCluster(), undefined).status).toBe('pass');
    expect(checkCluster(TARGET, aCluster({ status: 'CREATING' }), undefined).remedy).toMatch(
      /aws eks wait cluster-active --region eu-west-1 --name demo$/,
    );
    expect(checkCluster(TARGET, undefined, ['b', 'a']).message).toMatch(/Clusters there: a, b\.$/);
    expect(checkCluster(TARGET, undefined, []).message).toMatch(/eu-west-1 has no cluster in this account\.$/);
    expect(checkCluster(TARGET, undefined, undefined).message).toMatch(/of account 111122223333\.$/);
  });

  const endpoint: EndpointFact = {
    url: 'https://api.example',
    isPublic: true,
    isPrivate: true,
    publicCidrs: ['0.0.0.0/0'],
  };
  it.each<[string, Partial<EndpointFact>, string, RegExp]>([
    ['answers', {}, 'pass', /public and private endpoint/],
    ['is private', { isPublic: false, error: 'timed out' }, 'fail', /timed out\. Its endpoint is private/],
    ['admits some networks', { publicCidrs: ['192.0.2.0/24'], error: 'timed out' }, 'fail', /only 192\.0\.2\.0\/24/],
    ['does not answer', { error: 'connect ECONNREFUSED' }, 'fail', /ECONNREFUSED\.$/],
  ])('has an API server that %s', (_, change, status, message) =>
    expect(checkEndpoint(TARGET, { ...endpoint, ...change })).toMatchObject(said(status, message)),
  );

  it('admits the caller, or the remedy names an access entry for the role as IAM knows it', () => {
    const allowed = { what: 'pods', status: 'allowed' } as const;
    expect(checkAccess(TARGET, ROLE, [allowed]).status).toBe('pass');
    expect(checkAccess(TARGET, ROLE, [allowed, { what: 'nodes', status: 'unauthorised' }])).toMatchObject({
      status: 'fail',
      remedy: containing(`create-access-entry --region eu-west-1 --cluster-name demo --principal-arn ${ROLE}`),
    });
    expect(checkAccess(TARGET, ROLE, [allowed, { what: 'nodes', status: 'forbidden' }])).toMatchObject({
      status: 'fail',
      message: 'The API server does not let you list nodes.',
      remedy: expect.not.stringContaining('create-access-entry') as unknown,
    });
    // Without a role, the shell asks for it: a placeholder would be sent.
    expect(checkAccess(TARGET, undefined, [{ what: 'nodes', status: 'unauthorised' }]).remedy).toContain(
      'create-access-entry --region eu-west-1 --cluster-name demo --principal-arn "${ROLE_ARN:?set it to the ARN of your IAM role}"',
    );
    expect(checkAccess(TARGET, ROLE, [{ what: 'pods', status: 'failed', why: 'reset' }]).status).toBe('unknown');
  });

  it('has room for associations and a provider for IRSA, or warns', () => {
    expect([0, 4499, 4500, 5000].map((count) => checkQuota(TARGET, count).status)).toEqual(words`pass pass warn warn`);
    const oidcIssuer = 'https://oidc.eks.eu-west-1.amazonaws.com/id/ABC';
    expect([true, false, undefined].map((exists) => checkProvider(TARGET, { oidcIssuer }, exists).status)).toEqual([
      'pass',
      'warn',
      'unknown',
    ]);
  });
});

describe('a purpose', () => {
  it('migrate needs the service', () => {
    const missing = { message: 'account 1 has no stack Mine', hint: 'Add --stack\nTo list: aws x' };
    expect(checkService({ missing })).toMatchObject([
      {
        id: 'service',
        status: 'fail',
        message: 'Account 1 has no stack Mine.',
        remedy: matching(/^Add --stack\nTo list: aws x\n.* doctor --for deploy$/),
      },
    ]);
    const service = serviceOf(
      { POD_IDENTITY_API_URL: 'https://a1b2.execute-api.eu-west-1.amazonaws.com/v1' },
      '111122223333',
    );
    const api = 'arn:aws:execute-api:eu-west-1:111122223333:a1b2/v1';
    expect(service).toMatchObject({
      calls: [{ actions: ['execute-api:Invoke'], resources: [`${api}/GET/migrations`, `${api}/POST/migrations`] }],
      grant: [{ resources: expect.arrayContaining([`${api}/GET/*`]) as unknown }],
    });
    expect(checkService({ service }).map(({ status }) => status)).toEqual(['pass', 'pass']);
    expect(checkService({ service, refused: missing })).toMatchObject([
      { status: 'pass' },
      { id: 'service-answer', status: 'fail', remedy: 'Add --stack\nTo list: aws x' },
    ]);
    expect(() => serviceOf({}, '111122223333')).toThrow('POD_IDENTITY_STATE_MACHINE_ARN is not set');
    expect(() => serviceOf({ POD_IDENTITY_API_URL: 'http://example.com' }, '111122223333')).toThrow('must be the URL');
  });

  it('deploy needs the bootstrap of CDK', () => {
    const session = { caller: { account: '111122223333', arn: SESSION }, region: 'eu-west-1' };
    expect([true, false, undefined].map((exists) => checkBootstrap(session, exists).status)).toEqual([
      'pass',
      'fail',
      'unknown',
    ]);
    expect(checkBootstrap(session, false).remedy).toContain('npx cdk bootstrap aws://111122223333/eu-west-1');
  });

  it('is plan, migrate or deploy', () => {
    expect(parseDoctorFlags({}).for).toBe('plan');
    expect(() => parseDoctorFlags({ for: 'destroy' })).toThrow(/--for "destroy" must be plan, migrate or deploy/);
  });
});
