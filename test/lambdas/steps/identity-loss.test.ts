/** Service accounts that lose the role of an add-on: as the plan, the snapshot and the evidence keep them. */
import { describe, expect, it } from 'vitest';
import type { IdentityLoss } from '../../../lambdas/domain/terms/planned.ts';
import type { MigrationRequestInput } from '../../../lambdas/domain/request/request.ts';
import { EVIDENCE_BEFORE, EVIDENCE_LATEST } from '../../../lambdas/use-cases/migration/report.ts';
import { beginStep } from '../../../lambdas/steps/begin/handler.ts';
import { finishStep } from '../../../lambdas/steps/finish/handler.ts';
import { restartPodsStep } from '../../../lambdas/steps/restart-pods/handler.ts';
import { verifyPodsStep } from '../../../lambdas/steps/verify-pods/handler.ts';
import { type Fakes, invoke, newFakes } from '../fakes.ts';
import { ADDON, addonArn, NAMESPACE, OTHER_ROLE, ROLE, target } from '../example.ts';
import { MIGRATION_ID, RUN } from '../run-examples.ts';
import { anAddon, anAssociation, aNodePod, aPod, aMigratedAddon } from '../eks-fixtures.ts';
import { aMigration, aPlan, aRequest, IN_PLACE, GRANTED } from '../fixtures.ts';
import { containing, expectError } from '../matchers.ts';
import { runPlan } from './planning.ts';
import { begun, type Begun } from './begun.ts';

const NODES = 'ebs-csi-node-sa';
const ofNodes = anAssociation({ id: 'a-of-nodes', serviceAccount: NODES });
const loss: IdentityLoss = {
  namespace: NAMESPACE,
  serviceAccount: NODES,
  roleArn: ROLE,
  identity: 'irsa',
  pods: 1,
  accepted: true,
};
const annotated = (name: string, roleArn = ROLE) => ({ namespace: NAMESPACE, name, roleArn });
const nodeOn = (identity: 'irsa' | 'node-role' | 'pod-identity') => ({
  ...aPod(identity),
  name: 'node-1',
  uid: 'node-1',
  serviceAccount: NODES,
  owner: { kind: 'DaemonSet', name: 'ebs-csi-node' },
});

describe('plan', () => {
  const planned = async (request: MigrationRequestInput | Partial<MigrationRequestInput>): Promise<Fakes> => {
    const fakes = newFakes();
    fakes.kubernetes.pods = [aPod('irsa'), nodeOn('irsa')];
    fakes.kubernetes.annotated = [annotated(NODES)];
    await runPlan(fakes, request);
    return fakes;
  };

  it('keeps what each pod will lose, blocked or accepted', async () => {
    for (const [request, verdict] of [
      [{}, 'blocked'],
      [{ accept: [`identity-loss:${NODES}`] }, 'migrate'],
    ] as const) {
      const { ledger } = await planned({ ...request, accept: [...(request.accept ?? [])] });
      expect((await ledger.getMigration(MIGRATION_ID))?.plan?.verdict).toBe(verdict);
      const before = await ledger.getEvidence(MIGRATION_ID, EVIDENCE_BEFORE);
      expect(before.map(({ serviceAccount, identity, loss: lost }) => [serviceAccount, identity, lost])).toEqual([
        ['ebs-csi-controller-sa', 'irsa', undefined],
        [NODES, 'irsa', { from: 'irsa', to: 'node-role' }],
      ]);
    }
  });

  it('tells the state machine whether standalone associations come first', async () => {
    const fakes = newFakes();
    fakes.settings.roleGrants = GRANTED;
    fakes.kubernetes.pods = [aPod('irsa'), nodeOn('irsa')];
    fakes.kubernetes.annotated = [annotated(NODES)];
    const request = { roles: { [NODES]: ROLE } };
    expect(await runPlan(fakes, request)).toMatchObject({ verdict: 'migrate', createsStandalone: true });
  });

  it('finds an association that keeps the nodes from losing anything', async () => {
    const fakes = newFakes();
    fakes.kubernetes.pods = [aPod('irsa'), nodeOn('irsa')];
    fakes.kubernetes.annotated = [annotated(NODES)];
    fakes.eks.associations = [anAssociation({ id: 'a-of-nodes', serviceAccount: NODES })];
    expect(await runPlan(fakes)).toMatchObject({ verdict: 'migrate' });
    expect(fakes.journal.of('eks.listAssociations')).toContainEqual([NAMESPACE, NODES]);
  });
});

