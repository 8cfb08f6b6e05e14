/** Finds the namespace of an add-on's service accounts, for callers that do not read the offered versions anyway. */
import { namespaceOf } from '../../domain/addons/registry.ts';
import { defaultNamespaceOf } from '../../domain/aws/eks.ts';
import type { Addon } from '../../domain/terms/observed.ts';
import type { Eks } from '../../ports/index.ts';

/**
 * Returns undefined if neither source names a namespace. EKS is asked for the add-on's default namespace only if
 * DescribeAddon shows no namespace.
 */
export async function readNamespace(
  eks: Pick<Eks, 'listOfferedVersions'>,
  addon: Addon,
  kubernetesVersion: string,
): Promise<string | undefined> {
  if (addon.namespace !== undefined) return addon.namespace;
  return namespaceOf(addon, defaultNamespaceOf(await eks.listOfferedVersions(addon.name, kubernetesVersion)));
}
