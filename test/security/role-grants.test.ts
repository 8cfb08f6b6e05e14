/**
 * The service grants no role to a service account without a ground for it (promise 11): not by naming a service
 * account, not by annotating it, and not by waiting until its trust has been checked.
 */
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Call } from '../../sandbox/calls/call-log.ts';
import { podIdentityStatement, policyOf, type Statement } from '../../cli/fleet/trust.ts';
import { evaluatePodIdentity, parsePolicy } from '../../lambdas/domain/policy/index.ts';
import type { Scenario, ScenarioCluster } from '../../sandbox/scenario/scenario.ts';
import { permitted, podsMayUse, policyFor, trustings } from '../grants-oracle.ts';
import { containing } from '../lambdas/matchers.ts';
import { inApiWorld, ended } from '../end-to-end/api-world.ts';
import { ADDON } from '../end-to-end/fixture.ts';
import { SEED } from '../for-all.ts';
import {
  changesIn,
  type Deployment,
  hostileScenario,
  type HostileWorld,
  inHostileWorld,
  OWN_ROLE,
  ownAddon,
  roleArn,
  SERVICE_ACCOUNT,
  stateOf,
} from './hostile.ts';
import {
  ATTACKER,
  CLUSTER_ARN,
  deployWith,
  type Fleet,
  fleetWith,
  irsaOf,
  namingStatement,
  VICTIM,
} from './role-grants.ts';

let narrow: Deployment;
let granting: Deployment;
beforeAll(async () => {
  narrow = await deployWith([]);
  granting = await deployWith([
    { roles: [VICTIM], clusters: ['cluster/reliability-dev'], serviceAccounts: ['evil/agent'] },
    { roles: ['role/eks-addons/*'], clusters: [CLUSTER_ARN], serviceAccounts: [`kube-system/${SERVICE_ACCOUNT}`] },
  ]);
});
afterAll(() => {
  narrow.remove();
  granting.remove();
});

interface Asking {
  scenario: Scenario;
  request: Record<string, unknown>;
  deployment?: Deployment | undefined;
  meanwhile?: (world: HostileWorld) => void;
}

const asked = async ({ scenario, request, deployment, meanwhile }: Asking) =>
  inHostileWorld({ scenario, deployment }, async (world) => {
    const before = stateOf(world);
    meanwhile?.(world);
    const migrationId = world.backend.ids.ulid();
    const execution = await world.attempt(
      { migrationId, request: { target: world.target, ...request } },
      { name: migrationId },
    );
    const record = await world.record(migrationId);
    const blocking = (record?.plan?.checks ?? []).filter(({ status }) => status === 'fail' || status === 'unknown');
    const trust = (arn: string): string =>
      [...world.backend.sandbox.world.accounts.values()]
        .flatMap(({ roles }) => [...roles.values()])
        .find((one) => one.arn === arn)!.trustPolicy;
    return {
      outcome: record?.outcome,
      cause: execution.cause ?? '',
      blocking,
      grant: blocking.find(({ id }) => id === 'role-grant'),
      changes: changesIn(world),
      isUnchanged: JSON.stringify(stateOf(world)) === JSON.stringify(before),
      associations: [...world.cluster.associations.values()].filter(({ deletedUntil }) => deletedUntil === undefined),
      trust,
      record,
    };
  });

/** Asserts that the rule blocks the request with a remedy, and that nothing was changed. */
const refused = async (asking: Asking): Promise<{ message: string; remedy: string }> => {
  const { outcome, grant, changes, isUnchanged } = await asked(asking);
  expect({ outcome, changes, isUnchanged }).toEqual({ outcome: 'blocked', changes: [], isUnchanged: true });
  expect(grant).toBeDefined();
  return { message: grant!.message, remedy: grant!.remedy ?? '' };
};

const OF_ATTACKER = { serviceAccount: ATTACKER };
const REPAIR = { trust: 'repair' };
const REPAIRABLE = roleArn('eks-addons/repairable-ebs');
/** The add-on's role allows IRSA only, and its trust policy may be repaired. */
const repairable = (scenario: Scenario, cluster: ScenarioCluster): void => {
  const trustPolicy = policyOf(irsaOf(cluster, 'kube-system', SERVICE_ACCOUNT));
  Object.assign(scenario.accounts[0]!.roles[0]!, { arn: REPAIRABLE, trustPolicy });
  ownAddon(cluster).serviceAccountRoleArn = REPAIRABLE;
};
/** The API server gives the service no access. */
const closed: Fleet['change'] = (_, cluster) => void (cluster.accessEntries = []);
const attack = (fleet: Fleet, request: Record<string, unknown> = {}, deployment?: Deployment): Asking => ({
  scenario: fleetWith(fleet),
  request: { ...OF_ATTACKER, ...request },
  deployment,
});

