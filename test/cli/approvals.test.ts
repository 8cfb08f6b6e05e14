/** Approvals and change windows in the embedded sandbox, and the list of migrations. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { main } from '../../cli/program.ts';
import { migrationReport } from '../../lambdas/domain/record/migration.ts';
import { words, collectingIo } from './fixtures.ts';
import { keptWorld } from './kept-world.ts';
import { expectExit } from '../lambdas/matchers.ts';
import { runWith } from './run-program.ts';

const ADDON = words`--cluster reliability-dev --addon aws-ebs-csi-driver --sandbox sandbox/scenarios/ebs-csi-irsa.json`;
/** One hour tests the same as 24, and takes less of the machine's time. */
const APPROVAL = ['migrate', ...ADDON, '--approval', 'required', '--approval-hours', '1'];

const run = (argv: readonly string[], ask?: (question: string) => Promise<string | undefined>) =>
  runWith(ask ? { ask } : {}, ...argv);

describe('a migration that needs an approval, in the embedded sandbox', () => {
  it('shows how it would be approved, and ends when the approval expires', async () => {
    const { code, out, err } = await run([...APPROVAL, '--approval-hours', '2']);
    expect(code).toBe(3);
    expect(err).toMatch(
      /ends when the approval expires, at 2026-01-15T11:00[^]*approve \S+ --plan [\da-f]{64} --deployed\n[^]*--approve-as NAME/,
    );
    expect(out).toMatch(/^✖ blocked [^]*ApprovalExpired[^]*\nApproval\n {2}plan \S+ expired at 2026-01-15T11:00/);
  });

  it('is approved as the principal that --approve-as names', async () => {
    const { code, out } = await run([...APPROVAL, '--approve-as', 'the-boss', '--json']);
    const report = migrationReport.parse(JSON.parse(out));
    expect([code, report.outcome]).toEqual([0, 'migrated']);
    expect(report.approvals).toMatchObject([
      { round: 1, state: 'approved', decidedBy: 'the-boss', planHash: report.plan?.hash },
    ]);
  });

  it('is not approved as its requester', async () =>
    expectExit(
      run([...APPROVAL, '--approve-as', 'command-line']),
      3,
      /the requester of a migration may not approve it[^]*Another principal must approve/,
    ));

  it.each([
    ['y', 0, 'approved'],
    ['Yes ', 0, 'approved'],
    ['', 3, 'rejected'],
    ['n', 3, 'rejected'],
    [undefined, 3, 'expired'],
  ] as const)('prompts the user: %j leads to exit code %i, %s', async (answer, code, state) => {
    const questions: string[] = [];
    const asked = await run([...APPROVAL, '--json'], (question) => {
      questions.push(question);
      return Promise.resolve(answer);
    });
    expect(asked.code).toBe(code);
    expect(questions).toEqual(['Approve this plan? [y/N] ']);
    expect(migrationReport.parse(JSON.parse(asked.out)).approvals).toMatchObject([{ state }]);
  });

  it('shows a short form of the plan before it prompts', async () => {
    let before = '';
    const io = collectingIo();
    const ask = (): Promise<string> => {
      before = io.err();
      return Promise.resolve('n');
    };
    await main(APPROVAL, { ...io, ask });
    expect(before).toMatch(
      /✔ Run the checks[^]*\nPlan [\da-f]{64}\n {2}in place: pods roll[^]*\n {2}- delete the conflicting associations \(a-\w+\), and immediately\s+update aws-ebs-csi-driver\s+in\s+place[^]*\n {2}\+ association kube-system\/ebs-csi-controller-sa →[^]*\n {2}! associations: Conflicting association/,
    );
    expect(before).not.toContain('Request an approval');
  });
});

