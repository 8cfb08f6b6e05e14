/**
 * Text that third parties wrote, for logs, records and terminals: nothing in it may act on whoever shows it, or hide,
 * and it has an end. Which values are text to show, and which are data to restore: ADR 43.
 */
import { z } from 'zod';

/**
 * What ends a line or turns its order around: control characters (ESC begins a terminal's commands), line and paragraph
 * separators, marks that reverse text (CVE-2021-42574), and halves of characters. No input may have any.
 */
const CONTROL = /[\p{Cc}\p{Cs}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/u;
/** The same rule as a pattern for a whole text, for what checks inputs before they come here. */
export const ONE_LINE_PATTERN = `^${CONTROL.source.replace('[', '[^')}*$`;
/** What no input may have, as a part of a class, for validators that know no classes such as `\p{Cc}`. */
export const PORTABLE_CONTROL = CONTROL.source
  .slice(1, -1)
  .replace(String.raw`\p{Cc}`, String.raw`\u0000-\u001f\u007f-\u009f`)
  // Halves of characters: most of them take none anyway.
  .replace(String.raw`\p{Cs}`, '');

/**
 * What is not shown as itself: all of the above, other formats (tags of the block U+E0000 among them), separators, and
 * what Unicode lets programs leave out (Default_Ignorable_Code_Point: zero-width characters, Hangul fillers, variation
 * selectors). A name in Arabic or Hebrew is shown as it is; of an emoji that is joined by U+200D the parts are.
 */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{DI}]/u;
const EVERY_UNPRINTABLE = new RegExp(UNPRINTABLE, 'gu');

const escaped = (character: string): string => {
  if (character === '\n') return '\\n';
  const code = character.codePointAt(0) ?? 0;
  const hex = code.toString(16);
  if (code < 0x100) return `\\x${hex.padStart(2, '0')}`;
  return code > 0xffff ? `\\u{${hex}}` : `\\u${hex.padStart(4, '0')}`;
};

/** Returns the text with an escape such as `\x1b` for each character that is not shown as itself. */
export const printable = (text: string): string => text.replace(EVERY_UNPRINTABLE, escaped);

/** Returns whether a text is shown as it is. */
export const isPrintable = (text: string): boolean => !UNPRINTABLE.test(text);

/** Returns whether a text is one line, in its own order: what an input has to be. */
export const isOneLine = (text: string): boolean => !CONTROL.test(text);

/** Returns a text of several lines, each of them printable. */
export const printableLines = (text: string): string => text.split('\n').map(printable).join('\n');

/** Returns the same value with every text in it, and every name of a field, printable; line breaks stay. */
export function shownIn<Value>(value: Value): Value {
  if (typeof value === 'string') return printableLines(value) as Value;
  if (Array.isArray(value)) return value.map(shownIn) as Value;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => [printableLines(name), shownIn(each)]),
  ) as Value;
}

/**
 * Text to show, of a third party: printable from where it enters, which is wherever a document with it is parsed. Data
 * to restore is `z.string()`, and is escaped where it is shown.
 */
export const shownText = z.string().overwrite(printable);

/** Returns the text printable, and cut where it has more than `most` characters, of which it then has the count. */
export function shown(text: string, most: number): string {
  // Cut first: of a text that is a megabyte long only the beginning is looked at.
  if (text.length <= most) return printable(text);
  return `${printable(text.slice(0, most))}… (${text.length} characters)`;
}

/**
 * Returns a JSON document in which every character that is not shown as itself is an escape of JSON's: whoever parses it
 * has the same data, and a terminal or a viewer of logs gets nothing to act on.
 */
export const jsonText = (value: unknown, indent?: number): string =>
  JSON.stringify(value, undefined, indent).replace(EVERY_UNPRINTABLE, (character) =>
    character === '\n' ? character : jsonEscape(character),
  );

const jsonEscape = (character: string): string =>
  [...Array(character.length).keys()]
    .map((at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`)
    .join('');

/**
 * Returns a text of another program as a part of a sentence, without the full stop and the line break that it may end
 * in: an API server that is asked too often answers `Too many requests, please try again later.` and a line break.
 */
export const asClause = (text: string): string => text.trim().replace(/\.$/, '');
