import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { storedForm } from '../../../sandbox/kubernetes/stored-form.ts';
import { forAll } from '../../for-all.ts';

type Tree = { [key: string]: Tree | number | { name: string; value?: number }[] };

/** Adds defaults as the API does: fields that are absent, in objects that exist or not, and items of lists. */
const withDefaults = (tree: Tree): Tree => {
  const inner: Tree = typeof tree['in'] === 'object' && !Array.isArray(tree['in']) ? tree['in'] : {};
  const list = Array.isArray(tree['list']) ? tree['list'] : [];
  return {
    ...tree,
    a: tree['a'] ?? 1,
    in: { ...inner, b: inner['b'] ?? 2, c: inner['c'] ?? 3 },
    list: [
      ...list.map((item) => ({ ...item, value: item.value ?? 4 })),
      ...(list.some(({ name }) => name === 'added') ? [] : [{ name: 'added', value: 4 }]),
    ],
  };
};

const value = fc.integer({ min: 0, max: 5 });
const item = fc.record({ name: fc.constantFrom('x', 'y', 'z'), value }, { requiredKeys: ['name'] });
const tree: fc.Arbitrary<Tree> = fc.record(
  {
    a: value,
    in: fc.record({ b: value, c: value }, { requiredKeys: [] }),
    list: fc.uniqueArray(item, { selector: ({ name }) => name }),
  },
  { requiredKeys: [] },
) as fc.Arbitrary<Tree>;

describe('the stored form of a change', () => {
  test('is served as the change', () =>
    forAll(tree, tree, (stored, wanted) => {
      const changed = withDefaults(wanted);
      const form = storedForm(stored, withDefaults(stored), changed) as Tree;
      const sorted = ({ list, ...others }: Tree): unknown => ({
        ...others,
        list: [...(list as { name: string }[])].sort((one, other) => one.name.localeCompare(other.name)),
      });
      expect(sorted(withDefaults(form))).toEqual(sorted(changed));
    }));

  test('is the stored object itself if nothing changed', () =>
    forAll(tree, (stored) =>
      expect(storedForm(stored, withDefaults(stored), withDefaults(structuredClone(stored)))).toBe(stored),
    ));

  test('has no default that the change left alone', () =>
    expect(storedForm({ a: 9 }, withDefaults({ a: 9 }), { ...withDefaults({ a: 9 }), a: 8 })).toEqual({ a: 8 }));
});
