import { describe, expect, it } from 'vitest';
import { warn } from '../../lambdas/domain/terms/check.ts';
import { duration } from '../../cli/text/duration.ts';
import { planSection } from '../../cli/print/plan.ts';
import { podRows, podsSection } from '../../cli/print/pods.ts';
import { checksSection } from '../../cli/print/checks.ts';
import { PLAIN, type Style, styleFor, visibleWidth, wrap } from '../../cli/text/style.ts';
import { shortPlan } from '../../cli/print/short-plan.ts';
import { conclusion, summary } from '../../cli/print/summary.ts';
import { resultText, stepsSection } from '../../cli/print/steps.ts';
import { table } from '../../cli/print/table.ts';
import { type MigrationReport, migrationReport } from '../../lambdas/domain/record/migration.ts';
import type { Retirement } from '../../lambdas/domain/record/retirement.ts';
import { aCheck, aHandOff, aPlan, aPod, aReport, anAssociation, ROLE } from './fixtures.ts';
import { matching } from '../lambdas/matchers.ts';

const text = (change: Parameters<typeof aReport>[0] = {}): string => {
  const report = aReport(change);
  expect(migrationReport.safeParse(report).success).toBe(true);
  return summary(report, PLAIN).join('\n');
};

describe('a summary of a migration', () => {
  it('begins with the outcome, the add-on, how it was verified and how long it took', () => {
    const [first, second] = text().split('\n');
    expect(first).toBe(
      '✔ migrated  aws-ebs-csi-driver on demo (111122223333, eu-west-1): the add-on is on EKS Pod Identity',
    );
    expect(second).toContain('verified: ready (stable; use of the credentials not observed) · 1 min 43 s (simulated)');
  });

  it('does not call durations of AWS simulated', () => expect(text({ simulated: false })).not.toContain('simulated'));

  it('shows what changed: the role, and the associations by id', () => {
    const lines = text();
    expect(lines).toContain(`add-on before: v1.35.0-eksbuild.1, IRSA role ${ROLE}`);
    expect(lines).toContain('add-on now:    v1.35.0-eksbuild.1, no role of its own; a-00000000000000002');
    expect(lines).toMatch(
      /associations deleted:\n.*- a-00000000000000001 {2}kube-system\/ebs-csi-controller-sa \(standalone\) →/,
    );
    expect(lines).toMatch(/associations created:\n.*\+ a-00000000000000002/);
  });

  it('shows each pod before and now, since when, the pods it replaced, and the evidence', () => {
    const lines = text();
    expect(lines).toMatch(
      /kube-system\/ebs-csi-controller-new +ebs-csi-controller-sa +irsa +pod-identity +ready +2026-01-15 09:01:12/,
    );
    expect(lines).toContain('replaced: ebs-csi-controller-old');
    expect(lines).toContain('evidence (1 pod): AWS_CONTAINER_CREDENTIALS_FULL_URI');
  });

  it('shows how long each step took', () => expect(text()).toMatch(/Wait until the add-on is gone +42 s +4 +gone/));

  it('shows for the checks what to do and where the rule comes from', () => {
    const checks = [
      aCheck(),
      aCheck({
        id: 'leftover',
        status: 'warn',
        message: 'conflicts with the add-on',
        remedy: 'it will be deleted',
        source: 'https://example.com',
      }),
    ];
    const lines = text({ plan: aPlan({ checks }) }).split('\n');
    expect(lines).toContain('Checks  1 warn, 1 pass');
    const at = lines.indexOf('  ! leftover: conflicts with the add-on');
    expect(lines.slice(at + 1, at + 4)).toEqual([
      '      do: it will be deleted',
      '      see: https://example.com',
      '  ✔ 1 check passed; --verbose lists it',
    ]);
  });

  it('lists the checks that passed only if it is verbose, and only those that block if it is quiet', () => {
    const checks = [
      aCheck(),
      aCheck({ id: 'agent', message: 'the agent is ready' }),
      aCheck({ id: 'odd', status: 'warn', message: 'odd' }),
      aCheck({ id: 'role-trust', status: 'fail', message: 'denied', remedy: 'allow it' }),
    ];
    const shown = (detail: Style['detail']): string => checksSection(checks, { ...PLAIN, detail }).join('\n');
    expect(shown('normal')).toContain('  ✔ 2 checks passed; --verbose lists them');
    expect(shown('normal')).not.toContain('agent');
    expect(shown('verbose')).toMatch(/✔ cluster-active: [^]*✔ agent: the agent is ready$/);
    expect(shown('quiet')).toBe('\nChecks\n  ✖ role-trust: denied\n      do: allow it');
    expect(checksSection(checks.slice(0, 3), { ...PLAIN, detail: 'quiet' })).toEqual([]);
  });

  it('is the result, what blocks it and what to do, if it is quiet', () => {
    const report = aReport({ restoreCommands: ['aws eks describe-addon'] });
    const quiet: Style = { ...PLAIN, detail: 'quiet' };
    expect([...summary(report, quiet), ...conclusion(report, { state: 'w.json' }, quiet)].join('\n')).toMatch(
      /^✔ migrated .*\n {2}01JD\S+ .*\n\nWhat you have to do now\n[^]*\n {2}aws eks describe-addon\nTo undo it:\n {2}.* rollback \w+ --state w\.json\nTo see whether [^]*$/,
    );
  });

  it('of a migration that was rolled back shows why, and what was restored', () => {
    const lines = text({
      outcome: 'rolled-back',
      failure: { name: 'AddonFailed', message: 'CREATE_FAILED' },
      associations: {
        purged: [anAssociation()],
        created: [],
        restored: [anAssociation({ id: 'a-00000000000000003' })],
      },
    });
    expect(lines).toContain('↩ rolled-back');
    expect(lines).toContain('former identity verified on the pods · ');
    expect(lines).toContain('Why\n  AddonFailed: CREATE_FAILED');
    expect(lines).toContain(`add-on now:    v1.35.0-eksbuild.1, IRSA role ${ROLE} again`);
    expect(lines).toMatch(/associations restored:\n.*a-00000000000000003/);
    expect(lines).toContain('Pods  configured source of the AWS credentials of each after the rollback');
  });

  it('of a rollback that failed shows its failure first, and then its cause', () => {
    const failure = {
      name: 'PodsFailing',
      message: 'Pods fail. Putting it back failed too: SessionsMayEnd: It takes about 18 minutes.',
    };
    expect(text({ outcome: 'needs-human', failure })).toContain(
      'Why\n  SessionsMayEnd: It takes about 18 minutes.\n\nEarlier\n  PodsFailing: Pods fail.',
    );
    const late = text({
      outcome: 'needs-human',
      failure,
      warnings: [warn('last-rollback', 'The last rollback on demand did not complete: AccessDenied: No.', 'Run it.')],
    });
    expect(late).toMatch(
      /Why\n {2}The last rollback on demand did not complete: AccessDenied: No\.\n\nEarlier\n {2}SessionsMayEnd/,
    );
    expect(late.match(/AccessDenied: No/g)).toHaveLength(1);
  });

  it('shows associations that were created and deleted again once', () => {
    const own = anAssociation({ id: 'a-00000000000000002' });
    const associations = { purged: [anAssociation(), own], created: [own], restored: [] };
    const lines = text({ outcome: 'rolled-back', associations });
    expect(lines).toMatch(
      /associations deleted:\n.*a-00000000000000001[^]*\n {2}associations created and deleted again:\n.*= a-00000000000000002/,
    );
    expect(lines.match(/a-00000000000000002/g)).toHaveLength(1);
    // Each deletion is recorded before it is attempted.
    expect(text({ outcome: 'needs-human', associations })).toMatch(
      /associations created that the rollback was to delete:\n.*= a-00000000000000002/,
    );
  });

  it('shows the last retirement in one line: its requester and result', () => {
    const one: Retirement = {
      id: 'r',
      state: 'ended',
      action: 'retire',
      dryRun: false,
      soakDays: 7,
      requestedBy: 'jo',
      reason: 'it is time',
      startedAt: '2026-01-30T09:00:00.000Z',
      done: true,
      roles: [{ roleArn: 'arn:role', result: 'removed' }],
    };
    const textOf = (change: Partial<Retirement>): string =>
      /\nOIDC trust\n {2}([^\n]*(\n {2}\S[^\n]*)*)/
        .exec(text({ retirement: { ...one, ...change } }))?.[1]
        ?.replace(/\s+/g, ' ') ?? '';
    const asked = 'requested at 2026-01-30T09:00:00.000Z by jo: it is time';
    expect(textOf({})).toBe(`retirement ${asked}. Removed from arn:role.`);
    expect(textOf({ dryRun: true, done: false, roles: [] })).toBe(
      `retirement (dry run) ${asked}. Nothing was changed.`,
    );
    expect(textOf({ action: 'reinstate', roles: [{ roleArn: 'arn:role', result: 'restored' }] })).toBe(
      `restoration ${asked}. Restored in arn:role.`,
    );
    expect(textOf({ state: 'requested' })).toBe(`retirement ${asked}, but not begun yet.`);
    expect(textOf({ state: 'running' })).toBe(`retirement ${asked}, and under way.`);
    expect(textOf({ state: 'refused', error: { name: 'RetireRefused', message: 'Too early.' } })).toBe(
      `retirement ${asked}, but refused: nothing was changed. Too early.`,
    );
    expect(text({})).not.toContain('OIDC trust\n');
  });

  it('of a rollback on demand measures from its request', () => {
    const rollback = { id: 'r', state: 'ended', startedAt: '2026-01-15T09:01:23.000Z', cause: 'requested' } as const;
    expect(text({ outcome: 'rolled-back', rollback })).toContain(' · 20 s (simulated)');
    expect(text({ outcome: 'rolled-back', rollback: { ...rollback, cause: 'failed' } })).toContain(
      ' · 1 min 43 s (simulated)',
    );
  });

  it('of a migration that only EKS has confirmed does not claim verified pods', () => {
    const verification = { before: [aPod()], pods: [] };
    const warnings = [
      aCheck({ id: 'pods-not-seen', status: 'warn', message: 'no pod was looked at', remedy: 'look at them' }),
    ];
    const lines = text({ verified: 'api', verification, warnings });
    const [first, second] = lines.split('\n');
    expect(first).toBe(
      '✔ migrated  aws-ebs-csi-driver on demo (111122223333, eu-west-1): EKS reports the add-on on EKS Pod Identity; no pod was read',
    );
    expect(second).toContain('verified: api (reported by EKS; no pod was inspected)');
    expect(lines).toContain('Warnings\n  ! pods-not-seen: no pod was looked at\n      do: look at them');
    expect(lines).toContain('Pods  before the migration; no pod was read after it');
    expect(lines).not.toMatch(/verified on the pods|ready|injected|NOW/);
    expect(text({ verified: 'api', verification: { before: [], pods: [] } })).not.toContain('Pods  ');
    expect(text({ verified: 'api', outcome: 'rolled-back', verification })).toContain(
      'EKS reports the add-on in its former state; no pod was read',
    );
  });

  it('of a migration that needs a human ends with the commands, unabridged', () => {
    const command = `aws eks create-addon --cluster-name demo --addon-name aws-ebs-csi-driver --service-account-role-arn ${ROLE} --configuration-values '{}'`;
    const lines = text({
      outcome: 'needs-human',
      failure: { name: 'LockLost', message: 'another run has it' },
      restoreCommands: [command],
    });
    expect(
      lines.endsWith(
        `What you have to do now\n  For bash or zsh. A line that begins with ": " does nothing: it is a note, or a command for you to decide on.\n  ${command}`,
      ),
    ).toBe(true);
    expect(lines).not.toContain('add-on now:');
    expect(lines).toContain('Pods  last known state: check their current state before you continue');
    expect(lines).toMatch(/BEFORE +LAST SEEN/);
    const released = text({
      outcome: 'needs-human',
      restoreCommands: [command],
      released: { at: '2026-01-15T09:05:00.000Z', by: 'me', reason: 'gone' },
    });
    expect(released).toContain('Released\n  its locks were released at 2026-01-15T09:05:00.000Z by me: gone');
    expect(released).not.toContain('has to do now');
  });
});

