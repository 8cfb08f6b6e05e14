import { describe, expect, test } from 'vitest';
import { takeOverStep } from '../../../lambdas/steps/take-over/handler.ts';
import { MOMENTS, strikeEachCall } from '../../faults/contract.ts';
import { invoke, newFakes } from '../fakes.ts';
import { ADDON, OTHER_ROLE, ROLE, target } from '../example.ts';
import {
  at,
  EXECUTION,
  MIGRATION_ID,
  OTHER_EXECUTION,
  OTHER_MIGRATION_ID,
  RECOVERY_EXECUTION,
  ROLE_LOCK,
  ownHolder,
  otherHolder,
  endedAs,
} from '../run-examples.ts';
import { podIdentityStatement, policyText } from '../trust-examples.ts';
import { anAddon, anAssociation, associationArn, aMigratedAddon } from '../eks-fixtures.ts';
import { aMigration, aPlan } from '../fixtures.ts';
import { anError, containing, expectError } from '../matchers.ts';
import { begun, LOCK, type Begun } from './begun.ts';
import {
  ended,
  holders,
  input,
  migrated,
  requested,
  SECOND_RECOVERY,
  stop,
  stranded,
  takeOver,
} from './taking-over.ts';
import { aTrustChange } from './repaired.ts';
import { COPY, recreated } from './rollback.ts';

const it = test.extend('fakes', () => migrated());

