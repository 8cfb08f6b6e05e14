/** Whole migrations over HTTP, from the request to the evidence from the pods. */
import { describe, expect, it } from 'vitest';
import {
  BODY,
  ended,
  HOURS,
  inApiWorld,
  leaksOf,
  migrationsIn,
  MINUTES,
  pending,
  SERVICE_ACCOUNT,
  until,
  WANTS_APPROVAL,
} from './api-world.ts';
import { ADDON } from './fixture.ts';

describe('a migration over HTTP', () => {
  it("goes from a plan, through another principal's approval, to pods on the new identity", async () =>
    inApiWorld({}, async ({ world, sandbox, ann, bob }) => {
      const before = world.readAddon(ADDON, SERVICE_ACCOUNT);
      const planId = await ann.plan();
      const planned = await ended(sandbox, ann, planId);
      expect(planned).toMatchObject({ outcome: 'planned', dryRun: true, requestedBy: ann.arn });
      const plan = await ann.shownPlan(planId);
      expect(plan).toMatchObject({
        outcome: 'planned',
        plan: { verdict: 'migrate' },
        links: { self: `/v1/plans/${planId}`, migration: `/v1/migrations/${planId}` },
      });
      expect(world.readAddon(ADDON, SERVICE_ACCOUNT)).toEqual(before);

      const id = await ann.migrate({ ...WANTS_APPROVAL, reason: 'IRSA goes' });
      expect(await ann.shown(id)).toMatchObject({ status: 'running', requestedBy: ann.arn, reason: 'IRSA goes' });
      const { planHash, shown } = await pending(sandbox, bob, id);
      expect(shown).toMatchObject({
        status: 'running',
        executionStatus: 'RUNNING',
        links: { approval: `/v1/migrations/${id}/approval`, cancel: `/v1/migrations/${id}/cancel` },
      });
      // The world has the state that was planned for.
      expect(planHash).toBe(plan.plan!.hash);
      await world.later(20 * MINUTES);
      expect([world.changes(), await world.backend.ledger.listHeldLocks()]).toEqual([[], []]);

      const decided = await bob.approve(id, planHash, 'approve', 'checked');
      expect(decided.approval).toMatchObject({ round: 1, state: 'approved', decidedBy: bob.arn, reason: 'checked' });
      expect(decided.links).not.toHaveProperty('approval');
      const end = await ended(sandbox, ann, id);
      expect(end).toMatchObject({
        outcome: 'migrated',
        verified: 'ready',
        approvals: [{ state: 'approved', decidedBy: bob.arn }],
        links: { rollback: `/v1/migrations/${id}/rollback` },
      });
      expect(end.verification.pods.length).toBeGreaterThan(0);
      const own = end.verification.pods.filter(({ serviceAccount }) => serviceAccount === SERVICE_ACCOUNT);
      const { pods } = world.readAddon(ADDON, SERVICE_ACCOUNT) as { pods: string[] };
      for (const identities of [own.map(({ identity }) => identity), pods])
        expect(new Set(identities)).toEqual(new Set(['pod-identity']));
      await world.later(3 * MINUTES);
      expect(await leaksOf({ world, sandbox }, id, [ann, bob])).toEqual([]);
      const listed = async (query: Record<string, string>): Promise<unknown> =>
        JSON.parse((await ann.ask('GET', '/migrations', { query: { cluster: BODY.target.cluster, ...query } })).text);
      const [migration, dryRun] = [
        { migrationId: id, outcome: 'migrated' },
        { migrationId: planId, outcome: 'planned' },
      ];
      expect(await listed({})).toMatchObject({ migrations: [migration] });
      expect(await listed({ dryRun: 'any', ...BODY.target })).toMatchObject({ migrations: [migration, dryRun] });
      expect(await listed({ dryRun: 'true', outcome: 'planned' })).toMatchObject({ migrations: [dryRun] });

      const first = (await listed({ dryRun: 'any', limit: '1' })) as { next: string };
      expect(first).toMatchObject({ migrations: [migration] });
      const { next } = first;
      expect(await listed({ dryRun: 'any', next })).toEqual({ migrations: [expect.objectContaining(dryRun)] });
      for (const [where, query] of [
        ['/sweeps', {}],
        ['/migrations', { cluster: BODY.target.cluster }],
      ] as const) {
        const refused = await ann.ask('GET', where, { query: { ...query, next } });
        expect(refused.status).toBe(400);
        expect(JSON.parse(refused.text)).toMatchObject({ code: 'invalid-request', errors: [{ field: 'query.next' }] });
      }
    }));

  it('ends blocked if the plan is rejected, with the approver and the reason', () =>
    inApiWorld({}, async ({ world, sandbox, ann, bob }) => {
      const id = await ann.migrate(WANTS_APPROVAL);
      const { planHash } = await pending(sandbox, bob, id);
      await bob.approve(id, planHash, 'reject', 'not on a Friday');
      const end = await ended(sandbox, ann, id);
      expect(end).toMatchObject({
        outcome: 'blocked',
        failure: { name: 'ApprovalRejected' },
        approvals: [{ state: 'rejected', decidedBy: bob.arn, reason: 'not on a Friday' }],
      });
      expect(end.failure!.message).toContain('not on a Friday');
      await bob.refusedDecision(id, planHash);
      expect([world.changes(), await world.backend.ledger.listHeldLocks()]).toEqual([[], []]);
      expect(await leaksOf({ world, sandbox }, id, [ann, bob])).toEqual([]);
    }));

  it('ends blocked if no decision is made in time, and not before', () =>
    inApiWorld({}, async ({ world, sandbox, ann, bob }) => {
      const id = await ann.migrate({ ...WANTS_APPROVAL, approvalHours: 1 });
      const { planHash, shown } = await pending(sandbox, bob, id);
      const [asked] = shown.approvals;
      expect(Date.parse(asked!.expiresAt) - Date.parse(asked!.requestedAt)).toBe(HOURS);
      await world.later(HOURS - 2 * MINUTES);
      expect(await bob.shown(id)).toMatchObject({ status: 'running', approvals: [{ state: 'pending' }] });
      const end = await ended(sandbox, ann, id);
      expect(end).toMatchObject({
        outcome: 'blocked',
        failure: { name: 'ApprovalExpired' },
        approvals: [{ state: 'expired' }],
      });
      expect(end.approvals[0]).not.toHaveProperty('decidedBy');
      expect((await bob.refusedDecision(id, planHash)).detail).toContain('expired');
      expect([world.changes(), await leaksOf({ world, sandbox }, id, [ann, bob])]).toEqual([[], []]);
    }));

  it('is planned again if the add-on was changed meanwhile: the approver of the old plan is asked about the new one', () =>
    inApiWorld({}, async ({ world, sandbox, ann, bob }) => {
      const id = await ann.migrate(WANTS_APPROVAL);
      const { planHash: old } = await pending(sandbox, bob, id);
      await world.reconfigure(ADDON, '{"controller":{"replicaCount":3}}');
      await bob.approve(id, old);
      const { planHash, shown } = await pending(sandbox, bob, id, 2);
      expect(planHash).not.toBe(old);
      expect(shown.approvals).toMatchObject([
        { state: 'approved', planHash: old },
        { state: 'pending', planHash },
      ]);
      expect(shown.plan!.hash).toBe(planHash);
      const refused = await bob.refusedDecision(id, old);
      expect(refused).toMatchObject({ status: 409, errors: [{ field: 'body.planHash' }] });
      expect(refused.detail).toContain(planHash);
      await world.later(20 * MINUTES);
      expect([world.changes(), (await bob.shown(id)).status]).toEqual([[], 'running']);
      await bob.approve(id, planHash);
      expect(await ended(sandbox, ann, id)).toMatchObject({ outcome: 'migrated', verified: 'ready' });
      expect(world.readAddon(ADDON, SERVICE_ACCOUNT)).toMatchObject({
        addon: { configurationValues: '{"controller":{"replicaCount":3}}' },
      });
      await world.later(3 * MINUTES);
      expect(sandbox.world.events.map(({ detail }) => (detail as { eventId: string }).eventId)).toEqual(
        ['approval-needed', 'approval-needed.2', 'started', 'migrated'].map((type) => `${id}#${type}`),
      );
      expect(await leaksOf({ world, sandbox }, id, [ann, bob])).toEqual([]);
    }));

  it('cannot be approved by its requester, but can be rejected by them', () =>
    inApiWorld({}, async ({ world, sandbox, ann, bob }) => {
      const id = await ann.migrate(WANTS_APPROVAL);
      const { planHash } = await pending(sandbox, ann, id);
      expect(await ann.refusedDecision(id, planHash, 'approve', 'not-allowed-to-approve')).toMatchObject({
        status: 403,
        detail: 'The requester of a migration may not approve it, and this is the same role.',
      });
      expect((await bob.shown(id)).approvals).toMatchObject([{ state: 'pending' }]);
      await ann.approve(id, planHash, 'reject');
      expect(await ended(sandbox, ann, id)).toMatchObject({
        outcome: 'blocked',
        approvals: [{ state: 'rejected', decidedBy: ann.arn }],
      });
      expect(world.changes()).toEqual([]);
    }));

  it('is rolled back over HTTP once it is over, and only once', async () =>
    inApiWorld({}, async ({ world, sandbox, ann, bob }) => {
      const before = world.readAddon(ADDON, SERVICE_ACCOUNT);
      const id = await ann.migrate();
      await until(sandbox, ann, id, ({ step }) => step !== undefined);
      await ann.refused('no-rollback', 'POST', `/migrations/${id}/rollback`, { body: {} });
      expect(await ended(sandbox, ann, id)).toMatchObject({ outcome: 'migrated' });
      expect(world.readAddon(ADDON, SERVICE_ACCOUNT)).not.toEqual(before);
      const { rollback } = await bob.rollBack(id, 'the new role lacks kms:Decrypt');
      // Shown from the answer until the end: a client that waits for the end needs no more.
      const first = await bob.shown(id);
      expect(first).toMatchObject({ status: 'rolling-back', rollback: { id: rollback.id, after: 'migrated' } });
      for (const field of ['outcome', 'endedAt']) expect(first).not.toHaveProperty(field);
      expect(await ended(sandbox, bob, id)).toMatchObject({
        status: 'ended',
        outcome: 'rolled-back',
        verified: 'injected',
        rollback: {
          id: rollback.id,
          state: 'ended',
          outcome: 'rolled-back',
          requestedBy: bob.arn,
          reason: 'the new role lacks kms:Decrypt',
        },
      });
      expect(world.readAddon(ADDON, SERVICE_ACCOUNT)).toEqual(before);
      await bob.refused('no-rollback', 'POST', `/migrations/${id}/rollback`, { body: {} });
      expect(migrationsIn({ world, sandbox })).toHaveLength(1);
      expect(sandbox.executions.list(world.backend.recoverStateMachineArn)).toHaveLength(1);
    }));
});
