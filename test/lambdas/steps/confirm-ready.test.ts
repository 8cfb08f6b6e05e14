/** verify-pods and its variant confirm-ready: how verified pods are observed, and what the record states meanwhile. */
import { describe, expect, test } from 'vitest';
import type { Pod } from '../../../lambdas/domain/kubernetes/objects.ts';
import type { BrokenPod } from '../../../lambdas/domain/rollout/model.ts';
import type { Migration } from '../../../lambdas/domain/record/migration.ts';
import type { MigrationRequestInput } from '../../../lambdas/domain/request/request.ts';
import { MAX_SETTLINGS } from '../../../lambdas/domain/rollout/settling.ts';
import { EVIDENCE_BEFORE, EVIDENCE_LATEST } from '../../../lambdas/use-cases/migration/report.ts';
import { finishStep } from '../../../lambdas/steps/finish/handler.ts';
import { verifyPodsStep } from '../../../lambdas/steps/verify-pods/handler.ts';
import { invoke } from '../fakes.ts';
import { ADDON, addonArn, SERVICE_ACCOUNT } from '../example.ts';
import { at, EXECUTION, MIGRATION_ID } from '../run-examples.ts';
import { anAddon, anAssociation, aNode, aNodePod, aPod, aWorkload, aMigratedAddon } from '../eks-fixtures.ts';
import { anEvidence, aRequest, IN_PLACE } from '../fixtures.ts';
import { containing, expectError, said } from '../matchers.ts';
import { begun, type Begun } from './begun.ts';

const it = test.extend('fakes', () => withPods([pod('a')]));
const OWNED = anAssociation({ id: 'a-new', ownerArn: addonArn(1) });
const CRASHING: Partial<Pod> = { ready: false, waiting: ['CrashLoopBackOff'] };
const pod = (name: string, change: Partial<Pod> = {}): Pod => aPod('pod-identity', { name, restarts: 0, ...change });
const workload = aWorkload({ desired: 2, ready: 2 });

/** The driver, migrated in place, with these pods. */
async function withPods(
  pods: Pod[],
  { request = {}, brokenPods }: { request?: Partial<MigrationRequestInput>; brokenPods?: BrokenPod[] } = {},
): Promise<Begun> {
  const fakes = await begun({
    plan: { attempts: [IN_PLACE] },
    record: { request: aRequest(request) },
    ...(brokenPods ? { snapshot: { brokenPods } } : {}),
  });
  const { arn } = OWNED;
  fakes.eks.addons.set(ADDON, aMigratedAddon([arn]));
  fakes.eks.associations = [OWNED];
  Object.assign(fakes.kubernetes, { pods, workloads: [workload] });
  return fakes;
}
const verify = (fakes: Begun, settling: number | 'none' = 1): Promise<unknown> => {
  const input = { ...fakes.input, towards: 'pod-identity', round: 1 };
  return invoke(verifyPodsStep, settling === 'none' ? input : { ...input, settling }, fakes);
};
const confirm = (fakes: Begun, settling = 1): Promise<unknown> =>
  invoke(verifyPodsStep, { ...fakes.input, towards: 'ready', round: 1, settling }, fakes);
const show = (fakes: Begun, ...pods: Pod[]): void => {
  fakes.clock.advance(60_000);
  fakes.kubernetes.pods = pods;
};
const levels = async (fakes: Begun): Promise<string[]> =>
  (await fakes.ledger.getEvidence(MIGRATION_ID, EVIDENCE_LATEST)).map(({ name, level = 'none' }) => `${name} ${level}`);
const warned = ({ warnings }: Pick<Migration, 'warnings'>): string[] => warnings.map(({ id }) => id);
const finish = (fakes: Begun, outcome: string): Promise<unknown> => {
  const { attempt: _attempt, fence: _fence, ...common } = fakes.input;
  return invoke(finishStep, { ...common, executionArn: EXECUTION, outcome }, fakes);
};

