/** Promises 1 and 6: without its snapshot and its lock a step changes nothing. */
import { describe, expect, it } from 'vitest';
import type { Plan, Attempt } from '../../../lambdas/domain/record/plan.ts';
import type { StepName } from '../../../lambdas/steps/schemas.ts';
import { steps } from '../../../lambdas/steps/index.ts';
import { anAccountPod, aServiceAccount } from '../account-fixtures.ts';
import { associated, begunAccount } from './begun-account.ts';
import { invoke } from '../fakes.ts';
import { ADDON, addonArn, ROLE, ROLES_OF_ACCOUNT } from '../example.ts';
import { at, MIGRATION_ID } from '../run-examples.ts';
import { anAssociation, aPod, aMigratedAddon } from '../eks-fixtures.ts';
import { IN_PLACE, RECREATE, RECREATE_PRESERVING } from '../fixtures.ts';
import { anError } from '../matchers.ts';
import { begun, begunWithLeftOver, type Begun } from './begun.ts';
import { aTrustChange, BEFORE, REPAIR } from './repaired.ts';
import { recreated, removed } from './rollback.ts';

const NEW = anAssociation({ id: 'a-new', ownerArn: addonArn(1) });

interface Point {
  open: () => Promise<Begun>;
  input?: object;
  call: string;
}
interface OnAddon {
  /** What the ledger knows by then, and what is there. */
  prepare?: (fakes: Begun) => unknown;
  plan?: Partial<Plan>;
  /** Of the association that the snapshot has. */
  tags?: Record<string, string>;
}
async function onAddon(attempt: Attempt, { prepare, plan, tags }: OnAddon = {}): Promise<Begun> {
  const fakes = await begunWithLeftOver(tags ? { tags } : {}, { attempts: [attempt], ...plan });
  await prepare?.(fakes);
  return fakes;
}
const gone = async ({ eks, ledger }: Begun): Promise<void> => {
  eks.addons.delete(ADDON);
  eks.associations = [];
  await ledger.recordCopy(MIGRATION_ID, 'removed', addonArn(1));
};
const goneOverLeftOver = async ({ eks, ledger }: Begun): Promise<void> => {
  eks.addons.delete(ADDON);
  await ledger.recordCopy(MIGRATION_ID, 'removed', addonArn(1));
};
const updated = ({ eks }: Begun): void => {
  eks.addons.set(ADDON, aMigratedAddon([NEW.arn]));
  eks.associations = [structuredClone(NEW)];
};
const carryOver = [
  {
    namespace: NEW.namespace,
    serviceAccount: NEW.serviceAccount,
    from: 'a-left00000000000001',
    tags: { team: 'storage' },
  },
];

const toRepair = ({ roles, settings }: Begun): void => {
  roles.trust[ROLE] = BEFORE;
  settings.repairableRoleArns = [ROLES_OF_ACCOUNT];
};
const repaired = async ({ roles, ledger, settings }: Begun): Promise<void> => {
  settings.repairableRoleArns = [ROLES_OF_ACCOUNT];
  roles.trust[ROLE] = REPAIR.after;
  await ledger.recordTrustChange(MIGRATION_ID, aTrustChange());
};
const unassociated = ({ eks }: Begun): unknown => (eks.associations = []);
const onNodeRole = ({ kubernetes }: Begun): unknown => (kubernetes.pods = [aPod('node-role')]);

const action = (name: string): object => ({ action: name, actions: 0 });
const failed = (fakes: Begun): Promise<void> => recreated(fakes, { status: 'CREATE_FAILED' });
/** The rollback of a recreate. */
const restoring = async (prepare: (fakes: Begun) => Promise<void>): Promise<Begun> => {
  const fakes = await begun({ plan: { attempts: [RECREATE_PRESERVING] } });
  await prepare(fakes);
  fakes.journal.clear();
  return fakes;
};

const REMOVE = { request: { annotation: 'remove' } } as const;
const unannotated = async (): Promise<Begun> => {
  const fakes = await associated({ ...REMOVE, record: { annotationChange: { notedAt: at(0), writtenAt: at(0) } } });
  fakes.kubernetes.serviceAccounts = [aServiceAccount({ roleArn: undefined })];
  return fakes;
};
const rolledBack = async (): Promise<Begun> => {
  const fakes = await begunAccount();
  fakes.kubernetes.pods = [anAccountPod('pod-identity')];
  return fakes;
};

const RESTART = 'kubernetes.restartWorkload';
const ANNOTATE = 'kubernetes.annotateServiceAccount';
const FORWARDS = { towards: 'pod-identity', round: 1 };
const BACK = { towards: 'before', round: 1 };

