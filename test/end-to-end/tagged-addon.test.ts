/**
 * An add-on with tags is created again, and rolled back, for both unknowns about AWS: on which resource eks:TagResource
 * is required for a create with tags, and to which service a role for pods is passed. IAM is enforced with the
 * template's own policies.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseScenario } from '../../sandbox/build/load.ts';
import type { Knobs, Scenario } from '../../sandbox/scenario/scenario.ts';
import type { ClusterState } from '../../sandbox/world/world.ts';
import { ADDON, identityOf, migrate, mutationsOf, RECREATE, type Run, scenarioFile } from './fixture.ts';

const SERVICE_ACCOUNT = 'ebs-csi-controller-sa';
const TAGS = { team: 'ledger', 'cost-centre': '4711' };
const LEFT_OVER_TAGS = { team: 'ledger', 'managed-for': 'storage' };

/** Each pair of an unknown with an account occurs, and the rollback has the other account than the create. */
const SETTINGS = (['cluster', 'addon', 'createaddon'] as const).flatMap((tagOnCreate, first) =>
  (['pods.eks.amazonaws.com', 'eks.amazonaws.com'] as const).map((passedToService, second) => ({
    tagOnCreate,
    passedToService,
    elsewhere: (first + second) % 2 === 1,
  })),
);

/** In the service's own account, or in another one, by the roles that it assumes there. */
const run = async (
  knobs: Partial<Knobs>,
  { refused, elsewhere = false }: { refused?: string; elsewhere?: boolean } = {},
): Promise<Run & { cluster: ClusterState; resources: string[] }> => {
  const file = scenarioFile('tagged-addon');
  const scenario: Scenario = parseScenario(readFileSync(file, 'utf8'), file);
  Object.assign(scenario.knobs, knobs);
  if (elsewhere) {
    scenario.accounts.push({ id: '999988887777', roles: [], clusters: [], disabledRegions: [] });
    scenario.home = { account: '999988887777', region: 'eu-central-1' };
  }
  const [account] = scenario.accounts;
  const [{ name, region }] = account!.clusters as [Scenario['accounts'][number]['clusters'][number]];
  const ended = await migrate({
    scenario,
    request: { target: { account: account!.id, region, cluster: name }, ...RECREATE },
    prepare: ({ sandbox }) => {
      if (refused !== undefined)
        sandbox.world.faults.add({ kind: 'access-denied', step: refused, operation: 'CreateAddon', times: 'all' });
    },
  });
  const { world, authorizer } = ended.backend.sandbox;
  return {
    ...ended,
    cluster: world.accounts.get(account!.id)!.clusters.get(`${region}/${name}`)!,
    resources: [
      ...new Set(
        authorizer
          .uses()
          .filter(({ action }) => action === 'eks:TagResource')
          .map(({ resource }) => resource.split(':')[5]!),
      ),
    ],
  };
};

/** What its own IAM was asked about the creates, apart from separate calls of TagResource. */
const ASKED = {
  cluster: { addon: 'cluster/ledger-dev', association: 'cluster/ledger-dev' },
  addon: { addon: `addon/ledger-dev/${ADDON}/*`, association: 'podidentityassociation/ledger-dev/*' },
  createaddon: { addon: '/createaddon', association: '/createpodidentityassociation' },
} as const;

describe.each(SETTINGS)('a tagged add-on, $tagOnCreate, $passedToService', ({ elsewhere, ...knobs }) => {
  it(`is created again with its tags; in another account: ${elsewhere}`, async () => {
    const { report, cluster, resources, backend } = await run(knobs, { elsewhere });
    expect([report.outcome, report.failure, backend.sandbox.authorizer.denials]).toEqual(['migrated', undefined, []]);
    expect(cluster.addons.get(ADDON)).toMatchObject({ status: 'ACTIVE', tags: TAGS });
    expect(identityOf(cluster, SERVICE_ACCOUNT)).toEqual(['pod-identity', 'pod-identity']);
    expect(resources).toContain(ASKED[knobs.tagOnCreate].addon);
  });

  it(`is rolled back with its tags; in another account: ${!elsewhere}`, async () => {
    const ended = await run(knobs, { refused: 'create-addon', elsewhere: !elsewhere });
    const { report, cluster, resources, backend } = ended;
    expect([report.outcome, report.failure?.name]).toEqual(['rolled-back', 'AccessDenied']);
    // The fault is not a denial by IAM.
    expect(backend.sandbox.authorizer.denials).toEqual([]);
    expect(mutationsOf(ended).slice(-2)).toEqual(['eks:CreateAddon', 'eks:CreatePodIdentityAssociation']);
    expect(cluster.addons.get(ADDON)).toMatchObject({
      status: 'ACTIVE',
      tags: TAGS,
      serviceAccountRoleArn: report.plan!.addon!.serviceAccountRoleArn,
    });
    const live = [...cluster.associations.values()].filter(({ deletedUntil }) => deletedUntil === undefined);
    expect(live.map(({ tags, ownerArn }) => ({ tags, ownerArn }))).toEqual([{ tags: LEFT_OVER_TAGS }]);
    expect(identityOf(cluster, SERVICE_ACCOUNT)).toEqual(['irsa', 'irsa']);
    const { addon, association } = ASKED[knobs.tagOnCreate];
    expect(resources.toSorted()).toEqual([...new Set([addon, association])].toSorted());
  });
});