describe('a migration with a change window', () => {
  const window = ['--window', '20 10 * * THU', '--window-minutes', '120', '--window-zone', 'Europe/Berlin'];

  it('begins in the window, and shows what it waits for', async () => {
    const { code, out, err } = await run(['migrate', ...ADDON, ...window, '--json']);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    const { steps } = migrationReport.parse(JSON.parse(out));
    const begin = steps.find(({ name }) => name === 'begin')?.startedAt ?? '';
    expect(begin > '2026-01-15T09:20:00' && begin < '2026-01-15T11:20:00').toBe(true);
    expect((await run(['migrate', ...ADDON, ...window])).err).toContain(
      "Waiting for the change window '20 10 * * THU' for 120 minutes (Europe/Berlin), which opens at 2026-01-15T09:20:00.000Z.",
    );
  });

  it('ends blocked if the window is too far away', async () => {
    const { code, out } = await run(
      words`migrate ${ADDON} ${window} --window ${'0 13 * * THU'} --window-wait-hours 2 --json`,
    );
    expect(code).toBe(3);
    expect(JSON.parse(out)).toMatchObject({ outcome: 'blocked', failure: { name: 'WindowOutOfReach' } });
  });
});

describe('a kept sandbox', () => {
  const world = keptWorld();

  it('keeps the approver, and lists its migrations, newest first', async () => {
    const one = await world.reportOf(...APPROVAL, '--approve-as', 'the-boss');
    expect(JSON.parse(readFileSync(world.state(), 'utf8'))).toMatchObject({
      commands: [
        {
          what: 'migrate',
          outcome: 'migrated',
          decisions: [{ round: 1, decision: 'approve', by: 'the-boss', planHash: one.plan?.hash }],
        },
      ],
    });
    // Replayed.
    expect(await world.reportOf('show', one.migrationId)).toEqual(one);
    const other = await world.reportOf('plan', ...ADDON);
    expect(other.outcome).toBe('already-migrated');

    const listed = await world.run('migrations', '--json', '--with-dry-runs');
    expect(listed.code).toBe(0);
    expect(JSON.parse(listed.out)).toMatchObject({
      more: false,
      migrations: [
        { migrationId: other.migrationId, outcome: 'already-migrated', dryRun: true },
        { migrationId: one.migrationId, outcome: 'migrated', requestedBy: 'command-line' },
      ],
    });
    for (const flags of [
      [],
      ['--requested-by', 'command-line'],
      ['--status', 'ended', '--addon', 'aws-ebs-csi-driver'],
    ])
      expect(JSON.parse((await world.run('migrations', '--json', ...flags)).out)).toMatchObject({
        migrations: [{ migrationId: one.migrationId, dryRun: false }],
      });
    for (const flags of [
      ['--status', 'running'],
      ['--addon', 'vpc-cni'],
      ['--requested-by', 'ada'],
    ])
      expect(JSON.parse((await world.run('migrations', '--json', ...flags)).out)).toMatchObject({ migrations: [] });
    const late = await world.run('approve', one.migrationId, '--plan', one.plan?.hash ?? '');
    await expectExit(late, 2, /it was already approved by the-boss/);
    await expectExit(world.run('reject', other.migrationId), 2, 'is not waiting for an approval');
  });

  it('lists the selected dry runs, newest first', async () => {
    // Plans are replayed faster than migrations.
    const one = await world.reportOf('plan', ...ADDON);
    const other = await world.reportOf('plan', '--cluster', 'reliability-dev', '--addon', 'aws-efs-csi-driver');
    expect([one.outcome, other.outcome]).toEqual(['planned', 'blocked']);
    const ids = async (...flags: string[]): Promise<string[]> =>
      (
        JSON.parse((await world.run('migrations', '--json', '--dry-run', ...flags)).out) as {
          migrations: { migrationId: string }[];
        }
      ).migrations.map(({ migrationId }) => migrationId);
    expect(await ids('--outcome', 'planned')).toEqual([one.migrationId]);
    expect([await ids('--limit', '1'), await ids('--since', '2027-01-01')]).toEqual([[other.migrationId], []]);
    expect(await ids('--until', '2026-01-15')).toEqual([]);
    expect(await ids('--cluster', 'reliability-dev', '--since', '2026-01-15T00:00:00Z')).toEqual([
      other.migrationId,
      one.migrationId,
    ]);
    expect((await world.run('migrations', '--dry-run', '--limit', '1')).out).toMatch(
      /^MIGRATION +STARTED +OUTCOME +SUBJECT +CLUSTER +REQUESTED BY \(STATED\)\n\S+ +2026-01-15T09:\d\d:\d\dZ {2}blocked \(plan\) {2}aws-efs-csi-driver {2}reliability-dev \(111122223333, eu-west-1\) {2}command-line\n\nOnly the newest 1 are shown: [^\n]*--limit \(1\)\.\n$/,
    );
    expect((await world.run('migrations')).out).toBe('No migrations found. To list dry runs: --dry-run\n');
    expect((await world.run('migrations', '--dry-run', '--cluster', 'other')).out).toBe('No dry runs found.\n');
  });
});

