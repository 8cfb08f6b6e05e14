/** restore-associations for a service account: the migration's own association goes, whatever else is there stays. */
import { describe, expect, test } from 'vitest';
import type { Association } from '../../../lambdas/domain/terms/observed.ts';
import { MIGRATION_TAG } from '../../../lambdas/domain/migration/service-account.ts';
import { annotateServiceAccountStep } from '../../../lambdas/steps/annotate-service-account/handler.ts';
import { restoreAssociationsStep } from '../../../lambdas/steps/restore-associations/handler.ts';
import { anAccountAssociation, aServiceAccount, ownAssociation } from '../account-fixtures.ts';
import { associated, begunAccount } from './begun-account.ts';
import { interruptedOnce, MOMENTS, strikeEachCall } from '../../faults/contract.ts';
import { invoke } from '../fakes.ts';
import { at, MIGRATION_ID, OTHER_MIGRATION_ID } from '../fixtures.ts';
import { expectError, expectExactError } from '../matchers.ts';
import type { Begun } from './begun.ts';

const it = test.extend('fakes', () => associated());
const KEPT = anAccountAssociation();
const THEIRS = anAccountAssociation({ id: 'a-theirs' });
const restore = (fakes: Begun): Promise<unknown> => invoke(restoreAssociationsStep, fakes.input, fakes);
const there = ({ eks }: Begun): string[] => eks.associations.map(({ id }) => id);

