/**
 * The commands of a needs-human end. `restore-commands.process.test.ts` pastes them into a shell, and the simulation carries
 * out the commands of every run that needs a person.
 */
import { describe, expect, it } from 'vitest';
import { cases, expectRestoreCommands, scenarioOf } from './restore-commands-cases.ts';
import { runRestoreCommands } from '../simulation/restore-commands.ts';
import { ADDON } from './fixture.ts';
import { inWorld } from './world.ts';

describe('the restore commands', () => {
  it.each(cases)('are for $what', async (one) => {
    const { knobs, faults } = await scenarioOf(one);
    await inWorld({ scenario: one.scenario, knobs, faults }, async (world) => {
      const { restoreCommands, migrationId } = await expectRestoreCommands(world, one);
      expect(restoreCommands.at(-1)).toBe(`pod-identity rollback ${migrationId} --deployed`);
    });
  });

  it('create an add-on in the version that EKS offers for an upgraded cluster', async () => {
    const [one] = cases;
    const { knobs, faults } = await scenarioOf(one!);
    await inWorld({ scenario: one!.scenario, knobs, faults }, async (world) => {
      const { cluster, backend } = world;
      world.onFirst(
        ({ operation }) => operation === 'DeleteAddon',
        () => void (cluster.version = '1.33'),
      );
      const { outcome, migrationId } = await world.migrate({ addon: ADDON, ...one!.asked });
      backend.sandbox.world.faults.clear();
      const record = (await backend.ledger.getMigration(migrationId))!;
      const rollBack = async (): Promise<void> => void (await world.rollBack({ migrationId }));
      const by = { rollBack, release: rollBack, optional: true };
      expect([outcome, await runRestoreCommands(backend.sandbox, cluster, record, by)]).toEqual(['needs-human', []]);
      const end = await world.report(migrationId);
      expect([end.outcome, cluster.addons.get(ADDON)?.version]).toEqual(['rolled-back', 'v1.44.0-eksbuild.1']);
    });
  });
});
