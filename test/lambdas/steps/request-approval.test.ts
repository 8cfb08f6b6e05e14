import { describe, expect, test } from 'vitest';
import { deadlineOf } from '../../../lambdas/domain/waiting/waiting.ts';
import type { Approval, ApprovalDecision } from '../../../lambdas/domain/approval/approval.ts';
import type { Migration } from '../../../lambdas/domain/record/migration.ts';
import type { MigrationRequestInput } from '../../../lambdas/domain/request/request.ts';
import { decideApproval } from '../../../lambdas/use-cases/approval/decide.ts';
import { createHandler, type LambdaContext } from '../../../lambdas/runtime/handler.ts';
import { requestCancel } from '../../../lambdas/use-cases/migration/cancel.ts';
import { finishStep } from '../../../lambdas/steps/finish/handler.ts';
import { requestApprovalStep } from '../../../lambdas/steps/request-approval/handler.ts';
import { faultCases, interruptedOnce, MOMENTS } from '../../faults/contract.ts';
import { type Fakes, invoke, newFakes } from '../fakes.ts';
import { ADDON, aMigration, aPlan, aRequest, at, EXECUTION, MIGRATION_ID, target } from '../fixtures.ts';
import { containing, expectError } from '../matchers.ts';

const it = test.extend('given', () => asked());
const HOUR = 3600;
const CONTEXT = { getRemainingTimeInMillis: () => 60_000 } as unknown as LambdaContext;
const REQUESTER = 'arn:aws:sts::111122223333:assumed-role/engineer/ann';
const COLLEAGUE = 'arn:aws:sts::111122223333:assumed-role/engineer/bob';
const APPROVER = 'arn:aws:sts::111122223333:assumed-role/lead/bob';
const input = { migrationId: MIGRATION_ID, target, subject: ADDON };

/** A migration whose plan is made, and its hash. */
async function plannedFakes(
  change: Partial<Migration> = {},
  request: Partial<MigrationRequestInput> = {},
): Promise<{ fakes: Fakes; hash: string }> {
  const fakes = newFakes();
  const wanted = aRequest({ approval: 'required', requestedBy: REQUESTER, ...request });
  const migration = aMigration({
    plan: aPlan(),
    request: wanted,
    // As the API has put the record.
    requester: { requester: { source: 'api', principal: REQUESTER }, request: wanted },
    ...change,
  });
  await fakes.ledger.putMigration(migration);
  return { fakes, hash: migration.plan!.hash };
}
const ask = (fakes: Fakes, planHash: string, taskToken = 'token'): Promise<unknown> => {
  fakes.executions.tasks.set(taskToken, 'waiting');
  return invoke(requestApprovalStep, { ...input, planHash, taskToken }, fakes);
};
const asked = async (
  request: Partial<MigrationRequestInput> = {},
  change: Partial<Migration> = {},
): Promise<{ fakes: Fakes; hash: string }> => {
  const { fakes, hash } = await plannedFakes(change, request);
  await ask(fakes, hash);
  return { fakes, hash };
};
const approvals = async ({ ledger }: Fakes): Promise<Approval[]> =>
  (await ledger.getMigration(MIGRATION_ID))?.approvals ?? [];
const decide = (fakes: Fakes, change: Partial<ApprovalDecision> & { planHash: string }, by = APPROVER) =>
  decideApproval(MIGRATION_ID, { decision: 'approve', ...change }, by, fakes.dependencies);
const cancel = async ({ ledger, dependencies }: Fakes, by: object = {}) =>
  requestCancel(await ledger.getMigration(MIGRATION_ID), { migrationId: MIGRATION_ID, ...by }, dependencies);
/** The plan as it comes out once the world has changed. */
const replan = async (fakes: Fakes): Promise<string> => {
  const { plan } = aMigration({
    plan: aPlan({ found: 'c'.repeat(64) }),
    request: (await fakes.ledger.getMigration(MIGRATION_ID))!.request,
  });
  await fakes.ledger.recordPlan(MIGRATION_ID, plan!);
  return plan!.hash;
};

