/** The commands of a needs-human end, pasted into a shell with the real `aws` and `kubectl`. */
import { afterEach, describe, expect, it } from 'vitest';
import { useWarmAws } from '../warm-aws/index.ts';
import { ADDON } from './fixture.ts';
import { ACCOUNT, cases, expectRestoreCommands, scenarioOf } from './restore-commands-cases.ts';
import { reasonToSkip, serveHere, type ServedHere } from './served.ts';
import { OpenWorld } from './world.ts';
import { containing } from '../lambdas/matchers.ts';

const reason = reasonToSkip('aws', 'kubectl');
/**
 * Slow enough for functions to end before their time-outs, and so fast that a waiter's first check finds everything
 * done.
 */
const SCALE = 40;

const open: ServedHere[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});

describe.skipIf(reason !== undefined)(`the restore commands${reason === undefined ? '' : ` (${reason})`}`, () => {
  useWarmAws();

  it.each(cases)('restore $what', async (one) => {
    const scenario = await scenarioOf(one);
    const served = await serveHere(scenario, SCALE);
    open.push(served);
    const world = new OpenWorld(served.backend, scenario);
    const { backend } = world;
    const before = world.readAddon(ADDON, ACCOUNT);
    const report = await expectRestoreCommands(world, one);

    // The cause is gone; removing it is the person's task.
    backend.sandbox.world.faults.clear();
    backend.sandbox.world.knobs.updateEndsIn = 'ACTIVE';
    const changed = world.changes().length;
    expect(await served.run('bash', ['-e', '-c', report.restoreCommands.join('\n')])).toMatchObject({
      code: 0,
      out: containing('rolled-back'),
    });

    // The commands did everything: the rollback at their end found nothing to restore.
    expect(world.changes().slice(changed)).toEqual([]);
    expect(world.readAddon(ADDON, ACCOUNT)).toMatchObject({ ...before, pods: expect.any(Array) as unknown });
    const record = await backend.ledger.getMigration(report.migrationId);
    expect(record).toMatchObject({
      status: 'ended',
      outcome: 'rolled-back',
      verified: 'injected',
      rollback: { cause: 'requested', after: 'needs-human' },
    });
    for (const key of record!.locks) expect((await backend.ledger.readLock(key))?.holder).toBeUndefined();
    expect(backend.sandbox.failures).toEqual([]);
  });

  it('restore an add-on that another principal has deleted since, by new commands, and end', async () => {
    const one = cases[2]!;
    const scenario = await scenarioOf(one);
    const served = await serveHere(scenario, SCALE);
    open.push(served);
    const world = new OpenWorld(served.backend, scenario);
    const { backend } = world;
    const { migrationId } = await expectRestoreCommands(world, one);
    backend.sandbox.world.faults.clear();
    backend.sandbox.world.knobs.updateEndsIn = 'ACTIVE';
    const { region, name: cluster } = world.cluster;
    const where = ['--region', region, '--cluster-name', cluster, '--addon-name', ADDON];
    expect(await served.run('aws', ['eks', 'delete-addon', ...where])).toMatchObject({ code: 0 });
    expect(await served.run('aws', ['eks', 'wait', 'addon-deleted', ...where])).toMatchObject({ code: 0 });

    // The add-on is left as it is, and a person gets the commands for its current state.
    const refused = await served.run('bash', ['-c', `pod-identity rollback ${migrationId} --deployed`]);
    expect(refused).toMatchObject({ code: 5, out: containing('needs-human') });
    expect(refused.out).toContain('Another principal deleted it, not this migration.');
    const again = await backend.ledger.getMigration(migrationId);
    expect(await served.run('bash', ['-e', '-c', again!.restoreCommands.join('\n')])).toMatchObject({
      code: 0,
      out: containing('rolled-back'),
    });
    const record = await backend.ledger.getMigration(migrationId);
    expect(record?.warnings.map(({ id }) => id)).toContain('left-as-changed');
    for (const key of record!.locks) expect((await backend.ledger.readLock(key))?.holder).toBeUndefined();
    expect((await world.migrate({ addon: ADDON, dryRun: true })).plan?.verdict).toBe('migrate');
  });
});
