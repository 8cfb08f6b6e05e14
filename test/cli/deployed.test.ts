/**
 * `--deployed` against a served sandbox: the SDK's own endpoints and credentials, over real connections.
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { main } from '../../cli/program.ts';
import { migrationReport } from '../../lambdas/domain/record/migration.ts';
import { scenarioWith, TARGET } from '../end-to-end/fixture.ts';
import { byApi, PACE, serveHere, type ServedHere } from '../end-to-end/served.ts';
import { eventually } from '../eventually.ts';
import { collectingIo } from './fixtures.ts';
import { containing, expectExit, printing } from '../lambdas/matchers.ts';

const ADDON = ['--cluster', TARGET.cluster, '--addon', 'aws-ebs-csi-driver'];

let served: ServedHere;

beforeAll(async () => {
  // Long enough to stop a migration while EKS deletes the add-on.
  served = await serveHere(
    scenarioWith((one) => Object.assign(one.knobs, { addonDeleteSeconds: 400 })),
    PACE,
  );
});
afterAll(() => served.close());
afterEach(() => vi.unstubAllEnvs());

/** A port on which nothing listens. */
const NOWHERE = 'http://127.0.0.1:9';
/** Only the API can be called. */
const BY_API = Object.fromEntries(
  ['CLOUDFORMATION', 'DYNAMODB', 'EKS', 'EKS_AUTH', 'EVENTBRIDGE', 'IAM', 'SFN'].map((service) => [
    `AWS_ENDPOINT_URL_${service}`,
    NOWHERE,
  ]),
);
const DIRECTLY = { POD_IDENTITY_API_URL: undefined };

const point = (change: Record<string, string | undefined> = DIRECTLY): void => {
  const outer = Object.keys(process.env).filter((name) => /^(AWS|POD_IDENTITY)_/.test(name));
  for (const name of outer) vi.stubEnv(name, undefined);
  for (const [name, value] of Object.entries({
    AWS_EC2_METADATA_DISABLED: 'true',
    ...served.variables,
    ...byApi(served),
    ...change,
  }))
    vi.stubEnv(name, value);
};

const aborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));

const deletions = (): number =>
  served.backend.sandbox.world.log.calls.filter(({ operation }) => operation === 'DeleteAddon').length;

const start = (...argv: string[]) => {
  const io = collectingIo();
  let stop: (() => void) | undefined;
  let stopping: Promise<never> | undefined;
  const { clock } = served.backend.sandbox;
  const ended = main([...argv, '--deployed'], {
    ...io,
    onStop: (wanted) => (stop = wanted),
    // By the world's clock, but only while the migration is followed.
    sleep: (milliseconds, stopped) => Promise.race([clock.sleep(milliseconds), (stopping ??= aborted(stopped))]),
  });
  return { ended, out: () => io.out(), err: () => io.err(), interrupt: () => stop?.() };
};
const run = async (...argv: string[]): Promise<{ code: number; out: string; err: string }> => {
  const { ended, out, err } = start(...argv);
  return { code: await ended, out: out(), err: err() };
};

