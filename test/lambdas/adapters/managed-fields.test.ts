import { describe, expect, it } from 'vitest';
import { managedFieldsEntries, toManagedFields } from '../../../lambdas/adapters/managed-fields.ts';

const read = (...entries: object[]): ReturnType<typeof toManagedFields> =>
  toManagedFields(managedFieldsEntries.parse(entries));
const fieldsOf = (fieldsV1: object): string[] | undefined =>
  read({ manager: 'x', operation: 'Update', fieldsType: 'FieldsV1', fieldsV1 })[0]?.fields;

const inTemplate = (fields: object): object => ({ 'f:spec': { 'f:template': fields } });

it.each<[string, object, string[]]>([
  ['a field', { 'f:spec': { 'f:replicas': {} } }, ['.spec.replicas']],
  [
    'a field with dots and slashes in its name',
    { 'f:metadata': { 'f:annotations': { 'f:eks.amazonaws.com/role-arn': {} } } },
    ['.metadata.annotations.eks.amazonaws.com/role-arn'],
  ],
  [
    'what is in an object, and not the object itself',
    { 'f:spec': { 'f:strategy': { '.': {}, 'f:type': {} } } },
    ['.spec.strategy.type'],
  ],
  [
    'a label whose name begins as another one',
    { 'f:metadata': { 'f:labels': { 'f:app': {}, 'f:app.kubernetes.io/name': {} } } },
    ['.metadata.labels.app', '.metadata.labels.app.kubernetes.io/name'],
  ],
  ['an object that is owned whole', { 'f:spec': { 'f:selector': {} } }, ['.spec.selector']],
  ['labels and annotations without any', { 'f:metadata': { 'f:labels': { '.': {} }, 'f:annotations': {} } }, []],
  [
    'an item by its key',
    inTemplate({ 'f:spec': { 'f:containers': { 'k:{"name":"coredns"}': { '.': {}, 'f:image': {} } } } }),
    ['.spec.template.spec.containers[name="coredns"].image'],
  ],
  [
    'an item by several keys, sorted, with numbers as they are',
    { 'f:ports': { 'k:{"protocol":"TCP","containerPort":53}': { 'f:name': {} } } },
    ['.ports[containerPort=53,protocol="TCP"].name'],
  ],
  [
    'an item by its value',
    { 'f:metadata': { 'f:finalizers': { '.': {}, 'v:"foregroundDeletion"': {} } } },
    ['.metadata.finalizers[="foregroundDeletion"]'],
  ],
  ['an item by its index', { 'f:list': { 'i:2': {} } }, ['.list[2]']],
  ['nothing', {}, []],
  ['the object as a whole, which has no path', { '.': {} }, []],
])('paths of %s', (_, fieldsV1, expected) => expect(fieldsOf(fieldsV1)).toEqual(expected));

describe('managers', () => {
  const replicas = { 'f:spec': { 'f:replicas': {} } };

  it('come in order, each once with all its fields', () =>
    expect(
      read(
        { manager: 'eks', operation: 'Apply', fieldsV1: replicas },
        { manager: 'kubectl', operation: 'Update', fieldsV1: { 'f:spec': { 'f:paused': {} } } },
        { manager: 'eks', operation: 'Update', fieldsV1: { 'f:spec': { 'f:replicas': {}, 'f:selector': {} } } },
      ),
    ).toEqual([
      { manager: 'eks', fields: ['.spec.replicas', '.spec.selector'] },
      { manager: 'kubectl', fields: ['.spec.paused'] },
    ]));
  it('own no map that others have the parts of, as a restart that was taken over leaves one', () => {
    const annotations = (fields: object): object => inTemplate({ 'f:metadata': { 'f:annotations': fields } });
    const container = (fields: object): object =>
      inTemplate({ 'f:spec': { 'f:containers': { 'k:{"name":"x"}': fields } } });
    expect(
      read(
        { manager: 'eks', operation: 'Apply', fieldsV1: annotations({ 'f:kubectl.kubernetes.io/restartedAt': {} }) },
        { manager: 'kubectl-rollout', operation: 'Update', fieldsV1: annotations({}) },
        { manager: 'kubectl-edit', operation: 'Update', fieldsV1: container({ '.': {} }) },
        { manager: 'helm', operation: 'Update', fieldsV1: container({ '.': {}, 'f:name': {} }) },
      ),
    ).toEqual([
      { manager: 'eks', fields: ['.spec.template.metadata.annotations.kubectl.kubernetes.io/restartedAt'] },
      { manager: 'kubectl-rollout', fields: [] },
      { manager: 'kubectl-edit', fields: [] },
      { manager: 'helm', fields: ['.spec.template.spec.containers[name="x"].name'] },
    ]);
  });
  it("own a label whose name is a prefix of another manager's label", () => {
    const labelled = (fields: object): object => ({ 'f:metadata': { 'f:labels': fields } });
    const [, second] = read(
      { manager: 'eks', operation: 'Apply', fieldsV1: labelled({ 'f:app.kubernetes.io/name': {} }) },
      { manager: 'kubectl-label', operation: 'Update', fieldsV1: labelled({ 'f:app': {} }) },
    );
    expect(second).toEqual({ manager: 'kubectl-label', fields: ['.metadata.labels.app'] });
  });
  it("of the status are left out; the scale is the spec's", () =>
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
      { manager: 'hpa', subresource: 'scale', fields: ['.spec.replicas'] },
    ]));
  it('are none where the API server tells none', () => {
    expect(toManagedFields(managedFieldsEntries.parse(undefined))).toEqual([]);
    expect(toManagedFields(managedFieldsEntries.parse(null))).toEqual([]);
    expect(read({ manager: 'x', operation: 'Update', fieldsV1: null })).toEqual([]);
  });
});
