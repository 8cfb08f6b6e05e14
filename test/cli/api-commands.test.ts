/**
 * Commands with --deployed if the environment names the API: everything goes through it, and nothing else is
 * called.
 */
import { describe, expect, it, vi } from 'vitest';
import { apiUrlIn } from '../../cli/service-environment.ts';
import { identitiesAnswer } from '../../lambdas/api/answers.ts';
import type { Retirement } from '../../lambdas/domain/record/retirement.ts';
import type { PlainHttpResponse } from '../../lambdas/adapters/clients.ts';
import {
  accepted,
  anAnswer,
  API_URL,
  aRunning,
  CREDENTIALS,
  HASH,
  ID,
  json,
  pending,
  problemAnswer,
} from './api-fixtures.ts';
import { words, aCheck, aHandOff, aReport, errorOf, TARGET } from './fixtures.ts';
import { containing, expectExit, printing } from '../lambdas/matchers.ts';
import { deployedApi, runDeployed } from './deployed-api.ts';

const ADDON = ['--cluster', TARGET.cluster, '--addon', 'aws-ebs-csi-driver', '--account', TARGET.account];

const api = deployedApi();
const run = runDeployed;

describe('a deployed service with an API', () => {
  it('migrates through it, with the same document and exit code as without', async () => {
    api.replies = [json(accepted, 202), json(anAnswer())];
    const { code, out, err } = await run('migrate', ...ADDON, '--approval', 'required', '--json');
    expect([{ code, err }, JSON.parse(out)]).toEqual([{ code: 0, err: '' }, aReport()]);
    expect(api.asked).toEqual(['POST /migrations', `GET /migrations/${ID}`]);

    api.replies = [json(accepted, 202), json(anAnswer({ outcome: 'rolled-back' }))];
    expect(
      (
        await run(
          ...words`migrate-workload --cluster demo --namespace payments --service-account api --account
            ${TARGET.account}`,
        )
      ).code,
    ).toBe(4);
  });

  it('plans through it, and shows the command that carries out the plan', async () => {
    api.replies = [json(accepted, 202), json(anAnswer({ outcome: 'planned', dryRun: true }))];
    const { code, out } = await run('plan', ...ADDON);
    expect(code).toBe(0);
    expect(out).toMatch(
      /^✔ planned [^]*migrate --cluster demo --addon aws-ebs-csi-driver --account 111122223333 --deployed\n$/,
    );
    expect(api.asked[0]).toBe('POST /plans');
  });

  it('shows how to approve while it waits', async () => {
    api.replies = [
      json(accepted, 202),
      json(
        aRunning({
          approvals: [pending],
          steps: [{ name: 'request-approval', startedAt: pending.requestedAt, endedAt: pending.requestedAt, tries: 1 }],
        }),
        200,
      ),
      json(
        anAnswer({
          approvals: [{ ...pending, state: 'approved', decidedBy: 'you', decidedAt: '2026-01-15T09:30:00.000Z' }],
        }),
      ),
    ];
    const { code, out, err } = await run('migrate', ...ADDON);
    expect(code).toBe(0);
    expect(err).toContain(`approve ${ID} --plan ${HASH} --deployed\n`);
    expect(out).toMatch(/\nApproval\n {2}plan f{12}… approved by you at 2026-01-15T09:30:00\.000Z\n/);
  });

  it('shows a plan before it is approved, and approves the plan with that hash', async () => {
    api.replies = [json(aRunning({ approvals: [pending] }))];
    const looked = await run('approve', ID);
    expect(looked.code).toBe(2);
    expect(looked.out).toMatch(
      new RegExp(
        `waits for an approval of its plan until 2026-01-16T09:00:01[^]*\\nPlan ${HASH}\\n\\nNothing was decided\\. [^]*approve ${ID} --plan ${HASH} --deployed\\n[^]*reject ${ID} --plan ${HASH} --deployed\\n$`,
      ),
    );
    expect(api.asked).toEqual([`GET /migrations/${ID}`]);

    const approval = {
      ...pending,
      state: 'approved',
      decidedBy: 'you',
      decidedAt: '2026-01-15T09:30:00.000Z',
      reason: 'looks good',
    } as const;
    api.replies = [
      json({ action: 'approval', migrationId: ID, status: 'running', first: true, approval, links: { self: '/x' } }),
    ];
    const approved = await run('approve', ID, '--plan', HASH, '--reason', 'looks good', '--json');
    expect([approved.code, JSON.parse(approved.out)]).toEqual([0, { migrationId: ID, approval }]);
    expect(api.asked.at(-1)).toBe(`POST /migrations/${ID}/approval`);
    api.replies = [problemAnswer('not-allowed-to-approve', 'It is the same role.')];
    await expectExit(run('approve', ID, '--plan', HASH), 3, 'It is the same role.');
  });

  it('prints hand-offs through it, also while the plan waits for a decision', async () => {
    const [handOff, planned] = [aHandOff({ state: 'migrated' }), aHandOff()];
    api.replies = [json(anAnswer({ handOff }))];
    expect(JSON.parse((await run('hand-off', ID, '--json')).out)).toEqual(handOff);
    api.replies = [json(aRunning({ handOff: planned, approvals: [pending] }))];
    expect(JSON.parse((await run('hand-off', ID, '--json')).out)).toEqual(planned);
    api.replies = [json(aRunning())];
    await expectExit(run('hand-off', ID), 2, /it has no plan yet, or is being rolled back\n.* show .* --deployed\n$/);
    expect(new Set(api.asked)).toEqual(new Set([`GET /migrations/${ID}`]));
  });

  it('shows, cancels, rolls back and lists through it', async () => {
    api.replies = [json(anAnswer())];
    expect(JSON.parse((await run('show', ID, '--json')).out)).toEqual(aReport());
    api.replies = [json(aRunning({ approvals: [pending] }))];
    expect((await run('show', ID)).out).toMatch(
      new RegExp(`Its plan waits for a decision until [^]*approve\\s+${ID}\\s+--deployed`),
    );
    api.replies = [problemAnswer('no-cancel', 'It is over.')];
    expect(await run('cancel', ID)).toMatchObject({
      code: 2,
      err: `error: The migration cannot be cancelled: It is over.\nhint:  To show its report: npm run --silent pod-identity -- show ${ID} --deployed\n`,
    });
    api.replies = [json(anAnswer()), problemAnswer('no-rollback', 'It changed nothing.')];
    expect((await run('rollback', ID)).code).toBe(2);
    api.replies = [
      json({
        migrations: [
          {
            migrationId: ID,
            target: TARGET,
            serviceAccount: { namespace: 'payments', name: 'api' },
            status: 'running',
            dryRun: false,
            requestedBy: 'arn:aws:sts::111122223333:assumed-role/a-very-long-role-name/operator',
            startedAt: '2026-01-15T09:00:00.000Z',
            links: { self: '/x' },
          },
        ],
      }),
    ];
    expect((await run('migrations', '--outcome', 'migrated')).out).toMatch(
      /\n\S+ {2}2026-01-15T09:00:00Z {2}running +payments\/api +demo \(111122223333, eu-west-1\) {2}…[^\n]{39}\n$/,
    );
  });

  it('reads identities through it, page by page', async () => {
    const page = (names: string[], next?: string) =>
      json(
        identitiesAnswer.parse({
          target: TARGET,
          takenAt: '2026-01-15T09:00:00.000Z',
          cluster: { version: '1.31', autoMode: false },
          agent: { id: 'agent', status: 'pass', message: 'It is ready.' },
          workloads: names.map((name) => ({
            namespace: name === 'web' ? 'shop' : 'kube-system',
            kind: 'Deployment',
            name,
            serviceAccount: name,
            identity: 'irsa',
            roles: [],
            youngest: '2026-01-01T00:00:00.000Z',
            pods: { total: 2, ready: 2, by: { irsa: 2 } },
            since: '2026-01-01T00:00:00.000Z',
            example: { pod: 'p', evidence: 'AWS_ROLE_ARN' },
            obstacles: [],
          })),
          totals: { workloads: 3 },
          unread: [{ what: 'the nodes', why: 'no' }],
          ...(next === undefined ? {} : { next }),
        }),
      );
    api.replies = [page(['a', 'b'], 'more'), page(['web'])];
    const whole = await run('identities', '--cluster', 'demo', '--account', TARGET.account, '--json');
    expect(whole.code).toBe(3);
    expect(JSON.parse(whole.out)).toMatchObject({
      totals: { workloads: 3, pods: 6, byWorkloads: { irsa: 3 }, byPods: { irsa: 6 } },
      unread: [{ what: 'the nodes' }],
    });
    expect(api.asked).toEqual([
      'GET /clusters/demo/identities?account=111122223333&region=eu-west-1&limit=100',
      'GET /clusters/demo/identities?account=111122223333&region=eu-west-1&limit=100&next=more',
    ]);
    api.replies = [page(['a', 'b'], 'more'), page(['web'])];
    expect(
      JSON.parse(
        (await run('identities', '--cluster', 'demo', '--account', TARGET.account, '--namespace', 'shop', '--json'))
          .out,
      ),
    ).toMatchObject({ namespace: 'shop', totals: { workloads: 1, pods: 2 } });
    await expectExit(
      run('identities', '--cluster', 'demo', '--account', TARGET.account, '--roles'),
      2,
      '--roles reads all roles',
    );
  });

  it('is called only through it: commands without a route report what they need', async () => {
    await expectExit(
      run('release', ID),
      1,
      /stack PodIdentityMigrator cannot be read in eu-west-1: [^]*ECONNREFUSED[^]*POD_IDENTITY_TABLE_NAME: output TableName/,
    );
    expect(api.asked).toEqual([]);
  });

  it('retires through it, and shows the command that applies a dry run, or restores', async () => {
    const retirement: Retirement = {
      id: 'r',
      state: 'ended',
      action: 'retire',
      dryRun: true,
      soakDays: 3,
      startedAt: pending.requestedAt,
      done: false,
      checks: [],
      roles: [{ roleArn: 'arn:role', result: 'would-remove', before: '{}', after: '{"a":1}' }],
    };
    const answers = (one: Retirement): Partial<PlainHttpResponse>[] => [
      json(anAnswer()),
      json(
        { action: 'retire', migrationId: ID, status: 'ended', first: true, retirement: one, links: { self: '/x' } },
        202,
      ),
      json(anAnswer({ retirement: one })),
    ];
    api.replies = answers(retirement);
    const planned = await run('retire', ID, '--soak-days', '3', '--accept', 'consumer:SecretStore/shop/aws');
    expect(planned.code).toBe(0);
    expect(planned.out).toMatch(
      new RegExp(
        `^✔ dry run [^]*To apply it:\n  .* retire ${ID} --soak-days 3 --accept consumer:SecretStore/shop/aws --apply --deployed\n$`,
      ),
    );
    expect(api.asked).toEqual([`GET /migrations/${ID}`, `POST /migrations/${ID}/retire`, `GET /migrations/${ID}`]);

    const [role] = retirement.roles!;
    const done: Retirement = { ...retirement, dryRun: false, done: true, roles: [{ ...role!, result: 'removed' }] };
    api.replies = answers(done);
    const retired = await run('retire', ID, '--apply');
    expect(retired).toMatchObject(printing(0, `retire ${ID} --undo --apply`));
    api.replies = answers({ ...done, action: 'reinstate', roles: [{ ...role!, result: 'restored' }] });
    expect((await run('retire', ID, '--undo', '--apply')).out).toMatch(/^↩ restored/);

    const consumers = aCheck({ id: 'retire-consumers', status: 'fail', remedy: '--accept consumer:ClusterIssuer/aws' });
    const refused: Retirement['roles'] = [{ roleArn: 'arn:role', result: 'refused', why: 'something needs it' }];
    api.replies = answers({ ...retirement, checks: [consumers], roles: refused });
    expect(await run('retire', ID, '--soak-days', '3', '--accept', 'consumer:SecretStore/shop/aws')).toMatchObject(
      printing(
        3,
        new RegExp(
          `If you accept what these checks name, check again:\n  .* retire ${ID} --soak-days 3 --accept consumer:SecretStore/shop/aws --accept consumer:ClusterIssuer/aws --deployed\n$`,
        ),
      ),
    );

    api.replies = answers({ ...retirement, state: 'refused', error: { name: 'RetireRefused', message: 'too early' } });
    await expectExit(run('retire', ID, '--apply'), 3, 'too early');
    api.replies = [json(anAnswer({ retirement: done }))];
    expect((await run('show', ID)).out).toMatch(
      /\nOIDC trust\n {2}retirement requested at [^]*Removed from arn:role\./,
    );
    expect(JSON.parse((await run('show', ID, '--json')).out)).toMatchObject({ retirement: done });
  });

  it('is no longer followed if it is unreachable: the migration continues', async () => {
    api.replies = [json(accepted, 202), json({ message: 'Forbidden' }, 403)];
    const { code, err } = await run('migrate', ...ADDON);
    expect(code).toBe(1);
    expect(err).toMatch(
      new RegExp(
        `error: migration ${ID} continues in the service: the API answered GET \\S+ with 403: Forbidden\\nhint: .*execute-api:Invoke[^]*show ${ID} --deployed`,
      ),
    );
  });

  it('requires credentials', async () => {
    for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN']) vi.stubEnv(name, undefined);
    for (const [name, value] of Object.entries({
      AWS_CONFIG_FILE: '/nonexistent',
      AWS_SHARED_CREDENTIALS_FILE: '/nonexistent',
      AWS_EC2_METADATA_DISABLED: 'true',
    }))
      vi.stubEnv(name, value);
    await expectExit(run('show', ID), 1, /CredentialsProviderError[^]*No AWS credentials/);
    expect(api.asked).toEqual([]);
  });

  it('never prints what signs its requests', async () => {
    api.replies = [json({ message: `You sent ${CREDENTIALS.sessionToken}` }, 400)];
    for (const flags of [[], ['--json'], ['--debug']]) {
      const { out, err } = await run('show', ID, ...flags);
      expect(out + err).toContain('[secret]');
      for (const secret of [CREDENTIALS.sessionToken, CREDENTIALS.secretAccessKey])
        expect(out + err).not.toContain(secret);
    }
  });
});

describe("the API's address", () => {
  it.each([
    ['http://api.example.com/v1'],
    ['ftp://127.0.0.1/v1'],
    ['api.example.com'],
    ['https://user:secret@api.example.com/v1'],
    ['https://api.example.com/v1?a=b'],
  ])('%s is refused', (url) =>
    expect(errorOf(() => apiUrlIn({ POD_IDENTITY_API_URL: url }))).toMatchObject({
      name: 'NotConfigured',
      exitCode: 2,
      message: expect.not.stringContaining('secret') as unknown,
      hint: containing('ApiUrl'),
    }),
  );

  it('is a stage over https, or on this machine', () => {
    expect(apiUrlIn({ POD_IDENTITY_API_URL: `${API_URL}/` })).toBe(API_URL);
    expect(apiUrlIn({ POD_IDENTITY_API_URL: 'http://127.0.0.1:8080/v1' })).toBe('http://127.0.0.1:8080/v1');
    expect(apiUrlIn({ POD_IDENTITY_API_URL: '' })).toBeUndefined();
    expect(apiUrlIn({})).toBeUndefined();
  });
});
