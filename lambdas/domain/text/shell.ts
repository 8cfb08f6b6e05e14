/**
 * Commands for an interactive bash or zsh, from words: what a person pastes must reach the program as it was meant,
 * with bracketed paste and without. `$'…'` is that of POSIX.1-2024; dash does not have it.
 */

/**
 * Words that need no quotes: no shell expands these characters at any place in a word. `=` only between others, since
 * zsh expands `=ls` at the beginning (EQUALS), and after another `=` or `:` where MAGIC_EQUAL_SUBST is set.
 */
const PLAIN_WORD = /^(?:[\w./:,-]|(?<=\w)=(?=[\w./-]))+$/;

/**
 * What single quotes do not protect: a terminal acts on control characters before the shell sees them (a tab completes,
 * a carriage return runs the line), readline on the bytes of others outside of UTF-8, and bash expands `!` in single
 * quotes that are within double ones.
 */
const NEEDS_ESCAPES = /[^ -~]|!/;

const octal = (byte: number): string => `\\${byte.toString(8).padStart(3, '0')}`;

const isPlainByte = (byte: number): boolean =>
  byte >= 0x20 && byte <= 0x7e && !"!'\\".includes(String.fromCharCode(byte));

/** As `$'…'`, in printable ASCII on one line. No program's argument can have a NUL, which is replaced. */
const escaped = (text: string): string =>
  `$'${[...Buffer.from(text.replaceAll('\0', '\ufffd'), 'utf8')]
    .map((byte) => (isPlainByte(byte) ? String.fromCharCode(byte) : octal(byte)))
    .join('')}'`;

const quoted = (text: string): string =>
  NEEDS_ESCAPES.test(text) ? escaped(text) : `'${text.replaceAll("'", String.raw`'\''`)}'`;

/** Returns one word, quoted where anything in it could mean something to a shell or to the terminal before it. */
export const shellWord = (text: string): string => (PLAIN_WORD.test(text) ? text : quoted(text));

/** A word that is already in the shell's own form, such as a command substitution. */
export interface Raw {
  raw: string;
}
export type Word = string | Raw;

/** Joins words in groups, an option with its value; `undefined` groups are left out. */
export const shellCommand = (...groups: (Word[] | undefined)[]): string =>
  groups
    .flatMap((words) => words ?? [])
    .map((word) => (typeof word === 'string' ? shellWord(word) : word.raw))
    .join(' ');

/** Returns an option and its value: with `=` where the value would be taken for an option itself. */
export const option = (name: string, value: string): string[] =>
  value.startsWith('-') ? [`${name}=${value}`] : [name, value];

/** What names, ARNs, ids, statuses and versions consist of; a text that is anything else is no name. */
const NAME = /^[\w.:/@,=+-]{1,2048}$/;
const NOT_SHOWN = '(not shown)';

/**
 * Returns a line that does nothing, between lines that do: `: '…'`, since an interactive zsh has no comments. It is a
 * template of the service's own words around names; text of third parties is not a name, and is left out.
 */
export const note = (words: readonly string[], ...names: readonly string[]): string =>
  `: ${quoted(words.map((own, index) => `${own}${namedOr(names[index])}`).join(''))}`;

const namedOr = (name: string | undefined): string =>
  name === undefined || NAME.test(name) ? (name ?? '') : NOT_SHOWN;

/** Returns a command that does nothing as it is pasted, and runs without the `: ` in front of it. */
export const ifWanted = (line: string): string => `: ${line}`;

const OLD_NOTE = note`An earlier release wrote a note here that is not safe to paste. It is left out.`;

/**
 * Returns a line of a stored hand-off as it may be pasted. An earlier release wrote notes as comments with text of third
 * parties, which are left out, and had all that is not printable ASCII in single quotes, where escapes replace it.
 */
export const pasteable = (line: string): string =>
  line.startsWith('#') ? OLD_NOTE : line.replaceAll(/[^ -~]+/g, (part) => `'${escaped(part)}'`);

/** The line may fail: what it does may be done already, or may not be needed. */
export const mayFail = (line: string): string => `${line} || true`;
