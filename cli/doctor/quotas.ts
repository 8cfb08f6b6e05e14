/** Quotas of AWS that a deployment touches: those that IAM names are compared, the others are listed. */
import { GetAccountSummaryCommand } from '@aws-sdk/client-iam';
import { type Check, fail, pass, unknown } from '../../lambdas/domain/terms/check.ts';
import { shellCommand } from '../../lambdas/domain/text/shell.ts';
import type { AwsSession } from '../aws/session.ts';
import { isDenied } from './read.ts';

/**
 * The most that the stack creates with any configuration, which a test compares with the templates. Functions, state
 * machines, log groups and alarms are left out: their quotas are thousands, or there are none.
 */
export const NEEDED = { resources: 475, roles: 39, rules: 6, functions: 32 };

/** Default quotas (IAM, EventBridge and CloudFormation user guides). */
const DEFAULTS = { resources: 500, roles: 1000, rules: 300 };

/** The roles of an account, and how many it may have. */
export interface RoleCount {
  roles: number;
  quota: number;
}

/** Returns the numbers as IAM knows them, or why they could not be read. */
export const readRoleCount = async ({
  clients,
}: Pick<AwsSession, 'clients'>): Promise<RoleCount | { unread: string }> => {
  try {
    const { SummaryMap: { Roles: roles, RolesQuota: quota } = {} } = await clients
      .iam()
      .send(new GetAccountSummaryCommand({}));
    return roles === undefined || quota === undefined ? { unread: 'IAM did not name them' } : { roles, quota };
  } catch (error) {
    if (isDenied(error)) return { unread: 'iam:GetAccountSummary is not allowed' };
    return { unread: `iam:GetAccountSummary: ${error instanceof Error ? error.name : String(error)}` };
  }
};

/** IAM's quota of roles in an account. Service Quotas keeps IAM's quotas in one region. */
const RAISE = shellCommand([
  'aws',
  'service-quotas',
  'request-service-quota-increase',
  '--region',
  'us-east-1',
  '--service-code',
  'iam',
  '--quota-code',
  'L-FE177D64',
  '--desired-value',
]);

/** Returns the check of the quota of roles, and what is not read. */
export const checkQuotas = (counted: RoleCount | { unread: string }): Check[] => {
  const { resources, roles: needed, rules, functions } = NEEDED;
  const roles = 'unread' in counted ? unreadRoles(needed, counted.unread) : checkRoles(needed, counted);
  return [
    roles,
    unknown(
      'other-quotas',
      `The stack has up to ${resources} resources (${DEFAULTS.resources} per stack are allowed), ${rules} rules on the default event bus (${DEFAULTS.rules} by default; 100 in some regions), and ${functions} functions, which run only while something is migrated. How much of these the account uses was not read.`,
      `To count the rules: ${shellCommand(['aws', 'events', 'list-rules', '--query', 'length(Rules)'])}`,
    ),
  ];
};

const unreadRoles = (needed: number, why: string): Check =>
  unknown(
    'role-quota',
    `The stack has up to ${needed} IAM roles. How many the account has could not be read (${why}); ${DEFAULTS.roles} are allowed by default.`,
    'To compare Roles with RolesQuota: aws iam get-account-summary',
  );

const checkRoles = (needed: number, { roles, quota }: RoleCount): Check => {
  const text = `The stack has up to ${needed} IAM roles, and the account has ${roles} of at most ${quota}`;
  return roles + needed <= quota
    ? pass('role-quota', `${text}.`)
    : fail(
        'role-quota',
        `${text}: a new stack does not fit.`,
        `Delete unused roles, or raise the quota: ${RAISE} ${roles + needed}`,
      );
};
