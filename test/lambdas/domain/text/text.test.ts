import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { secretsIn } from '../../../../lambdas/domain/addons/configuration.ts';
import { MigrationError } from '../../../../lambdas/domain/failures/errors.ts';
import { ZOD_MESSAGES } from '../../../../lambdas/domain/text/zod-messages.ts';
import { hasProtoKey, problemsOf } from '../../../../lambdas/domain/text/problems.ts';
import { isOneLine, isPrintable, jsonText, printable, shown, shownIn } from '../../../../lambdas/domain/text/text.ts';
import { codePoint } from '../../../code-points.ts';
import { forAll } from '../../../for-all.ts';

describe('third-party text', () => {
  it.each([
    ['plain', 'plain'],
    ['\u001b]0;x\u0007', '\\x1b]0;x\\x07'],
    ['a\nb\r', 'a\\nb\\x0d'],
    ['\u009b31m', '\\x9b31m'],
    ['\u202eexe', '\\u202eexe'],
    ['\ud800', '\\ud800'],
    ['für 日本 محمد שלום', 'für 日本 محمد שלום'],
    ['👩\u200d💻 ❤\ufe0f', '👩\\u200d💻 ❤\\ufe0f'],
    ['a\u200bb\u00adc\u2060', 'a\\u200bb\\xadc\\u2060'],
    ['\u3164\u115f\u1160\uffa0', '\\u3164\\u115f\\u1160\\uffa0'],
    ['x\u{e0041}\u{e0100}', 'x\\u{e0041}\\u{e0100}'],
  ])('%j is shown as %s', (text, as) =>
    expect([printable(text), isPrintable(text), isPrintable(as)]).toEqual([as, text === as, true]),
  );
  it('has an escape for each control, format and ignorable character that Unicode knows', () => {
    const hidden = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/u;
    const all = Array.from({ length: 0x110000 }, (_, code) => String.fromCodePoint(code));
    expect(all.filter((character) => hidden.test(character) && isPrintable(character))).toEqual([]);
  });
  it('is idempotent', () =>
    forAll(fc.string({ unit: codePoint }), (text) => expect(printable(printable(text))).toBe(printable(text))));
  it('is refused in an input if it ends the line or reverses text, and otherwise accepted unchanged', () => {
    expect(['a\nb', '\u202e', '\u001b', '\ufeff'].filter(isOneLine)).toEqual([]);
    expect(['👩\u200d💻 ❤\ufe0f', 'می\u200cخواهم'].filter((text) => !isOneLine(text))).toEqual([]);
  });
  it('is escaped anywhere in a value', () => {
    const escaped = { a: ['\\x1b', { 'k\\u200b': 'x\ny' }], n: 1 };
    expect(shownIn({ a: ['\u001b', { 'k\u200b': 'x\ny' }], n: 1 })).toEqual(escaped);
  });
  it('is the same data in JSON, which has nothing that is not shown as itself', () =>
    forAll(fc.jsonValue({ stringUnit: codePoint }), fc.constantFrom(undefined, 2), (value, indent) => {
      const text = jsonText(value, indent);
      expect(text.split('\n').every(isPrintable)).toBe(true);
      expect(JSON.stringify(JSON.parse(text))).toBe(JSON.stringify(value));
    }));
  it('is cut, and its length is appended', () => {
    expect(shown('12345', 5)).toBe('12345');
    expect(shown(`\u001b${'x'.repeat(1_000_000)}`, 3)).toBe('\\x1bxx… (1000001 characters)');
  });
  it('is printable in every error of the service', () => {
    const { message } = new MigrationError('InvalidRequest', `\u001b[2J${'x'.repeat(100_000)}`);
    expect(message).toMatch(/^\\x1b\[2Jx+… \(100004 characters\)$/);
    expect(message.length).toBeLessThan(4100);
  });
});

describe('what is wrong with data', () => {
  const schema = z.strictObject({
    name: z.enum(['a', 'b']),
    tags: z.record(z.string().regex(/^[a-z]+$/, 'must be small'), z.number()),
  });
  const problems = (data: unknown): string => problemsOf(schema.safeParse(data, ZOD_MESSAGES).error!, 'input');
  it('names the field and repeats no value', () => {
    expect(problems({ name: 'SECRET', tags: { x: 'SECRET' } })).toBe(
      'name: must be one of "a", "b"; tags.x: must be a number',
    );
    expect(problems('SECRET')).toBe('input: must be an object');
    expect(problems({})).toBe('name: is missing; tags: is missing');
  });
  it('shows keys that are wrong, cut and escaped', () => {
    expect(problems({ name: 'a', tags: { [`\u001b${'X'.repeat(100)}`]: 1 } })).toBe(
      `tags.\\x1b${'X'.repeat(63)}… (101 characters): has a key that must be small`,
    );
    expect(problems({ name: 'a', tags: {}, 'ju\nnk': 1 })).toBe('input: has unknown fields: ju\\nnk');
  });
  it('lists at most ten problems', () => {
    const many = Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`key-${index}`, 1]));
    const ten = /(tags\.key-\d+: has a key that must be small; ){10}and 490 more$/;
    expect(problems({ name: 'a', tags: many })).toMatch(ten);
    expect(problems({ name: 'a', tags: {}, ...many })).toMatch(/key-9 and 490 more$/);
  });
  it('finds a key __proto__ at any depth', () => {
    expect(hasProtoKey(JSON.parse(`${'{"a":['.repeat(2000)}{"__proto__":1}${']}'.repeat(2000)}`))).toBe(true);
    expect(hasProtoKey(JSON.parse('{"a":{"proto":"__proto__"},"b":null}'))).toBe(false);
  });
});

describe('texts of configuration values that may be secret', () => {
  it('are its texts and longer numbers, the longest first, also as JSON writes them; never its keys', () => {
    expect(secretsIn('{"password":"hunter2-\\"x","port":80,"id":123456,"list":["abcd"]}')).toEqual([
      'hunter2-\\"x',
      'hunter2-"x',
      '123456',
      'abcd',
    ]);
    expect(secretsIn('password: |\n  line one\n  line two\n')).toEqual([
      'line one\\nline two\\n',
      'line one\nline two\n',
      'line one',
      'line two',
    ]);
  });
  it('are all words of values that cannot be parsed', () =>
    expect(secretsIn('{"password": "hunter2", [')).toEqual(['password', 'hunter2']));
  it('are found in bounded time, also in aliases', () => {
    expect(secretsIn('a: &a [secret, *a]')).toEqual(['secret']);
    expect(secretsIn(`${'['.repeat(5000)}"deep"${']'.repeat(5000)}`)).toContain('deep');
  });
});
