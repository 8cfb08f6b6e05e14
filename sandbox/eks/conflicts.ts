/**
 * Fields of an add-on's objects that others have changed: when they stop EKS, and when EKS takes them back. Source: EKS
 * User Guide, "Determine fields you can customize for Amazon EKS add-ons", and the API reference of resolveConflicts.
 */
import type * as eks from '@aws-sdk/client-eks';
import type { AddonState, ClusterState } from '../world/world.ts';

type Issue = AddonState['issues'][number];

/**
 * What EKS reports instead of applying an add-on's objects; undefined where nothing is in the way. A create takes
 * PRESERVE for NONE. Text: nebari-dev/nebari#2537, eksctl-io/eksctl#5880, which also shows that no resource ids come
 * with it.
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

/** OVERWRITE: the fields are EKS's own again. True where a pod template was among them, so that pods roll. */
export const takeBackFields = (
  cluster: ClusterState,
  addonName: string,
  mode: eks.ResolveConflicts | undefined,
): boolean => {
  if (mode !== 'OVERWRITE') return false;
  const fields = cluster.foreignFields.get(addonName) ?? [];
  cluster.foreignFields.delete(addonName);
  return fields.some(({ field }) => field.includes(' - .spec.template.'));
};
