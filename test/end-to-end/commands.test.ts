/**
 * The command line against a service that is served elsewhere, from several processes at once, and what exit codes say.
 */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { main } from '../../cli/program.ts';
import { migrationReport, type MigrationReport } from '../../lambdas/domain/model.ts';
import { collectingIo } from '../cli/fixtures.ts';
import { ADDON, TARGET } from './fixture.ts';
import { type Result, serve, type Served } from './served.ts';

const PROGRAM = join(import.meta.dirname, '../../bin/pod-identity.ts');
const ASKED = ['--cluster', TARGET.cluster, '--addon', ADDON];

let served: Served;
beforeAll(async () => {
  // Slow enough for functions to end before their time-outs, and for somebody to come while EKS deletes.
  served = await serve(['--clock', 'scaled=60'], (scenario) => {
    Object.assign(scenario.knobs, {
      addonUpdateSeconds: 2,
      addonCreateSeconds: 2,
      addonDeleteSeconds: 240,
      podReadySeconds: 1,
    });
  });
  for (const name of Object.keys(process.env)) if (/^(AWS|POD_IDENTITY)_/.test(name)) vi.stubEnv(name, undefined);
  const none = join(served.directory, 'none');
  for (const [name, value] of Object.entries({
    ...served.environment,
    AWS_CONFIG_FILE: none,
    AWS_SHARED_CREDENTIALS_FILE: none,
  }))
    vi.stubEnv(name, value);
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await served?.stop();
});

/** In a process of its own. */
const elsewhere = (...words: string[]): Promise<Result> =>
  served.run(process.execPath, [PROGRAM, ...words, '--deployed']);
const command = async (...words: string[]): Promise<Result> => {
  const io = collectingIo();
  return { code: await main([...words, '--deployed'], io), out: io.out(), err: io.err() };
};
const reportIn = ({ out }: Result): MigrationReport => migrationReport.parse(JSON.parse(out));
const changes = (): string[] =>
  served
    .calls()
    .filter(
      ({ step, service, mutating, status }) => step !== undefined && service === 'eks' && mutating && status < 300,
    )
    .map(({ operation }) => operation);

describe('commands of several people against one service', { timeout: 120_000 }, () => {
  it('one migrates, another sees it, stops it, and it goes back; a third is told to wait', async () => {
    const migrating = elsewhere('migrate', ...ASKED, '--strategy', 'recreate', '--json');
    await vi.waitFor(() => expect(changes()).toEqual(['DeleteAddon']), 20_000);
    const id = served
      .calls()
      .find(({ operation }) => operation === 'DeleteAddon')!
      .execution!.split(':')
      .at(-1)!;

    const shown = await command('show', id, '--json');
    expect(shown.code).toBe(0);
    expect(JSON.parse(shown.out)).toMatchObject({
      migrationId: id,
      status: 'running',
      executionStatus: 'RUNNING',
      applied: { strategy: 'recreate' },
    });

    const cancelled = await command('cancel', id, '--reason', 'wrong cluster', '--json');
    expect(cancelled.code).toBe(0);
    expect(JSON.parse(cancelled.out)).toMatchObject({ migrationId: id, begun: true, willEnd: 'rolled-back' });

    const third = await command('migrate', ...ASKED, '--json');
    expect(third.code).toBe(3);
    expect(reportIn(third)).toMatchObject({
      outcome: 'blocked',
      plan: {
        checks: [
          {
            id: 'lock-free',
            status: 'fail',
            message: expect.stringContaining(`Migration ${id} holds the lock`) as unknown,
          },
        ],
      },
    });
    const early = await command('rollback', id, '--json');
    expect(early.code).toBe(2);
    expect(JSON.parse(early.out)).toMatchObject({
      error: { name: 'RollbackRefused', hint: expect.stringContaining(`pod-identity cancel ${id}`) as unknown },
    });

    const migrated = await migrating;
    expect(migrated.code).toBe(4);
    const report = reportIn(migrated);
    expect(report).toMatchObject({ migrationId: id, outcome: 'rolled-back', failure: { name: 'Cancelled' } });
    expect(report.failure!.message).toContain('wrong cluster');
    const over = await command('cancel', id);
    expect(over.code).toBe(2);
    expect(over.err).toContain('ended rolled-back');
    expect(changes()).toEqual(['DeleteAddon', 'CreateAddon']);
  });

  it('one migrates, another puts it back; what the second time finds nothing to do is refused', async () => {
    const migrated = await elsewhere('migrate', ...ASKED, '--json');
    expect({ code: migrated.code, outcome: reportIn(migrated).outcome }).toEqual({ code: 0, outcome: 'migrated' });
    const { migrationId } = reportIn(migrated);
    const again = await command('migrate', ...ASKED, '--json');
    expect({ code: again.code, outcome: reportIn(again).outcome }).toEqual({ code: 0, outcome: 'already-migrated' });

    const back = await command('rollback', migrationId, '--reason', 'by hand', '--json');
    expect(back.code).toBe(0);
    expect(reportIn(back)).toMatchObject({
      migrationId,
      outcome: 'rolled-back',
      recovery: { cause: 'requested', after: 'migrated', reason: 'by hand' },
    });
    const shown = await elsewhere('show', migrationId, '--json');
    expect({ code: shown.code, report: reportIn(shown) }).toEqual({ code: 0, report: reportIn(back) });
    const twice = await command('rollback', migrationId);
    expect(twice.code).toBe(2);
    expect(twice.err).toContain('it was put back already');
    expect((await command('show', '01JD8Z5Q6R7S8T9V0W1X2Y3Z4A')).code).toBe(2);
  });
});