describe("a workload that wants another team's role", () => {
  it('does not get it by an annotation in a request to the API with a trust repair', async () => {
    const change = (scenario: Scenario): void => {
      const [account] = scenario.accounts;
      const [cluster] = account!.clusters;
      account!.roles.push({
        ...structuredClone(account!.roles[0]!),
        arn: VICTIM,
        trustPolicy: policyOf(irsaOf(cluster!, 'payments', 'db')),
      });
      cluster!.workloads.push(fleetWith().accounts[0]!.clusters[0]!.workloads.at(-1)!);
    };
    await inApiWorld({ change }, async ({ world, sandbox, ann }) => {
      const before = stateOf(world);
      const id = await ann.migrate({ target: world.target, ...OF_ATTACKER, ...REPAIR });
      expect(await ended(sandbox, ann, id)).toMatchObject({ outcome: 'blocked' });
      const { plan } = await ann.shownPlan(id);
      expect(plan?.checks).toContainEqual(expect.objectContaining({ id: 'role-grant', status: 'fail' }));
      expect([stateOf(world), changesIn(world)]).toEqual([before, []]);
    });
  });
  it('does not get it by an annotation with narrow allow-lists', async () => {
    const { message, remedy } = await refused(attack({}, REPAIR, narrow));
    expect(message).toContain('role repairable-payments may be given to evil/agent');
    expect(message).toContain('Its trust policy does not allow IRSA for the service account.');
    expect(remedy).toContain(
      `Add {"roles":["${VICTIM}"],"clusters":["${CLUSTER_ARN}"],"serviceAccounts":["evil/agent"]} to the setting roleGrants`,
    );
  });
  it('does not get it by naming it in a request that avoids reading the pods', async () => {
    const { message } = await refused(
      attack(
        { trust: [podIdentityStatement()], annotated: false, change: closed },
        { roleArn: VICTIM, verification: 'api' },
      ),
    );
    expect(message).toContain('which does not have it now');
  });
  it('does not get it by accepting a condition that cannot be evaluated', async () => {
    const open = { IpAddress: { 'aws:SourceIp': '10.0.0.0/8' } };
    const change: Fleet['change'] = (scenario, cluster) => {
      const irsa = irsaOf(cluster, ATTACKER.namespace, ATTACKER.name) as { Condition: object };
      scenario.accounts[0]!.roles.at(-1)!.trustPolicy = policyOf(
        { ...irsa, Condition: { ...irsa.Condition, ...open } },
        podIdentityStatement(),
      );
    };
    expect((await refused(attack({ change }, { accept: ['condition-key:aws:SourceIp'] }))).message).toMatch(
      /cannot be decided .*it is not known whether its trust policy allows IRSA for the service account/i,
    );
  });
  it('gets it if its trust policy names the service account', async () => {
    const found = await asked(attack({ trust: [namingStatement('evil', 'agent')] }));
    expect(found.blocking).toEqual([]);
    expect(found.outcome).toBe('migrated');
    expect(found.associations).toContainEqual(expect.objectContaining({ roleArn: VICTIM, serviceAccount: 'agent' }));
  });
  it('gets it if the setting roleGrants names it, with a repair that names nothing else', async () => {
    const { outcome, trust } = await asked(attack({}, REPAIR, granting));
    expect(outcome).toBe('migrated');
    const [, added, ...more] = (JSON.parse(trust(VICTIM)) as { Statement: Statement[] }).Statement;
    expect([more, added]).toMatchObject([[], { Condition: namingStatement('evil', 'agent')['Condition'] }]);
  });
});