describe('verified pods', () => {
  it('are observed next if the request asks for ready, for as long as the workload needs', async () => {
    const fakes = await withPods([pod('a'), pod('b', { restarts: 3 }), aNodePod()]);
    expect(await verify(fakes)).toEqual({ verdict: 'settle', settleSeconds: 60, podsThatCount: 2, podsAsExpected: 2 });
    expect(await fakes.record()).toMatchObject({ verified: 'injected', warnings: [] });
    expect(await levels(fakes)).toEqual(['a injected', 'b injected', 'ebs-csi-node-1 none']);
    expect(await fakes.ledger.getEvidence(MIGRATION_ID, 'settling-1')).toMatchObject([
      { name: 'a', restarts: 0 },
      { name: 'b', restarts: 3 },
      { name: 'ebs-csi-node-1' },
    ]);
  });

  it.each<[string, Partial<MigrationRequestInput>, number | 'none']>([
    ['the request asks for less', { verification: 'injected' }, 1],
    ['the definition does not observe pods', {}, 'none'],
    ['they have been observed as often as possible', {}, MAX_SETTLINGS + 1],
  ])('are not observed if %s', async (_, request, settling) => {
    const fakes = await withPods([pod('a')], { request });
    expect(await verify(fakes, settling)).toMatchObject({ verdict: 'verified' });
    expect((await fakes.record()).verified).toBe('injected');
    expect(await fakes.ledger.getEvidence(MIGRATION_ID, 'settling-1')).toEqual([]);
  });

  it('are not observed in a rollback, and reach no level in it', async () => {
    const fakes = await withPods([aPod('irsa', { name: 'a' })]);
    await fakes.ledger.putEvidence(MIGRATION_ID, EVIDENCE_BEFORE, [anEvidence({ identity: 'irsa' })], at(0));
    fakes.eks.addons.set(ADDON, anAddon());
    fakes.eks.associations = [];
    const input = { ...fakes.input, towards: 'before', round: 1 };
    expect(await invoke(verifyPodsStep, input, fakes)).toMatchObject({ verdict: 'verified' });
    expect([await levels(fakes), (await fakes.record()).verified]).toEqual([['a none'], 'none']);
  });
});

