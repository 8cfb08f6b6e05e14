import { describe, expect, it } from 'vitest';
import { type HandOff, handOff } from '../../../../lambdas/domain/terms/hand-off.ts';
import { handOffOf, UNKNOWN_MIGRATION } from '../../../../lambdas/domain/hand-off/of-record.ts';
import { OUTCOMES, type Outcome } from '../../../../lambdas/domain/terms/outcome.ts';
import type { Association } from '../../../../lambdas/domain/terms/observed.ts';
import type { Migration } from '../../../../lambdas/domain/record/migration.ts';
import type { Plan } from '../../../../lambdas/domain/record/plan.ts';
import { MIGRATION_TAG } from '../../../../lambdas/domain/migration/service-account.ts';
import type { TrustChange, TrustRetirement } from '../../../../lambdas/domain/terms/trust.ts';
import { parseTrust } from '../../../../lambdas/domain/trust/policy.ts';
import { proposeRepair } from '../../../../lambdas/domain/trust/repair.ts';
import {
  accountMigration,
  accountPlan,
  anAccountAssociation,
  anAccountRequest,
  aState,
  ownAssociation,
} from '../../account-fixtures.ts';
import { ADDON, addonArn, NAMESPACE, ROLE, SERVICE_ACCOUNT, target, VERSION } from '../../example.ts';
import { irsaStatement, podIdentityStatement, policyText } from '../../trust-examples.ts';
import { aMigration, aPlan, aRequest, at, MIGRATION_ID, endedAs, anAddon, anAssociation } from '../../fixtures.ts';
import { containing } from '../../matchers.ts';

const BLOCK = { namespace: NAMESPACE, serviceAccount: SERVICE_ACCOUNT, roleArn: ROLE };
const NODE = { namespace: NAMESPACE, serviceAccount: 'ebs-csi-node-sa', roleArn: ROLE };
const HERE = addonArn(1);
/** An association that the add-on owns, as the migration creates it. */
const owned = (change: Partial<Association> = {}): Association =>
  anAssociation({ id: 'a-owned', ownerArn: HERE, createdAt: at(20), ...change });
const ended = (outcome: Outcome, change: Partial<Migration> = {}) => aMigration({ ...endedAs(outcome, 60), ...change });
const account = (outcome: Outcome, change: Partial<Migration> = {}): Migration =>
  accountMigration({ ...endedAs(outcome, 60), ...change });
const of = (record: Migration): HandOff => {
  const found = handOffOf(record);
  expect(found).toBeDefined();
  return handOff.strict().parse(found);
};
const changes = (change: Partial<Migration['associations']>): Migration['associations'] => {
  return { purged: [], created: [], restored: [], ...change };
};
const found = (...existingAssociations: Association[]): Pick<Plan, 'existing' | 'existingAssociations'> => ({
  existing: existingAssociations.map(({ id }) => id),
  existingAssociations,
});

const proposed = proposeRepair({
  trustPolicy: parseTrust(policyText(irsaStatement)),
  target,
  serviceAccounts: [{ namespace: NAMESPACE, serviceAccount: SERVICE_ACCOUNT }],
});
if (proposed.do !== 'repair') throw new Error('The repair of the example is not possible.');
const { after, statement: added } = proposed;
const repair = { roleArn: ROLE, before: policyText(irsaStatement), after, statement: added };
const written = { ...repair, notedAt: at(1), writtenAt: at(2) };
const noted = (change: Partial<TrustChange> = {}): TrustChange => ({ ...written, ...change });
const retired = (change: Partial<TrustRetirement> = {}): TrustRetirement => ({
  roleArn: ROLE,
  before: policyText(irsaStatement, podIdentityStatement),
  after: policyText(podIdentityStatement),
  removed: [{ statement: irsaStatement }],
  notedAt: at(100),
  writtenAt: at(101),
  ...change,
});