describe('take-over of a stranded migration', () => {
  it('takes every lock, then writes into the record who works on it now', async () => {
    const fakes = await stranded({ attempt: 1 });
    expect(await takeOver(fakes)).toEqual({
      action: 'roll-back',
      target,
      subject: ADDON,
      fence: 2,
      attempt: 1,
      repairsTrust: false,
      removesAnnotation: false,
      failure: { Error: 'ExecutionStopped', Cause: containing(EXECUTION) },
    });
    expect(await holders(fakes)).toEqual([RECOVERY_EXECUTION, RECOVERY_EXECUTION]);
    expect(await fakes.record()).toMatchObject({
      executionArn: RECOVERY_EXECUTION,
      status: 'rolling-back',
      recovery: { startedAt: at(0), executionArn: RECOVERY_EXECUTION, cause: 'stranded' },
      rollback: { state: 'running', cause: 'stopped', startedAt: at(0), executionArn: RECOVERY_EXECUTION },
    });
    const names = fakes.journal.names();
    expect(names.lastIndexOf('ledger.takeOverLock')).toBeLessThan(names.indexOf('ledger.changeRollback'));
    expect(fakes.journal.mutations()).toEqual([]);
  });

  it('only finishes where pods are verified', async () =>
    expect(await takeOver(await stranded({ verified: 'injected' }))).toMatchObject({ action: 'finish' }));

  it('does not treat verified pods as the end once the rollback has begun', async () => {
    const fakes = await stranded({ verified: 'injected' });
    await fakes.ledger.recordStep(MIGRATION_ID, { name: 'assess-rollback', startedAt: at(1), endedAt: at(2) });
    expect([await takeOver(fakes), (await fakes.record()).verified]).toMatchObject([{ action: 'roll-back' }, 'none']);
  });

  it('releases where begin was stopped before its snapshot, whichever locks it had', async () => {
    const fakes = newFakes();
    await fakes.ledger.putMigration(aMigration({ locks: [LOCK, ROLE_LOCK] }));
    await fakes.ledger.acquireLock(ROLE_LOCK, ownHolder(at(0)));
    fakes.executions.states.delete(EXECUTION);
    expect(await invoke(takeOverStep, input(), fakes)).toMatchObject({ action: 'release', fence: 0 });
    expect(await fakes.ledger.readLock(ROLE_LOCK)).toMatchObject({ holder: { executionArn: RECOVERY_EXECUTION } });
    expect((await fakes.ledger.readLock(LOCK))?.holder).toBeUndefined();
  });

  it.each([
    [{}, true],
    [{ undoneAt: at(9) }, false],
  ] as const)('with a change of trust %j repairs it: %s', async (change, repairsTrust) => {
    const fakes = await stranded();
    await fakes.ledger.recordTrustChange(MIGRATION_ID, aTrustChange(change));
    expect(await takeOver(fakes)).toMatchObject({ action: 'roll-back', repairsTrust });
  });

  it('has nothing to do where there is no record', async () =>
    expect(await invoke(takeOverStep, input(), newFakes())).toMatchObject({
      action: 'nothing',
      target: null,
      subject: null,
      fence: 0,
      repairsTrust: false,
    }));

  it('leaves one alone that still runs', async () => {
    const fakes = await begun();
    expect(await takeOver(fakes)).toMatchObject({ action: 'nothing' });
    expect(await holders(fakes)).toEqual([EXECUTION, EXECUTION]);
    expect((await fakes.record()).recovery).toBeUndefined();
  });

  it('waits until no Lambda of the stopped execution can act any more', async () => {
    const fakes = await stranded();
    stop(fakes, 74);
    await expectError(takeOver(fakes), 'OwnerMayStillAct');
    expect(await holders(fakes)).toEqual([EXECUTION, EXECUTION]);
    fakes.clock.advance(1000);
    expect(await takeOver(fakes)).toMatchObject({ action: 'roll-back' });
  });

  it('lets go of locks that an ended migration has left, and of none that is parked', async () => {
    const left = await stranded();
    await left.update(endedAs('migrated', 300));
    expect(await takeOver(left)).toMatchObject({ action: 'nothing' });
    expect(await holders(left)).toEqual([undefined, undefined]);
    expect(await left.record()).toMatchObject({ status: 'ended', outcome: 'migrated' });
    const parked = await ended('needs-human');
    expect(await takeOver(parked)).toMatchObject({ action: 'nothing' });
    expect(await holders(parked)).toEqual([EXECUTION, EXECUTION]);
  });

  it('takes over from another Recover that stopped, and keeps what was before it', async () => {
    const fakes = await ended('needs-human');
    await takeOver(fakes, requested);
    stop(fakes, 600, RECOVERY_EXECUTION);
    expect(await takeOver(fakes, { executionArn: SECOND_RECOVERY })).toMatchObject({ action: 'roll-back', fence: 3 });
    expect(await fakes.record()).toMatchObject({
      executionArn: SECOND_RECOVERY,
      recovery: { cause: 'stranded' },
      rollback: { state: 'running', cause: 'requested', after: 'needs-human', requestedBy: 'jo' },
    });
  });

  it('of two at once, one takes it and the other does nothing', async () => {
    const fakes = await stranded();
    fakes.executions.states.set(SECOND_RECOVERY, { status: 'RUNNING' });
    const answers = await Promise.all([takeOver(fakes), takeOver(fakes, { executionArn: SECOND_RECOVERY })]);
    expect(answers.map((one) => (one as { action: string }).action).sort()).toEqual(['nothing', 'roll-back']);
    const [addonHolder, roleHolder] = await holders(fakes);
    expect(addonHolder).toBe(roleHolder);
    expect((await fakes.record()).executionArn).toBe(addonHolder);
  });

  it.each(MOMENTS)('comes out the same after a fault %s the effect of any one call', async (kind) => {
    for (const [prepare, change] of [
      [stranded, {}],
      [migrated, requested],
    ] as const) {
      let answer: unknown;
      await strikeEachCall({
        prepare: () => prepare(),
        work: async (fakes) => (answer = await takeOver(fakes, change)),
        kinds: [kind],
        expectation: async (fakes, smooth) => {
          await takeOver(fakes, change).catch(() => undefined);
          expect(await takeOver(fakes, change)).toMatchObject({
            ...(answer as object),
            failure: { Error: expect.any(String) as string },
          });
          expect(await fakes.record()).toEqual(await smooth.record());
          expect(await holders(fakes)).toEqual([RECOVERY_EXECUTION, RECOVERY_EXECUTION]);
        },
      });
    }
  });
});

