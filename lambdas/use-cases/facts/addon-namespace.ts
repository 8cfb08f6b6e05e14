/** Where the service accounts of an installed add-on are, for whoever does not read what EKS offers of it anyway. */
import { namespaceOf } from '../../domain/addons/registry.ts';
import { defaultNamespaceOf } from '../../domain/aws/eks.ts';
import type { Addon } from '../../domain/migration/model.ts';
import type { Eks } from '../../ports/index.ts';

/**
 * Undefined where nothing says so. EKS is asked for the add-on's default namespace only where DescribeAddon shows no
 * namespace.
 */
export async function readNamespace(
  eks: Pick<Eks, 'listOfferedVersions'>,
  addon: Addon,
  kubernetesVersion: string,
): Promise<string | undefined> {
  if (addon.namespace !== undefined) return addon.namespace;
  return namespaceOf(addon, defaultNamespaceOf(await eks.listOfferedVersions(addon.name, kubernetesVersion)));
}
