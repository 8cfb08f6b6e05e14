/** The namespace of an add-on, and what a create names: for both assumptions about EKS. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { MigrationRequestInput } from '../../lambdas/domain/migration/model.ts';
import { parseScenario } from '../../sandbox/world/load.ts';
import type { Knobs } from '../../sandbox/world/scenario.ts';
import type { ClusterState } from '../../sandbox/world/world.ts';
import { identityOf, migrate, mutationsOf, type Run, scenarioFile } from './fixture.ts';

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
const COMMUNITY: Case = {
  scenario: 'community-addon',
  addon: 'external-dns',
  serviceAccount: 'external-dns',
  namespace: 'external-dns',
};
const CHOSEN: Case = { ...COMMUNITY, scenario: 'chosen-namespace', namespace: 'dns', named: 'dns' };
const UNKNOWN: Case = {
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
const RECREATE = { strategy: 'recreate', preserve: true } as const;

interface Ended extends Run {
  cluster: ClusterState;
}

async function run({ scenario: name, addon }: Case, knobs: Partial<Knobs>, request: object = {}): Promise<Ended> {
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

const associated = ({ associations }: ClusterState, serviceAccount: string): string[] =>
  [...associations.values()]
    .filter((one) => one.serviceAccount === serviceAccount && one.deletedUntil === undefined)
    .map(({ namespace }) => namespace);

const settled = (knobs: Partial<Knobs>, { addon }: Case): boolean =>
  addon !== 'fluent-bit' || knobs.defaultNamespaceShown !== false;

describe.each([EBS, COMMUNITY, CHOSEN, UNKNOWN])('$addon in $namespace ($scenario)', (one) => {
  const worlds = WORLDS.filter((knobs) => settled(knobs, one));

  it.each(worlds)('%j: in place, its association is in its own namespace', async (knobs) => {
    const { report, cluster } = await run(one, knobs, { strategy: 'in-place' });
    expect(report).toMatchObject({ outcome: 'migrated', plan: { namespace: one.namespace } });
    expect(associated(cluster, one.serviceAccount)).toEqual([one.namespace]);
    expect([...new Set(identityOf(cluster, one.serviceAccount))]).toEqual(['pod-identity']);
  });

  it.each(worlds)('%j: recreated, it keeps its namespace, and no default is named', async (knobs) => {
    const ended = await run(one, knobs, RECREATE);
    expect(ended.report.failure).toBeUndefined();
    expect(ended.report.outcome).toBe('migrated');
    expect(namedIn(ended)).toEqual([one.named]);
    expect(ended.cluster.addons.get(one.addon)?.namespace).toBe(one.namespace);
    expect(associated(ended.cluster, one.serviceAccount)).toEqual([one.namespace]);
  });

  it.each(worlds)('%j: when a recreate fails, it is restored in its namespace', async (knobs) => {
    const ended = await run(one, { ...knobs, webhookLagSeconds: 86_400 }, RECREATE);
    expect(ended.report).toMatchObject({ outcome: 'rolled-back', failure: { name: 'PodsOnWrongIdentity' } });
    const now = ended.cluster.addons.get(one.addon);
    expect(now).toMatchObject({ status: 'ACTIVE', namespace: one.namespace });
    expect(now?.serviceAccountRoleArn).toBe(ended.report.plan?.addon?.serviceAccountRoleArn);
  });

  it.each(worlds)('%j: the rollback and its restore commands create it in its namespace, too', async (knobs) => {
    const ended = await run(one, { ...knobs, createEndsIn: 'CREATE_FAILED' }, RECREATE);
    expect(new Set(namedIn(ended))).toEqual(new Set([one.named]));
    expect(ended.report.outcome).toBe('needs-human');
    const commands = ended.report.restoreCommands.join('\n');
    expect(commands).toContain(`aws eks create-addon `);
    expect(/--namespace-config namespace=(\S+)/.exec(commands)?.[1]).toBe(one.named);
  });
});

describe('an add-on whose namespace is unknown', () => {
  const NOWHERE = { namespaceConfigShown: 'chosen', defaultNamespaceShown: false } as const;

  it('is blocked before anything changes, with a remedy', async () => {
    const ended = await run(UNKNOWN, NOWHERE);
    expect(ended.report.outcome).toBe('blocked');
    const check = ended.report.plan?.checks.find(({ id }) => id === 'addon-namespace');
    expect(check).toMatchObject({
      status: 'unknown',
      message: expect.stringContaining('The namespace of add-on fluent-bit is not known'),
      remedy: expect.stringContaining(
        'aws eks update-addon --region eu-west-1 --cluster-name logging-prod --addon-name fluent-bit --pod-identity-associations serviceAccount=fluent-bit,roleArn=arn:aws:iam::111122223333:role/logging-prod-fluent-bit',
      ),
    });
    expect(mutationsOf(ended)).toEqual([]);
    expect(associated(ended.cluster, 'fluent-bit')).toEqual([]);
  });

  it('is recognized if it is in the registry', async () => {
    const { report } = await run(COMMUNITY, NOWHERE);
    expect(report).toMatchObject({ outcome: 'migrated', plan: { namespace: 'external-dns' } });
  });

  it('is never deleted if the namespace that is shown may have been chosen', async () => {
    const shown = { namespaceConfigShown: 'always', defaultNamespaceShown: false } as const;
    const blocked = await run(UNKNOWN, shown, RECREATE);
    expect(blocked.report.outcome).toBe('blocked');
    expect(blocked.report.plan?.checks.find(({ id }) => id === 'create-namespace')?.status).toBe('unknown');
    expect(mutationsOf(blocked)).toEqual([]);
    const inPlace = await run(UNKNOWN, shown);
    expect(inPlace.report).toMatchObject({ outcome: 'migrated', plan: { namespace: 'fluent-bit' } });
    expect(inPlace.report.plan?.attempts.map(({ strategy }) => strategy)).toEqual(['in-place']);
  });
});
