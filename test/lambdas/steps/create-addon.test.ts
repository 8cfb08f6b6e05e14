import { describe, expect, test } from 'vitest';
import { MigrationError } from '../../../lambdas/domain/failures/errors.ts';
import type { Addon } from '../../../lambdas/domain/terms/observed.ts';
import type { Attempt } from '../../../lambdas/domain/record/plan.ts';
import { createAddonStep } from '../../../lambdas/steps/create-addon/handler.ts';
import { CREATE_MS } from '../fake-eks.ts';
import { invoke } from '../fakes.ts';
import { ADDON, addonArn, OTHER_ROLE, VERSION } from '../example.ts';
import { MIGRATION_ID } from '../run-examples.ts';
import { anAddon, anAssociation, planned, aMigratedAddon } from '../eks-fixtures.ts';
import { IN_PLACE, RECREATE, RECREATE_PRESERVING } from '../fixtures.ts';
import { expectError } from '../matchers.ts';
import { begun, type Begun } from './begun.ts';

const it = test.extend('fakes', () => deleted());
const create = (fakes: Begun, attempt = 0) => invoke(createAddonStep, { ...fakes.input, attempt }, fakes);
/** This migration has deleted the add-on already. */
async function deleted({
  currentAttempt = RECREATE,
  snapshot = {},
}: { currentAttempt?: Attempt; snapshot?: NonNullable<Parameters<typeof begun>[0]>['snapshot'] } = {}): Promise<Begun> {
  const { defaultNamespace } = snapshot;
  const plan = { attempts: [currentAttempt], ...(defaultNamespace === undefined ? {} : { defaultNamespace }) };
  const fakes = await begun({ plan, record: { removed: [addonArn(1)] }, snapshot });
  fakes.eks.addons.delete(ADDON);
  return fakes;
}
const ours = (change: Partial<Addon> = {}): Addon =>
  aMigratedAddon(['a-new'], { arn: addonArn(2), status: 'CREATING', ...change });

