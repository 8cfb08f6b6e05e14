/** Tests that the API returns names of closed sets and links for ids, whatever texts a record has. */
import { describe, expect, it } from 'vitest';
import { relatedIn } from '../../../lambdas/api/links.ts';
import type { Failure } from '../../../lambdas/domain/terms/outcome.ts';
import type { Fakes } from '../fakes.ts';
import { aMigration, aPlan, at, MIGRATION_ID, OTHER_MIGRATION_ID } from '../fixtures.ts';
import { newFakes, send } from './gateway.ts';

const SELF = `/v1/migrations/${MIGRATION_ID}`;
const OTHER = `/v1/migrations/${OTHER_MIGRATION_ID}`;

async function withFailure(failure: Failure): Promise<Fakes> {
  const fakes = newFakes();
  await fakes.ledger.putMigration(aMigration({ plan: aPlan(), failure }));
  const line = { name: 'verify-pods.2-3', startedAt: at(1), endedAt: at(2), result: '{}' };
  await fakes.ledger.recordStep(MIGRATION_ID, line);
  return fakes;
}

describe('a migration', () => {
  it('has a step and a failure of the closed sets, and links to what its sentences name', async () => {
    const held = `Migration ${OTHER_MIGRATION_ID} has held the lock since ${at(0)}.`;
    const fakes = await withFailure({ name: 'LockHeld', message: held });
    expect((await send(fakes, { method: 'GET', path: `/migrations/${MIGRATION_ID}` })).body).toMatchObject({
      step: 'verify-pods',
      steps: [{ name: 'verify-pods.2-3' }],
      failure: { name: 'LockHeld', message: held },
      links: { self: SELF, related: [OTHER] },
    });
    expect((await send(fakes, { method: 'GET', path: `/plans/${MIGRATION_ID}` })).body).toMatchObject({
      failure: { name: 'LockHeld' },
      links: { self: `/v1/plans/${MIGRATION_ID}`, migration: SELF, related: [OTHER] },
    });
  });

  it('has no more of an error that nobody knows than its message, and no link to itself', async () => {
    const fakes = await withFailure({ name: 'TypeError', message: `Migration ${MIGRATION_ID} broke` });
    for (const path of [`/migrations/${MIGRATION_ID}`, `/plans/${MIGRATION_ID}`]) {
      const { body } = await send(fakes, { method: 'GET', path });
      expect(body).toMatchObject({
        failure: { name: 'Unexpected', message: `TypeError: Migration ${MIGRATION_ID} broke` },
      });
      expect(body).not.toHaveProperty('links.related');
    }
  });
});

describe('ids in sentences', () => {
  it('are links, each once: of migrations and of sweeps', () => {
    const texts = [
      `Migration ${OTHER_MIGRATION_ID} works with the role; sweep ${MIGRATION_ID} began it.`,
      undefined,
      `It waits for migration ${OTHER_MIGRATION_ID}.`,
    ];
    expect(relatedIn(texts, '/v1')).toEqual([OTHER, `/v1/sweeps/${MIGRATION_ID}`]);
  });
  it('are not what only looks like one', () => {
    for (const text of ['migration x', `execution ${MIGRATION_ID}`, `migration ${MIGRATION_ID}0`, 'migration '])
      expect(relatedIn([text], '')).toEqual([]);
  });
  it('are not more than anybody follows', () => {
    const many = Array.from({ length: 50 }, (_, n) => `migration ${MIGRATION_ID.slice(0, -2)}${10 + n}`);
    expect(relatedIn(many, '')).toHaveLength(20);
  });
});
