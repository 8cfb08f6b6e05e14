import { describe, expect, test } from 'vitest';
import { MigrationError } from '../../../lambdas/domain/failures/errors.ts';
import type { Migration } from '../../../lambdas/domain/record/migration.ts';
import { findStrandedStep } from '../../../lambdas/steps/find-stranded/handler.ts';
import { takeOverStep } from '../../../lambdas/steps/take-over/handler.ts';
import { faultCases, MOMENTS, strikeEachCall } from '../../faults/contract.ts';
import { invoke, lost } from '../fakes.ts';
import { ADDON, addonArn, ISSUER, NAMESPACE, OTHER_ROLE, ROLE, SERVICE_ACCOUNT } from '../example.ts';
import {
  ADDON_LOCK,
  at,
  EXECUTION,
  MIGRATION_ID,
  OTHER_MIGRATION_ID,
  RECOVERY_EXECUTION,
  ROLE_LOCK,
  otherHolder,
} from '../run-examples.ts';
import { bothWays, irsaStatement, podIdentityStatement, policyText } from '../trust-examples.ts';
import { aCluster, anAddon, aPod } from '../eks-fixtures.ts';
import { containing, expectError } from '../matchers.ts';
import { begun, type Begun } from './begun.ts';
import { recreated } from './rollback.ts';
import {
  RETIRE_EXECUTION,
  DAY,
  RETIRED,
  migrated,
  run,
  dryRun,
  putBack,
  holders,
  FREE,
  retirements,
  policy,
  blocking,
} from './retiring.ts';

const it = test.extend('fakes', () => migrated());

