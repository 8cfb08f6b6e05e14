/** Builds HTML as text: values in a template are escaped, unless they are `Html`. */
import { createHash } from 'node:crypto';
import { jsonText } from '../domain/text/text.ts';

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

/** Escapes values for text and for attributes in double quotes. Values must not be used anywhere else in a template. */
export const html = (strings: TemplateStringsArray, ...parts: Part[]): Html =>
  new Html(strings.map((string, index) => `${string}${textOf(parts[index])}`).join(''));

/** Returns JSON for a `script` element that holds data: nothing in it can end the element or start a comment. */
export const jsonFor = (value: unknown): Html =>
  new Html(
    jsonText(value).replace(/[<>&]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`),
  );

/** Returns the source expression of an inline style or script for a Content Security Policy. */
export const hashOf = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
