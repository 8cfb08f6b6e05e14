/** Decides which consumers of a web identity a change would break, which of them are accepted, and describes them. */
import { acceptFlags, isAcceptable, MAX_ACCEPTED } from '../acceptance/accept.ts';
import { type Check, some, warn, whyUnread } from '../terms/check.ts';
import { counted, shown } from '../text/text.ts';
import { type Consumer, type ConsumerFacts, nameOfConsumer } from './model.ts';

export type Unread = ConsumerFacts['unread'][number];

/** What was found of consumers, and what a request accepts of it. */
export interface Judged {
  /** Consumers that the change would break, and that are not accepted. */
  breaking: readonly Consumer[];
  /** Consumers that the change would break, and that are accepted. */
  accepted: readonly Consumer[];
  /** Consumers that the change does not break. */
  spared: readonly Consumer[];
  /** Resources that could not be read, and are not accepted. */
  unread: readonly Unread[];
  /** Resources that could not be read, and are accepted. */
  acceptedUnread: readonly Unread[];
  /** Accepted names of objects and resources that were not found. */
  unmatched: readonly string[];
}

/**
 * Returns whether an accepted name is one of an object or a resource that the checks of consumers name: not a pattern of a
 * trust policy, nor a service account that it allows.
 */
const isOfConsumer = (name: string): boolean => !/^(system:|[*?]|ServiceAccount\/)/.test(name);

/** `breaks` returns whether the change takes from a consumer what it needs. */
export function judgeConsumers(
  found: readonly Consumer[],
  unread: readonly Unread[],
  acceptedNames: readonly string[],
  breaks: (consumer: Consumer) => boolean,
): Judged {
  const names = new Set(acceptedNames);
  const isAccepted = (consumer: Consumer): boolean => names.has(nameOfConsumer(consumer));
  const broken = found.filter(breaks);
  const known = new Set([...found.map(nameOfConsumer), ...unread.map(({ resource }) => resource)]);
  return {
    breaking: broken.filter((one) => !isAccepted(one)),
    accepted: broken.filter(isAccepted),
    spared: found.filter((one) => !breaks(one)),
    unread: unread.filter(({ resource }) => !names.has(resource)),
    acceptedUnread: unread.filter(({ resource }) => names.has(resource)),
    unmatched: acceptedNames.filter((name) => isOfConsumer(name) && !known.has(name)),
  };
}

/** Names of objects are limited by Kubernetes; what describes them may quote their authors. */
const LONGEST = 300;

/** Returns each name once, in the given order. */
export const consumerNames = (consumers: readonly Consumer[]): string[] => [...new Set(consumers.map(nameOfConsumer))];

/**
 * Returns consumers with how they use the identity, those that do so alike together:
 * `SecretStore/shop/aws gets tokens for it (spec.provider.aws.auth.jwt)`.
 */
export function consumersText(consumers: readonly Consumer[]): string {
  const isOfOne = new Set(consumers.map(accountOf)).size === 1;
  const alike = Map.groupBy(consumers, (one) => `${isOfOne ? '' : accountOf(one)}\n${one.how}`);
  return some(
    [...alike.values()].map((of) => {
      const [first] = of;
      const names = consumerNames(of);
      const whose = isOfOne || !first ? '' : ` (service account ${accountOf(first)})`;
      return `${some(names)}${whose}${names.length === 1 ? '' : ', each of which'} ${shown(first?.how ?? '', LONGEST)}`;
    }),
    '; ',
  );
}

const accountOf = ({ serviceAccount: { namespace, name } }: Consumer): string => `${namespace}/${name}`;

/** Returns the number of consumers as objects, such as `1 object uses` or `2 objects use`. */
export const objectsUse = (consumers: readonly Consumer[]): string => {
  const { length } = consumerNames(consumers);
  return `${counted(length, 'object')} ${length === 1 ? 'uses' : 'use'}`;
};

/** Returns what to do before the identity is taken from consumers. */
export const changeText = (consumers: readonly Consumer[]): string =>
  `Change how ${consumerNames(consumers).length === 1 ? 'it gets' : 'they get'} credentials first. ${insteadText(consumers)}`;

/** Returns how consumers can get their credentials instead, those with the same way together. */
export function insteadText(consumers: readonly Consumer[]): string {
  const ways = Map.groupBy(consumers, (one) => one.instead);
  const shownWays = [...ways].slice(0, 3);
  const several = consumerNames(consumers).length > 1 && ways.size > 1;
  const rest = ways.size > shownWays.length ? [' For the others, see docs/consumers.md.'] : [];
  return [
    shownWays
      .map(([instead, of]) => `${several ? `${some(consumerNames(of))}: ` : ''}${shown(instead, LONGEST)}`)
      .join(' '),
    ...rest,
  ].join('');
}

/** Returns resources that could not be read, with the reason for the first of them. */
const unreadText = (unread: readonly Unread[]): string => {
  const [first] = unread;
  return `${some(unread.map(({ resource }) => resource))}${first ? ` (${whyUnread(first.error)})` : ''}`;
};

/** Returns sentences about what could not be read. `of`: the service accounts, as text. */
export const unreadSentences = (unread: readonly Unread[], of: string): string[] =>
  unread.length === 0
    ? []
    : [`Whether objects use the web identity of ${of} is not known of what could not be read: ${unreadText(unread)}.`];

/** Returns sentences about what the request accepts. */
export const acceptedSentences = ({ accepted, acceptedUnread }: Judged): string[] => [
  ...(accepted.length === 0
    ? []
    : [
        `The request accepts that ${counted(consumerNames(accepted).length, 'object')} may lose AWS access: ${some(consumerNames(accepted))}.`,
      ]),
  ...(acceptedUnread.length === 0
    ? []
    : [`The request accepts that this was not read: ${some(acceptedUnread.map(({ resource }) => resource))}.`]),
];

/** Returns a warning for accepted names that were not found, which are probably a mistake. */
export const unmatchedChecks = (id: string, unmatched: readonly string[]): Check[] =>
  unmatched.length === 0
    ? []
    : [
        warn(
          id,
          `The request accepts ${counted(unmatched.length, 'consumer')} that ${unmatched.length === 1 ? 'was' : 'were'} not found: ${some(unmatched)}.`,
          'Give --accept consumer:NAME the name as the check shows it, or omit the option.',
          'docs/consumers.md',
        ),
      ];

/**
 * Returns how to accept these names: the sentence that begins with `lead`, with the options for the command line. More than
 * a request can accept must be changed first.
 */
export function acceptText(lead: string, names: readonly string[]): string {
  const acceptable = names.filter((name) => isAcceptable('consumer', name));
  if (acceptable.length > MAX_ACCEPTED)
    return `A request can accept ${MAX_ACCEPTED} of these ${acceptable.length} by name: change at least ${acceptable.length - MAX_ACCEPTED} of them first.`;
  return `${lead} (in a request: accept): ${acceptFlags('consumer', acceptable)}`;
}

/** Returns the names to accept, so that nothing of this blocks. */
export const namesToAccept = (breaking: readonly Consumer[], unread: readonly Unread[]): string[] => [
  ...consumerNames(breaking),
  ...unread.map(({ resource }) => resource),
];
