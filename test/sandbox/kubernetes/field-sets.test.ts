import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  common,
  formatFields,
  formatMembers,
  parseField,
  without,
  withFieldsOf,
  withValue,
} from '../../../sandbox/kubernetes/field-paths.ts';
import {
  compare,
  difference,
  fieldsOf,
  type FieldSet,
  intersection,
  isEmpty,
  isMember,
  sorted,
  union,
  withFields,
} from '../../../sandbox/objects/field-sets.ts';
import { forAll } from '../../for-all.ts';

const document = {
  metadata: { labels: { app: 'x', 'app.kubernetes.io/name': 'y' } },
  spec: {
    replicas: 2,
    selector: { matchLabels: { app: 'x' } },
    template: {
      spec: {
        containers: [
          { name: 'main', image: 'a', args: ['p', 'q'], ports: [{ containerPort: 80 }] },
          { name: 'side', image: 'b' },
        ],
      },
    },
  },
};
const IMAGE = '.spec.template.spec.containers[name="main"].image';

test('fieldsOf has list items by key, and atomic values as leaves (FieldsV1)', () => {
  expect(fieldsOf(document)).toEqual({
    'f:metadata': { 'f:labels': { 'f:app': {}, 'f:app.kubernetes.io/name': {} } },
    'f:spec': {
      'f:replicas': {},
      'f:selector': {},
      'f:template': {
        'f:spec': {
          'f:containers': {
            'k:{"name":"main"}': {
              '.': {},
              'f:name': {},
              'f:image': {},
              'f:args': {},
              'f:ports': { 'k:{"containerPort":80,"protocol":"TCP"}': { '.': {}, 'f:containerPort': {} } },
            },
            'k:{"name":"side"}': { '.': {}, 'f:name': {}, 'f:image': {} },
          },
        },
      },
    },
  });
  expect(fieldsOf({ conditions: [{ type: 'Ready', status: 'True' }], list: [], empty: {} })).toEqual({
    'f:conditions': { 'k:{"type":"Ready"}': { '.': {}, 'f:type': {}, 'f:status': {} } },
    'f:list': {},
    'f:empty': {},
  });
});

test('fieldsOf leaves out lists that merge by key and are empty, and has values of sets', () => {
  expect(fieldsOf({ spec: { containers: [] }, metadata: { finalizers: ['a.b/c'] } })).toEqual({
    'f:metadata': { 'f:finalizers': { 'v:"a.b/c"': {} } },
  });
  expect(fieldsOf({ imagePullSecrets: [{ name: 'a' }], spec: { imagePullSecrets: [{ name: 'b' }] } })).toEqual({
    'f:imagePullSecrets': {},
    'f:spec': { 'f:imagePullSecrets': { 'k:{"name":"b"}': {} } },
  });
});

describe('compare', () => {
  const none = { added: {}, modified: {}, removed: {} };
  const A = 'k:{"name":"a"}';
  const env = (...values: string[]) => ({ env: values.map((value) => ({ name: 'a', value })) });
  test.each<[string, object, object, object]>([
    ['nothing', { a: 1, m: {} }, { a: 1, m: {} }, {}],
    [
      'a value',
      { a: 1, b: 2, c: 3 },
      { a: 2, c: 3, d: 4 },
      { added: { 'f:d': {} }, modified: { 'f:a': {} }, removed: { 'f:b': {} } },
    ],
    ['a new map', {}, { m: { a: 1 } }, { added: { 'f:m': { '.': {}, 'f:a': {} } } }],
    ['an entry of a map', { m: { a: 1 } }, { m: { a: 1, b: 1 } }, { added: { 'f:m': { 'f:b': {} } } }],
    ['a removed map', { m: { a: 1 } }, {}, { removed: { 'f:m': { '.': {}, 'f:a': {} } } }],
    ['the content of a map, not the map', { m: { a: 1 } }, { m: {} }, { removed: { 'f:m': { 'f:a': {} } } }],
    ['a map that was null', { m: null }, { m: { a: 1 } }, { added: { 'f:m': { 'f:a': {} } } }],
    ['an atomic map', { selector: { a: 1 } }, { selector: { b: 1 } }, { modified: { 'f:selector': {} } }],
    ['an atomic list', { args: ['a'] }, { args: ['a', 'b'] }, { modified: { 'f:args': {} } }],
    [
      'items by key, whatever their order',
      { containers: [{ name: 'a', image: '1' }, { name: 'c' }] },
      { containers: [{ name: 'b' }, { name: 'a', image: '2' }] },
      {
        added: { 'f:containers': { 'k:{"name":"b"}': { '.': {}, 'f:name': {} } } },
        modified: { 'f:containers': { 'k:{"name":"a"}': { 'f:image': {} } } },
        removed: { 'f:containers': { 'k:{"name":"c"}': { '.': {}, 'f:name': {} } } },
      },
    ],
    ['items with the same key, as one', env('1', '2'), env('1', '3'), { modified: { 'f:env': { [A]: {} } } }],
    [
      'an item that gets a second one with its key',
      { env: [{ name: 'a' }] },
      { env: [{ name: 'a' }, { name: 'a' }] },
      { added: { 'f:env': { [A]: {} } }, removed: { 'f:env': { [A]: { '.': {}, 'f:name': {} } } } },
    ],
  ])('%s', (_, before, after, expected) => expect(compare(before, after)).toEqual({ ...none, ...expected }));
});