/** Each step that changes something, in a state in which it would. */
const openRepaired = () => onAddon(IN_PLACE, { prepare: repaired });
const ofAddons: [StepName, Point][] = [
  [
    'repair-trust',
    {
      open: () => onAddon(IN_PLACE, { plan: { trustRepairs: [REPAIR] }, prepare: toRepair }),
      input: { towards: 'pod-identity' },
      call: 'roles.updateTrustPolicy',
    },
  ],
  ['repair-trust', { open: openRepaired, input: { towards: 'before' }, call: 'roles.updateTrustPolicy' }],
  ['delete-addon', { open: () => onAddon(RECREATE), call: 'eks.deleteAddon' }],
  ['create-addon', { open: () => onAddon(RECREATE, { prepare: goneOverLeftOver }), call: 'eks.deleteAssociation' }],
  ['create-addon', { open: () => onAddon(RECREATE, { prepare: gone }), call: 'eks.createAddon' }],
  ['update-addon', { open: () => onAddon(IN_PLACE), call: 'eks.deleteAssociation' }],
  ['update-addon', { open: () => onAddon(IN_PLACE, { prepare: unassociated }), call: 'eks.updateAddon' }],
  [
    'carry-over',
    {
      open: () => onAddon(IN_PLACE, { prepare: updated, plan: { carryOver }, tags: { team: 'storage' } }),
      call: 'eks.tagResource',
    },
  ],
  ['restart-pods', { open: () => onAddon(IN_PLACE, { prepare: updated }), input: FORWARDS, call: RESTART }],
  ['restart-pods', { open: () => onAddon(RECREATE, { prepare: onNodeRole }), input: BACK, call: RESTART }],
  ['restore-addon', { open: () => restoring(recreated), input: action('update'), call: 'eks.updateAddon' }],
  ['restore-addon', { open: () => restoring(failed), input: action('delete'), call: 'eks.deleteAddon' }],
  ['restore-addon', { open: () => restoring(removed), input: action('create'), call: 'eks.createAddon' }],
];
const ofAccounts: [StepName, Point][] = [
  ['create-association', { open: () => begunAccount(), call: 'eks.createAssociation' }],
  ['restart-pods', { open: () => associated(), input: FORWARDS, call: RESTART }],
  ['restart-pods', { open: rolledBack, input: BACK, call: RESTART }],
  ['annotate-service-account', { open: () => associated(REMOVE), input: { towards: 'pod-identity' }, call: ANNOTATE }],
  ['annotate-service-account', { open: unannotated, input: { towards: 'before' }, call: ANNOTATE }],
  ['restore-associations', { open: () => associated(), call: 'eks.deleteAssociation' }],
];

const invoked = (name: StepName, { input }: Point, fakes: Begun, change: object = {}): Promise<unknown> =>
  invoke(steps[name], { ...fakes.input, ...input, ...change }, fakes).catch((error: unknown) => error);

describe.each([...ofAddons, ...ofAccounts])('%s %j', (name, point) => {
  const { open, call } = point;
  const run = (fakes: Begun, change?: object): Promise<unknown> => invoked(name, point, fakes, change);

  it('changes something while it holds the lock, which it asserts directly before', async () => {
    const fakes = await open();
    await run(fakes);
    expect(fakes.journal.mutations()).toContain(call);
    expect(fakes.journal.before(call)).toBe('ledger.assertLock');
  });

  it.each<[string, (fakes: Begun) => unknown, object, string, string?]>([
    ["once the lock is another migration's", (fakes) => fakes.loseLock(), {}, 'LockLost'],
    ['under an older fence of its own lock', () => undefined, { fence: 7 }, 'LockLost'],
    ['with too little time left', (fakes) => (fakes.invocation.remaining = 5000), {}, 'OutOfTime', '5 s'],
    ['when the lock can not be read', (fakes) => fakes.journal.failNext('ledger.assertLock'), {}, 'ConnectionLost'],
    ['without a snapshot', ({ ledger }) => ledger.snapshots.delete(MIGRATION_ID), {}, 'BadInput', 'snapshot'],
  ])('changes nothing %s', async (_, happens, change, error, message = '') => {
    const fakes = await open();
    await happens(fakes);
    expect([await run(fakes, change), fakes.journal.mutations()]).toMatchObject([anError(error, message), []]);
  });
});

it.each(ofAccounts)('%s %j changes nothing of a service account under the lock of an add-on', async (name, point) => {
  const fakes = await point.open();
  expect(await invoked(name, point, fakes, { subject: 'api' })).toMatchObject({ name: 'LockLost' });
  expect(fakes.journal.mutations()).toEqual([]);
});
