/**
 * ARN patterns of IAM roles, with which a deployment names the roles that the service may pass or whose trust it may
 * change.
 */
import { Aws } from 'aws-cdk-lib';
import { z } from 'zod';

const EXAMPLE = 'such as arn:aws:iam::111122223333:role/eks-addons/*, or role/eks-addons/* for roles of this account';

/**
 * Characters of a pattern, without the comma, which separates patterns on the command line: use `?` for a comma in a
 * name. Source of the characters: IAM User Guide, "IAM and AWS STS quotas", for names; paths are limited to the same
 * characters.
 */
const SYNTAX = /^(?:arn:(?:aws(?:-[a-z]+)*|\*):iam::(\d{12}|\*):)?role\/([\w+=.@/*?-]*)$/;

/** Returns what is wrong with a pattern, or undefined if it is valid. */
function problemOf(pattern: string): string | undefined {
  const [whole, account, rest = ''] = SYNTAX.exec(pattern) ?? [];
  if (whole === undefined) return `must be an ARN pattern of IAM roles ${EXAMPLE}`;
  if (account === '*')
    return 'matches roles of every account: name the account, or leave out everything before role/ for this account';
  // IAM takes a path literally, but a reader might resolve it.
  const odd = rest.split('/').find((segment) => segment === '' || segment === '.' || segment === '..');
  if (odd !== undefined)
    return `has ${odd === '' ? 'an empty part' : `the part ${odd}`} between slashes, which IAM does not resolve: write the exact path, ${EXAMPLE}`;
  if (!/[A-Za-z0-9]/.test(rest))
    return `matches every role: it must have at least part of a path or a name, ${EXAMPLE}`;
  return undefined;
}

const inThisAccount = (end: string): string => `arn:${Aws.PARTITION}:iam::${Aws.ACCOUNT_ID}:${end}`;

/**
 * An ARN of IAM roles in which `*` matches any text and `?` any character, including slashes, as in a policy's
 * Resource; or only its end, from `role/` on, for roles of the deployment's account. It must name an account, and at
 * least part of a path or a name, because a principal that may pass or repair every role could assume every role.
 */
export const roleArnPattern = z
  .string()
  .superRefine((pattern, refinement) => {
    const message = problemOf(pattern);
    if (message !== undefined) refinement.addIssue({ code: 'custom', message });
  })
  .transform((pattern) => (pattern.startsWith('role/') ? inThisAccount(pattern) : pattern));

/**
 * Returns the pattern for the functions' settings. A pattern of the deployment's account is reduced to its end, so that
 * it applies to each cluster's own account.
 */
export const portable = (pattern: string): string =>
  pattern.startsWith(inThisAccount('role/')) ? pattern.slice(inThisAccount('').length) : pattern;

/** Returns the account of a pattern; undefined for the deployment's account. */
export const accountOf = (pattern: string): string | undefined => /^arn:[^:]+:iam::(\d{12}):/.exec(pattern)?.[1];

/**
 * Returns the pattern of every role of the deployment's account. No configuration can name it; only the sandbox uses
 * it.
 */
export const everyRole = (): string => inThisAccount('role/*');
