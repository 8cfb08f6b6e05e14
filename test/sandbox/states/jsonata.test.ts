import { describe, expect, test } from 'vitest';
import { functionsAt } from '../../../sandbox/states/jsonata-functions.ts';
import { type Bindings, type Environment, evaluate } from '../../../sandbox/states/jsonata.ts';
import { Random } from '../../../sandbox/random.ts';

const TIME = Date.parse('2026-01-15T09:00:00.000Z');
const environmentOf = (bindings: Bindings): Environment => ({
  lookUp: (name) => bindings[name],
  bindings: () => ({ ...bindings, ...functionsAt(TIME, new Random(1)) }),
});
const of = (source: string, bindings: Bindings = {}): Promise<unknown> =>
  evaluate(`{% ${source} %}`, 'Output', environmentOf(bindings));

describe('templates', () => {
  test('only a whole string is an expression', async () =>
    expect(await evaluate({ a: ['{% 1 + 1 %}', 'x {% 1 %}', 3, null, true] }, 'Output', environmentOf({}))).toEqual({
      a: [2, 'x {% 1 %}', 3, null, true],
    }));

  test('a single element is returned without its list, unless requested', async () => {
    const list = { list: [{ n: 1 }, { n: 2 }] };
    expect([await of('$list[n = 1].n', list), await of('[$list[n = 1].n]', list)]).toEqual([1, [1]]);
  });

  test('the result is an independent copy of plain data', async () => {
    const source = { a: { b: [1, 2] } };
    const value = await of('$source.a', { source });
    expect(value).toEqual({ b: [1, 2] });
    expect(value).not.toBe(source.a);
  });

  test.each([
    [
      'function($x) { $x }',
      "The JSONata expression 'function($x) { $x }' specified for the field 'Output' returned an unsupported result type.",
    ],
    ["$number('x')", 'threw an error during evaluation. D3030: '],
    ['1 +', 'threw an error during evaluation. S0207: '],
    // Operators of JSONata 2.1, which Step Functions does not support.
    ["$none ?? 'x'", 'threw an error during evaluation. S0'],
    ["$eval('1')", '$eval is not available in Step Functions. Use $parse instead'],
    ["$error('mine')", 'D3137: mine'],
  ])('%s fails', (source, message) => expect(of(source)).rejects.toThrow(message));
});

describe("Step Functions' functions", () => {
  test.each([
    ['$range(0, 10, 5)', [0, 5, 10]],
    ['$range(10, 1, -4)', [10, 6, 2]],
    ['$range(3, 3, 1)', 3],
    ['$partition([1, 2, 3], 2)', [[1, 2], [3]]],
    ['$parse(\'{"a":[1]}\')', { a: [1] }],
    ["$hash('abc', 'SHA-256')", 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
    ["$hash('abc', 'MD5')", '900150983cd24fb0d6963f7d28e17f72'],
    ['$random(42)', 0.7275636800328681],
    ['$millis()', TIME],
    ['$now()', '2026-01-15T09:00:00.000Z'],
    ["$now('[Y0001]/[M01]', '+0200')", '2026/01'],
    ['$map([1, 2], $string)', ['1', '2']],
    ['$map(["1", "[2]"], $parse)', [1, [2]]],
    ['$sort($shuffle([1, 2, 3]))', [1, 2, 3]],
  ])('%s', async (source, value) => expect(await of(source)).toEqual(value));

  test.each([
    ["$parse('{')", 'D3137: Invalid JSON'],
    ["$hash('a', 'SHA-9')", "Hash algorithm 'SHA-9' must be one of"],
    ['$partition([1], -1)', 'Second argument must be zero or greater'],
    ["$range('a', 2, 1)", 'T0410: Argument 1 of function "range" does not match function signature'],
    ['$uuid(1)', 'T0410'],
    ['$range(1, 360146, 1)', 'memory limit'],
  ])('%s fails', (source, message) => expect(of(source)).rejects.toThrow(message));

  test('random values are seeded', async () => {
    expect(await of('$uuid()')).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    const both = '{"u": $uuid(), "r": $random(), "s": $shuffle([1, 2, 3, 4, 5, 6])}';
    expect(await of(both)).toEqual(await of(both));
  });
});
