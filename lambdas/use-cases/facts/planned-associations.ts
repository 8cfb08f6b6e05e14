import type { Association, PlannedAssociation } from '../../domain/migration/model.ts';
import type { Eks } from '../../ports/index.ts';

/** What is associated now with the service accounts of a plan, one after the other. */
export async function listPlannedAssociations(
  eks: Pick<Eks, 'listAssociations'>,
  planned: readonly Pick<PlannedAssociation, 'namespace' | 'serviceAccount'>[],
): Promise<Association[]> {
  const found: Association[] = [];
  for (const { namespace, serviceAccount } of planned)
    found.push(...(await eks.listAssociations(namespace, serviceAccount)));
  return found;
}