describe('the hand-off of a record', () => {
  it('exists where the migration changes something, and nowhere else', () => {
    const has = (change: Partial<Migration>): boolean => handOffOf(aMigration(change)) !== undefined;
    expect(OUTCOMES.filter((outcome) => handOffOf(ended(outcome)))).toEqual(['migrated', 'planned', 'rolled-back']);
    expect([has({ status: 'running' }), has({ status: 'running', plan: undefined })]).toEqual([true, false]);
    expect(has({ status: 'running', plan: aPlan({ verdict: 'blocked' }) })).toBe(false);
    expect(has({ status: 'rolling-back', outcome: 'migrated' })).toBe(false);
    expect(handOffOf(ended('planned', { plan: aPlan({ verdict: 'blocked' }) }))).toBeUndefined();
  });

  it('of a migrated add-on has its role to remove, and a block for each service account that it owns', () => {
    const plan = aPlan({ associations: [BLOCK, NODE, { ...BLOCK, serviceAccount: 'x', standalone: true }] });
    expect(of(ended('migrated', { plan }))).toMatchObject({
      state: 'migrated',
      target,
      addon: { name: ADDON, version: VERSION, removeRoleArn: ROLE, associations: [BLOCK, NODE] },
      trust: [],
      annotations: [],
      notInCode: [],
    });
    expect(of(ended('migrated', { plan })).addon).not.toHaveProperty('addRoleArn');
  });

  it('of an add-on without a role removes none', () => {
    const { serviceAccountRoleArn: _, ...addon } = anAddon();
    expect(of(ended('migrated', { plan: aPlan({ addon }) })).addon).not.toHaveProperty('removeRoleArn');
  });

  it('keeps the role in code if EKS still shows it', () => {
    const warnings = [{ id: 'irsa-role-still-set', status: 'warn' as const, message: 'still set' }];
    const { addon, order } = of(ended('migrated', { warnings }));
    expect(addon).toMatchObject({ addRoleArn: ROLE });
    expect(addon).not.toHaveProperty('removeRoleArn');
    expect(order.join('\n')).toContain(`EKS still shows role ${ROLE}`);
  });

  it('names each created association that must not be imported: the newest of each service account', () => {
    const created = [
      owned({ id: 'a-first', createdAt: at(5) }),
      owned({ id: 'a-second', ownerArn: addonArn(2), createdAt: at(50) }),
      owned({ id: 'a-gone', ownerArn: addonArn(2), createdAt: at(55) }),
    ];
    const made = changes({ created, purged: created.slice(2) });
    expect(of(ended('migrated', { associations: made })).associations).toEqual([
      { ...BLOCK, action: 'do-not-import', id: 'a-second', tags: {} },
    ]);
  });

  it('names each deleted association that had existed before, and no other', () => {
    const was = anAssociation({ id: 'a-was', tags: { team: 'storage' }, policy: '{}' });
    const plan = aPlan(found(was));
    const purged = [was, owned({ id: 'a-own-attempt' })];
    const { associations } = of(ended('migrated', { plan, associations: changes({ purged, created: [owned()] }) }));
    expect(associations).toEqual([
      { ...BLOCK, action: 'do-not-import', id: 'a-owned', tags: {} },
      { ...BLOCK, action: 'remove', id: 'a-was', tags: {} },
    ]);
  });

  it('imports standalone associations of an add-on with everything that code must set', () => {
    const one = { ...BLOCK, targetRoleArn: ROLE, disableSessionTags: true, policy: '{"Version":"2012-10-17"}' };
    const created = anAssociation({ ...one, id: 'a-new', tags: { [MIGRATION_TAG]: MIGRATION_ID, 'aws:x': 'y' } });
    const plan = aPlan({ associations: [NODE, { ...BLOCK, standalone: true }] });
    expect(of(ended('migrated', { plan, associations: changes({ created: [created] }) })).associations).toEqual([
      { ...one, action: 'import', id: 'a-new', tags: { [MIGRATION_TAG]: MIGRATION_ID } },
    ]);
  });

  it('leaves settings that are the default out', () => {
    const plan = accountPlan();
    const created = [ownAssociation({ disableSessionTags: false })];
    const [one] = of(account('migrated', { plan, associations: changes({ created }) })).associations;
    expect(one).not.toHaveProperty('disableSessionTags');
    expect(one).not.toHaveProperty('policy');
  });

  it('names settings that the code of the add-on cannot contain, from the plan and from what was created', () => {
    const carryOver = [{ ...BLOCK, from: 'a-was', policy: '{}', tags: { team: 'storage', 'aws:x': 'y' } }];
    const created = [owned({ targetRoleArn: ROLE })];
    const made = ended('migrated', { plan: aPlan({ carryOver }), associations: changes({ created }) });
    const { namespace, serviceAccount } = BLOCK;
    const fields = ['policy', 'disableSessionTags', 'tags'];
    expect(of(made).notInCode).toEqual([{ namespace, serviceAccount, fields: ['targetRoleArn', ...fields] }]);
    const planned = (plan: Partial<Plan>) => of(ended('planned', { plan: aPlan(plan) })).notInCode;
    expect(planned({ carryOver })).toEqual([{ namespace, serviceAccount, fields }]);
    expect(planned({ carryOver: [{ ...BLOCK, from: 'a-was', tags: { 'aws:x': 'y' } }] })).toEqual([]);
  });

  it('does not ask for an association that the request accepts to lose', () => {
    const identityLosses = [{ ...NODE, identity: 'irsa' as const, pods: 2, accepted: true }];
    const { addon, order } = of(ended('planned', { plan: aPlan({ identityLosses }) }));
    expect(addon?.associations).toEqual([BLOCK]);
    expect(order.join('\n')).toContain(`There is no association for ${NAMESPACE}/ebs-csi-node-sa`);
  });
});

