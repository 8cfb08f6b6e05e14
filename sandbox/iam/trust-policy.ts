/**
 * IAM's validation of a trust policy when it is stored. Messages as reported by users (opstrace#88, aws-cdk#18564; for
 * service principals: terraform-aws-modules/terraform-aws-eks#1904).
 */
import { parsePolicy, type Statement } from '../../lambdas/domain/policy/index.ts';
import { renewSessionsOf } from '../credentials/sessions.ts';
import { findRole } from '../world/world.ts';
import type { RoleState, World } from '../world/world.ts';
import { QueryError } from './query-protocol.ts';

/** Returns the error for a policy document that IAM or STS does not accept. */
export const malformed = (message: string): QueryError => new QueryError(400, 'MalformedPolicyDocument', message);

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const servicesOf = (principal: unknown): string[] =>
  isRecord(principal) ? [principal['Service'] ?? []].flat().map(String) : [];

/** Returns whether an action of a policy has a wildcard in its service, as in `s?s:AssumeRole`. */
export const hasWildcardVendor = (document: unknown): boolean => {
  const statements = isRecord(document) ? [document['Statement']].flat().filter(isRecord) : [];
  const actions = statements.flatMap((one) => [one['Action'] ?? [], one['NotAction'] ?? []].flat().map(String));
  return actions.some((action) => /[*?]/.test(action.split(':').slice(0, -1)[0] ?? ''));
};

/** Throws QueryError for such a policy, with IAM's message (theserverlessway/aws-baseline#1). */
export const checkActionVendors = (document: unknown): void => {
  if (hasWildcardVendor(document)) throw malformed('Action vendors (e.g., aws, ec2, etc.) must not contain wildcards.');
};

/** Checks for fields whose absence or presence IAM reports with a specific message. */
const checkFields = (document: unknown): void => {
  const list = isRecord(document) ? [document['Statement']].flat() : [];
  for (const statement of list.filter(isRecord)) {
    if ('Resource' in statement || 'NotResource' in statement) throw malformed('Has prohibited field Resource');
    // "Role trust policies do not support NotPrincipal" (IAM User Guide, "IAM policy validation check reference").
    // AWS's message is not known; this is Kinesis's message for a stream's policy.
    if ('NotPrincipal' in statement) throw malformed('Has prohibited field NotPrincipal');
    if (!('Principal' in statement)) throw malformed('Missing required field Principal');
    // aws/aws-cdk#5732; with Deny: aws/aws-cdk#10994.
    if (statement['Principal'] === '*') throw malformed('AssumeRolepolicy contained an invalid principal: "STAR":"*".');
    for (const name of servicesOf(statement['Principal']).filter((service) => /[*?]/.test(service)))
      throw malformed(`Invalid principal in policy: "SERVICE":"${name}"`);
    if (!('Action' in statement || 'NotAction' in statement)) throw malformed('Missing required field Action');
  }
};

const checkStatement = (world: World, { action, principals }: Statement): void => {
  const foreign = action.patterns.find((name) => name !== '*' && !name.toLowerCase().startsWith('sts:'));
  if (foreign !== undefined) throw malformed('AssumeRole policy may only specify STS AssumeRole actions.');
  for (const arn of principals?.named.get('AWS') ?? []) {
    // A role named as principal has to exist. Accounts outside the world are unknown, so their roles are not checked.
    const [, , , , account = '', resource = ''] = arn.split(':');
    if (resource.startsWith('role/') && world.accounts.has(account) && !findRole(world, arn))
      throw malformed(`Invalid principal in policy: "AWS":"${arn}"`);
  }
};

/** Throws QueryError for a trust policy that IAM does not accept. */
export const checkTrustPolicy = (world: World, text: string): void => {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    throw malformed('This policy contains invalid Json');
  }
  checkFields(document);
  checkActionVendors(document);
  const policy = parsePolicy(text, 'trust');
  if (!policy.valid) throw malformed('Syntax errors in policy.');
  for (const statement of policy.statements) checkStatement(world, statement);
  const quota = world.knobs.trustPolicyQuota;
  if (text.replace(/\s/g, '').length > quota)
    throw new QueryError(409, 'LimitExceeded', `Cannot exceed quota for ACLSizePerRole: ${quota}`);
};

/** Replaces a role's trust policy; IAM itself returns the new one at once. Throws QueryError if it is not valid. */
export const updateTrustPolicy = (world: World, role: RoleState, text: string): void => {
  checkTrustPolicy(world, text);
  renewSessionsOf(world, role.arn);
  const now = world.schedule.now();
  role.pastTrust = [
    ...role.pastTrust.filter(({ replacedAt }) => replacedAt + world.knobs.trustLagSeconds * 1000 > now),
    { text: role.trustPolicy, replacedAt: now },
  ];
  role.trustPolicy = text;
};
