import { describe, expect, it } from 'vitest';
import type { Addon } from '../../../lambdas/domain/terms/observed.ts';
import type { Attempt } from '../../../lambdas/domain/record/plan.ts';
import { awaitActiveStep } from '../../../lambdas/steps/await-active/handler.ts';
import { createAddonStep } from '../../../lambdas/steps/create-addon/handler.ts';
import { updateAddonStep } from '../../../lambdas/steps/update-addon/handler.ts';
import { CREATE_MS, UPDATE_MS } from '../fake-eks.ts';
import { invoke } from '../fakes.ts';
import { ADDON, addonArn, OTHER_ROLE, ROLE } from '../example.ts';
import { anAddon, anAssociation, planned } from '../eks-fixtures.ts';
import { IN_PLACE, RECREATE, GRANTED } from '../fixtures.ts';
import { expectError, expectExactError } from '../matchers.ts';
import { begun, type Begun } from './begun.ts';

const run = (fakes: Begun): Promise<unknown> => invoke(awaitActiveStep, fakes.input, fakes);

/** The change has been asked for: by a create, or by an update in place. */
async function changing(currentAttempt: Attempt): Promise<Begun> {
  const fakes = await begun({
    plan: { attempts: [currentAttempt] },
    record: currentAttempt.strategy === 'recreate' ? { removed: [addonArn(1)] } : {},
  });
  if (currentAttempt.strategy === 'recreate') fakes.eks.addons.delete(ADDON);
  await invoke(currentAttempt.strategy === 'recreate' ? createAddonStep : updateAddonStep, fakes.input, fakes);
  fakes.journal.clear();
  return fakes;
}
const change = ({ eks }: Begun, what: Partial<Addon>): void => void Object.assign(eks.addons.get(ADDON)!, what);
const ways: [string, Attempt, number, string][] = [
  ['a create', RECREATE, CREATE_MS, 'CREATING'],
  ['an update in place', IN_PLACE, UPDATE_MS, 'UPDATING'],
];

describe.each(ways)('await-active after %s', (_, currentAttempt, takes, status) => {
  const settled = async (): Promise<Begun> => {
    const fakes = await changing(currentAttempt);
    fakes.clock.advance(takes);
    await fakes.eks.describeAddon(ADDON);
    return fakes;
  };

  it('is done when the add-on is ACTIVE and its associations are listed; it notes them', async () => {
    const fakes = await changing(currentAttempt);
    await expectExactError(run(fakes), 'AddonNotActive', `Add-on ${ADDON} is ${status}, not ACTIVE.`);
    fakes.clock.advance(takes);
    const [made] = fakes.eks.associations;
    expect(await run(fakes)).toEqual({ status: 'ACTIVE', associations: [made?.id] });
    expect(await run(fakes)).toEqual({ status: 'ACTIVE', associations: [made?.id] });
    expect([(await fakes.record()).associations.created, fakes.journal.mutations()]).toEqual([[made], []]);
  });

  it.each(['CREATING', 'UPDATING'] as const)('comes again while it is %s', async (now) => {
    const fakes = await settled();
    const issue = { code: 'InsufficientNumberOfReplicas', message: 'too few', resourceIds: [] };
    change(fakes, { status: now, issues: [issue] });
    await expectError(run(fakes), 'AddonNotActive', 'too few');
  });
  it.each(['injected', 'ready', 'api'] as const)('DEGRADED: continues only if pods come next (%s)', async (mode) => {
    const fakes = await settled();
    const { request } = await fakes.record();
    await fakes.update({ request: { ...request, verification: mode } });
    change(fakes, { status: 'DEGRADED' });
    const answer = await run(fakes).catch((error: unknown) => error);
    expect(answer).toMatchObject(mode !== 'api' ? { status: 'DEGRADED' } : { name: 'AddonNotActive' });
  });
  it.each(['CREATE_FAILED', 'UPDATE_FAILED', 'DELETING', 'DELETE_FAILED'] as const)('gives up at %s', async (now) => {
    const fakes = await settled();
    const issue = { code: 'ConfigurationConflict', message: 'Conflicts found', resourceIds: [] };
    change(fakes, { status: now, issues: [issue] });
    await expectError(run(fakes), 'AddonFailed', 'ConfigurationConflict: Conflicts found');
  });

  const copy = addonArn(currentAttempt.strategy === 'recreate' ? 2 : 1);
  it.each([
    ['none is listed', []],
    ['another role is', [anAssociation({ roleArn: OTHER_ROLE, ownerArn: copy })]],
    ['a standalone one is', [anAssociation()]],
    ['one of another copy is', [anAssociation({ ownerArn: addonArn(7) })]],
  ])('comes again when ACTIVE, but of its associations %s', async (__, associations) => {
    const fakes = await settled();
    fakes.eks.associations = associations;
    await expectError(run(fakes), 'AddonNotActive', 'kube-system/ebs-csi-controller-sa');
    expect((await fakes.record()).associations.created).toEqual([]);
  });

  it.each<[string, Partial<Addon>]>([
    ['created again', { arn: addonArn(7) }],
    ['updated', { version: 'v1.40.0-eksbuild.1' }],
  ])('stops if another principal has %s it', async (__, what) => {
    const fakes = await settled();
    change(fakes, what);
    await expectError(run(fakes), 'AddonChanged');
  });
  it('stops if another principal has deleted it, but only after three reads', async () => {
    const fakes = await settled();
    fakes.eks.misses = 2;
    expect(await run(fakes)).toMatchObject({ status: 'ACTIVE' });
    fakes.eks.addons.delete(ADDON);
    await expectError(run(fakes), 'AddonChanged');
  });
});

