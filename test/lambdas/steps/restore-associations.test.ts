import { describe, expect, it } from 'vitest';
import type { Node, Pod } from '../../../lambdas/domain/kubernetes/objects.ts';
import type { Addon, Association } from '../../../lambdas/domain/terms/observed.ts';
import type { Migration } from '../../../lambdas/domain/record/migration.ts';
import { EVIDENCE_BEFORE } from '../../../lambdas/use-cases/migration/report.ts';
import { restoreAssociationsStep } from '../../../lambdas/steps/restore-associations/handler.ts';
import { aServiceAccount } from '../account-fixtures.ts';
import { invoke } from '../fakes.ts';
import { ADDON, addonArn, OTHER_ROLE, ROLE } from '../example.ts';
import { at, MIGRATION_ID } from '../run-examples.ts';
import {
  agentDaemonSet,
  anAddon,
  anAgentPod,
  anAssociation,
  aNode,
  aPod,
  aWorkload,
  planned,
} from '../eks-fixtures.ts';
import { anEvidence, aRollback } from '../fixtures.ts';
import { expectError } from '../matchers.ts';
import { begun, begunWithLeftOver, LEFT_OVER, type Begun } from './begun.ts';

const restore = (fakes: Begun): Promise<unknown> => invoke(restoreAssociationsStep, fakes.input, fakes);
const FIELDS: Partial<Association> = {
  targetRoleArn: OTHER_ROLE,
  disableSessionTags: true,
  policy: '{"Version":"2012-10-17"}',
  tags: { team: 'storage' },
};

/** With a standalone association that was purged. */
async function purged(change: Partial<Association> = {}): Promise<Begun> {
  const fakes = await begunWithLeftOver(change);
  await fakes.ledger.recordAssociation(MIGRATION_ID, 'purged', { ...LEFT_OVER, ...change });
  fakes.eks.associations = [];
  return fakes;
}