describe('a request for an approval', () => {
  it('notes what is to be approved until when, and that others are to be told, and shows the token to nobody', async () => {
    const { fakes, hash } = await plannedFakes({}, { approvalHours: 2 });
    expect(await ask(fakes, hash)).toEqual({ round: 1, expiresAt: at(2 * HOUR) });
    expect(await approvals(fakes)).toEqual([
      { round: 1, planHash: hash, state: 'pending', requestedAt: at(0), expiresAt: at(2 * HOUR) },
    ]);
    expect(await fakes.ledger.unsent(MIGRATION_ID)).toEqual(['approval-needed']);
    expect(await fakes.ledger.approvalToken(MIGRATION_ID, 1)).toBe('token');
    expect(
      JSON.stringify([
        await fakes.ledger.getFile(MIGRATION_ID),
        await fakes.ledger.listSteps(MIGRATION_ID),
        fakes.telemetry,
      ]),
    ).not.toContain('token');
  });
  it('that is tried again stands, under the token of the new attempt', async ({ given: { fakes, hash } }) => {
    fakes.clock.advance(60_000);
    expect(await ask(fakes, hash, 'second')).toEqual({ round: 1, expiresAt: at(24 * HOUR) });
    expect(await approvals(fakes)).toHaveLength(1);
    expect(await fakes.ledger.approvalToken(MIGRATION_ID, 1)).toBe('second');
  });
  it.each(faultCases(MOMENTS, ['ledger.putApproval', 'ledger.addOutboxEvent']))(
    'loses the connection at $call, $kind its effect, and is made once',
    async ({ call, kind }) => {
      const { fakes, hash } = await plannedFakes();
      fakes.journal.failNext(call, kind);
      await expectError(ask(fakes, hash, 'first'), 'ConnectionLost');
      await ask(fakes, hash, 'second');
      expect(await approvals(fakes)).toMatchObject([{ round: 1, state: 'pending' }]);
      expect(await fakes.ledger.unsent(MIGRATION_ID)).toEqual(['approval-needed']);
    },
  );
  it('of a plan that has changed is a new one, and nobody can approve the one before any more', async () => {
    const { fakes, hash } = await asked();
    const now = await replan(fakes);
    expect(await ask(fakes, now, 'second')).toMatchObject({ round: 2 });
    expect(await approvals(fakes)).toMatchObject([
      { round: 1, planHash: hash, state: 'withdrawn' },
      { round: 2, planHash: now, state: 'pending' },
    ]);
    expect(await fakes.ledger.unsent(MIGRATION_ID)).toEqual(['approval-needed', 'approval-needed.2']);
    expect(await decide(fakes, { planHash: hash })).toMatchObject({ refused: 'other-plan' });
    expect(await decide(fakes, { planHash: now })).toMatchObject({ approval: { round: 2, state: 'approved' } });
  });
  it('comes no later than the migration may wait', async () => {
    const { fakes, hash } = await plannedFakes({}, { approvalHours: 168 });
    const deadline = deadlineOf(aMigration());
    fakes.clock.advance(deadline - fakes.clock.now() - 60_000);
    expect(await ask(fakes, hash)).toMatchObject({ expiresAt: new Date(deadline).toISOString() });
    fakes.clock.advance(60_000);
    await expectError(ask(fakes, hash), 'ApprovalExpired', '30 days');
  });
  it('is not made of a plan that is not the one that was made', async () => {
    const { fakes } = await plannedFakes();
    await expectError(ask(fakes, 'd'.repeat(64)), 'BadInput');
    expect(await approvals(fakes)).toEqual([]);
  });
  it('is not made once the migration was cancelled', async () => {
    const { fakes, hash } = await plannedFakes();
    await fakes.ledger.requestCancel(MIGRATION_ID, { requestedAt: at(0) });
    const handler = createHandler(requestApprovalStep, fakes.dependencies);
    await expectError(handler({ ...input, planHash: hash, taskToken: 'token' }, CONTEXT), 'Cancelled');
    expect(await approvals(fakes)).toEqual([]);
  });
});