describe('steps', () => {
  const at = '2026-01-15T09:00:00.000Z';
  const line = (name: string, result: string) => ({ name, startedAt: at, endedAt: at, tries: 1, result });

  it('of the same instant are in the order of the workflow', () => {
    const steps = [
      line('begin', '{"fence":1}'),
      line('finish', ''),
      line('plan', '{"verdict":"migrate"}'),
      line('verify-pods-2', ''),
    ];
    const lines = stepsSection(aReport({ steps }), PLAIN).slice(3).join('\n');
    expect(lines).toMatch(/the plan .*verdict migrate\n.*the locks .*fence 1\n.*round 2.*\n.*the outcome/);
  });

  it.each([
    [
      '{"verdict":"migrate","target":{"cluster":"demo"},"subject":"x","attempts":[{"strategy":"in-place"}],"blockedBy":[]}',
      'verdict migrate',
    ],
    ['{"purged":["a-1","a-2"]}', 'purged a-1 a-2'],
    ['{"deleted":true}', 'deleted'],
    ['{"created":false}', ''],
    ['{"verdict":"verified","podsAsExpected":1,"podsThatCount":2}', 'verdict verified, 1 of 2 pods verified'],
    [
      '{"verdict":"settle","settleSeconds":60,"podsThatCount":2,"podsAsExpected":2}',
      '2 of 2 pods verified, then observed for 60 s',
    ],
    ['{"verdict":"verified","podsThatCount":2,"podsAsExpected":2,"podsReady":2}', '2 of 2 pods stayed ready'],
    [
      '{"verdict":"unstable","podsThatCount":2,"podsAsExpected":2,"podsReady":1,"why":"Restarted: b (1 restart)."}',
      '1 of 2 pods stayed ready. Restarted: b (1 restart).',
    ],
    ['plain', 'plain'],
    // Truncated as in the ledger.
    [
      '{"action":"retire","dryRun":true,"done":false,"checks":[{"id":"retire-soak","message":"0 da',
      'action retire, dry run',
    ],
    ['{"verdict":"a \\"b\\", c","n":2,"purged":["a-1","a-', 'verdict a "b", c, n 2'],
    ['{"purged":["a-1","a-', ''],
    ['{"message":"it ha', ''],
  ])('show the result %s as %s', (result, expected) => expect(resultText(result)).toBe(expected));
});

