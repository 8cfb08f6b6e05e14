/**
 * A migration with the Terraform code of its owner: what `hand-off check` and `hand-off patch` say of that code, judged
 * by what an apply of it would do to the account.
 */
import { expect } from 'vitest';
import { applyEdits, patchTerraform } from '../../cli/hand-off/terraform/index.ts';
import type { CodeFile } from '../../cli/hand-off/terraform/model.ts';
import { CliError } from '../../cli/errors.ts';
import { silentProgress } from '../../cli/progress.ts';
import { retireAndFollow } from '../../cli/service/retire.ts';
import type { HandOff } from '../../lambdas/domain/terms/hand-off.ts';
import type { MigrationReport } from '../../lambdas/domain/record/migration.ts';
import { portsOf } from '../../lambdas/runtime/wiring.ts';
import { readFoundHandOff } from '../../lambdas/use-cases/hand-off/read-found.ts';
import { readHcl } from '../lambdas/domain/hand-off/formats/hcl-reader.ts';
import { codeOf, type Form } from './terraform-code.ts';
import { adopted, planOf, type State } from './terraform-plan.ts';
import { type Asked, inWorld, type OpenWorld } from './world.ts';

/** The exit code of `hand-off check`, and the files after `hand-off patch --write`. */
export interface Judged {
  exitCode: 0 | 3;
  after: CodeFile[];
  /** What is left to a person. */
  left: string[];
}

export async function judge(files: readonly CodeFile[], handOff: HandOff | undefined): Promise<Judged> {
  if (handOff === undefined) throw new Error('There is no hand-off.');
  const { edits, findings } = await patchTerraform(files, handOff);
  const left = findings.filter(({ result }) => result === 'left').map(({ what }) => what);
  // A change that is told is one that is made: the exit code depends on it.
  expect(findings.some(({ result }) => result === 'changed')).toBe(edits.length > 0);
  return { exitCode: edits.length + left.length === 0 ? 0 : 3, after: applyEdits(files, edits), left };
}

/** Returns the hand-off of `--cluster` and `--addon`, without a migration. */
const found = (world: OpenWorld, { addon, serviceAccount }: Asked): Promise<HandOff | undefined> => {
  const { eks } = portsOf(world.backend.sandbox.clients(undefined, world.target.region), world.target);
  return readFoundHandOff(eks, world.target, { addon, serviceAccount });
};

const operations = (files: readonly CodeFile[], state: State, world: OpenWorld): string[] =>
  planOf(files, state, world).calls.map(({ operation }) => operation);

/** Returns the blocks that define the add-on, without comments and formatting. */
const addonBlocks = (files: readonly CodeFile[]): unknown =>
  files
    .flatMap(({ text }) => readHcl(text))
    .filter(({ type, labels: [first] }) => type === 'module' || first === 'aws_eks_addon')
    .map(({ attributes, ...one }) => ({
      ...one,
      attributes: [...attributes].toSorted(([a], [b]) => (a < b ? -1 : 1)),
    }));

interface Started {
  world: OpenWorld;
  asked: Asked;
  original: CodeFile[];
  state: State;
  /** What the add-on had before the migration. */
  before: { role: string | undefined; associationIds: readonly string[] };
}

/** Code that matches is one of which an apply makes no call, and which is not patched again. */
const expectMatch = async ({ world }: Started, files: CodeFile[], state: State, handOff: HandOff | undefined) => {
  expect(await judge(files, handOff)).toEqual({ exitCode: 0, after: files, left: [] });
  expect(planOf(files, state, world).calls).toEqual([]);
};

/** Patches code that does not match. Returns the code that does, and the state after its apply. */
const patched = async (
  started: Started,
  files: CodeFile[],
  state: State,
  handOff: HandOff | undefined,
): Promise<{ files: CodeFile[]; state: State }> => {
  const { exitCode, after, left } = await judge(files, handOff);
  expect({ exitCode, left }).toEqual({ exitCode: 3, left: [] });
  await expectMatch(started, after, state, handOff);
  return { files: after, state: planOf(after, state, started.world).state };
};

/** What an apply of the old code would do after the migration: all of it silently, but for the associations. */
const reverting = ({ asked, state }: Started, { handOff }: MigrationReport): string[] => {
  const managed = new Set(state.values());
  const removed = handOff!.associations.filter(({ action, id = '' }) => action === 'remove' && managed.has(id));
  return [
    ...(asked.addon === undefined ? [] : ['UpdateAddon']),
    ...removed.map(() => 'CreatePodIdentityAssociation'),
    ...handOff!.trust.map(() => 'UpdateAssumeRolePolicy'),
    ...(asked.annotation === 'remove' ? ['kubernetes: annotate'] : []),
  ];
};

