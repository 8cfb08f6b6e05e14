/** What IAM checks of a trust policy when it is stored. Texts as users report them (opstrace#88, aws-cdk#18564). */
import { z } from 'zod';
import { findRole } from '../world/world.ts';
import type { World } from '../world/world.ts';
import { QueryError } from './query-protocol.ts';

const oneOrMore = z.union([z.string(), z.array(z.string())]);
const principal = z.union([z.literal('*'), z.partialRecord(z.enum(['AWS', 'Service', 'Federated', 'CanonicalUser']), oneOrMore)]);
const statement = z.looseObject({
  Effect: z.enum(['Allow', 'Deny']),
  Principal: principal.optional(),
  NotPrincipal: principal.optional(),
  Action: oneOrMore.optional(),
  NotAction: oneOrMore.optional(),
  Condition: z.record(z.string(), z.record(z.string(), z.unknown())).optional(),
});
export type TrustStatement = z.infer<typeof statement>;
const policy = z.looseObject({
  Version: z.enum(['2008-10-17', '2012-10-17']).optional(),
  Statement: z.union([statement, z.array(statement).min(1)]),
});

/** Characters without white space: the default quota, which AWS raises on request. */
const TRUST_POLICY_QUOTA = 2048;

const malformed = (message: string): QueryError => new QueryError(400, 'MalformedPolicyDocument', message);

export const listOf = (value: string | string[] | undefined): string[] => (value === undefined ? [] : [value].flat());

/** The statements of a stored trust policy; none where it is no policy at all. */
export const trustStatements = (text: string): TrustStatement[] => {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    return [];
  }
  const parsed = policy.safeParse(document);
  return parsed.success ? [parsed.data.Statement].flat() : [];
};

export const checkTrustPolicy = (world: World, text: string): void => {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    throw malformed('This policy contains invalid Json');
  }
  const parsed = policy.safeParse(document);
  if (!parsed.success) throw malformed('Syntax errors in policy.');
  for (const { Principal: who, Action: action, ...rest } of [parsed.data.Statement].flat()) {
    if ('Resource' in rest || 'NotResource' in rest) throw malformed('Has prohibited field Resource');
    if (who === undefined && rest.NotPrincipal === undefined) throw malformed('Missing required field Principal');
    if (action === undefined && rest.NotAction === undefined) throw malformed('Missing required field Action');
    const foreign = listOf(action).find((name) => name !== '*' && !name.toLowerCase().startsWith('sts:'));
    if (foreign !== undefined) throw malformed('AssumeRole policy may only specify STS AssumeRole actions.');
    if (who === undefined || who === '*') continue;
    for (const arn of listOf(who.AWS)) {
      // A role principal must exist; accounts and roles that the world does not know belong to somebody else.
      const [, , , , account = '', resource = ''] = arn.split(':');
      if (resource.startsWith('role/') && world.accounts.has(account) && !findRole(world, arn)) {
        throw malformed(`Invalid principal in policy: "AWS":"${arn}"`);
      }
    }
  }
  if (text.replace(/\s/g, '').length > TRUST_POLICY_QUOTA) {
    throw new QueryError(409, 'LimitExceeded', `Cannot exceed quota for ACLSizePerRole: ${TRUST_POLICY_QUOTA}`);
  }
};
