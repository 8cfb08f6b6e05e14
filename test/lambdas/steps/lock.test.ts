/** Promises 1 and 6: without its snapshot and its lock a step changes nothing. */
import { describe, expect, it } from 'vitest';
import type { Plan, Attempt } from '../../../lambdas/domain/migration/model.ts';
import type { StepName } from '../../../lambdas/steps/schemas.ts';
import { steps } from '../../../lambdas/steps/index.ts';
import { invoke, newFakes } from '../fakes.ts';
import {
  ADDON,
  addonArn,
  aMigration,
  anAddon,
  anAssociation,
  aPlan,
  aPod,
  IN_PLACE,
  MIGRATION_ID,
  RECREATE,
  ROLE,
  ROLES_OF_ACCOUNT,
  target,
} from '../fixtures.ts';
import { begunWithLeftOver, type Begun } from './begun.ts';
import { aTrustChange, BEFORE, REPAIR } from './repaired.ts';
import { anError, textWith } from '../expectations.ts';

const NEW = anAssociation({ id: 'a-new', ownerArn: addonArn(1) });

interface Point {
  currentAttempt: Attempt;
  /** What the ledger knows by then, and what is there. */
  prepare?: (fakes: Begun) => unknown;
  input?: object;
  plan?: Partial<Plan>;
  /** Of the association that the snapshot has. */
  tags?: { tags: Record<string, string> };
  call: string;
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
  eks.addons.set(ADDON, anAddon({ serviceAccountRoleArn: undefined, podIdentityAssociations: [NEW.arn] }));
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

/** Each step of the change that changes something, at a point where it would. */
const mutating: [StepName, Point][] = [
  [
    'repair-trust',
    {
      currentAttempt: IN_PLACE,
      plan: { trustRepairs: [REPAIR] },
      prepare: toRepair,
      input: { towards: 'pod-identity' },
      call: 'roles.updateTrustPolicy',
    },
  ],
  [
    'repair-trust',
    { currentAttempt: IN_PLACE, prepare: repaired, input: { towards: 'before' }, call: 'roles.updateTrustPolicy' },
  ],
  ['delete-addon', { currentAttempt: RECREATE, call: 'eks.deleteAddon' }],
  ['create-addon', { currentAttempt: RECREATE, prepare: goneOverLeftOver, call: 'eks.deleteAssociation' }],
  ['create-addon', { currentAttempt: RECREATE, prepare: gone, call: 'eks.createAddon' }],
  ['update-addon', { currentAttempt: IN_PLACE, call: 'eks.deleteAssociation' }],
  [
    'update-addon',
    { currentAttempt: IN_PLACE, prepare: ({ eks }) => (eks.associations = []), call: 'eks.updateAddon' },
  ],
  [
    'carry-over',
    { currentAttempt: IN_PLACE, prepare: updated, tags: { tags: { team: 'storage' } }, call: 'eks.tagResource' },
  ],
  [
    'restart-pods',
    {
      currentAttempt: IN_PLACE,
      prepare: updated,
      input: { towards: 'pod-identity', round: 1 },
      call: 'kubernetes.restartWorkload',
    },
  ],
  [
    'restart-pods',
    {
      currentAttempt: RECREATE,
      prepare: ({ kubernetes }) => (kubernetes.pods = [aPod('node-role')]),
      input: { towards: 'before', round: 1 },
      call: 'kubernetes.restartWorkload',
    },
  ],
];

describe.each(mutating)('%s', (name, { currentAttempt, prepare, input, plan, tags, call }) => {
  const step = steps[name];
  const run = (fakes: Begun, change: object = {}): Promise<unknown> =>
    invoke(step, { ...fakes.input, ...input, ...change }, fakes).catch((error: unknown) => error);
  const atThatPoint = async (): Promise<Begun> => {
    const fakes = await begunWithLeftOver(tags, {
      attempts: [currentAttempt],
      carryOver: tags ? carryOver : [],
      ...plan,
    });
    await prepare?.(fakes);
    return fakes;
  };

  it('changes something while it holds the lock', async () => {
    const fakes = await atThatPoint();
    await run(fakes);
    expect(fakes.journal.mutations()).toContain(call);
  });

  it("changes nothing once the lock is another migration's", async () => {
    const fakes = await atThatPoint();
    await fakes.loseLock();
    expect(await run(fakes)).toMatchObject({ name: 'LockLost' });
    expect(fakes.journal.mutations()).toEqual([]);
  });

  it('changes nothing under an older fence of its own lock', async () => {
    const fakes = await atThatPoint();
    expect(await run(fakes, { fence: 7 })).toMatchObject({ name: 'LockLost' });
    expect(fakes.journal.mutations()).toEqual([]);
  });

  it('changes nothing without a snapshot', async () => {
    const fakes = newFakes();
    await fakes.ledger.putMigration(aMigration({ plan: aPlan({ attempts: [currentAttempt] }) }));
    expect(
      await invoke(
        step,
        { migrationId: MIGRATION_ID, target, subject: ADDON, fence: 1, attempt: 0, ...input },
        fakes,
      ).catch((error: unknown) => error),
    ).toMatchObject(anError('BadInput', textWith('snapshot')));
    expect(fakes.journal.mutations()).toEqual([]);
  });

  it('begins no change where too little of the invocation is left', async () => {
    const fakes = await atThatPoint();
    fakes.invocation.remaining = 5000;
    expect(await run(fakes)).toMatchObject(anError('OutOfTime', textWith('5 s')));
    expect(fakes.journal.mutations()).toEqual([]);
  });

  it('makes sure of its lock directly before the change', async () => {
    const fakes = await atThatPoint();
    await run(fakes);
    const names = fakes.journal.names();
    expect(names[names.indexOf(call) - 1]).toBe('ledger.assertLock');
  });

  it('changes nothing when the lock can not be read', async () => {
    const fakes = await atThatPoint();
    fakes.journal.failNext('ledger.assertLock');
    expect(await run(fakes)).toMatchObject({ name: 'ConnectionLost' });
    expect(fakes.journal.mutations()).toEqual([]);
  });
});