describe('restore-associations', () => {
  it('has nothing to do where nothing was purged', async () => {
    const fakes = await begun();
    expect([await restore(fakes), fakes.journal.mutations()]).toEqual([{ restored: [], awaitsWebhook: false }, []]);
  });

  it('brings a purged one back whole and notes it, once', async () => {
    const fakes = await purged({ ...FIELDS, tags: { team: 'storage', 'aws:x': 'kept by AWS' } });
    const first = await restore(fakes);
    const [there] = fakes.eks.associations;
    expect(there).toMatchObject({
      namespace: LEFT_OVER.namespace,
      serviceAccount: LEFT_OVER.serviceAccount,
      roleArn: LEFT_OVER.roleArn,
      ...FIELDS,
    });
    expect([there?.tags, first]).toEqual([FIELDS.tags, { restored: [there?.id], awaitsWebhook: false }]);
    expect(fakes.journal.of('eks.createAssociation')[0]?.[1]).toBe(
      `${MIGRATION_ID}-1-restore-association-${LEFT_OVER.id}`,
    );
    expect([fakes.journal.before('eks.createAssociation'), await restore(fakes)]).toEqual(['ledger.assertLock', first]);
    expect(fakes.journal.mutations()).toEqual(['eks.createAssociation']);
    expect((await fakes.record()).associations.restored).toEqual([there]);
  });

  it('waits for the key of the deleted one to be free', async () => {
    const fakes = await begunWithLeftOver();
    fakes.eks.keyFreedAfter = 3000;
    await fakes.ledger.recordAssociation(MIGRATION_ID, 'purged', LEFT_OVER);
    await fakes.eks.deleteAssociation(LEFT_OVER.id);
    await expectError(restore(fakes), 'AssociationStillThere');
    fakes.clock.advance(5000);
    expect(await restore(fakes)).toMatchObject({ restored: [expect.any(String) as string] });
  });

  describe("of the migration's own", () => {
    const own = anAssociation({ id: 'a-made', ownerArn: addonArn(1) });
    const annotate = ({ kubernetes }: Begun, roleArn?: string): void => {
      const { namespace, serviceAccount: name } = own;
      kubernetes.serviceAccounts = [aServiceAccount({ namespace, name, roleArn })];
    };
    /** The role is back, and the associations are still there. */
    const withRole = async (change: Partial<Addon> = {}): Promise<Begun> => {
      const fakes = await begun();
      fakes.eks.addons.set(ADDON, anAddon({ podIdentityAssociations: [own.arn], ...change }));
      fakes.eks.associations = [own];
      await fakes.ledger.putEvidence(MIGRATION_ID, EVIDENCE_BEFORE, [anEvidence({ identity: 'irsa' })], at(0));
      annotate(fakes, ROLE);
      fakes.journal.clear();
      return fakes;
    };

    it('takes it away once role and annotation are back, noted first, under the lock', async () => {
      const fakes = await withRole();
      fakes.kubernetes.pods = [aPod('pod-identity', { createdAt: at(3) })];
      expect(await restore(fakes)).toEqual({ restored: [], awaitsWebhook: true, newestPodAt: at(3) });
      expect([fakes.eks.associations, (await fakes.record()).associations.purged]).toEqual([[], [own]]);
      const names = fakes.journal.names();
      const deleted = names.indexOf('eks.deleteAssociation');
      expect(names[deleted - 1]).toBe('ledger.assertLock');
      expect(names.indexOf('kubernetes.getServiceAccount')).toBeLessThan(deleted);
      expect(await restore(fakes)).toMatchObject({ awaitsWebhook: true });
      expect(fakes.journal.mutations()).toEqual(['eks.deleteAssociation']);
    });

    it('waits for the annotation, and leaves it to a person where the role is not back', async () => {
      const fakes = await withRole();
      annotate(fakes);
      await expectError(restore(fakes), 'RestoreInProgress');
      const without = await withRole({ serviceAccountRoleArn: undefined });
      await expectError(restore(without), 'RestoreRefused');
      for (const { journal } of [fakes, without]) expect(journal.mutations()).toEqual([]);
    });

    it('wants no annotation where the pods had no role by IRSA', async () => {
      const fakes = await withRole();
      await fakes.ledger.putEvidence(MIGRATION_ID, EVIDENCE_BEFORE, [anEvidence({ identity: 'node-role' })], at(0));
      fakes.kubernetes.serviceAccounts = [];
      expect(await restore(fakes)).toMatchObject({ awaitsWebhook: true });
    });

    it('waits while it is still listed', async () => {
      const fakes = await withRole();
      fakes.eks.deleteAssociation = async () => true;
      await expectError(restore(fakes), 'AssociationStillThere', 'a-made');
    });

    it("leaves a foreign copy's alone", async () => {
      const fakes = await withRole({ arn: addonArn(5) });
      fakes.eks.associations = [{ ...own, ownerArn: addonArn(5) }];
      expect([await restore(fakes), fakes.journal.mutations()]).toEqual([{ restored: [], awaitsWebhook: false }, []]);
    });

    const another = anAssociation({ id: 'a-of-another', serviceAccount: 'other-sa' });
    it.each([
      ['its one', []],
      ['one of several', [another]],
    ])('keeps %s that was purged for later where its pods had IRSA and its own had its place', async (_, others) => {
      const fakes = await begun({
        snapshot: {
          planned: [planned, { ...planned, serviceAccount: another.serviceAccount }],
          associations: [LEFT_OVER, ...others],
        },
      });
      fakes.eks.addons.set(ADDON, anAddon({ podIdentityAssociations: [own.arn] }));
      fakes.eks.associations = [own];
      await fakes.ledger.recordAssociation(MIGRATION_ID, 'purged', LEFT_OVER);
      await fakes.ledger.putEvidence(MIGRATION_ID, EVIDENCE_BEFORE, [anEvidence({ identity: 'irsa' })], at(0));
      annotate(fakes, ROLE);
      expect(await restore(fakes)).toMatchObject({ restored: [], deferred: `${own.namespace}/${own.serviceAccount}` });
      expect(fakes.eks.associations).toEqual([]);
      const later = await invoke(restoreAssociationsStep, { ...fakes.input, action: 'deferred' }, fakes);
      expect(later).toEqual({ restored: [fakes.eks.associations[0]?.id], awaitsWebhook: false });
    });

    it('waits for a rollout that goes on, and not for one that does not', async () => {
      const fakes = await withRole();
      fakes.eks.associations = [own];
      fakes.kubernetes.workloads = fakes.kubernetes.workloads.map((one) => ({ ...one, settled: false }));
      fakes.kubernetes.pods = [aPod('pod-identity')];
      await expectError(restore(fakes), 'PodsNotSettled', 'are still being replaced');
      fakes.clock.advance(9 * 60_000);
      fakes.kubernetes.pods = [aPod('pod-identity'), aPod('pod-identity', { name: 'two' })];
      await expectError(restore(fakes), 'PodsNotSettled');
      expect(fakes.journal.of('eks.deleteAssociation')).toEqual([]);
      // It has gone on since the first look, and for so long again it may take.
      fakes.clock.advance(9 * 60_000);
      await expectError(restore(fakes), 'PodsNotSettled');
      fakes.clock.advance(2 * 60_000);
      await restore(fakes);
      expect(fakes.journal.of('eks.deleteAssociation')).toHaveLength(1);
    });

    /** With the pod of a Job on this node, and another pod that the agent serves. */
    const withJob = async (node: Partial<Node>, agent?: Partial<Pod>, hasAgents = true): Promise<Begun> => {
      const fakes = await withRole();
      const job = aPod('pod-identity', { name: 'nightly', owner: { kind: 'Job', name: 'nightly' } });
      Object.assign(fakes.kubernetes, {
        pods: [job, aPod('pod-identity', { name: 'b', node: 'n2' })],
        nodes: [aNode(node), aNode({ name: 'n2' })],
        agentPods: hasAgents ? [anAgentPod('n2'), ...(agent ? [anAgentPod('node-1', agent)] : [])] : [],
        workloads: [aWorkload(), ...(hasAgents ? [agentDaemonSet()] : [])],
      });
      return fakes;
    };

    it.each([
      ['that the agent serves', {}, {}],
      ['whose agent starts', {}, { ready: false }],
      ['on a node that is not ready', { ready: false }, undefined],
    ])('asks about the pod of a Job %s', async (_, node, agent) =>
      expectError(restore(await withJob(node, agent)), 'SessionsMayEnd', 'nightly of Job nightly'),
    );

    it.each([
      ['on AWS Fargate', { compute: 'fargate' as const }, true],
      ['on a node without the agent', { taints: [{ key: 'gpu', effect: 'NoSchedule' }] }, true],
      ['in a cluster without the agent', {}, false],
    ])('does not ask about the pod of a Job %s, which loses nothing', async (_, node, hasAgents) =>
      expect(await restore(await withJob(node, undefined, hasAgents))).toMatchObject({ awaitsWebhook: true }),
    );

    it('waits for no rollout that only creates pods without an agent', async () => {
      const rolling = async (...pods: Pod[]): Promise<Begun> => {
        const fakes = await withRole();
        fakes.kubernetes.workloads = fakes.kubernetes.workloads.map((one) => ({ ...one, settled: false }));
        fakes.kubernetes.nodes = [aNode({ compute: 'fargate' }), aNode({ name: 'n2' })];
        fakes.kubernetes.agentPods = [anAgentPod('n2')];
        fakes.kubernetes.pods = [aPod('pod-identity'), aPod('irsa', { name: 'old', node: 'n2' }), ...pods];
        return fakes;
      };
      expect(await restore(await rolling())).toMatchObject({ awaitsWebhook: true });
      const served = aPod('pod-identity', { name: 'served', node: 'n2' });
      await expectError(restore(await rolling(served)), 'PodsNotSettled', 'are still being replaced');
    });

    it('asks first where pods that work may be without credentials before all are replaced', async () => {
      const slow = async (change: Partial<Migration> = {}): Promise<Begun> => {
        const fakes = await withRole();
        await fakes.update(change);
        fakes.kubernetes.workloads = fakes.kubernetes.workloads.map((one) => ({ ...one, desired: 20 }));
        // Nobody knows how old the session is of a pod that has been there for days, and each one took two minutes.
        fakes.kubernetes.pods = [aPod('pod-identity', { createdAt: at(-600_000), readyAt: at(-600_000 + 120) })];
        return fakes;
      };
      const fakes = await slow();
      await expectError(restore(fakes), 'SessionsMayEnd', /rollout restart .* rollback \S+ --accept credential-gap$/);
      expect(fakes.journal.mutations()).toEqual([]);
      const accepted = await slow({ status: 'rolling-back', rollback: aRollback({ accept: ['credential-gap'] }) });
      expect(await restore(accepted)).toMatchObject({ awaitsWebhook: true });
    });
  });

  describe('before anything else', () => {
    const first = (fakes: Begun) => invoke(restoreAssociationsStep, { ...fakes.input, action: 'purged' }, fakes);

    it('brings back what was purged where its key is free, and nothing more', async () => {
      const fakes = await purged(FIELDS);
      expect(await first(fakes)).toEqual({ restored: [fakes.eks.associations[0]?.id], awaitsWebhook: false });
      expect(fakes.eks.associations).toMatchObject([FIELDS]);
      expect(await first(fakes)).toEqual({ restored: [], awaitsWebhook: false });
      expect(fakes.journal.mutations()).toEqual(['eks.createAssociation']);
    });

    it.each([
      ['an own one', { ownerArn: addonArn(1) }],
      ["another principal's", { roleArn: OTHER_ROLE }],
    ])('leaves %s that has the key for later', async (_, change) => {
      const fakes = await purged();
      fakes.eks.associations = [anAssociation({ id: 'a-there', ...change })];
      expect([await first(fakes), fakes.journal.mutations()]).toEqual([{ restored: [], awaitsWebhook: false }, []]);
    });

    it('does not stop the rollback if access is denied or the key is not free yet', async () => {
      const fakes = await purged();
      fakes.journal.refuseNext('eks.createAssociation', 'AccessDenied', 'not authorized');
      expect(await first(fakes)).toEqual({ restored: [], awaitsWebhook: false });
      fakes.journal.refuseNext('eks.createAssociation', 'ServiceUnavailable', 'down');
      await expectError(first(fakes), 'ServiceUnavailable');
    });
  });

  it('does not change an association that was never purged, even if another principal has deleted it', async () => {
    const fakes = await begunWithLeftOver(FIELDS);
    expect(await restore(fakes)).toEqual({ restored: [], awaitsWebhook: false });
    fakes.eks.associations = [];
    expect([await restore(fakes), fakes.journal.mutations()]).toEqual([{ restored: [], awaitsWebhook: false }, []]);
  });

  it('does not make again one whose delete was noted and never came to pass', async () => {
    const fakes = await purged();
    fakes.eks.associations = [LEFT_OVER];
    expect(await restore(fakes)).toEqual({ restored: [LEFT_OVER.id], awaitsWebhook: false });
    expect([fakes.journal.mutations(), (await fakes.record()).associations.restored]).toEqual([[], []]);
  });

  it("leaves another principal's association with other tags alone", async () => {
    const fakes = await purged(FIELDS);
    fakes.eks.associations = [anAssociation({ ...FIELDS, id: 'a-others', tags: { team: 'others' } })];
    await expectError(restore(fakes), 'RestoreRefused', /a-others.*left alone/);
    expect(fakes.journal.mutations()).toEqual([]);
  });

  it('needs a person for an association that another principal created where none existed', async () => {
    const fakes = await begun();
    fakes.eks.associations = [anAssociation({ id: 'a-others' })];
    await expectError(restore(fakes), 'RestoreRefused', 'a-others');
  });

  it('brings a left-over of a dead copy back as a standalone one', async () => {
    const fakes = await purged({ ownerArn: addonArn(0) });
    await restore(fakes);
    expect(fakes.eks.associations).toMatchObject([{ serviceAccount: LEFT_OVER.serviceAccount }]);
    expect(fakes.eks.associations[0]?.ownerArn).toBeUndefined();
  });

  describe('of the add-on itself', () => {
    const owned = anAssociation({ id: 'a-owned', ownerArn: addonArn(1), ...FIELDS });
    const withOwned = async (now: Partial<Association>[]): Promise<Begun> => {
      const fakes = await begun({
        snapshot: { addon: anAddon({ podIdentityAssociations: [owned.arn] }), associations: [owned] },
      });
      fakes.eks.addons.set(ADDON, anAddon({ arn: addonArn(7), podIdentityAssociations: [owned.arn] }));
      fakes.eks.associations = now.map((change) => anAssociation({ id: 'a-again', ownerArn: addonArn(7), ...change }));
      return fakes;
    };

    it('gives it back what its form does not carry, each under its lock, once', async () => {
      const fakes = await withOwned([{}]);
      expect(await restore(fakes)).toEqual({ restored: ['a-again'], awaitsWebhook: false });
      expect(fakes.eks.associations).toMatchObject([FIELDS]);
      expect(fakes.journal.mutations()).toEqual(['eks.updateAssociation', 'eks.tagResource']);
      const names = fakes.journal.names();
      for (const name of fakes.journal.mutations()) expect(names[names.indexOf(name) - 1]).toBe('ledger.assertLock');
      await restore(fakes);
      expect(fakes.journal.mutations()).toHaveLength(2);
    });

    it('says that it did not come back', async () => {
      const fakes = await withOwned([]);
      await expectError(restore(fakes), 'RestoreRefused', 'without the association that it owned');
      expect(fakes.clock.slept.length).toBeGreaterThan(1);
    });
  });
});
