/**
 * Gives the new associations what the old ones had and the add-on form can't express: target role, session tags, policy
 * and tags, as the plan lists them. Idempotency: compares first and sends only what differs; what a call whose reply was
 * lost has written is kept. Failure: an association that was deleted, replaced or changed outside this migration is left
 * alone (AssociationChanged).
 */
import { plannedFor } from '../../domain/associations/associations.ts';
import { standingCopy } from '../../domain/addons/copies.ts';
import { MigrationError } from '../../domain/failures/errors.ts';
import type { Association } from '../../domain/terms/observed.ts';
import { missingFields } from '../../domain/rollback/associations.ts';
import { assertGranted } from '../../use-cases/facts/grants.ts';
import { changeGuard } from '../../use-cases/migration/guard.ts';
import { associationChanged, listOwned } from '../../use-cases/migration/association-conflicts.ts';
import { readUntilSure } from '../../use-cases/confirmed/reads.ts';
import { recordedAddonWork } from '../../use-cases/record/recorded.ts';
import { step, type StepRun } from '../../runtime/step.ts';
import { explainTrust } from '../../use-cases/migration/trust.ts';
import { carryOverSchema } from './schema.ts';

/**
 * A new association has neither a target role nor a policy: a value that the old association did not have was set
 * outside this migration.
 */
const changedByThirdParty = (was: Association, now: Association): boolean =>
  (['targetRoleArn', 'policy'] as const).some((field) => now[field] !== undefined && now[field] !== was[field]);

/** EKS accepts a policy only together with disableSessionTags. */
const updateOf = (
  change: NonNullable<ReturnType<typeof missingFields>['change']>,
): NonNullable<ReturnType<typeof missingFields>['change']> => ({
  ...change,
  ...(change.policy === undefined ? {} : { disableSessionTags: true }),
});

const run: StepRun<typeof carryOverSchema> = async (input, dependencies) => {
  const { migrationId, target, attempt } = input;
  const { ledger, clock } = dependencies;
  const work = await recordedAddonWork(ledger, migrationId, attempt);
  const { record, plan, snapshot } = work;
  const { eks } = dependencies.portsFor(target);
  const guard = changeGuard(dependencies, input);
  const owner = standingCopy(snapshot, record) ?? '';

  const find = async (was: Association): Promise<Association> => {
    const { namespace, serviceAccount } = was;
    const planned = snapshot.planned.filter((one) => plannedFor(was, [one]) !== undefined);
    const [now] = await readUntilSure(
      clock,
      () => listOwned(eks, planned, owner),
      ([one]) => one !== undefined,
    );
    if (!now)
      throw associationChanged(
        `for ${namespace}/${serviceAccount} is no longer as this migration created it`,
        'find out who changed it, then migrate again',
      );
    if (changedByThirdParty(was, now))
      throw associationChanged(
        `${now.id} (${namespace}/${serviceAccount}) has a target role or a policy that was set outside this migration`,
        'find out who set it, then migrate again',
      );
    return now;
  };

  const carried: string[] = [];
  for (const { from } of plan.carryOver) {
    const was = snapshot.associations.find((one) => one.id === from);
    if (!was)
      throw new MigrationError(
        'BadInput',
        `The plan carries over the settings of association ${from}, but the snapshot of migration ${migrationId} does not contain it. This step changed nothing about it; plan the migration again.`,
      );
    const now = await find(was);
    const { change, tags } = missingFields(was, now);
    const fields = change && updateOf(change);
    if (fields) {
      await assertGranted(work, { associations: [now] }, dependencies);
      await guard();
      await eks
        .updateAssociation(now.id, fields, `${migrationId}-carry-over-${attempt}-${now.id}`)
        .catch((error: unknown) => explainTrust(error, record));
    }
    if (tags) {
      await guard();
      await eks.tagResource(now.arn, tags);
    }
    // The wanted state is noted, since EKS's next answer may not show it yet.
    await ledger.recordAssociation(migrationId, 'created', { ...now, ...fields, tags: { ...now.tags, ...tags } });
    carried.push(now.id);
  }
  return { carried };
};

export const carryOverStep = step(carryOverSchema, run);