describe('a summary of a plan', () => {
  const planned = {
    outcome: 'planned',
    verified: 'none',
    steps: [],
    verification: { before: [aPod()], pods: [] },
    associations: { purged: [], created: [], restored: [] },
  } as const;
  const change = structuredClone(planned) as unknown as Parameters<typeof aReport>[0];

  it('lists steps with their calls, disruption and undo, and the associations', () => {
    const lines = text(change);
    expect(lines).toContain('nothing was changed');
    expect(lines).toMatch(
      / 1\. Delete the add-on\n +calls: eks:DeleteAddon\n +outage until .*\n +undo: +create it again/,
    );
    expect(lines).toContain('  - association a-00000000000000001');
    expect(lines).toContain(`  + association kube-system/ebs-csi-controller-sa → ${ROLE}`);
    expect(lines).toContain(`Plan ${'f'.repeat(64)}`);
    expect(lines).not.toContain('What changed');
  });

  it('shows the current state of the pods', () =>
    expect(text(change)).toMatch(/Pods {2}current state\n.*\n.*ebs-csi-controller-old +ebs-csi-controller-sa +irsa/));

  it('ends with the verdict, and with the command that carries it out', () =>
    expect(conclusion(aReport(change), { command: 'pod-identity migrate' }, PLAIN).join('\n')).toBe(
      '\n✔ planned: this is what a migration would do; nothing was changed.\nTo carry out the plan:\n  pod-identity migrate',
    ));

  it('with a hand-off reports who must not apply, and how to prepare the change', () => {
    const report = aReport({ ...change, handOff: aHandOff() });
    expect(summary(report, PLAIN).join('\n')).toContain(
      '\nThe code that defines it\n  Nobody may apply.\n  A pipeline must be paused.\n',
    );
    expect(summary(report, PLAIN, ['hand-off']).join('\n')).not.toContain('Nobody may apply.');
    expect(shortPlan(report, PLAIN).join('\n')).toMatch(
      /\n {2}code +Nobody may apply\.\n +A pipeline must be paused\.$/,
    );
    const commands = { command: 'MIGRATE', prepare: 'PLAN' };
    expect(conclusion(report, commands, PLAIN).join('\n')).toMatch(
      /\nTo prepare .*:\n {2}PLAN\nTo carry out the plan:\n/,
    );
    expect(conclusion(aReport(change), commands, PLAIN).join('\n')).not.toContain('PLAN');
  });

  it('that is blocked shows the failing check first and no steps', () => {
    const checks = [aCheck(), aCheck({ id: 'agent', status: 'fail', message: 'not installed', remedy: 'install it' })];
    const lines = text({ ...change, outcome: 'blocked', plan: aPlan({ verdict: 'blocked', checks }) });
    expect(lines.indexOf('agent: not installed')).toBeLessThan(lines.indexOf('1 check passed'));
    expect(lines).not.toContain('eks:DeleteAddon');
  });
});