describe('a decision', () => {
  it('of approval lets the execution go on with that plan, and is recorded with who, when and why', async () => {
    const { fakes, hash } = await asked();
    fakes.clock.advance(1000);
    const expected = {
      round: 1,
      planHash: hash,
      state: 'approved',
      requestedAt: at(0),
      expiresAt: at(24 * HOUR),
      decidedBy: APPROVER,
      decidedAt: at(1),
      reason: 'looks right',
    };
    expect(await decide(fakes, { planHash: hash, reason: 'looks right' })).toEqual({ approval: expected, first: true });
    expect(fakes.executions.tasks.get('token')).toEqual({ output: { planHash: hash, decidedBy: APPROVER } });
    expect(await approvals(fakes)).toEqual([expected]);
  });
  it('of rejection ends it, and says by whom and why', async ({ given: { fakes, hash } }) => {
    await decide(fakes, { planHash: hash, decision: 'reject', reason: 'not today' });
    expect(fakes.executions.tasks.get('token')).toEqual({
      error: 'ApprovalRejected',
      cause: `The plan was rejected by ${APPROVER}: not today.`,
    });
    expect(await approvals(fakes)).toMatchObject([{ state: 'rejected', decidedBy: APPROVER }]);
  });

  const refusals: [string, string, (fakes: Fakes, hash: string) => ReturnType<typeof decide>][] = [
    ['of a plan that nobody made', 'other-plan', (fakes) => decide(fakes, { planHash: '0'.repeat(64) })],
    ['by its requester', 'barred', (fakes, planHash) => decide(fakes, { planHash }, REQUESTER)],
    ['too late', 'expired', (fakes, planHash) => (fakes.clock.advance(24 * HOUR * 1000), decide(fakes, { planHash }))],
    [
      'of a migration that there is not',
      'unknown',
      (fakes, planHash) =>
        decideApproval('01JD8Z5Q6R7S8T9V0W1X2Y3Z99', { decision: 'approve', planHash }, APPROVER, fakes.dependencies),
    ],
    [
      'of one that has ended',
      'not-waiting',
      async (fakes, planHash) => (
        await fakes.ledger.updateMigration(MIGRATION_ID, { status: 'ended', outcome: 'blocked' }),
        decide(fakes, { planHash })
      ),
    ],
  ];
  it.each(refusals)('%s is refused as %s, and changes nothing', async (_, refused, attempt) => {
    const { fakes, hash } = await asked();
    const before = await approvals(fakes);
    expect(await attempt(fakes, hash)).toMatchObject({ refused, why: expect.any(String) as string });
    expect([await approvals(fakes), fakes.executions.tasks.get('token')]).toEqual([before, 'waiting']);
  });
  it('of what nobody has asked about is refused', async () => {
    const { fakes, hash } = await plannedFakes();
    expect(await decide(fakes, { planHash: hash })).toMatchObject({ refused: 'not-waiting' });
  });
  it('is made once: another one, or another person, comes too late', async ({ given: { fakes, hash } }) => {
    await decide(fakes, { planHash: hash });
    expect(await decide(fakes, { planHash: hash, decision: 'reject' })).toMatchObject({
      refused: 'decided',
      why: containing(APPROVER),
    });
    expect(await decide(fakes, { planHash: hash }, 'arn:aws:iam::111122223333:user/carol')).toMatchObject({
      refused: 'decided',
    });
    expect(fakes.executions.tasks.get('token')).toMatchObject({ output: { planHash: hash } });
  });
  it('of several at once is one, and that is what the execution hears', async ({ given: { fakes, hash } }) => {
    const people = ['a', 'b', 'c', 'd'].map((name) => `arn:aws:iam::111122223333:user/${name}`);
    const answers = await Promise.all(
      people.map((by, index) =>
        decide(fakes, { planHash: hash, decision: index % 2 === 0 ? 'approve' : 'reject' }, by),
      ),
    );
    expect(answers.filter((answer) => 'approval' in answer)).toHaveLength(1);
    const [standing] = await approvals(fakes);
    expect(fakes.executions.tasks.get('token')).toMatchObject(
      standing?.state === 'approved' ? { output: { decidedBy: standing.decidedBy } } : { error: 'ApprovalRejected' },
    );
  });
  it.each(faultCases(MOMENTS, ['ledger.decideApproval', 'executions.completeTask']))(
    'whose call $call is lost, $kind its effect, can be said again, and is heard once',
    async ({ call, kind }) => {
      const { fakes, hash } = await asked();
      fakes.journal.failNext(call, kind);
      expect(await interruptedOnce(() => decide(fakes, { planHash: hash }))).toMatchObject({
        approval: { state: 'approved', decidedBy: APPROVER },
      });
      expect(fakes.executions.tasks.get('token')).toEqual({ output: { planHash: hash, decidedBy: APPROVER } });
    },
  );
  it('is of no use where the execution does not wait any more, and says so', async ({ given: { fakes, hash } }) => {
    fakes.executions.tasks.set('token', { error: 'States.Timeout', cause: '' });
    expect(await decide(fakes, { planHash: hash })).toMatchObject({ refused: 'expired' });
  });

  it.each([
    ['anyone', REQUESTER, true],
    ['another-session', REQUESTER, false],
    ['another-session', COLLEAGUE, true],
    ['another-role', COLLEAGUE, false],
    ['another-role', 'arn:aws:sts::111122223333:assumed-role/lead/ann', true],
  ] as const)('under the rule "%s" by %s: %s', async (approver, by, allowed) => {
    const { fakes, hash } = await asked();
    fakes.settings.approvals = { required: false, approver, allowUnknownRequester: false };
    expect('approval' in (await decide(fakes, { planHash: hash }, by))).toBe(allowed);
    // Who asked may still say no.
    const other = await asked();
    other.fakes.settings.approvals = { required: false, approver, allowUnknownRequester: false };
    expect(await decide(other.fakes, { planHash: other.hash, decision: 'reject' }, by)).toMatchObject({
      approval: { state: 'rejected' },
    });
  });
  it('is barred for the principal that made the denied call', async () => {
    const request = aRequest({ approval: 'required', requestedBy: `cloudtrail: ${REQUESTER}` });
    const requester = { requester: { source: 'cloudtrail', principal: REQUESTER }, request } as const;
    const { fakes, hash } = await asked({ requestedBy: request.requestedBy }, { requester });
    expect(await decide(fakes, { planHash: hash }, COLLEAGUE)).toMatchObject({ refused: 'barred' });
    expect(await decide(fakes, { planHash: hash })).toMatchObject({ approval: { state: 'approved' } });
  });
  it('of what nobody knows to have requested is barred, unless anybody may', async () => {
    const { fakes, hash } = await asked({}, { requester: undefined });
    expect(await decide(fakes, { planHash: hash })).toMatchObject({ refused: 'barred' });
    fakes.settings.approvals = { required: false, approver: 'anyone', allowUnknownRequester: false };
    expect(await decide(fakes, { planHash: hash })).toMatchObject({ approval: { state: 'approved' } });
  });
});

