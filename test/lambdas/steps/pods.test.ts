import { describe, expect, it } from 'vitest';
import type { Pod } from '../../../lambdas/domain/kubernetes.ts';
import { EVIDENCE_LATEST } from '../../../lambdas/runtime/report.ts';
import { restartPodsStep } from '../../../lambdas/steps/restart-pods/handler.ts';
import { verifyPodsStep } from '../../../lambdas/steps/verify-pods/handler.ts';
import { invoke } from '../fakes.ts';
import { ADDON, aNodePod, anAddon, aPod, aWorkload, MIGRATION_ID } from '../fixtures.ts';
import { begun, type Begun } from './begun.ts';

/** The migrated driver with these pods. */
async function withPods(...pods: Pod[]): Promise<Begun> {
  const fakes = await begun();
  fakes.kubernetes.pods = pods;
  return fakes;
}
const verify = (fakes: Begun, round = 1): Promise<unknown> => invoke(verifyPodsStep, { ...fakes.input, round }, fakes);
const restart = (fakes: Begun, round = 1): Promise<unknown> => invoke(restartPodsStep, { ...fakes.input, round }, fakes);

describe('verify-pods', () => {
  it('proves it on every pod that counts, and keeps the evidence', async () => {
    const fakes = await withPods(aPod('pod-identity'), aPod('pod-identity', { name: 'two' }), aNodePod());
    expect(await verify(fakes)).toEqual({ verdict: 'proven', podsThatCount: 2, podsOnPodIdentity: 2 });
    expect((await fakes.ledger.getEvidence(MIGRATION_ID, EVIDENCE_LATEST)).map((pod) => pod.identity)).toEqual(['pod-identity', 'pod-identity', 'not-applicable']);
    expect(fakes.journal.mutations()).toEqual([]);
  });

  it('asks for a restart where pods kept their old identity', async () => {
    const fakes = await withPods(aPod('irsa'), aPod('pod-identity', { name: 'two' }));
    expect(await verify(fakes)).toEqual({ verdict: 'restart', podsThatCount: 2, podsOnPodIdentity: 1 });
    expect(await verify(fakes, 2)).toMatchObject({ verdict: 'restart' });
    expect(await fakes.ledger.getEvidence(MIGRATION_ID, EVIDENCE_LATEST)).toHaveLength(2);
  });

  it('gives up when the restarts did not help, and names the pods', async () => {
    const fakes = await withPods(aPod('irsa'), aPod('node-role', { name: 'two' }));
    await expect(verify(fakes, 3)).rejects.toMatchObject({ name: 'PodsOnWrongIdentity', message: 'After 2 restarts these pods are still not on Pod Identity: ebs-csi-controller-1 (irsa), two (node-role).' });
    expect(await fakes.ledger.getEvidence(MIGRATION_ID, EVIDENCE_LATEST)).toHaveLength(2);
  });
  it('gives up at once where no workload can be restarted', async () => {
    const { owner: _, ...bare } = aPod('irsa');
    await expect(verify(await withPods(bare))).rejects.toMatchObject({ name: 'PodsOnWrongIdentity' });
  });

  it.each<[string, (fakes: Begun) => void, RegExp]>([
    ['a pod is not ready', ({ kubernetes }) => (kubernetes.pods = [aPod('pod-identity', { ready: false })]), /not ready/],
    ['a rollout goes on', ({ kubernetes }) => (kubernetes.workloads = [aWorkload({ settled: false })]), /rolling out/],
    ['there are no pods', ({ kubernetes }) => (kubernetes.pods = []), /no pod runs/],
    ['the add-on is DEGRADED', ({ eks }) => eks.addons.set(ADDON, anAddon({ status: 'DEGRADED' })), /is DEGRADED again/],
    ['the add-on is gone', ({ eks }) => eks.addons.delete(ADDON), /is gone again/],
  ])('comes again while %s', async (_, change, message) => {
    const fakes = await withPods(aPod('pod-identity'));
    change(fakes);
    await expect(verify(fakes)).rejects.toMatchObject({ name: 'PodsNotSettled', message: expect.stringMatching(message) as string });
  });

  it('takes no more rounds than there may be restarts', () => {
    expect(verifyPodsStep.schema.input.safeParse({ migrationId: MIGRATION_ID, target: { account: '111122223333', region: 'eu-west-1', cluster: 'dev' }, addon: ADDON, fence: 1, round: 4 }).success).toBe(false);
  });
});

describe('restart-pods', () => {
  it('restarts the workloads whose pods kept their old identity, and no other', async () => {
    const fakes = await withPods(aPod('irsa'), aNodePod());
    expect(await restart(fakes)).toEqual({ restarted: ['Deployment/kube-system/ebs-csi-controller'] });
    expect(fakes.journal.of('kubernetes.restartWorkload')).toEqual([[{ kind: 'Deployment', namespace: 'kube-system', name: 'ebs-csi-controller' }, `${MIGRATION_ID}-1`]]);
    const names = fakes.journal.names();
    expect(names.indexOf('ledger.assertLock')).toBe(names.indexOf('kubernetes.restartWorkload') - 1);
  });

  it('invoked again sets the same mark, which rolls nothing again; the next round another', async () => {
    const fakes = await withPods(aPod('irsa'));
    let rolled = 0;
    fakes.kubernetes.onRestart = () => (rolled += 1);
    fakes.journal.failNext('kubernetes.restartWorkload', 'after');
    await expect(restart(fakes)).rejects.toMatchObject({ name: 'ConnectionLost' });
    await restart(fakes);
    expect(rolled).toBe(1);
    await restart(fakes, 2);
    expect(rolled).toBe(2);
  });

  it.each<[string, Pod]>([
    ['the pods have come right', aPod('pod-identity')],
    ['they are still coming', aPod('irsa', { ready: false })],
  ])('does nothing where %s', async (_, pod) => {
    const fakes = await withPods(pod);
    expect(await restart(fakes)).toEqual({ restarted: [] });
    expect(fakes.journal.mutations()).toEqual([]);
  });
});