describe('the last lines', () => {
  const last = (change: Parameters<typeof aReport>[0], options: Parameters<typeof conclusion>[1]): string =>
    conclusion(aReport(change), options, PLAIN).join('\n');
  const ID = aReport().migrationId;

  it('after a migration begin with the hand-off, with the same backend', () => {
    expect(last({ handOff: aHandOff() }, { deployed: true, stack: 'Other', profile: 'prod' })).toMatch(
      new RegExp(`\nChange the code .*:\n {2}.* hand-off ${ID} --deployed --stack Other --profile prod\nTo undo it:`),
    );
    expect(last({}, { state: 'w.json' })).not.toContain('hand-off');
    // A sandbox that ended with the command has no migration to look up.
    expect(last({ handOff: aHandOff() }, { command: 'MIGRATE' })).not.toContain('hand-off');
  });

  it('after a rollback name it only if the rollback was requested, when the change may have been merged', () => {
    const rollback: MigrationReport['rollback'] = {
      id: 'one',
      executionArn: 'arn',
      cause: 'requested',
      state: 'ended',
      startedAt: '2026-01-15T10:00:00.000Z',
    };
    const change = { outcome: 'rolled-back', handOff: aHandOff() } as const;
    expect(last({ ...change, rollback }, { state: 'w.json' })).toMatch(
      /\nRevert the change of the code .*:\n.* hand-off /,
    );
    expect(last(change, { state: 'w.json', command: 'MIGRATE' })).not.toContain('hand-off');
  });
});

