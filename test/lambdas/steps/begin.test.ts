import { describe, expect, it } from 'vitest';
import type { Addon, Plan } from '../../../lambdas/domain/model.ts';
import { beginStep } from '../../../lambdas/steps/begin/handler.ts';
import { invoke, newFakes, type Fakes } from '../fakes.ts';
import { ADDON, addonArn, aMigration, anAddon, anAssociation, aPlan, aRequest, at, bothWays, EXECUTION, MIGRATION_ID, OTHER_MIGRATION_ID, OTHER_ROLE, planned, ROLE, target } from '../fixtures.ts';
import { LOCK } from './begun.ts';

const input = { migrationId: MIGRATION_ID, executionArn: EXECUTION, target, addon: ADDON };
const run = (fakes: Fakes): Promise<unknown> => invoke(beginStep, input, fakes);

async function plannedFakes(change: Partial<Plan> = {}): Promise<Fakes> {
  const fakes = newFakes();
  await fakes.ledger.putMigration(aMigration({ plan: aPlan(change) }));
  return fakes;
}

describe('begin', () => {
  it('takes the lock and then stores the snapshot, before it answers', async () => {
    const fakes = await plannedFakes({ purge: ['a-left00000000000001'] });
    fakes.eks.associations = [anAssociation()];
    expect(await run(fakes)).toEqual({ fence: 1 });
    expect(await fakes.ledger.getSnapshot(MIGRATION_ID)).toEqual({
      takenAt: at(0),
      addon: anAddon(),
      namespace: 'kube-system',
      planned: [planned],
      associations: [anAssociation()],
      trustPolicies: { [ROLE]: bothWays },
    });
    await fakes.ledger.assertLock(LOCK, MIGRATION_ID, 1);
    const names = fakes.journal.names();
    expect(names.indexOf('ledger.acquireLock')).toBeLessThan(names.indexOf('eks.describeAddon'));
    expect(names.at(-1)).toBe('ledger.putSnapshot');
    expect(fakes.journal.mutations()).toEqual([]);
  });

  it('keeps the trust of every role that takes part', async () => {
    const fakes = await plannedFakes({ associations: [{ ...planned, roleArn: OTHER_ROLE }] });
    fakes.roles.trust[OTHER_ROLE] = 'other';
    const named = `${ROLE}-named`;
    fakes.roles.trust[named] = 'named';
    await fakes.ledger.putMigration(aMigration({ plan: aPlan({ associations: [{ ...planned, roleArn: OTHER_ROLE }] }), request: aRequest({ roles: { x: named } }) }));
    await run(fakes);
    expect((await fakes.ledger.getSnapshot(MIGRATION_ID))?.trustPolicies).toEqual({ [ROLE]: bothWays, [OTHER_ROLE]: 'other', [named]: 'named' });
  });

  it('invoked again takes its own lock again and lets the first snapshot stand', async () => {
    const fakes = await plannedFakes();
    await run(fakes);
    const first = await fakes.ledger.getSnapshot(MIGRATION_ID);
    fakes.clock.advance(5000);
    fakes.eks.addons.set(ADDON, anAddon({ status: 'DELETING' }));
    expect(await run(fakes)).toEqual({ fence: 2 });
    expect(await fakes.ledger.getSnapshot(MIGRATION_ID)).toEqual(first);
  });

  it('finds its snapshot after the reply to it was lost', async () => {
    const fakes = await plannedFakes();
    fakes.journal.failNext('ledger.putSnapshot', 'after');
    await expect(run(fakes)).rejects.toMatchObject({ name: 'ConnectionLost' });
    expect(await run(fakes)).toEqual({ fence: 2 });
    expect(fakes.journal.of('ledger.putSnapshot')).toHaveLength(1);
  });

  it('says who holds the lock and leaves everything alone', async () => {
    const fakes = await plannedFakes();
    await fakes.ledger.acquireLock(LOCK, { migrationId: OTHER_MIGRATION_ID, executionArn: 'execution-of-another', since: at(-60) });
    await expect(run(fakes)).rejects.toMatchObject({ name: 'LockHeld', message: expect.stringMatching(`${OTHER_MIGRATION_ID} .* dev since 2026-01-05T08:59:00.000Z .*execution-of-another`) as string });
    expect(await fakes.ledger.getSnapshot(MIGRATION_ID)).toBeUndefined();
    expect(fakes.journal.names()).not.toContain('eks.describeAddon');
  });

  it.each<[string, Addon | undefined]>([
    ['gone', undefined],
    ['created again', anAddon({ arn: addonArn(2) })],
    ['in another version', anAddon({ version: 'v1.40.0-eksbuild.1' })],
    ['updating', anAddon({ status: 'UPDATING' })],
    ['on another role', anAddon({ serviceAccountRoleArn: OTHER_ROLE })],
    ['without its role', anAddon({ serviceAccountRoleArn: undefined })],
    ['configured otherwise', anAddon({ configurationValues: '{}' })],
  ])('stops when the add-on is %s by now', async (_, now) => {
    const fakes = await plannedFakes();
    if (now) fakes.eks.addons.set(ADDON, now);
    else fakes.eks.addons.delete(ADDON);
    await expect(run(fakes)).rejects.toMatchObject({ name: 'AddonChanged', message: expect.stringContaining('Nothing was changed; plan again') as string });
    expect(await fakes.ledger.getSnapshot(MIGRATION_ID)).toBeUndefined();
  });

  it.each([
    ['came', [], [anAssociation()]],
    ['went', ['a-left00000000000001'], []],
    ['was made again', ['a-left00000000000001'], [anAssociation({ id: 'a-another' })]],
  ])('stops when an association %s', async (_, purge, there) => {
    const fakes = await plannedFakes({ purge });
    fakes.eks.associations = there;
    await expect(run(fakes)).rejects.toMatchObject({ name: 'AssociationChanged' });
    expect(await fakes.ledger.getSnapshot(MIGRATION_ID)).toBeUndefined();
  });

  it.each<[string, (fakes: Fakes) => Promise<void>]>([
    ['no record', async () => undefined],
    ['a plan that blocks', ({ ledger }) => ledger.putMigration(aMigration({ plan: aPlan({ verdict: 'blocked' }) }))],
    ['no plan', ({ ledger }) => ledger.putMigration(aMigration({ plan: undefined }))],
  ])('refuses %s before it takes the lock', async (_, prepare) => {
    const fakes = newFakes();
    await prepare(fakes);
    await expect(run(fakes)).rejects.toMatchObject({ name: 'BadInput', message: expect.stringContaining(MIGRATION_ID) as string });
    expect(fakes.journal.names()).not.toContain('ledger.acquireLock');
  });
});
