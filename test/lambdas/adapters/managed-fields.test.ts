import { describe, expect, it } from 'vitest';
import { managedFieldsEntries, toManagedFields } from '../../../lambdas/adapters/managed-fields.ts';

const read = (...entries: object[]): ReturnType<typeof toManagedFields> =>
  toManagedFields(managedFieldsEntries.parse(entries));
const fieldsOf = (fieldsV1: object): string[] | undefined =>
  read({ manager: 'x', operation: 'Update', fieldsType: 'FieldsV1', fieldsV1 })[0]?.fields;

describe('paths', () => {
  it.each<[string, object, string[]]>([
    ['a field', { 'f:spec': { 'f:replicas': {} } }, ['.spec.replicas']],
    [
      'a field with dots and slashes in its name',
      { 'f:metadata': { 'f:annotations': { 'f:eks.amazonaws.com/role-arn': {} } } },
      ['.metadata.annotations.eks.amazonaws.com/role-arn'],
    ],
    [
      'an object itself, beside what is in it',
      { 'f:metadata': { 'f:labels': { '.': {}, 'f:app': {} } } },
      ['.metadata.labels', '.metadata.labels.app'],
    ],
    [
      'an item by its key',
      {
        'f:spec': {
          'f:template': { 'f:spec': { 'f:containers': { 'k:{"name":"coredns"}': { '.': {}, 'f:image': {} } } } },
        },
      },
      ['.spec.template.spec.containers[name="coredns"]', '.spec.template.spec.containers[name="coredns"].image'],
    ],
    [
      'an item by several keys, sorted, with numbers as they are',
      { 'f:ports': { 'k:{"protocol":"TCP","containerPort":53}': { 'f:name': {} } } },
      ['.ports[containerPort=53,protocol="TCP"].name'],
    ],
    [
      'an item by its value',
      { 'f:metadata': { 'f:finalizers': { '.': {}, 'v:"foregroundDeletion"': {} } } },
      ['.metadata.finalizers', '.metadata.finalizers[="foregroundDeletion"]'],
    ],
    ['an item by its index', { 'f:list': { 'i:2': {} } }, ['.list[2]']],
    ['nothing', {}, []],
    ['the object as a whole, which has no path', { '.': {} }, []],
  ])('of %s', (_, fieldsV1, expected) => {
    expect(fieldsOf(fieldsV1)).toEqual(expected);
  });
});

describe('managers', () => {
  const replicas = { 'f:spec': { 'f:replicas': {} } };

  it('come in order, each once with all its fields', () => {
    expect(
      read(
        { manager: 'eks', operation: 'Apply', fieldsV1: replicas },
        { manager: 'kubectl', operation: 'Update', fieldsV1: { 'f:spec': { 'f:paused': {} } } },
        { manager: 'eks', operation: 'Update', fieldsV1: { 'f:spec': { 'f:replicas': {}, 'f:selector': {} } } },
      ),
    ).toEqual([
      { manager: 'eks', fields: ['.spec.replicas', '.spec.selector'] },
      { manager: 'kubectl', fields: ['.spec.paused'] },
    ]);
  });
  it("of the status are left out; the scale is the spec's", () => {
    expect(
      read(
        {
          manager: 'kube-controller-manager',
          subresource: 'status',
          fieldsV1: {
            'f:metadata': { 'f:annotations': { 'f:deployment.kubernetes.io/revision': {} } },
            'f:status': { 'f:replicas': {} },
          },
        },
        // As it was noted before Kubernetes 1.22: no subresource.
        { manager: 'kubelet', fieldsV1: { 'f:status': { 'f:phase': {} }, ...replicas } },
        { manager: 'hpa', subresource: 'scale', fieldsV1: replicas },
      ),
    ).toEqual([
      { manager: 'kubelet', fields: ['.spec.replicas'] },
      { manager: 'hpa', fields: ['.spec.replicas'] },
    ]);
  });
  it('are none where the API server tells none', () => {
    expect(toManagedFields(managedFieldsEntries.parse(undefined))).toEqual([]);
    expect(toManagedFields(managedFieldsEntries.parse(null))).toEqual([]);
    expect(read({ manager: 'x', operation: 'Update', fieldsV1: null })).toEqual([]);
  });
});
