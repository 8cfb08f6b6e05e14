/** Checks, before `begin` takes the snapshot, that everything is still as the plan found it. */
import { isDeepStrictEqual } from 'node:util';
import { carriedOver, decidePurge } from '../../domain/associations/associations.ts';
import { MigrationError } from '../../domain/failures/errors.ts';
import type { Addon, Association, ServiceAccountState } from '../../domain/terms/observed.ts';
import type { CarriedOver } from '../../domain/terms/planned.ts';
import type { MigrationRequest } from '../../domain/request/request.ts';
import type { Plan } from '../../domain/record/plan.ts';
import { isAsSnapshot } from '../../domain/rollback/restore.ts';
import { accountProblem, associationText } from '../../domain/migration/service-account.ts';
import type { ServiceAccountDetail } from '../../ports/index.ts';

const AGAIN = 'Nothing was changed; plan again.';
const byFrom = (a: CarriedOver, b: CarriedOver): number => (a.from < b.from ? -1 : 1);

/** Throws AddonChanged if the add-on has changed since the plan, or is not ACTIVE. */
export function assertAddonAsPlanned(
  { addon: planned }: Plan,
  addon: string,
  now: Addon | undefined,
): asserts now is Addon {
  if (now?.status === 'ACTIVE' && planned && isAsSnapshot({ addon: planned }, now)) return;
  throw new MigrationError(
    'AddonChanged',
    `Add-on ${addon} is no longer as the plan found it (it is now ${now ? `${now.version}, ${now.status}` : 'gone'}). ${AGAIN}`,
  );
}

/** Throws AssociationChanged if associations were created, deleted or changed in a field that matters. */
export function assertAssociationsAsPlanned(
  plan: Plan,
  associations: readonly Association[],
  { target, addon, accept }: Pick<MigrationRequest, 'target' | 'accept'> & { addon: Addon },
): void {
  const ids = associations.map((one) => one.id).sort();
  if (!isDeepStrictEqual(ids, [...plan.existing].sort())) {
    throw new MigrationError(
      'AssociationChanged',
      `The associations are no longer as the plan found them (now ${ids.join(', ') || 'none'}). ${AGAIN}`,
    );
  }
  if (!isDeepStrictEqual(carriedOver(associations, plan.associations).sort(byFrom), [...plan.carryOver].sort(byFrom))) {
    throw new MigrationError(
      'AssociationChanged',
      `The settings to carry over from ${ids.join(', ')} are no longer as the plan found them. ${AGAIN}`,
    );
  }
  for (const association of associations) {
    for (const attempt of plan.attempts) {
      const decision = decidePurge(association, {
        cluster: target.cluster,
        region: target.region,
        addon: addon.name,
        addonArn: addon.arn,
        planned: plan.associations,
        attempt,
        accept,
      });
      if (decision.do === 'refuse')
        throw new MigrationError(
          'AssociationChanged',
          `Association ${decision.reason}, which was not so when the plan was made. ${AGAIN}`,
        );
    }
  }
}

/** Throws ServiceAccountChanged if the service account, or its annotation, has changed since the plan. */
export function assertAccountAsPlanned(planned: ServiceAccountState, now: ServiceAccountDetail | undefined): void {
  const why = accountProblem(planned, now, false);
  if (why !== undefined)
    throw new MigrationError(
      'ServiceAccountChanged',
      `The service account is no longer as the plan found it: ${why}. ${AGAIN}`,
    );
}

/** Throws AssociationChanged if the service account's association has changed: the plan keeps the one it found, or found none. */
export function assertAssociationAsPlanned(plan: Plan, associations: readonly Association[]): void {
  const [only] = plan.associations;
  if (
    isDeepStrictEqual(
      associations.map(({ id }) => id),
      plan.existing,
    ) &&
    associations.every(({ roleArn }) => roleArn === only?.roleArn)
  )
    return;
  throw new MigrationError(
    'AssociationChanged',
    `The association is no longer as the plan found it (now ${associations.map(associationText).join(', ') || 'none'}). ${AGAIN}`,
  );
}
