import { assert, asyncProperty, constantFrom, oneof } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { functionsAt } from '../../../sandbox/states/jsonata-functions.ts';
import { compile, evaluate, type Bindings } from '../../../sandbox/states/jsonata.ts';
import { quickOf } from '../../../sandbox/states/quick-expressions.ts';
import { Random } from '../../../sandbox/random.ts';

const evaluateWith = (source: string, bindings: Bindings): Promise<unknown> =>
  evaluate(`{% ${source} %}`, 'Output', {
    lookUp: (name) => (Object.hasOwn(bindings, name) ? bindings[name] : undefined),
    bindings: () => ({ ...bindings, ...functionsAt(0, new Random(1)) }),
  }).catch((error: unknown) => String(error).replace(`'${source}'`, 'it'));

/** Operands that are paths, variables and literals. */
const OPERANDS = ['$a', '$a.x', '$a.x.y', '$b', '$b.constructor', '$none', "'x'", '1', 'true', 'null', '$a.x + $b'];
const OPERATORS = ['=', '!=', '+', '-', '*', '<', '<=', '>', '>=', 'and', 'or', '&'];

const SIMPLE = [
  '$states.input.verdict',
  '$tries + 1',
  "$action = 'update'",
  '$a = true ? $b + 1 : $b',
  "$a or $b = 'x'",
  "$a & 'x'",
  '[$a]',
  '{"a": $a, "b": ["x"]}',
];
const OTHERS = [
  '$',
  '$$.a',
  'a.b',
  '$a[0]',
  '$a.b[]',
  '$a[].b',
  '$a.b[c = 1]',
  '$a.b^(c)',
  '$a.b{c: d}',
  '$a.b@$c.d',
  '$a.b#$i.d',
  '$a.$b',
  '$a.(b)',
  '$a.*',
  '$a.**',
  '$a in $b',
  '($a)',
  '[1..3]',
  '[$a][0]',
  '{$a: 1}',
  '{"a": $a, "a": 1}',
  '{"a": $a}.a',
  '$exists($a)',
  '$parse',
  '$a ? $b',
];

describe('simple expressions', () => {
  test.each(SIMPLE)('%s is evaluated quickly', (source) => expect(quickOf(compile(source).ast())).toBeDefined());

  test.each(OTHERS)("%s is left to JSONata's interpreter", (source) =>
    expect(quickOf(compile(source).ast())).toBeUndefined(),
  );

  test('have the values and failures of JSONata', async () => {
    const value = oneof(
      constantFrom(undefined, null, true, false, 0, -0, 1, 1e308, '', 'x', [], [1], ['x'], {}),
      constantFrom([{ y: 1 }, { y: 2 }], { y: 'x' }, { y: [1] }, { y: null }, [[1]], { y: { z: 1 } }),
    );
    const operand = constantFrom(...OPERANDS);
    await assert(
      asyncProperty(operand, constantFrom(...OPERATORS), operand, value, value, async (left, operator, right, x, b) => {
        const bindings = { ...(x === undefined ? {} : { a: { x } }), ...(b === undefined ? {} : { b }) };
        const both = `${left} ${operator} ${right}`;
        for (const source of [
          left,
          both,
          `${both} ? ${left} : $b`,
          `[${left}, ${both}]`,
          `{"p": ${left}, "q": ${both}, "r": ['x', ${right}]}`,
        ]) {
          compile(source);
          // A block is never simple.
          expect(await evaluateWith(source, bindings)).toEqual(await evaluateWith(`(${source})`, bindings));
        }
      }),
      { numRuns: 2000, seed: 1 },
    );
  });
});