describe('begin', () => {
  const snapshotOf = async (prepare: (fakes: Fakes) => void, request: Partial<MigrationRequestInput> = {}) => {
    const fakes = newFakes();
    fakes.kubernetes.pods = [
      aPod('irsa'),
      nodeOn('irsa'),
      { ...aPod('irsa'), name: 'new', uid: 'new', serviceAccount: 'new-sa' },
    ];
    fakes.kubernetes.annotated = [annotated('ebs-csi-controller-sa'), annotated(NODES), annotated('new-sa')];
    prepare(fakes);
    const record = aMigration({
      request: aRequest({ accept: [`identity-loss:${NODES}`], ...request }),
      plan: aPlan({ identityLosses: [loss] }),
    });
    await fakes.ledger.putMigration(record);
    await invoke(beginStep, { ...RUN, target, subject: ADDON, planHash: record.plan!.hash }, fakes);
    return fakes.ledger.getSnapshot(MIGRATION_ID);
  };

  it('keeps the losses of the plan, and who else has the role: one that came after the plan', async () =>
    expect(await snapshotOf(() => undefined)).toMatchObject({ identityLosses: [loss], bystanders: ['new-sa'] }));

  it.each<[string, (fakes: Fakes) => void, Partial<MigrationRequestInput>]>([
    [
      'of another add-on with the same role',
      ({ kubernetes }) => void (kubernetes.pods.at(-1)!.labels = { 'app.kubernetes.io/name': 'aws-efs-csi-driver' }),
      {},
    ],
    ['with another role', ({ kubernetes }) => (kubernetes.annotated = [annotated('new-sa', OTHER_ROLE)]), {}],
    ['with no pod', ({ kubernetes }) => (kubernetes.pods = [aPod('irsa'), nodeOn('irsa')]), {}],
    ['with a new pod', ({ kubernetes }) => void kubernetes.pods.push(aNodePod({ serviceAccount: 'new-sa' })), {}],
    ['where nobody looks at pods', () => undefined, { verification: 'api' }],
  ])('keeps none %s', async (_, prepare, request) =>
    expect((await snapshotOf(prepare, request))?.bystanders).toEqual([]),
  );

  it('does not begin a plan that another principal has written and that causes an unaccepted loss of identity', () =>
    expectError(
      snapshotOf(() => undefined, { accept: [] }),
      'BadInput',
      `${NAMESPACE}/${NODES} would lose its identity`,
    ));
});