describe.each([
  ['by direct calls', DIRECTLY],
  ['by its API alone', BY_API],
])('a deployed service, %s,', (_attempt, change) => {
  it('plans, migrates, shows and rolls back, for the caller and in the region of the environment', async () => {
    point(change);
    const planned = migrationReport.parse(JSON.parse((await run('plan', ...ADDON, '--json')).out));
    expect(planned).toMatchObject({ outcome: 'planned', target: TARGET, simulated: true });
    const migrated = await run('migrate', ...ADDON, '--json');
    expect(migrated).toMatchObject({ code: 0, err: '' });
    const report = migrationReport.parse(JSON.parse(migrated.out));
    expect(report.outcome).toBe('migrated');
    // The pods were not observed all the time.
    expect(report).not.toHaveProperty('disruption');
    expect(JSON.parse((await run('show', report.migrationId, '--json')).out)).toEqual(report);
    const retire = await run('retire', report.migrationId, '--soak-days', '0', '--json');
    expect(retire).toMatchObject({ code: 0, err: '' });
    expect(JSON.parse(retire.out)).toMatchObject({
      migrationId: report.migrationId,
      dryRun: true,
      done: false,
      roles: [{ result: 'would-remove' }],
    });
    await expectExit(
      run('retire', report.migrationId, '--apply'),
      3,
      /error: The OIDC trust was not retired, [^]*retire-soak: [^]*hint: +To show every check/,
    );
    expect((await run('show', report.migrationId)).out).toMatch(/\nOIDC trust\n[^]*but refused: nothing was changed/);
    const applied = await run('retire', report.migrationId, '--soak-days', '0', '--apply');
    expect(applied).toMatchObject(printing(0, /^✔ retired /));
    const undone = await run('retire', report.migrationId, '--undo', '--apply', '--json');
    expect(JSON.parse(undone.out)).toMatchObject({ action: 'reinstate', done: true, roles: [{ result: 'restored' }] });
    expect(JSON.parse((await run('show', report.migrationId, '--json')).out)).toMatchObject({
      retirement: { action: 'reinstate', state: 'ended', requestedBy: containing('operator') },
    });
    const back = await run('rollback', report.migrationId, '--json');
    expect(back.code).toBe(0);
    expect(migrationReport.parse(JSON.parse(back.out))).toMatchObject({
      outcome: 'rolled-back',
      rollback: { requestedBy: containing(':assumed-role/operator/') },
    });
  });

  it('continues when it is no longer followed; it can be shown and cancelled, and is then rolled back', async () => {
    point(change);
    const deletedBefore = deletions();
    const followed = start('migrate', ...ADDON, '--strategy', 'recreate', '--reason', 'try it');
    const id = await served.slowlyFrom(
      () => deletions() > deletedBefore,
      async () => {
        await eventually(() => expect(followed.err()).toContain('✔ Delete the add-on'));
        followed.interrupt();
        expect(await followed.ended).toBe(1);
        expect(followed.err()).toMatch(
          /error: migration (\S+) continues in the service: it is no longer followed here\nhint: .* show \1 --deployed\n.* cancel \1 --deployed\n$/,
        );
        const goesOn = /migration (\S+) continues/.exec(followed.err())![1]!;

        const shown = await run('show', goesOn);
        expect(shown.code).toBe(0);
        expect(shown.out).toMatch(
          /^… running {2}aws-ebs-csi-driver on reliability-dev .*\n.* · now recreate\n[^]*Delete the add-on/,
        );
        const cancelled = await run('cancel', goesOn, '--reason', 'wrong day');
        expect(cancelled.code).toBe(0);
        expect(cancelled.out).toMatch(
          /requested\.\n {2}It has begun its change: [^]*it rolls back and ends rolled-back/,
        );
        expect(JSON.parse((await run('show', goesOn, '--json')).out)).toMatchObject({
          status: 'running',
          cancellation: { reason: 'wrong day' },
          executionStatus: 'RUNNING',
        });
        return goesOn;
      },
    );

    await eventually(
      async () => expect((await run('show', id)).out).toMatch(/^↩ rolled-back[^]*\nWhy\n {2}Cancelled: [^]*wrong day/),
      500,
    );
    expect((await run('cancel', id)).err).toMatch(/it ended rolled-back/);
    point();
    await expectExit(run('release', id), 2, 'ended rolled-back and holds no locks');
  });
});

// With direct calls, the machine's clock would decide whether the approval has expired, and the sandbox's time differs.