describe('flags', () => {
  const refused = async (...argv: string[]): Promise<string> => {
    const { code, err } = await run(argv);
    expect(code).toBe(2);
    return err;
  };

  it.each([
    [['--dry-run', '--with-dry-runs'], /--with-dry-runs .*cannot be combined with --dry-run, which/],
    [['--outcome', 'planned'], /--outcome "planned" planned is an outcome of dry runs only, .*: add --dry-run/],
    [['--status', 'paused'], /--status "paused" must be running, rolling-back or ended/],
    [['--since', '2026-01-02', '--until', '2026-01-01'], /--until "2026-01-01" must be later than since/],
    [['--requested-by', ''], /--requested-by .*must not be empty/],
    [['--addon', 'No'], /--addon "No" must be an EKS add-on name/],
  ])('of a list are refused: %j', async (flags, message) =>
    expect(await refused('migrations', '--deployed', ...flags)).toMatch(message),
  );

  it.each([
    [
      ['--window', '0 22 * * SUN'],
      /--window-minutes is missing: --window, --window-minutes, --window-zone must be used together\n *--window-zone is missing/,
    ],
    [['--window-wait-hours', '3'], /--window-wait-hours "3" needs a change window/],
    [
      ['--window', '61 22 * * SUN', '--window-minutes', '60', '--window-zone', 'UTC'],
      /--window "61 22 \* \* SUN" must be a cron schedule of five fields .*: the field minute is not valid/,
    ],
    [
      ['--window', '0 22 * * SUN', '--window-minutes', '5', '--window-zone', 'Mars/Olympus'],
      /--window-minutes "5" must be a whole number of minutes from 15 to 10080\n *--window-zone "Mars\/Olympus" must be the name of a time zone/,
    ],
    [
      ['--window', '0 22 * * SUN', '--window-minutes', '1e2', '--window-zone', 'UTC', '--window-wait-hours', '337'],
      /--window-minutes "1e2" must be a whole number[^]*--window-wait-hours "337" must be a whole number of hours from 1 to 336/,
    ],
    [['--approval', 'yes'], /--approval "yes" must be none or required/],
    [['--approval-hours', '169'], /--approval-hours "169" must be a whole number of hours from 1 to 168/],
    [['--approve-as', ''], /--approve-as "" must not be empty/],
  ])('%j are refused', async (flags, message) => {
    expect(await refused('migrate', ...ADDON, ...flags)).toMatch(message);
    expect(
      await refused(...words`migrate-workload --cluster c --namespace n --service-account s --sandbox a.json ${flags}`),
    ).toMatch(message);
    expect(await refused('plan', ...ADDON, ...flags)).toMatch(/unknown option/);
  });

  it('of the sandbox are refused with a deployed service', async () =>
    expect(await refused('migrate', '--cluster', 'c', '--addon', 'a', '--deployed', '--approve-as', 'me')).toMatch(
      /--approve-as "me" works only in the embedded sandbox/,
    ));

  it.each([
    [['approve', 'x', '--deployed'], /the migration id "x" must be a ULID/],
    [
      ['approve', '01JD8Z5Q6R7S8T9V0W1X2Y3Z4A', '--plan', 'abc', '--deployed'],
      /--plan "abc" must be the hash of the plan, 64 hexadecimal digits/,
    ],
    [['migrations', '--sandbox', 'a.json'], /starts afresh with every command, so earlier migrations are not in it/],
    [['migrations'], /it is not clear where earlier migrations are/],
    [
      ['migrations', '--deployed', '--since', 'yesterday', '--limit', '0', '--outcome', 'fine'],
      /--outcome "fine" must be[^]*--since "yesterday" must be a time in ISO 8601[^]*--limit "0" must be a whole number from 1 to 1000/,
    ],
  ])('%j are refused too', async (argv, message) => expect(await refused(...argv)).toMatch(message));
});
