import { createRequire } from 'node:module';
import { describe, expect, test, vi } from 'vitest';
import {
  type Build,
  type ExpressionContext,
  type ExpressionParser,
  inPlace,
  remembering,
} from '../../../sandbox/dynamodb/expressions.ts';

const require = createRequire(import.meta.url);
const parsers = {
  condition: require('dynalite/db/conditionParser.js') as ExpressionParser,
  update: require('dynalite/db/updateParser.js') as ExpressionParser,
};
const contextOf = (given: Pick<ExpressionContext, 'attrNames' | 'attrVals'>, more: object = {}): ExpressionContext => {
  const all = (names: object = {}) => Object.fromEntries(Object.keys(names).map((name) => [name, true as const]));
  const { attrNames, attrVals } = structuredClone(given);
  return Object.assign(
    {
      ...(attrNames ? { attrNames } : {}),
      ...(attrVals ? { attrVals } : {}),
      unusedAttrNames: all(attrNames),
      unusedAttrVals: all(attrVals),
      isReserved: (name: string) => name === 'ABORT',
      compare: () => false,
    },
    more,
  );
};

const names = { '#s': 'status', '#t': 'toString' };
const one = { ':a': { S: 'one' }, ':n': { N: '1' } };
const two = { ':a': { S: 'two' }, ':n': { N: '2' } };

const corpus: [kind: keyof typeof parsers, text: string][] = [
  ['condition', 'attribute_not_exists(pk)'],
  ['condition', '#s = :a OR attribute_not_exists(pk)'],
  ['condition', 'pk = :a AND begins_with(sk, :a)'],
  ['condition', 'NOT (#t.#s > :n) AND :a IN (#s, :a)'],
  ['condition', '#t[3].x <> size(#s)'],
  ['condition', '#gone = :a'],
  ['condition', '#s = :gone'],
  ['condition', 'begins_with(#s, :n)'],
  ['condition', 'contains(#s, #s)'],
  ['condition', 'ABORT = :a'],
  ['update', 'SET #s = :a, fence = if_not_exists(fence, :n) + :n REMOVE #t'],
  ['update', 'ADD fence :n'],
  ['update', 'ADD fence :a'],
  ['update', 'SET #s = :a, #s.x = :n'],
];

describe('an expression that was parsed before', () => {
  test.each(corpus)('%s, %s', (kind, text) => {
    const parse = vi.fn<ExpressionParser['parse']>((...given) => parsers[kind].parse(...given));
    const remembered = remembering({ parse });
    let filled: Build | undefined;
    for (const attrVals of [one, two, one]) {
      const [expected, actual] = [contextOf({ attrNames: names, attrVals }), contextOf({ attrNames: names, attrVals })];
      expect(remembered.parse(text, { context: actual })).toStrictEqual(
        parsers[kind].parse(text, { context: expected }),
      );
      expect(actual.unusedAttrNames).toEqual(expected.unusedAttrNames);
      expect(actual.unusedAttrVals).toEqual(expected.unusedAttrVals);
      const context = contextOf({ attrNames: names, attrVals });
      const build = remembered.recall(text, context);
      filled ??= build && inPlace(build, Object.keys(attrVals));
      expect(filled?.(attrVals)).toStrictEqual(build?.(attrVals));
    }
    expect(parse).toHaveBeenCalledTimes(1);
  });

  test('is different with other names, other types of values, and as a key condition', () => {
    const parse = vi.fn<ExpressionParser['parse']>((...given) => parsers.condition.parse(...given));
    const remembered = remembering({ parse });
    const text = '#s = :a';
    for (const context of [
      contextOf({ attrNames: { '#s': 'status' }, attrVals: { ':a': { S: 'x' } } }),
      contextOf({ attrNames: { '#s': 'state' }, attrVals: { ':a': { S: 'x' } } }),
      contextOf({ attrNames: { '#s': 'status' }, attrVals: { ':a': { N: '1' } } }),
      contextOf({ attrNames: { '#s': 'status' }, attrVals: { ':a': { S: 'x' } } }, { isKeyCondition: true }),
    ]) {
      expect(remembered.parse(text, { context })).toMatchObject({
        expression: { args: [[context.attrNames!['#s']], context.attrVals![':a']] },
      });
    }
    expect(parse).toHaveBeenCalledTimes(4);
  });

  test('belongs to its caller: changes by one caller are invisible to the next', () => {
    const remembered = remembering(parsers.condition);
    const ask = () =>
      remembered.parse('#s = :a', {
        context: contextOf({ attrNames: { '#s': 'status' }, attrVals: { ':a': { S: 'x' } } }),
      }) as { expression: { args: unknown[] } };
    ask().expression.args.length = 0;
    expect(ask().expression.args).toEqual([['status'], { S: 'x' }]);
  });

  test.each(['#s BETWEEN :a AND :b', 'attribute_type(#s, :a)'])('is parsed again if its values matter: %s', (text) => {
    const parse = vi.fn<ExpressionParser['parse']>((...given) => parsers.condition.parse(...given));
    const remembered = remembering({ parse });
    for (let run = 0; run < 2; run += 1)
      remembered.parse(text, {
        context: contextOf({ attrNames: names, attrVals: { ':a': { S: 'S' }, ':b': { S: 'T' } } }),
      });
    expect(parse).toHaveBeenCalledTimes(2);
  });

  test('is refused each time if it is invalid', () => {
    const remembered = remembering(parsers.condition);
    for (let run = 0; run < 2; run += 1)
      expect(() => remembered.parse('#s = = :a', { context: contextOf({ attrNames: names, attrVals: one }) })).toThrow(
        /Syntax|token|Expected/i,
      );
  });
});
