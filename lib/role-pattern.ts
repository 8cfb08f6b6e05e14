/**
 * ARN patterns of IAM roles, as a deployment names the roles that the service may pass, or whose trust it may change.
 */
import { Aws } from 'aws-cdk-lib';
import { z } from 'zod';

const EXAMPLE = 'such as arn:aws:iam::111122223333:role/eks-addons/*, or role/eks-addons/* for those of this account';

/**
 * Without a comma, which stands between patterns on the command line: a name with one can be written with `?` in its
 * place. Source of the characters: IAM User Guide, "IAM and AWS STS quotas", of names; of paths those few
 * that names have too.
 */
const SYNTAX = /^(?:arn:(?:aws(?:-[a-z]+)*|\*):iam::(\d{12}|\*):)?role\/([\w+=.@/*?-]*)$/;

/** What is wrong with a pattern, or undefined. */
function problemOf(pattern: string): string | undefined {
  const [whole, account, rest = ''] = SYNTAX.exec(pattern) ?? [];
  if (whole === undefined) return `must be an ARN pattern of IAM roles ${EXAMPLE}`;
  if (account === '*')
    return 'names roles of every account: say which account, or leave out all before role/ for this one';
  // IAM takes a path as it stands; whoever reads it may not.
  const odd = rest.split('/').find((segment) => segment === '' || segment === '.' || segment === '..');
  if (odd !== undefined)
    return `has ${odd === '' ? 'an empty part' : `the part ${odd}`} between its slashes, which IAM does not resolve: write the path as it is, ${EXAMPLE}`;
  if (!/[A-Za-z0-9]/.test(rest)) return `names every role: it must have a path or a name, or a part of one, ${EXAMPLE}`;
  return undefined;
}

const inThisAccount = (end: string): string => `arn:${Aws.PARTITION}:iam::${Aws.ACCOUNT_ID}:${end}`;

/**
 * An ARN of IAM roles in which `*` stands for any text and `?` for any one character, slashes included, as a policy's
 * Resource takes it; or its end alone, from `role/` on, of roles of the account that is deployed to. It must name an
 * account, and something of a path or a name: whoever may pass, or repair, every role may become every role.
 */
export const roleArnPattern = z
  .string()
  .superRefine((pattern, refinement) => {
    const message = problemOf(pattern);
    if (message !== undefined) refinement.addIssue({ code: 'custom', message });
  })
  .transform((pattern) => (pattern.startsWith('role/') ? inThisAccount(pattern) : pattern));

/**
 * As a function is told of it: a pattern of the account that is deployed to goes by its end alone, and so for clusters
 * of each account.
 */
export const portable = (pattern: string): string =>
  pattern.startsWith(inThisAccount('role/')) ? pattern.slice(inThisAccount('').length) : pattern;

/** Of which account it names roles; undefined for the one that is deployed to. */
export const accountOf = (pattern: string): string | undefined => /^arn:[^:]+:iam::(\d{12}):/.exec(pattern)?.[1];

/** Every role of the account that is deployed to, which no configuration can name: for the sandbox alone. */
export const everyRole = (): string => inThisAccount('role/*');
