import type { Addon, Association } from '../../domain/terms/observed.ts';
import type { PlannedAssociation } from '../../domain/terms/planned.ts';
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

/** Returns the associations that an add-on owns, without those that it still lists and that no longer exist. */
export async function listAddonAssociations(
  eks: Pick<Eks, 'describeAssociation'>,
  { podIdentityAssociations }: Pick<Addon, 'podIdentityAssociations'>,
): Promise<Association[]> {
  const found: Association[] = [];
  for (const arn of podIdentityAssociations) {
    const association = await eks.describeAssociation(arn.split('/').at(-1) ?? '');
    if (association) found.push(association);
  }
  return found;
}