it('a short plan has the steps that only observe, with the level of evidence', () => {
  const plan = aPlan();
  const [first, last] = plan.steps;
  const confirm = { ...last!, name: 'confirm-ready', what: 'wait 1 min, then check that the pods stayed ready' };
  const lines = shortPlan(aReport({ plan: { ...plan, steps: [first!, last!, confirm] } }), PLAIN);
  expect(lines).toContain('  verified    Verify the pods');
  expect(lines).toContain('              wait 1 min, then check that the pods stayed ready');
});

describe('pods', () => {
  it('that stayed are compared with themselves, new pods with their service account', () => {
    const before = [aPod(), aPod({ uid: 'uid-2', name: 'second', identity: 'node-role' })];
    const rows = podRows(before, [
      aPod({ uid: 'uid-2', name: 'second' }),
      aPod({ uid: 'uid-3', name: 'third' }),
      aPod({ uid: 'uid-4', serviceAccount: 'other' }),
    ]);
    expect(rows.map((row) => [row.pod.uid, row.before])).toEqual([
      ['uid-2', 'node-role'],
      ['uid-3', 'irsa, node-role'],
      ['uid-4', 'no pod'],
    ]);
  });

  it('are shown with the level of evidence that each reached, but not after a rollback', () => {
    const pods = [
      aPod({ name: 'first', identity: 'pod-identity', level: 'ready' }),
      aPod({ name: 'second', identity: 'pod-identity', level: 'injected' }),
      aPod({ name: 'third', identity: 'not-applicable' }),
    ];
    const shown = (change: Partial<MigrationReport>): string[] =>
      podsSection(aReport({ verification: { before: [], pods }, ...change }), PLAIN);
    const rows = shown({ outcome: 'migrated' }).map((line) => line.trim().split(/ {2,}/));
    expect(rows[2]).toEqual(['POD', 'SERVICE ACCOUNT', 'BEFORE', 'NOW', 'LEVEL', 'CREATED']);
    expect(rows.slice(3, 6).map(([name, , , , level]) => [name, level])).toEqual([
      ['kube-system/first', 'ready'],
      ['kube-system/second', 'injected'],
      ['kube-system/third', matching(/^20/)],
    ]);
    expect(shown({ outcome: 'rolled-back' }).join('\n')).not.toContain('LEVEL');
    const unknown = pods.map((pod) => ({ ...pod, level: undefined }));
    expect(shown({ verification: { before: [], pods: unknown } }).join('\n')).not.toContain('LEVEL');
  });
});