describe('verify-pods', () => {
  const OWNED = anAssociation({ id: 'a-new', ownerArn: addonArn(1) });
  const migrated = async (snapshot: { identityLosses?: IdentityLoss[]; bystanders?: string[] }): Promise<Begun> => {
    const fakes = await begun({ plan: { attempts: [IN_PLACE] }, snapshot });
    fakes.eks.addons.set(ADDON, aMigratedAddon([OWNED.arn]));
    fakes.eks.associations = [OWNED];
    fakes.kubernetes.pods = [aPod('pod-identity'), nodeOn('node-role')];
    return fakes;
  };
  const verify = (fakes: Begun, towards: 'pod-identity' | 'before' = 'pod-identity'): Promise<unknown> =>
    invoke(verifyPodsStep, { ...fakes.input, towards, round: 1 }, fakes);
  const latest = async ({ ledger }: Begun) =>
    (await ledger.getEvidence(MIGRATION_ID, EVIDENCE_LATEST)).map(({ identity, loss: lost }) => [identity, lost]);

  it('shows what was accepted to be lost, does not count it, and warns of it in the record', async () => {
    const fakes = await migrated({ identityLosses: [loss] });
    expect(await verify(fakes)).toEqual({ verdict: 'verified', podsThatCount: 1, podsAsExpected: 1 });
    expect(await latest(fakes)).toEqual([
      ['pod-identity', undefined],
      ['node-role', { from: 'irsa', to: 'node-role' }],
    ]);
    const { warnings } = await fakes.record();
    expect(warnings).toMatchObject([
      { id: 'identity-loss', message: containing('(irsa → node-role), as the request accepts') },
    ]);
    // A second look leaves one warning.
    await verify(fakes);
    expect((await fakes.record()).warnings).toEqual(warnings);
  });

  it('says of a pod that has it still that the next one will not', async () => {
    const fakes = await migrated({ identityLosses: [loss] });
    fakes.kubernetes.pods = [aPod('pod-identity'), nodeOn('irsa')];
    await verify(fakes);
    const [, node] = await fakes.ledger.getEvidence(MIGRATION_ID, EVIDENCE_LATEST);
    expect(node).toMatchObject({ identity: 'irsa', loss: { from: 'irsa', to: 'node-role' } });
    expect(node!.evidence).toContain('the next pod falls back to the node role');
  });

  it('leads back where another service account has lost the role, which only the snapshot says that it had', async () => {
    const fakes = await migrated({ bystanders: [NODES] });
    await expectError(verify(fakes), 'PodsOnWrongIdentity', `did not foresee: ${NAMESPACE}/${NODES}`);
    expect(await latest(fakes)).toContainEqual(['node-role', { from: 'irsa', to: 'node-role' }]);
    expect((await fakes.record()).verified).toBe('none');
  });

  it.each<[string, (fakes: Begun) => void]>([
    ['has its annotation still', ({ kubernetes }) => (kubernetes.annotated = [annotated(NODES)])],
    ['has an association in its place', ({ eks }) => void eks.associations.push(ofNodes)],
  ])('goes on where such a service account %s', async (_, prepare) => {
    const fakes = await migrated({ bystanders: [NODES] });
    prepare(fakes);
    expect(await verify(fakes)).toMatchObject({ verdict: 'verified' });
  });

  it.each([
    ['was accepted to be lost', { identityLosses: [loss] }],
    ['nobody has planned to be lost', { bystanders: [NODES] }],
  ])('wants back, after a rollback, what %s', async (_, snapshot) => {
    const fakes = await migrated(snapshot);
    fakes.eks.addons.set(ADDON, anAddon());
    fakes.eks.associations = [];
    fakes.kubernetes.pods = [aPod('irsa'), nodeOn('node-role')];
    expect(await verify(fakes, 'before')).toMatchObject({ verdict: 'restart' });
    const again = { ...fakes.input, towards: 'before', round: 1 };
    expect(await invoke(restartPodsStep, again, fakes)).toEqual({ restarted: [`DaemonSet/${NAMESPACE}/ebs-csi-node`] });
    fakes.kubernetes.pods = [aPod('irsa'), nodeOn('irsa')];
    expect(await verify(fakes, 'before')).toMatchObject({ verdict: 'verified' });
  });
});

it('after a rollback nothing is lost any more: the warning goes', async () => {
  const fakes = await begun({ snapshot: { identityLosses: [loss] } });
  const kept = { id: 'another', status: 'warn' as const, message: 'stays' };
  const lost = { id: 'identity-loss', status: 'warn' as const, message: 'goes' };
  await fakes.update({ warnings: [lost, kept] });
  await invoke(finishStep, { ...RUN, target, subject: ADDON, outcome: 'rolled-back' }, fakes);
  expect((await fakes.record()).warnings).toEqual([kept]);
});
