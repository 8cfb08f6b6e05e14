/** The served sandbox for other programs: two principals, and every AWS service. */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { ADDON, TARGET } from '../end-to-end/fixture.ts';
import { reasonToSkip, type Result, serve, type Served } from '../end-to-end/served.ts';
import { eventually } from '../eventually.ts';
import { useWarmAws } from '../warm-aws/index.ts';
import { stubEnvironment } from './fixtures.ts';
import { runProgram } from './run-program.ts';
import { containing } from '../lambdas/matchers.ts';

const reason = reasonToSkip('aws');
if (reason === undefined) useWarmAws();

let served: Served;
beforeAll(async () => {
  // Slow enough that an approval of 24 hours does not expire while the commands load.
  served = await serve(['--clock', 'scaled=50']);
}, 60_000);
afterAll(() => served.stop());

const APPROVER = ['--profile', 'approver'];

describe.each<[string, Record<string, string>]>([
  ['through the API', {}],
  ['by direct calls', { POD_IDENTITY_API_URL: '' }],
])('docs/approvals.md, with two principals, %s', (_, how) => {
  beforeAll(() => stubEnvironment({ ...served.environment, ...how }));
  afterAll(() => vi.unstubAllEnvs());

  const run = (...argv: string[]): Promise<Result> => runProgram(...argv, '--deployed');
  const migrate = (...more: string[]): Promise<Result> =>
    run('migrate', '--cluster', TARGET.cluster, '--addon', ADDON, ...more);
  const hashIn = ({ out, err }: Result): string => /--plan ([0-9a-f]{64})/.exec(`${out}${err}`)![1]!;

  /** Returns the id of the migration that waits for an approval. */
  const waiting = async (): Promise<string> => {
    let id = '';
    await eventually(async () => {
      const { out } = await run('migrations', '--status', 'running', '--json');
      const { migrations } = JSON.parse(out) as { migrations: { migrationId: string }[] };
      expect(migrations).toHaveLength(1);
      id = migrations[0]!.migrationId;
      expect((await run('show', id)).out).toMatch(/approval/);
    });
    return id;
  };

  it('is refused to the requester, and approved by the approver, who may do nothing else', async () => {
    const window = ['--window', '0 * * * *', '--window-minutes', '60', '--window-zone', 'Europe/Berlin'];
    const followed = migrate('--approval', 'required', ...window);
    const id = await waiting();
    const shown = await run('approve', id);
    expect(shown.code).toBe(2);
    const hash = hashIn(shown);
    expect(await run('approve', id, '--plan', hash)).toMatchObject({ code: 3, err: containing('may not approve') });
    expect(await migrate(...APPROVER)).toMatchObject({
      code: expect.toSatisfy((code: number) => code > 0) as unknown,
      err: containing('not authorized'),
    });

    // As a profile, and as the SDK's variable.
    expect(hashIn(await run('approve', id, ...APPROVER))).toBe(hash);
    const approved = await served.run(
      process.execPath,
      ['bin/pod-identity.ts', 'approve', id, '--plan', hash, '--reason', 'CHG-1234', '--deployed', '--json'],
      { ...how, AWS_PROFILE: 'approver' },
    );
    expect(approved).toMatchObject({ code: 0 });
    const { approval } = JSON.parse(approved.out) as { approval: Record<string, string> };
    expect(approval).toMatchObject({ decidedBy: containing('assumed-role/approver/'), reason: 'CHG-1234' });
    // In the world's time, which is not this machine's.
    expect(approval['decidedAt']! >= approval['requestedAt']!).toBe(true);
    expect([approval['decidedAt']! < approval['expiresAt']!, (await followed).code]).toEqual([true, 0]);
    expect((await run('rollback', id)).code).toBe(0);
  }, 240_000);

  it('is rejected by the approver', async () => {
    const followed = migrate('--approval', 'required');
    const id = await waiting();
    const hash = hashIn(await run('approve', id, ...APPROVER));
    expect(await run('reject', id, '--plan', hash, '--reason', 'not before the release', ...APPROVER)).toMatchObject({
      code: 0,
      err: '',
    });
    expect((await followed).code).toBe(3);
  }, 240_000);
});

describe.skipIf(reason !== undefined)(`the aws command line${reason === undefined ? '' : ` (${reason})`}`, () => {
  const aws = (...args: string[]): Promise<Result> => served.run('aws', args);

  it('knows both principals', async () => {
    expect((await aws('sts', 'get-caller-identity')).out).toContain('assumed-role/operator/');
    expect((await aws('sts', 'get-caller-identity', '--profile', 'approver')).out).toContain('assumed-role/approver/');
  });

  it.each([
    [['rds', 'describe-db-instances'], 'The sandbox does not support rds:DescribeDBInstances.'],
    [['ec2', 'describe-instances'], "The sandbox's EC2 does not support the operation DescribeInstances."],
    [['lambda', 'list-functions'], 'The sandbox does not support lambda (GET /2015-03-31/functions).'],
    [['cloudwatch', 'list-metrics'], 'The sandbox does not support monitoring:ListMetrics.'],
    [['route53', 'list-hosted-zones'], 'The sandbox does not support route53'],
    [['logs', 'describe-log-groups'], 'The sandbox does not support logs:DescribeLogGroups.'],
    [['s3', 'ls'], "the sandbox's S3 does not support GET /"],
  ])('gets a refusal for what is not simulated: %j', async (args, message) => {
    const refused = (): number => served.calls().filter(({ status }) => status === 501).length;
    const before = refused();
    const { code, err } = await aws(...args);
    expect(code).toBeGreaterThan(0);
    expect(err).toMatch(/NotImplemented/);
    expect(err).toContain(message);
    // It is not sent again.
    expect(refused()).toBe(before + 1);
  });

  it('finds the stack, and none of another name', async () => {
    expect(
      (
        await aws(
          'cloudformation',
          'describe-stacks',
          '--stack-name',
          'PodIdentityMigrator',
          '--query',
          'Stacks[0].StackStatus',
        )
      ).out,
    ).toBe('"CREATE_COMPLETE"\n');
    expect((await aws('cloudformation', 'describe-stacks', '--stack-name', 'Nope')).err).toContain(
      'Stack with id Nope does not exist',
    );
  });
});
