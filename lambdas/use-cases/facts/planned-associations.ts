import type { Association, PlannedAssociation } from '../../domain/migration/model.ts';
import type { Eks } from '../../ports/index.ts';

/** Returns the present associations of a plan's service accounts, in the order of the plan. */
export async function listPlannedAssociations(
  eks: Pick<Eks, 'listAssociations'>,
  planned: readonly Pick<PlannedAssociation, 'namespace' | 'serviceAccount'>[],
): Promise<Association[]> {
  const found: Association[] = [];
  for (const { namespace, serviceAccount } of planned)
    found.push(...(await eks.listAssociations(namespace, serviceAccount)));
  return found;
}
