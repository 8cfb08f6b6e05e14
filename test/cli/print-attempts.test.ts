import { describe, expect, it } from 'vitest';
import { cancelledLines, recoveryText, releasedLines, runningLines } from '../../cli/print/known.ts';
import { PLAIN } from '../../cli/text/style.ts';
import { summary } from '../../cli/print/summary.ts';
import { disruptionText, strategyText, attemptName } from '../../cli/print/attempts.ts';
import type { Running } from '../../cli/service/show.ts';
import type { Attempt } from '../../lambdas/domain/record/plan.ts';
import { aCheck, aPlan, aReport, ROLE, TARGET } from './fixtures.ts';

const IN_PLACE: Attempt = {
  strategy: 'in-place',
  preserve: false,
  disruption: 'rolling',
  resolveConflicts: 'PRESERVE',
};
const PRESERVE: Attempt = { strategy: 'recreate', preserve: true, disruption: 'rolling', resolveConflicts: 'NONE' };
const RECREATE: Attempt = { strategy: 'recreate', preserve: false, disruption: 'outage', resolveConflicts: 'NONE' };

const planned = (plan: Parameters<typeof aPlan>[0]): string =>
  summary(aReport({ outcome: 'planned', strategy: 'auto', plan: aPlan({ strategy: 'auto', ...plan }) }), PLAIN).join(
    '\n',
  );

describe('a plan with several attempts', () => {
  it('shows each attempt, its disruption, and when the later ones are made', () => {
    const lines = planned({ attempts: [IN_PLACE, PRESERVE, RECREATE] });
    expect(lines).toMatch(
      /Attempts {2}strategy auto\n {3}1\. in place: pods roll, capacity stays \(resolveConflicts PRESERVE\)\n {3}2\. recreate with preserve: pods roll.*\n {6}only if: the pods still do not get the new identity/,
    );
    expect(lines).toMatch(/ 3\. recreate: outage until .* \(resolveConflicts NONE\)\n {6}only if: /);
    expect(lines).toContain('\nSteps  in place\n');
  });

  it('shows no conditions for a single attempt', () => {
    const lines = planned({ attempts: [RECREATE] });
    expect(lines).toContain('\nAttempt  strategy auto\n   1. recreate: outage');
    expect(lines).not.toContain('only if');
  });

  it('shows what is carried over to the new associations', () => {
    const from = { namespace: 'kube-system', serviceAccount: 'ebs-csi-controller-sa', from: 'a-1' };
    const lines = planned({
      carryOver: [{ ...from, targetRoleArn: ROLE, disableSessionTags: true, policy: '{}', tags: { team: 'storage' } }],
    }).replaceAll(/\n +/g, ' ');
    expect(lines).toContain(
      `carried over from a-1 to kube-system/ebs-csi-controller-sa: targetRoleArn ${ROLE}; disableSessionTags true; its session policy; tags team=storage`,
    );
    expect(planned({ carryOver: [{ ...from, tags: {} }] })).not.toContain('carried over');
  });
});

describe('a summary', () => {
  const text = (change: Parameters<typeof aReport>[0]): string => summary(aReport(change), PLAIN).join('\n');

  it('shows the strategy that was used if the request left it open', () => {
    expect(text({ strategy: 'auto', applied: PRESERVE })).toContain('strategy auto, done by recreate with preserve · ');
    expect(strategyText({ strategy: 'auto', preserve: false, applied: IN_PLACE })).toBe('strategy auto, done in place');
    expect(strategyText({ strategy: 'recreate', preserve: true, applied: PRESERVE })).toBe(
      'strategy recreate with preserve',
    );
    expect(strategyText({ strategy: 'recreate', preserve: false })).toBe('strategy recreate');
  });

  it('shows the disruption of the pods', () => {
    expect(text({ disruption: { controllerUnavailableSeconds: 0, minReadyPods: 2, simulated: true } })).toContain(
      '  controller pods: never fewer than 2 ready (simulated)',
    );
    expect(
      disruptionText({ controllerUnavailableSeconds: 38, minReadyPods: 0, simulated: true }, 'controller pods'),
    ).toBe('controller pods: 0 ready for 38 s (simulated)');
    expect(
      disruptionText({ controllerUnavailableSeconds: 0.4, minReadyPods: 0, simulated: false }, 'controller pods'),
    ).toBe('controller pods: 0 ready for 400 ms');
  });

  it('shows warnings with their remedies', () => {
    const warning = aCheck({
      id: 'irsa-role-still-set',
      status: 'warn',
      message: 'EKS still shows the role',
      remedy: 'nothing',
    });
    expect(text({ warnings: [warning] })).toContain(
      'Warnings\n  ! irsa-role-still-set: EKS still shows the role\n      do: nothing',
    );
  });

  it('shows who rolled it back, and why', () => {
    const rollback = {
      id: 'r',
      state: 'ended',
      startedAt: '2026-01-15T09:05:00.000Z',
      executionArn: 'arn',
      cause: 'requested',
      requestedBy: 'me',
      reason: 'too slow',
      after: 'migrated',
    } as const;
    expect(text({ outcome: 'rolled-back', rollback })).toContain(
      'Rollback on demand\n  requested at 2026-01-15T09:05:00.000Z by me: too slow (the migration had ended migrated)',
    );
    const recovery = { startedAt: rollback.startedAt, executionArn: 'arn', cause: 'stranded' } as const;
    expect(recoveryText(recovery)).toContain('by Recover, because the execution had stopped');
  });
});

