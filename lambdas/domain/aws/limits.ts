/**
 * How much AWS allows of what is deployed. The sandbox and the synthesis refuse more (`sandbox/assembly/limits.ts`), and
 * `lib` divides what would be more. Numbers that AWS raises on request are those without a request.
 */

/** What is larger than AWS allows. */
export interface Excess {
  /** What it is, for a person: `the environment of the function StepsPlanFunctionF86F230C`. */
  subject: string;
  measured: number;
  most: number;
  /** What is counted: `bytes`. */
  unit: 'bytes' | 'characters' | 'policies' | 'resources' | 'outputs' | 'parameters';
  /** The service that would refuse it, and its words. */
  service: 'Lambda' | 'IAM' | 'CloudFormation';
  refusal: string;
  /** What was measured, as text: shows which settings it is made of. */
  content: string;
}

const bytesOf = (text: string): number => new TextEncoder().encode(text).length;

/**
 * Bytes of a function's environment. Sources: Lambda Developer Guide, "Lambda quotas" (4 KB); that Lambda measures the
 * JSON object of names and values, quotes and escapes included, is what its refusal shows ("String measured: {…}",
 * github-aws-runners/terraform-aws-github-runner#3594).
 */
export const MOST_ENVIRONMENT_BYTES = 4_096;
export const environmentBytes = (variables: Readonly<Record<string, string>>): number =>
  bytesOf(JSON.stringify(variables));

/**
 * Characters of policies, white space not counted: all inline policies of a role together, and each managed one.
 * Source: IAM User Guide, "IAM and AWS STS quotas".
 */
export const MOST_INLINE_CHARACTERS = 10_240;
export const MOST_MANAGED_CHARACTERS = 6_144;
export const MOST_MANAGED_POLICIES = 10;
/** Of a role's trust policy, the same; up to 4,096 on request. */
export const MOST_TRUST_CHARACTERS = 2_048;
export const policyCharacters = (document: unknown): number => JSON.stringify(document).replaceAll(/\s/g, '').length;

/** Source: CloudFormation User Guide, "Understand CloudFormation quotas". The bytes are those of a template in S3. */
export const MOST_TEMPLATE_BYTES = 1_000_000;
export const MOST_RESOURCES = 500;
export const MOST_OUTPUTS = 200;
export const MOST_PARAMETERS = 200;
/** Of one parameter's value. */
export const MOST_PARAMETER_BYTES = 4_096;
