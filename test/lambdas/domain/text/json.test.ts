import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseJson } from '../../../../lambdas/domain/text/json.ts';
import { type Json, readJson } from '../../../../lambdas/domain/policy/index.ts';
import { forAll, forAllIn } from '../../../for-all.ts';

/** As JSON.parse gives it, keys in the order of the text. */
function plain(value: Json): unknown {
  if (Array.isArray(value)) return value.map(plain);
  return value instanceof Map ? [...value].map(([key, item]) => [key, plain(item)]) : value;
}

function pairs(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(pairs);
  if (typeof value !== 'object' || value === null) return value;
  return Object.entries(value).map(([key, item]) => [key, pairs(item)]);
}

const byParse = (text: string): { value: unknown } | undefined => {
  try {
    return { value: JSON.parse(text) as unknown };
  } catch {
    return undefined;
  }
};

const failure = (text: string): string => {
  const read = readJson(text);
  return read.ok ? 'fine' : `${read.line}:${read.column} ${read.message}`;
};

describe('readJson', () => {
  it('reads what JSON.parse reads', () =>
    forAll(fc.json({ maxDepth: 4 }), fc.constantFrom(0, 1, '\t', '\r\n'), (text, indent) => {
      const spaced = JSON.stringify(JSON.parse(text), null, indent);
      const read = readJson(spaced);
      expect(read.ok && plain(read.value)).toEqual(pairs(JSON.parse(spaced)));
    }));

  it('refuses what JSON.parse refuses', () => {
    const characters = Array.from('{}[]":,\\u01a-+.etn \n\u0001\u00a0/');
    const unit = fc.constantFrom(...characters, 'true', 'false', 'null');
    forAllIn(5000, fc.string({ unit, maxLength: 12 }), (text) => {
      const read = readJson(text);
      const parsed = byParse(text);
      const twice = !read.ok && read.message.endsWith('occurs twice');
      expect(read.ok || twice).toBe(parsed !== undefined);
      expect(read.ok ? plain(read.value) : undefined).toEqual(read.ok ? pairs(parsed?.value) : undefined);
    });
  });

  it.each([
    ['-0.5e+2', -50],
    ['1E3', 1000],
    ['"\\u00e9\\u00E9\\n\\"\\\\\\/\\b\\f\\r\\t"', 'éé\n"\\/\b\f\r\t'],
    [' \t\r\n true \n', true],
    ['null', null],
    ['false', false],
    ['[]', []],
    ['{}', []],
    ['[[],{"a":[1,{}]}]', [[], [['a', [1, []]]]]],
  ])('reads %j', (text, expected) => {
    const read = readJson(text);
    expect(read.ok && plain(read.value)).toEqual(expected);
  });

  it('keeps keys such as __proto__', () => {
    const read = readJson('{"__proto__":{"Effect":"Allow"},"constructor":1}');
    const expected = Object.entries({ ['__proto__']: [['Effect', 'Allow']], constructor: 1 });
    expect(read.ok && plain(read.value)).toEqual(expected);
  });

  it.each([
    ['', '1:1 the text ends too early'],
    ['{', '1:2 the text ends too early'],
    ['{"a"', '1:5 the text ends too early'],
    ['{"a":', '1:6 the text ends too early'],
    ['{"a":1', '1:7 the text ends too early'],
    ['[1', '1:3 the text ends too early'],
    ['"a', '1:3 the text ends too early'],
    ['"a\\', '1:4 the text ends too early'],
    ['{a', '1:2 expected a key in double quotes'],
    ['{"a":1,}', '1:8 expected a key in double quotes'],
    ['{"a" 1}', '1:6 expected a colon'],
    ['{"a":1 "b"', '1:8 expected a comma or the end of the object'],
    ['[1 2]', '1:4 expected a comma or the end of the list'],
    ['[1,]', '1:4 expected a value'],
    ['nul', '1:1 expected a value'],
    ['{\n  "a": 1,\n  "b": x\n}', '3:8 expected a value'],
    ['{} x', '1:4 nothing may follow the end of the document'],
    ['01', '1:2 nothing may follow the end of the document'],
    ['"a\nb"', '1:3 a control character in a string must be escaped'],
    ['"\\N"', '1:3 invalid escape sequence in a string'],
    ['"\\U0041"', '1:3 invalid escape sequence in a string'],
    ['"\\x"', '1:3 invalid escape sequence in a string'],
    ['"\\u12g4"', '1:3 invalid escape sequence in a string'],
    ['"\\u12', '1:3 invalid escape sequence in a string'],
    ['{"a":1,\n "a":2}', '2:2 the key "a" occurs twice'],
    ['{"a":{"b":1},"c":{"b":1}}', 'fine'],
    ['{"a":1,"\\u0061":2}', '1:8 the key "a" occurs twice'],
    [`{"${'k'.repeat(200)}":1,"${'k'.repeat(200)}":1}`, `1:207 the key "${'k'.repeat(100)}" occurs twice`],
    [`${'['.repeat(32)}${']'.repeat(32)}`, 'fine'],
    [`${'['.repeat(32)}1,"a"${']'.repeat(32)}`, 'fine'],
    [`${'['.repeat(33)}${']'.repeat(33)}`, '1:33 nested deeper than 32 levels'],
    [`${'{"a":'.repeat(32)}{}`, '1:161 nested deeper than 32 levels'],
    ['['.repeat(1_000_000), '1:33 nested deeper than 32 levels'],
  ])('names the position and the problem: %#', (text, expected) => expect(failure(text)).toBe(expected));
});

describe('parseJson', () => {
  it('returns the same as JSON.parse if no key occurs twice', () =>
    forAll(fc.json({ maxDepth: 4 }), (text) => {
      const value: unknown = JSON.parse(text);
      // JSON.stringify writes each key once.
      expect(parseJson(JSON.stringify(value))).toEqual({ ok: true, value });
    }));

  it.each([
    ['{"dryRun": true, "dryRun": false}', ['dryRun']],
    ['{"a": {"b": [1, {"c": 1, "d": [], "c": 2}]}}', ['a', 'b', 1, 'c']],
    ['[[], [{"a": 1, "\\u0061": 1}]]', [1, 0, 'a']],
    ['{"__proto__": 1, "__proto__": 1}', ['__proto__']],
  ])('names a duplicate key by its path: %s', (text, twice) =>
    expect(parseJson(text)).toMatchObject({ ok: false, twice }),
  );

  it('finds a key that is repeated anywhere', () => {
    const openings = fc.array(fc.oneof(fc.constant('['), fc.constant('{"k":')), { maxLength: 20 });
    forAll(openings, fc.string(), (opens, key) => {
      const name = JSON.stringify(key);
      const closes = opens.map((open) => (open === '[' ? ']' : '}')).toReversed();
      const text = [...opens, `{${name}:1,"other${key.length}":2,${name}:1}`, ...closes].join('');
      const path = opens.map((open) => (open === '[' ? 0 : 'k'));
      fc.pre(key !== `other${key.length}`);
      expect(parseJson(text)).toMatchObject({ ok: false, twice: [...path, key] });
    });
  });

  it('has no path for text that is not JSON', () => {
    const message = 'expected a key in double quotes';
    expect(parseJson('{"a":1,}')).toEqual({ ok: false, line: 1, column: 8, message });
  });
});
