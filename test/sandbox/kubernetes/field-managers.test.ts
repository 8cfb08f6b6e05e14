import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Refusal } from '../../../sandbox/kubernetes/answers.ts';
import { afterApply, afterUpdate, type Change, sameOwners } from '../../../sandbox/kubernetes/field-managers.ts';
import type { ManagedFieldsEntry } from '../../../sandbox/objects/managed-fields-entry.ts';
import { forAll } from '../../for-all.ts';

const KIND = { apiVersion: 'v1', zero: { metadata: {} } };
const UPDATED = { operation: 'Update', apiVersion: 'v1', fieldsType: 'FieldsV1' };
const TIME = '2026-01-15T09:00:00Z';
const LATER = '2026-01-15T09:00:01Z';
const change = (before: object | undefined, after: object): Change => ({ ...KIND, before, after });
const own = (entries: readonly ManagedFieldsEntry[], manager: string): object | undefined =>
  entries.find((entry) => entry.manager === manager)?.fieldsV1;
const data = (values: Record<string, string>): object => ({ data: values });
const names = (...fields: string[]): object => ({
  'f:data': Object.fromEntries(fields.map((name) => [`f:${name}`, {}])),
});

describe('an update', () => {
  test('gives what it changes to its manager, takes it from others, and what it removes from all', () => {
    const one = afterUpdate([], change(undefined, data({ a: '1', b: '1' })), { manager: 'one' }, TIME);
    const made = { 'f:data': { '.': {}, 'f:a': {}, 'f:b': {} } };
    expect(one).toEqual([{ ...UPDATED, manager: 'one', time: TIME, fieldsV1: made }]);
    const two = afterUpdate(one, change(data({ a: '1', b: '1' }), data({ a: '2' })), { manager: 'two' }, LATER);
    expect(two.map(({ manager, time, fieldsV1 }) => [manager, time, fieldsV1])).toEqual([
      ['one', TIME, { 'f:data': {} }],
      ['two', LATER, names('a')],
    ]);
  });

  test('of the object does not reach its status, and through scale only its replicas, without a time', () => {
    const before = { spec: { replicas: 1, paused: true }, status: { replicas: 1 } };
    const after = { spec: { replicas: 2 }, status: { replicas: 2 } };
    const entries = afterUpdate([], change(before, after), { manager: 'hpa', subresource: 'scale' }, TIME);
    const fieldsV1 = { 'f:spec': { 'f:replicas': {} } };
    expect(entries).toEqual([{ ...UPDATED, manager: 'hpa', fieldsV1, subresource: 'scale' }]);
    expect(own(afterUpdate([], change(before, after), { manager: 'me' }, TIME), 'me')).toEqual(fieldsV1);
  });

  test('leaves no entry of what the API server owns, and keeps ten updaters at most', () => {
    const created = { apiVersion: 'v1', kind: 'X', metadata: { name: 'x', uid: 'u', generation: 1 } };
    expect(afterUpdate([], change(undefined, created), { manager: 'me' }, TIME)).toEqual([]);
    let entries: ManagedFieldsEntry[] = [];
    let values: Record<string, string> = {};
    for (let index = 0; index < 12; index += 1) {
      const next = { ...values, [`k${index}`]: 'x' };
      const time = `2026-01-15T09:00:${String(index).padStart(2, '0')}Z`;
      entries = afterUpdate(entries, change(data(values), data(next)), { manager: `m${index}` }, time);
      values = next;
    }
    expect(entries.map(({ manager }) => manager)).toEqual([
      'ancient-changes',
      ...Array.from({ length: 9 }, (_, at) => `m${at + 3}`),
    ]);
    expect(own(entries, 'ancient-changes')).toEqual(names('k0', 'k1', 'k2'));
  });
});

