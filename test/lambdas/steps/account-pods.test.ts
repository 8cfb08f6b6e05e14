/**
 * verify-pods and restart-pods for a service account, in both directions: what a look at the pods stands on is its
 * association, and its annotation.
 */
import { describe, expect, test } from 'vitest';
import type { Pod } from '../../../lambdas/domain/kubernetes/objects.ts';
import { EVIDENCE_BEFORE, EVIDENCE_LATEST } from '../../../lambdas/use-cases/migration/report.ts';
import { restartPodsStep } from '../../../lambdas/steps/restart-pods/handler.ts';
import { verifyPodsStep } from '../../../lambdas/steps/verify-pods/handler.ts';
import { SUBJECT } from '../account-example.ts';
import {
  anAccountAssociation,
  anAccountPod,
  anAccountWorkload,
  aServiceAccount,
  ownAssociation,
} from '../account-fixtures.ts';
import { associated, begunAccount, type AccountChange } from './begun-account.ts';
import { invoke } from '../fakes.ts';
import { aNode, anEvidence, at, MIGRATION_ID, ROLE } from '../fixtures.ts';
import { containing, expectError, matching } from '../matchers.ts';
import type { Begun } from './begun.ts';

const it = test.extend('fakes', () => verified());
const verify = (fakes: Begun, change: object = {}): Promise<unknown> =>
  invoke(verifyPodsStep, { ...fakes.input, towards: 'pod-identity', round: 1, ...change }, fakes);
const verifyBack = (fakes: Begun, round = 1): Promise<unknown> => verify(fakes, { towards: 'before', round });
const KEPT = anAccountAssociation();

async function withPods(pods: Pod[], change: AccountChange = {}): Promise<Begun> {
  const fakes = await associated(change);
  fakes.kubernetes.pods = pods;
  return fakes;
}
const verified = (change?: AccountChange): Promise<Begun> => withPods([anAccountPod('pod-identity')], change);