describe('the trust policies of a hand-off', () => {
  const add = { roleArn: ROLE, action: 'add', statement: repair.statement };

  it('contain the statement of a repair, planned or made', () => {
    const plan = aPlan({ trustRepairs: [repair] });
    expect(of(ended('planned', { plan })).trust).toEqual([add]);
    expect(of(ended('migrated', { plan, trustChanges: [noted()] })).trust).toEqual([add]);
    // Another principal wrote the planned statement first.
    expect(of(ended('migrated', { plan })).trust).toEqual([add]);
  });

  it('do not contain one that was undone', () => {
    const plan = aPlan({ trustRepairs: [repair] });
    expect(of(ended('migrated', { plan, trustChanges: [noted({ undoneAt: at(9) })] })).trust).toEqual([]);
  });

  it('leave a statement that a rollback could not remove to the former code', () => {
    const plan = aPlan({ trustRepairs: [repair] });
    const { trust, order } = of(ended('rolled-back', { plan, trustChanges: [noted()] }));
    expect([trust, order.join('\n')]).toEqual([[], containing(`The trust policy of ${ROLE} still has the statement`)]);
  });

  it('lose the statement that a rollback has removed, which merged code still has', () => {
    const plan = aPlan({ trustRepairs: [repair] });
    const { trust, order } = of(ended('rolled-back', { plan, trustChanges: [noted({ undoneAt: at(9) })] }));
    expect(trust).toEqual([{ ...add, action: 'remove' }]);
    expect(order.join('\n')).toContain(`added to the trust policy of ${ROLE} was removed`);
  });

  it('contain nothing that this service would not write', () => {
    const statement = { ...repair.statement, Principal: { AWS: '*' } };
    const forged = { ...repair, statement, after: policyText(irsaStatement, statement) };
    const plan = aPlan({ trustRepairs: [forged] });
    expect(of(ended('planned', { plan })).trust).toEqual([]);
    expect(of(ended('migrated', { plan, trustChanges: [{ ...noted(), ...forged }] })).trust).toEqual([]);
    const kept = { ...irsaStatement, Principal: { AWS: '*' } };
    const retirements = [retired({ removed: [{ statement: irsaStatement, kept }] })];
    expect(of(ended('migrated', { retirements }))).toMatchObject({ state: 'migrated', trust: [] });
  });

  it('lose what a retirement has removed, until that is undone', () => {
    const plan = aPlan({ trustRepairs: [repair] });
    const record = ended('migrated', { plan, trustChanges: [noted()], retirements: [retired()] });
    const { state, trust, order, addon } = of(record);
    expect([state, trust]).toEqual(['retired', [add, { roleArn: ROLE, action: 'remove', statement: irsaStatement }]]);
    expect(addon).toMatchObject({ removeRoleArn: ROLE });
    expect(order.join('\n')).toContain('they lose their access to AWS');
    const undone = of(ended('migrated', { retirements: [retired({ undoneAt: at(200) })] }));
    expect(undone).toMatchObject({ state: 'migrated', trust: [] });
  });

  it.each(['ended', 'running', 'refused'] as const)('are not certain after a retirement that failed, %s', (state) => {
    const error = { name: 'NotFound', message: 'no' };
    const asked = { id: 'r-1', action: 'reinstate', dryRun: false, soakDays: 0, startedAt: at(100) } as const;
    const retirement = { ...asked, state, error };
    const { order } = of(ended('migrated', { retirement }));
    expect(order.join('\n').includes(`pod-identity retire ${MIGRATION_ID}`)).toBe(state !== 'refused');
  });
});

