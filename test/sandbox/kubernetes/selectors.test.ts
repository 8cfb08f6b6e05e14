import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fieldSelector, fieldTerms } from '../../../sandbox/kubernetes/field-selectors.ts';
import type { KubeObject } from '../../../sandbox/objects/objects.ts';
import { labelSelector } from '../../../sandbox/kubernetes/selectors.ts';
import { KINDS } from '../../../sandbox/objects/store.ts';
import { forAll } from '../../for-all.ts';

const objectWith = (labels: Record<string, string>, more: Partial<KubeObject> = {}): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'one', namespace: 'default', uid: '', resourceVersion: '', creationTimestamp: '', labels },
  ...more,
});
const matches = (selector: string, labels: Record<string, string>): boolean =>
  labelSelector(selector)(objectWith(labels));

describe('label selectors', () => {
  test.each([
    ['a>1', { a: '2' }, true],
    ['a>1', { a: '1' }, false],
    ['a<10', { a: '2' }, true],
    ['a>1', { a: 'x' }, false],
    ['a>1', {}, false],
    ['a in ()', { a: '' }, true],
    ['a in (,x)', { a: '' }, true],
    ['a in (in,notin)', { a: 'in' }, true],
    ['in in (x)', { in: 'x' }, true],
    ['a=', { a: '' }, true],
    ['  a = b , ! c ', { a: 'b' }, true],
    ['example.com/a=b', { 'example.com/a': 'b' }, true],
  ] as [string, Record<string, string>, boolean][])('%s of %o', (selector, labels, expected) =>
    expect(matches(selector, labels)).toBe(expected),
  );

  test.each([
    ['a,', "found '', expected: identifier after ','"],
    ['a=b=c', "found '=', expected: ',' or 'end of string'"],
    ['a in b', "unable to parse requirement: found 'b' expected: '('"],
    ['a in (b', "unable to parse requirement: found '', expected: ',' or ')'"],
    ['a b', "unable to parse requirement: found 'b', expected: =, ==, !=, in, notin, >, <"],
    ['=b', "found '=', expected: !, identifier, or 'end of string'"],
    [
      'a>x',
      "unable to parse requirement: values[0]: Invalid value: \"x\": for 'Gt', 'Lt' operators, the value must be an integer",
    ],
    ['a/b/c', 'unable to parse requirement: <nil>: Invalid value: "a/b/c": a '],
  ])('%s is refused', (selector, message) => expect(() => labelSelector(selector)).toThrow(message));

  test('find what they were written for, whatever the spaces', () => {
    const word = fc.stringMatching(/^[a-z0-9]{1,5}$/).filter((text) => text !== 'in' && text !== 'notin');
    const space = fc.stringMatching(/^ {0,3}$/);
    forAll(word, fc.uniqueArray(word, { minLength: 1 }), word, space, (key, values, value, gap) => {
      const labels = { [key]: value };
      expect(matches(`${key} in ${gap}(${values.join(`${gap},`)})`, labels)).toBe(values.includes(value));
      expect(matches(`${key} notin${gap}(${values.join(`,${gap}`)})`, labels)).toBe(!values.includes(value));
      expect(matches(`${key}${gap}!=${gap}${value}`, labels)).toBe(false);
    });
  });
});

describe('field selectors', () => {
  const selects = (selector: string, object: KubeObject, kind: keyof typeof KINDS = 'Pod'): boolean =>
    fieldSelector(fieldTerms(selector), KINDS[kind])(object);

  test('know the values of fields that an object does not set', () => {
    const pod = objectWith({}, { spec: {}, status: { podIP: '10.0.0.1' } });
    expect(selects('spec.hostNetwork=false,spec.restartPolicy=Always', pod)).toBe(true);
    expect([selects('spec.hostNetwork=true', pod), selects('status.podIPs=10.0.0.1', pod)]).toEqual([false, true]);
    expect([selects('spec.host=', pod), selects('spec.unschedulable=false', pod, 'Node')]).toEqual([true, true]);
  });

  test('unescape values', () => {
    expect(fieldTerms(String.raw`metadata.name=a\,b\=c,metadata.namespace!=d`)).toEqual([
      { field: 'metadata.name', operator: '=', value: 'a,b=c' },
      { field: 'metadata.namespace', operator: '!=', value: 'd' },
    ]);
    expect(fieldTerms('')).toEqual([]);
  });

  test.each([
    ['Pod', 'spec.hostname=x', 'field label not supported: spec.hostname'],
    ['Node', 'metadata.namespace=x', 'field label not supported: metadata.namespace'],
    ['Deployment', 'a=x', '"a" is not a known field selector: only "metadata.name", "metadata.namespace"'],
    ['Pod', 'abc', "invalid selector: 'abc'; can't understand 'abc'"],
    ['Pod', 'a=b=c', 'invalid field selector: unescaped character in value: 61'],
    ['Pod', String.raw`a=\b`, String.raw`invalid field selector: invalid escape sequence: \b`],
  ] as const)('of %s: %s is refused', (kind, selector, message) =>
    expect(() => selects(selector, objectWith({}), kind)).toThrow(message),
  );
});
