/** The rollback that the restore commands end with: every step leaves what another principal did, as a person has decided. */
import { describe, expect, it } from 'vitest';
import { annotateServiceAccountStep } from '../../../lambdas/steps/annotate-service-account/handler.ts';
import { finishStep } from '../../../lambdas/steps/finish/handler.ts';
import { restoreAssociationsStep } from '../../../lambdas/steps/restore-associations/handler.ts';
import { verifyPodsStep } from '../../../lambdas/steps/verify-pods/handler.ts';
import { anAccountAssociation, anAccountRequest, aServiceAccount } from '../account-fixtures.ts';
import { associated, begunAccount } from './begun-account.ts';
import { invoke } from '../fakes.ts';
import { ADDON, addonArn, OTHER_ROLE, target } from '../example.ts';
import { at, EXECUTION, RUN } from '../run-examples.ts';
import { anAddon, anAssociation, aPod } from '../eks-fixtures.ts';
import { aRollback } from '../fixtures.ts';
import { containing, expectError } from '../matchers.ts';
import { begun, type Begun } from './begun.ts';

const NEWER = 'v1.40.0-eksbuild.1';
const THEIRS = anAssociation({ id: 'a-theirs', roleArn: OTHER_ROLE });

/** A person has asked for the rollback after `needs-human`. */
const decide = async (fakes: Begun): Promise<Begun> => {
  await fakes.update({ status: 'rolling-back', rollback: aRollback({ executionArn: EXECUTION }) });
  return fakes;
};
const verify = (fakes: Begun) => invoke(verifyPodsStep, { ...fakes.input, towards: 'before', round: 1 }, fakes);
const restore = (fakes: Begun): Promise<unknown> => invoke(restoreAssociationsStep, fakes.input, fakes);
const finish = (fakes: Begun, outcome = 'rolled-back', failure?: object): Promise<unknown> => {
  const { subject } = fakes.input;
  const input = { ...RUN, target, subject, outcome, failure };
  return invoke(finishStep, input, fakes);
};

describe('of an add-on', () => {
  const DOINGS: [string, Partial<ReturnType<typeof anAddon>>, RegExp][] = [
    ['that another principal created again', { arn: addonArn(77) }, /created again outside/],
    ['that another principal gave another version', { version: NEWER }, /changed the version of add-on/],
    ['that is both', { arn: addonArn(77), version: NEWER }, /created again outside/],
  ];

  it.each(DOINGS)('pods are verified over one %s, which the rollback alone would not do', async (_, change, why) => {
    const fakes = await begun();
    fakes.eks.addons.set(ADDON, anAddon(change));
    fakes.kubernetes.pods = [aPod('irsa')];
    await expectError(verify(fakes), 'RestoreRefused', why);
    expect(await verify(await decide(fakes))).toMatchObject({ verdict: 'verified' });
  });

  it('leaves an association of another principal, and the pods that use it', async () => {
    const fakes = await begun();
    fakes.eks.associations = [THEIRS];
    fakes.kubernetes.pods = [aPod('pod-identity')];
    await expectError(restore(fakes), 'RestoreRefused');
    expect(await verify(fakes)).toMatchObject({ verdict: 'restart' });
    await decide(fakes);
    await restore(fakes);
    expect(await verify(fakes)).toMatchObject({ verdict: 'verified' });
    expect([fakes.eks.associations, fakes.journal.mutations()]).toEqual([[THEIRS], []]);
  });

  it('says at the end what was left, and nothing where nobody has decided', async () => {
    const fakes = await begun();
    fakes.eks.addons.set(ADDON, anAddon({ arn: addonArn(77), version: NEWER }));
    fakes.eks.associations = [THEIRS];
    const undecided = await begun();
    undecided.eks.addons.set(ADDON, anAddon({ version: NEWER }));
    await finish(undecided);
    expect((await undecided.record()).warnings).toEqual([]);
    await finish(await decide(fakes));
    const { outcome, warnings } = await fakes.record();
    expect([outcome, warnings.map(({ id }) => id)]).toEqual(['rolled-back', ['left-as-changed']]);
    for (const part of ['created again', NEWER, 'a-theirs']) expect(warnings[0]?.message).toContain(part);
    expect((await fakes.ledger.readLock(`${target.account}#${target.region}#${target.cluster}#${ADDON}`))?.holder).toBe(
      undefined,
    );
  });

  it('ends although what was left could not be read', async () => {
    const fakes = await decide(await begun());
    fakes.journal.failNext('eks.describeAddon');
    expect(await finish(fakes)).toEqual({ outcome: 'rolled-back' });
  });

  it('reports why the last rollback stopped, next to the first failure', async () => {
    const fakes = await decide(await begun());
    await fakes.update({ failure: { name: 'AddonFailed', message: 'It was the first.' } });
    await finish(fakes, 'needs-human', { Error: 'RestoreRefused', Cause: 'Another principal deleted it.' });
    const { failure, warnings } = await fakes.record();
    expect(failure?.message).toBe('It was the first.');
    expect(warnings).toMatchObject([
      { id: 'last-rollback', message: containing('RestoreRefused: Another principal deleted it.') },
    ]);
  });
});

describe('of a service account', () => {
  it.each([
    ['another annotation', { roleArn: OTHER_ROLE }],
    ['another incarnation', { uid: 'made-again' }],
  ])('leaves %s, and takes its own association away', async (_, change) => {
    const fakes = await associated();
    fakes.kubernetes.serviceAccounts = [aServiceAccount(change)];
    await expectError(restore(fakes), 'RestoreRefused');
    expect(fakes.eks.associations).toHaveLength(1);
    await decide(fakes);
    expect([await restore(fakes), fakes.eks.associations]).toMatchObject([{ awaitsWebhook: true }, []]);
    fakes.kubernetes.pods = [];
    await finish(fakes);
    expect((await fakes.record()).warnings.map(({ id }) => id)).toEqual(['left-as-changed']);
  });

  it("keeps another principal's association next to its own", async () => {
    const fakes = await decide(await associated());
    fakes.eks.associations = [anAccountAssociation({ id: 'a-theirs', roleArn: OTHER_ROLE })];
    await restore(fakes);
    expect(fakes.eks.associations.map(({ id }) => id)).toEqual(['a-theirs']);
  });

  it('leaves an annotation that another principal has set since', async () => {
    const fakes = await begunAccount({ record: { request: anAccountRequest({ annotation: 'remove' }) } });
    await fakes.update({ annotationChange: { notedAt: at(0), writtenAt: at(1) } });
    fakes.kubernetes.serviceAccounts = [aServiceAccount({ roleArn: OTHER_ROLE })];
    const putBack = () => invoke(annotateServiceAccountStep, { ...fakes.input, towards: 'before' }, fakes);
    await expectError(putBack(), 'RestoreRefused');
    await decide(fakes);
    expect(await putBack()).toEqual({ changed: false });
    expect(fakes.kubernetes.serviceAccounts[0]?.roleArn).toBe(OTHER_ROLE);
  });
});
