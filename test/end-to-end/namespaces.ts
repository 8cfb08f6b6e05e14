/** Migrations of add-ons in their namespaces, and what a create names, for each assumption about EKS. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { MigrationRequestInput } from '../../lambdas/domain/request/request.ts';
import { parseScenario } from '../../sandbox/build/load.ts';
import type { Knobs } from '../../sandbox/scenario/scenario.ts';
import type { ClusterState } from '../../sandbox/world/world.ts';
import { identityOf, migrate, type Run, scenarioFile } from './fixture.ts';

interface Case {
  scenario: string;
  addon: string;
  serviceAccount: string;
  /** The namespace in which it runs. */
  namespace: string;
  /** What a create names; nothing if absent. */
  named?: string;
}

const EBS: Case = {
  scenario: 'ebs-csi-irsa',
  addon: 'aws-ebs-csi-driver',
  serviceAccount: 'ebs-csi-controller-sa',
  namespace: 'kube-system',
};
export const COMMUNITY: Case = {
  scenario: 'community-addon',
  addon: 'external-dns',
  serviceAccount: 'external-dns',
  namespace: 'external-dns',
};
const CHOSEN: Case = { ...COMMUNITY, scenario: 'chosen-namespace', namespace: 'dns', named: 'dns' };
export const UNKNOWN: Case = {
  scenario: 'namespace-not-shown',
  addon: 'fluent-bit',
  serviceAccount: 'fluent-bit',
  namespace: 'fluent-bit',
};

/** What EKS may show and refuse, except for the combination that leaves the namespace unknown. */
const WORLDS: Partial<Knobs>[] = [
  {},
  { fixedNamespaces: 'refuse' },
  { namespaceConfigShown: 'chosen' },
  { namespaceConfigShown: 'chosen', fixedNamespaces: 'refuse' },
  { defaultNamespaceShown: false },
  { defaultNamespaceShown: false, fixedNamespaces: 'refuse' },
];
export const RECREATE = { strategy: 'recreate', preserve: true } as const;

interface Ended extends Run {
  cluster: ClusterState;
}

export async function run(
  { scenario: name, addon }: Case,
  knobs: Partial<Knobs>,
  request: object = {},
): Promise<Ended> {
  const scenario = parseScenario(readFileSync(scenarioFile(name), 'utf8'), name);
  Object.assign(scenario.knobs, knobs);
  const [account] = scenario.accounts;
  const [{ name: cluster, region } = { name: '', region: '' }] = account?.clusters ?? [];
  const target = { account: account?.id ?? '', region, cluster };
  const ended = await migrate({
    scenario,
    request: { target, addon, ...request } satisfies Partial<MigrationRequestInput>,
  });
  const found = ended.backend.sandbox.world.accounts.get(target.account)?.clusters.get(`${region}/${cluster}`);
  if (!found) throw new Error(`No cluster ${cluster}.`);
  return { ...ended, cluster: found };
}

/** What each create of an add-on named, in order. */
const namedIn = ({ backend }: Run): unknown[] =>
  backend.sandbox.world.log.calls
    .filter(({ operation }) => operation === 'CreateAddon')
    .map(({ input }) => (input as { namespaceConfig?: { namespace: string } }).namespaceConfig?.namespace);

export const associated = ({ associations }: ClusterState, serviceAccount: string): string[] =>
  [...associations.values()]
    .filter((one) => one.serviceAccount === serviceAccount && one.deletedUntil === undefined)
    .map(({ namespace }) => namespace);

const settled = (knobs: Partial<Knobs>, { addon }: Case): boolean =>
  addon !== 'fluent-bit' || knobs.defaultNamespaceShown !== false;

type Worlds = Partial<Knobs>[];

/** Defines the tests of each add-on in the worlds that `select` returns for a test's number. */
export const describeNamespaces = (select: (worlds: Worlds, test: number) => Worlds): void => {
  describe.each([EBS, COMMUNITY, CHOSEN, UNKNOWN])('$addon in $namespace ($scenario)', (one) => {
    const worlds = (test: number) =>
      select(
        WORLDS.filter((knobs) => settled(knobs, one)),
        test,
      );

    it.each(worlds(0))('%j: in place, its association is in its own namespace', async (knobs) => {
      const { report, cluster } = await run(one, knobs, { strategy: 'in-place' });
      expect(report).toMatchObject({ outcome: 'migrated', plan: { namespace: one.namespace } });
      expect(associated(cluster, one.serviceAccount)).toEqual([one.namespace]);
      expect([...new Set(identityOf(cluster, one.serviceAccount))]).toEqual(['pod-identity']);
    });

    it.each(worlds(1))('%j: recreated, it keeps its namespace, and no default is named', async (knobs) => {
      const ended = await run(one, knobs, RECREATE);
      expect(ended.report.failure).toBeUndefined();
      expect([ended.report.outcome, namedIn(ended)]).toEqual(['migrated', [one.named]]);
      expect(ended.cluster.addons.get(one.addon)?.namespace).toBe(one.namespace);
      expect(associated(ended.cluster, one.serviceAccount)).toEqual([one.namespace]);
    });

    it.each(worlds(2))('%j: when a recreate fails, it is restored in its namespace', async (knobs) => {
      const ended = await run(one, { ...knobs, webhookLagSeconds: 86_400 }, RECREATE);
      expect(ended.report).toMatchObject({ outcome: 'rolled-back', failure: { name: 'PodsOnWrongIdentity' } });
      const now = ended.cluster.addons.get(one.addon);
      expect(now).toMatchObject({ status: 'ACTIVE', namespace: one.namespace });
      expect(now?.serviceAccountRoleArn).toBe(ended.report.plan?.addon?.serviceAccountRoleArn);
    });

    it.each(worlds(3))('%j: the rollback and its restore commands create it in its namespace, too', async (knobs) => {
      const ended = await run(one, { ...knobs, createEndsIn: 'CREATE_FAILED' }, RECREATE);
      expect([new Set(namedIn(ended)), ended.report.outcome]).toEqual([new Set([one.named]), 'needs-human']);
      const commands = ended.report.restoreCommands.join('\n');
      expect(commands).toContain(`aws eks create-addon `);
      expect(/--namespace-config namespace=(\S+)/.exec(commands)?.[1]).toBe(one.named);
    });
  });
};