describe('confirm-ready', () => {
  it('raises the level of pods that stayed ready', async () => {
    const fakes = await withPods([pod('a'), pod('b', { restarts: 3 })]);
    await verify(fakes);
    show(fakes, pod('a'), pod('b', { restarts: 3 }));
    expect(await confirm(fakes)).toEqual({ verdict: 'verified', podsThatCount: 2, podsAsExpected: 2, podsReady: 2 });
    expect(await fakes.record()).toMatchObject({ verified: 'ready', warnings: [] });
    expect(await levels(fakes)).toEqual(['a ready', 'b ready']);
    await finish(fakes, 'migrated');
    expect(await fakes.record()).toMatchObject({ outcome: 'migrated', verified: 'ready', warnings: [] });
    expect(fakes.journal.mutations()).toEqual([]);
  });

  it('compares nothing without the observation before the settling time', async ({ fakes }) => {
    expect(await confirm(fakes)).toMatchObject({ verdict: 'unstable', podsReady: 0 });
    await fakes.ledger.putEvidence(MIGRATION_ID, 'settling-2', [anEvidence({ uid: 'uid-of-another' })], at(0));
    expect(await confirm(fakes, 2)).toMatchObject({ verdict: 'unstable', podsReady: 0 });
    expect((await fakes.record()).verified).toBe('none');
  });

  it('withdraws the level after one restart, and gives it again when the pods stay ready the next time', async () => {
    const fakes = await withPods([pod('a'), pod('b')]);
    await verify(fakes);
    show(fakes, pod('a'), pod('b', { restarts: 1 }));
    expect(await confirm(fakes)).toMatchObject({
      verdict: 'unstable',
      podsReady: 1,
      why: 'Restarted during the observation: b (1 restart).',
    });
    expect(await fakes.record()).toMatchObject({ verified: 'none', warnings: [{ id: 'stability-not-observed' }] });
    // Whether an agent serves the other pod was not read.
    expect(await levels(fakes)).toEqual(['a injected', 'b injected']);
    expect(await verify(fakes, 2)).toMatchObject({ verdict: 'settle' });
    expect((await fakes.record()).verified).toBe('injected');
    show(fakes, pod('a'), pod('b', { restarts: 1 }));
    expect(await confirm(fakes, 2)).toMatchObject({ verdict: 'verified', podsReady: 2 });
    expect(await fakes.record()).toMatchObject({ verified: 'ready', warnings: [] });
  });

  it('fails if pods of the workload restart the next time too, and names them, their restarts, and what to read', async () => {
    const fakes = await withPods([pod('a'), pod('b')]);
    await verify(fakes);
    show(fakes, pod('a'), pod('b', { restarts: 2 }));
    await confirm(fakes);
    await verify(fakes, 2);
    show(fakes, pod('a', { restarts: 1 }), pod('b', { restarts: 4, ...CRASHING }));
    await expectError(
      confirm(fakes, 2),
      'PodsFailing',
      /a \(1 restart\), b \(CrashLoopBackOff, 4 restarts\)\. .*gets no credentials.*kubectl -n kube-system logs a --all-containers --previous --ignore-errors$/,
    );
    expect((await fakes.record()).verified).toBe('none');
    await finish(fakes, 'rolled-back');
    expect(await fakes.record()).toMatchObject({ verified: 'injected', warnings: [] });
  });

  it('ends at the level injected, with the reason, if pods are never ready for long enough', async () => {
    const fakes = await withPods([pod('a'), pod('b')]);
    for (let settling = 1; settling <= MAX_SETTLINGS; settling += 1) {
      expect(await verify(fakes, settling)).toMatchObject({ verdict: 'settle' });
      show(fakes, pod('a'), pod('b', { ready: false }));
      expect(await confirm(fakes, settling)).toMatchObject({ verdict: 'unstable' });
      show(fakes, pod('a'), pod('b'));
    }
    expect(await verify(fakes, MAX_SETTLINGS + 1)).toMatchObject({ verdict: 'verified' });
    await finish(fakes, 'migrated');
    const record = await fakes.record();
    expect(record).toMatchObject({ outcome: 'migrated', verified: 'injected' });
    expect(record.warnings).toMatchObject([
      {
        id: 'stability-not-observed',
        message: containing('Not ready at the end of the observation: b (not ready).'),
        remedy: containing('kubectl -n kube-system get pods'),
      },
    ]);
  });

  it('reports pods that joined at the level injected', async ({ fakes }) => {
    await verify(fakes);
    show(fakes, pod('a'), pod('new', { ready: false }));
    expect(await confirm(fakes)).toMatchObject({ verdict: 'verified', podsThatCount: 2, podsReady: 1 });
    expect(await levels(fakes)).toEqual(['a ready', 'new injected']);
    expect(await fakes.record()).toMatchObject({
      verified: 'ready',
      warnings: [{ id: 'pods-below-ready', message: containing('kube-system/new (it was not') }],
    });
  });

  it('leaves out pods on a node that is not ready', async () => {
    const fakes = await withPods([pod('a'), pod('b')]);
    fakes.kubernetes.nodes = [aNode(), aNode({ name: 'lost', ready: false })];
    await verify(fakes);
    show(fakes, pod('a'), pod('b', { ready: false, node: 'lost' }));
    expect(await confirm(fakes)).toMatchObject({ verdict: 'verified', podsThatCount: 1, podsReady: 1 });
    expect(await fakes.ledger.getEvidence(MIGRATION_ID, EVIDENCE_LATEST)).toMatchObject([
      { name: 'a', level: 'ready' },
      { name: 'b', excluded: 'its node lost is not ready' },
    ]);
    expect(warned(await fakes.record())).toEqual(['pods-on-unready-nodes']);
  });

  it('excuses as many pods as did not work before, and names them', async () => {
    const broken: BrokenPod = {
      namespace: 'kube-system',
      name: 'x',
      uid: 'former',
      serviceAccount: SERVICE_ACCOUNT,
      owner: { kind: 'Deployment', name: workload.name },
      trouble: 'crash-looping',
      text: 'its containers are crashing',
    };
    const fakes = await withPods([pod('a'), pod('b', CRASHING)], { brokenPods: [broken] });
    expect(await verify(fakes)).toMatchObject({ verdict: 'settle' });
    show(fakes, pod('a'), pod('b', { ...CRASHING, restarts: 5 }));
    expect(await confirm(fakes)).toMatchObject({ verdict: 'verified', podsThatCount: 2, podsReady: 1 });
    expect(await fakes.record()).toMatchObject({ verified: 'ready', warnings: [{ id: 'pods-below-ready' }] });
    expect(await levels(fakes)).toEqual(['a ready', 'b injected']);
  });

  it('waits while EKS works on the add-on, at the level that was reached', async ({ fakes }) => {
    await verify(fakes);
    show(fakes, pod('a'));
    const addon = fakes.eks.addons.get(ADDON)!;
    fakes.eks.addons.set(ADDON, { ...addon, status: 'UPDATING' });
    await expectError(confirm(fakes), 'AddonNotActive');
    expect((await fakes.record()).verified).toBe('injected');
    fakes.eks.addons.set(ADDON, addon);
    expect(await confirm(fakes)).toMatchObject({ verdict: 'verified' });
  });

  it('withdraws the level if another principal has deleted the association meanwhile', async ({ fakes }) => {
    await verify(fakes);
    show(fakes, pod('a'));
    fakes.eks.associations = [];
    await expectError(confirm(fakes), 'AssociationChanged');
    expect((await fakes.record()).verified).toBe('none');
  });

  it('keeps the level while an outage lasts', async ({ fakes }) => {
    await verify(fakes);
    fakes.journal.refuseNext('kubernetes.listPods', 'ServiceUnavailable', '503');
    await expectError(confirm(fakes), 'ServiceUnavailable');
    expect((await fakes.record()).verified).toBe('injected');
  });
});

describe('an end without the observation', () => {
  it('has the level that was reached, and a warning with the command that shows the pods', async ({ fakes }) => {
    await verify(fakes);
    await finish(fakes, 'migrated');
    expect(await fakes.record()).toMatchObject({
      verified: 'injected',
      warnings: [
        { id: 'stability-not-observed', ...said('warn', 'level injected only', 'kubectl -n kube-system get pods') },
      ],
    });
  });

  it('has no such warning if the request asks for less', async () => {
    const fakes = await withPods([pod('a')], { request: { verification: 'injected' } });
    await verify(fakes);
    await finish(fakes, 'migrated');
    expect(await fakes.record()).toMatchObject({ verified: 'injected', warnings: [] });
  });
});
