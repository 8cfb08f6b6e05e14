/**
 * Limits of AWS for what is deployed. The sandbox and the synthesis refuse to exceed them
 * (`sandbox/assembly/limits.ts`),
 * and `lib` splits what would exceed them. If AWS raises a limit on request, the number is the default.
 */

/** Something that is larger than AWS allows. */
export interface Excess {
  /** What is too large, for people: `the environment of the function StepsPlanFunctionF86F230C`. */
  subject: string;
  measured: number;
  most: number;
  /** What is counted: `bytes`. */
  unit: 'bytes' | 'characters' | 'policies' | 'resources' | 'outputs' | 'parameters';
  /** The service that would refuse it, and its message. */
  service: 'Lambda' | 'IAM' | 'CloudFormation';
  refusal: string;
  /** What was measured, as text, which shows the settings that it consists of. */
  content: string;
}

const bytesOf = (text: string): number => new TextEncoder().encode(text).length;

/**
 * The maximum size of a function's environment. Source: Lambda Developer Guide, "Lambda quotas" (4 KB). Lambda measures
 * the JSON object of names and values, including quotes and escapes, as its error message shows ("String measured:
 * {…}",
 * github-aws-runners/terraform-aws-github-runner#3594).
 */
export const MOST_ENVIRONMENT_BYTES = 4_096;
export const environmentBytes = (variables: Readonly<Record<string, string>>): number =>
  bytesOf(JSON.stringify(variables));

/**
 * Characters of policies, without white space: all inline policies of a role together, and each managed policy.
 * Source: IAM User Guide, "IAM and AWS STS quotas".
 */
export const MOST_INLINE_CHARACTERS = 10_240;
export const MOST_MANAGED_CHARACTERS = 6_144;
export const MOST_MANAGED_POLICIES = 10;
/** Characters of a role's trust policy, without white space; up to 4,096 on request. */
export const MOST_TRUST_CHARACTERS = 2_048;
export const policyCharacters = (document: unknown): number => JSON.stringify(document).replaceAll(/\s/g, '').length;

/** Source: CloudFormation User Guide, "Understand CloudFormation quotas". The bytes are those of a template in S3. */
export const MOST_TEMPLATE_BYTES = 1_000_000;
export const MOST_RESOURCES = 500;
export const MOST_OUTPUTS = 200;
export const MOST_PARAMETERS = 200;
/** Bytes of the value of one parameter. */
export const MOST_PARAMETER_BYTES = 4_096;