describe('the hand-off of a rollback', () => {
  it('has the former role, and the former associations of the add-on', () => {
    const before = owned({ id: 'a-before', createdAt: at(-90) });
    const own = changes({ created: [owned()], purged: [owned()] });
    const { addon, associations } = of(ended('rolled-back', { plan: aPlan(found(before)), associations: own }));
    expect(addon).toEqual({ name: ADDON, version: VERSION, addRoleArn: ROLE, associations: [BLOCK] });
    expect(associations).toEqual([]);
  });

  it('imports what was created again, under its new id, with its settings', () => {
    const was = anAssociation({ id: 'a-was', disableSessionTags: true, tags: { team: 'storage' } });
    const now = { ...was, id: 'a-now', createdAt: at(50) };
    const made = changes({ created: [owned()], purged: [was, owned()], restored: [now] });
    const { associations, order } = of(ended('rolled-back', { plan: aPlan(found(was)), associations: made }));
    const settings = { disableSessionTags: true, tags: { team: 'storage' } };
    expect(associations).toEqual([{ ...BLOCK, action: 'import', id: 'a-now', ...settings }]);
    expect(order.join('\n')).toContain('Association a-was was created again as a-now');
  });

  it('of a service account removes the association that code may have imported', () => {
    const associations = changes({ created: [ownAssociation()], purged: [ownAssociation()] });
    const handedOff = of(account('rolled-back', { associations }));
    expect(handedOff.associations).toMatchObject([{ action: 'remove', id: 'a-own' }]);
    expect(handedOff.addon).toBeUndefined();
  });
});

describe('the hand-off of a service account', () => {
  const { namespace, name } = aState();

  it('imports its association with the tag of the service', () => {
    const made = changes({ created: [ownAssociation()] });
    const { associations, serviceAccount } = of(account('migrated', { associations: made }));
    expect(serviceAccount).toEqual({ namespace, name });
    expect(associations).toMatchObject([{ action: 'import', id: 'a-own', tags: { [MIGRATION_TAG]: MIGRATION_ID } }]);
  });

  it('knows neither the id of the association nor, in a dry run, that of the migration', () => {
    const [planned] = of(account('planned', { request: anAccountRequest({ dryRun: true }) })).associations;
    expect(planned).toMatchObject({ action: 'import', tags: { [MIGRATION_TAG]: UNKNOWN_MIGRATION } });
    expect(planned).not.toHaveProperty('id');
    const [running] = of(accountMigration()).associations;
    expect(running).toMatchObject({ tags: { [MIGRATION_TAG]: MIGRATION_ID } });
  });

  it('keeps an association that existed before', () => {
    const there = anAccountAssociation({ tags: { team: 'payments' } });
    const plan = accountPlan(found(there));
    for (const record of [account('planned', { plan }), account('migrated', { plan })]) {
      const { associations, order } = of(record);
      expect(associations).toMatchObject([{ action: 'import', id: there.id, tags: { team: 'payments' } }]);
      expect(order.join('\n')).toContain(`${there.id} of ${namespace}/${name} existed before and is kept`);
    }
  });

  const undone = { notedAt: at(1), writtenAt: at(2), undoneAt: at(3) };
  const bare = aState({ roleArn: undefined });
  it.each<[string, Migration, string | undefined]>([
    ['planned to be kept', account('planned'), 'keep'],
    ['planned to be removed', account('planned', { request: anAccountRequest({ annotation: 'remove' }) }), 'remove'],
    ['kept', account('migrated'), 'keep'],
    ['removed', account('migrated', { annotationChange: { notedAt: at(1), writtenAt: at(2) } }), 'remove'],
    ['not known to be removed', account('migrated', { annotationChange: { notedAt: at(1) } }), 'keep'],
    ['set again', account('rolled-back', { annotationChange: undone }), 'restore'],
    ['never touched, and rolled back', account('rolled-back'), undefined],
    ['absent', account('migrated', { plan: accountPlan({ serviceAccount: bare }) }), undefined],
  ])('has the annotation that is %s', (_, record, action) =>
    expect(of(record).annotations.map((one) => one.action)).toEqual(action === undefined ? [] : [action]),
  );
});

it('the hand-off of a migration that had nothing to do is what was found, if all of it was read', () => {
  const { serviceAccountRoleArn: _, ...addon } = anAddon({ podIdentityAssociations: [owned().arn] });
  const plan = aPlan({ verdict: 'already-migrated', associations: [], addon, ...found(owned()) });
  expect(of(ended('already-migrated', { plan, request: aRequest({ dryRun: true }) }))).toMatchObject({
    state: 'found',
    addon: { associations: [BLOCK] },
    associations: [{ action: 'do-not-import', id: 'a-owned' }],
  });
  // One of two could not be read: a hand-off would lose it.
  const partly = { ...plan, addon: { ...addon, podIdentityAssociations: [owned().arn, 'arn:other'] } };
  expect(handOffOf(ended('already-migrated', { plan: partly }))).toBeUndefined();
});