describe('trust policies', () => {
  const statement = { Sid: 'PodIdentity0123', Effect: 'Allow', Principal: { Service: 'pods.eks.amazonaws.com' } };
  const repair = { roleArn: ROLE, before: '{}', after: '{"Statement":[]}', statement };
  const noted = { ...repair, notedAt: '2026-01-15T09:00:01.000Z' };
  const writtenAt = '2026-01-15T09:00:02.000Z';
  const undoneAt = '2026-01-15T09:00:40.000Z';
  const flat = (change: Parameters<typeof aReport>[0]): string =>
    summary(aReport(change), PLAIN)
      .join('\n')
      .replaceAll(/\n {6,}/g, ' ');

  it('that a plan repairs are shown with the whole statement on one line', () => {
    expect(planned({ trustRepairs: [repair] })).toContain(
      `\nTrust policies  one statement is added to each role; a rollback removes it\n  + role ${ROLE}\n      ${JSON.stringify(statement)}\n`,
    );
    expect(planned({})).not.toContain('Trust policies');
  });

  it.each([
    ['migrated', { ...noted, writtenAt }, `+ statement PodIdentity0123 added to role ${ROLE}\n`],
    ['needs-human', noted, `= statement PodIdentity0123 may have been added to role ${ROLE}: it was not read back\n`],
    [
      'rolled-back',
      { ...noted, writtenAt, undoneAt },
      `= statement PodIdentity0123 added to role ${ROLE}, and removed again at ${undoneAt}\n`,
    ],
    ['rolled-back', { ...noted, undoneAt }, `= statement PodIdentity0123 is not in role ${ROLE}\n`],
  ] as const)('that a migration changed are shown after its end: %s', (outcome, change, line) =>
    expect(flat({ outcome, trustChanges: [change] })).toContain(`  trust policies:\n    ${line}`),
  );

  it.each([
    [
      { writtenAt },
      `- statement Irsa, a statement without a Sid in part retired from role ${ROLE} at ${writtenAt} by me: it has soaked\n`,
    ],
    [
      {},
      `- statement Irsa, a statement without a Sid in part may have been retired from role ${ROLE} at ${noted.notedAt} (it was not read back) by me: it has soaked\n`,
    ],
    [
      { writtenAt, undoneAt },
      `= statement Irsa, a statement without a Sid in part retired from role ${ROLE} by me: it has soaked; restored at ${undoneAt}\n`,
    ],
  ])('that were retired later are shown too: %j', (times, line) => {
    const retirement = {
      roleArn: ROLE,
      before: '{}',
      after: '{}',
      removed: [{ statement: { Sid: 'Irsa' } }, { statement: {}, kept: {} }],
      notedAt: noted.notedAt,
      requestedBy: 'me',
      reason: 'it has soaked',
      ...times,
    };
    expect(flat({ retirements: [retirement] })).toContain(`  trust policies:\n    ${line}`);
  });
});

