import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Retired } from '../../cli/service/retire.ts';
import type { MigrationReport } from '../../lambdas/domain/record/migration.ts';
import type { Call } from '../../sandbox/calls/call-log.ts';
import { scenarioWith, SCENARIO, TARGET } from '../end-to-end/fixture.ts';
import { keptWorld } from './kept-world.ts';
import { words } from '../words.ts';
import { anError, containing, printing } from '../lambdas/matchers.ts';

const ADDON = ['--cluster', TARGET.cluster, '--addon', 'aws-ebs-csi-driver'];

const { file: inDirectory, state, run, reportOf, begin } = keptWorld();
const migrated = (): Promise<MigrationReport> => begin('migrate', ...ADDON, '--sandbox', SCENARIO);
const journal = (): { commands: { what: string; migrationId: string; outcome: string }[] } =>
  JSON.parse(readFileSync(state(), 'utf8')) as ReturnType<typeof journal>;

describe('a sandbox that is kept in a file', () => {
  it('continues from command to command: migrate, show, roll back, migrate again', async () => {
    const first = await migrated();
    expect([first.outcome, await reportOf('show', first.migrationId)]).toEqual(['migrated', first]);

    const back = await run('rollback', first.migrationId, '--reason', 'too early');
    expect(back.code).toBe(0);
    expect(back.out).toMatch(/^↩ rolled-back .*restored to its former state\n/);
    expect(back.out).toMatch(
      /Rollback on demand\n {2}requested at \S+ by command-line: too early \(the migration had ended migrated\)/,
    );
    expect(back.err).toMatch(/✔ Take over the migration .*[^]*✔ Restore the add-on by an update/);
    expect(await reportOf('show', first.migrationId)).toMatchObject({
      outcome: 'rolled-back',
      rollback: { cause: 'requested', reason: 'too early' },
      disruption: { controllerUnavailableSeconds: 0 },
    });

    const second = await reportOf('migrate', ...ADDON, '--strategy', 'recreate');
    expect(second.outcome).toBe('migrated');
    expect(second.migrationId > first.migrationId && second.startedAt > first.endedAt).toBe(true);
    expect((await reportOf('plan', ...ADDON)).outcome).toBe('already-migrated');
    expect(journal().commands.map(({ what, outcome }) => [what, outcome])).toEqual([
      ['migrate', 'migrated'],
      ['rollback', 'rolled-back'],
      ['migrate', 'migrated'],
      ['migrate', 'already-migrated'],
    ]);
  });

  it('has the same world, whether its first commands were just run or are replayed', async () => {
    const calls = inDirectory('calls.jsonl');
    const { migrationId } = await reportOf('migrate', ...ADDON, '--sandbox', SCENARIO, '--calls', calls);
    const number = (file: string): number[] =>
      readFileSync(file, 'utf8')
        .trimEnd()
        .split('\n')
        .map((line) => (JSON.parse(line) as Call).n);
    const last = number(calls).at(-1)!;
    await run('plan', ...ADDON, '--calls', calls);
    // Only the calls of the new command, numbered as in that world.
    expect(number(calls)[0]).toBe(last + 1);
    const { endedAt } = await reportOf('show', migrationId);
    expect(journal().commands[0]).toMatchObject({ migrationId, endedAt });
  });

  it('does not record refused commands, nor commands that only read', async () => {
    const { migrationId } = await migrated();
    const before = readFileSync(state(), 'utf8');
    const cancelled = await run('cancel', migrationId);
    expect(cancelled).toMatchObject({ code: 2, out: '' });
    expect(cancelled.err).toMatch(
      /is over: it ended migrated[^]*npm run --silent pod-identity -- rollback \w+ --state \S+world\.json\n$/,
    );
    expect(await run('release', migrationId)).toMatchObject({
      code: 2,
      out: '',
      err: containing('ended migrated and holds no locks'),
    });
    expect((await run('show', '01JD8Z5Q6R7S8T9V0W1X2Y3Z4A')).code).toBe(2);
    expect((await run('rollback', '01JD8Z5Q6R7S8T9V0W1X2Y3Z4A')).err).toContain(
      'migration 01JD8Z5Q6R7S8T9V0W1X2Y3Z4A does not exist here',
    );
    await run('show', migrationId);
    expect(readFileSync(state(), 'utf8')).toBe(before);
  });

  it('refuses a rollback that has nothing to restore', async () => {
    const { migrationId } = await reportOf('plan', ...ADDON, '--sandbox', SCENARIO);
    const { code, err } = await run('rollback', migrationId);
    expect(code).toBe(2);
    expect(err).toMatch(
      /^❯[^]*error: \S.*\nhint: {2}To show the migration: npm run --silent pod-identity -- show \w+ --state \S+world\.json\n$/,
    );
    const json = await run('rollback', migrationId, '--json');
    expect(JSON.parse(json.out)).toMatchObject({ error: { name: 'RollbackRefused' } });
  });

  it('keeps a migration whose execution was stopped, with its recovery', async () => {
    const file = inDirectory('scenario.json');
    writeFileSync(
      file,
      JSON.stringify(
        scenarioWith((scenario) =>
          scenario.faults.push({
            step: 'delete-addon',
            operation: 'DeleteAddon',
            kind: 'abort-after',
            call: 1,
            times: 1,
          }),
        ),
      ),
    );
    const report = await reportOf('migrate', ...ADDON, '--strategy', 'recreate', '--sandbox', file);
    expect(report).toMatchObject({ outcome: 'rolled-back', recovery: { cause: 'stranded' } });
    // The fault was injected once in that world.
    expect(await reportOf('migrate', ...ADDON, '--strategy', 'recreate')).toMatchObject({ outcome: 'migrated' });
  });

  it('releases the locks of a migration that is not to be restored, so that the next one can begin', async () => {
    const file = inDirectory('scenario.json');
    writeFileSync(
      file,
      JSON.stringify(
        scenarioWith((scenario) =>
          scenario.faults.push({ operation: 'CreateAddon', kind: 'not-found', call: 1, times: 'all' }),
        ),
      ),
    );
    const { migrationId, outcome } = await reportOf('migrate', ...ADDON, '--strategy', 'recreate', '--sandbox', file);
    expect(outcome).toBe('needs-human');
    expect((await run('plan', ...ADDON)).out).toMatch(
      new RegExp(
        `✖ lock-free: [^]*\\n +npm run --silent pod-identity -- release ${migrationId} --state \\S+world.json\\n`,
      ),
    );

    const released = await run('release', migrationId, '--reason', 'it is gone for good');
    expect(released).toMatchObject({ code: 0, err: '' });
    expect(released.out).toMatch(
      /^✔ .* no longer holds locks\.\n {2}released: add-on aws-ebs-csi-driver of cluster reliability-dev /,
    );
    expect((await run('release', migrationId)).out).toMatch(
      /was already released at \S+ by command-line: it is gone for good\./,
    );
    expect(JSON.parse((await run('release', migrationId, '--json')).out)).toMatchObject({
      migrationId,
      first: false,
      locks: [],
      released: { reason: 'it is gone for good' },
    });
    expect(await reportOf('show', migrationId)).toMatchObject({
      outcome: 'needs-human',
      released: { by: 'command-line', reason: 'it is gone for good' },
    });
    // The lock is free, and the plan reports that the add-on is gone.
    expect((await reportOf('plan', ...ADDON)).plan?.checks).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ id: 'lock-free', status: 'pass' }),
        expect.objectContaining({ id: 'addon-installed', status: 'fail' }),
      ]),
    );
    expect(journal().commands.map(({ what }) => what)).toEqual(words`migrate migrate release release release migrate`);
  });

  it('retires the OIDC trust, and restores it: each command continues from the previous one', async () => {
    const { migrationId } = await migrated();
    const retire = (...flags: string[]) => run('retire', migrationId, ...flags);

    const early = await retire();
    expect(early.code).toBe(3);
    expect(early.out).toMatch(
      /^✖ refused .*nothing was changed\n[^]*✖ retire-soak: [^]*do: Try again after 2026-01-22T09:/,
    );
    const tooEarly = await retire('--apply', '--json');
    expect(tooEarly.code).toBe(3);
    expect(JSON.parse(tooEarly.out)).toMatchObject({
      error: anError('RetireRefused', /retire-soak: .* 2026-01-22T09:/),
    });

    const planned = await retire('--soak-days', '0', '--reason', 'it is time');
    expect(planned).toMatchObject({ code: 0 });
    expect(planned.out).toMatch(
      new RegExp(
        `^✔ dry run [^]*\\n {4}- .*"Sid": "Irsa"[^]*To apply it:\n  .* retire ${migrationId} --soak-days 0 --apply --reason 'it is time' --state ${state()}\n$`,
      ),
    );
    const done = JSON.parse(
      (await retire('--soak-days', '0', '--apply', '--reason', 'it is time', '--json')).out,
    ) as Retired;
    expect(done).toMatchObject({
      migrationId,
      action: 'retire',
      dryRun: false,
      done: true,
      roles: [{ result: 'removed' }],
    });
    expect(done.roles[0]?.after).not.toContain('oidc-provider');
    expect(await reportOf('show', migrationId)).toMatchObject({
      outcome: 'migrated',
      retirements: [{ reason: 'it is time', requestedBy: 'command-line', writtenAt: expect.any(String) as unknown }],
    });

    // A rollback is refused meanwhile, and its message shows how to make it possible.
    expect((await run('rollback', migrationId)).err).toMatch(new RegExp(`retire ${migrationId} --undo`));
    const back = await retire('--undo', '--apply');
    expect(back).toMatchObject(printing(0, /^↩ restored [^]*\n {4}\+ .*"Sid": "Irsa"/));
    expect(await reportOf('rollback', migrationId)).toMatchObject({
      outcome: 'rolled-back',
      retirements: [{ undoneAt: expect.any(String) as unknown }],
    });
    // A retirement that was refused before it began is not recorded; a dry run is.
    expect(journal().commands.map(({ what }) => what)).toEqual(words`migrate retire retire retire retire rollback`);
  });

  it('reports that the program has changed if a replayed command has another result', async () => {
    await migrated();
    writeFileSync(state(), readFileSync(state(), 'utf8').replace('"outcome": "migrated"', '"outcome": "rolled-back"'));
    const { code, err } = await run('plan', ...ADDON);
    expect(code).toBe(2);
    expect(err).toMatch(
      /cannot be replayed: command 1 \(migrate \S+\) now results in \S+ migrated, but the file has \S+ rolled-back/,
    );
  });

  it('belongs to one scenario and one seed', async () => {
    await reportOf('migrate', ...ADDON, '--sandbox', SCENARIO, '--seed', '7');
    const other = inDirectory('other.json');
    writeFileSync(other, JSON.stringify(scenarioWith((_scenario, cluster) => (cluster.nodes = 9))));
    expect((await run('plan', ...ADDON, '--sandbox', other)).err).toContain('was written with another scenario than');
    expect((await run('plan', ...ADDON, '--seed', '8')).err).toContain('has seed 7, not 8');
    expect((await run('plan', ...ADDON, '--sandbox', SCENARIO)).code).toBe(0);
  });

  it('begins with a scenario, and is not created by a command that fails', async () => {
    expect((await run('plan', ...ADDON)).err).toMatch(
      /does not exist yet, and --sandbox FILE is missing, so there is nothing to start from/,
    );
    expect((await run('migrate', ...ADDON, '--sandbox', SCENARIO, '--account', '999999999999')).code).toBe(2);
    expect(existsSync(state())).toBe(false);
  });
});