describe('take-over on demand', () => {
  it('of a migration that succeeded takes the free locks, and says who asked', async ({ fakes }) => {
    expect(await takeOver(fakes, requested)).toMatchObject({
      action: 'roll-back',
      fence: 2,
      failure: { Error: 'RollbackRequested', Cause: containing('The rollback was requested by jo: it is slow') },
    });
    expect(await holders(fakes)).toEqual([RECOVERY_EXECUTION, RECOVERY_EXECUTION]);
    expect(await fakes.record()).toMatchObject({
      status: 'rolling-back',
      verified: 'none',
      rollback: { state: 'running', cause: 'requested', requestedBy: 'jo', reason: 'it is slow', after: 'migrated' },
    });
    expect((await fakes.record()).recovery).toBeUndefined();
    expect(fakes.journal.mutations()).toEqual([]);
  });

  const updated = { version: 'v1.40.0-eksbuild.1' };
  const withoutOidc = ({ roles }: Begun) => (roles.trust[ROLE] = policyText(podIdentityStatement));
  const lockedBy = new RegExp(OTHER_MIGRATION_ID);
  it.each<[string, RegExp, (fakes: Begun) => unknown]>([
    ['the OIDC trust is gone', /OIDC trust .*kube-system\/ebs-csi-controller-sa/, withoutOidc],
    ['another principal has updated the add-on', /to v1\.40\.0/, (fakes) => recreated(fakes, updated)],
    ['the add-on was deleted', /another principal has deleted/, ({ eks }) => eks.addons.delete(ADDON)],
    [
      'another principal has changed its associations',
      /no role and 0 associations/,
      (fakes) => recreated(fakes, { podIdentityAssociations: [] }).then(() => (fakes.eks.associations = [])),
    ],
    ['another migration has the lock', lockedBy, ({ ledger }) => ledger.acquireLock(LOCK, otherHolder(at(9)))],
    ['another migration has the role', lockedBy, ({ ledger }) => ledger.acquireLock(ROLE_LOCK, otherHolder(at(9)))],
  ])('is refused where %s', async (_, message, change) => {
    const fakes = await migrated();
    await change(fakes);
    const before = await holders(fakes);
    await expectError(takeOver(fakes, requested), 'RollbackRefused', message);
    expect(await holders(fakes)).toEqual(before);
    const record = await fakes.record();
    expect(record).toMatchObject({
      ...endedAs('migrated', 300),
      verified: 'injected',
      rollback: {
        state: 'refused',
        after: 'migrated',
        endedAt: expect.any(String) as string,
        error: anError('RollbackRefused', message),
        next: containing(`pod-identity show ${MIGRATION_ID}`),
      },
    });
    expect(await fakes.ledger.listRequestedRollbacks()).toEqual([]);
    // Its answer was lost: nothing is asked for again.
    await expect(takeOver(fakes, requested)).rejects.toMatchObject({ message: record.rollback?.error?.message });
  });

  it('does not mind the trust where the pods never left it', async () => {
    const fakes = await ended('needs-human');
    fakes.roles.trust[ROLE] = policyText();
    expect(await takeOver(fakes, requested)).toMatchObject({ action: 'roll-back' });
  });

  it('of one whose locks a person has let go sees to the trust and to others, as after a migration that succeeded', async () => {
    const released = async (): Promise<Begun> => {
      const fakes = await ended('needs-human', { released: { at: at(300) } });
      for (const key of [LOCK, ROLE_LOCK]) await fakes.ledger.releaseLock(key, EXECUTION);
      await recreated(fakes);
      return fakes;
    };
    expect(await takeOver(await released(), requested)).toMatchObject({ action: 'roll-back' });
    const fakes = await released();
    fakes.roles.trust[ROLE] = policyText();
    await expectError(takeOver(fakes, requested), 'RollbackRefused', /OIDC trust .* Nothing was changed\.$/);
    expect(await holders(fakes)).toEqual([undefined, undefined]);
  });

  it('that is refused while locks wait for it names their other way out', async () => {
    const fakes = await ended('needs-human');
    await fakes.ledger.releaseLock(ROLE_LOCK, EXECUTION);
    await fakes.ledger.acquireLock(ROLE_LOCK, otherHolder(at(9)));
    await expectError(
      takeOver(fakes, requested),
      'RollbackRefused',
      new RegExp(`Nothing was changed\\. .* pod-identity release ${MIGRATION_ID}$`),
    );
  });

  it('lets go of what it has taken where another one takes the role in between', async ({ fakes }) => {
    const acquire = fakes.ledger.acquireLock.bind(fakes.ledger);
    fakes.ledger.acquireLock = async (key, owner) => {
      if (key === ROLE_LOCK) await acquire(ROLE_LOCK, otherHolder(at(9)));
      return acquire(key, owner);
    };
    await expectError(takeOver(fakes, requested), 'RollbackRefused');
    expect(await holders(fakes)).toEqual([undefined, OTHER_EXECUTION]);
  });

  it('is refused for one that is unknown, or has nothing to put back', async () => {
    await expectError(invoke(takeOverStep, input(requested), newFakes()), 'RollbackRefused', 'no migration');
    await expectError(takeOver(await ended('rolled-back'), requested), 'RollbackRefused', /Nothing was changed\.$/);
  });

  it('goes by the trust of every planned service account', async ({ fakes }) => {
    const planned = [
      { namespace: 'kube-system', serviceAccount: 'ebs-csi-controller-sa', roleArn: ROLE },
      { namespace: 'kube-system', serviceAccount: 'other-sa', roleArn: OTHER_ROLE },
    ];
    await fakes.update({ plan: aPlan({ associations: planned }) });
    fakes.ledger.snapshots.set(MIGRATION_ID, {
      takenAt: at(0),
      addon: anAddon(),
      namespace: 'kube-system',
      planned,
      identityLosses: [],
      bystanders: [],
      associations: [],
      trustPolicies: {},
    });
    fakes.eks.addons.set(ADDON, aMigratedAddon([associationArn('a-made'), associationArn('a-other')], { arn: COPY }));
    fakes.eks.associations.push(anAssociation({ id: 'a-other', serviceAccount: 'other-sa', ownerArn: COPY }));
    await expectError(takeOver(fakes, requested), 'RollbackRefused', /service accounts: kube-system\/other-sa/);
  });
});

