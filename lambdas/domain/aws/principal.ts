/**
 * Principals of IAM and STS: what the ARN that AWS authenticates says of who calls, and whether two of them can be the
 * same person. Sources: IAM User Guide, "IAM identifiers" and "IAM and AWS STS quotas" (names have up to 64 characters
 * and are unique in an account whatever their case; role session names have up to 64); IAM API model, pathType (up to
 * 512 characters, both slashes included); STS API Reference, GetFederationToken (names of 2 to 32 characters; it is
 * called by IAM users and the root user alone).
 */
import { PARTITION_NAMES } from './partitions.ts';

const [LONGEST_PATH, LONGEST_NAME, LONGEST_SESSION, LONGEST_FEDERATED] = [512, 64, 64, 32];

/** What a principal is, without what differs from one session of it to the next. */
interface Located {
  partition: string;
  account: string;
}
export type Principal = Located &
  (
    | { kind: 'root' }
    | { kind: 'user'; name: string }
    /** `session`: absent in the ARN of the role itself. */
    | { kind: 'role'; name: string; session?: string }
    /** A session of an IAM user, or of the root user; the ARN does not say of which one. */
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
/** The most characters that an ARN of a principal has: those of a user or a role under the longest path. */
export const LONGEST_PRINCIPAL =
  PREFIX +
  Math.max(
    'user'.length + LONGEST_PATH + LONGEST_NAME,
    'role'.length + LONGEST_PATH + LONGEST_NAME,
    'assumed-role//'.length + LONGEST_NAME + LONGEST_SESSION,
    'federated-user/'.length + LONGEST_FEDERATED,
  );

/** Undefined for a text that is not the whole ARN of a user, a role, a session or an account's root user. */
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

/** A role whose sessions may be of different people. */
export interface SharedRole extends Located {
  name: string;
}

/**
 * `undecided`: nobody can tell. A `shared` role has to be read: two sessions of it are two people where IAM Identity
 * Center made it, and anybody's otherwise.
 */
export type Likeness = { is: 'same' | 'other' | 'undecided' } | { is: 'shared'; role: SharedRole };

/** Names of IAM and user names of IAM Identity Center are unique whatever their case. */
const sameName = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();

/**
 * IAM Identity Center names its roles so, and gives each session the name of the user whose it is. Source: IAM Identity
 * Center User Guide, "IAM roles created by IAM Identity Center".
 */
const OF_IDENTITY_CENTER = /^AWSReservedSSO_/i;
/** The path of these roles, which nobody else can create roles under; the ARN of a session does not have it. */
const PATH_OF_IDENTITY_CENTER = 'role/aws-reserved/sso.amazonaws.com/';

/** Whether the ARN of a role is of one that IAM Identity Center made. */
export const isOfIdentityCenter = (roleArn: string): boolean =>
  roleArn.split(':').slice(5).join(':').startsWith(PATH_OF_IDENTITY_CENTER);

/** Returns the ARN of a session's role; any other text as it is. */
export function withoutSession(arn: string): string {
  const principal = parsePrincipal(arn);
  return principal?.kind === 'role' && principal.session !== undefined
    ? `arn:${principal.partition}:sts::${principal.account}:assumed-role/${principal.name}`
    : arn;
}

/** Compares two principals by their user or role, whatever their sessions. */
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
