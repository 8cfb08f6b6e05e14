import { describe, expect, test } from 'vitest';
import { decodeInto } from '../../../../sandbox/kubernetes/go/decode.ts';
import { internalJson, plain, quoted, sharp } from '../../../../sandbox/kubernetes/go/print.ts';
import { fieldsOfStruct, isRegistered, typeName } from '../../../../sandbox/kubernetes/go/types.ts';

const POD = 'Pod';

describe('a document', () => {
  test("gets Go's order of fields, and loses what is empty, null or unknown", () => {
    const { value, unknown } = decodeInto(
      {
        spec: { containers: [{ image: 'i', name: 'a', args: [], foo: 1 }], nodeName: '', hostNetwork: false },
        metadata: { labels: { b: '2', a: '1' }, name: 'x', annotations: {}, creationTimestamp: null },
        kind: POD,
        bar: true,
      },
      POD,
    );
    expect(JSON.stringify(value)).toBe(
      '{"kind":"Pod","metadata":{"name":"x","labels":{"a":"1","b":"2"}},"spec":{"containers":[{"name":"a","image":"i"}]}}',
    );
    expect(unknown).toEqual(['spec.containers[0].foo', 'bar']);
  });

  test('keeps zeros that are pointers, and lists that are always written as null', () => {
    expect(decodeInto({ spec: { replicas: 0, minReadySeconds: 0 } }, 'Deployment').value).toEqual({
      spec: { replicas: 0 },
    });
    expect(decodeInto({ rules: [] }, 'Role').value).toEqual({ rules: null });
  });

  // Messages of sigs.k8s.io/json and of apimachinery's converter of maps.
  test.each<[object, string, string]>([
    [
      { spec: 'x' },
      'json: cannot unmarshal string into Go struct field Pod.spec of type v1.PodSpec',
      'cannot restore struct from: string',
    ],
    [
      { spec: { containers: {} } },
      'json: cannot unmarshal object into Go struct field PodSpec.spec.containers of type []v1.Container',
      'cannot restore slice from map',
    ],
    [
      { spec: { restartPolicy: 1 } },
      'json: cannot unmarshal number into Go struct field PodSpec.spec.restartPolicy of type v1.RestartPolicy',
      'cannot convert int64 to v1.RestartPolicy',
    ],
    [
      { spec: { priority: 1.5 } },
      'json: cannot unmarshal number 1.5 into Go struct field PodSpec.spec.priority of type int32',
      'cannot convert float64 to int32',
    ],
    [
      { spec: { hostNetwork: 'yes' } },
      'json: cannot unmarshal string into Go struct field PodSpec.spec.hostNetwork of type bool',
      'unrecognized type: bool',
    ],
    [
      { metadata: { labels: { a: 1 } } },
      'json: cannot unmarshal number into Go struct field ObjectMeta.metadata.labels of type string',
      'cannot convert int64 to string',
    ],
  ])('%o has the error of Go', (document, json, unstructured) => {
    expect(decodeInto(document as Record<string, unknown>, POD).error).toBe(json);
    expect(decodeInto(document as Record<string, unknown>, POD, { wording: 'unstructured' }).error).toBe(unstructured);
  });

  test.each([
    ['500m', true],
    [2, true],
    ['many', false],
  ])('has the quantity %s: %s', (cpu, isValid) => {
    const spec = { containers: [{ name: 'a', resources: { requests: { cpu } } }] };
    expect(decodeInto({ spec }, POD).error === undefined).toBe(isValid);
  });
});

describe("Go's types", () => {
  test('of fields exist', () => {
    for (const field of fieldsOfStruct('PodSpec')?.values() ?? []) expect(typeName(field.type)).toMatch(/^[\w.[\]]+$/);
  });

  test('have kinds', () => {
    expect([isRegistered('apps/v1', 'Deployment'), isRegistered('v1', 'Deployment')]).toEqual([true, false]);
    expect(isRegistered('v1', 'constructor')).toBe(false);
  });
});

test('a printed value is that of fmt', () => {
  expect(plain({ b: [1, null], a: { c: 'x', d: true } })).toBe('map[a:map[c:x d:true] b:[1 <nil>]]');
  expect(quoted('a"\u0001\n')).toBe(String.raw`"a\"\x01\n"`);
  expect(sharp({ kind: 'Role', name: 'a' }, 'RoleRef')).toBe('rbac.RoleRef{APIGroup:"", Kind:"Role", Name:"a"}');
  expect(sharp('10%', 'intOrString')).toBe('intstr.IntOrString{Type:1, IntVal:0, StrVal:"10%"}');
  expect(internalJson({ minAvailable: 1, selector: { matchLabels: { a: 'b' } } }, 'PodDisruptionBudgetSpec')).toBe(
    '{"MinAvailable":1,"Selector":{"matchLabels":{"a":"b"}},"MaxUnavailable":null,"UnhealthyPodEvictionPolicy":null}',
  );
});