const started = (world: OpenWorld, asked: Asked, form: Form): Started => {
  const original = codeOf(world, asked, form);
  const state = adopted(original, world);
  expect(planOf(original, state, world).calls).toEqual([]);
  const { serviceAccountRoleArn: role, associationIds = [] } = world.cluster.addons.get(asked.addon ?? '') ?? {};
  return { world, asked, original, state, before: { role, associationIds } };
};

const migrated = async (world: OpenWorld, asked: Asked): Promise<MigrationReport> => {
  const report = await world.migrate(asked);
  expect(report.outcome).toBe('migrated');
  return report;
};

/** Patches the code after the migration. */
const followed = async (story: Started, report: MigrationReport): Promise<{ files: CodeFile[]; state: State }> => {
  const { world, asked, original, state, before } = story;
  const { calls } = planOf(original, state, world);
  expect(calls.map(({ operation }) => operation)).toEqual(reverting(story, report));
  if (asked.addon !== undefined)
    expect(calls[0]!.input).toEqual({
      clusterName: world.cluster.name,
      addonName: asked.addon,
      serviceAccountRoleArn: before.role,
      // The associations that the add-on had before stay.
      ...(before.associationIds.length === 0 ? { podIdentityAssociations: [] } : {}),
    });
  const after = await patched(story, original, state, report.handOff);
  // The same, whether the code is compared with the migration or with the account.
  expect((await judge(after.files, await found(world, asked))).exitCode).toBe(0);
  return after;
};

/**
 * After the rollback, the code stayed as it was, or was changed and reverted. It matches, unless the migration deleted
 * an association that it defines: the rollback has created that again, under an id that the state does not have.
 */
const expectReverted = async (story: Started, report: MigrationReport, back: MigrationReport, merged: State) => {
  const { world, original, state } = story;
  const stale = [...state].filter(([, id]) => report.associations.purged.some((one) => one.id === id));
  if (stale.length === 0) return expectMatch(story, original, state, back.handOff);
  const recreated = stale.map(() => 'CreatePodIdentityAssociation');
  expect(operations(original, state, world)).toEqual(recreated);
  const after = await patched(story, original, merged, back.handOff);
  // Terraform imports nothing for an address that its state has: the finding says what to do first.
  expect(operations(after.files, state, world)).toEqual(recreated);
  const removed = new Map([...state].filter(([address]) => !stale.some(([one]) => one === address)));
  await expectMatch(story, after.files, removed, back.handOff);
};

/**
 * Migrates, patches, rolls back, patches: the code of the add-on is what it was, in each of the forms. So is code whose
 * change was reverted, and code that was never changed.
 */
export const thereAndBack = (scenario: string, asked: Asked, ...forms: Form[]): Promise<void> =>
  inWorld({ scenario }, async (world) => {
    const stories = forms.map((form) => started(world, asked, form));
    const report = await migrated(world, asked);
    const patches = new Map<Started, Awaited<ReturnType<typeof followed>>>();
    for (const story of stories) patches.set(story, await followed(story, report));
    const back = await world.rollBack({ migrationId: report.migrationId });
    expect(back.outcome).toBe('rolled-back');
    for (const [story, { files, state }] of patches) {
      if (asked.addon !== undefined) expect(operations(files, state, world)).toContain('UpdateAddon');
      const again = await patched(story, files, state, back.handOff);
      expect(addonBlocks(again.files)).toEqual(addonBlocks(story.original));
      await expectReverted(story, report, back, state);
    }
  });

/** Migrates, patches, retires the role's OIDC trust, patches. Returns false if the retirement is refused. */
export const retired = async (scenario: string, asked: Asked, form: Form): Promise<boolean> => {
  let done = false;
  await inWorld({ scenario }, async (world) => {
    const story = started(world, asked, form);
    const report = await migrated(world, asked);
    const { files, state } = await followed(story, report);
    const { migrationId } = report;
    try {
      const request = { migrationId, action: 'retire', dryRun: false, soakDays: 0 } as const;
      ({ done } = await retireAndFollow(world.backend, request, silentProgress));
    } catch (error) {
      if (!(error instanceof CliError) || error.name !== 'RetireRefused') throw error;
    }
    const { handOff } = await world.report(migrationId);
    if (!done) return expectMatch(story, files, state, handOff);
    expect(operations(files, state, world)).toContain('UpdateAssumeRolePolicy');
    await patched(story, files, state, handOff);
  });
  return done;
};
