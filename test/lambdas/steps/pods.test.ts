import { describe, expect, test } from 'vitest';
import type { Pod } from '../../../lambdas/domain/kubernetes/objects.ts';
import { EVIDENCE_BEFORE, EVIDENCE_LATEST } from '../../../lambdas/use-cases/migration/report.ts';
import { restartPodsStep } from '../../../lambdas/steps/restart-pods/handler.ts';
import { verifyPodsStep } from '../../../lambdas/steps/verify-pods/handler.ts';
import type { Addon } from '../../../lambdas/domain/terms/observed.ts';
import { invoke } from '../fakes.ts';
import { ADDON, addonArn, OTHER_ROLE, ROLE } from '../example.ts';
import { at, MIGRATION_ID } from '../run-examples.ts';
import { aNodePod, anAddon, anAssociation, aPod, aWorkload, aMigratedAddon } from '../eks-fixtures.ts';
import { anEvidence, IN_PLACE, RECREATE, RECREATE_PRESERVING } from '../fixtures.ts';
import { expectError, said, expectExactError } from '../matchers.ts';
import { begun, type Begun } from './begun.ts';

const it = test.extend('fakes', () => withPods(aPod('pod-identity')));
const CONTROLLER = 'Deployment/kube-system/ebs-csi-controller';
const OWNED = anAssociation({ id: 'a-new', ownerArn: addonArn(1) });
const migrated = (change: Partial<Addon> = {}): Addon => aMigratedAddon([OWNED.arn], change);

/** The driver, migrated in place, with these pods. */
async function withPods(...pods: Pod[]): Promise<Begun> {
  const fakes = await begun({ plan: { attempts: [IN_PLACE] } });
  fakes.eks.addons.set(ADDON, migrated());
  fakes.eks.associations = [OWNED];
  fakes.kubernetes.pods = pods;
  return fakes;
}
const verify = (fakes: Begun, round = 1, change: object = {}): Promise<unknown> =>
  invoke(verifyPodsStep, { ...fakes.input, towards: 'pod-identity', round, ...change }, fakes);
const restart = (fakes: Begun, round = 1, change: object = {}): Promise<unknown> =>
  invoke(restartPodsStep, { ...fakes.input, towards: 'pod-identity', round, ...change }, fakes);

