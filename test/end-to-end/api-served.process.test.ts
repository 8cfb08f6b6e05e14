/**
 * The API on loopback: the command line of principals that may only call the API, in separate processes where commands
 * run at the same time; and the deployed asset.
 */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createApiClient, networkHttp } from '../../cli/api/http.ts';
import { openSandboxBackend } from '../../cli/backend.ts';
import { accepted, planAnswer } from '../../lambdas/api/answers.ts';
import { migrationReport } from '../../lambdas/domain/record/migration.ts';
import { issueAccessKey } from '../../sandbox/authorization/access-keys.ts';
import type { Scenario } from '../../sandbox/scenario/scenario.ts';
import { stubEnvironment } from '../cli/fixtures.ts';
import { eventually } from '../eventually.ts';
import { BODY, ROLES, withPeople } from './api-world.ts';
import { inThisProcess } from './commands.ts';
import { ADDON, BUNDLED, identityOf, scenarioWith, TARGET } from './fixture.ts';
import { byApi, type Result, serveHere, type ServedHere } from './served.ts';

/** Short, so that little of the scaled time is spent on waiting. */
const quick = (scenario: Scenario): void => {
  withPeople(scenario);
  Object.assign(scenario.knobs, {
    addonCreateSeconds: 1,
    addonUpdateSeconds: 1,
    addonDeleteSeconds: 1,
    podReadySeconds: 1,
  });
};
/** An approval expires after a day, which is longer than the test may take. */
const SCALE = 200;
const OF_ADDON = ['--cluster', TARGET.cluster, '--addon', ADDON, '--deployed', '--json'];

describe('the command line over the API', () => {
  let served: ServedHere;
  const people = new Map<keyof typeof ROLES, Record<string, string>>();
  beforeAll(async () => {
    served = await serveHere(scenarioWith(quick), SCALE);
    for (const [who, role] of Object.entries(ROLES)) {
      const {
        accessKeyId,
        secretAccessKey,
        sessionToken = '',
      } = issueAccessKey(served.backend.sandbox.world, role, { sessionName: who });
      people.set(who as keyof typeof ROLES, {
        AWS_ACCESS_KEY_ID: accessKeyId,
        AWS_SECRET_ACCESS_KEY: secretAccessKey,
        AWS_SESSION_TOKEN: sessionToken,
      });
    }
  });
  afterAll(() => served.close());

  const variablesOf = (who: keyof typeof ROLES): Record<string, string> => ({ ...people.get(who), ...byApi(served) });
  const start = (who: keyof typeof ROLES, ...argv: string[]): Promise<Result> =>
    served.run('pod-identity', argv, variablesOf(who));
  /** Runs in this process, whose environment is that of the person meanwhile. */
  const as = async (who: keyof typeof ROLES, ...argv: string[]): Promise<Result> => {
    stubEnvironment({ ...served.variables, ...variablesOf(who) });
    try {
      return await inThisProcess(served, argv);
    } finally {
      vi.unstubAllEnvs();
    }
  };
  /** The migration that waits for a decision now. */
  const waiting = (): Promise<{ id: string; planHash: string }> =>
    eventually(async () => {
      for (const { migrationId: id } of (await served.backend.ledger.listMigrations({}, 10)).migrations) {
        const last = (await served.backend.ledger.getMigration(id))?.approvals.at(-1);
        if (last?.state === 'pending') return { id, planHash: last.planHash };
      }
      throw new Error('Nothing waits for an approval.');
    }, 100);

  it("migrates with another principal's approval, rolls back, and exits with the code for a rejected plan", async () => {
    const migrating = start('deployer', 'migrate', ...OF_ADDON, '--approval', 'required', '--reason', 'IRSA goes');
    const { id, planHash } = await waiting();
    const details = await as('reviewer', 'approve', id, '--deployed');
    const barred = await as('deployer', 'approve', id, '--plan', planHash, '--deployed');
    expect([details.code, details.out]).toEqual([
      2,
      expect.stringContaining(`approve ${id} --plan ${planHash} --deployed`),
    ]);
    expect([barred.code, barred.err]).toEqual([3, expect.stringContaining('may not approve it')]);
    expect(served.backend.sandbox.world.log.mutations()).toEqual([]);

    const approved = await start('reviewer', 'approve', id, '--plan', planHash, '--deployed', '--json');
    expect([approved.code, approved.err]).toEqual([0, '']);
    const migrated = await migrating;
    expect([migrated.code, migrated.err]).toEqual([0, '']);
    expect(migrationReport.parse(JSON.parse(migrated.out))).toMatchObject({
      migrationId: id,
      outcome: 'migrated',
      verified: 'ready',
      approvals: [{ state: 'approved', decidedBy: `arn:aws:sts::${TARGET.account}:assumed-role/reviewer/reviewer` }],
    });
    const cluster = served.backend.sandbox.world.accounts
      .get(TARGET.account)!
      .clusters.get(`${TARGET.region}/${TARGET.cluster}`)!;
    expect(new Set(identityOf(cluster, 'ebs-csi-controller-sa'))).toEqual(new Set(['pod-identity']));

    const listed = await as('reviewer', 'migrations', '--deployed', '--json');
    const late = await as('reviewer', 'cancel', id, '--deployed');
    const shown = await as('visitor', 'show', id, '--deployed');
    expect(JSON.parse(listed.out)).toMatchObject({ migrations: [{ migrationId: id, outcome: 'migrated' }] });
    expect([late.code, late.err]).toEqual([2, expect.stringContaining('it ended migrated')]);
    expect(shown.code).not.toBe(0);
    expect(shown.err).toContain('execute-api:Invoke');

    const back = await as('reviewer', 'rollback', id, '--deployed', '--json');
    expect([back.code, migrationReport.parse(JSON.parse(back.out)).outcome]).toEqual([0, 'rolled-back']);

    const again = start('deployer', 'migrate', ...OF_ADDON, '--approval', 'required');
    const next = await waiting();
    expect(
      (await as('reviewer', 'reject', next.id, '--plan', next.planHash, '--reason', 'not now', '--deployed')).code,
    ).toBe(0);
    const rejected = await again;
    expect([rejected.code, migrationReport.parse(JSON.parse(rejected.out))]).toMatchObject([
      3,
      { outcome: 'blocked', failure: { name: 'ApprovalRejected' } },
    ]);

    const roles: string[] = Object.values(ROLES);
    const used = new Set(
      served.backend.sandbox.world.log.calls
        .filter(({ caller }) => roles.includes(caller))
        .map(({ service }) => service),
    );
    expect([...used].filter((service) => service !== 'sts')).toEqual(['execute-api']);
    expect(served.backend.sandbox.failures).toEqual([]);
  });
});