describe('an apply', () => {
  const apply = (
    entries: readonly ManagedFieldsEntry[],
    before: object,
    config: object,
    manager: string,
    force = false,
  ) => afterApply(entries, { ...KIND, before }, config, { manager, force }, LATER);
  const updated = afterUpdate([], change(undefined, data({ a: '1', b: '1' })), { manager: 'editor' }, TIME);

  test('shares a field with the same value, and conflicts with one of another value', () => {
    const shared = apply(updated, data({ a: '1', b: '1' }), data({ a: '1' }), 'applier');
    expect(own(shared.entries, 'applier')).toEqual(names('a'));
    expect(own(shared.entries, 'editor')).toEqual({ 'f:data': { '.': {}, 'f:a': {}, 'f:b': {} } });
    // The object is the same, so the apply has no time.
    expect(shared.entries[0]).not.toHaveProperty('time');
    expect(() => apply(updated, data({ a: '1', b: '1' }), data({ a: '2' }), 'applier')).toThrow(
      'Apply failed with 1 conflict: conflict with "editor" using v1: .data.a',
    );
    expect(() => apply(updated, data({ a: '1', b: '1' }), data({ a: '2', b: '2' }), 'applier')).toThrow(
      'Apply failed with 2 conflicts: conflicts with "editor" using v1:\n- .data.a\n- .data.b',
    );
  });

  test('takes fields from other managers with force, and removes what it does not have any more and nobody else owns', () => {
    const forced = apply(updated, data({ a: '1', b: '1' }), data({ a: '2', c: '3' }), 'applier', true);
    expect(forced.object).toEqual(data({ a: '2', b: '1', c: '3' }));
    expect(own(forced.entries, 'editor')).toEqual({ 'f:data': { '.': {}, 'f:b': {} } });
    const less = apply(forced.entries, forced.object, data({ b: '1' }), 'applier');
    expect([less.object, own(less.entries, 'applier')]).toEqual([data({ b: '1' }), names('b')]);
    // Nothing is left of the manager, but the other one owns the field.
    const none = apply(less.entries, less.object, {}, 'applier');
    expect(none.object).toEqual(data({ b: '1' }));
    expect(own(none.entries, 'applier')).toBeUndefined();
  });

  test('gives what an object had before to a manager of its own', () => {
    const { entries } = apply([], data({ a: '1' }), data({ b: '2' }), 'applier');
    expect(own(entries, 'before-first-apply')).toEqual({ 'f:data': { '.': {}, 'f:a': {} } });
  });

  test('merges items of lists by key, in the order of the configuration', () => {
    const before = { spec: { containers: ['a', 'b', 'c'].map((name) => ({ name, image: '1' })) } };
    const config = { spec: { containers: [{ name: 'c' }, { name: 'a', image: '2' }, { name: 'd', image: '1' }] } };
    const { object } = apply([], before, config, 'applier', true);
    const { containers } = (object as typeof before).spec;
    expect(containers.map(({ name, image }) => `${name}${image}`).sort()).toEqual(['a2', 'b1', 'c1', 'd1']);
    expect(containers.map(({ name }) => name).filter((name) => name !== 'b')).toEqual(['c', 'a', 'd']);
  });
});

/** The model: which managers own each of a few entries of a map. */
type Step =
  | { kind: 'update'; manager: string; values: Record<string, string | null> }
  | { kind: 'apply'; manager: string; values: Record<string, string>; force: boolean };
const managers = fc.constantFrom('one', 'two', 'three');
const keys = fc.constantFrom('a', 'b', 'c', 'd');
const values = fc.constantFrom('1', '2', '3');
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    kind: fc.constant('update' as const),
    manager: managers,
    values: fc.dictionary(keys, fc.option(values), { minKeys: 1, noNullPrototype: true }),
  }),
  fc.record({
    kind: fc.constant('apply' as const),
    manager: managers,
    values: fc.dictionary(keys, values, { noNullPrototype: true }),
    force: fc.boolean(),
  }),
);

