/**
 * Third-party text for logs, records and terminals: nothing in it may control the program that shows it, or be
 * invisible,
 * and its length is limited. ADR 43 defines which values are text to show, and which are data to restore.
 */
import { z } from 'zod';

/**
 * Characters that end a line or change its order: control characters (ESC starts a terminal's commands), line and
 * paragraph separators, marks that reverse text (CVE-2021-42574), and lone surrogates. No input may contain them.
 */
const CONTROL = /[\p{Cc}\p{Cs}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/u;
/** The same rule as a pattern for a whole text, for systems that check inputs before they reach the service. */
export const ONE_LINE_PATTERN = `^${CONTROL.source.replace('[', '[^')}*$`;
/** The same characters as part of a character class, for validators that do not support classes such as `\p{Cc}`. */
export const PORTABLE_CONTROL = CONTROL.source
  .slice(1, -1)
  .replace(String.raw`\p{Cc}`, String.raw`\u0000-\u001f\u007f-\u009f`)
  // Lone surrogates, which most validators do not accept anyway.
  .replace(String.raw`\p{Cs}`, '');

/**
 * Characters that are not shown as themselves: all of the above, other format characters (including the tags of the
 * block
 * U+E0000), separators, and characters that programs may omit (Default_Ignorable_Code_Point: zero-width characters,
 * Hangul
 * fillers, variation selectors). A name in Arabic or Hebrew is shown unchanged; an emoji that is joined by U+200D is
 * shown
 * as its parts.
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

/** Most texts are ASCII, which needs no search for each class of characters. */
const PRINTABLE_ASCII = /^[ -~]*$/;

/** Returns the text with an escape such as `\x1b` for each character that is not shown as itself. */
export const printable = (text: string): string =>
  PRINTABLE_ASCII.test(text) ? text : text.replace(EVERY_UNPRINTABLE, escaped);

/** Returns whether a text is shown as it is. */
export const isPrintable = (text: string): boolean => !UNPRINTABLE.test(text);

/** Returns whether a text is one line without marks that change its order, as inputs must be. */
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
 * Third-party text to show. It is made printable when a document that contains it is parsed. Data to restore is
 * `z.string()`, and is escaped when it is shown.
 */
export const shownText = z.string().overwrite(printable);

/** Returns a printable text. A text of more than `most` characters is cut, and its length is appended. */
export function shown(text: string, most: number): string {
  // Cut first, so that only the beginning of a very long text is processed.
  if (text.length <= most) return printable(text);
  return `${printable(text.slice(0, most))}… (${text.length} characters)`;
}

/**
 * Returns a JSON document in which every character that is not shown as itself is a JSON escape: parsing it returns the
 * same data, and it contains nothing that a terminal or a log viewer acts on.
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
 * Returns a text of another program as part of a sentence, without a final full stop and line break. For example, an
 * API
 * server that throttles returns `Too many requests, please try again later.` and a line break.
 */
export const asClause = (text: string): string => text.trim().replace(/\.$/, '');

/** Returns a clause as a sentence. */
export const asSentence = (text: string): string => `${asClause(text).replace(/^./, (first) => first.toUpperCase())}.`;

/** Returns a count with its noun, such as `1 file` or `2 files`. */
export const counted = (count: number, noun: string, plural = `${noun}s`): string =>
  `${count} ${count === 1 ? noun : plural}`;
