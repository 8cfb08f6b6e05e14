/** What a caller accepts by name: the field `accept` of requests, and what checks ask of it. */
import { z } from 'zod';
import { openPatterns } from '../text/schemas.ts';
import { shellCommand } from '../text/shell.ts';
import { type Kind, type KindName, kindOf, KINDS, kindsOf, type Use, usesText } from './kinds.ts';

/** How many entries a request may have for each kind that applies to it, and how many a remedy prints. */
export const MAX_ACCEPTED = 100;
/** The longest names are those of consumers and network policies: kind, namespace and name. */
const LONGEST = 700;

/** The form of an entry, without `^` and `$`. */
const patternOf = ([kind, { name }]: [string, Kind]): string => (name === undefined ? kind : `${kind}:(${name})`);
const patterns = new Map(Object.entries(KINDS).map((one) => [one[0], new RegExp(`^(${patternOf(one)})$`, 'u')]));

/** Returns the name of an entry's kind: it ends at the first colon, since ARNs, images and keys contain more. */
const kindIn = (entry: string): string => entry.split(':', 1)[0] ?? '';

const formOf = (name: string, { form }: Kind): string => (form === undefined ? name : `${name}:${form}`);

/** Returns why an entry cannot be accepted there; undefined if it can. */
function problemOf(entry: string, use: Use): string | undefined {
  const name = kindIn(entry);
  const kind = kindOf(name);
  if (!kind)
    return `must be KIND:NAME, with one of these kinds: ${kindsOf(use)
      .map(([known]) => known)
      .join(', ')}`;
  if (!kind.of.includes(use)) return `has kind ${name}, which applies only to ${usesText(kind)}: leave it out`;
  if (patterns.get(name)?.test(entry) === true) return undefined;
  return kind.form === undefined
    ? `must be ${name}, without a name`
    : `must be ${formOf(name, kind)}, such as ${kind.example}`;
}

/** Returns the schema of what can be accepted there. */
export const acceptOf = (use: Use) => {
  const entry = z
    .string()
    .max(LONGEST, { error: `must have at most ${LONGEST} characters`, abort: true })
    .superRefine((text, context) => {
      const message = problemOf(text, use);
      if (message !== undefined) context.addIssue({ code: 'custom', message });
    })
    .meta({ pattern: `^(${kindsOf(use).map(patternOf).join('|')})$` })
    .register(openPatterns);
  const most = MAX_ACCEPTED * kindsOf(use).length;
  return z.array(entry).max(most, `must have at most ${most} entries`);
};

/** What a record notes of it. Later versions may add kinds, which a client must not refuse. */
export const acceptedEntries = z.array(z.string());

/** A request, or what a record notes of one, with what it accepts. */
export interface Accepting {
  /** Absent if it accepts nothing. */
  accept?: readonly string[] | undefined;
}

/** Returns the field for another request or record; no field if nothing is accepted. */
export const acceptField = ({ accept = [] }: Accepting): { accept?: string[] } =>
  accept.length === 0 ? {} : { accept: [...accept] };

export const entryOf = (kind: KindName, name?: string): string => (name === undefined ? kind : `${kind}:${name}`);

/** Returns whether a request accepts this. */
export const accepts = ({ accept = [] }: Accepting, kind: KindName, name?: string): boolean =>
  accept.includes(entryOf(kind, name));

/** Returns the names of that kind which a request accepts. */
export const acceptedNames = ({ accept = [] }: Accepting, kind: KindName): string[] =>
  accept.filter((entry) => kindIn(entry) === kind).map((entry) => entry.slice(kind.length + 1));

/** Returns whether a request can accept that name: third parties choose some of them. */
export const isAcceptable = (kind: KindName, name: string): boolean => {
  const entry = entryOf(kind, name);
  return entry.length <= LONGEST && patterns.get(kind)?.test(entry) === true;
};

/** Returns the words of the options of the command line that accept these entries. */
export const acceptWords = (entries: readonly string[]): string[] => entries.flatMap((entry) => ['--accept', entry]);

/** Returns the options that accept these names, as text to paste: of names that a request can accept, and so many. */
export const acceptFlags = (kind: KindName, names: readonly string[]): string =>
  shellCommand(
    acceptWords(
      names
        .filter((name) => isAcceptable(kind, name))
        .slice(0, MAX_ACCEPTED)
        .map((name) => entryOf(kind, name)),
    ),
  );

/** Returns the kinds that can be accepted there, one a line, for the help of a command. */
export const acceptHelp = (use: Use): string => {
  const width = Math.max(...kindsOf(use).map(([name]) => name.length));
  return kindsOf(use)
    .map(([name, { form, what }]) => `  ${name.padEnd(width)}  ${form === undefined ? '' : `${form}: `}${what}`)
    .join('\n');
};
