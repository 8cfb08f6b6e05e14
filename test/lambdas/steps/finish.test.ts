import { describe, expect, it } from 'vitest';
import { addonRestoreCommands, type RestoreCommandsFacts } from '../../../lambdas/domain/restore-commands/add-on.ts';
import type { AddonSnapshot, Migration } from '../../../lambdas/domain/record/migration.ts';
import { finishStep } from '../../../lambdas/steps/finish/handler.ts';
import { runScript } from '../aws-commands.ts';
import { eksHost } from '../eks-host.ts';
import { invoke, lost, newFakes } from '../fakes.ts';
import { ADDON, ROLE, target } from '../example.ts';
import {
  at,
  endedAs,
  EXECUTION,
  MIGRATION_ID,
  OTHER_EXECUTION,
  OTHER_MIGRATION_ID,
  RECOVERY_EXECUTION,
  ROLE_LOCK,
  ownHolder,
  RUN,
} from '../run-examples.ts';
import { aMigration, aRequest, aRollback } from '../fixtures.ts';
import { anError, expectError, expectInOrder, matching, said } from '../matchers.ts';
import { begun, LOCK, type Begun } from './begun.ts';
import { aTrustChange, BEFORE, REPAIR } from './repaired.ts';
import { recreated } from './rollback.ts';

const BY_JO = { executionArn: RECOVERY_EXECUTION, failure: { Error: 'RollbackRequested', Cause: 'jo asked' } };
const failure = {
  Error: 'AddonFailed',
  Cause: JSON.stringify({ errorType: 'AddonFailed', errorMessage: 'Add-on is CREATE_FAILED.', trace: ['at x'] }),
};
const input = (outcome: string, more: object = {}): object => ({ ...RUN, target, subject: ADDON, outcome, ...more });
const run = (fakes: Begun, outcome: string, more?: object) => invoke(finishStep, input(outcome, more), fakes);
const isFree = async ({ ledger }: Begun, key = LOCK) => (await ledger.readLock(key))?.holder === undefined;
const ENDS = [
  ['migrated', 'ready'],
  ['blocked', 'none'],
  ['rolled-back', 'injected'],
] as const;

