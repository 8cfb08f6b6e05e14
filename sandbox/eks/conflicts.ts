/**
 * Conflicts about fields of an add-on's objects that other managers have changed. Source: EKS User Guide, "Determine
 * fields you can customize for Amazon EKS add-ons", and the API reference of resolveConflicts.
 */
import type * as eks from '@aws-sdk/client-eks';
import type { AddonState, ClusterState } from '../world/world.ts';

type Issue = AddonState['issues'][number];

/**
 * Returns the issue that EKS reports instead of applying an add-on's objects; undefined if there is no conflict. A
 * create treats PRESERVE as NONE. Message: nebari-dev/nebari#2537, eksctl-io/eksctl#5880, which also shows that the
 * issue has no resource ids.
 */
export const conflictOf = (
  cluster: ClusterState,
  addonName: string,
  operation: 'create' | 'update',
  mode: eks.ResolveConflicts = 'NONE',
): Issue | undefined => {
  const fields = cluster.foreignFields.get(addonName) ?? [];
  if (fields.length === 0 || mode === 'OVERWRITE' || (mode === 'PRESERVE' && operation === 'update')) return undefined;
  const message = `Conflicts found when trying to apply. Will not continue due to resolve conflicts mode. Conflicts:\n${fields.map(({ field }) => field).join('\n')}`;
  return { code: 'ConfigurationConflict', message, resourceIds: [] };
};

/**
 * With OVERWRITE, makes EKS the owner of the fields again. Returns true if fields of a pod template are among them, so
 * that pods roll.
 */
export const reclaimFields = (
  cluster: ClusterState,
  addonName: string,
  mode: eks.ResolveConflicts | undefined,
): boolean => {
  if (mode !== 'OVERWRITE') return false;
  const fields = cluster.foreignFields.get(addonName) ?? [];
  cluster.foreignFields.delete(addonName);
  return fields.some(({ field }) => field.includes(' - .spec.template.'));
};