describe('a running migration', () => {
  const running: Running = {
    migrationId: '01JD8Z5Q6R7S8T9V0W1X2Y3Z4A',
    status: 'running',
    target: TARGET,
    addon: 'aws-ebs-csi-driver',
    strategy: 'auto',
    startedAt: '2026-01-15T09:00:00.000Z',
    executionStatus: 'RUNNING',
    applied: IN_PLACE,
    steps: [
      {
        name: 'update-addon',
        startedAt: '2026-01-15T09:00:00.000Z',
        endedAt: '2026-01-15T09:00:01.000Z',
        tries: 1,
        result: '{"updated":true}',
      },
    ],
    simulated: false,
  };

  it('is shown with the steps so far', () => {
    const lines = runningLines(running, { deployed: true }, PLAIN).join('\n');
    expect(lines).toMatch(
      /^… running {2}aws-ebs-csi-driver on demo \(111122223333, eu-west-1\): since 2026-01-15T09:00:00\.000Z\n {2}01JD8Z5Q6R7S8T9V0W1X2Y3Z4A · strategy auto · now in place\n/,
    );
    expect(lines).toMatch(/in place with its Pod Identity associations +1 s +1 +updated/);
    expect(lines).not.toMatch(/stopped|put back/);
    expect(lines).toMatch(
      /\n… running since 2026-01-15T09:00:00\.000Z\.\n[^]*\nTo stop it:\n {2}.* cancel \w+ --deployed$/,
    );
  });

  it('shows that it was cancelled, is being rolled back, or has stopped', () => {
    const lines = runningLines(
      {
        ...running,
        executionStatus: 'ABORTED',
        cancellation: { requestedAt: '2026-01-15T09:00:05.000Z', requestedBy: 'me' },
        recovery: { startedAt: '2026-01-15T09:02:00.000Z', executionArn: 'arn', cause: 'stranded' },
      },
      { deployed: true },
      PLAIN,
    )
      .join('\n')
      .replaceAll(/\n +/g, ' ');
    expect(lines).toContain('Recovery: taken over at 2026-01-15T09:02:00.000Z');
    expect(lines).toContain('Cancellation requested at 2026-01-15T09:00:05.000Z by me.');
    expect(lines).toContain('Its execution is ABORTED without a recorded end');
  });

  it('shows what will happen after a cancellation', () => {
    const cancelled = {
      migrationId: running.migrationId,
      cancellation: { requestedAt: '2026-01-15T09:00:05.000Z', requestedBy: 'you' },
      first: true,
      begun: true,
    } as const;
    const flat = (change: Partial<Parameters<typeof cancelledLines>[0]>): string =>
      cancelledLines({ ...cancelled, ...change }, 'show it', PLAIN)
        .join('\n')
        .replaceAll(/\n +/g, ' ');
    expect(flat({})).toMatch(/requested\..*ends, it rolls back and ends rolled-back\..*\nTo follow it: show it/);
    expect(flat({ begun: false, willEnd: 'blocked', first: false })).toMatch(
      /was already requested at 2026-01-15T09:00:05\.000Z by you\..*changed nothing, and it ends blocked\./,
    );
    // Its change may begin at this moment, so the outcome is not predicted.
    expect(flat({ begun: false })).not.toContain('blocked');
  });

  it('shows the released locks, and what that means', () => {
    const released = {
      migrationId: running.migrationId,
      released: { at: '2026-01-15T09:00:05.000Z', by: 'me', reason: 'gone' },
      locks: ['111122223333#eu-west-1#demo#aws-ebs-csi-driver', `ROLE#${ROLE}`],
      first: true,
    };
    const flat = (change: object): string =>
      releasedLines({ ...released, ...change }, 'show it', PLAIN)
        .join('\n')
        .replaceAll(/\n +/g, ' ');
    expect(flat({})).toMatch(
      /no longer holds locks\. released: add-on aws-ebs-csi-driver of cluster demo \(111122223333, eu-west-1\) released: role arn:aws:iam::111122223333:role\/ebs-csi The next migration may begin.*before the migration\.\nTo show its report: show it$/,
    );
    expect(flat({ locks: [] })).toContain('It held no locks.');
    expect(flat({ locks: [], first: false })).toMatch(
      /was already released at 2026-01-15T09:00:05\.000Z by me: gone\. The next/,
    );
  });

  it('prints readable names of attempts', () =>
    expect([IN_PLACE, PRESERVE, RECREATE].map(attemptName)).toEqual([
      'in place',
      'recreate with preserve',
      'recreate',
    ]));
});