describe('create-addon', () => {
  it.each<[string, string | undefined, string | undefined, string | undefined]>([
    ['its default', 'kube-system', 'kube-system', undefined],
    ["the registry's, as an older release stored it", 'kube-system', undefined, undefined],
    ['another than its default', 'kube-system', 'storage', 'kube-system'],
    ['not shown', undefined, 'kube-system', undefined],
  ])('names the namespace only where it was chosen: %s', async (_, namespace, defaultNamespace, named) => {
    const fakes = await deleted({
      snapshot: { addon: anAddon({ namespace }), ...(defaultNamespace === undefined ? {} : { defaultNamespace }) },
    });
    await create(fakes);
    const [[request] = []] = fakes.journal.of('eks.createAddon') as { namespace?: string }[][];
    expect(request).toBeDefined();
    expect(request?.namespace).toBe(named);
  });

  it.each([
    ['NONE', RECREATE],
    ['OVERWRITE', { ...RECREATE_PRESERVING, resolveConflicts: 'OVERWRITE' } as const],
  ])('creates it with associations, without a role; conflicts: %s', async (resolveConflicts, currentAttempt) => {
    const fakes = await deleted({ currentAttempt, snapshot: { addon: anAddon({ namespace: 'storage' }) } });
    expect(await create(fakes)).toEqual({ created: true });
    expect(fakes.journal.of('eks.createAddon')).toEqual([
      [
        {
          addon: ADDON,
          version: VERSION,
          namespace: 'storage',
          podIdentityAssociations: [planned],
          configurationValues: anAddon().configurationValues,
          tags: { team: 'storage' },
          resolveConflicts,
          clientRequestToken: `${MIGRATION_ID}-create-addon-0`,
        },
      ],
    ]);
    expect(fakes.journal.names().slice(-3)).toEqual(['ledger.assertLock', 'eks.createAddon', 'ledger.recordCopy']);
    expect((await fakes.record()).made).toEqual([addonArn(2)]);
  });

  it('leaves out the tags that AWS keeps to itself, however they are written', async () => {
    const tags = { team: 'storage', 'aws:cloudformation:stack-name': 'x', 'AWS:createdBy': 'y', awsome: 'z' };
    const fakes = await deleted({ snapshot: { addon: anAddon({ tags }) } });
    await create(fakes);
    expect(fakes.journal.of('eks.createAddon')).toMatchObject([[{ tags: { team: 'storage', awsome: 'z' } }]]);
    const [[request] = []] = fakes.journal.of('eks.createAddon') as { tags?: object }[][];
    expect(Object.keys(request?.tags ?? {})).toEqual(['team', 'awsome']);
  });

  it('leaves out what the add-on did not have', async () => {
    const { namespace: _, configurationValues: __, ...bare } = anAddon();
    const fakes = await deleted({ snapshot: { addon: bare } });
    await create(fakes);
    const [request] = fakes.journal.of('eks.createAddon')[0]!;
    expect(Object.keys(request as object)).toEqual(
      'addon version podIdentityAssociations tags resolveConflicts clientRequestToken'.split(' '),
    );
  });

  it('invoked again creates nothing again', async ({ fakes }) => {
    await create(fakes);
    expect(await create(fakes)).toEqual({ created: false });
    fakes.clock.advance(CREATE_MS);
    expect([await create(fakes), fakes.journal.mutations()]).toEqual([{ created: false }, ['eks.createAddon']]);
  });

  it('finds its create done where the copy could not be noted', async ({ fakes }) => {
    fakes.journal.failNext('ledger.recordCopy', 'before');
    await expectError(create(fakes), 'ConnectionLost');
    expect([await create(fakes), (await fakes.record()).made]).toEqual([{ created: false }, [addonArn(2)]]);
  });

  it('creates a second time on a later way, under a token of its own', async () => {
    const fakes = await begun({
      plan: { attempts: [IN_PLACE, RECREATE_PRESERVING, RECREATE] },
      record: { attempt: 2, removed: [addonArn(1), addonArn(9)], made: [addonArn(9)] },
    });
    fakes.eks.addons.delete(ADDON);
    expect(await create(fakes, 2)).toEqual({ created: true });
    expect(fakes.journal.of('eks.createAddon')).toMatchObject([
      [{ clientRequestToken: `${MIGRATION_ID}-create-addon-2` }],
    ]);
    expect((await fakes.record()).made).toEqual([addonArn(9), addonArn(2)]);
  });

  it.each<[string, Addon]>([
    ['the old one, moved by an update', ours({ arn: addonArn(1) })],
    ['the old one as it was', anAddon()],
  ])('waits while EKS shows again %s, which it has deleted', async (_, there) => {
    const fakes = await deleted();
    fakes.eks.addons.set(ADDON, there);
    await expectError(create(fakes), 'Busy');
    expect(fakes.journal.mutations()).toEqual([]);
  });

  it.each<[string, Addon]>([
    ['one with a role', ours({ serviceAccountRoleArn: OTHER_ROLE })],
    ['one as it was before', anAddon({ arn: addonArn(2) })],
    ['one without associations', ours({ podIdentityAssociations: [] })],
  ])('does not take for its own %s', async (_, there) => {
    const fakes = await deleted();
    fakes.eks.addons.set(ADDON, there);
    await expectError(create(fakes), 'AddonChanged', 'created outside this migration');
    expect([fakes.journal.mutations(), (await fakes.record()).made]).toEqual([[], []]);
  });

  it('does not create an add-on again that another principal has deleted', async () => {
    const fakes = await begun({ plan: { attempts: [RECREATE] } });
    fakes.eks.addons.delete(ADDON);
    await expectError(create(fakes), 'AddonChanged', 'it was deleted outside this migration');
    expect(fakes.journal.mutations()).toEqual([]);
  });

  it('does not believe in one look that finds nothing', async ({ fakes }) => {
    await create(fakes);
    fakes.eks.misses = 2;
    expect([await create(fakes), fakes.journal.mutations()]).toEqual([{ created: false }, ['eks.createAddon']]);
  });

  it('leaves an association alone that another principal has created', async ({ fakes }) => {
    fakes.eks.associations = [anAssociation()];
    await expectError(create(fakes), 'AssociationChanged', 'appeared after the snapshot');
    expect([fakes.eks.associations, fakes.eks.addons.has(ADDON)]).toEqual([[anAssociation()], false]);
  });
  it('lets every other refusal through', async ({ fakes }) => {
    const refusal = new MigrationError(
      'InvalidRequest',
      'eks:CreateAddon: InvalidParameterException: Addon version specified is not supported',
    );
    fakes.journal.failNext('eks.createAddon', 'before', refusal);
    await expect(create(fakes)).rejects.toBe(refusal);
    const busy = new MigrationError('Busy', 'eks:CreateAddon: ResourceInUseException: Addon already exists.');
    fakes.journal.failNext('eks.createAddon', 'before', busy);
    await expect(create(fakes)).rejects.toBe(busy);
  });
});
