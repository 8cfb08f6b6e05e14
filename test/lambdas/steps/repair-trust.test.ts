import { describe, expect, test } from 'vitest';
import { MigrationError } from '../../../lambdas/domain/failures/errors.ts';
import type { Plan } from '../../../lambdas/domain/record/plan.ts';
import type { Snapshot } from '../../../lambdas/domain/record/migration.ts';
import type { TrustChange } from '../../../lambdas/domain/terms/trust.ts';
import { repairTrustStep } from '../../../lambdas/steps/repair-trust/handler.ts';
import { interruptedOnce, strikeEachCall } from '../../faults/contract.ts';
import { invoke } from '../fakes.ts';
import { OTHER_ROLE, ROLE, ROLES_OF_ACCOUNT, target } from '../example.ts';
import {
  at,
  EXECUTION,
  MIGRATION_ID,
  OTHER_EXECUTION,
  OTHER_MIGRATION_ID,
  ROLE_LOCK,
  otherHolder,
} from '../run-examples.ts';
import { irsaStatement, policyText, ec2Statement } from '../trust-examples.ts';
import { planned } from '../eks-fixtures.ts';
import { GRANTED } from '../fixtures.ts';
import { containing, expectError, said } from '../matchers.ts';
import { begun, type Begun } from './begun.ts';
import { BEFORE, REPAIR, repairOf } from './repaired.ts';

const it = test.extend('fakes', () => atRepair());
const others = { ...ec2Statement, Sid: 'Others' };

async function atRepair(plan: Partial<Plan> = {}, snapshot: Partial<Snapshot> = {}): Promise<Begun> {
  const fakes = await begun({ plan: { trustRepairs: [REPAIR], ...plan }, snapshot });
  fakes.settings.repairableRoleArns = [ROLES_OF_ACCOUNT];
  fakes.roles.trust[ROLE] = BEFORE;
  return fakes;
}
const repair = (fakes: Begun) => invoke(repairTrustStep, { ...fakes.input, towards: 'pod-identity' }, fakes);
const restore = (fakes: Begun) => invoke(repairTrustStep, { ...fakes.input, towards: 'before' }, fakes);
const changes = async (fakes: Begun): Promise<TrustChange[]> => (await fakes.record()).trustChanges;
const writes = ({ journal }: Begun): unknown[][] => journal.of('roles.updateTrustPolicy');

async function repaired(change: Partial<TrustChange> = {}): Promise<Begun> {
  const fakes = await atRepair();
  await repair(fakes);
  await fakes.ledger.recordTrustChange(MIGRATION_ID, { ...(await changes(fakes))[0]!, ...change });
  fakes.journal.clear();
  return fakes;
}