describe('retire', () => {
  it('takes the OIDC statement out, notes it first, and lets the locks go', async ({ fakes }) => {
    const answer = await run(fakes, { requestedBy: 'jo', reason: 'it is time' });
    expect(answer).toMatchObject({
      action: 'retire',
      dryRun: false,
      done: true,
      roles: [{ roleArn: ROLE, result: 'removed', before: bothWays, after: RETIRED }],
    });
    expect(answer.checks.every(({ status }) => status === 'pass')).toBe(true);
    expect(policy(fakes)).toEqual(JSON.parse(RETIRED));
    expect(await retirements(fakes)).toEqual([
      {
        roleArn: ROLE,
        before: bothWays,
        after: RETIRED,
        removed: [{ statement: irsaStatement }],
        notedAt: at(0),
        writtenAt: at(0),
        requestedBy: 'jo',
        reason: 'it is time',
      },
    ]);
    expect([await holders(fakes), fakes.journal.mutations()]).toEqual([FREE, ['roles.updateTrustPolicy']]);
    const names = fakes.journal.names();
    expect(names.lastIndexOf('ledger.acquireLock')).toBeLessThan(names.indexOf('ledger.recordRetirement'));
    expect(names.indexOf('ledger.recordRetirement')).toBeLessThan(names.indexOf('roles.updateTrustPolicy'));
    // Read, and the lock asserted, directly before the write; read back after.
    const write = names.indexOf('roles.updateTrustPolicy');
    expect(names.slice(write - 3, write + 2)).toEqual(
      'roles.getRole ledger.assertLock ledger.assertLock roles.updateTrustPolicy roles.getRole'.split(' '),
    );
  });

  it('as a dry run says the same, and touches nothing', async ({ fakes }) => {
    expect(await dryRun(fakes)).toMatchObject({
      dryRun: true,
      done: false,
      roles: [{ roleArn: ROLE, result: 'would-remove', before: bothWays, after: RETIRED }],
    });
    expect(fakes.journal.mutations()).toEqual([]);
    // But that it runs, and what it found.
    expect(new Set(fakes.journal.names().filter((name) => /^ledger\.(?!get|list|read)/.test(name)))).toEqual(
      new Set(['ledger.changeRetirement']),
    );
  });

  it('finds nothing the second time, and says since when', async ({ fakes }) => {
    await run(fakes);
    fakes.journal.clear();
    expect(await run(fakes)).toMatchObject({
      done: false,
      roles: [{ result: 'nothing', why: containing(`removed at ${at(0)}`) }],
    });
    expect(fakes.journal.mutations()).toEqual([]);
  });

  it('keeps what the statement allows for other service accounts', async ({ fakes }) => {
    const key = Object.keys(irsaStatement.Condition.StringEquals)[0]!;
    const other = 'system:serviceaccount:shop:cart';
    const shared = {
      ...irsaStatement,
      Condition: {
        StringEquals: {
          ...irsaStatement.Condition.StringEquals,
          [key]: [`system:serviceaccount:${NAMESPACE}:${SERVICE_ACCOUNT}`, other],
        },
      },
    };
    fakes.roles.trust[ROLE] = policyText(shared, podIdentityStatement);
    expect(await run(fakes)).toMatchObject({ done: true });
    expect(JSON.stringify(policy(fakes))).toContain(other);
    expect(JSON.stringify(policy(fakes))).not.toContain(SERVICE_ACCOUNT);
  });

  it('is refused where no pod was seen, and names the commands that verify the pods', async ({ fakes }) => {
    await fakes.update({ verified: 'api' });
    await expectError(
      run(fakes),
      'RetireRefused',
      /verified by the EKS API alone: no pod was read.*pod-identity identities --cluster dev.*without --verification api/,
    );
  });

  const record =
    (change: Partial<Migration>) =>
    ({ ledger }: Begun): unknown =>
      ledger.updateMigration(MIGRATION_ID, change);
  const EFS = anAddon({ name: 'aws-efs-csi-driver', arn: addonArn(3, 'aws-efs-csi-driver') });
  const ASSESSED = { name: 'assess-rollback', startedAt: at(1), endedAt: at(2) } as const;
  const lists = 'kubernetes.listAnnotatedServiceAccounts';
  const elsewhere = aPod('irsa', { namespace: 'shop', name: 'cart-1', serviceAccount: 'cart' });
  it.each<[string, string[], (fakes: Begun) => unknown]>([
    ['it was rolled back', ['retire-verified'], record({ outcome: 'rolled-back', verified: 'none' })],
    ['its rollback has begun', ['retire-verified'], ({ ledger }) => ledger.recordStep(MIGRATION_ID, ASSESSED)],
    ['its pods were not verified', ['retire-verified'], record({ verified: 'api' })],
    ['it is still running', ['retire-verified'], record({ status: 'running' })],
    ['the role may not be changed', ['retire-role'], ({ settings }) => (settings.repairableRoleArns = [OTHER_ROLE])],
    ['no role may be changed', ['retire-role'], ({ settings }) => settings.repairableRoleArns.pop()],
    ['it is too early', ['retire-soak'], record({ endedAt: at(-6 * DAY) })],
    [
      'it has its role again',
      ['retire-pod-identity', 'retire-addons'],
      (to) => recreated(to, { serviceAccountRoleArn: ROLE }),
    ],
    ['it owns no association', ['retire-pod-identity'], (fakes) => recreated(fakes, { podIdentityAssociations: [] })],
    ['a service account has no association', ['retire-pod-identity'], ({ eks }) => (eks.associations = [])],
    ['the add-on is gone', ['retire-pod-identity'], ({ eks }) => eks.addons.delete(ADDON)],
    ['another add-on has the role', ['retire-addons'], ({ eks }) => eks.addons.set(EFS.name, EFS)],
    ['a pod anywhere uses it', ['retire-pods'], ({ kubernetes }) => kubernetes.pods.push(elsewhere)],
    ['there is no OIDC issuer', ['retire-issuer'], ({ eks }) => (eks.cluster = aCluster({ oidcIssuer: undefined }))],
    [
      'the API server may not be read',
      ['retire-service-accounts', 'retire-pods', 'retire-consumers'],
      ({ journal }) => journal.refuseNext(lists, 'AccessDenied', 'serviceaccounts is forbidden'),
    ],
  ])('is refused where %s', async (_, ids, change) => {
    const dry = await migrated();
    await change(dry);
    const answer = await dryRun(dry);
    expect(answer).toMatchObject({ done: false, roles: [{ roleArn: ROLE, result: 'refused' }] });
    expect(blocking(answer)).toEqual(ids);

    const fakes = await migrated();
    await change(fakes);
    await expectError(run(fakes), 'RetireRefused', `nothing was changed. ${ids[0]}: `);
    expect(fakes.roles.trust[ROLE]).toBe(bothWays);
    expect(await retirements(fakes)).toEqual([]);
    // Not even for a moment.
    expect(fakes.journal.names()).not.toContain('ledger.acquireLock');
  });

  it('says when it may be done, where it is too early', async () => {
    const fakes = await migrated({ endedAt: at(-DAY) });
    await expectError(run(fakes, { soakDays: 3 }), 'RetireRefused', at(2 * DAY));
    expect(await run(fakes, { soakDays: 1 })).toMatchObject({ done: true });
  });

  it('refuses what it can not take apart, with what to do', async ({ fakes }) => {
    const everybody = {
      ...irsaStatement,
      Condition: { StringNotEquals: { [`${ISSUER.replace('https://', '')}:sub`]: 'system:serviceaccount:shop:cart' } },
    };
    fakes.roles.trust[ROLE] = policyText(everybody, podIdentityStatement);
    expect(await dryRun(fakes)).toMatchObject({
      roles: [{ result: 'refused', why: containing('by StringNotEquals, from which') }],
    });
    await expectError(run(fakes), 'RetireRefused', new RegExp(`${ROLE}: .*by StringNotEquals, from which`));
  });

  it('has nothing to retire where the add-on had no IRSA role', async () => {
    const fakes = await begun({ snapshot: { addon: anAddon({ serviceAccountRoleArn: undefined }) } });
    await fakes.update({ status: 'ended', outcome: 'migrated', verified: 'ready', endedAt: at(-10 * DAY) });
    expect(await dryRun(fakes)).toMatchObject({
      roles: [],
      checks: [{ status: 'pass' }, { id: 'retire-role', status: 'fail' }],
    });
    await expectError(run(fakes), 'RetireRefused', 'had no IRSA role');
  });

  it('has nothing to do where the role is gone, and knows no other migration', async ({ fakes }) => {
    delete fakes.roles.trust[ROLE];
    expect(await run(fakes)).toMatchObject({
      done: false,
      roles: [{ result: 'nothing', why: 'the role no longer exists in IAM' }],
    });
    await expectError(run(fakes, { migrationId: OTHER_MIGRATION_ID }), 'BadInput');
  });
});

