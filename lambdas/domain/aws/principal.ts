/**
 * Principals of IAM and STS: what an authenticated ARN shows about the caller, and whether two principals can be the
 * same
 * person. Sources: IAM User Guide, "IAM identifiers" and "IAM and AWS STS quotas" (names have up to 64 characters and
 * are
 * unique in an account regardless of their case; role session names have up to 64); IAM API model, pathType (up to 512
 * characters, including both slashes); STS API Reference, GetFederationToken (names of 2 to 32 characters; only IAM
 * users
 * and the root user can call it).
 */
import { PARTITION_NAMES } from './partitions.ts';

const [LONGEST_PATH, LONGEST_NAME, LONGEST_SESSION, LONGEST_FEDERATED] = [512, 64, 64, 32];

/** The partition and account of a principal. */
interface Located {
  partition: string;
  account: string;
}
export type Principal = Located &
  (
    | { kind: 'root' }
    | { kind: 'user'; name: string }
    /** `session`: absent for the ARN of the role itself. */
    | { kind: 'role'; name: string; session?: string }
    /** A session of an IAM user or of the root user; the ARN does not show of which user. */
    | { kind: 'federated-user'; name: string }
  );

const NAME = String.raw`[\w+=,.@-]{1,64}`;
/** Source: IAM API model, pathType. */
const PATH = String.raw`\/(?:[!-~]+\/)?`;
const FORMS: [service: string, resource: RegExp, read: (parts: string[]) => object][] = [
  ['iam', /^root$/, () => ({ kind: 'root' })],
  ['iam', new RegExp(`^user(${PATH})(${NAME})$`), ([, , name]) => ({ kind: 'user', name })],
  ['iam', new RegExp(`^role(${PATH})(${NAME})$`), ([, , name]) => ({ kind: 'role', name })],
  [
    'sts',
    new RegExp(String.raw`^assumed-role\/(${NAME})\/([\w+=,.@-]{2,64})$`),
    ([, name, session]) => ({ kind: 'role', name, session }),
  ],
  ['sts', /^federated-user\/([\w+=,.@-]{2,32})$/, ([, name]) => ({ kind: 'federated-user', name })],
];

const longest = (texts: readonly string[]): number => Math.max(...texts.map(({ length }) => length));
const PREFIX = `arn:${'x'.repeat(longest(PARTITION_NAMES))}:iam::123456789012:`.length;
/** The maximum length of a principal's ARN: that of a user or a role with the longest path. */
export const LONGEST_PRINCIPAL =
  PREFIX +
  Math.max(
    'user'.length + LONGEST_PATH + LONGEST_NAME,
    'role'.length + LONGEST_PATH + LONGEST_NAME,
    'assumed-role//'.length + LONGEST_NAME + LONGEST_SESSION,
    'federated-user/'.length + LONGEST_FEDERATED,
  );

/** Parses the ARN of a user, a role, a session or an account's root user. Returns `undefined` for any other text. */
export function parsePrincipal(arn: string): Principal | undefined {
  if (arn.length > LONGEST_PRINCIPAL) return undefined;
  const [, partition = '', service = '', account = '', resource = ''] =
    /^arn:([a-z-]+):(iam|sts)::(\d{12}):(.+)$/.exec(arn) ?? [];
  if (!PARTITION_NAMES.includes(partition)) return undefined;
  for (const [of, form, read] of FORMS) {
    const match = of === service ? form.exec(resource) : null;
    if (!match) continue;
    const path = match.length > 2 && of === 'iam' ? (match[1] ?? '') : '';
    return path.length > LONGEST_PATH ? undefined : ({ partition, account, ...read([...match]) } as Principal);
  }
  return undefined;
}

/** A role whose sessions may belong to different people. */
export interface SharedRole extends Located {
  name: string;
}

/**
 * `undecided`: the ARNs do not show it. A `shared` role must be read: two sessions of it are two people if IAM Identity
 * Center created the role, and may be the same person otherwise.
 */
export type Likeness = { is: 'same' | 'other' | 'undecided' } | { is: 'shared'; role: SharedRole };

/** Names of IAM and user names of IAM Identity Center are unique regardless of their case. */
const sameName = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();

/**
 * The prefix of roles that IAM Identity Center creates. Each session has the name of its user. Source: IAM Identity
 * Center
 * User Guide, "IAM roles created by IAM Identity Center".
 */
const OF_IDENTITY_CENTER = /^AWSReservedSSO_/i;
/** The path of these roles, under which only AWS can create roles. The ARN of a session does not contain it. */
const PATH_OF_IDENTITY_CENTER = 'role/aws-reserved/sso.amazonaws.com/';

/** Returns whether the ARN of a role shows that IAM Identity Center created it. */
export const isOfIdentityCenter = (roleArn: string): boolean =>
  roleArn.split(':').slice(5).join(':').startsWith(PATH_OF_IDENTITY_CENTER);

/** Returns the ARN of a session's role, and any other text unchanged. */
export function withoutSession(arn: string): string {
  const principal = parsePrincipal(arn);
  return principal?.kind === 'role' && principal.session !== undefined
    ? `arn:${principal.partition}:sts::${principal.account}:assumed-role/${principal.name}`
    : arn;
}

/** Compares two principals by their user or role, regardless of their sessions. */
export function likeness(a: Principal, b: Principal): Likeness {
  if (a.partition !== b.partition || a.account !== b.account) return { is: 'other' };
  if (a.kind === 'federated-user' || b.kind === 'federated-user')
    return { is: a.kind === 'role' || b.kind === 'role' ? 'other' : 'undecided' };
  if (a.kind === 'root' || b.kind === 'root') return { is: a.kind === b.kind ? 'same' : 'other' };
  if (a.kind !== b.kind || !sameName(a.name, b.name)) return { is: 'other' };
  if (a.kind === 'user' || b.kind === 'user') return { is: 'same' };
  const [one, two] = [a.session, b.session];
  if (one === undefined || two === undefined || sameName(one, two) || !OF_IDENTITY_CENTER.test(a.name))
    return { is: 'same' };
  return { is: 'shared', role: { partition: a.partition, account: a.account, name: a.name } };
}