describe('finish', () => {
  it.each(ENDS)('writes %s, verified at level %s, and lets go of every lock', async (outcome, verified) => {
    const fakes = await begun({ record: { verified: 'ready' } });
    fakes.clock.advance(90_000);
    expect(await run(fakes, outcome)).toEqual({ outcome });
    expect(await fakes.record()).toMatchObject({ ...endedAs(outcome, 90), verified, restoreCommands: [] });
    expect(fakes.telemetry.counts).toEqual({ [`outcome-${outcome}`]: 1 });
    expect([await isFree(fakes), await isFree(fakes, ROLE_LOCK)]).toEqual([true, true]);
    expectInOrder(fakes, 'ledger.updateMigration', 'ledger.releaseLock');
  });

  it.each([
    ['migrated', /kept their old identity/],
    ['rolled-back', /as it was before/],
  ] as const)('says once at the end %s that no pod was seen, where EKS was enough', async (outcome, says) => {
    const other = { id: 'another', status: 'warn' as const, message: 'of before' };
    // Of an earlier end, where a rollback on demand follows.
    const earlier = { id: 'pods-not-seen', status: 'warn' as const, message: 'of an earlier end' };
    const fakes = await begun({ record: { request: aRequest({ verification: 'api' }), warnings: [other, earlier] } });
    await run(fakes, outcome);
    const { verified, warnings } = await fakes.record();
    expect(verified).toBe('api');
    expect(warnings).toMatchObject([other, { id: 'pods-not-seen', ...said('warn', says, 'rollout restart') }]);
  });

  const NONE = { id: 'no-pods-to-verify', status: 'warn' as const, message: 'none' };
  it.each([
    ['migrated', 'api', [NONE], 'api'],
    // Pods that were verified after an end without pods.
    ['rolled-back', 'api', [], 'injected'],
    ['rolled-back', 'ready', [NONE], 'api'],
  ] as const)('of a migration without pods, %s after the level %s', async (outcome, before, warnings, verified) => {
    const fakes = await begun({ record: { verified: before, warnings: [...warnings] } });
    await run(fakes, outcome);
    expect(await fakes.record()).toMatchObject({ verified, warnings });
  });

  it.each(['blocked', 'needs-human'])('of a request content with EKS calls %s not verified', async (outcome) => {
    const fakes = await begun({ record: { request: aRequest({ verification: 'api' }) } });
    await run(fakes, outcome);
    expect(await fakes.record()).toMatchObject({ verified: 'none', warnings: [] });
  });

  it('parks the lock on the add-on where a person is needed, lets go of those on roles, and says what to do', async () => {
    const fakes = await begun();
    await recreated(fakes);
    await run(fakes, 'needs-human', { failure });
    const record = await fakes.record();
    expect(record).toMatchObject({
      outcome: 'needs-human',
      verified: 'none',
      failure: { name: 'AddonFailed', message: 'Add-on is CREATE_FAILED.' },
    });
    expect([await isFree(fakes), await isFree(fakes, ROLE_LOCK)]).toEqual([false, true]);
    expect(await fakes.ledger.listHeldLocks()).toEqual([]);
    expect(record.restoreCommands).toContain('kubectl -n kube-system rollout restart deployment/ebs-csi-controller');
    expect(record.restoreCommands.join('\n')).not.toContain('ebs-csi-node');
    expect(await runScript(record.restoreCommands, eksHost(fakes.eks, fakes.clock))).toEqual([]);
    expect(fakes.eks.addons.get(ADDON)).toMatchObject({
      status: 'ACTIVE',
      serviceAccountRoleArn: ROLE,
      podIdentityAssociations: [],
    });
  });

  it.each<[string, Partial<RestoreCommandsFacts>]>([
    ['eks.describeAddon', { seen: undefined }],
    ['eks.listAssociations', { seen: undefined }],
    ['kubernetes.listWorkloads', { workloads: undefined }],
  ])('writes commands although %s fails', async (call, without) => {
    const fakes = await begun();
    await recreated(fakes);
    const facts: RestoreCommandsFacts = {
      target,
      snapshot: (await fakes.ledger.getSnapshot(MIGRATION_ID)) as AddonSnapshot,
      record: await fakes.record(),
      seen: structuredClone({ addon: fakes.eks.addons.get(ADDON), associations: fakes.eks.associations }),
      workloads: [{ kind: 'Deployment', namespace: 'kube-system', name: 'ebs-csi-controller' }],
    };
    fakes.journal.failNext(call, 'before', lost());
    await run(fakes, 'needs-human');
    expect((await fakes.record()).restoreCommands).toEqual(addonRestoreCommands({ ...facts, ...without }));
    expect(fakes.telemetry.lines).toMatchObject([{ level: 'warn' }]);
  });

  it('has only the last command where nothing was begun', async () => {
    const fakes = newFakes();
    await fakes.ledger.putMigration(aMigration());
    await invoke(finishStep, input('needs-human'), fakes);
    expect((await fakes.ledger.getMigration(MIGRATION_ID))?.restoreCommands).toEqual([
      matching(new RegExp(`^: '.* pod-identity release ${MIGRATION_ID} --deployed'$`)),
      `pod-identity rollback ${MIGRATION_ID} --deployed`,
    ]);
  });

  it('invoked again changes nothing', async () => {
    const fakes = await begun();
    await run(fakes, 'rolled-back', { failure });
    const first = await fakes.record();
    fakes.clock.advance(5000);
    expect([await run(fakes, 'rolled-back'), await fakes.record()]).toEqual([{ outcome: 'rolled-back' }, first]);
    expect(fakes.telemetry.counts).toEqual({ 'outcome-rolled-back': 1 });
  });

  it.each(['migrated', 'needs-human'])('releases the locks after a lost reply to the record (%s)', async (outcome) => {
    const fakes = await begun();
    fakes.journal.failNext('ledger.updateMigration', 'after');
    await expectError(run(fakes, outcome), 'ConnectionLost');
    expect([await run(fakes, outcome), await fakes.ledger.listHeldLocks()]).toEqual([{ outcome }, []]);
    expect(await isFree(fakes)).toBe(outcome === 'migrated');
  });

  it('counts an end that needs a person at each try, since a person must hear of it; others when they are recorded', async () => {
    for (const outcome of ['needs-human', 'migrated']) {
      const fakes = await begun();
      fakes.journal.failNext('ledger.updateMigration', 'after');
      await expectError(run(fakes, outcome), 'ConnectionLost');
      fakes.telemetry.counts = {};
      await run(fakes, outcome);
      expect(fakes.telemetry.counts).toEqual(outcome === 'needs-human' ? { 'outcome-needs-human': 1 } : {});
    }
  });

  it('does not touch a lock that another migration holds', async () => {
    const fakes = await begun();
    await fakes.loseLock();
    await run(fakes, 'blocked');
    await expect(fakes.ledger.assertLock(LOCK, OTHER_MIGRATION_ID, 2)).resolves.toBeUndefined();
    expect(await fakes.ledger.readLock(LOCK)).toMatchObject({ holder: { executionArn: OTHER_EXECUTION } });
  });

  it.each([
    ['ends a migration that never left a record', 'blocked', 0],
    ['leaves the locks of a migration whose record was deleted to find-stranded', 'needs-human', 1],
  ])('%s', async (_, outcome, held) => {
    const fakes = newFakes();
    await fakes.ledger.acquireLock(LOCK, ownHolder(at(0)));
    expect(await invoke(finishStep, input(outcome), fakes)).toEqual({ outcome });
    expect(await fakes.ledger.listHeldLocks()).toHaveLength(held);
  });

  it.each([
    [
      'text of Step Functions itself',
      { Error: 'States.Timeout', Cause: 'It timed out' },
      { name: 'States.Timeout', message: 'It timed out' },
    ],
    ['JSON of another form', { Error: 'X', Cause: '{"a":1}' }, { name: 'X', message: '{"a":1}' }],
    ['JSON that is cut', { Error: 'X', Cause: '{"errorMessage":"hal' }, { name: 'X', message: '{"errorMessage":"hal' }],
    ['no cause', { Error: 'States.Timeout', Cause: '' }, anError('States.Timeout', 'history')],
  ])('keeps a failure of %s', async (_, given, kept) => {
    const fakes = await begun();
    await run(fakes, 'blocked', { failure: given });
    expect((await fakes.record()).failure).toEqual(kept);
  });
});

