/** The rollback as the state machine runs it: assess, one action, wait, assess again; then the associations. */
import { ERROR_CLASSES, isMigrationError } from '../../../lambdas/domain/failures/errors.ts';
import type { Addon, Association } from '../../../lambdas/domain/terms/observed.ts';
import { assessRollbackStep } from '../../../lambdas/steps/assess-rollback/handler.ts';
import { restoreAddonStep } from '../../../lambdas/steps/restore-addon/handler.ts';
import { restoreAssociationsStep } from '../../../lambdas/steps/restore-associations/handler.ts';
import type { Step } from '../../../lambdas/runtime/step.ts';
import { invoke } from '../fakes.ts';
import { ADDON, addonArn, anAssociation, associationArn, at } from '../fixtures.ts';
import type { Begun } from './begun.ts';
import { aMigratedAddon } from '../eks-fixtures.ts';

/** The copy that a recreate has made. */
export const COPY = addonArn(9);
export const made = (change: Partial<Association> = {}): Association =>
  anAssociation({ id: 'a-made', ownerArn: COPY, createdAt: at(5), ...change });
export const aCopy = (change: Partial<Addon> = {}): Addon =>
  aMigratedAddon([associationArn('a-made')], { arn: COPY, ...change });

/** The add-on as a recreate made it, known to the record. */
export async function recreated(fakes: Begun, change: Partial<Addon> = {}): Promise<void> {
  const { ledger } = fakes;
  const { migrationId } = fakes.input;
  await ledger.recordCopy(migrationId, 'removed', addonArn(1));
  await ledger.recordCopy(migrationId, 'made', COPY);
  fakes.eks.addons.set(ADDON, aCopy(change));
  fakes.eks.associations = [
    ...fakes.eks.associations.filter((one) => one.ownerArn !== undefined && one.ownerArn !== addonArn(1)),
    made(),
  ];
}
/** It is gone, by this migration's doing. */
export async function removed(fakes: Begun): Promise<void> {
  await fakes.ledger.recordCopy(fakes.input.migrationId, 'removed', addonArn(1));
  fakes.eks.addons.delete(ADDON);
}

/** Invokes it again after "not yet" and after what may pass, as its Retry does. */
async function task(fakes: Begun, step: Step, input: object): Promise<Record<string, unknown>> {
  for (let attempt = 1; attempt <= 60; attempt += 1) {
    try {
      return (await invoke(step, { ...fakes.input, ...input }, fakes)) as Record<string, unknown>;
    } catch (error) {
      if (!isMigrationError(error) || !['retryable', 'waiting'].includes(ERROR_CLASSES[error.name])) throw error;
      fakes.clock.advance(10_000);
    }
  }
  throw new Error('60 attempts were not enough');
}

/** Until all is as it was; answers what was done. */
export async function rollback(fakes: Begun): Promise<string[]> {
  const taken: string[] = [];
  for (;;) {
    const { action } = await task(fakes, assessRollbackStep, { actions: taken.length });
    if (action === 'done') break;
    await task(fakes, restoreAddonStep, { action, actions: taken.length });
    taken.push(String(action));
    fakes.clock.advance(15_000);
  }
  await task(fakes, restoreAssociationsStep, {});
  return taken;
}