describe('repair-trust towards Pod Identity', () => {
  it('notes the change, writes it, reads it back, and notes that', async ({ fakes }) => {
    expect(await repair(fakes)).toEqual({ changed: true });
    expect(fakes.roles.trust[ROLE]).toBe(REPAIR.after);
    expect(await changes(fakes)).toEqual([{ ...REPAIR, notedAt: at(0), writtenAt: at(0) }]);
    const names = fakes.journal.names();
    const write = names.indexOf('roles.updateTrustPolicy');
    expect(names.indexOf('ledger.recordTrustChange')).toBeLessThan(write);
    // Nothing but the lock between the last look at the policy and the write.
    expect(names.slice(write - 2, write)).toEqual(['roles.getRole', 'ledger.assertLock']);
    expect([names.slice(write + 1), fakes.clock.slept]).toEqual([['roles.getRole', 'ledger.recordTrustChange'], []]);
  });

  it('comes to the same end, and never writes what it has not noted, whichever call fails', async () => {
    const written: TrustChange[][] = [];
    await strikeEachCall({
      prepare: atRepair,
      work: repair,
      expectation: async (fakes, _, { call, kind }) => {
        await expectError(repair(fakes), 'ConnectionLost');
        if (fakes.roles.trust[ROLE] !== BEFORE) written.push(await changes(fakes));
        fakes.clock.advance(5000);
        expect(await repair(fakes)).toEqual({ changed: true });
        expect(fakes.roles.trust[ROLE]).toBe(REPAIR.after);
        expect(await changes(fakes)).toMatchObject([{ roleArn: ROLE, before: BEFORE, writtenAt: expect.any(String) }]);
        expect(writes(fakes)).toHaveLength(call === 'roles.updateTrustPolicy' && kind === 'before' ? 2 : 1);
      },
    });
    expect(written.length).toBeGreaterThan(2);
    for (const noted of written) expect(noted).toMatchObject([{ before: BEFORE, after: REPAIR.after }]);
  });

  it('waits until IAM shows what was written', async ({ fakes }) => {
    fakes.roles.getRole = async (arn) => ({ arn, trustPolicy: BEFORE, tags: {} });
    await expectError(repair(fakes), 'Busy', ROLE);
    expect([fakes.clock.slept, await changes(fakes)]).toEqual([[2000, 2000], [{ ...REPAIR, notedAt: at(0) }]]);
  });

  it('waits where IAM does not show the role at all after the write', async ({ fakes }) => {
    const write = fakes.roles.updateTrustPolicy.bind(fakes.roles);
    fakes.roles.updateTrustPolicy = async (...given) => {
      await write(...given);
      fakes.roles.getRole = async () => undefined;
    };
    await expectError(repair(fakes), 'Busy', 'does not show the new trust policy');
  });

  it('leaves a policy alone that another principal has changed since the plan', async ({ fakes }) => {
    fakes.roles.trust[ROLE] = policyText(irsaStatement, others);
    await expectError(repair(fakes), 'TrustChanged', /no longer as the plan found it\. It was left alone.*try again/);
    expect([writes(fakes), await changes(fakes)]).toEqual([[], []]);
    fakes.roles.trust[ROLE] = undefined;
    await expectError(repair(fakes), 'TrustChanged', 'the role is gone');
  });

  it('sees a change that comes between its note and its write', async ({ fakes }) => {
    const note = fakes.ledger.recordTrustChange.bind(fakes.ledger);
    fakes.ledger.recordTrustChange = async (id, change) => {
      await note(id, change);
      fakes.roles.trust[ROLE] = policyText(irsaStatement, others);
    };
    await expectError(repair(fakes), 'TrustChanged');
    expect(writes(fakes)).toEqual([]);
  });

  it('reports that another principal has written at the same moment', async ({ fakes }) => {
    fakes.roles.updateTrustPolicy = async () => void (fakes.roles.trust[ROLE] = policyText(others));
    await expectError(repair(fakes), 'TrustChanged', 'at the same time');
  });

  it('takes the same policy in another spelling for what it is', async ({ fakes }) => {
    fakes.roles.trust[ROLE] = JSON.stringify(JSON.parse(BEFORE), null, 2);
    expect(await repair(fakes)).toEqual({ changed: true });
    fakes.roles.trust[ROLE] = JSON.stringify(JSON.parse(REPAIR.after), null, 2);
    expect(await repair(fakes)).toEqual({ changed: true });
    expect(writes(fakes)).toHaveLength(1);
  });

  it('does not claim a statement that was written by hand, so that no rollback removes it', async ({ fakes }) => {
    fakes.roles.trust[ROLE] = REPAIR.after;
    expect([await repair(fakes), await changes(fakes)]).toEqual([{ changed: false }, []]);
    await restore(fakes);
    expect(fakes.roles.trust[ROLE]).toBe(REPAIR.after);
  });

  it.each([[[]], [['arn:aws:iam::111122223333:role/eks/*', OTHER_ROLE]]])('touches only %j', async (patterns) => {
    const fakes = await atRepair();
    fakes.settings.repairableRoleArns = patterns;
    await expectError(repair(fakes), 'BadInput', 'repairableRoleArns');
    expect(fakes.journal.names().filter((name) => name.startsWith('roles.'))).toEqual([]);
  });

  it('refuses all where one of the roles is not named', async () => {
    const fakes = await atRepair({ trustRepairs: [REPAIR, repairOf(OTHER_ROLE)] });
    fakes.settings.repairableRoleArns = [ROLE];
    await expectError(repair(fakes), 'BadInput', OTHER_ROLE);
    expect(writes(fakes)).toEqual([]);
  });

  it('repairs every role of the plan, each with its own note', async () => {
    const other = { ...planned, serviceAccount: 'ebs-csi-node-sa', roleArn: OTHER_ROLE };
    const fakes = await atRepair(
      { associations: [planned, other], trustRepairs: [REPAIR, repairOf(OTHER_ROLE, other.serviceAccount)] },
      { planned: [planned, other] },
    );
    fakes.settings.roleGrants = GRANTED;
    fakes.roles.trust[OTHER_ROLE] = BEFORE;
    expect(await repair(fakes)).toEqual({ changed: true });
    expect((await changes(fakes)).map((one) => one.roleArn).sort()).toEqual([ROLE, OTHER_ROLE].sort());
    await restore(fakes);
    expect([fakes.roles.trust[ROLE], fakes.roles.trust[OTHER_ROLE]]).toEqual([BEFORE, BEFORE]);
  });

  it.each<[string, unknown[], RegExp]>([
    ['lets nobody in', [irsaStatement, others], /EKS Pod Identity is denied for kube-system\/ebs-csi-controller-sa/],
    [
      'takes IRSA away',
      [REPAIR.statement],
      /IRSA by oidc\.eks\S+ was allowed for kube-system\/ebs-csi-controller-sa and would be denied/,
    ],
  ])('does not write what %s, whatever the plan says', async (_, statements, why) => {
    const fakes = await atRepair({ trustRepairs: [{ ...REPAIR, after: policyText(...statements) }] });
    await expectError(repair(fakes), 'BadInput', why);
    expect([writes(fakes), await changes(fakes)]).toEqual([[], []]);
  });

  it('evaluates both forms of an association that loses its session tags', async () => {
    const carryOver = [{ ...planned, from: 'a-left00000000000001', tags: {}, disableSessionTags: true }];
    // The statement asks for tags that the association will no longer have.
    await expectError(repair(await atRepair({ carryOver })), 'BadInput', 'EKS Pod Identity is denied');
  });

  it('says why IAM does not take it, and has noted that it tried', async ({ fakes }) => {
    fakes.roles.trustQuota = 100;
    await expectError(repair(fakes), 'TrustTooLong');
    expect([await changes(fakes), await restore(fakes)]).toEqual([[{ ...REPAIR, notedAt: at(0) }], { changed: true }]);
    expect([fakes.roles.trust[ROLE], (await changes(fakes))[0]?.undoneAt]).toEqual([BEFORE, at(4)]);
  });

  it('has nothing to do without a repair in the plan', async () => {
    const fakes = await atRepair({ trustRepairs: [] });
    expect(await repair(fakes)).toEqual({ changed: false });
    expect(fakes.journal.names().filter((name) => name.startsWith('roles.'))).toEqual([]);
  });
});