describe('retire next to other migrations', () => {
  it.each([
    ['refuses while the add-on is being worked on', ADDON_LOCK, 'LockHeld'],
    ['waits while another migration has the role', ROLE_LOCK, 'RoleLockHeld'],
  ])('%s', async (_, key, name) => {
    const fakes = await migrated();
    await fakes.ledger.acquireLock(key, otherHolder(at(-9)));
    await expectError(run(fakes), name, OTHER_MIGRATION_ID);
    expect((await holders(fakes)).filter((one) => one === RETIRE_EXECUTION)).toEqual([]);
    expect(fakes.journal.mutations()).toEqual([]);
  });

  it('leaves a policy alone that another principal changes between the decision and the write', async ({ fakes }) => {
    const theirs = policyText(irsaStatement, podIdentityStatement, { ...podIdentityStatement, Sid: 'Theirs' });
    const record = fakes.ledger.recordRetirement.bind(fakes.ledger);
    fakes.ledger.recordRetirement = async (...given) => {
      await record(...given);
      fakes.roles.trust[ROLE] = theirs;
    };
    await expectError(run(fakes), 'TrustChanged');
    expect(fakes.roles.trust[ROLE]).toBe(theirs);
    expect(await holders(fakes)).toEqual(FREE);
  });

  it('decides again under the lock', async ({ fakes }) => {
    const acquire = fakes.ledger.acquireLock.bind(fakes.ledger);
    fakes.ledger.acquireLock = async (...given) => {
      fakes.kubernetes.annotated = [{ namespace: 'shop', name: 'cart', roleArn: ROLE }];
      return acquire(...given);
    };
    await expectError(run(fakes), 'RetireRefused');
    expect(fakes.roles.trust[ROLE]).toBe(bothWays);
    expect(await holders(fakes)).toEqual(FREE);
  });

  it('begins no change when its locks are lost, or its time is nearly up', async () => {
    const stolen = await migrated();
    stolen.ledger.assertLock = () => Promise.reject(new MigrationError('LockLost', 'it has passed on'));
    await expectError(run(stolen), 'LockLost');
    const late = await migrated();
    late.invocation.remaining = 10_000;
    await expectError(run(late), 'OutOfTime');
    for (const fakes of [stolen, late]) {
      expect(fakes.journal.mutations()).toEqual([]);
      expect(await holders(fakes)).toEqual(FREE);
    }
  });

  it('keeps an earlier retirement in its note when more has come to be taken out', async ({ fakes }) => {
    await run(fakes);
    // Lets them in from some place alone, so that it does not stand for the first one.
    const second = {
      ...irsaStatement,
      Sid: 'Second',
      Condition: { ...irsaStatement.Condition, IpAddress: { 'aws:SourceIp': '198.51.100.0/24' } },
    };
    fakes.roles.trust[ROLE] = policyText(podIdentityStatement, second);
    expect([await run(fakes), await putBack(fakes)]).toMatchObject([{ done: true }, { done: true }]);
    expect(JSON.stringify(policy(fakes))).toContain('"Irsa"');
    expect(JSON.stringify(policy(fakes))).toContain('"Second"');
  });
});

