import { describe, expect, test } from 'vitest';
import {
  changesOf,
  common,
  fieldsOf,
  formatFields,
  parseField,
  removalsOf,
  serialized,
  union,
  without,
  withFieldsOf,
  withValue,
} from '../../../sandbox/kubernetes/field-sets.ts';

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

describe('changes', () => {
  const changed = (change: object) => changesOf(document, { ...document, ...change });
  test.each<[string, object, object | undefined]>([
    ['none', {}, undefined],
    ['a value', { spec: { ...document.spec, replicas: 3 } }, { 'f:spec': { 'f:replicas': {} } }],
    ['a new map', { extra: { a: 1 } }, { 'f:extra': { '.': {}, 'f:a': {} } }],
    ['a removed value', { metadata: {} }, undefined],
    [
      'an atomic value',
      { spec: { ...document.spec, selector: { matchLabels: { app: 'z' } } } },
      { 'f:spec': { 'f:selector': {} } },
    ],
  ])('%s', (_, change, expected) => {
    expect(changed(change)).toEqual(expected);
  });

  test('of an item in a list', () => {
    expect(
      changesOf(
        { containers: [{ name: 'a', image: '1' }] },
        {
          containers: [
            { name: 'a', image: '2' },
            { name: 'b', image: '1' },
          ],
        },
      ),
    ).toEqual({
      'f:containers': {
        'k:{"name":"a"}': { 'f:image': {} },
        'k:{"name":"b"}': { '.': {}, 'f:name': {}, 'f:image': {} },
      },
    });
  });
});

describe('removals', () => {
  const removed = (before: object, after: object) => removalsOf(before, after);
  test.each<[string, object, object, object | undefined]>([
    ['none', { a: 1 }, { a: 2, b: 3 }, undefined],
    ['a value', { spec: { paused: true, replicas: 1 } }, { spec: { replicas: 2 } }, { 'f:spec': { 'f:paused': {} } }],
    ['a map', { m: { labels: { a: 'b' } } }, { m: {} }, { 'f:m': { '.': {}, 'f:labels': { 'f:a': {} } } }],
    [
      'the content of a map, and thereby the map',
      { labels: { a: 'b' } },
      { labels: {} },
      { 'f:labels': { '.': {}, 'f:a': {} } },
    ],
    [
      'an item',
      { containers: [{ name: 'a' }, { name: 'b' }] },
      { containers: [{ name: 'b' }] },
      { 'f:containers': { 'k:{"name":"a"}': { '.': {}, 'f:name': {} } } },
    ],
    ['an atomic list', { args: ['a'] }, {}, { '.': {}, 'f:args': {} }],
  ])('%s', (_, before, after, expected) => {
    expect(removed(before, after)).toEqual(expected);
  });
});

test('without leaves the map itself if other managers own its entries, and serialized writes it as empty', () => {
  const made = { 'f:annotations': { '.': {}, 'f:a': {} } };
  const left = without(made, { 'f:annotations': { 'f:a': {} } });
  expect(left).toEqual({ 'f:annotations': { '.': {} } });
  expect(serialized(left!)).toEqual({ 'f:annotations': {} });
  expect(serialized(made)).toEqual(made);
  expect(formatFields(left!)).toEqual([]);
  // `.` does not represent the entries of the map.
  expect(without({ 'f:annotations': { 'f:b': {} } }, left!)).toEqual({ 'f:annotations': { 'f:b': {} } });
  expect(without(left!, made)).toBeUndefined();
});

test('sets can be united, and subtracted from each other', () => {
  const [one, two] = [parseField('.spec.replicas')!, parseField(IMAGE)!];
  const both = union(one, two);
  expect(formatFields(both).sort()).toEqual(['.spec.replicas', IMAGE]);
  expect(without(both, one)).toEqual(two);
  expect(without(one, one)).toBeUndefined();
  expect(without(both, parseField('.spec.template')!)).toEqual(one);
  expect(common(both, fieldsOf(document))).toEqual(both);
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
])('the path %s is parsed and formatted', (path, set) => {
  expect(parseField(path)).toEqual(set);
  expect(formatFields(set)).toEqual([path]);
});

test.each(['', 'spec', '.spec..x', '.spec.x!'])('%j is not a valid path', (path) => {
  expect(parseField(path)).toBeUndefined();
});

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
  const taken = withFieldsOf(document, other, union(parseField('.spec.replicas')!, parseField(IMAGE)!));
  expect(taken.spec).toMatchObject({
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
