/** Commands for a POSIX shell, from words: what a person pastes must reach the program as it was meant. */

/** One word: quoted where anything in it could mean something to the shell. */
export const shellWord = (text: string): string =>
  /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;

/** A word that is already in the shell's own form, such as a command substitution. */
export interface Raw {
  raw: string;
}
export type Word = string | Raw;

/** Words in groups, an option with its value; `undefined` groups are left out. */
export const shellCommand = (...groups: (Word[] | undefined)[]): string =>
  groups
    .flatMap((words) => words ?? [])
    .map((word) => (typeof word === 'string' ? shellWord(word) : word.raw))
    .join(' ');

/** An option and its value: with `=` where the value would be taken for an option itself. */
export const option = (name: string, value: string): string[] =>
  value.startsWith('-') ? [`${name}=${value}`] : [name, value];

/** A line of a script that only a person reads; a text of several lines stays one comment. */
export const comment = (text: string): string => `# ${text.replaceAll(/\s*\n\s*/g, ' ')}`;

/** The line may fail: what it does may be done already, or may not be needed. */
export const mayFail = (line: string): string => `${line} || true`;