describe('an approval that is waited for', () => {
  it('ends when the migration is cancelled', async () => {
    const { fakes } = await asked();
    const answer = await cancel(fakes, { requestedBy: 'me', reason: 'a freeze' });
    expect(answer).toMatchObject({ cancelled: { first: true, begun: false, willEnd: 'blocked' } });
    expect(fakes.executions.tasks.get('token')).toEqual({
      error: 'Cancelled',
      cause:
        'The migration was cancelled at 2026-01-05T09:00:00.000Z by me ("a freeze"). It no longer waits for its approval. Nothing was changed.',
    });
  });
  it('ends when the migration is cancelled, even if it was decided but the execution was never notified', async () => {
    const { fakes, hash } = await asked();
    await fakes.ledger.decideApproval(MIGRATION_ID, {
      round: 1,
      planHash: hash,
      state: 'approved',
      decidedBy: 'an-approver',
      decidedAt: at(1),
    });
    await cancel(fakes);
    expect(fakes.executions.tasks.get('token')).toMatchObject({ error: 'Cancelled' });
  });
  it('that was given is not taken back by a cancel: the execution goes on, and reads it', async () => {
    const { fakes, hash } = await asked();
    await decide(fakes, { planHash: hash });
    const told = fakes.executions.tasks.get('token');
    await cancel(fakes);
    expect(fakes.executions.tasks.get('token')).toEqual(told);
  });
  it.each([
    [0, 'withdrawn'],
    [24 * HOUR, 'expired'],
  ])('is closed with the end of its migration: after %s s it is %s', async (seconds, state) => {
    const { fakes, hash } = await asked();
    fakes.clock.advance(seconds * 1000);
    await invoke(
      finishStep,
      { ...input, executionArn: EXECUTION, outcome: 'blocked', failure: { Error: 'ApprovalExpired', Cause: 'why' } },
      fakes,
    );
    expect([await approvals(fakes), await fakes.ledger.listPendingApprovals()]).toMatchObject([[{ state }], []]);
    expect(await fakes.ledger.unsent(MIGRATION_ID)).toEqual(['approval-needed', 'blocked']);
    expect(await decide(fakes, { planHash: hash })).toMatchObject({
      refused: state === 'expired' ? 'expired' : 'decided',
    });
  });
});