describe('verify-pods of a service account', () => {
  it('verifies it on every pod, keeps the evidence, and looks at no add-on', async () => {
    const fakes = await withPods([
      anAccountPod('pod-identity'),
      anAccountPod('pod-identity', { name: 'api-2' }),
      anAccountPod('irsa', { name: 'web-1', serviceAccount: 'web', labels: {} }),
    ]);
    expect(await verify(fakes)).toEqual({ verdict: 'verified', podsThatCount: 2, podsAsExpected: 2 });
    const evidence = await fakes.ledger.getEvidence(MIGRATION_ID, EVIDENCE_LATEST);
    expect(evidence.map(({ name, identity }) => `${name} ${identity}`)).toEqual([
      'api-1 pod-identity',
      'api-2 pod-identity',
    ]);
    expect(await fakes.record()).toMatchObject({ verified: 'injected', warnings: [] });
    expect(fakes.journal.names().filter((name) => /[Aa]ddon/.test(name))).toEqual([]);
    expect(fakes.journal.mutations()).toEqual([]);
  });

  it('asks for a restart of what kept its identity, and gives up when that did not help', async () => {
    const fakes = await withPods([anAccountPod('irsa')]);
    for (const round of [1, 2]) expect(await verify(fakes, { round })).toMatchObject({ verdict: 'restart' });
    // Not before the webhook has had its time.
    await expectError(verify(fakes, { round: 3 }), 'PodsNotSettled', /api-1 \(irsa\)\. EKS's webhook has another \d+/);
    fakes.clock.advance(610_000);
    await expectError(verify(fakes, { round: 3 }), 'PodsOnWrongIdentity', 'api-1 (irsa)');
    expect((await fakes.record()).verified).toBe('none');
    expect(await invoke(restartPodsStep, { ...fakes.input, towards: 'pod-identity', round: 1 }, fakes)).toEqual({
      restarted: ['Deployment/payments/api'],
    });
    expect(fakes.kubernetes.workloads.find(({ name }) => name === 'api')?.templateAnnotations).toEqual({
      restarted: `${MIGRATION_ID}-0-1`,
    });
  });

  const ofJob = { owner: { kind: 'Job', name: 'nightly' } };
  it.each<[string, Partial<Pod>, RegExp]>([
    ['of a Job', ofJob, /get job nightly/],
    ['of a custom resource', { owner: { kind: 'Task', name: 'queue' } }, /whether their controller.*delete pod alone/],
    ['without a controller', { owner: undefined }, /and create them again: .*delete pod alone/],
    ['of a Job that is not ready', { ...ofJob, ready: false }, /get job nightly/],
  ])('restarts the others despite a pod %s, and then leaves it out with a warning', async (_, change, remedy) => {
    const alone = anAccountPod('irsa', { name: 'alone', ...change });
    const fakes = await withPods([anAccountPod('irsa'), alone]);
    expect(await verify(fakes)).toEqual({ verdict: 'restart', podsThatCount: 1, podsAsExpected: 0 });
    fakes.kubernetes.pods = [anAccountPod('pod-identity'), alone];
    for (let times = 0; times < 2; times += 1)
      expect(await verify(fakes, { round: 3 })).toEqual({ verdict: 'verified', podsThatCount: 1, podsAsExpected: 1 });
    expect(await fakes.record()).toMatchObject({
      verified: 'injected',
      warnings: [{ id: 'pods-not-replaced', message: containing('payments/alone ('), remedy: matching(remedy) }],
    });
    const evidence = await fakes.ledger.getEvidence(MIGRATION_ID, EVIDENCE_LATEST);
    expect(evidence.map(({ name, excluded }) => [name, excluded !== undefined])).toEqual([
      ['alone', true],
      ['api-1', false],
    ]);
    fakes.kubernetes.pods = [anAccountPod('pod-identity'), anAccountPod('pod-identity', { name: 'alone', ...change })];
    expect(await verify(fakes)).toEqual({ verdict: 'verified', podsThatCount: 2, podsAsExpected: 2 });
    expect((await fakes.record()).warnings).toEqual([]);
  });

  it('reads the nodes before a pod counts as hopeless, and restarts nothing for a node that is down or gone', async () => {
    const crashing = { ready: false, restarts: 4, waiting: ['CrashLoopBackOff'] };
    const fakes = await withPods([anAccountPod('irsa', crashing)]);
    fakes.kubernetes.workloads = [anAccountWorkload({ settled: false, ready: 0 })];
    for (const nodes of [[aNode({ ready: false })], []]) {
      fakes.kubernetes.nodes = nodes;
      await expectError(verify(fakes), 'PodsNotSettled');
    }
    fakes.kubernetes.nodes = [aNode()];
    expect(await verify(fakes)).toMatchObject({ verdict: 'restart' });
  });

  it('is content with no pod but one that nothing replaces, and names it twice', async () => {
    const fakes = await withPods([anAccountPod('irsa', { name: 'alone', ...ofJob })]);
    fakes.kubernetes.workloads = [];
    await expectError(verify(fakes), 'PodsNotSettled', 'pod alone of Job nightly keeps the identity');
    fakes.clock.advance(600_000);
    await verify(fakes);
    expect(await fakes.record()).toMatchObject({
      verified: 'api',
      warnings: [{ id: 'pods-not-replaced' }, { id: 'no-pods-to-verify' }],
    });
  });

  it.each(['pod-identity', 'before'] as const)('is content with no pod after ten minutes, %s', async (towards) => {
    const fakes = await (towards === 'before' ? begunAccount() : withPods([]));
    await fakes.ledger.putEvidence(MIGRATION_ID, EVIDENCE_BEFORE, [anEvidence({ identity: 'irsa' })], at(-100));
    fakes.kubernetes.pods = [];
    fakes.kubernetes.workloads = [anAccountWorkload({ desired: 0, ready: 0 })];
    const none = (): Promise<unknown> => verify(fakes, { towards });
    await expectError(none(), 'PodsNotSettled', 'Deployment api has 0 replicas');
    fakes.clock.advance(30_000);
    fakes.kubernetes.workloads = [anAccountWorkload({ ready: 0, settled: false })];
    await expectError(none(), 'PodsNotSettled', 'rolling out');
    fakes.kubernetes.workloads = [anAccountWorkload({ desired: 0, ready: 0 })];
    // The time begins again, since a pod was expected in between.
    for (const seconds of [400, 400]) {
      await expectError(none(), 'PodsNotSettled', 'If it stays so for 600 seconds');
      fakes.clock.advance(seconds * 1000);
    }
    expect(await none()).toEqual({ verdict: 'verified', podsThatCount: 0, podsAsExpected: 0 });
    expect(await fakes.record()).toMatchObject({
      verified: towards === 'before' ? 'none' : 'api',
      warnings: [{ id: 'no-pods-to-verify', message: containing('Deployment api has 0 replicas') }],
    });
  });

  it('is content with an association that was kept', async () => {
    const fakes = await begunAccount({ snapshot: { associations: [KEPT] } });
    fakes.kubernetes.pods = [anAccountPod('pod-identity')];
    expect(await verify(fakes)).toMatchObject({ verdict: 'verified' });
  });

  it('does not mind an annotation that is gone: the association goes before it', async ({ fakes }) => {
    fakes.kubernetes.serviceAccounts = [aServiceAccount({ roleArn: undefined })];
    expect(await verify(fakes)).toMatchObject({ verdict: 'verified' });
  });

  it.each<[string, (fakes: Begun) => unknown, string, RegExp]>([
    [
      'deleted the association',
      ({ eks }) => (eks.associations = []),
      'AssociationChanged',
      /^The association of payments\/api is gone\. It was left alone/,
    ],
    [
      'deleted the service account',
      ({ kubernetes }) => (kubernetes.serviceAccounts = []),
      'ServiceAccountChanged',
      /^Another principal has deleted service account payments\/api\. It was left alone/,
    ],
  ])('does not report the pods as verified if another principal has %s', async (_, change, name, why) => {
    const fakes = await verified();
    change(fakes);
    await expectError(verify(fakes), name, why);
    expect((await fakes.record()).verified).toBe('none');
  });

  it('restarts nothing for an association that is gone: new pods would go back to IRSA', async () => {
    const fakes = await withPods([anAccountPod('irsa')]);
    fakes.eks.associations = [];
    await expectError(verify(fakes), 'AssociationChanged');
    expect(fakes.journal.names()).not.toContain('kubernetes.listPods');
  });

  it('looks at the association once more before it calls the pods verified', async ({ fakes }) => {
    const real = fakes.kubernetes.listPods.bind(fakes.kubernetes);
    fakes.kubernetes.listPods = (namespace) => ((fakes.eks.associations = []), real(namespace));
    await expectError(verify(fakes), 'AssociationChanged');
    expect((await fakes.record()).verified).toBe('none');
  });

  it('does not believe in one look that finds no association', async ({ fakes }) => {
    fakes.eks.associations = [];
    const sleep = fakes.clock.sleep.bind(fakes.clock);
    fakes.clock.sleep = (milliseconds) => ((fakes.eks.associations = [ownAssociation()]), sleep(milliseconds));
    expect(await verify(fakes)).toMatchObject({ verdict: 'verified' });
  });

  it('by the API alone asks no API server, and says that no pod was seen', async () => {
    const fakes = await withPods([anAccountPod('irsa')], { request: { verification: 'api' } });
    fakes.kubernetes.serviceAccounts = [];
    expect(await verify(fakes)).toEqual({ verdict: 'verified' });
    expect(fakes.journal.names().filter((name) => name.startsWith('kubernetes.'))).toEqual([]);
    expect(await fakes.record()).toMatchObject({
      verified: 'api',
      warnings: [
        { id: 'pods-not-seen', message: containing(`service account ${SUBJECT} with its Pod Identity association`) },
      ],
    });
    fakes.eks.associations = [];
    await expectError(verify(fakes), 'AssociationChanged');
  });
});

describe('verify-pods of a service account that is put back', () => {
  async function putBack(...pods: Pod[]): Promise<Begun> {
    const fakes = await begunAccount();
    fakes.kubernetes.pods = pods;
    await fakes.ledger.putEvidence(
      MIGRATION_ID,
      EVIDENCE_BEFORE,
      [anEvidence({ namespace: 'payments', serviceAccount: 'api', identity: 'irsa' })],
      at(0),
    );
    return fakes;
  }

  it('is over when the pods are on IRSA again, and is not called verified', async () => {
    const fakes = await putBack(anAccountPod('irsa'));
    expect(await verifyBack(fakes)).toMatchObject({ verdict: 'verified' });
    // Who finds it there would end the migration as migrated.
    expect(await fakes.record()).toMatchObject({ verified: 'none', warnings: [] });
  });

  it.each(['pod-identity', 'node-role'] as const)('restarts what has %s', async (identity) => {
    const fakes = await putBack(anAccountPod(identity));
    expect(await verifyBack(fakes)).toMatchObject({ verdict: 'restart' });
    await invoke(restartPodsStep, { ...fakes.input, towards: 'before', round: 1 }, fakes);
    expect(fakes.journal.of('kubernetes.restartWorkload')).toEqual([
      [{ kind: 'Deployment', namespace: 'payments', name: 'api' }, `${MIGRATION_ID}-before-1-1`],
    ]);
    await expectError(verifyBack(fakes, 3), 'PodsOnWrongIdentity');
  });

  it('takes Pod Identity where an association was there before', async () => {
    const fakes = await begunAccount({ snapshot: { associations: [KEPT] } });
    fakes.kubernetes.pods = [anAccountPod('pod-identity')];
    expect(await verifyBack(fakes)).toMatchObject({ verdict: 'verified' });
  });

  it('needs a person if another principal has taken its annotation off: pods would have no role', async () => {
    const fakes = await putBack(anAccountPod('irsa'));
    fakes.kubernetes.serviceAccounts = [aServiceAccount({ roleArn: undefined })];
    await expectError(verifyBack(fakes), 'RestoreRefused', /^The rollback stopped: another principal .*left as it is/);
  });

  it('by the API alone asks no API server', async () => {
    const fakes = await begunAccount({ request: { verification: 'api', roleArn: ROLE } });
    expect(await verifyBack(fakes)).toEqual({ verdict: 'verified' });
    expect(fakes.journal.names().filter((name) => name.startsWith('kubernetes.'))).toEqual([]);
  });
});
