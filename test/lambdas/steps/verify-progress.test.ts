/** verify-pods, while a rollout goes on or does not: what is waited for, what fails, and what is left out. */
import { describe, expect, it } from 'vitest';
import type { Pod } from '../../../lambdas/domain/kubernetes/objects.ts';
import type { BrokenPod } from '../../../lambdas/domain/rollout/model.ts';
import { EVIDENCE_LATEST } from '../../../lambdas/use-cases/migration/report.ts';
import { restartPodsStep } from '../../../lambdas/steps/restart-pods/handler.ts';
import { verifyPodsStep } from '../../../lambdas/steps/verify-pods/handler.ts';
import { invoke } from '../fakes.ts';
import { ADDON, addonArn } from '../example.ts';
import { at, MIGRATION_ID } from '../run-examples.ts';
import { anAssociation, aNode, aPod, aWorkload, aMigratedAddon } from '../eks-fixtures.ts';
import { IN_PLACE } from '../fixtures.ts';
import { containing, expectError } from '../matchers.ts';
import { begun, type Begun } from './begun.ts';

const OWNED = anAssociation({ id: 'a-new', ownerArn: addonArn(1) });
const ROLLING = aWorkload({ settled: false, observed: true, desired: 3, ready: 2, updated: 3, total: 3 });
const CRASHING: Partial<Pod> = { ready: false, restarts: 9, waiting: ['CrashLoopBackOff'] };
const ago = (seconds: number): Partial<Pod> => ({ createdAt: at(-seconds) });
const good = (name: string): Pod => aPod('pod-identity', { name, ...ago(900) });
const failing = (): Pod[] => [good('a'), good('b'), aPod('pod-identity', { name: 'c', ...ago(900), ...CRASHING })];

/** The driver, migrated in place, while its three pods roll. `since`: seconds since the last progress. */
async function rolling(pods: Pod[], since?: number, brokenPods?: BrokenPod[]): Promise<Begun> {
  const fakes = await begun({ plan: { attempts: [IN_PLACE] }, ...(brokenPods ? { snapshot: { brokenPods } } : {}) });
  const { arn } = OWNED;
  fakes.eks.addons.set(ADDON, aMigratedAddon([arn]));
  fakes.eks.associations = [OWNED];
  Object.assign(fakes.kubernetes, { pods, workloads: [ROLLING] });
  if (since !== undefined) {
    const of = { of: 'pod-identity.0-1', startedAt: at(-since), since: at(-since) };
    const progress = { ...of, ready: 2, others: 0, newest: at(-100), observed: 1 };
    await fakes.update({ progress });
  }
  return fakes;
}
const verify = (fakes: Begun, towards = 'pod-identity'): Promise<unknown> =>
  invoke(verifyPodsStep, { ...fakes.input, towards, round: 1 }, fakes);

describe('a rollout that has not settled', () => {
  it('is waited for, and what it has come to is noted', async () => {
    const fakes = await rolling(failing());
    await expectError(verify(fakes), 'PodsNotSettled');
    expect((await fakes.record()).progress).toMatchObject({ of: 'pod-identity.0-1', since: at(0), ready: 2 });
  });
  it('fails where pods fail on Pod Identity and nothing goes on any more', async () => {
    const fakes = await rolling(failing(), 601);
    await expectError(
      verify(fakes),
      'PodsFailing',
      /^A pod fails with Pod Identity.*c \(CrashLoopBackOff, 9 restarts\).*kubectl/,
    );
  });
  it('fails so too while EKS calls the add-on DEGRADED because of them', async () => {
    const fakes = await rolling(failing(), 601);
    fakes.eks.addons.set(ADDON, { ...fakes.eks.addons.get(ADDON)!, status: 'DEGRADED' });
    await expectError(verify(fakes), 'PodsFailing');
  });
  it('is held, and says what to do, where nothing explains it', async () => {
    const fakes = await rolling(
      [good('a'), good('b'), aPod('pod-identity', { name: 'c', ...ago(5), ready: false })],
      9000,
    );
    await expectError(
      verify(fakes),
      'PodsNotSettled',
      /Nothing has progressed since .* pod-identity cancel 01JD8Z5Q6R7S8T9V0W1X2Y3Z4A --deployed$/,
    );
  });
  it('is restarted where pods do not work with an identity that only new ones lose', async () => {
    const fakes = await rolling([good('a'), good('b'), aPod('irsa', { name: 'c', ...ago(30), ...CRASHING })]);
    expect(await verify(fakes)).toMatchObject({ verdict: 'restart' });
    const input = { ...fakes.input, towards: 'pod-identity', round: 1 };
    expect(await invoke(restartPodsStep, input, fakes)).toEqual({
      restarted: ['Deployment/kube-system/ebs-csi-controller'],
    });
  });
});

describe('pods that did not work before', () => {
  const broken: BrokenPod = {
    namespace: 'kube-system',
    name: 'c-old',
    uid: 'uid-of-c-old',
    serviceAccount: 'ebs-csi-controller-sa',
    owner: { kind: 'Deployment', name: 'ebs-csi-controller' },
    trouble: 'crash-looping',
    text: 'its containers are crashing',
  };
  it('are not held against as many of the new ones', async () => {
    const fakes = await rolling(failing(), 9000, [broken]);
    expect(await verify(fakes)).toMatchObject({ verdict: 'verified', podsThatCount: 3 });
  });
});

describe('a pod that can not end', () => {
  const ending = aPod('irsa', { name: 'lost', terminating: true, deletionDue: at(-900), node: 'away', ready: false });
  it.each([
    ['is named and left out where its node does not answer', [aNode(), aNode({ name: 'away', ready: false })]],
    ['is named and left out where its node is gone', [aNode()]],
  ])('%s', async (_, nodes) => {
    const fakes = await rolling([good('a'), good('b'), good('c'), ending]);
    Object.assign(fakes.kubernetes, { nodes, workloads: [aWorkload({ desired: 3 })] });
    expect(await verify(fakes)).toMatchObject({ verdict: 'verified', podsThatCount: 3 });
    expect((await fakes.record()).warnings).toMatchObject([
      { id: 'pods-excluded', message: containing('kube-system/lost (irsa; terminating') },
    ]);
    const evidence = await fakes.ledger.getEvidence(MIGRATION_ID, EVIDENCE_LATEST);
    expect(evidence.filter((one) => one.excluded !== undefined).map(({ name }) => name)).toEqual(['lost']);
  });
  it('is waited for where its node answers', async () => {
    const fakes = await rolling([good('a'), good('b'), good('c'), ending]);
    Object.assign(fakes.kubernetes, { nodes: [aNode({ name: 'away' })], workloads: [aWorkload({ desired: 3 })] });
    await expectError(verify(fakes), 'PodsNotSettled', 'pod lost is still terminating');
  });
});