describe('take-over where others share the role', () => {
  const other = otherHolder(at(9));
  const sharers = async ({ ledger }: Begun): Promise<(string | undefined)[]> =>
    ((await ledger.readLock(ROLE_LOCK))?.shared ?? []).map(({ executionArn: arn }) => arn).sort();

  it('takes over its own share, and leaves the others theirs', async () => {
    const fakes = await stranded({ attempt: 0 });
    await fakes.ledger.releaseLock(ROLE_LOCK, EXECUTION);
    const own = ownHolder(at(0));
    for (const one of [other, own]) await fakes.ledger.acquireLock(ROLE_LOCK, one, 'shared');
    expect(await takeOver(fakes)).toMatchObject({ action: 'roll-back' });
    expect(await sharers(fakes)).toEqual([OTHER_EXECUTION, RECOVERY_EXECUTION].sort());
  });

  it('rolls a migration back on demand while others share the role', async ({ fakes }) => {
    await fakes.ledger.acquireLock(ROLE_LOCK, other, 'shared');
    expect(await takeOver(fakes, requested)).toMatchObject({ action: 'roll-back' });
    expect(await sharers(fakes)).toEqual([OTHER_EXECUTION, RECOVERY_EXECUTION].sort());
  });

  it('is refused on demand while they work with a role whose trust it would change', async ({ fakes }) => {
    await fakes.ledger.recordTrustChange(MIGRATION_ID, aTrustChange());
    await fakes.ledger.acquireLock(ROLE_LOCK, other, 'shared');
    await expectError(takeOver(fakes, requested), 'RollbackRefused', OTHER_MIGRATION_ID);
    expect(await sharers(fakes)).toEqual([OTHER_EXECUTION]);
    await fakes.ledger.releaseLock(ROLE_LOCK, OTHER_EXECUTION);
    expect(await takeOver(fakes, { ...requested, executionArn: SECOND_RECOVERY })).toMatchObject({
      action: 'roll-back',
      repairsTrust: true,
    });
    expect(await fakes.ledger.acquireLock(ROLE_LOCK, other, 'shared')).toMatchObject({ acquired: false });
  });

  it('lets go of its own share alone where nothing was begun', async () => {
    const fakes = await ended('blocked');
    const own = ownHolder(at(0));
    for (const one of [own, other]) await fakes.ledger.acquireLock(ROLE_LOCK, one, 'shared');
    expect(await takeOver(fakes)).toMatchObject({ action: 'nothing' });
    expect(await sharers(fakes)).toEqual([OTHER_EXECUTION]);
  });
});
