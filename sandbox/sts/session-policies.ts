/** Session policies, which limit a session that AssumeRole creates. */
import { parsePolicy } from '../../lambdas/domain/policy/index.ts';
import type { Constraint } from '../constraint.ts';
import { checkParameters, QueryError, required, structuresOf } from '../iam/query-protocol.ts';
import { documentOf, findManagedPolicy } from '../iam/role-policies.ts';
import { malformed } from '../iam/trust-policy.ts';
import { ARN } from '../iam/wire.ts';
import { isJson } from '../json.ts';
import type { World } from '../world/world.ts';

/** Maximum of managed policies in one call (API reference, AssumeRole). */
const MOST_POLICIES = 10;

/**
 * "The plaintext that you use for both inline and managed session policies can't exceed 2,048 characters"; the packed
 * size is not simulated.
 */
export const SESSION_POLICY: Constraint = { length: { min: 1, max: 2048 }, pattern: /^[\t\n\r -\xff]+$/ };

/**
 * Validates an inline session policy. Messages are IAM's for other policies; STS's messages are not known (according to
 * the API reference, they describe the error).
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
 * Returns the document of a managed policy of the role's account. STS's error for a missing policy is not known: of the
 * errors in the API reference of AssumeRole, MalformedPolicyDocument fits best, and the message is IAM's for attaching
 * a missing policy (aws/aws-cdk#17278).
 */
const managedOf = (world: World, account: string, arn: string): string => {
  const policy = findManagedPolicy(world, account, arn);
  if (policy) return documentOf(policy);
  // There are many more AWS managed policies than the scenario contains.
  if (arn.split(':')[4] === 'aws') return documentOf({ arn });
  throw malformed(`Policy ${arn} does not exist or is not attachable.`);
};

/**
 * Returns the session policies of a call as JSON, the inline policy first; undefined for a call without session
 * policies. Throws QueryError if a policy is not valid.
 */
export const sessionPoliciesOf = (
  world: World,
  account: string,
  parameters: Map<string, string>,
): string[] | undefined => {
  const inline = parameters.get('Policy');
  const descriptors = structuresOf(parameters, 'PolicyArns');
  for (const descriptor of descriptors) checkParameters(descriptor, { arn: ARN });
  // AWS's message is not known.
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
