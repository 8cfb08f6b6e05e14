/**
 * The fields and options that `accept` has replaced (ADR 121). Requests, settings and commands with one of them are refused,
 * with the new spelling of what they ask for. What is stored, and the inputs of executions, are read in both forms. Hashes
 * of plans are of the former fields, so that those of stored plans and of approvals stay valid.
 */
import { shellCommand } from '../text/shell.ts';
import { acceptField, type Accepting, acceptedNames, acceptWords, entryOf, isAcceptable } from './accept.ts';
import { type KindName, KINDS } from './kinds.ts';

const FORMER = {
  acceptedKeys: 'condition-key',
  acceptIdentityLoss: 'identity-loss',
  acceptOwners: 'owner',
  acceptUnknownCredentials: 'unknown-credentials',
  acceptImages: 'image',
  acceptConsumers: 'consumer',
  acceptTargetRoles: 'target-role',
  acceptNetworkPolicies: 'network-policy',
  acceptCredentialGap: 'credential-gap',
} as const satisfies Record<string, KindName>;
export type FormerField = keyof typeof FORMER;

export const isFormerField = (field: string): field is FormerField => Object.hasOwn(FORMER, field);
const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const textsIn = (value: unknown): string[] =>
  Array.isArray(value) ? value.filter((one): one is string => typeof one === 'string') : [];

/** Returns the entries that say the same as a former field. */
const entriesOf = (field: FormerField, value: unknown): string[] =>
  value === true ? [entryOf(FORMER[field])] : textsIn(value).map((name) => entryOf(FORMER[field], name));

/** Fields of records, claims and inputs that contain a request. */
const WITHIN: ReadonlySet<string> = new Set(['request', 'requester', 'options', 'rollback', 'retirement', 'sweep']);

/** Returns a stored value, or the input of an execution, with `accept` in the place of former fields. */
export function inCurrentForm(value: unknown): unknown {
  if (!isObject(value)) return value;
  const fields = Object.entries(value);
  const former = fields.flatMap(([field, of]) => (isFormerField(field) ? [{ field, of }] : []));
  if (former.length === 0 && !fields.some(([field]) => WITHIN.has(field))) return value;
  const rest = fields
    .filter(([field]) => !isFormerField(field))
    .map(([field, of]) => [field, WITHIN.has(field) ? inCurrentForm(of) : of] as const);
  const accept = [...textsIn(value['accept']), ...former.flatMap(({ field, of }) => entriesOf(field, of))];
  return { ...Object.fromEntries(rest), ...acceptField({ accept }) };
}

/** Returns the fields of a hash: lists that older plans do not have are hashed only if they are not empty. */
export function hashedAcceptances(request: Accepting): Record<string, readonly string[] | undefined> {
  const lists = Object.entries(FORMER).map(([field, kind]): [string, string[]] => [
    field,
    acceptedNames(request, kind),
  ]);
  const formerKinds: ReadonlySet<string> = new Set(Object.values(FORMER));
  const accept = (request.accept ?? []).filter((entry) => !formerKinds.has(entry.split(':', 1)[0] ?? ''));
  return Object.fromEntries(
    [...lists, ['accept', accept] as const].filter(([field, { length }]) => length > 0 || field === 'acceptedKeys'),
  );
}

/** The largest number of entries that a message lists. */
const MOST_LISTED = 10;

/** Returns the entries that a message may repeat: those that a request can accept. */
function repeatable(kind: KindName, names: readonly string[]): string[] {
  const known = names.filter((name) => isAcceptable(kind, name)).slice(0, MOST_LISTED);
  if (known.length > 0) return known.map((name) => entryOf(kind, name));
  return [KINDS[kind].example];
}

/** Returns the message for a former field of a request or of the settings; undefined for another field. */
export function formerFieldProblem(field: string, given: unknown): string | undefined {
  if (!isFormerField(field)) return undefined;
  const names = textsIn(given);
  const kind = FORMER[field];
  if (names.length === 0 && given !== true) return 'was replaced by accept: leave it out';
  const entries = kind === 'credential-gap' ? [kind] : repeatable(kind, names);
  const more = names.length > entries.length ? `, and so on for ${names.length - entries.length} more` : '';
  return `was replaced by accept: write "accept": ${JSON.stringify(entries)}${more}`;
}

/** Returns the kind of a former option such as `--accept-image`; undefined for another one. */
const kindOfOption = (option: string): KindName | undefined =>
  Object.values(FORMER).find((kind) => option === `--accept-${kind === 'condition-key' ? 'key' : kind}`);

/** Returns the message for former options among the words of a command line, and what to type; undefined if there are none. */
export function formerOptionProblem(words: readonly string[]): { message: string; hint: string } | undefined {
  const given = words.flatMap((word, index) => {
    const [option = '', ...value] = word.split('=');
    const kind = kindOfOption(option);
    if (kind === undefined) return [];
    const name = value.length > 0 ? value.join('=') : (words[index + 1] ?? '');
    return [{ option, entry: kind === 'credential-gap' ? kind : (repeatable(kind, [name])[0] ?? kind) }];
  });
  if (given.length === 0) return undefined;
  const options = [...new Set(given.map(({ option }) => option))];
  return {
    message: `${options.join(', ')} ${options.length === 1 ? 'was' : 'were'} replaced by --accept`,
    hint: `Type instead: ${shellCommand(acceptWords(given.map(({ entry }) => entry)))}`,
  };
}
