/** Reads the owners of workloads' fields from the API server: the fields that neither EKS nor the service has set. */
import { SERVICE_MANAGER, WORKLOAD_KINDS } from '../../lambdas/domain/kubernetes/objects.ts';
import { isObject } from '../../sandbox/json.ts';
import { formatFields, parseField } from '../../sandbox/kubernetes/field-paths.ts';
import type { FieldSet } from '../../sandbox/objects/field-sets.ts';
import { asReturned } from '../../sandbox/kubernetes/managed-fields.ts';
import { listObjects } from '../../sandbox/objects/store.ts';
import type { ClusterState } from '../../sandbox/world/world.ts';

/** A field that a manager has set, by the name that EKS uses, and its value as JSON. */
export interface OwnField {
  manager: string;
  value: string;
}

/** The managers under which the service and EKS write. */
const isOurs = (manager: string): boolean => manager === 'eks' || manager.startsWith(SERVICE_MANAGER);

interface Entry {
  manager: string;
  subresource?: string;
  fieldsV1: FieldSet;
}

/** Returns the value at the only leaf of a set: `f:NAME` is a field, `k:KEYS` the list item with these keys. */
const valueAt = (value: unknown, set: FieldSet): unknown => {
  const [next] = Object.entries(set);
  if (!next) return value;
  const [element, rest] = next;
  if (element.startsWith('f:')) return isObject(value) ? valueAt(value[element.slice(2)], rest) : undefined;
  const keys = Object.entries(JSON.parse(element.slice(2)) as Record<string, unknown>);
  const item = Array.isArray(value)
    ? (value as unknown[]).find((one) => isObject(one) && keys.every(([key, wanted]) => one[key] === wanted))
    : undefined;
  return valueAt(item, rest);
};

/** Returns the fields by `Deployment.apps NAME - .spec.replicas`, prefixed with the namespace. */
export const thirdPartyFieldsIn = (cluster: ClusterState): Map<string, OwnField> => {
  const fields = new Map<string, OwnField>();
  for (const kind of WORKLOAD_KINDS) {
    for (const object of listObjects(cluster.kube, kind)) {
      const { managedFields = [] } = asReturned(cluster, object).metadata as { managedFields?: Entry[] };
      for (const { manager, subresource, fieldsV1 } of managedFields) {
        if (isOurs(manager) || subresource === 'status') continue;
        for (const path of formatFields(fieldsV1)) {
          const value = JSON.stringify(valueAt(object, parseField(path) ?? {})) ?? '';
          fields.set(`${object.metadata.namespace ?? ''} ${kind}.apps ${object.metadata.name} - ${path}`, {
            manager,
            value,
          });
        }
      }
    }
  }
  return fields;
};
