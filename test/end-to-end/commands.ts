/**
 * The command line against a service that is served elsewhere, used by several people at once, and its exit codes. The
 * test files decide how the commands are run.
 */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { migrationReport, type MigrationReport } from '../../lambdas/domain/record/migration.ts';
import { ADDON, scenarioWith, TARGET } from './fixture.ts';
import { byApi, PACE, type Result, serveHere, type ServedHere } from './served.ts';
import { containing } from '../lambdas/matchers.ts';
import { runWith } from '../cli/run-program.ts';

const ASKED = ['--cluster', TARGET.cluster, '--addon', ADDON];

/** Runs a command against the served sandbox. */
export type RunCommand = (served: ServedHere, words: string[]) => Promise<Result>;

/** Runs in this process, whose environment contains the sandbox; it waits in the world's time. */
export const inThisProcess: RunCommand = ({ backend }, words) =>
  runWith({ sleep: (milliseconds) => backend.sandbox.clock.sleep(milliseconds) }, ...words);

const reportIn = ({ out }: Result): MigrationReport => migrationReport.parse(JSON.parse(out));

/** `runElsewhere`: runs the commands of a person who works on another machine. */
export const describeCommands = (runElsewhere: RunCommand): void => {
  let served: ServedHere;
  beforeAll(async () => {
    const scenario = scenarioWith(({ knobs }) => {
      Object.assign(knobs, {
        addonUpdateSeconds: 2,
        addonCreateSeconds: 2,
        addonDeleteSeconds: 240,
        podReadySeconds: 1,
      });
    });
    served = await serveHere(scenario, PACE);
    for (const name of Object.keys(process.env)) if (/^(AWS|POD_IDENTITY)_/.test(name)) vi.stubEnv(name, undefined);
    for (const [name, value] of Object.entries({ ...served.variables, ...byApi(served) })) vi.stubEnv(name, value);
  });
  afterAll(async () => {
    vi.unstubAllEnvs();
    await served?.close();
  });

  const command = (...words: string[]): Promise<Result> => inThisProcess(served, [...words, '--deployed']);
  const elsewhere = (...words: string[]): Promise<Result> => runElsewhere(served, [...words, '--deployed']);
  const changes = (): string[] =>
    served.backend.sandbox.world.log.calls
      .filter(
        ({ step, service, mutating, status }) => step !== undefined && service === 'eks' && mutating && status < 300,
      )
      .map(({ operation }) => operation);

  describe('commands of several people against one service', () => {
    it('one starts a migration, another one sees it and stops it, and it rolls back; a third one must wait', async () => {
      const migrating = elsewhere('migrate', ...ASKED, '--strategy', 'recreate', '--json');
      const migrationId = await served.slowlyFrom(
        () => changes().length > 0,
        async () => {
          expect(changes()).toEqual(['DeleteAddon']);
          const id = served.backend.sandbox.world.log.calls
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
          expect([cancelled.code, JSON.parse(cancelled.out)]).toMatchObject([0, { migrationId: id, begun: true }]);

          const third = await command('migrate', ...ASKED, '--json');
          expect(third.code).toBe(3);
          expect(JSON.parse(third.out)).toMatchObject({
            error: {
              name: 'SubjectBusy',
              message: containing(`Migration ${id} has held the lock`),
              hint: containing(`pod-identity show ${id}`),
            },
          });
          const early = await command('rollback', id, '--json');
          expect(early.code).toBe(2);
          expect(JSON.parse(early.out)).toMatchObject({
            error: { name: 'RollbackRefused', hint: containing(`pod-identity cancel ${id}`) },
          });

          return id;
        },
      );
      const migrated = await migrating;
      expect(migrated.code).toBe(4);
      const report = reportIn(migrated);
      expect(report).toMatchObject({ migrationId, outcome: 'rolled-back', failure: { name: 'Cancelled' } });
      expect(report.failure!.message).toContain('wrong cluster');
      const over = await command('cancel', migrationId);
      expect(over.code).toBe(2);
      expect(over.err).toContain('ended rolled-back');
      expect(changes()).toEqual(['DeleteAddon', 'CreateAddon']);
    });

    it('one migrates, another one rolls it back; the second rollback finds nothing to do and is refused', async () => {
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
        rollback: { cause: 'requested', after: 'migrated', reason: 'by hand' },
      });
      const shown = await elsewhere('show', migrationId, '--json');
      expect({ code: shown.code, report: reportIn(shown) }).toEqual({ code: 0, report: reportIn(back) });
      const twice = await command('rollback', migrationId);
      expect(twice.code).toBe(2);
      expect(twice.err).toContain('it was already rolled back');
      expect((await command('show', '01JD8Z5Q6R7S8T9V0W1X2Y3Z4A')).code).toBe(2);
    });
  });
};