describe('finish of a migration that has repaired a trust policy', () => {
  const change = aTrustChange();
  const withRepaired = async (now: string | undefined = REPAIR.after, more = {}): Promise<Begun> => {
    const fakes = await begun({ record: { verified: 'ready' } });
    await fakes.ledger.recordTrustChange(MIGRATION_ID, { ...change, ...more });
    fakes.roles.trust[ROLE] = now;
    return fakes;
  };
  const trustLines = async (fakes: Begun): Promise<string[]> =>
    (await fakes.record()).restoreCommands.filter((line) => line.includes('update-assume-role-policy'));

  it('tells a person how to put it back, from how it is now', async () => {
    const fakes = await withRepaired();
    await run(fakes, 'needs-human');
    expect(await trustLines(fakes)).toEqual([
      `aws iam update-assume-role-policy --region ${target.region} --role-name ebs-csi --policy-document '${BEFORE}'`,
    ]);
  });

  it.each<[string, string | undefined, object]>([
    ['it is as it was', BEFORE, {}],
    ['the role is gone', undefined, {}],
    ['it was undone', REPAIR.after, { undoneAt: at(9) }],
  ])('tells of nothing where %s', async (_, now, more) => {
    const fakes = await withRepaired(BEFORE, more);
    fakes.roles.trust[ROLE] = now;
    await run(fakes, 'needs-human');
    expect(await trustLines(fakes)).toEqual([]);
  });

  it('has the whole policy of before where it can not be read', async () => {
    const fakes = await withRepaired();
    fakes.journal.failNext('roles.getRole', 'before', lost());
    await run(fakes, 'needs-human');
    expect(await trustLines(fakes)).toHaveLength(1);
    expect((await fakes.record()).restoreCommands.join('\n')).toContain(": 'This migration added statement");
  });

  it('warns where this deployment has no step that could put it back', async () => {
    const fakes = await withRepaired();
    await run(fakes, 'rolled-back');
    expect((await fakes.record()).warnings).toMatchObject([
      { id: 'trust-not-restored', ...said('warn', 'this deployment may not change trust policies') },
    ]);
  });

  it('leaves the warning of the step that tried', async () => {
    const fakes = await withRepaired();
    const warnings = [{ id: 'trust-not-restored', status: 'warn' as const, message: 'another one has changed it' }];
    await fakes.update({ warnings });
    await run(fakes, 'rolled-back');
    expect((await fakes.record()).warnings).toEqual(warnings);
  });

  it.each(['migrated', 'needs-human'])('does not warn of it at %s', async (outcome) => {
    const fakes = await withRepaired();
    await run(fakes, outcome);
    expect((await fakes.record()).warnings).toEqual([]);
  });
});

describe('finish of a migration that was taken over', () => {
  const first = { name: 'PodsOnWrongIdentity', message: 'the first one' };
  const takenOver = async (record: Partial<Migration> = {}): Promise<Begun> => {
    const fakes = await begun({
      record: {
        status: 'rolling-back',
        rollback: aRollback({ startedAt: at(60) }),
        executionArn: RECOVERY_EXECUTION,
        outcome: 'needs-human',
        endedAt: at(30),
        restoreCommands: ['aws x'],
        ...record,
      },
    });
    for (const key of [LOCK, ROLE_LOCK])
      await fakes.ledger.takeOverLock(
        key,
        { executionArn: EXECUTION, fence: 1 },
        { migrationId: MIGRATION_ID, executionArn: RECOVERY_EXECUTION, since: at(60) },
      );
    return fakes;
  };

  it('replaces the outcome and the commands, and keeps the first failure', async () => {
    const fakes = await takenOver({ failure: first });
    fakes.clock.advance(90_000);
    await run(fakes, 'rolled-back', BY_JO);
    expect(await fakes.record()).toMatchObject({
      outcome: 'rolled-back',
      status: 'ended',
      endedAt: at(90),
      failure: first,
      restoreCommands: [],
      verified: 'injected',
    });
    expect(await isFree(fakes)).toBe(true);
  });

  it('has the failure that led to the recovery where there was none before', async () => {
    const fakes = await takenOver();
    await run(fakes, 'rolled-back', BY_JO);
    expect((await fakes.record()).failure).toEqual({ name: 'RollbackRequested', message: 'jo asked' });
  });

  it('does not let the execution write that stopped before', async () => {
    const fakes = await takenOver();
    const before = await fakes.record();
    expect([await run(fakes, 'migrated'), await fakes.record()]).toEqual([{ outcome: 'migrated' }, before]);
    expect(await isFree(fakes)).toBe(false);
  });
});
