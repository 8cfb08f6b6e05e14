/** The IRSA annotation of a service account: removed after the verification, back before anything is restarted. */
import { describe, expect, test } from 'vitest';
import type { AnnotationChange } from '../../../lambdas/domain/record/migration.ts';
import { annotateServiceAccountStep } from '../../../lambdas/steps/annotate-service-account/handler.ts';
import { REF } from '../account-example.ts';
import { aServiceAccount, aState } from '../account-fixtures.ts';
import { associated, type AccountChange } from './begun-account.ts';
import { aSecretStore, CLUSTER_STORES, SECRET_STORES } from '../consumer-objects.ts';
import { interruptedOnce, MOMENTS, strikeEachCall } from '../../faults/contract.ts';
import { invoke } from '../fakes.ts';
import { at, OTHER_ROLE, ROLE } from '../fixtures.ts';
import { expectError, matching } from '../matchers.ts';
import { type Begun } from './begun.ts';

const it = test.extend('fakes', () => removing());
const removing = (change: AccountChange = {}): Promise<Begun> =>
  associated({ ...change, request: { annotation: 'remove', ...change.request } });
const takeOff = (fakes: Begun) =>
  invoke(annotateServiceAccountStep, { ...fakes.input, towards: 'pod-identity' }, fakes);
const putBack = (fakes: Begun) => invoke(annotateServiceAccountStep, { ...fakes.input, towards: 'before' }, fakes);
const now = ({ kubernetes }: Begun): string | undefined => kubernetes.serviceAccounts[0]?.roleArn;
const noted = async (fakes: Begun): Promise<AnnotationChange | undefined> => (await fakes.record()).annotationChange;
const TAKEN: AnnotationChange = { notedAt: at(-60), writtenAt: at(-59) };

async function taken(annotationChange: AnnotationChange = TAKEN): Promise<Begun> {
  const fakes = await removing();
  fakes.kubernetes.serviceAccounts = [aServiceAccount({ roleArn: undefined, annotatedBy: [] })];
  await fakes.update({ annotationChange });
  fakes.journal.clear();
  return fakes;
}
const thirdParty: [string, Partial<ReturnType<typeof aServiceAccount>> | undefined, RegExp][] = [
  ['deleted it', undefined, /another principal has deleted service account payments\/api/i],
  ['made it again', { uid: 'another' }, /and created it again/],
  ['given it another role', { roleArn: OTHER_ROLE }, /annotation eks\.amazonaws\.com\/role-arn of .* to .*third-party/],
];

