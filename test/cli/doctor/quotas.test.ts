/** The quotas that a deployment touches. */
import { GetAccountSummaryCommand, IAMClient } from '@aws-sdk/client-iam';
import { mockClient } from 'aws-sdk-client-mock';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { checkQuotas, NEEDED, readRoleCount } from '../../../cli/doctor/quotas.ts';
import { DEFAULT, EVERYTHING, LIST_MAXIMA } from '../../lib/configurations.ts';
import { synthesised } from '../../lib/synthesised.ts';

describe('what the stack needs', () => {
  const countsOf = ({ context, settings }: typeof EVERYTHING) => {
    const { Resources } = synthesised(context, settings).hub;
    const all = Object.values(Resources);
    const of = (type: string): number => all.filter(({ Type }) => Type === type).length;
    return {
      resources: all.length,
      roles: of('AWS::IAM::Role'),
      rules: of('AWS::Events::Rule'),
      functions: of('AWS::Lambda::Function'),
    };
  };

  it('is what the templates contain', () => {
    const counts = [DEFAULT, EVERYTHING, LIST_MAXIMA].map(countsOf);
    const most = (name: keyof typeof NEEDED): number => Math.max(...counts.map((one) => one[name]));
    expect({
      resources: most('resources'),
      roles: most('roles'),
      rules: most('rules'),
      functions: most('functions'),
    }).toEqual(NEEDED);
  });
});

describe("the account's roles", () => {
  const iam = mockClient(IAMClient);
  afterEach(() => iam.reset());
  // Test files share their process: the real clients must work in the next one.
  afterAll(() => iam.restore());
  const read = () => readRoleCount({ clients: { iam: () => new IAMClient({}) } as never });
  const check = (counted: Parameters<typeof checkQuotas>[0]) => checkQuotas(counted)[0];

  it('are read from IAM', async () => {
    iam.on(GetAccountSummaryCommand).resolves({ SummaryMap: { Roles: 12, RolesQuota: 1000 } });
    expect(await read()).toEqual({ roles: 12, quota: 1000 });
    iam.on(GetAccountSummaryCommand).resolves({});
    expect(await read()).toEqual({ unread: 'IAM did not name them' });
    iam
      .on(GetAccountSummaryCommand)
      .rejects(Object.assign(new Error('User is not authorized'), { name: 'AccessDenied' }));
    expect(await read()).toEqual({ unread: 'iam:GetAccountSummary is not allowed' });
    iam.on(GetAccountSummaryCommand).rejects(Object.assign(new Error('Try later'), { name: 'ServiceFailure' }));
    expect(await read()).toEqual({ unread: 'iam:GetAccountSummary: ServiceFailure' });
  });

  it.each<[number, string]>([
    [0, 'pass'],
    [1000 - NEEDED.roles, 'pass'],
    [1001 - NEEDED.roles, 'fail'],
    [1000, 'fail'],
  ])('leave room for the stack if they are %s of 1000: %s', (roles, status) => {
    const { remedy, ...checked } = check({ roles, quota: 1000 })!;
    expect(checked.status).toBe(status);
    expect(remedy?.endsWith(`--quota-code L-FE177D64 --desired-value ${roles + NEEDED.roles}`) ?? false).toBe(
      status === 'fail',
    );
  });

  it('stay open if they could not be read, as all other quotas do', () => {
    const checks = checkQuotas({ unread: 'iam:GetAccountSummary is not allowed' });
    expect(checks.map(({ id, status }) => `${id} ${status}`)).toEqual(['role-quota unknown', 'other-quotas unknown']);
    expect(checks[0]!.message).toContain('(iam:GetAccountSummary is not allowed); 1000 are allowed by default');
    expect(checks[1]!.message).toContain(`${NEEDED.resources} resources (500 per stack`);
  });
});