it('the bundled asset accepts a plan over loopback, and shows it', async () => {
  const backend = await openSandboxBackend(scenarioWith(quick), BUNDLED);
  try {
    const { sandbox } = backend;
    const {
      accessKeyId,
      secretAccessKey,
      sessionToken = '',
    } = issueAccessKey(sandbox.world, ROLES.deployer, { sessionName: 'ann' });
    const api = createApiClient({
      url: sandbox.apiUrl!,
      region: TARGET.region,
      credentials: { accessKeyId, secretAccessKey, sessionToken },
      http: networkHttp,
    });
    const refused = await api.request('POST', '/plans', { body: { ...BODY, dryrun: true } });
    expect(refused).toMatchObject({ status: 400, headers: { 'content-type': 'application/problem+json' } });
    const answered = await api.request('POST', '/plans', { body: BODY, headers: { 'idempotency-key': 'one' } });
    expect(answered).toMatchObject({ status: 202 });
    const { migrationId } = accepted.parse(JSON.parse(answered.body));
    const plan = await eventually(async () => {
      const found = planAnswer.parse(JSON.parse((await api.request('GET', `/plans/${migrationId}`)).body));
      expect(found.status).toBe('ended');
      return found;
    }, 100);
    expect(plan).toMatchObject({
      outcome: 'planned',
      requestedBy: `arn:aws:sts::${TARGET.account}:assumed-role/deployer/ann`,
      plan: { verdict: 'migrate' },
    });
    expect((await api.request('POST', '/plans', { body: BODY, headers: { 'idempotency-key': 'one' } })).body).toContain(
      migrationId,
    );
    expect([sandbox.failures, sandbox.world.log.mutations()]).toEqual([[], []]);
  } finally {
    await backend.close();
  }
});