describe('annotate-service-account', () => {
  it('takes the annotation off the version that it has seen, and notes it before and after', async ({ fakes }) => {
    expect(await takeOff(fakes)).toEqual({ changed: true });
    expect(now(fakes)).toBeUndefined();
    expect(fakes.journal.of('kubernetes.annotateServiceAccount')).toEqual([[aServiceAccount(), null]]);
    expect(await noted(fakes)).toEqual({ notedAt: at(0), writtenAt: at(0) });
    const names = fakes.journal.names();
    const write = names.indexOf('kubernetes.annotateServiceAccount');
    expect(names.indexOf('ledger.recordAnnotation')).toBeLessThan(write);
    expect(names.slice(write + 1)).toContain('ledger.recordAnnotation');
    expect(fakes.journal.mutations()).toEqual(['kubernetes.annotateServiceAccount']);
  });

  it('has it off the second time, and writes nothing more', async ({ fakes }) => {
    await takeOff(fakes);
    fakes.clock.advance(5000);
    expect(await takeOff(fakes)).toEqual({ changed: true });
    expect(fakes.journal.mutations()).toHaveLength(1);
    expect(await noted(fakes)).toMatchObject({ notedAt: at(0) });
  });

  it('removes the annotation again if another principal has set it in the meantime', async ({ fakes }) => {
    await takeOff(fakes);
    fakes.kubernetes.serviceAccounts = [aServiceAccount({ resourceVersion: '12' })];
    expect(await takeOff(fakes)).toEqual({ changed: true });
    expect(now(fakes)).toBeUndefined();
  });

  it('does not restore an annotation that another principal has removed', async ({ fakes }) => {
    fakes.kubernetes.serviceAccounts = [aServiceAccount({ roleArn: undefined })];
    expect([await takeOff(fakes), fakes.journal.mutations()]).toEqual([{ changed: false }, []]);
    expect(await noted(fakes)).toBeUndefined();
    expect(await putBack(fakes)).toEqual({ changed: false });
    expect(now(fakes)).toBeUndefined();
  });

  it.each(MOMENTS)('comes out the same, whichever call breaks %s its effect', async (kind) => {
    for (const [prepare, run, roleArn] of [
      [removing, takeOff, undefined],
      [taken, putBack, ROLE],
    ] as const)
      await strikeEachCall({
        prepare: () => prepare(),
        work: run,
        kinds: [kind],
        expectation: async (fakes, smooth) => {
          await interruptedOnce(() => run(fakes));
          expect(now(fakes)).toBe(roleArn);
          expect(await noted(fakes)).toEqual(await noted(smooth));
        },
      });
  });

  it.each<[string, (fakes: Begun) => unknown, RegExp]>([
    ['deleted the association', ({ eks }) => (eks.associations = []), /the association of payments\/api is gone/],
  ])('keeps it if another principal has %s: without both, new pods have no role', async (_, change, why) => {
    const fakes = await removing();
    change(fakes);
    await expectError(takeOff(fakes), 'AssociationChanged', why);
    expect(now(fakes)).toBe(ROLE);
    expect(fakes.journal.mutations()).toEqual([]);
    expect(await noted(fakes)).toBeUndefined();
  });

  const STORE = aSecretStore('aws', REF.namespace, REF.name);
  it.each<[string, (fakes: Begun) => unknown, RegExp]>([
    [
      'a SecretStore uses the service account',
      ({ kubernetes }) => (kubernetes.objects = { [SECRET_STORES]: [STORE] }),
      /1 object uses the web identity of payments\/api and is not accepted by the request: SecretStore\/payments\/aws gets tokens/,
    ],
    [
      'a resource can no longer be read',
      ({ kubernetes }) => kubernetes.forbidden.add(CLUSTER_STORES),
      /not known of what could not be read: clustersecretstores\.external-secrets\.io \(The API server answered 403/,
    ],
  ])('keeps the annotation if meanwhile %s', async (_, change, why) => {
    const fakes = await removing();
    change(fakes);
    await expectError(takeOff(fakes), 'ConsumersAppeared', why);
    expect(now(fakes)).toBe(ROLE);
    expect(fakes.journal.mutations()).toEqual([]);
    expect(await noted(fakes)).toBeUndefined();
    expect((await fakes.record()).warnings).toMatchObject([{ id: 'annotation-used', message: matching(why) }]);
  });

  it.each(['kubernetes.listApiGroups', 'kubernetes.listObjects'])('keeps it until %s is answered', async (call) => {
    const fakes = await removing();
    fakes.kubernetes.objects = { [SECRET_STORES]: [] };
    fakes.journal.refuseNext(call, 'ConnectionLost', 'no answer');
    await expectError(takeOff(fakes), 'ConnectionLost');
    expect(now(fakes)).toBe(ROLE);
    expect(await takeOff(fakes)).toEqual({ changed: true });
  });

  it('removes it if the request accepts both, and if another service account is used', async () => {
    const accept = ['consumer:SecretStore/payments/aws', `consumer:${CLUSTER_STORES}`];
    const accepted = await removing({
      request: { annotation: 'remove', accept },
    });
    accepted.kubernetes.objects = { [SECRET_STORES]: [STORE] };
    accepted.kubernetes.forbidden.add(CLUSTER_STORES);
    expect(await takeOff(accepted)).toEqual({ changed: true });
    const others = await removing();
    others.kubernetes.objects = { [SECRET_STORES]: [aSecretStore('aws', 'shop', REF.name)] };
    expect(await takeOff(others)).toEqual({ changed: true });
  });

  it('reads who uses the web identity right before it writes', async ({ fakes }) => {
    fakes.kubernetes.objects = { [SECRET_STORES]: [] };
    await takeOff(fakes);
    const names = fakes.journal.names();
    const between = names.slice(
      names.lastIndexOf('kubernetes.listObjects') + 1,
      names.indexOf('kubernetes.annotateServiceAccount'),
    );
    expect(between.filter((name) => name.startsWith('kubernetes.') || name.startsWith('eks.'))).toEqual([]);
  });

  it('reads the annotation again instead of overwriting a concurrent change', async ({ fakes }) => {
    const real = fakes.kubernetes.annotateServiceAccount.bind(fakes.kubernetes);
    fakes.kubernetes.annotateServiceAccount = async (seen, roleArn) => {
      fakes.kubernetes.serviceAccounts = [aServiceAccount({ roleArn: OTHER_ROLE, resourceVersion: '8' })];
      return real(seen, roleArn);
    };
    await expectError(takeOff(fakes), 'Busy');
    expect(now(fakes)).toBe(OTHER_ROLE);
    fakes.kubernetes.annotateServiceAccount = real;
    await expectError(takeOff(fakes), 'ServiceAccountChanged');
    expect(now(fakes)).toBe(OTHER_ROLE);
  });

  it.each(thirdParty)('changes nothing if another principal has %s', async (_, change, why) => {
    const fakes = await removing();
    fakes.kubernetes.serviceAccounts = change ? [aServiceAccount(change)] : [];
    await expectError(takeOff(fakes), 'ServiceAccountChanged', why);
    expect(fakes.journal.mutations()).toEqual([]);
    expect(await noted(fakes)).toBeUndefined();
  });

  it.each<[string, AccountChange]>([
    ['that keeps it', { request: { annotation: 'keep' } }],
    ['that nobody saw', { snapshot: { serviceAccount: undefined }, plan: { serviceAccount: undefined } }],
  ])('does nothing for a migration %s', async (_, change) => {
    for (const run of [takeOff, putBack]) {
      const fakes = await removing(change);
      await expectError(run(fakes), 'BadInput', 'does not remove an annotation');
      expect(fakes.journal.mutations()).toEqual([]);
      expect(now(fakes)).toBe(ROLE);
    }
  });
});

describe('annotate-service-account during a rollback', () => {
  it('puts the annotation back as the snapshot has it, and notes that', async () => {
    const fakes = await taken();
    expect(await putBack(fakes)).toEqual({ changed: true });
    expect(now(fakes)).toBe(ROLE);
    expect(fakes.journal.of('kubernetes.annotateServiceAccount')).toEqual([
      [expect.objectContaining({ ...REF, resourceVersion: '7' }), ROLE],
    ]);
    expect(await noted(fakes)).toEqual({ ...TAKEN, undoneAt: at(0) });
  });

  it('is repeated if the removal was written and may not be recorded', async ({ fakes }) => {
    await fakes.ledger.recordAnnotation(fakes.input.migrationId, 'notedAt', at(0));
    fakes.journal.refuseNext('ledger.recordAnnotation', 'AccessDenied', 'dynamodb:UpdateItem');
    await expectError(takeOff(fakes), 'ServiceUnavailable', 'dynamodb:UpdateItem');
    expect([await takeOff(fakes), now(fakes), await noted(fakes)]).toEqual([
      { changed: true },
      undefined,
      { notedAt: at(0), writtenAt: at(0) },
    ]);
  });

  it('puts back one whose write was noted and whose reply never came', async () => {
    const fakes = await taken({ notedAt: at(-60) });
    expect(await putBack(fakes)).toEqual({ changed: true });
    expect(now(fakes)).toBe(ROLE);
  });

  it('writes nothing if the noted removal never happened, or if another principal has restored the annotation', async () => {
    const fakes = await removing();
    await fakes.update({ annotationChange: { notedAt: at(-60) } });
    expect([await putBack(fakes), fakes.journal.mutations()]).toEqual([{ changed: false }, []]);
    expect(await noted(fakes)).toEqual({ notedAt: at(-60), undoneAt: at(0) });
  });

  it('looks at nothing where the migration never touched it', async ({ fakes }) => {
    expect(await putBack(fakes)).toEqual({ changed: false });
    expect(fakes.journal.names().filter((name) => name.startsWith('kubernetes.'))).toEqual([]);
  });

  it.each(thirdParty)('needs a person if another principal has %s', async (_, change, why) => {
    const fakes = await taken();
    fakes.kubernetes.serviceAccounts = change ? [aServiceAccount(change)] : [];
    await expectError(putBack(fakes), 'RestoreRefused', why);
    expect([fakes.journal.mutations(), await noted(fakes)]).toEqual([[], TAKEN]);
  });

  it('writes no role that the deployment may not give to pods', async () => {
    const fakes = await taken();
    fakes.settings.passableRoleArns = [OTHER_ROLE];
    await expectError(putBack(fakes), 'RestoreRefused', `may not pass ${ROLE} to pods`);
    expect([fakes.journal.mutations(), await noted(fakes)]).toEqual([[], TAKEN]);
  });

  it('has nothing to put back where there was none', async () => {
    const fakes = await removing({ snapshot: { serviceAccount: aState({ roleArn: undefined }) } });
    await fakes.update({ annotationChange: TAKEN });
    expect([await putBack(fakes), fakes.journal.mutations()]).toEqual([{ changed: false }, []]);
  });

  it('removes the annotation again, under a new note, after it was restored', async ({ fakes }) => {
    await fakes.update({ annotationChange: { ...TAKEN, undoneAt: at(-1) } });
    expect(await takeOff(fakes)).toEqual({ changed: true });
    expect(await noted(fakes)).toEqual({ notedAt: at(0), writtenAt: at(0) });
  });
});
