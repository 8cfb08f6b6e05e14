/** Checkers of promises, held against runs of which something has been taken away. */
import { beforeAll, describe, expect, it } from 'vitest';
import { ensureAssembly } from '../../cli/assembly.ts';
import { nothingElse } from './change-promises.ts';
import { simulate, type RunResult } from './run.ts';
import type { RunSpec } from './spec.ts';
import { outcomesArePublished } from './telling-promises.ts';

let assembly = '';
beforeAll(async () => {
  assembly = (await ensureAssembly()).directory;
});

/**
 * It ends migrated; a rollback on demand then needs a person, and the one that the commands end with is done. Then
 * another migration of the add-on is planned.
 */
const TWICE: RunSpec = {
  scenario: 'in-place',
  seed: 1,
  faults: [],
  rollBack: true,
  actor: { afterCall: 200, does: 'update-version' },
};
const typesOf = ({ sandbox }: RunResult): string[] =>
  sandbox.world.events.flatMap(({ source, detail }) => {
    const { type, eventId } = detail as { type?: string; eventId?: string };
    return source.startsWith('aws.') || !eventId || !type ? [] : [type];
  });

describe('outcomes-are-told', () => {
  it('knows each end of a migration that ends several times', async () => {
    const result = await simulate(TWICE, assembly);
    expect(typesOf(result)).toEqual(['started', 'migrated', 'needs-human', 'rolled-back', 'planned']);
    expect(await outcomesArePublished.broken(result)).toEqual([]);
  });

  it('misses the end that nobody was told of, whichever it is', async () => {
    for (const missing of ['migrated', 'needs-human', 'rolled-back']) {
      const result = await simulate(TWICE, assembly);
      const { events } = result.sandbox.world;
      const index = events.findLastIndex(({ detail }) => (detail as { type?: string }).type === missing);
      events.splice(index, 1);
      const { migrationId } = result.migrations[0]!;
      expect(new Set(await outcomesArePublished.broken(result))).toEqual(
        new Set([`${migrationId} ended ${missing}, and nobody was told`]),
      );
    }
  });

  it('knows an end that neither the record nor a line of a step has any more', async () => {
    const result = await simulate({ ...TWICE, actor: { afterCall: 200, does: 'give-other-role' } }, assembly);
    expect(typesOf(result)).toEqual(['started', 'migrated', 'needs-human', 'rolled-back', 'planned']);
    const { ledger } = result;
    const { migrationId } = result.migrations[0]!;
    const lines = await ledger.listSteps(migrationId);
    const forgetful = {
      ...result,
      ledger: Object.assign(Object.create(ledger) as typeof ledger, {
        listSteps: async () => lines.filter(({ name }) => name !== 'finish'),
      }),
    };
    expect(await outcomesArePublished.broken(forgetful)).toEqual([]);
  });
});

describe('nothing-else-changes', () => {
  it('compares the fields that others own, by value and by owner', async () => {
    const result = await simulate({ scenario: 'user-modified-fields', seed: 1, faults: [] }, assembly);
    expect(await nothingElse.broken(result)).toEqual([]);
    const [[field, was]] = [...result.before.thirdPartyFields] as [[string, { manager: string; value: string }]];
    const broken = (change: Partial<typeof was>) =>
      nothingElse.broken({
        ...result,
        before: { ...result.before, thirdPartyFields: new Map([[field, { ...was, ...change }]]) },
      });
    expect(field).toContain('ebs-csi-controller');
    expect(await broken({})).toEqual([]);
    expect(await broken({ value: '7' })).toEqual([expect.stringContaining(`${field} was 7 of ${was.manager}`)]);
    expect(await broken({ manager: 'helm' })).toHaveLength(1);
  });
});
