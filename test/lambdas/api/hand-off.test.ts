/** GET /migrations/{id}/hand-off, and the same document in the other answers. */
import { describe, expect, it } from 'vitest';
import { handOffAnswer } from '../../../lambdas/api/hand-off-answer.ts';
import { renderHandOff } from '../../../lambdas/domain/hand-off/formats/index.ts';
import { HAND_OFF_FORMATS } from '../../../lambdas/domain/terms/hand-off.ts';
import { handOffOf } from '../../../lambdas/domain/hand-off/of-record.ts';
import type { Migration } from '../../../lambdas/domain/record/migration.ts';
import type { Fakes } from '../fakes.ts';
import { MIGRATION_ID, OTHER_MIGRATION_ID } from '../fixtures.ts';
import { newFakes, problemIn, send } from './gateway.ts';
import { ended, self, show, withMigration } from './with-migration.ts';

const ask = (fakes: Fakes, query?: Record<string, string>, id = MIGRATION_ID) =>
  send(fakes, { method: 'GET', path: `/migrations/${id}/hand-off`, ...(query ? { query } : {}) });

describe('GET /migrations/{id}/hand-off', () => {
  it('has the document, and text only for a format', async () => {
    const fakes = await withMigration(ended('migrated'));
    const handOff = handOffOf((await fakes.ledger.getMigration(MIGRATION_ID))!)!;
    const { status, body } = await ask(fakes);
    expect(status).toBe(200);
    expect(handOffAnswer.strict().parse(body)).toEqual({
      migrationId: MIGRATION_ID,
      handOff,
      links: { self: `${self}/hand-off`, migration: self, plan: `/v1/plans/${MIGRATION_ID}` },
    });
    for (const format of HAND_OFF_FORMATS)
      expect((await ask(fakes, { format })).body).toMatchObject({ format, text: renderHandOff(handOff, format) });
    expect(fakes.journal.mutations()).toEqual([]);
  });

  it('is the same as in the answers about the migration and its plan, which link to it', async () => {
    for (const record of [ended('migrated'), ended('rolled-back'), ended('planned'), { status: 'running' as const }]) {
      const fakes = await withMigration(record);
      const { handOff } = (await ask(fakes)).body as { handOff: object };
      for (const { body } of [await show(fakes), await send(fakes, { method: 'GET', path: `/plans/${MIGRATION_ID}` })])
        expect(body).toMatchObject({ handOff, links: { handOff: `${self}/hand-off` } });
    }
  });

  it.each<[string, Partial<Migration>, RegExp]>([
    ['has no plan yet', { status: 'running', plan: undefined }, /has no plan yet: ask again/],
    ['is being rolled back', { ...ended('migrated'), status: 'rolling-back' }, /is being rolled back: ask again/],
    ['needs a person', ended('needs-human'), /run its restore commands first/],
    ['changed nothing', ended('blocked'), /ended blocked: it changed nothing/],
  ])('refuses one that %s', async (_, record, detail) => {
    const fakes = await withMigration(record);
    const problem = problemIn(await ask(fakes), 'no-hand-off');
    expect(problem).toMatchObject({ status: 409, links: { self } });
    expect(problem.detail).toMatch(detail);
    expect((await show(fakes)).body).not.toHaveProperty('handOff');
    expect((await show(fakes)).body).not.toHaveProperty('links.handOff');
  });

  it('refuses an unknown format and an unknown migration', async () => {
    const fakes = await withMigration(ended('migrated'));
    expect(problemIn(await ask(fakes, { format: 'bicep' }), 'invalid-request')).toMatchObject({
      errors: [{ field: 'query.format' }],
    });
    problemIn(await ask(newFakes(), undefined, OTHER_MIGRATION_ID), 'unknown-migration');
  });
});