describe('repair-trust towards before', () => {
  it('writes the policy as it was and notes that', async () => {
    const fakes = await repaired();
    expect(await restore(fakes)).toEqual({ changed: true });
    expect(fakes.roles.trust[ROLE]).toBe(BEFORE);
    expect(await changes(fakes)).toEqual([{ ...REPAIR, notedAt: at(0), writtenAt: at(0), undoneAt: at(0) }]);
    await restore(fakes);
    expect(writes(fakes)).toHaveLength(1);
    expect((await fakes.record()).warnings).toEqual([]);
  });

  it('comes to the same end, whichever call fails', () =>
    strikeEachCall({
      prepare: () => repaired(),
      work: restore,
      expectation: async (fakes) => {
        await interruptedOnce(() => restore(fakes));
        expect(fakes.roles.trust[ROLE]).toBe(BEFORE);
        expect((await changes(fakes))[0]?.undoneAt).toBeDefined();
      },
    }));

  it('takes only its own statement out of what others have changed since', async () => {
    const fakes = await repaired();
    fakes.roles.trust[ROLE] = policyText(irsaStatement, others, REPAIR.statement);
    await restore(fakes);
    expect(JSON.parse(fakes.roles.trust[ROLE])).toEqual(JSON.parse(policyText(irsaStatement, others)));
  });

  it('undoes a write whose reply was lost and whose time was not noted', async () => {
    const fakes = await repaired({ writtenAt: undefined });
    await restore(fakes);
    expect(fakes.roles.trust[ROLE]).toBe(BEFORE);
  });

  it('does not believe at one look that there is nothing to undo', async () => {
    const fakes = await repaired();
    let looks = 0;
    fakes.roles.getRole = async (arn) => ({
      arn,
      trustPolicy: (looks += 1) < 3 ? BEFORE : fakes.roles.trust[ROLE]!,
      tags: {},
    });
    await restore(fakes);
    expect(fakes.roles.trust[ROLE]).toBe(BEFORE);
    expect(writes(fakes)).toHaveLength(1);
  });

  it('has nothing to do where the write never came to pass, or the role is gone', async () => {
    for (const now of [BEFORE, undefined]) {
      const fakes = await repaired({ writtenAt: undefined });
      fakes.roles.trust[ROLE] = now;
      await restore(fakes);
      expect(writes(fakes)).toEqual([]);
      expect((await changes(fakes))[0]?.undoneAt).toBeDefined();
    }
  });

  it('leaves alone what it can not take out cleanly, and warns of it with the command, once', async () => {
    const fakes = await repaired();
    const changed = policyText(irsaStatement, { ...REPAIR.statement, Condition: {} });
    fakes.roles.trust[ROLE] = changed;
    const other = { id: 'irsa-role-still-set', status: 'warn' as const, message: 'still set' };
    await fakes.update({ warnings: [other] });
    for (let time = 0; time < 2; time += 1) {
      expect(await restore(fakes)).toEqual({ changed: false });
      expect((await fakes.record()).warnings).toEqual([
        other,
        {
          id: 'trust-not-restored',
          ...said(
            'warn',
            ROLE,
            `aws iam update-assume-role-policy --region ${target.region} --role-name ebs-csi --policy-document '${BEFORE}'`,
          ),
        },
      ]);
    }
    expect(fakes.roles.trust[ROLE]).toBe(changed);
    expect((await changes(fakes))[0]?.undoneAt).toBeUndefined();
    // Put right by hand, and rolled back once more.
    fakes.roles.trust[ROLE] = BEFORE;
    await restore(fakes);
    expect((await fakes.record()).warnings).toEqual([other]);
  });

  it('lets a refusal by IAM through, for a person to be asked', async () => {
    const fakes = await repaired();
    const refusal = new MigrationError('AccessDenied', 'iam:UpdateAssumeRolePolicy: not authorized');
    fakes.journal.failNext('roles.updateTrustPolicy', 'before', refusal);
    await expect(restore(fakes)).rejects.toBe(refusal);
    expect((await changes(fakes))[0]?.undoneAt).toBeUndefined();
  });

  it.each([[[]], [[`${ROLE}-other`]]])(
    'of a role that the settings do not cover (%j) writes nothing, and hands on no command that the record holds ready',
    async (patterns) => {
      const fakes = await repaired();
      fakes.settings.repairableRoleArns = patterns;
      const before = fakes.roles.trust[ROLE];
      fakes.journal.clear();
      await restore(fakes);
      expect(fakes.roles.trust[ROLE]).toBe(before);
      expect(fakes.journal.names().filter((name) => name.startsWith('roles.'))).toEqual([]);
      const warnings = (await fakes.record()).warnings;
      expect(warnings).toMatchObject([
        {
          id: 'trust-not-restored',
          message: containing(`${ROLE} was not restored: this deployment may not change it`),
        },
      ]);
      expect(JSON.stringify(warnings)).not.toContain('update-assume-role-policy');
      expect((await changes(fakes))[0]?.undoneAt).toBeUndefined();
    },
  );
});

