/** The step begin for a service account: the world as planned, or nothing; and plans that are not its own. */
import { describe, expect, test } from 'vitest';
import type { Association } from '../../../lambdas/domain/terms/observed.ts';
import type { MigrationRequestInput } from '../../../lambdas/domain/request/request.ts';
import type { Plan } from '../../../lambdas/domain/record/plan.ts';
import { roleLock } from '../../../lambdas/use-cases/record/lock.ts';
import { beginStep } from '../../../lambdas/steps/begin/handler.ts';
import { ACCOUNT_TRUST, SUBJECT, SUBJECT_LOCK } from '../account-example.ts';
import {
  accountMigration,
  accountPlan,
  accountSnapshot,
  anAccountAssociation,
  anAccountRequest,
  aServiceAccount,
  aState,
  plannedAccount,
} from '../account-fixtures.ts';
import { accountFakes } from './begun-account.ts';
import { invoke, type Fakes } from '../fakes.ts';
import { ADDON, OTHER_ROLE, ROLE, ROLES_OF_ACCOUNT, target } from '../example.ts';
import { at, MIGRATION_ID, OTHER_MIGRATION_ID, ROLE_LOCK, otherHolder, RUN } from '../run-examples.ts';
import { anAddon } from '../eks-fixtures.ts';
import { GRANTED } from '../fixtures.ts';
import { expectError } from '../matchers.ts';

const it = test.extend('plannedWorld', () => plannedWorld());
const run = (fakes: Fakes, planHash: string, change: object = {}): Promise<unknown> =>
  invoke(beginStep, { ...RUN, target, subject: SUBJECT, planHash, ...change }, fakes);

interface Planned {
  fakes: Fakes;
  go: (change?: object) => Promise<unknown>;
}
async function plannedWorld(
  change: Partial<Plan> = {},
  request: Partial<MigrationRequestInput> = {},
): Promise<Planned> {
  const fakes = accountFakes();
  const migration = accountMigration({ plan: accountPlan(change), request: anAccountRequest(request), locks: [] });
  await fakes.ledger.putMigration(migration);
  return { fakes, go: (more = {}) => run(fakes, migration.plan!.hash, more) };
}
const recordOf = ({ ledger }: Fakes) => ledger.getMigration(MIGRATION_ID);
const snapshotOf = ({ ledger }: Fakes) => ledger.getSnapshot(MIGRATION_ID);
const THERE = anAccountAssociation();
const web = { ...plannedAccount, serviceAccount: 'web' };
const withOtherRole = { ...plannedAccount, roleArn: OTHER_ROLE };
const associating = (...associations: Plan['associations']) => ({ plan: { associations } });

describe('begin of a service account', () => {
  it("takes its lock and the role's, looks, and stores the snapshot before it answers", async () => {
    const { fakes, go } = await plannedWorld();
    expect([await go(), await snapshotOf(fakes)]).toEqual([{ fence: 1 }, accountSnapshot()]);
    await fakes.ledger.assertLock(SUBJECT_LOCK, MIGRATION_ID, 1);
    expect(await fakes.ledger.readLock(ROLE_LOCK)).toMatchObject({ shared: [{ migrationId: MIGRATION_ID }] });
    expect(await recordOf(fakes)).toMatchObject({ locks: [SUBJECT_LOCK, ROLE_LOCK], attempt: 0 });
    const names = fakes.journal.names();
    expect(names.lastIndexOf('ledger.acquireLock')).toBeLessThan(names.indexOf('kubernetes.getServiceAccount'));
    expect(names.slice(-2)).toEqual(['ledger.putSnapshot', 'ledger.listWaiting']);
    expect([names.filter((name) => /Addon|Pods|Workload/.test(name)), fakes.journal.mutations()]).toEqual([[], []]);
  });

  it('keeps what is associated already', async () => {
    const { fakes, go } = await plannedWorld({ existing: [THERE.id] });
    fakes.eks.associations = [THERE];
    await go();
    expect((await snapshotOf(fakes))?.associations).toEqual([THERE]);
  });

  it('locks both the annotated role and the requested role, and keeps the trust policies of both', async () => {
    const { fakes, go } = await plannedWorld(
      { associations: [{ ...plannedAccount, roleArn: OTHER_ROLE }] },
      { roleArn: OTHER_ROLE },
    );
    fakes.roles.trust[OTHER_ROLE] = 'other';
    fakes.settings.roleGrants = GRANTED;
    await go();
    expect((await recordOf(fakes))?.locks).toEqual([SUBJECT_LOCK, ROLE_LOCK, roleLock(OTHER_ROLE)]);
    expect((await snapshotOf(fakes))?.trustPolicies).toEqual({ [ROLE]: ACCOUNT_TRUST, [OTHER_ROLE]: 'other' });
  });

  it('does not ask the API server for what the plan could not see', async () => {
    const { fakes, go } = await plannedWorld({ serviceAccount: undefined }, { verification: 'api', roleArn: ROLE });
    fakes.settings.roleGrants = GRANTED;
    expect(await go()).toEqual({ fence: 1 });
    expect(fakes.journal.names().filter((name) => name.startsWith('kubernetes.'))).toEqual([]);
    expect(await snapshotOf(fakes)).not.toHaveProperty('serviceAccount');
  });

  it('does not believe in one look that finds no service account', async ({ plannedWorld: { fakes, go } }) => {
    const { kubernetes } = fakes;
    const there = kubernetes.serviceAccounts;
    kubernetes.serviceAccounts = [];
    const sleep = fakes.clock.sleep.bind(fakes.clock);
    fakes.clock.sleep = (milliseconds) => ((kubernetes.serviceAccounts = there), sleep(milliseconds));
    expect(await go()).toEqual({ fence: 1 });
  });

  it('does not mind who has set the annotation since, nor another version of the object', async () => {
    const { fakes, go } = await plannedWorld();
    fakes.kubernetes.serviceAccounts = [aServiceAccount({ resourceVersion: '99', annotatedBy: ['helm'] })];
    expect(await go()).toEqual({ fence: 1 });
  });

  it('stops if another principal has deleted it since the plan', async ({ plannedWorld: { fakes, go } }) => {
    fakes.kubernetes.serviceAccounts = [];
    const why = 'another principal has deleted service account payments/api. Nothing was changed; plan again';
    await expectError(go(), 'ServiceAccountChanged', why);
    expect(await snapshotOf(fakes)).toBeUndefined();
  });

  it.each<[string, string[], Association[]]>([
    ['came', [], [THERE]],
    ['went', [THERE.id], []],
    ['was made again', [THERE.id], [anAccountAssociation({ id: 'a-again' })]],
    ['has another role', [THERE.id], [anAccountAssociation({ roleArn: OTHER_ROLE })]],
  ])('stops where an association %s', async (_, existing, there) => {
    const { fakes, go } = await plannedWorld({ existing });
    fakes.eks.associations = there;
    await expectError(go(), 'AssociationChanged', 'Nothing was changed; plan again');
    expect(await snapshotOf(fakes)).toBeUndefined();
  });

  it('says who holds the lock', async ({ plannedWorld: { fakes, go } }) => {
    await fakes.ledger.acquireLock(SUBJECT_LOCK, otherHolder(at(-60)));
    await expectError(
      go(),
      'SubjectBusy',
      `Migration ${OTHER_MIGRATION_ID} has held the lock on service account payments/api of cluster dev`,
    );
    expect(fakes.journal.names()).not.toContain('kubernetes.getServiceAccount');
  });
});

