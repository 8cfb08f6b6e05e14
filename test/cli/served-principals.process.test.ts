/** The served sandbox for other programs: two principals, and every AWS service. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ADDON, TARGET } from '../end-to-end/fixture.ts';
import { reasonToSkip, type Result, serve, type Served } from '../end-to-end/served.ts';
import { eventually } from '../eventually.ts';

let served: Served;
beforeAll(async () => {
  served = await serve();
}, 60_000);
afterAll(() => served.stop());

const run = (...argv: string[]): Promise<Result> =>
  served.run(process.execPath, ['bin/pod-identity.ts', ...argv, '--deployed']);

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
const migrate = (...more: string[]): Promise<Result> =>
  run('migrate', '--cluster', TARGET.cluster, '--addon', ADDON, '--approval', 'required', ...more);
const hashIn = ({ out, err }: Result): string => /--plan ([0-9a-f]{64})/.exec(`${out}${err}`)![1]!;

describe('docs/approvals.md, with two principals', () => {
  it('is refused to the requester, and approved by the approver, who may do nothing else', async () => {
    const followed = migrate('--window', '0 * * * *', '--window-minutes', '60', '--window-zone', 'Europe/Berlin');
    const id = await waiting();
    const shown = await run('approve', id);
    expect(shown.code).toBe(2);
    const hash = hashIn(shown);
    expect(await run('approve', id, '--plan', hash)).toMatchObject({
      code: 3,
      err: expect.stringContaining('may not approve') as unknown,
    });
    expect(await run('migrate', '--cluster', TARGET.cluster, '--addon', ADDON, '--profile', 'approver')).toMatchObject({
      code: expect.toSatisfy((code: number) => code > 0) as unknown,
      err: expect.stringContaining('not authorized') as unknown,
    });

    // As a profile, and as the SDK's variable.
    expect(hashIn(await run('approve', id, '--profile', 'approver'))).toBe(hash);
    const approved = await served.run(
      process.execPath,
      ['bin/pod-identity.ts', 'approve', id, '--plan', hash, '--reason', 'CHG-1234', '--deployed', '--json'],
      { AWS_PROFILE: 'approver' },
    );
    expect(approved.code).toBe(0);
    expect(JSON.parse(approved.out)).toMatchObject({
      approval: { by: expect.stringContaining('assumed-role/approver/') as unknown, reason: 'CHG-1234' },
    });
    expect((await followed).code).toBe(0);
    expect((await run('rollback', id)).code).toBe(0);
  }, 120_000);

  it('is rejected by the approver', async () => {
    const followed = migrate();
    const id = await waiting();
    const hash = hashIn(await run('approve', id, '--profile', 'approver'));
    expect(
      await run('reject', id, '--plan', hash, '--reason', 'not before the release', '--profile', 'approver'),
    ).toMatchObject({ code: 0, err: '' });
    expect((await followed).code).toBe(3);
  }, 120_000);
});

const reason = reasonToSkip('aws');
describe.skipIf(reason !== undefined)(`the aws command line${reason === undefined ? '' : ` (${reason})`}`, () => {
  const aws = (...args: string[]): Promise<Result> => served.run('aws', args);

  it('knows both principals', async () => {
    expect((await aws('sts', 'get-caller-identity')).out).toContain('assumed-role/operator/');
    expect((await aws('sts', 'get-caller-identity', '--profile', 'approver')).out).toContain('assumed-role/approver/');
  });

  it.each([
    [['ec2', 'describe-instances'], 'The sandbox does not support ec2:DescribeInstances.'],
    [['lambda', 'list-functions'], 'The sandbox does not support lambda (GET /2015-03-31/functions).'],
    [['cloudwatch', 'list-metrics'], 'The sandbox does not support monitoring:ListMetrics.'],
    [['route53', 'list-hosted-zones'], 'The sandbox does not support route53'],
    [['logs', 'describe-log-groups'], 'The sandbox does not support logs:DescribeLogGroups.'],
    [['s3', 'ls'], "the sandbox's S3 does not support GET /"],
  ])('gets a refusal for what is not simulated: %j', async (args, message) => {
    expect(await aws(...args)).toMatchObject({
      code: expect.toSatisfy((code: number) => code > 0) as unknown,
      err: expect.stringMatching(/NotImplemented/) as unknown,
    });
    const refused = (): number => served.calls().filter(({ status }) => status === 501).length;
    const before = refused();
    expect((await aws(...args)).err).toContain(message);
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