/** Sets of a few elements, so that they overlap. */
const sets: fc.Arbitrary<FieldSet> = fc
  .uniqueArray(fc.array(fc.constantFrom('f:a', 'f:b', 'k:{"name":"x"}'), { minLength: 1, maxLength: 3 }), {
    selector: (path) => path.join(' '),
    maxLength: 8,
  })
  .map((paths) =>
    paths.reduce<FieldSet>(
      (set, path) =>
        union(
          set,
          path.reduceRight<FieldSet>((below, element) => ({ [element]: below }), {}),
        ),
      {},
    ),
  );
/** Returns the members of a set, each as the text of its path. */
const membersOf = (set: FieldSet, path = ''): Set<string> =>
  new Set(
    Object.entries(set).flatMap(([element, node]) =>
      element === '.'
        ? []
        : [...(isMember(node) ? [`${path}/${element}`] : []), ...membersOf(node, `${path}/${element}`)],
    ),
  );

test('union, intersection and difference are those of the members', () =>
  forAll(sets, sets, (one, other) => {
    const [mine, theirs] = [membersOf(one), membersOf(other)];
    expect(membersOf(union(one, other))).toEqual(new Set([...mine, ...theirs]));
    expect(membersOf(intersection(one, other))).toEqual(new Set([...mine].filter((path) => theirs.has(path))));
    expect(membersOf(difference(one, other))).toEqual(new Set([...mine].filter((path) => !theirs.has(path))));
    expect([isEmpty(difference(one, one)), membersOf(sorted(one))]).toEqual([true, mine]);
    expect(formatMembers(one)).toHaveLength(mine.size);
  }));

test('withFields makes members of fields that have members below them, but not of items', () =>
  expect(withFields({ 'f:a': { 'k:{"name":"x"}': { 'f:b': { 'f:c': {} } } } })).toEqual({
    'f:a': { '.': {}, 'k:{"name":"x"}': { 'f:b': { '.': {}, 'f:c': {} } } },
  }));

test('without leaves the map itself if other managers own its entries', () => {
  const made = { 'f:annotations': { '.': {}, 'f:a': {} } };
  expect(without(made, { 'f:annotations': { 'f:a': {} } })).toEqual({ 'f:annotations': {} });
  expect(without({ 'f:annotations': { 'f:b': {} } }, { 'f:annotations': { 'f:a': {} } })).toEqual({
    'f:annotations': { 'f:b': {} },
  });
});

test('sets can be united, and subtracted from each other', () => {
  const [one, two] = [parseField('.spec.replicas')!, parseField(IMAGE)!];
  const both = union(one, two);
  expect([formatFields(both).sort(), without(both, one)]).toEqual([['.spec.replicas', IMAGE], two]);
  expect(without(one, one)).toBeUndefined();
  expect([without(both, parseField('.spec.template')!), common(both, fieldsOf(document))]).toEqual([one, both]);
  expect(common(one, two)).toBeUndefined();
  expect(common(parseField('.spec.template')!, both)).toEqual(two);
});

test.each([
  ['.spec.replicas', { 'f:spec': { 'f:replicas': {} } }],
  [IMAGE, { 'f:spec': { 'f:template': { 'f:spec': { 'f:containers': { 'k:{"name":"main"}': { 'f:image': {} } } } } } }],
  ['.metadata.labels.app.kubernetes.io/name', { 'f:metadata': { 'f:labels': { 'f:app.kubernetes.io/name': {} } } }],
  [
    '.ports[containerPort=80,protocol="TCP"].name',
    { 'f:ports': { 'k:{"containerPort":80,"protocol":"TCP"}': { 'f:name': {} } } },
  ],
])('the path %s is parsed and formatted', (path, set) =>
  expect([parseField(path), formatFields(set)]).toEqual([set, [path]]),
);

test.each(['', 'spec', '.spec..x', '.spec.x!'])('%j is not a valid path', (path) =>
  expect(parseField(path)).toBeUndefined(),
);

test('withFieldsOf copies fields from another object and keeps the rest', () => {
  const other = {
    spec: {
      replicas: 5,
      template: {
        spec: {
          containers: [
            { name: 'side', image: 's' },
            { name: 'main', image: 'mine', args: [] },
          ],
        },
      },
    },
  };
  expect(withFieldsOf(document, other, union(parseField('.spec.replicas')!, parseField(IMAGE)!)).spec).toMatchObject({
    replicas: 5,
    template: {
      spec: {
        containers: [
          { name: 'main', image: 'mine', args: ['p', 'q'] },
          { name: 'side', image: 'b' },
        ],
      },
    },
  });
  expect(document.spec.replicas).toBe(2);
  expect(withFieldsOf(document, {}, parseField('.spec.replicas')!).spec).not.toHaveProperty('replicas');
  expect(withValue(document, parseField('.metadata.annotations.a.b')!, 'x').metadata).toEqual({
    ...document.metadata,
    annotations: { 'a.b': 'x' },
  });
});
