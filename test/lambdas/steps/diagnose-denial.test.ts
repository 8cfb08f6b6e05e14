import { decodeTime } from 'ulid';
import { describe, expect, test } from 'vitest';
import type { DenialSettings } from '../../../lambdas/domain/events/denial.ts';
import { diagnoseDenialStep } from '../../../lambdas/steps/diagnose-denial/handler.ts';
import { deniedEvent, type DeniedEvent, PRINCIPAL } from '../denied-event.ts';
import { interruptedOnce, strikeEachCall } from '../../faults/contract.ts';
import { type Fakes, invoke, newFakes } from '../fakes.ts';
import { ACCOUNT, ADDON, at, NOW } from '../fixtures.ts';
import { containing, expectError, matching } from '../matchers.ts';

const it = test.extend('fakes', () => listening());
const HOUR = 3_600_000;
const CONFIGURED = '444455556666';
const listening = (change: Partial<DenialSettings> = {}): Fakes => {
  const fakes = newFakes();
  const accounts = [ACCOUNT, CONFIGURED];
  fakes.settings.denials = { account: ACCOUNT, accounts, action: 'notify', quietHours: 24, ...change };
  return fakes;
};
const diagnose = (
  fakes: Fakes,
  event: DeniedEvent = deniedEvent(),
): Promise<{ did: string; migrationId?: string; why?: string }> => invoke(diagnoseDenialStep, event, fakes) as never;
const another = (): DeniedEvent => deniedEvent({ detail: { eventID: 'another', eventTime: at(-30) } });
const started = ({ executions }: Fakes): string[] => executions.migrations.map(({ migrationId }) => migrationId);
const nothingDone = (fakes: Fakes): void => expect(fakes.journal.names()).toEqual([]);

