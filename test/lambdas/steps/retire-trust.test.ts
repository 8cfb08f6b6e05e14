import { describe, expect, it } from 'vitest';
import { MigrationError } from '../../../lambdas/domain/failures/errors.ts';
import { findStrandedStep } from '../../../lambdas/steps/find-stranded/handler.ts';
import { takeOverStep } from '../../../lambdas/steps/take-over/handler.ts';
import { faultCases, MOMENTS, strikeEachCall } from '../../faults/contract.ts';
import { invoke, lost } from '../fakes.ts';
import {
  ADDON,
  ADDON_LOCK,
  addonArn,
  anAddon,
  aPod,
  at,
  bothWays,
  EXECUTION,
  irsaStatement,
  ISSUER,
  MIGRATION_ID,
  NAMESPACE,
  OTHER_EXECUTION,
  OTHER_MIGRATION_ID,
  OTHER_ROLE,
  podIdentityStatement,
  policyText,
  RECOVERY_EXECUTION,
  ROLE,
  ROLE_LOCK,
  SERVICE_ACCOUNT,
} from '../fixtures.ts';
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
import { anError, textLike, textWith } from '../expectations.ts';

describe('retire', () => {
  it('takes the OIDC statement out, notes it first, and lets the locks go', async () => {
    const fakes = await migrated();
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
    expect(await holders(fakes)).toEqual(FREE);
    expect(fakes.journal.mutations()).toEqual(['roles.updateTrustPolicy']);
    const names = fakes.journal.names();
    expect(names.lastIndexOf('ledger.acquireLock')).toBeLessThan(names.indexOf('ledger.recordRetirement'));
    expect(names.indexOf('ledger.recordRetirement')).toBeLessThan(names.indexOf('roles.updateTrustPolicy'));
    // Read, and the lock asserted, directly before the write; read back after.
    expect(
      names.slice(names.indexOf('roles.updateTrustPolicy') - 3, names.indexOf('roles.updateTrustPolicy') + 2),
    ).toEqual(['roles.getRole', 'ledger.assertLock', 'ledger.assertLock', 'roles.updateTrustPolicy', 'roles.getRole']);
  });

  it('as a dry run says the same, and touches nothing', async () => {
    const fakes = await migrated();
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

  it('finds nothing the second time, and says since when', async () => {
    const fakes = await migrated();
    await run(fakes);
    fakes.journal.clear();
    expect(await run(fakes)).toMatchObject({
      done: false,
      roles: [{ result: 'nothing', why: textWith(`removed at ${at(0)}`) }],
    });
    expect(fakes.journal.mutations()).toEqual([]);
  });

  it('keeps what the statement allows for other service accounts', async () => {
    const fakes = await migrated();
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

  it('is refused where no pod was seen, and names the commands that verify the pods', async () => {
    const fakes = await migrated();
    await fakes.ledger.updateMigration(MIGRATION_ID, { verified: 'api' });
    await expect(run(fakes)).rejects.toMatchObject(
      anError(
        'RetireRefused',
        textLike(
          /verified by the EKS API alone: no pod was read.*pod-identity identities --cluster dev.*without --verification api/,
        ),
      ),
    );
  });

  it.each<[string, (fakes: Begun) => unknown, string[]]>([
    [
      'it was rolled back',
      (fakes) => fakes.ledger.updateMigration(MIGRATION_ID, { outcome: 'rolled-back', verified: 'none' }),
      ['retire-verified'],
    ],
    [
      'its rollback has begun',
      (fakes) => fakes.ledger.recordStep(MIGRATION_ID, { name: 'assess-rollback', startedAt: at(1), endedAt: at(2) }),
      ['retire-verified'],
    ],
    [
      'its pods were not verified',
      (fakes) => fakes.ledger.updateMigration(MIGRATION_ID, { verified: 'api' }),
      ['retire-verified'],
    ],
    [
      'it is still running',
      (fakes) => fakes.ledger.updateMigration(MIGRATION_ID, { status: 'running' }),
      ['retire-verified'],
    ],
    [
      'the role may not be changed',
      (fakes) => fakes.settings.repairableRoleArns.splice(0, 1, OTHER_ROLE),
      ['retire-role'],
    ],
    ['no role may be changed', (fakes) => fakes.settings.repairableRoleArns.pop(), ['retire-role']],
    [
      'it is too early',
      (fakes) => fakes.ledger.updateMigration(MIGRATION_ID, { endedAt: at(-6 * DAY) }),
      ['retire-soak'],
    ],
    [
      'the add-on has its IRSA role again',
      (fakes) => recreated(fakes, { serviceAccountRoleArn: ROLE }),
      ['retire-pod-identity', 'retire-addons'],
    ],
    [
      'the add-on owns no association',
      (fakes) => recreated(fakes, { podIdentityAssociations: [] }),
      ['retire-pod-identity'],
    ],
    ['a service account has no association', (fakes) => (fakes.eks.associations = []), ['retire-pod-identity']],
    ['the add-on is gone', (fakes) => fakes.eks.addons.delete(ADDON), ['retire-pod-identity']],
    [
      'another add-on has the role',
      (fakes) =>
        fakes.eks.addons.set(
          'aws-efs-csi-driver',
          anAddon({ name: 'aws-efs-csi-driver', arn: addonArn(3, 'aws-efs-csi-driver') }),
        ),
      ['retire-addons'],
    ],
    [
      'a service account is annotated with it',
      (fakes) => fakes.kubernetes.annotated.push({ namespace: 'shop', name: 'cart', roleArn: ROLE }),
      ['retire-service-accounts'],
    ],
    [
      'a pod anywhere uses it',
      (fakes) =>
        fakes.kubernetes.pods.push(aPod('irsa', { namespace: 'shop', name: 'cart-1', serviceAccount: 'cart' })),
      ['retire-pods'],
    ],
    [
      'the cluster shows no OIDC issuer',
      (fakes) => (fakes.eks.cluster = { ...fakes.eks.cluster!, oidcIssuer: undefined }),
      ['retire-issuer'],
    ],
    [
      'the API server may not be read',
      (fakes) =>
        fakes.journal.failNext(
          'kubernetes.listAnnotatedServiceAccounts',
          'before',
          new MigrationError('AccessDenied', 'serviceaccounts is forbidden'),
        ),
      ['retire-service-accounts', 'retire-pods', 'retire-consumers'],
    ],
  ])('is refused where %s', async (_, change, ids) => {
    const dry = await migrated();
    await change(dry);
    const answer = await dryRun(dry);
    expect(answer).toMatchObject({ done: false, roles: [{ roleArn: ROLE, result: 'refused' }] });
    expect(blocking(answer)).toEqual(ids);

    const fakes = await migrated();
    await change(fakes);
    await expect(run(fakes)).rejects.toMatchObject(
      anError('RetireRefused', textWith(`nothing was changed. ${ids[0]}: `)),
    );
    expect(fakes.roles.trust[ROLE]).toBe(bothWays);
    expect(await retirements(fakes)).toEqual([]);
    // Not even for a moment.
    expect(fakes.journal.names()).not.toContain('ledger.acquireLock');
  });

  it('says when it may be done, where it is too early', async () => {
    const fakes = await migrated({ endedAt: at(-DAY) });
    await expect(run(fakes, { soakDays: 3 })).rejects.toMatchObject(anError('RetireRefused', textWith(at(2 * DAY))));
    expect(await run(fakes, { soakDays: 1 })).toMatchObject({ done: true });
  });

  it('refuses what it can not take apart, with what to do', async () => {
    const fakes = await migrated();
    const everybody = {
      ...irsaStatement,
      Condition: {
        StringNotEquals: { [`${ISSUER.replace('https://', '')}:sub`]: 'system:serviceaccount:shop:cart' },
      },
    };
    fakes.roles.trust[ROLE] = policyText(everybody, podIdentityStatement);
    expect(await dryRun(fakes)).toMatchObject({
      roles: [{ result: 'refused', why: textWith('by StringNotEquals, from which') }],
    });
    await expect(run(fakes)).rejects.toMatchObject(
      anError('RetireRefused', textLike(new RegExp(`${ROLE}: .*by StringNotEquals, from which`))),
    );
  });

  it('has nothing to retire where the add-on had no IRSA role', async () => {
    const fakes = await begun({ snapshot: { addon: anAddon({ serviceAccountRoleArn: undefined }) } });
    await fakes.ledger.updateMigration(MIGRATION_ID, {
      status: 'ended',
      outcome: 'migrated',
      verified: 'ready',
      endedAt: at(-10 * DAY),
    });
    expect(await dryRun(fakes)).toMatchObject({
      roles: [],
      checks: [{ status: 'pass' }, { id: 'retire-role', status: 'fail' }],
    });
    await expect(run(fakes)).rejects.toMatchObject(anError('RetireRefused', textWith('had no IRSA role')));
  });

  it('has nothing to do where the role is gone, and knows no other migration', async () => {
    const fakes = await migrated();
    delete fakes.roles.trust[ROLE];
    expect(await run(fakes)).toMatchObject({
      done: false,
      roles: [{ result: 'nothing', why: 'the role no longer exists in IAM' }],
    });
    await expect(run(fakes, { migrationId: OTHER_MIGRATION_ID })).rejects.toMatchObject({ name: 'BadInput' });
  });
});

describe('retire next to other migrations', () => {
  it.each([
    ['refuses while the add-on is being worked on', ADDON_LOCK, 'LockHeld'],
    ['waits while another migration has the role', ROLE_LOCK, 'RoleLockHeld'],
  ])('%s', async (_, key, name) => {
    const fakes = await migrated();
    await fakes.ledger.acquireLock(key, {
      migrationId: OTHER_MIGRATION_ID,
      executionArn: OTHER_EXECUTION,
      since: at(-9),
    });
    await expect(run(fakes)).rejects.toMatchObject({
      name,
      message: textWith(OTHER_MIGRATION_ID),
    });
    expect((await holders(fakes)).filter((one) => one === RETIRE_EXECUTION)).toEqual([]);
    expect(fakes.journal.mutations()).toEqual([]);
  });

  it('leaves a policy alone that another principal changes between the decision and the write', async () => {
    const fakes = await migrated();
    const theirs = policyText(irsaStatement, podIdentityStatement, { ...podIdentityStatement, Sid: 'Theirs' });
    const record = fakes.ledger.recordRetirement.bind(fakes.ledger);
    fakes.ledger.recordRetirement = async (...given) => {
      await record(...given);
      fakes.roles.trust[ROLE] = theirs;
    };
    await expect(run(fakes)).rejects.toMatchObject({ name: 'TrustChanged' });
    expect(fakes.roles.trust[ROLE]).toBe(theirs);
    expect(await holders(fakes)).toEqual(FREE);
  });

  it('decides again under the lock', async () => {
    const fakes = await migrated();
    const acquire = fakes.ledger.acquireLock.bind(fakes.ledger);
    fakes.ledger.acquireLock = async (...given) => {
      fakes.kubernetes.annotated = [{ namespace: 'shop', name: 'cart', roleArn: ROLE }];
      return acquire(...given);
    };
    await expect(run(fakes)).rejects.toMatchObject({ name: 'RetireRefused' });
    expect(fakes.roles.trust[ROLE]).toBe(bothWays);
    expect(await holders(fakes)).toEqual(FREE);
  });

  it('begins no change when its locks are lost, or its time is nearly up', async () => {
    const stolen = await migrated();
    stolen.ledger.assertLock = () => Promise.reject(new MigrationError('LockLost', 'it has passed on'));
    await expect(run(stolen)).rejects.toMatchObject({ name: 'LockLost' });
    const late = await migrated();
    late.invocation.remaining = 10_000;
    await expect(run(late)).rejects.toMatchObject({ name: 'OutOfTime' });
    for (const fakes of [stolen, late]) {
      expect(fakes.journal.mutations()).toEqual([]);
      expect(await holders(fakes)).toEqual(FREE);
    }
  });

  it('keeps an earlier retirement in its note when more has come to be taken out', async () => {
    const fakes = await migrated();
    await run(fakes);
    // Lets them in from some place alone, so that it does not stand for the first one.
    const second = {
      ...irsaStatement,
      Sid: 'Second',
      Condition: { ...irsaStatement.Condition, IpAddress: { 'aws:SourceIp': '198.51.100.0/24' } },
    };
    fakes.roles.trust[ROLE] = policyText(podIdentityStatement, second);
    expect(await run(fakes)).toMatchObject({ done: true });
    expect(await putBack(fakes)).toMatchObject({ done: true });
    expect(JSON.stringify(policy(fakes))).toContain('"Irsa"');
    expect(JSON.stringify(policy(fakes))).toContain('"Second"');
  });
});

describe('retire after a fault', () => {
  it('reads again what was written when the reply is lost', async () => {
    const fakes = await migrated();
    fakes.journal.failNext('roles.updateTrustPolicy', 'after', lost());
    expect(await run(fakes)).toMatchObject({ done: true, roles: [{ result: 'removed' }] });
    const before = await migrated();
    before.journal.failNext('roles.updateTrustPolicy', 'before', lost());
    await expect(run(before)).rejects.toMatchObject({ name: 'Busy' });
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

  it('leaves locks to find-stranded where it could not let them go', async () => {
    const fakes = await migrated();
    fakes.journal.failNext('ledger.releaseLock', 'before');
    expect(await run(fakes)).toMatchObject({ done: true });
    expect(await holders(fakes)).toEqual([undefined, RETIRE_EXECUTION]);
    fakes.executions.states.set(RETIRE_EXECUTION, { status: 'SUCCEEDED', stoppedAt: at(-600) });
    fakes.executions.states.set(EXECUTION, { status: 'SUCCEEDED', stoppedAt: at(-600) });
    expect(await invoke(findStrandedStep, {}, fakes)).toMatchObject({ started: [MIGRATION_ID] });
    expect(
      await invoke(
        takeOverStep,
        { migrationId: MIGRATION_ID, executionArn: RECOVERY_EXECUTION, cause: 'stranded' },
        fakes,
      ),
    ).toMatchObject({ action: 'nothing' });
    expect(await holders(fakes)).toEqual(FREE);
    expect(await fakes.record()).toMatchObject({ status: 'ended', outcome: 'migrated' });
  });
});
