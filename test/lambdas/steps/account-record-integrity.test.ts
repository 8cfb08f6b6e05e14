/** A record and a snapshot of different service accounts, which only another principal can have written. */
import { describe, expect, it } from 'vitest';
import type { Migration, Snapshot } from '../../../lambdas/domain/record/migration.ts';
import { assertRecordIntegrity } from '../../../lambdas/use-cases/record/integrity.ts';
import { steps } from '../../../lambdas/steps/index.ts';
import type { StepName } from '../../../lambdas/steps/schemas.ts';
import {
  accountMigration,
  accountSnapshot,
  anAccountAssociation,
  anAccountRequest,
  aState,
  ownAssociation,
  plannedAccount,
} from '../account-fixtures.ts';
import { associated, begunAccount } from './begun-account.ts';
import { invoke } from '../fakes.ts';
import { addonArn, OTHER_ROLE } from '../example.ts';
import { at, EXECUTION, executionArn, MIGRATION_ID } from '../run-examples.ts';
import { anAddon } from '../eks-fixtures.ts';
import { aMigration, aSnapshot } from '../fixtures.ts';
import { anError, expectError } from '../matchers.ts';
import { begun, type Begun } from './begun.ts';

const REMOVING = { request: { annotation: 'remove' } } as const;
type Stray = {
  snapshot?: Partial<Snapshot>;
  record?: Partial<Migration>;
  associations?: Partial<Migration['associations']>;
};
const WEB = { serviceAccount: 'web' };
const SHOP = { namespace: 'shop' };
const THERE = anAccountAssociation();
const ELSEWHERE = { ...THERE, arn: THERE.arn.replace('/dev/', '/prod/') };
const TO_OTHER = { ...plannedAccount, roleArn: OTHER_ROLE };
const { plan } = accountMigration();
const ofWeb = /service account payments\/web/;
const ofShop = /service account shop\/api/;
const strays: [string, RegExp, Stray][] = [
  ['another service account', ofWeb, { snapshot: { serviceAccount: aState({ name: 'web' }) } }],
  ['the same name in another namespace', ofShop, { snapshot: { serviceAccount: aState(SHOP) } }],
  ['another namespace', ofShop, { snapshot: SHOP }],
  ['an association planned for another', ofWeb, { snapshot: { planned: [{ ...plannedAccount, ...WEB }] } }],
  ['one more planned', ofShop, { snapshot: { planned: [plannedAccount, { ...plannedAccount, ...SHOP }] } }],
  ['another role than planned', /the planned associations/, { snapshot: { planned: [TO_OTHER] }, record: { plan } }],
  ['one of another', /association .* for payments\/web/, { snapshot: { associations: [anAccountAssociation(WEB)] } }],
  ['an association of another cluster', /association .*\/prod\//, { snapshot: { associations: [ELSEWHERE] } }],
  ['one of another as made', /association .* for shop\/api/, { associations: { created: [ownAssociation(SHOP)] } }],
  ['one of another cluster as made', /association .*\/prod\//, { associations: { created: [ELSEWHERE] } }],
  ['one of another as purged', /association .* for payments\/web/, { associations: { purged: [ownAssociation(WEB)] } }],
  ['a copy of an add-on as made', /the copy .* of an add-on/, { record: { made: [addonArn(2)] } }],
  ['a copy of an add-on as removed', /the copy .* of an add-on/, { record: { removed: [addonArn(1)] } }],
  ["an add-on's snapshot", /a snapshot of add-on aws-ebs-csi-driver/, { snapshot: { addon: anAddon() } }],
];

const guarded: [StepName, object][] = [
  ['create-association', {}],
  ['verify-pods', { towards: 'pod-identity', round: 1 }],
  ['verify-pods', { towards: 'before', round: 1 }],
  ['restart-pods', { towards: 'before', round: 1 }],
  ['annotate-service-account', { towards: 'pod-identity' }],
  ['annotate-service-account', { towards: 'before' }],
  ['restore-associations', {}],
  ['take-over', { cause: 'requested', executionArn: executionArn('recovery', 'Recover') }],
];

describe.each(strays)(
  'a file of a service account that names %s',
  (_, stray, { snapshot = {}, record = {}, associations = {} }) => {
    it.each(guarded)('%s %j does not act upon it', async (name, input) => {
      const fakes = await begunAccount({
        ...REMOVING,
        snapshot,
        record: { annotationChange: { notedAt: at(0), writtenAt: at(0) }, ...record },
      });
      for (const what of ['created', 'purged'] as const)
        for (const one of associations[what] ?? []) await fakes.ledger.recordAssociation(MIGRATION_ID, what, one);
      if (name === 'take-over') fakes.executions.states.set(EXECUTION, { status: 'ABORTED', stoppedAt: at(-600) });
      const locks = await fakes.ledger.listHeldLocks();
      const given = name === 'take-over' ? { migrationId: MIGRATION_ID, ...input } : { ...fakes.input, ...input };
      const refused = await invoke(steps[name], given, fakes).then(
        () => undefined,
        (error: unknown) => error as Error,
      );
      expect(refused).toMatchObject(anError('BadInput', stray));
      expect(refused?.message).toMatch(
        /is not used: .* does not belong to its subject, service account payments\/api of cluster dev\. This step changed nothing/,
      );
      expect([fakes.journal.mutations(), await fakes.ledger.listHeldLocks()]).toEqual([[], locks]);
    });
  },
);

describe('a file', () => {
  it('of a service account is acted upon where all of it is its own', () => {
    const associations = { purged: [ownAssociation()], created: [ownAssociation()], restored: [] };
    expect(() =>
      assertRecordIntegrity(
        accountMigration({ associations }),
        accountSnapshot({ associations: [anAccountAssociation()] }),
      ),
    ).not.toThrow();
  });

  it('of one that nobody could see has no state of it', () => {
    const { serviceAccount: _, ...unseen } = accountSnapshot();
    expect(() => assertRecordIntegrity(accountMigration(), unseen)).not.toThrow();
  });

  it('of a request for another service account is not acted upon', () =>
    expect(() =>
      assertRecordIntegrity(
        accountMigration({ request: anAccountRequest({ serviceAccount: { namespace: 'payments', name: 'web' } }) }),
        accountSnapshot(),
      ),
    ).toThrow(/does not belong to .* service account payments\/web/));

  it("with an add-on's record and a service account's snapshot is refused, and the other way round", () => {
    expect(() => assertRecordIntegrity(aMigration(), accountSnapshot())).toThrow(
      /a snapshot of a service account does not belong to .* add-on aws-ebs-csi-driver/,
    );
    expect(() => assertRecordIntegrity(accountMigration(), aSnapshot())).toThrow(
      /a snapshot of add-on aws-ebs-csi-driver does not belong to .* service account payments\/api/,
    );
  });
});

describe('a step of add-ons', () => {
  const ofAddons: [StepName, object][] = [
    ['delete-addon', {}],
    ['await-deleted', {}],
    ['create-addon', {}],
    ['update-addon', {}],
    ['await-active', {}],
    ['carry-over', {}],
    ['assess-rollback', { actions: 0 }],
    ['restore-addon', { action: 'create', actions: 0 }],
  ];
  it.each(ofAddons)('%s does nothing for a service account', async (name, input) => {
    const fakes = await associated();
    await expectError(
      invoke(steps[name], { ...fakes.input, ...input }, fakes),
      'BadInput',
      'is about a service account, but this step is for add-ons',
    );
    expect(fakes.journal.mutations()).toEqual([]);
  });

  it('has no counterpart that touches an add-on', async () => {
    for (const [name, input] of [
      ['create-association', {}],
      ['annotate-service-account', { towards: 'pod-identity' }],
      ['annotate-service-account', { towards: 'before' }],
    ] as const) {
      const fakes: Begun = await begun();
      await expectError(invoke(steps[name], { ...fakes.input, ...input }, fakes), 'BadInput');
      expect(fakes.journal.mutations()).toEqual([]);
    }
  });
});