describe('diagnose-denial', () => {
  it('starts a plan of the add-on, with what CloudTrail told of in its record', async ({ fakes }) => {
    const { did, migrationId = '' } = await diagnose(fakes);
    expect(did).toBe('started');
    expect(decodeTime(migrationId)).toBe(NOW - 60_000);
    const record = await fakes.ledger.getMigration(migrationId);
    expect(record).toMatchObject({
      status: 'running',
      trigger: {
        kind: 'cross-account-pass-role',
        eventId: '7f2b6f0e-5d0a-4a52-9b7e-0f3b1c2d3e4f',
        at: at(-60),
        principal: PRINCIPAL,
        userAgent: containing('Terraform'),
      },
      request: {
        target: { account: ACCOUNT, region: 'eu-west-1', cluster: 'reliability-dev' },
        addon: ADDON,
        dryRun: true,
        approval: 'none',
        requestedBy: `cloudtrail: ${PRINCIPAL}`,
        strategy: 'auto',
      },
    });
    expect(record?.request.reason).toContain('Cross-account pass role is not allowed');
    expect(fakes.executions.migrations).toEqual([{ migrationId, request: record?.request }]);
    expect(fakes.journal.mutations()).toEqual(['executions.startMigration']);
  });

  it.each([
    ['notify', { dryRun: true, approval: 'none' }],
    ['ask', { dryRun: false, approval: 'required' }],
    ['migrate', { dryRun: false, approval: 'none' }],
  ] as const)('asks for what the deployment says: %s', async (action, request) => {
    const fakes = listening({ action });
    await diagnose(fakes);
    expect(fakes.executions.migrations).toMatchObject([{ request }]);
  });

  it.each([
    ['AccessDeniedException', {}],
    ['AccessDenied', { cluster: 'a%2Db' }],
  ])('takes %s, and names as they stand in a path', async (errorCode, change) => {
    const fakes = listening();
    expect(await diagnose(fakes, deniedEvent({ detail: { errorCode }, ...change }))).toMatchObject({ did: 'started' });
    expect(fakes.executions.migrations[0]?.request.target.cluster).toBe(
      'cluster' in change ? 'a-b' : 'reliability-dev',
    );
  });

  it.each<[string, DeniedEvent]>([
    ['another call', deniedEvent({ detail: { eventName: 'CreateAddon' } })],
    ['another service', deniedEvent({ source: 'aws.iam', detail: { eventSource: 'iam.amazonaws.com' } })],
    ['an event of EKS itself', deniedEvent({ 'detail-type': 'EKS Addon Update Failed' })],
    ['a call that was let through', deniedEvent({ detail: { errorCode: undefined, errorMessage: undefined } })],
    [
      'a call that was refused for another reason',
      deniedEvent({ detail: { errorMessage: 'User is not authorized to perform: eks:UpdateAddon' } }),
    ],
    ['a call that failed otherwise', deniedEvent({ detail: { errorCode: 'InvalidParameterException' } })],
    [
      'a role of another account that was really named',
      deniedEvent({ parameters: { serviceAccountRoleArn: 'arn:aws:iam::999999999999:role/x' } }),
    ],
    ['a call that names no role', deniedEvent({ parameters: { serviceAccountRoleArn: undefined } })],
    ['no parameters', deniedEvent({ detail: { requestParameters: null } })],
  ])('leaves %s alone', async (_, event) => {
    const fakes = listening();
    expect(await diagnose(fakes, event)).toMatchObject({ did: 'ignored', why: matching(/\w/) });
    nothingDone(fakes);
    expect(fakes.telemetry.counts).toEqual({});
  });

  it('takes the event of a configured account, and asks about the cluster there', async ({ fakes }) => {
    expect(await diagnose(fakes, deniedEvent({ account: CONFIGURED }))).toMatchObject({ did: 'started' });
    expect(fakes.executions.migrations).toMatchObject([{ request: { target: { account: CONFIGURED } } }]);
  });

  it.each([
    ['999999999999', 'its account is not configured'],
    ['garbage', 'its account is not configured'],
  ])('refuses an event of the account %s, says why, and writes nothing', async (account, why) => {
    const fakes = listening();
    expect(await diagnose(fakes, deniedEvent({ account }))).toMatchObject({ did: 'refused', why: containing(why) });
    nothingDone(fakes);
    expect(fakes.telemetry.counts).toEqual({ 'denial-refused': 1 });
    expect(fakes.telemetry.lines).toMatchObject([{ level: 'warn', fields: { account } }]);
  });

  it.each([
    ['a cluster that is none', { cluster: '../x' }, /name: must be an EKS cluster name/],
    ['an add-on that is none', { parameters: { addonName: 'A B' } }, /addonName: must be an EKS add-on name/],
    ['an id that is none', { detail: { eventID: 'x\u001b[2J' } }, /eventID: must be CloudTrail's id/],
    ['a time that is none', { detail: { eventTime: 'now' } }, /eventTime: must be a time/],
  ])('fails over %s, and starts nothing', async (_, change, message) => {
    const fakes = listening();
    await expectError(diagnose(fakes, deniedEvent(change)), 'BadInput', message);
    nothingDone(fakes);
  });

  it('fails where the deployment did not say what to do', () =>
    expectError(diagnose(newFakes()), 'BadInput', 'DENIAL_ACTION'));

  it('keeps long and odd texts from going further', async ({ fakes }) => {
    const { migrationId = '' } = await diagnose(
      fakes,
      deniedEvent({
        detail: { userAgent: `\u001b${'x'.repeat(100_000)}`, userIdentity: { arn: `arn:\n${'ä'.repeat(5000)}` } },
      }),
    );
    const record = await fakes.ledger.getMigration(migrationId);
    expect(record?.trigger?.userAgent).toMatch(/^\\x1bx+…$/);
    expect(record?.request.requestedBy?.length).toBeLessThanOrEqual(256);
  });

  it('is the same for the same event again, and for another one of the same add-on', async ({ fakes }) => {
    const first = await diagnose(fakes);
    expect(await diagnose(fakes)).toEqual(first);
    expect(await diagnose(fakes, another())).toEqual({ did: 'known', migrationId: first.migrationId });
    expect(started(fakes)).toEqual([first.migrationId]);
  });

  it('is another one for another add-on or cluster', async ({ fakes }) => {
    const all = [
      await diagnose(fakes),
      await diagnose(fakes, deniedEvent({ parameters: { addonName: 'vpc-cni' }, detail: { eventID: 'e2' } })),
      await diagnose(fakes, deniedEvent({ cluster: 'other', detail: { eventID: 'e3' } })),
    ];
    expect([all.map(({ did }) => did), new Set(started(fakes)).size]).toEqual([['started', 'started', 'started'], 3]);
  });

  it('starts another one after the quiet hours, once the first has ended', async ({ fakes }) => {
    const { migrationId = '' } = await diagnose(fakes);
    fakes.clock.advance(24 * HOUR - 1);
    expect(await diagnose(fakes, another())).toMatchObject({ did: 'known' });
    fakes.clock.advance(1);
    // It waits for an approval, say.
    expect(await diagnose(fakes, another())).toEqual({ did: 'known', migrationId });
    await fakes.ledger.updateMigration(migrationId, { status: 'ended', outcome: 'planned' });
    const next = await diagnose(fakes, another());
    expect(next).toMatchObject({ did: 'started' });
    expect(started(fakes)).toEqual([migrationId, next.migrationId]);
    // The first event once more is news of nothing.
    expect(await diagnose(fakes)).toEqual({ did: 'known', migrationId: next.migrationId });
  });

  it('comes to one migration where any of its calls fails, before or after its effect, and the event comes again', async () => {
    const struck = new Set<number>();
    await strikeEachCall({
      prepare: () => listening(),
      work: diagnose,
      expectation: async (fakes, _smooth, { position }) => {
        const { migrationId } = await interruptedOnce(() => diagnose(fakes));
        expect(started(fakes)).toEqual([migrationId]);
        expect(await fakes.ledger.getMigration(migrationId ?? '')).toMatchObject({
          trigger: { kind: 'cross-account-pass-role' },
        });
        struck.add(position);
      },
    });
    expect([...struck]).toEqual([0, 1, 2, 3]);
  });

  it('is done by the next event of the add-on where the first one never came back', async ({ fakes }) => {
    fakes.journal.failAt(2, 'before');
    await expect(diagnose(fakes)).rejects.toThrow('socket hang up');
    const { did, migrationId } = await diagnose(fakes, another());
    expect([did, started(fakes)]).toEqual(['known', [migrationId]]);
    expect(await fakes.ledger.getMigration(migrationId ?? '')).toMatchObject({
      trigger: { eventId: '7f2b6f0e-5d0a-4a52-9b7e-0f3b1c2d3e4f' },
    });
  });
});
