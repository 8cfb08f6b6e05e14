import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { GoSyntaxError, parseGoJson } from '../../../../sandbox/kubernetes/go/json.ts';
import { forAll } from '../../../for-all.ts';

const accepts = (read: () => unknown): boolean => {
  try {
    read();
    return true;
  } catch (error) {
    if (error instanceof GoSyntaxError || error instanceof SyntaxError) return false;
    throw error;
  }
};

describe('JSON', () => {
  test('is read like JSON.parse reads it', () =>
    forAll(fc.json(), (text) =>
      expect(parseGoJson(text)).toEqual({ value: JSON.parse(text) as unknown, duplicates: [] }),
    ));

  test('is refused where JSON.parse refuses it', () =>
    forAll(fc.json(), fc.nat(), fc.constantFrom('', '"', '{', ']', ',', 'x', '\u0001'), (text, at, character) => {
      const place = at % (text.length + 1);
      const changed = `${text.slice(0, place)}${character}${text.slice(place + 1)}`;
      expect(accepts(() => parseGoJson(changed))).toBe(accepts(() => JSON.parse(changed)));
    }));

  // Messages of encoding/json.
  test.each([
    ['', 'unexpected end of JSON input'],
    ['{"a":', 'unexpected end of JSON input'],
    ['"a', 'unexpected end of JSON input'],
    ['x', "invalid character 'x' looking for beginning of value"],
    ['{a:1}', "invalid character 'a' looking for beginning of object key string"],
    ['{"a" 1}', "invalid character '1' after object key"],
    ['{"a":1 "b":2}', `invalid character '"' after object key:value pair`],
    ['[1 2]', "invalid character '2' after array element"],
    ['{} {}', "invalid character '{' after top-level value"],
    ['[tru]', "invalid character ']' in literal true (expecting 'e')"],
    [String.raw`"\x"`, "invalid character 'x' in string escape code"],
    ['[-]', "invalid character ']' in numeric literal"],
  ])('%s has the error of Go', (text, message) => expect(() => parseGoJson(text)).toThrow(message));

  test('names the fields that an object has twice', () =>
    expect(parseGoJson('{"a":{"b":1,"b":2},"c":[{"d":1,"d":1}],"a":3}')).toEqual({
      value: { a: 3, c: [{ d: 1 }] },
      duplicates: ['a.b', 'c[0].d', 'a'],
    }));
});