describe('retire after a fault', () => {
  it('reads again what was written when the reply is lost', async ({ fakes }) => {
    fakes.journal.failNext('roles.updateTrustPolicy', 'after', lost());
    expect(await run(fakes)).toMatchObject({ done: true, roles: [{ result: 'removed' }] });
    const before = await migrated();
    before.journal.failNext('roles.updateTrustPolicy', 'before', lost());
    await expectError(run(before), 'Busy');
    expect(await run(before)).toMatchObject({ done: true });
  });

  it.each(faultCases(MOMENTS, ['retire', 'reinstate'] as const))(
    'of any one call of $call ($kind its effect) ends the same',
    ({ call, kind }) => {
      const action = call as 'retire' | 'reinstate';
      return strikeEachCall({
        prepare: async (): Promise<Begun> => {
          const fakes = await migrated();
          if (action === 'reinstate') await run(fakes);
          fakes.journal.clear();
          return fakes;
        },
        work: (fakes) => run(fakes, { action }),
        kinds: [kind],
        expectation: async (fakes, smooth) => {
          await run(fakes, { action }).catch(() => undefined);
          await run(fakes, { action });
          expect(policy(fakes)).toEqual(policy(smooth));
          expect(await retirements(fakes)).toMatchObject(
            (await retirements(smooth)).map(({ roleArn, before, after, removed }) => ({
              roleArn,
              before,
              after,
              removed,
            })),
          );
          expect(
            (await retirements(fakes)).every((one) =>
              action === 'retire'
                ? one.writtenAt !== undefined && one.undoneAt === undefined
                : one.undoneAt !== undefined,
            ),
          ).toBe(true);
          expect((await holders(fakes)).filter((one) => one !== undefined && one !== RETIRE_EXECUTION)).toEqual([]);
        },
      });
    },
  );

  it('leaves locks to find-stranded where it could not let them go', async ({ fakes }) => {
    fakes.journal.failNext('ledger.releaseLock', 'before');
    expect(await run(fakes)).toMatchObject({ done: true });
    expect(await holders(fakes)).toEqual([undefined, RETIRE_EXECUTION]);
    fakes.executions.states.set(RETIRE_EXECUTION, { status: 'SUCCEEDED', stoppedAt: at(-600) });
    fakes.executions.states.set(EXECUTION, { status: 'SUCCEEDED', stoppedAt: at(-600) });
    expect(await invoke(findStrandedStep, {}, fakes)).toMatchObject({ started: [MIGRATION_ID] });
    const recover = { migrationId: MIGRATION_ID, executionArn: RECOVERY_EXECUTION, cause: 'stranded' };
    expect(await invoke(takeOverStep, recover, fakes)).toMatchObject({ action: 'nothing' });
    expect(await holders(fakes)).toEqual(FREE);
    expect(await fakes.record()).toMatchObject({ status: 'ended', outcome: 'migrated' });
  });
});
