/** HTML as text: what is put into it is escaped, unless it is HTML already. */
import { createHash } from 'node:crypto';
import { printable } from '../text.ts';

export class Html {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

type Part = Html | string | number | undefined | Part[];

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
const escaped = (text: string): string => text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character);

function textOf(part: Part): string {
  if (part === undefined) return '';
  if (Array.isArray(part)) return part.map(textOf).join('');
  return part instanceof Html ? part.text : escaped(String(part));
}

/** Values are escaped for text and for attributes in double quotes; never put one anywhere else. */
export const html = (strings: TemplateStringsArray, ...parts: Part[]): Html =>
  new Html(strings.map((string, index) => `${string}${textOf(parts[index])}`).join(''));

/** JSON for a script element of another type than a script's: nothing in it can end the element or begin a comment. */
export const jsonFor = (value: unknown): Html =>
  new Html(
    JSON.stringify(value).replace(
      /[<>&\u2028\u2029]/g,
      (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
    ),
  );

/** The source of an inline style or script for a Content Security Policy. */
export const hashOf = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

const shownText = (text: string): string => text.split('\n').map(printable).join('\n');

/** The same value, with every text in it as one that acts on nobody who looks at it; line breaks stay. */
export function shownIn<Value>(value: Value): Value {
  if (typeof value === 'string') return shownText(value) as Value;
  if (Array.isArray(value)) return value.map(shownIn) as Value;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [shownText(name), shownIn(each)])) as Value;
}