interface Forged {
  plan?: Partial<Plan>;
  request?: Partial<MigrationRequestInput>;
  input?: object;
  /** Done to the plan after its hash was made. */
  after?: Partial<Plan>;
  passable?: string[];
}
const other = { namespace: 'payments', name: 'web' };

describe('begin of a service account, with a plan that is not its own,', () => {
  const refusals: [string, Forged, RegExp][] = [
    [
      'refuses one of another service account',
      { plan: { serviceAccount: aState(other), associations: [{ ...plannedAccount, serviceAccount: 'web' }] } },
      /is for service account payments\/web, not payments\/api/,
    ],
    [
      'refuses one of the same name in another namespace',
      {
        plan: {
          serviceAccount: aState({ namespace: 'shop' }),
          namespace: 'shop',
          associations: [{ ...plannedAccount, namespace: 'shop' }],
        },
      },
      /is for service account shop\/api, not payments\/api/,
    ],
    [
      'refuses one that associates in another namespace',
      { plan: { namespace: 'shop', associations: [{ ...plannedAccount, namespace: 'shop' }] } },
      /other roles or namespaces/,
    ],
    ['refuses one that snapshots another namespace', { plan: { namespace: 'shop' } }, /other roles or namespaces/],
    ['refuses one that associates another service account', associating(web), /other roles or namespaces/],
    ['refuses one that associates one more', associating(plannedAccount, web), /other roles or namespaces/],
    ['refuses a role that nobody asked for', associating(withOtherRole), /other roles or namespaces/],
    [
      'refuses a role that nobody asked for, of one that was not seen',
      {
        plan: { serviceAccount: undefined, associations: [withOtherRole] },
        request: { verification: 'api', roleArn: ROLE },
      },
      /other roles or namespaces/,
    ],
    ['refuses one of an add-on', { plan: { addon: anAddon() } }, /is for add-on aws-ebs-csi-driver, not payments\/api/],
    [
      'refuses one whose request is for an add-on',
      { input: { subject: ADDON } },
      /about service account payments\/api of cluster dev .*the plan was made for aws-ebs-csi-driver/,
    ],
    ['refuses one for another', { request: { serviceAccount: other } }, /about service account payments\/web/],
    ['refuses a role that this deployment may not pass', { passable: [OTHER_ROLE] }, /may not pass .*ebs-csi/],
    [
      'refuses to take off an annotation whose role it may not give again',
      {
        request: { annotation: 'remove', roleArn: OTHER_ROLE },
        plan: { associations: [{ ...plannedAccount, roleArn: OTHER_ROLE }] },
        passable: [OTHER_ROLE],
      },
      /may not pass .*ebs-csi/,
    ],
  ];
  it.each(refusals)(
    '%s, before it takes a lock',
    async (_, { plan = {}, request = {}, input = {}, after, passable = [ROLES_OF_ACCOUNT] }, why) => {
      const fakes = accountFakes();
      Object.assign(fakes.settings, { passableRoleArns: passable, repairableRoleArns: [ROLES_OF_ACCOUNT] });
      const honest = accountMigration({ plan: accountPlan(plan), request: anAccountRequest(request), locks: [] });
      await fakes.ledger.putMigration({ ...honest, plan: { ...honest.plan!, ...after } });
      await expectError(run(fakes, honest.plan!.hash, input), 'BadInput', why);
      expect(fakes.journal.names().filter((name) => name !== 'ledger.getMigration')).toEqual([]);
    },
  );

  it('does not take a role from a forged annotation: the service account itself is asked', async () => {
    const { fakes, go } = await plannedWorld({
      serviceAccount: aState({ roleArn: OTHER_ROLE }),
      associations: [{ ...plannedAccount, roleArn: OTHER_ROLE }],
    });
    await expectError(go(), 'ServiceAccountChanged');
    expect(await snapshotOf(fakes)).toBeUndefined();
  });
});