describe('pods that lose their identity', () => {
  const losing = aPod({
    name: 'node',
    uid: 'uid-5',
    serviceAccount: 'nodes',
    identity: 'irsa',
    loss: { from: 'irsa', to: 'node-role' },
    evidence: 'it loses it',
  });
  const shown = (change: Partial<MigrationReport>): string =>
    podsSection(aReport({ verification: { before: [losing], pods: [] }, ...change }), PLAIN).join('\n');

  it('are shown with their current and future identity, or with their former and current identity', () => {
    expect(shown({ outcome: 'planned' })).toMatch(/node +nodes +irsa → node-role/);
    const after = shown({
      outcome: 'migrated',
      verification: { before: [losing], pods: [{ ...losing, identity: 'node-role' }] },
    });
    expect(after).toMatch(/node +nodes +irsa +irsa → node-role/);
    expect(after).toContain('evidence (1 pod): it loses it');
  });

  it('are named under the associations of a plan, and standalone associations are marked', () => {
    const plan = aPlan({
      associations: [{ namespace: 'kube-system', serviceAccount: 'first', roleArn: ROLE, standalone: true }],
      identityLosses: [
        { namespace: 'kube-system', serviceAccount: 'nodes', roleArn: ROLE, identity: 'irsa', pods: 1, accepted: true },
      ],
    });
    const section = planSection(plan, PLAIN).join('\n');
    expect(section).toContain(`+ association kube-system/first → ${ROLE} (standalone)`);
    expect(section).toContain('! none for kube-system/nodes: irsa → node-role');
  });
});

describe('text', () => {
  it.each([
    [0, '0 ms'],
    [999, '999 ms'],
    [1000, '1 s'],
    [59_400, '59 s'],
    [59_600, '1 min 00 s'],
    [3_725_000, '1 h 02 min'],
  ])('shows %i milliseconds as %s', (milliseconds, expected) => expect(duration(milliseconds)).toBe(expected));

  it('is wrapped at spaces, and long words stay whole', () => {
    expect(wrap('one two three', 7)).toEqual(['one two', 'three']);
    expect(wrap(`see ${'x'.repeat(30)} there`, 10)).toEqual(['see', 'x'.repeat(30), 'there']);
  });

  it('is coloured only on terminals, and colour does not shift a table', () => {
    const terminal = styleFor({ write: () => true, isTTY: true, columns: 90, hasColors: () => true });
    const red = terminal.paint('red', 'no');
    expect(red).not.toBe('no');
    expect([visibleWidth(red), styleFor({ write: () => true }).paint('red', 'no')]).toEqual([2, 'no']);
    expect(styleFor({ write: () => true, isTTY: true, hasColors: () => false }).paint('red', 'no')).toBe('no');
    const rows = table(
      [{ cell: red }, { cell: 'yes!' }],
      [
        { title: 'A', value: ({ cell }) => cell },
        { title: 'N', value: () => '1', align: 'right' },
      ],
      terminal,
    );
    expect(rows.map(visibleWidth)).toEqual([9, 9, 9]);
  });
});