describe('await-active after a create', () => {
  it('comes again while EKS shows the old copy, or none', async () => {
    const fakes = await changing(RECREATE);
    fakes.eks.addons.set(ADDON, anAddon({ status: 'DELETING' }));
    await expectError(run(fakes), 'AddonNotActive', 'not show the new copy');
    const unknown = await begun({ plan: { attempts: [RECREATE] }, record: { removed: [addonArn(1)] } });
    unknown.eks.addons.delete(ADDON);
    await expectError(run(unknown), 'AddonNotActive');
  });
  it('stops if another principal has given the new copy a role', async () => {
    const fakes = await changing(RECREATE);
    change(fakes, { status: 'ACTIVE', serviceAccountRoleArn: ROLE });
    await expectError(run(fakes), 'AddonChanged');
  });
});

it('await-active of several service accounts waits for the association of each', async () => {
  const two = [planned, { ...planned, serviceAccount: 'second', roleArn: OTHER_ROLE }];
  const fakes = await begun({ plan: { attempts: [IN_PLACE] }, snapshot: { planned: two } });
  fakes.settings.roleGrants = GRANTED;
  await invoke(updateAddonStep, fakes.input, fakes);
  fakes.clock.advance(UPDATE_MS);
  expect(await run(fakes)).toMatchObject({ associations: fakes.eks.associations.map((one) => one.id) });
  expect(fakes.eks.associations.map((one) => one.roleArn)).toEqual([ROLE, OTHER_ROLE]);
  fakes.eks.associations = fakes.eks.associations.slice(0, 1);
  await expectError(run(fakes), 'AddonNotActive', 'kube-system/second');
});

describe('await-active in place', () => {
  it('does not take the ACTIVE of before for the end of the update', async () => {
    const fakes = await changing(IN_PLACE);
    const updating = fakes.eks.addons.get(ADDON)!;
    fakes.eks.addons.set(ADDON, anAddon());
    fakes.clock.sleep = async (milliseconds) => {
      fakes.clock.advance(milliseconds);
      fakes.eks.addons.set(ADDON, updating);
    };
    await expectError(run(fakes), 'AddonNotActive', 'UPDATING');
  });
  it('lets the pods decide where the role stays, after several looks', async () => {
    const fakes = await begun({ plan: { attempts: [IN_PLACE] } });
    fakes.eks.keepsRole = true;
    await invoke(updateAddonStep, fakes.input, fakes);
    fakes.clock.advance(UPDATE_MS);
    expect([await run(fakes), fakes.clock.slept]).toMatchObject([{ status: 'ACTIVE' }, [2000, 2000]]);
  });
});

it.each([
  ['had none before', undefined],
  ['is still there', ROLE],
])('does not take ACTIVE for the end at one look where the role %s', async (_, serviceAccountRoleArn) => {
  const fakes = await begun({ snapshot: { addon: anAddon({ serviceAccountRoleArn }) } });
  const own = anAssociation({ ownerArn: addonArn(1) });
  fakes.eks.associations = [own];
  // The first answer is of an EKS that has not heard of the update yet.
  const statuses = ['ACTIVE', 'UPDATING'] as const;
  let looks = 0;
  fakes.eks.describeAddon = async () =>
    anAddon({ serviceAccountRoleArn, podIdentityAssociations: [own.arn], status: statuses[looks++] ?? 'UPDATING' });
  await expectExactError(run(fakes), 'AddonNotActive', `Add-on ${ADDON} is UPDATING, not ACTIVE.`);
});
