/**
 * Migrations of one subject at the same time: one begins, and later requests are refused before anything is started.
 */
import { describe, expect, it } from 'vitest';
import { atOnce, BODY, ended, inApiWorld, migrationsIn, until } from './api-world.ts';
import { ADDON } from './fixture.ts';
import { containing } from '../lambdas/matchers.ts';

describe('migrations of one add-on', () => {
  it('sent twenty at a time: one begins, and the others end blocked with its link', () =>
    inApiWorld({}, async ({ world, sandbox, ann }) => {
      const ids = await atOnce(
        sandbox,
        Array.from({ length: 20 }, (_, n) => () => ann.migrate({ ...BODY, reason: `number ${n}` })),
      );
      expect(new Set(ids).size).toBe(20);
      await world.rest();
      const all = await Promise.all(ids.map((id) => ann.shown(id)));
      const [first, ...others] = all.filter(({ outcome }) => outcome !== 'blocked');
      expect([first?.outcome, others]).toEqual(['migrated', []]);
      const holder = `/v1/migrations/${first!.migrationId}`;
      for (const { outcome, failure, links } of all.filter((one) => one !== first))
        expect({ outcome, failure: failure?.name, holder: links.holder }).toEqual({
          outcome: 'blocked',
          failure: 'SubjectBusy',
          holder,
        });
    }));

  it('are refused with the link of the one that has begun, by the API and by the command line', async () =>
    inApiWorld({}, async ({ world, sandbox, ann, bob }) => {
      const id = await ann.migrate();
      await until(sandbox, ann, id, ({ steps }) => steps.some(({ name }) => name === 'begin'));
      const started = migrationsIn({ world, sandbox }).length;
      expect(await bob.refused('subject-busy', 'POST', '/migrations', { body: BODY })).toMatchObject({
        status: 409,
        detail: containing(`Migration ${id} has held the lock`),
        links: { holder: `/v1/migrations/${id}` },
      });
      await expect(world.migrateAndFollow({ addon: ADDON })).rejects.toMatchObject({
        name: 'SubjectBusy',
        hint: containing(`pod-identity show ${id}`),
      });
      // The sender of the running migration gets the same answer as before, and a plan changes nothing.
      expect(await ann.migrate()).toBe(id);
      expect(migrationsIn({ world, sandbox })).toHaveLength(started);
      await bob.plan();
      expect(await ended(sandbox, ann, id)).toMatchObject({ outcome: 'migrated' });
      // The refusal reserved nothing, and the same request is accepted now.
      expect(await ended(sandbox, bob, await bob.migrate())).toMatchObject({ outcome: 'already-migrated' });
      await world.rest();
    }));
});
