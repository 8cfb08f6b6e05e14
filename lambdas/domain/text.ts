/**
 * Text that others wrote, for logs, records and terminals: nothing in it may act on whoever shows it, and it has an
 * end.
 */

/**
 * What a terminal or a viewer of logs obeys instead of showing it: control characters (ESC begins a terminal's
 * commands), line and paragraph separators, marks that turn the order of the text around (CVE-2021-42574), and halves
 * of characters.
 */
const UNPRINTABLE = /[\p{Cc}\p{Cs}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/u;
/** The same rule as a pattern for a whole text, for what checks inputs before they come here. */
export const PRINTABLE_PATTERN = `^${UNPRINTABLE.source.replace('[', '[^')}*$`;
const EVERY_UNPRINTABLE = new RegExp(UNPRINTABLE, 'gu');

const escaped = (character: string): string => {
  if (character === '\n') return '\\n';
  const code = character.codePointAt(0) ?? 0;
  return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`;
};

/** The same text with an escape such as `\x1b` for each character that is not shown as itself. */
export const printable = (text: string): string => text.replace(EVERY_UNPRINTABLE, escaped);

/** Whether a text is shown as it is. */
export const isPrintable = (text: string): boolean => !UNPRINTABLE.test(text);

/** Printable, and cut where it has more than `most` characters, of which it then says how many it had. */
export function shown(text: string, most: number): string {
  // Cut first: of a text that is a megabyte long only the beginning is looked at.
  if (text.length <= most) return printable(text);
  return `${printable(text.slice(0, most))}… (${text.length} characters)`;
}

/**
 * Returns a text of another program as a part of a sentence, without the full stop and the line break that it may end
 * in: an API server that is asked too often answers `Too many requests, please try again later.` and a line break.
 */
export const asClause = (text: string): string => text.trim().replace(/\.$/, '');