describe("an add-on's service accounts", () => {
  const without = (cluster: { associations: unknown[] }): void => void (cluster.associations = []);

  it('with a role are not granted another one that only trusts EKS Pod Identity in general', async () => {
    const scenario = hostileScenario((_, cluster) => without(cluster));
    const request = { addon: ADDON, roles: { [SERVICE_ACCOUNT]: roleArn('eks-addons/other') } };
    await refused({ scenario, request });
    expect((await asked({ scenario, request, deployment: granting })).outcome).toBe('migrated');
  });
  it("do not include a service account that names the add-on's role by an annotation", async () => {
    const scenario = fleetWith({
      change: (_, cluster) => {
        without(cluster);
        Object.assign(cluster.workloads.at(-1)!, {
          namespace: 'kube-system',
          serviceAccountAnnotations: { 'eks.amazonaws.com/role-arn': OWN_ROLE },
        });
      },
    });
    const { message } = await refused({ scenario, request: { addon: ADDON, roles: { agent: OWN_ROLE } } });
    expect(message).toContain("The service account is not one of the add-on's.");
  });
  it('a trust policy is not opened to the whole cluster if the association has no session tags', async () => {
    const scenario = hostileScenario((changed, cluster) => {
      repairable(changed, cluster);
      Object.assign(cluster.associations[0]!, { disableSessionTags: true, roleArn: REPAIRABLE });
    });
    const request = { addon: ADDON, ...REPAIR };
    const { message } = await refused({ scenario, request });
    expect(message).toContain('the trust policy of role repairable-ebs may be repaired for kube-system');
    expect((await asked({ scenario, request, deployment: granting })).outcome).toBe('migrated');
  });
});

describe('a ground that disappears after the plan', () => {
  const withoutIrsa = (world: HostileWorld, arn: string): void => {
    for (const { roles } of world.backend.sandbox.world.accounts.values())
      for (const role of roles.values())
        if (role.arn === arn) {
          const policy = JSON.parse(role.trustPolicy) as { Statement: Statement[] };
          role.trustPolicy = JSON.stringify({
            ...policy,
            Statement: policy.Statement.filter(({ Principal }) => !JSON.stringify(Principal).includes('oidc-provider')),
          });
        }
  };
  const NOT_GRANTED = containing('RoleNotGranted');
  const alone = hostileScenario((_, cluster) => void (cluster.associations = []));
  /** If the service may not read the API server, only the trust shows the ground: an annotation is not seen. */
  const UNSEEN = { verification: 'api' };
  const noted =
    (step: string, operation: string) =>
    (call: Call): boolean =>
      call.step === step && call.operation === operation;

  it('is noticed by begin, which changes nothing', async () => {
    const { outcome, changes, cause } = await asked({
      scenario: alone,
      request: { addon: ADDON, ...UNSEEN },
      meanwhile: (world) => world.onFirst(noted('begin', 'DescribeAddon'), () => withoutIrsa(world, OWN_ROLE)),
    });
    expect({ outcome, changes }).toEqual({ outcome: 'blocked', changes: [] });
    expect(cause).toMatch(/RoleNotGranted: It is no longer certain that role .* may be given to kube-system\/ebs/);
  });
  it.each([
    ['in place', {}, 'update-addon', 'rolled-back', []],
    // IRSA, which the add-on has again, no longer works.
    ['recreated', { strategy: 'recreate' }, 'await-deleted', 'needs-human', ['eks:DeleteAddon', 'eks:CreateAddon']],
  ] as const)(
    'is noticed before the add-on is changed, %s, and the add-on keeps its state',
    async (_, request, step, outcome, changes) => {
      const found = await asked({
        scenario: alone,
        request: { addon: ADDON, ...UNSEEN, ...request },
        meanwhile: (world) => world.onFirst(noted(step, 'UpdateItem'), () => withoutIrsa(world, OWN_ROLE)),
      });
      expect(found).toMatchObject({ outcome, associations: [], changes: [...changes], cause: NOT_GRANTED });
    },
  );
  it("is not replaced by the statement of the migration's own repair", async () => {
    const found = await asked({
      scenario: hostileScenario((scenario, cluster) => {
        repairable(scenario, cluster);
        cluster.associations = [];
      }),
      request: { addon: ADDON, ...UNSEEN, ...REPAIR },
      meanwhile: (world) => world.onFirst(noted('update-addon', 'UpdateItem'), () => withoutIrsa(world, REPAIRABLE)),
    });
    expect(found).toMatchObject({ outcome: 'rolled-back', associations: [], cause: NOT_GRANTED });
    expect(found.changes).not.toContain('eks:UpdateAddon');
  });
  it('is noticed before a trust policy is written', async () => {
    const found = await asked({
      scenario: hostileScenario((scenario, cluster) => {
        repairable(scenario, cluster);
        cluster.associations = [];
      }),
      request: { addon: ADDON, ...REPAIR },
      // The provider is deleted, so that the trust no longer counts.
      meanwhile: (world) =>
        world.onFirst(noted('repair-trust', 'GetRole'), () => {
          for (const { oidcProviders } of world.backend.sandbox.world.accounts.values()) oidcProviders?.clear();
        }),
    });
    expect(found).toMatchObject({ outcome: 'rolled-back', changes: [], cause: NOT_GRANTED });
  });
  it("is noticed before a service account's association is created", async () => {
    const found = await asked({
      ...attack({
        change: (scenario, cluster) => {
          scenario.accounts[0]!.roles.at(-1)!.trustPolicy = policyOf(
            irsaOf(cluster, ATTACKER.namespace, ATTACKER.name),
            podIdentityStatement(),
          );
        },
      }),
      meanwhile: (world) => world.onFirst(noted('begin', 'PutItem'), () => withoutIrsa(world, VICTIM)),
    });
    expect(found).toMatchObject({ outcome: 'rolled-back', changes: [], cause: NOT_GRANTED });
  });
});