it('a deployed service with an API waits for an approval, which is for one plan and not by the requester', async () => {
  point(BY_API);
  const followed = start('migrate', ...ADDON, '--approval', 'required');
  // The approval expires after a day.
  const id = await served.slowlyFrom(
    () => served.backend.sandbox.executions.running().length > 0,
    async () => {
      await eventually(() => expect(followed.err()).toMatch(/approve \S+ --plan \S+ --deployed/));
      const [, asked = '', hash = ''] = /approve (\S+) --plan (\S+) --deployed/.exec(followed.err()) ?? [];
      const looked = await run('approve', asked);
      expect(looked.code).toBe(2);
      expect(looked.out).toContain(`Plan ${hash}\n`);
      await expectExit(run('approve', asked, '--plan', '0'.repeat(64)), 2, /Another plan is waiting/);
      await expectExit(run('approve', asked, '--plan', hash), 3, /may not approve/);
      expect((await run('show', asked)).out).toContain('Its plan waits for a decision until');
      const rejected = await run('reject', asked, '--plan', hash, '--reason', 'not today', '--json');
      expect([rejected.code, JSON.parse(rejected.out)]).toEqual([
        0,
        expect.objectContaining({
          migrationId: asked,
          approval: expect.objectContaining({ state: 'rejected', reason: 'not today' }) as unknown,
        }),
      ]);
      return asked;
    },
  );
  expect(await followed.ended).toBe(3);
  expect(followed.out()).toMatch(/ApprovalRejected: [^]*not\s+today/);
  const listed = JSON.parse((await run('migrations', '--outcome', 'blocked', '--json')).out) as unknown;
  expect(listed).toMatchObject({ more: false, migrations: [{ migrationId: id, outcome: 'blocked' }] });
});

describe('a deployed service without an API', () => {
  it('reports which variables are wrong, and where their values come from', async () => {
    point({ ...DIRECTLY, POD_IDENTITY_TABLE_NAME: 'Ledger', POD_IDENTITY_STATE_MACHINE_ARN: 'MigrateAddon' });
    const { code, err } = await run('plan', ...ADDON);
    expect(code).toBe(2);
    expect(err).toMatch(
      /POD_IDENTITY_STATE_MACHINE_ARN must be the ARN of a state machine\nhint: .*stack PodIdentityMigrator/,
    );
    expect(err).toContain('POD_IDENTITY_STATE_MACHINE_ARN: output StateMachineArn');
  });

  it.each([
    [
      'credentials',
      { AWS_ACCESS_KEY_ID: undefined, AWS_SECRET_ACCESS_KEY: undefined, AWS_SESSION_TOKEN: undefined },
      1,
      /a call to AWS failed: CredentialsProviderError[^]*hint: .*No AWS credentials/,
    ],
    [
      'valid credentials',
      { AWS_SECRET_ACCESS_KEY: 'wrong' },
      1,
      /a call to AWS failed: SignatureDoesNotMatch[^]*hint: .*get-caller-identity/,
    ],
    [
      'a service that listens',
      { AWS_ENDPOINT_URL_STS: 'http://127.0.0.1:9' },
      1,
      /ECONNREFUSED[^]*hint: .*AWS_ENDPOINT_URL_/,
    ],
    ['no such table', { POD_IDENTITY_TABLE_NAME: 'none' }, 1, /a call to AWS failed: NotFound: [^]*POD_IDENTITY_/],
    ['a region', { AWS_REGION: undefined, AWS_DEFAULT_REGION: undefined }, 2, /AWS_REGION is not set/],
  ])('requires %s', async (_what, change, code, message) => {
    point({ ...DIRECTLY, ...change });
    const refused = await run(...(code === 2 ? ['plan', ...ADDON] : ['show', '01JD8Z5Q6R7S8T9V0W1X2Y3Z4A']));
    expect(refused.err).toMatch(message);
    expect(refused.code).toBe(code);
    expect(refused.err).not.toMatch(/\n {4}at /);
  });
});

describe('grant-access --deployed', () => {
  const GRANT = ['grant-access', ...ADDON];
  beforeEach(() => point());

  it('is refused for an account other than that of the credentials, and for an unknown cluster', async () => {
    await expectExit(
      run(...GRANT, '--account', '999999999999'),
      2,
      `these credentials belong to account ${TARGET.account}`,
    );
    await expectExit(run('grant-access', '--cluster', 'none'), 2, `Clusters there: ${TARGET.cluster}`);
  });

  it('reports that AWS does not know the caller', async () => {
    point({ ...DIRECTLY, AWS_SECRET_ACCESS_KEY: 'guess' });
    const { code, err } = await run(...GRANT);
    expect(code).toBe(1);
    expect(err).toMatch(/a call to AWS failed: [^]*hint: [^]*get-caller-identity/);
  });
});