class Model {
  values: Record<string, string> = {};
  /** Owners of a key, as `Update one`. */
  owners = new Map<string, Set<string>>();
  #of(key: string): Set<string> {
    const known = this.owners.get(key) ?? new Set();
    this.owners.set(key, known);
    return known;
  }
  #drop(key: string): void {
    delete this.values[key];
    this.owners.delete(key);
  }
  update(manager: string, changes: Record<string, string | null>): void {
    for (const [key, value] of Object.entries(changes)) {
      if (value === null) this.#drop(key);
      else if (this.values[key] !== value) {
        this.values[key] = value;
        this.owners.set(key, new Set([`Update ${manager}`]));
      }
    }
  }
  /** Returns whether the apply is refused. */
  apply(manager: string, config: Record<string, string>, force: boolean): boolean {
    const me = `Apply ${manager}`;
    const changed = Object.entries(config).filter(([key, value]) => this.values[key] !== value);
    const isOthers = (key: string): boolean => [...(this.owners.get(key) ?? [])].some((owner) => owner !== me);
    if (!force && changed.some(([key]) => isOthers(key))) return true;
    for (const [key, owners] of this.owners)
      if (owners.has(me) && !(key in config)) {
        owners.delete(me);
        if (owners.size === 0) this.#drop(key);
      }
    for (const [key, value] of changed) {
      this.values[key] = value;
      this.owners.set(key, new Set());
    }
    for (const key of Object.keys(config)) this.#of(key).add(me);
    return false;
  }
}

/** Returns the result of an apply, or the message of its conflicts. */
const resultOf = <T>(run: () => T): T | string => {
  try {
    return run();
  } catch (error) {
    if (error instanceof Refusal && error.message.startsWith('Apply failed')) return error.message;
    throw error;
  }
};

test('the owners of a map after any updates and applies are those of a simple model', () =>
  forAll(fc.array(step, { maxLength: 12 }), (steps) => {
    const model = new Model();
    // The fields of an object that nobody owns are not tracked: this one always has an owner.
    let object: { data: Record<string, string> } = { data: { kept: 'x' } };
    let entries = afterUpdate([], change(undefined, object), { manager: 'creator' }, TIME);
    for (const { kind, manager, values: changes, ...more } of steps) {
      if (kind === 'update') {
        const after = { data: { ...object.data } };
        for (const [key, value] of Object.entries(changes))
          if (value === null) delete after.data[key];
          else after.data[key] = value;
        entries = afterUpdate(entries, change(object, after), { manager }, TIME);
        object = after;
        model.update(manager, changes);
        continue;
      }
      const force = 'force' in more && more.force;
      const isRefused = model.apply(manager, changes, force);
      const run = () => afterApply(entries, { ...KIND, before: object }, { data: changes }, { manager, force }, TIME);
      const result = resultOf(run);
      expect(typeof result === 'string').toBe(isRefused);
      if (typeof result !== 'string') ({ object, entries } = result);
    }
    const { kept: _, ...found } = object.data;
    expect(found).toEqual(model.values);
    const ownersOf = (key: string): string[] =>
      entries
        .filter(({ fieldsV1 }) => fieldsV1['f:data']?.[`f:${key}`] !== undefined)
        .map(({ operation, manager }) => `${operation} ${manager}`)
        .sort();
    for (const key of ['a', 'b', 'c', 'd']) expect(ownersOf(key)).toEqual([...(model.owners.get(key) ?? [])].sort());
  }));

test('sameOwners ignores times', () => {
  const [entry] = afterUpdate([], change(undefined, data({ a: '1' })), { manager: 'me' }, TIME);
  expect(sameOwners([entry!], [{ ...entry!, time: LATER }])).toBe(true);
  expect(sameOwners([entry!], [{ ...entry!, manager: 'other' }])).toBe(false);
  expect(sameOwners('untracked', [])).toBe(false);
});