describe('for every trust policy, annotation and request', () => {
  const subject = { namespace: ATTACKER.namespace, name: ATTACKER.name };
  const world = fc.record({
    trust: trustings([ATTACKER.namespace, 'payments'], [ATTACKER.name, 'db']),
    providerExists: fc.constantFrom(true, true, false),
    annotated: fc.boolean(),
    named: fc.boolean(),
    repair: fc.boolean(),
    unseen: fc.boolean(),
  });

  it('no service account can use a role that the rule did not grant it', async () => {
    const outcomes: (string | undefined)[] = [];
    await fc.assert(
      fc.asyncProperty(world, async ({ trust, providerExists, annotated, named, repair, unseen }) => {
        const change: Fleet['change'] = (scenario, cluster) => {
          const [{ id, roles }] = scenario.accounts as [Scenario['accounts'][number]];
          const issuer = `oidc.eks.eu-west-1.amazonaws.com/id/${cluster.oidcId}`;
          roles.at(-1)!.trustPolicy = policyFor(trust, { account: id, clusterArn: CLUSTER_ARN, issuer });
          if (!providerExists) cluster.oidcProvider = 'absent';
          if (unseen) cluster.accessEntries = [];
        };
        const found = await asked(
          attack(
            { change, annotated },
            {
              ...(named ? { roleArn: VICTIM } : {}),
              ...(repair ? REPAIR : {}),
              ...(unseen ? { verification: 'api' } : {}),
              accept: ['condition-key:aws:SourceIp'],
            },
          ),
        );
        outcomes.push(found.outcome);
        const nothingElse = { isAssociated: false, isOfAddon: false, isGranted: false };
        const claim = permitted({ subject, trust, providerExists, ...nothingElse, isNew: !annotated || unseen });
        const policy = parsePolicy(found.trust(VICTIM), 'trust');
        const opened = [ATTACKER.namespace, 'payments'].flatMap((namespace) =>
          [ATTACKER.name, 'db'].filter(
            (name) =>
              evaluatePodIdentity(policy, { clusterArn: CLUSTER_ARN, namespace, serviceAccount: name }).verdict ===
                'allowed' &&
              !podsMayUse(trust, { namespace, name }) &&
              !(namespace === subject.namespace && name === subject.name && claim.repair),
          ),
        );
        const isAssociated = found.associations.some(({ roleArn: arn }) => arn === VICTIM);
        expect({ opened, isGiven: isAssociated && !claim.association }).toEqual({ opened: [], isGiven: false });
        expect(isAssociated).toBe(found.outcome === 'migrated');
      }),
      {
        numRuns: 50,
        seed: SEED,
        // One combination that the rule allows, so that the later checks run too.
        examples: [
          [
            {
              trust: [{ by: 'irsa', issuer: 'own', namespace: ATTACKER.namespace, names: [ATTACKER.name] }],
              providerExists: true,
              annotated: true,
              named: false,
              repair: true,
              unseen: false,
            },
          ],
        ],
      },
    );
    expect(outcomes).toEqual(expect.arrayContaining(['blocked', 'migrated']));
  });
});
