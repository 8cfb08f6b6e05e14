/** Third-party text in Markdown: nothing in it is markup or becomes a link, and a reader copies it as it was. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { plain } from '../../cli/plan/markdown.ts';
import { printable } from '../../lambdas/domain/text/text.ts';
import { words } from '../words.ts';
import { forAll } from '../for-all.ts';

const decoded = (text: string): string =>
  text
    .replaceAll(/&#(\d+);/g, (_, code: string) => String.fromCodePoint(Number(code)))
    .replaceAll('&lt;', '<')
    .replaceAll('&amp;', '&');

/** The texts of a rendered document: links are looked for in each of them, after its escapes are decoded. */
const textsIn = (markdown: string): string[] => markdown.split('<span></span>').map(decoded);

/** What GitHub or GitLab turns into a link. */
const LINKS = [/:\/\//, /www\./i, /\S@\S|@[\w-]/, /[#!~%$&^]["\w]/, /\bGH-\d/i];
const MARKUP = /[\\`*_[\]|~#@!>$<&]/;
const ESCAPED = /<span><\/span>|&(?:#\d+|lt|amp);/g;

const PARTS = words`
  https:// HTTP:// ftp:// :// // : www. WWW. wwwww. evil.example @ @org/team a@b.example mailto: # #1 x/y#1 GH-1 gh-2 ! !1 ~bug
  %1 $1 $ & &1 &#64; &lt; ^alert#1 < > <a <span></span> [x](y) \` | * _ \\ 1 a . " \n \u200b
`;

describe('third-party text in Markdown', () => {
  it.each([
    ['see https://evil.example/x', 'see https:<span></span>//evil.example/x'],
    ['see www.evil.example', 'see www<span></span>.evil.example'],
    ['ask admin@evil.example', 'ask admin&#64;<span></span>evil.example'],
    [
      'ask @org/team about x/y#1, GH-2',
      'ask &#64;<span></span>org/team about x/y&#35;<span></span>1, GH-<span></span>2',
    ],
    ['role arn:aws:iam::111122223333:role/x', 'role arn:aws:iam::111122223333:role/x'],
  ])('is not a link: %s', (text, expected) => expect(plain(text)).toBe(expected));

  it('has no markup and no link, and is read as it was, whatever it contains', () =>
    forAll(fc.array(fc.oneof(fc.constantFrom(...PARTS), fc.string()), { maxLength: 12 }), (parts) => {
      const text = parts.join('');
      const markdown = plain(text);
      const texts = textsIn(markdown);
      expect(texts.join('')).toBe(printable(text).replaceAll('\n', ' '));
      expect(texts.filter((one) => LINKS.some((link) => link.test(one)))).toEqual([]);
      expect(markdown.replaceAll(ESCAPED, '')).not.toMatch(MARKUP);
    }));
});