describe('restore-associations of a service account', () => {
  it("takes the migration's own association away, noted whole before, under its lock", async ({ fakes }) => {
    expect(await restore(fakes)).toMatchObject({ restored: [], awaitsWebhook: true });
    expect([there(fakes), (await fakes.record()).associations.purged]).toEqual([[], [ownAssociation()]]);
    expect(fakes.journal.mutations()).toEqual(['eks.deleteAssociation']);
    const names = fakes.journal.names();
    const deleted = names.indexOf('eks.deleteAssociation');
    expect(names.indexOf('ledger.recordAssociation')).toBeLessThan(deleted);
    expect([names[deleted - 1], names.filter((name) => /[Aa]ddon/.test(name))]).toEqual(['ledger.assertLock', []]);
  });

  it('asks whether IRSA is left to go back to before it takes anything away, and not where it has made nothing', async () => {
    const fakes = await associated();
    await restore(fakes);
    const names = fakes.journal.names();
    expect(names.indexOf('kubernetes.getServiceAccount')).toBeGreaterThan(-1);
    expect(names.indexOf('kubernetes.getServiceAccount')).toBeLessThan(names.indexOf('eks.deleteAssociation'));
    const early = await begunAccount();
    early.kubernetes.serviceAccounts = [];
    expect(await restore(early)).toMatchObject({ restored: [], awaitsWebhook: true });
    expect(early.journal.names()).not.toContain('kubernetes.getServiceAccount');
  });

  it('knows it by its tag alone, where the reply to its create was lost', async () => {
    const fakes = await begunAccount();
    fakes.eks.associations = [ownAssociation()];
    expect([await restore(fakes), there(fakes)]).toMatchObject([{ restored: [], awaitsWebhook: true }, []]);
  });

  it('finds it although one look does not show it yet', async () => {
    const fakes = await begunAccount();
    const sleep = fakes.clock.sleep.bind(fakes.clock);
    fakes.clock.sleep = (milliseconds) => {
      if (fakes.clock.slept.length === 0) fakes.eks.associations = [ownAssociation()];
      return sleep(milliseconds);
    };
    await restore(fakes);
    expect(fakes.journal.of('eks.deleteAssociation')).toEqual([['a-own']]);
  });

  it.each(MOMENTS)('comes out the same, whichever call breaks %s its effect', (kind) =>
    strikeEachCall({
      prepare: associated,
      work: restore,
      kinds: [kind],
      expectation: async (fakes, smooth) => {
        expect(await interruptedOnce(() => restore(fakes))).toMatchObject({ restored: [], awaitsWebhook: true });
        expect([there(fakes), (await fakes.record()).associations]).toEqual([[], (await smooth.record()).associations]);
      },
    }),
  );

  it('keeps what was there before, whatever its tags say, and answers it', async () => {
    const tagged = anAccountAssociation({ tags: { [MIGRATION_TAG]: MIGRATION_ID } });
    for (const before of [KEPT, tagged]) {
      const fakes = await begunAccount({ snapshot: { associations: [before] } });
      expect(await restore(fakes)).toEqual({ restored: [KEPT.id], awaitsWebhook: true });
      expect(fakes.journal.mutations()).toEqual([]);
      expect((await fakes.record()).associations.purged).toEqual([]);
    }
  });

  it.each([
    ["another principal's", THEIRS],
    ["another migration's", ownAssociation({ id: 'a-theirs', tags: { [MIGRATION_TAG]: OTHER_MIGRATION_ID } })],
  ])('leaves %s association alone and needs a person once its own association existed', async (_, one) => {
    const fakes = await associated();
    fakes.eks.associations = [one];
    fakes.journal.clear();
    await expectError(
      restore(fakes),
      'RestoreRefused',
      /a-theirs of payments\/api .*left alone, and new pods do not use IRSA/,
    );
    expect([there(fakes), fakes.journal.mutations()]).toEqual([['a-theirs'], []]);
  });

  it("leaves another principal's association alone and continues if it had not created its own: no pod was restarted for it", async () => {
    const fakes = await begunAccount();
    fakes.eks.associations = [THEIRS];
    expect(await restore(fakes)).toEqual({ restored: ['a-theirs'], awaitsWebhook: true });
    expect([there(fakes), fakes.journal.mutations()]).toEqual([['a-theirs'], []]);
  });

  it.each([
    ['by record', {}, async (to: Begun, one: Association) => to.ledger.recordAssociation(MIGRATION_ID, 'created', one)],
    ['by its tag', { tags: { [MIGRATION_TAG]: MIGRATION_ID } }, async () => {}],
  ] as const)("never takes an add-on's association for its own, %s", async (_, change, claim) => {
    const one = ownAssociation({
      id: 'a-of-addon',
      ownerArn: 'arn:aws:eks:eu-west-1:111122223333:addon/reliability-dev/aws-ebs-csi-driver/1',
      tags: {},
      ...change,
    });
    const fakes = await begunAccount();
    await claim(fakes, one);
    fakes.eks.associations = [one];
    await restore(fakes).catch(() => {});
    expect(there(fakes)).toEqual(['a-of-addon']);
  });

  it('refuses an association that another principal creates in place of its own', async ({ fakes }) => {
    const real = fakes.eks.deleteAssociation.bind(fakes.eks);
    fakes.eks.deleteAssociation = async (id) => {
      const done = await real(id);
      fakes.eks.associations = [THEIRS];
      return done;
    };
    await expectError(restore(fakes), 'RestoreRefused');
    expect(there(fakes)).toEqual(['a-theirs']);
  });

  it('waits while a deleted one is still listed', async ({ fakes }) => {
    const real = fakes.eks.deleteAssociation.bind(fakes.eks);
    fakes.eks.deleteAssociation = async () => true;
    await expectExactError(
      restore(fakes),
      'AssociationStillThere',
      'Association a-own of this migration is still listed after its deletion.',
    );
    fakes.eks.deleteAssociation = real;
    expect(await restore(fakes)).toMatchObject({ restored: [], awaitsWebhook: true });
  });

  it('keeps the association if another principal has taken the annotation off: pods would have no role', async ({
    fakes,
  }) => {
    fakes.kubernetes.serviceAccounts = [aServiceAccount({ roleArn: undefined })];
    await expectError(
      restore(fakes),
      'RestoreRefused',
      /^The rollback stopped: another principal .*association was left as it is, since pods would have no role/,
    );
    expect([there(fakes), fakes.journal.mutations()]).toEqual([['a-own'], []]);
    expect((await fakes.record()).associations.purged).toEqual([]);
  });

  it('never leaves the service account without both: it stops where the migration itself has not put the annotation back yet', async () => {
    const fakes = await associated({
      request: { annotation: 'remove' },
      record: { annotationChange: { notedAt: at(-9), writtenAt: at(-8) } },
    });
    fakes.kubernetes.serviceAccounts = [aServiceAccount({ roleArn: undefined })];
    await expectError(restore(fakes), 'RestoreRefused');
    expect(there(fakes)).toEqual(['a-own']);
    await invoke(annotateServiceAccountStep, { ...fakes.input, towards: 'before' }, fakes);
    expect(await restore(fakes)).toMatchObject({ restored: [], awaitsWebhook: true });
    expect(fakes.journal.mutations()).toEqual(['kubernetes.annotateServiceAccount', 'eks.deleteAssociation']);
  });

  it('continues if the migration has restored its annotation, and stops if another principal has removed it again', async () => {
    const undone = { notedAt: at(-9), writtenAt: at(-8), undoneAt: at(-1) };
    const fakes = await associated({ request: { annotation: 'remove' }, record: { annotationChange: undone } });
    expect(await restore(fakes)).toMatchObject({ restored: [], awaitsWebhook: true });
    const again = await associated({ request: { annotation: 'remove' }, record: { annotationChange: undone } });
    again.kubernetes.serviceAccounts = [aServiceAccount({ roleArn: undefined })];
    await expectError(restore(again), 'RestoreRefused');
  });

  it('does not ask the API server where what EKS says is enough', async () => {
    const fakes = await associated({ request: { verification: 'api' } });
    fakes.kubernetes.serviceAccounts = [];
    expect(await restore(fakes)).toMatchObject({ restored: [], awaitsWebhook: true });
    expect(fakes.journal.names().filter((name) => name.startsWith('kubernetes.'))).toEqual([]);
  });
});
