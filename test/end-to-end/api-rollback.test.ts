/**
 * A rollback through the API as an operation that can be followed: accepted once, started in any case, and always
 * visible.
 */
import { DeleteAddonCommand } from '@aws-sdk/client-eks';
import { describe, expect, it } from 'vitest';
import { atOnce, ended, inApiWorld, MINUTES, problemIn } from './api-world.ts';
import { ADDON, TARGET } from './fixture.ts';
import { containing } from '../lambdas/matchers.ts';

describe('a rollback over HTTP', () => {
  it('is started once for twenty simultaneous requests, and the other nineteen are referred to it', () =>
    inApiWorld({}, async ({ world, sandbox, ann, bob }) => {
      const id = await ann.migrate();
      expect(await ended(sandbox, ann, id)).toMatchObject({ outcome: 'migrated' });
      const answers = await atOnce(
        sandbox,
        Array.from({ length: 20 }, (_, n) => () => {
          const headers = { 'idempotency-key': `back-${n}` };
          return bob.ask('POST', `/migrations/${id}/rollback`, { body: {}, headers });
        }),
      );
      expect(answers.filter(({ status }) => status === 202)).toHaveLength(1);
      for (const answer of answers.filter(({ status }) => status !== 202))
        expect(problemIn(answer, 'rolling-back').links).toEqual({ self: `/v1/migrations/${id}` });
      expect(await ended(sandbox, ann, id)).toMatchObject({ outcome: 'rolled-back', rollback: { state: 'ended' } });
      await world.rest();
      const [only, ...others] = sandbox.executions.list(world.backend.recoverStateMachineArn);
      expect([only?.status, others]).toEqual(['SUCCEEDED', []]);
    }));

  it('is carried out if the function that accepted it stops before its execution is started', async () => {
    const faults = [{ kind: 'crash-before', step: 'api', operation: 'StartExecution', call: 2 }] as const;
    await inApiWorld({ faults: [...faults] }, async ({ world, sandbox, ann, bob }) => {
      const id = await ann.migrate();
      expect(await ended(sandbox, ann, id)).toMatchObject({ outcome: 'migrated' });
      expect((await bob.ask('POST', `/migrations/${id}/rollback`, { body: {} })).status).toBeGreaterThanOrEqual(500);
      expect(await bob.shown(id)).toMatchObject({ status: 'rolling-back', rollback: { state: 'requested' } });
      expect(sandbox.executions.list(world.backend.recoverStateMachineArn)).toEqual([]);
      // The request is not sent again.
      expect(await ended(sandbox, bob, id)).toMatchObject({ outcome: 'rolled-back', rollback: { state: 'ended' } });
      await world.rest();
    });
  });

  it('that is refused is shown with the previous end', () =>
    inApiWorld({}, async ({ world, sandbox, ann, bob }) => {
      const id = await ann.migrate();
      const before = await ended(sandbox, ann, id);
      const eks = sandbox.clients().eks();
      await eks.send(new DeleteAddonCommand({ clusterName: TARGET.cluster, addonName: ADDON }));
      await world.later(10 * MINUTES);
      await bob.rollBack(id);
      const { outcome, endedAt, rollback, links } = await ended(sandbox, bob, id);
      expect({ outcome, endedAt }).toEqual({ outcome: 'migrated', endedAt: before.endedAt });
      expect(rollback).toMatchObject({
        state: 'refused',
        error: { name: 'RollbackRefused', message: containing('another principal has deleted') },
        next: containing(id),
      });
      expect(links).toHaveProperty('rollback');
      await world.rest();
    }));
});
