/**
 * Builds commands for an interactive bash or zsh from words: what a person pastes must reach the program as intended,
 * with
 * and without bracketed paste. `$'…'` is the form of POSIX.1-2024, which dash does not support.
 */

/**
 * Words that need no quotes: no shell expands these characters anywhere in a word. `=` is allowed only between other
 * characters, since zsh expands it at the beginning, as in `=ls` (EQUALS), and after another `=` or `:` if
 * MAGIC_EQUAL_SUBST is set.
 */
const PLAIN_WORD = /^(?:[\w./:,-]|(?<=\w)=(?=[\w./-]))+$/;

/**
 * Characters that single quotes do not protect: a terminal acts on control characters before the shell sees them (a tab
 * completes, a carriage return runs the line), readline acts on non-ASCII bytes outside UTF-8 locales, and bash expands
 * `!` in single quotes within double quotes.
 */
const NEEDS_ESCAPES = /[^ -~]|!/;

const octal = (byte: number): string => `\\${byte.toString(8).padStart(3, '0')}`;

const isPlainByte = (byte: number): boolean =>
  byte >= 0x20 && byte <= 0x7e && !"!'\\".includes(String.fromCharCode(byte));

/** Returns a word as `$'…'`, in printable ASCII on one line. NUL is replaced, since no argument can contain it. */
const escaped = (text: string): string =>
  `$'${[...Buffer.from(text.replaceAll('\0', '\ufffd'), 'utf8')]
    .map((byte) => (isPlainByte(byte) ? String.fromCharCode(byte) : octal(byte)))
    .join('')}'`;

const quoted = (text: string): string =>
  NEEDS_ESCAPES.test(text) ? escaped(text) : `'${text.replaceAll("'", String.raw`'\''`)}'`;

/** Returns one word, quoted if anything in it could have a meaning for a shell or a terminal. */
export const shellWord = (text: string): string => (PLAIN_WORD.test(text) ? text : quoted(text));

/** A word that is already in the shell's own form, such as a command substitution. */
export interface Raw {
  raw: string;
}
export type Word = string | Raw;

/**
 * The ARN of the reader's own role, where it is not known: a variable for which the shell asks. A command with it does
 * nothing until it is set, whereas a placeholder would be sent.
 */
export const OWN_ROLE: Raw = { raw: '"${ROLE_ARN:?set it to the ARN of your IAM role}"' };

/** Joins groups of words, such as an option with its value, into a command. Groups that are `undefined` are omitted. */
export const shellCommand = (...groups: (Word[] | undefined)[]): string =>
  groups
    .flatMap((words) => words ?? [])
    .map((word) => (typeof word === 'string' ? shellWord(word) : word.raw))
    .join(' ');

/** Returns an option and its value, joined by `=` if the value looks like an option itself. */
export const option = (name: string, value: string): string[] =>
  value.startsWith('-') ? [`${name}=${value}`] : [name, value];

/** The characters of names, ARNs, ids, statuses and versions. A text with other characters is not a name. */
const NAME = /^[\w.:/@,=+-]{1,2048}$/;
const NOT_SHOWN = '(not shown)';

/**
 * Returns a line that does nothing, to put between commands: `: '…'`, since an interactive zsh has no comments. It is a
 * template of the service's own words around names. Third-party text that is not a name is omitted.
 */
export const note = (words: readonly string[], ...names: readonly string[]): string =>
  `: ${quoted(words.map((own, index) => `${own}${namedOr(names[index])}`).join(''))}`;

const namedOr = (name: string | undefined): string =>
  name === undefined || NAME.test(name) ? (name ?? '') : NOT_SHOWN;

/** Returns a command that does nothing when it is pasted, and that runs once the `: ` before it is removed. */
export const ifWanted = (line: string): string => `: ${line}`;

const OLD_NOTE = note`An earlier release wrote a note here that is not safe to paste. It is left out.`;

/**
 * Returns a stored restore command so that it is safe to paste. An earlier release wrote notes as comments with
 * third-party text, which are omitted, and put unprintable and non-ASCII characters in single quotes, which escapes
 * replace.
 */
export const pasteable = (line: string): string =>
  line.startsWith('#') ? OLD_NOTE : line.replaceAll(/[^ -~]+/g, (part) => `'${escaped(part)}'`);

/** Returns a line that may fail, since its effect may exist already, or may not be needed. */
export const mayFail = (line: string): string => `${line} || true`;
