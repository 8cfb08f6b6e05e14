/**
 * Tolerations in configuration values: `tolerations` for all pods of an add-on, and those of CSI drivers under
 * `controller` and `node`. The sandbox applies no other configuration values.
 */
import { isObject } from '../json.ts';
import type { AddonObjects, WorkloadTemplate } from '../objects/objects.ts';
import { type Toleration, toleration } from '../objects/taints.ts';
import { configurationValue } from '../configuration-value.ts';

const EVERY_TAINT: Toleration = { operator: 'Exists' };

const partOf = (values: unknown, name: string): unknown => (isObject(values) ? values[name] : undefined);

/** Returns the tolerations in a value that the add-on's schema has accepted; undefined if there are none. */
const listOf = (value: unknown): Toleration[] | undefined => toleration.array().safeParse(value).data;

/** Returns the tolerations of the pods of a CSI driver's node plugin. */
const nodeTolerations = (node: unknown, { tolerations = [] }: WorkloadTemplate): Toleration[] | undefined => {
  const given = listOf(partOf(node, 'tolerations'));
  const everyTaint = partOf(node, 'tolerateAllTaints');
  if (given === undefined && everyTaint === undefined) return undefined;
  const isCatchAll = ({ key, operator, effect }: Toleration): boolean =>
    operator === 'Exists' && key === undefined && effect === undefined;
  const catchesAll = typeof everyTaint === 'boolean' ? everyTaint : tolerations.some(isCatchAll);
  return [...(catchesAll ? [EVERY_TAINT] : []), ...(given ?? tolerations.filter((each) => !isCatchAll(each)))];
};

/** Returns an add-on's objects with the tolerations that its configuration values set in place of the defaults. */
export const withConfiguredTolerations = (
  objects: AddonObjects,
  configurationValues: string | undefined,
): AddonObjects => {
  // Most add-ons have none, and their objects are needed at each call.
  if (!configurationValues?.toLowerCase().includes('tolera')) return objects;
  const valueOf = (name: string): unknown => configurationValue(configurationValues, name);
  return {
    ...objects,
    workloads: objects.workloads.map((workload) => {
      const tolerations =
        listOf(valueOf('tolerations')) ??
        (workload.kind === 'DaemonSet'
          ? nodeTolerations(valueOf('node'), workload)
          : listOf(partOf(valueOf('controller'), 'tolerations')));
      if (tolerations === undefined) return workload;
      const { tolerations: _default, ...others } = workload;
      return tolerations.length === 0 ? others : { ...others, tolerations };
    }),
  };
};
