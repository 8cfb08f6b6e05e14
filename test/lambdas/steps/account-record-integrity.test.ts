/** A record and a snapshot of different service accounts, which only another principal can have written. */
import { describe, expect, it } from 'vitest';
import type { Migration, Snapshot } from '../../../lambdas/domain/migration/model.ts';
import { assertRecordIntegrity } from '../../../lambdas/use-cases/migration/record-integrity.ts';
import { steps } from '../../../lambdas/steps/index.ts';
import type { StepName } from '../../../lambdas/steps/schemas.ts';
import {
  accountMigration,
  accountSnapshot,
  anAccountAssociation,
  associated,
  aState,
  begunAccount,
  ownAssociation,
  plannedAccount,
} from '../account-fixtures.ts';
import { invoke } from '../fakes.ts';
import {
  addonArn,
  aMigration,
  anAddon,
  aSnapshot,
  at,
  EXECUTION,
  executionArn,
  MIGRATION_ID,
  OTHER_ROLE,
} from '../fixtures.ts';
import { begun, type Begun } from './begun.ts';
import { anError, textLike, textWith } from '../expectations.ts';

const REMOVING = { request: { annotation: 'remove' } } as const;
type Stray = {
  snapshot?: Partial<Snapshot>;
  record?: Partial<Migration>;
  associations?: Partial<Migration['associations']>;
};
const strays: [string, Stray, RegExp][] = [
  [
    'another service account',
    { snapshot: { serviceAccount: aState({ name: 'web' }) } },
    /service account payments\/web/,
  ],
  [
    'the same name in another namespace',
    { snapshot: { serviceAccount: aState({ namespace: 'shop' }) } },
    /service account shop\/api/,
  ],
  ['another namespace', { snapshot: { namespace: 'shop' } }, /service account shop\/api/],
  [
    'an association planned for another',
    { snapshot: { planned: [{ ...plannedAccount, serviceAccount: 'web' }] } },
    /service account payments\/web/,
  ],
  [
    'one more planned for another',
    { snapshot: { planned: [plannedAccount, { ...plannedAccount, namespace: 'shop' }] } },
    /service account shop\/api/,
  ],
  [
    'another role than was planned',
    { snapshot: { planned: [{ ...plannedAccount, roleArn: OTHER_ROLE }] }, record: { plan: accountMigration().plan } },
    /the planned associations/,
  ],
  [
    'an association of another',
    { snapshot: { associations: [anAccountAssociation({ serviceAccount: 'web' })] } },
    /association .* for payments\/web/,
  ],
  [
    'an association of another cluster',
    {
      snapshot: {
        associations: [anAccountAssociation({ arn: anAccountAssociation().arn.replace('/dev/', '/prod/') })],
      },
    },
    /association .*\/prod\//,
  ],
  [
    'an association of another as made',
    { associations: { created: [ownAssociation({ namespace: 'shop' })] } },
    /association .* for shop\/api/,
  ],
  [
    'an association of another as purged',
    { associations: { purged: [ownAssociation({ serviceAccount: 'web' })] } },
    /association .* for payments\/web/,
  ],
  ['a copy of an add-on as made', { record: { made: [addonArn(2)] } }, /the copy .* of an add-on/],
  ['a copy of an add-on as removed', { record: { removed: [addonArn(1)] } }, /the copy .* of an add-on/],
  ["an add-on's snapshot", { snapshot: { addon: anAddon() } }, /a snapshot of add-on aws-ebs-csi-driver/],
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
  (_, { snapshot = {}, record = {}, associations = {} }, stray) => {
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
      expect(refused).toMatchObject(anError('BadInput', textLike(stray)));
      expect(refused?.message).toMatch(
        /is not used: .* does not belong to its subject, service account payments\/api of cluster dev\. This step changed nothing/,
      );
      expect(fakes.journal.mutations()).toEqual([]);
      expect(await fakes.ledger.listHeldLocks()).toEqual(locks);
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
    await expect(invoke(steps[name], { ...fakes.input, ...input }, fakes)).rejects.toMatchObject(
      anError('BadInput', textWith('is about a service account, but this step is for add-ons')),
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
      await expect(invoke(steps[name], { ...fakes.input, ...input }, fakes)).rejects.toMatchObject({
        name: 'BadInput',
      });
      expect(fakes.journal.mutations()).toEqual([]);
    }
  });
});