describe('repair-trust while others work with the role', () => {
  const other = otherHolder(at(9));
  async function sharedBy(fakes: Begun): Promise<Begun> {
    await fakes.ledger.releaseLock(ROLE_LOCK, EXECUTION);
    await fakes.ledger.acquireLock(ROLE_LOCK, other, 'shared');
    return fakes;
  }

  it('writes nothing until they have let go', async () => {
    const fakes = await sharedBy(await atRepair());
    await expectError(repair(fakes), 'Busy', `Migration ${OTHER_MIGRATION_ID} has used role ${ROLE}`);
    expect(writes(fakes)).toEqual([]);
    await fakes.ledger.releaseLock(ROLE_LOCK, OTHER_EXECUTION);
    expect(await repair(fakes)).toEqual({ changed: true });
    // It has it alone by now.
    expect(await fakes.ledger.acquireLock(ROLE_LOCK, other, 'shared')).toMatchObject({ acquired: false });
  });

  it('keeps the statement during the rollback, and warns of it', async () => {
    const fakes = await sharedBy(await repaired());
    await restore(fakes);
    expect(writes(fakes)).toEqual([]);
    expect((await fakes.record()).warnings).toMatchObject([
      { id: 'trust-not-restored', message: containing(OTHER_MIGRATION_ID) },
    ]);
  });
});
