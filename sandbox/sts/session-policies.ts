/** Session policies: what AssumeRole is given to limit the session that it makes. */
import { parsePolicy } from '../../lambdas/domain/policy/index.ts';
import type { Constraint } from '../constraint.ts';
import { checkParameters, QueryError, required, structuresOf } from '../iam/query-protocol.ts';
import { documentOf, findManagedPolicy } from '../iam/role-policies.ts';
import { malformed } from '../iam/trust-policy.ts';
import { ARN } from '../iam/wire.ts';
import { isJson } from '../json.ts';
import type { World } from '../world/world.ts';

/** API reference, AssumeRole: the most that one call may name. */
const MOST_POLICIES = 10;

/**
 * "The plaintext that you use for both inline and managed session policies can't exceed 2,048 characters"; the packed
 * size is not played.
 */
export const SESSION_POLICY: Constraint = { length: { min: 1, max: 2048 }, pattern: /^[\t\n\r -\xff]+$/ };

/**
 * Texts: IAM's for other policies. Those of STS are not known; the API reference says only that they describe the
 * fault.
 */
const inlineOf = (text: string): string => {
  if (!isJson(text)) throw malformed('This policy contains invalid Json');
  const policy = parsePolicy(text, 'identity');
  if (policy.valid) return text;
  throw malformed(
    /\b(Not)?Principal$/.test(policy.path)
      ? 'Policy document should not specify a principal.'
      : 'Syntax errors in policy.',
  );
};

/**
 * A managed policy of the role's account. What STS answers for one that is not there is not known: of the errors that
 * the API reference of AssumeRole lists MalformedPolicyDocument is the nearest, and the text is IAM's for attaching it
 * (aws/aws-cdk#17278).
 */
const managedOf = (world: World, account: string, arn: string): string => {
  const policy = findManagedPolicy(world, account, arn);
  if (policy) return documentOf(policy);
  // AWS has many more of its own than the world has been told of.
  if (arn.split(':')[4] === 'aws') return documentOf({ arn });
  throw malformed(`Policy ${arn} does not exist or is not attachable.`);
};

/**
 * JSON texts of the session policies that a call has, the inline one first; undefined for a call without any. Throws
 * QueryError.
 */
export const sessionPoliciesOf = (
  world: World,
  account: string,
  parameters: Map<string, string>,
): string[] | undefined => {
  const inline = parameters.get('Policy');
  const descriptors = structuresOf(parameters, 'PolicyArns');
  for (const descriptor of descriptors) checkParameters(descriptor, { arn: ARN });
  // AWS's text is not known.
  if (descriptors.length > MOST_POLICIES)
    throw new QueryError(
      400,
      'ValidationError',
      `1 validation error detected: Value at 'policyArns' failed to satisfy constraint: Member must have length less than or equal to ${MOST_POLICIES}`,
    );
  if (inline === undefined && descriptors.length === 0) return undefined;
  return [
    ...(inline === undefined ? [] : [inlineOf(inline)]),
    ...descriptors.map((descriptor) => managedOf(world, account, required(descriptor, 'arn'))),
  ];
};
