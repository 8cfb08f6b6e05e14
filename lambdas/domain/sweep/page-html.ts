/** HTML as text: what is put into it is escaped, unless it is HTML already. */
import { createHash } from 'node:crypto';
import { jsonText } from '../text.ts';

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
    jsonText(value).replace(/[<>&]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`),
  );

/** The source of an inline style or script for a Content Security Policy. */
export const hashOf = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