describe('verify-pods', () => {
  it('verifies it on every pod that counts, and keeps the evidence', async () => {
    const fakes = await withPods(aPod('pod-identity'), aPod('pod-identity', { name: 'two' }), aNodePod());
    expect(await verify(fakes)).toEqual({ verdict: 'verified', podsThatCount: 2, podsAsExpected: 2 });
    expect((await fakes.ledger.getEvidence(MIGRATION_ID, EVIDENCE_LATEST)).map((pod) => pod.identity)).toEqual([
      'pod-identity',
      'pod-identity',
      'not-applicable',
    ]);
    expect(await fakes.record()).toMatchObject({ verified: 'injected', warnings: [] });
    expect(fakes.journal.mutations()).toEqual([]);
  });

  it('warns once if the role is still shown, next to earlier warnings', async ({ fakes }) => {
    fakes.eks.addons.set(ADDON, migrated({ serviceAccountRoleArn: ROLE }));
    const other = { id: 'another', status: 'warn' as const, message: 'of before' };
    await fakes.update({ warnings: [other] });
    await verify(fakes);
    await verify(fakes);
    const { warnings } = await fakes.record();
    expect(warnings).toMatchObject([other, { id: 'irsa-role-still-set', ...said('warn', ROLE) }]);
    fakes.eks.addons.set(ADDON, migrated());
    await verify(fakes);
    expect((await fakes.record()).warnings).toEqual([other]);
  });

  it('does not call it verified before that is in the ledger', async ({ fakes }) => {
    fakes.journal.failNext('ledger.updateMigration');
    await expectError(verify(fakes), 'ConnectionLost');
    expect([(await fakes.record()).verified, await verify(fakes)]).toMatchObject(['none', { verdict: 'verified' }]);
  });

  const onceListed = (fakes: Begun, change: (fakes: Begun) => unknown): void => {
    const list = fakes.kubernetes.listPods.bind(fakes.kubernetes);
    fakes.kubernetes.listPods = async (namespace) => {
      const pods = await list(namespace);
      change(fakes);
      return pods;
    };
  };
  const gives =
    (change: Partial<Addon>) =>
    ({ eks }: Begun): unknown =>
      eks.addons.set(ADDON, migrated(change));
  it.each<[string, Partial<Addon>]>([
    ['is given the role of before', { serviceAccountRoleArn: ROLE }],
    ['is being updated', { status: 'UPDATING' }],
    ['is being deleted', { status: 'DELETING' }],
  ])('waits where, after the look at the pods, the add-on %s', async (_, change) => {
    const fakes = await withPods(aPod('pod-identity'));
    onceListed(fakes, gives(change));
    await expectError(verify(fakes), 'PodsNotSettled');
    expect((await fakes.record()).verified).toBe('none');
  });

  it('verifies nothing where the add-on is deleted while its associations are listed', async ({ fakes }) => {
    const list = fakes.eks.listAssociations.bind(fakes.eks);
    fakes.eks.listAssociations = async (namespace, serviceAccount) => {
      const listed = await list(namespace, serviceAccount);
      fakes.eks.addons.delete(ADDON);
      return listed;
    };
    await expectError(verify(fakes), 'AddonChanged');
    expect((await fakes.record()).verified).toBe('none');
  });

  it('does not call it put back where the add-on is deleted after the look at the pods', async () => {
    const fakes = await begun();
    fakes.kubernetes.listPods = async () => {
      fakes.eks.addons.delete(ADDON);
      return [aPod('irsa')];
    };
    await expectError(verify(fakes, 1, { towards: 'before' }), 'RestoreRefused');
  });

  it('asks for a restart where pods kept their old identity', async () => {
    const fakes = await withPods(aPod('irsa'), aPod('pod-identity', { name: 'two' }));
    expect(await verify(fakes)).toEqual({ verdict: 'restart', podsThatCount: 2, podsAsExpected: 1 });
    expect(await verify(fakes, 2)).toMatchObject({ verdict: 'restart' });
    expect(await fakes.ledger.getEvidence(MIGRATION_ID, EVIDENCE_LATEST)).toHaveLength(2);
  });

  it('gives up when the restarts did not help, and names the pods', async () => {
    const fakes = await withPods(aPod('irsa'), aPod('node-role', { name: 'two' }));
    await expectExactError(
      verify(fakes, 3),
      'PodsOnWrongIdentity',
      "After 2 restarts these pods still are not on EKS Pod Identity: ebs-csi-controller-1 (irsa), two (node-role). EKS's webhook had 10 minutes since the association was created. Find out why it does not inject EKS Pod Identity into new pods, then migrate again.",
    );
    expect(await fakes.ledger.getEvidence(MIGRATION_ID, EVIDENCE_LATEST)).toHaveLength(2);
  });
  it("says in the evidence what a pod's age has to do with it", async () => {
    const fakes = await withPods(aPod('irsa'), aPod('pod-identity', { name: 'two' }));
    const older = anAssociation({ id: 'a-older', ownerArn: addonArn(1), createdAt: at(-9000) });
    for (const association of [{ ...OWNED, createdAt: at(-60) }, older])
      await fakes.ledger.recordAssociation(MIGRATION_ID, 'created', association);
    await verify(fakes);
    const [first, second] = await fakes.ledger.getEvidence(MIGRATION_ID, EVIDENCE_LATEST);
    expect(first!.evidence).toContain(`created before its association, which was created at ${at(-60)}`);
    expect(second!.evidence).toContain('admitted under an earlier association');
  });
  it('restarts pods whose source is unknown and that lack the configuration, and then reports what is missing', async () => {
    const fakes = await withPods(aPod('pod-identity'), aPod('unknown', { name: 'dark' }));
    expect(await verify(fakes)).toEqual({ verdict: 'restart', podsThatCount: 2, podsAsExpected: 1 });
    await expectError(
      verify(fakes, 3),
      'PodsOnWrongIdentity',
      /^After 2 restarts these pods still are not on EKS Pod Identity: dark \(it cannot be determined: container ebs-plugin has AWS_CONTAINER_CREDENTIALS_FULL_URI, with which AWS SDKs ask the agent without a token/,
    );
    expect(await fakes.ledger.getEvidence(MIGRATION_ID, EVIDENCE_LATEST)).toHaveLength(2);
  });
  it('warns of pods whose source is unknown and that have the configuration, and restarts none', async () => {
    const containers = aPod('pod-identity').containers.map((one) => ({ ...one, envFrom: ['Secret/aws'] }));
    const fakes = await withPods(aPod('pod-identity'), aPod('pod-identity', { name: 'dark', containers }));
    for (let times = 0; times < 2; times++)
      expect(await verify(fakes)).toEqual({ verdict: 'verified', podsThatCount: 2, podsAsExpected: 2 });
    expect((await fakes.record()).warnings).toMatchObject([
      {
        id: 'credentials-unknown',
        ...said(
          'warn',
          /^A pod has the configuration of EKS Pod Identity, but its spec does not show whether AWS SDKs use it: in kube-system\/dark, container ebs-plugin gets variables from Secret\/aws \(envFrom\), .*; in kube-system\/dark, container csi-provisioner gets /,
          /pod-identity identities --cluster dev .*$/,
        ),
      },
    ]);
    fakes.kubernetes.pods = [aPod('pod-identity')];
    await verify(fakes);
    expect((await fakes.record()).warnings).toEqual([]);
  });
  it('continues with the next attempt only if the restarts did not help and another attempt remains', async () => {
    const fakes = await withPods(aPod('irsa'));
    await fakes.update({ plan: { ...(await fakes.record()).plan!, attempts: [IN_PLACE, RECREATE_PRESERVING] } });
    expect(await verify(fakes, 2)).toMatchObject({ verdict: 'restart' });
    expect(await verify(fakes, 3)).toEqual({ verdict: 'next-attempt', podsThatCount: 1, podsAsExpected: 0 });
    expect(await fakes.record()).toMatchObject({ verified: 'none', attempt: 0 });
  });
  const unready = aPod('pod-identity', { ready: false });
  it.each<[string, RegExp, (fakes: Begun) => unknown]>([
    ['a pod is not ready', /not ready/, ({ kubernetes }) => (kubernetes.pods = [unready])],
    ['a rollout goes on', /rolling out/, ({ kubernetes }) => (kubernetes.workloads = [aWorkload({ settled: false })])],
    ['there are no pods', /no pod runs/, ({ kubernetes }) => (kubernetes.pods = [])],
    ['the add-on is DEGRADED', /is DEGRADED again/, gives({ status: 'DEGRADED' })],
    ['the add-on is UPDATING', /is UPDATING again/, gives({ status: 'UPDATING' })],
  ])('comes again while %s', async (what, message, change) => {
    const fakes = await withPods(aPod('pod-identity'));
    change(fakes);
    await expectError(verify(fakes), what.startsWith('the add-on') ? 'AddonNotActive' : 'PodsNotSettled', message);
    expect((await fakes.record()).verified).toBe('none');
  });

  it('names the node that does not answer while EKS counts its pod', async () => {
    const lost = { name: 'lost', uid: 'lost', terminating: true, deletionDue: at(-900), node: 'away', ready: false };
    const fakes = await withPods(aPod('pod-identity'), aPod('irsa', lost));
    gives({ status: 'DEGRADED' })(fakes);
    const message =
      /is DEGRADED again\. .* pod lost is terminating, .* its node away is gone\. .*kubectl delete node NAME$/;
    await expectError(verify(fakes), 'PodsNotSettled', message);
  });

  it.each<[string, string, (fakes: Begun) => unknown]>([
    ['deleted the add-on', 'AddonChanged', ({ eks }) => eks.addons.delete(ADDON)],
    ['created it again', 'AddonChanged', ({ eks }) => eks.addons.set(ADDON, migrated({ arn: addonArn(2) }))],
    ['given it another role', 'AddonChanged', gives({ serviceAccountRoleArn: OTHER_ROLE })],
    ['deleted the association', 'AssociationChanged', ({ eks }) => (eks.associations = [])],
    ['changed its role', 'AssociationChanged', ({ eks }) => (eks.associations = [{ ...OWNED, roleArn: OTHER_ROLE }])],
  ])('verifies nothing if another principal has %s before the pods are listed, or since', async (_, name, change) => {
    for (const isBefore of [true, false]) {
      const fakes = await withPods(aPod('pod-identity'));
      if (isBefore) change(fakes);
      else onceListed(fakes, change);
      await expectError(verify(fakes), name);
      expect((await fakes.record()).verified).toBe('none');
    }
  });

  it('does not believe in one look that finds no add-on', async ({ fakes }) => {
    fakes.eks.misses = 2;
    expect(await verify(fakes)).toMatchObject({ verdict: 'verified' });
  });

  it('takes no more rounds than there may be restarts', async () => {
    const { input } = await begun();
    const { schema } = verifyPodsStep;
    for (const round of [3, 4])
      expect(schema.input.safeParse({ ...input, towards: 'before', round }).success).toBe(round === 3);
  });
});

describe('restart-pods', () => {
  it('restarts the workloads whose pods kept their old identity, and no other', async () => {
    const fakes = await withPods(aPod('irsa'), aNodePod());
    expect(await restart(fakes)).toEqual({ restarted: [CONTROLLER] });
    expect(fakes.journal.of('kubernetes.restartWorkload')).toEqual([
      [{ kind: 'Deployment', namespace: 'kube-system', name: 'ebs-csi-controller' }, `${MIGRATION_ID}-0-1`],
    ]);
  });

  it('invoked again sets the same mark, which rolls nothing again; the next round another', async () => {
    const fakes = await withPods(aPod('irsa'));
    let rolled = 0;
    fakes.kubernetes.onRestart = () => (rolled += 1);
    fakes.journal.failNext('kubernetes.restartWorkload', 'after');
    await expectError(restart(fakes), 'ConnectionLost');
    await restart(fakes);
    expect(rolled).toBe(1);
    await restart(fakes, 2);
    expect(rolled).toBe(2);
  });

  it('looks again where a workload that was listed is not found', async () => {
    const fakes = await withPods(aPod('irsa'));
    fakes.journal.refuseNext('kubernetes.restartWorkload', 'NotFound', 'No such thing.');
    await expectExactError(restart(fakes), 'ServiceUnavailable', 'No such thing. The restart is retried.');
    expect(await restart(fakes)).toEqual({ restarted: [CONTROLLER] });
    fakes.kubernetes.pods = [];
    expect(await restart(fakes)).toEqual({ restarted: [] });
  });

  it.each<[string, Pod]>([
    ['the pods have come right', aPod('pod-identity')],
    ['they are still coming', aPod('irsa', { ready: false, createdAt: at(-30) })],
  ])('does nothing where %s', async (_, pod) => {
    const fakes = await withPods(pod);
    expect([await restart(fakes), fakes.journal.mutations()]).toEqual([{ restarted: [] }, []]);
  });

  it('marks each way for itself', async () => {
    const fakes = await withPods(aPod('irsa'));
    await restart(fakes, 1, { attempt: 0 });
    await restart(fakes, 1, { attempt: 1 });
    expect(fakes.journal.of('kubernetes.restartWorkload').map(([, marker]) => marker)).toEqual([
      `${MIGRATION_ID}-0-1`,
      `${MIGRATION_ID}-1-1`,
    ]);
  });

  it('makes sure of its lock before each one', async () => {
    const fakes = await withPods(aPod('irsa'), aPod('irsa', { name: 'b', owner: { kind: 'Deployment', name: 'web' } }));
    fakes.kubernetes.workloads.push(aWorkload({ name: 'web' }));
    fakes.kubernetes.onRestart = () => void fakes.loseLock();
    await expectError(restart(fakes), 'LockLost');
    expect(fakes.journal.mutations()).toEqual(['kubernetes.restartWorkload']);
  });
});

describe('towards what was before', () => {
  const back = { towards: 'before' };
  /** Put back by a create, on the last way, the pods of before on IRSA. */
  async function putBack(...pods: Pod[]): Promise<Begun> {
    const fakes = await begun({
      plan: { attempts: [RECREATE] },
      record: { removed: [addonArn(1)], made: [addonArn(2)], verified: 'none' },
    });
    fakes.eks.addons.set(ADDON, anAddon({ arn: addonArn(2) }));
    fakes.kubernetes.pods = pods;
    await fakes.ledger.putEvidence(MIGRATION_ID, EVIDENCE_BEFORE, [anEvidence({ identity: 'irsa' })], at(0));
    return fakes;
  }

  it('is verified by pods on IRSA, and says so as the latest evidence alone', async () => {
    const fakes = await putBack(aPod('irsa'), aNodePod());
    expect(await verify(fakes, 1, back)).toEqual({ verdict: 'verified', podsThatCount: 1, podsAsExpected: 1 });
    expect(await fakes.ledger.getEvidence(MIGRATION_ID, EVIDENCE_LATEST)).toMatchObject([
      { identity: 'irsa' },
      { identity: 'not-applicable' },
    ]);
    // Who finds `pods` there would end the migration as migrated.
    expect([(await fakes.record()).verified, fakes.journal.mutations()]).toEqual(['none', []]);
  });
  it('takes back what the pods had before', async () => {
    const fakes = await putBack(aPod('node-role'));
    expect(await verify(fakes, 1, back)).toMatchObject({ verdict: 'restart' });
    await fakes.ledger.putEvidence(MIGRATION_ID, EVIDENCE_BEFORE, [anEvidence({ identity: 'node-role' })], at(0));
    expect(await verify(fakes, 1, back)).toMatchObject({ verdict: 'verified' });
  });
  it('restarts pods that kept Pod Identity, then gives up without a next attempt', async () => {
    const fakes = await putBack(aPod('pod-identity'));
    await fakes.update({ plan: { ...(await fakes.record()).plan!, attempts: [RECREATE_PRESERVING, RECREATE] } });
    expect(await verify(fakes, 1, back)).toEqual({ verdict: 'restart', podsThatCount: 1, podsAsExpected: 0 });
    await expectExactError(
      verify(fakes, 3, back),
      'PodsOnWrongIdentity',
      'After 2 restarts these pods still do not have their former identity: ebs-csi-controller-1 (pod-identity).',
    );
  });
  it('comes again while the add-on, or a pod, is not ready', async () => {
    const fakes = await putBack(aPod('irsa', { ready: false }));
    await expectError(verify(fakes, 1, back), 'PodsNotSettled');
    fakes.eks.addons.set(ADDON, anAddon({ arn: addonArn(2), status: 'DEGRADED' }));
    await expectError(verify(fakes, 1, back), 'PodsNotSettled');
  });

  it.each<[string, Addon | undefined]>([
    ['deleted', undefined],
    ['created again', anAddon({ arn: addonArn(7) })],
    ['taken off its role', anAddon({ arn: addonArn(2), serviceAccountRoleArn: undefined })],
  ])('needs a person if another principal has %s it since', async (_, now) => {
    const fakes = await putBack(aPod('irsa'));
    if (now) fakes.eks.addons.set(ADDON, now);
    else fakes.eks.addons.delete(ADDON);
    await expectError(verify(fakes, 1, back), 'RestoreRefused');
  });

  describe('after an association has gone', () => {
    const gone = { ...back, newestPodAt: at(0) };
    const old = (name: string): Pod => aPod('pod-identity', { name });
    const twoReplicas = async (...pods: Pod[]): Promise<Begun> => {
      const fakes = await putBack(...pods);
      fakes.kubernetes.workloads = fakes.kubernetes.workloads.map((one) => ({ ...one, desired: 2, ready: 2 }));
      return fakes;
    };
    const lateOne = aPod('pod-identity', { name: 'late', createdAt: at(5) });
    const witness = aPod('irsa', { name: 'new', createdAt: at(40) });

    it('has one pod go ahead, and the others when a new one has what it had', async () => {
      const fakes = await twoReplicas(old('one'), old('two'));
      expect(await verify(fakes, 1, gone)).toMatchObject({ verdict: 'restart' });
      expect(await restart(fakes, 1, gone)).toEqual({ restarted: [], evicted: ['kube-system/one'], isTry: true });
      fakes.kubernetes.pods = [lateOne, old('two')];
      const evicted = ['kube-system/late'];
      expect(await restart(fakes, 1, { ...gone, tries: 1 })).toEqual({ restarted: [], evicted, isTry: true });
      fakes.kubernetes.pods = [witness, old('two')];
      expect(await verify(fakes, 1, { ...gone, tries: 2 })).toMatchObject({ verdict: 'restart' });
      expect(await restart(fakes, 1, { ...gone, tries: 2 })).toEqual({ restarted: [CONTROLLER] });
      const [evict, roll] = ['kubernetes.evictPod', 'kubernetes.restartWorkload'];
      expect(fakes.journal.mutations()).toEqual([evict, evict, roll]);
      const names = fakes.journal.names();
      for (const name of ['kubernetes.evictPod', 'kubernetes.restartWorkload'])
        expect(names[names.lastIndexOf(name) - 1]).toBe('ledger.assertLock');
    });

    it('waits where a pod may not be evicted, then restarts the workload as a whole', async () => {
      const fakes = await twoReplicas(old('one'), old('two'));
      fakes.kubernetes.eviction = 'refused';
      expect(await restart(fakes, 1, gone)).toEqual({ restarted: [], isTry: true });
      expect(await restart(fakes, 1, { ...gone, tries: 3 })).toEqual({ restarted: [CONTROLLER], isTry: true });
      expect(fakes.journal.of('kubernetes.restartWorkload').map(([, marker]) => marker)).toEqual([
        `${MIGRATION_ID}-before-1-1-3`,
      ]);
    });

    it('gives up where new pods go on getting Pod Identity, with all others as they were', async () => {
      const fakes = await twoReplicas(lateOne, old('two'));
      expect(await verify(fakes, 1, { ...gone, tries: 9 })).toMatchObject({ verdict: 'restart' });
      await expectError(
        verify(fakes, 1, { ...gone, tries: 10 }),
        'WebhookStillInjects',
        /webhook still injects EKS Pod Identity into new pods.*association is created again.*pod-identity rollback/,
      );
    });

    it('replaces pods of an add-on that is not well because of them', async () => {
      const fakes = await twoReplicas({ ...old('one'), ready: false }, { ...old('two'), ready: false });
      fakes.eks.addons.set(ADDON, anAddon({ arn: addonArn(2), status: 'DEGRADED' }));
      fakes.kubernetes.workloads = fakes.kubernetes.workloads.map((one) => ({ ...one, ready: 0, settled: false }));
      expect(await verify(fakes, 1, gone)).toMatchObject({ verdict: 'restart' });
      expect(await restart(fakes, 1, gone)).toMatchObject({ evicted: ['kube-system/one'] });
    });
  });

  it('restarts under a mark of its own, and of the execution that holds the lock', async () => {
    const fakes = await putBack(aPod('pod-identity'));
    expect(await restart(fakes, 1, back)).toEqual({ restarted: [CONTROLLER] });
    expect(fakes.journal.of('kubernetes.restartWorkload').map(([, marker]) => marker)).toEqual([
      `${MIGRATION_ID}-before-1-1`,
    ]);
    fakes.kubernetes.pods = [aPod('irsa')];
    expect(await restart(fakes, 2, back)).toEqual({ restarted: [] });
    expect(await restart(fakes, 2)).toEqual({ restarted: [CONTROLLER] });
  });
});
