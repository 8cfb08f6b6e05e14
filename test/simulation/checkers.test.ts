/** Tests that the promises' checkers notice when something is missing from a run. */
import { beforeAll, describe, expect, it } from 'vitest';
import { ensureAssembly } from '../../cli/assembly.ts';
import { nothingElse, thirdPartiesRespected } from './change-promises.ts';
import { neverLost } from './end-promises.ts';
import { workingPodsAreKept } from './ready-promises.ts';
import { simulate, type RunResult } from './run.ts';
import type { RunSpec } from './spec.ts';
import { outcomesArePublished } from './telling-promises.ts';

let assembly = '';
beforeAll(async () => void (assembly = (await ensureAssembly()).directory));

/**
 * The migration ends migrated; then a rollback on demand needs a person, and the rollback that ends the restore commands
 * succeeds. Then another migration of the add-on is planned.
 */
const TWICE: RunSpec = {
  scenario: 'in-place',
  seed: 1,
  faults: [],
  rollBack: true,
  actor: { afterCall: 250, does: 'update-version' },
};
const typesOf = ({ sandbox }: RunResult): string[] =>
  sandbox.world.events.flatMap(({ source, detail }) => {
    const { type, eventId } = detail as { type?: string; eventId?: string };
    return source.startsWith('aws.') || !eventId || !type ? [] : [type];
  });

describe('outcomes-are-published', () => {
  it('recognizes each end of a migration that ends several times', async () => {
    const result = await simulate(TWICE, assembly);
    expect(typesOf(result)).toEqual(['started', 'migrated', 'needs-human', 'rolled-back', 'planned']);
    expect(await outcomesArePublished.broken(result)).toEqual([]);
  });

  it('reports the end that was not published, whichever it is', async () => {
    const result = await simulate(TWICE, assembly);
    const { events } = result.sandbox.world;
    const { migrationId } = result.migrations[0]!;
    for (const missing of ['migrated', 'needs-human', 'rolled-back']) {
      const index = events.findLastIndex(({ detail }) => (detail as { type?: string }).type === missing);
      const removed = events.splice(index, 1);
      expect(new Set(await outcomesArePublished.broken(result))).toEqual(
        new Set([`${migrationId} ended ${missing} without an event`]),
      );
      events.splice(index, 0, ...removed);
    }
  });

  it("recognizes an end that neither the record nor a step's line shows any more", async () => {
    const result = await simulate({ ...TWICE, actor: { afterCall: 250, does: 'give-other-role' } }, assembly);
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

it('nothing-else-changes compares third-party fields by value and by owner', async () => {
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
  expect(await broken({ value: '7' })).toEqual([expect.stringContaining(`${field} was 7, owned by ${was.manager}`)]);
  expect(await broken({ manager: 'helm' })).toHaveLength(1);
});

it.each([
  [false, 'migrated', 1],
  [true, 'rolled-back', 0],
])(
  'working-pods-are-kept takes an old SDK that only logs for harmless unless pods wait for credentials (%s)',
  async (waits, end, alarms) => {
    const pods = { oldSdk: { container: 'first', without: 'logs' } } as const;
    const knobs = { podsWaitForCredentials: waits };
    const result = await simulate({ scenario: 'in-place', seed: 1, faults: [], pods, knobs }, assembly);
    const [migration] = result.migrations;
    expect([migration?.record?.outcome, await workingPodsAreKept.broken(result)]).toEqual([end, []]);
    migration!.record!.outcome = 'rolled-back';
    expect(await workingPodsAreKept.broken(result)).toHaveLength(alarms);
  },
);

it('a third party can give the association another role, which the service notices', async () => {
  const result = await simulate(
    { scenario: 'service-account', seed: 1, faults: [], actor: { afterCall: 130, does: 'repoint' } },
    assembly,
  );
  expect([result.actor?.accepted, result.migrations[0]?.record?.outcome]).toEqual([true, 'rolled-back']);
});

it('a third party has replaced the add-on only once its create is accepted', async () => {
  const [knobs, actor] = [{ deleteStaleSeconds: 0 }, { afterCall: 66, does: 'replace' as const }];
  const result = await simulate({ scenario: 'preserve', seed: 1, faults: [], knobs, actor }, assembly);
  const [ours, theirs] = result.sandbox.world.log.calls.filter(({ operation }) => operation === 'CreateAddon');
  expect([ours?.status, theirs?.status, await thirdPartiesRespected.broken(result)]).toEqual([200, 409, []]);
  Object.assign(theirs!, { n: ours!.n - 0.5, status: 200 });
  expect(await thirdPartiesRespected.broken(result)).toHaveLength(1);
});

it('a third party finishes before the run is judged, also after the restore commands', async () => {
  const faults = [
    { kind: 'not-found', call: 1, step: 'create-addon', operation: 'CreateAddon', persists: true } as const,
    { kind: 'not-found', call: 1, step: 'assess-rollback', operation: 'DescribeAddon', persists: true } as const,
  ];
  const [knobs, actor] = [{ addonDeleteSeconds: 90 }, { afterCall: 284, does: 'replace' as const }];
  const result = await simulate({ scenario: 'preserve', seed: 1, faults, knobs, actor }, assembly);
  expect([result.actor?.accepted, await neverLost.broken(result)]).toEqual([true, []]);
});
