/**
 * What else uses the web identity of a service account, in whole worlds (promise 13). What each consumer gets is the
 * sandbox's own answer (`consumersIn`): it does not know what the service has found.
 */
import { describe, expect, it } from 'vitest';
import { type Retired, retireAndFollow } from '../../cli/service/retire.ts';
import { silentProgress } from '../../cli/progress.ts';
import type { MigrationReport } from '../../lambdas/domain/record/migration.ts';
import { consumersIn } from '../../sandbox/consumers/index.ts';
import { seedCustomResources } from '../../sandbox/build/build-custom-resources.ts';
import type { Scenario, ScenarioCluster } from '../../sandbox/scenario/scenario.ts';
import type { ScenarioCustomResource } from '../../sandbox/scenario/scenario-cluster.ts';
import { type Asked, inWorld, type OpenWorld } from './world.ts';
import { words } from '../words.ts';

const STORE = 'SecretStore/shop/aws';
const UNREAD = ['secretstores.external-secrets.io', 'clustersecretstores.external-secrets.io'];
const MINUTE = 60_000;
const ORDERS = { namespace: 'shop', name: 'orders' };
const CLOUDWATCH = 'amazon-cloudwatch-observability';

/** Returns the consumers that get no credentials now. */
const broken = ({ backend, cluster }: OpenWorld): string[] => [
  ...new Set(
    consumersIn(backend.sandbox.world, cluster)
      .filter(({ works }) => !works)
      .map(({ name }) => name),
  ),
];

/** Notes every consumer that gets no credentials after any call. */
const watched = (world: OpenWorld): Set<string> => {
  const seen = new Set<string>();
  world.backend.sandbox.world.log.onCall(() => {
    for (const name of broken(world)) seen.add(name);
  });
  return seen;
};

const blockedBy = ({ plan }: MigrationReport): string[] =>
  plan!.checks.filter(({ status }) => status === 'fail' || status === 'unknown').map(({ id }) => id);
const check = ({ plan }: MigrationReport, id: string) => plan!.checks.find((one) => one.id === id);
const named = ({ plan }: MigrationReport): string[] => [...new Set(plan!.consumers?.map(({ name }) => name))].sort();

const retire = (
  world: OpenWorld,
  { migrationId }: MigrationReport,
  acceptedConsumers: string[] = [],
): Promise<Retired> =>
  retireAndFollow(
    world.backend,
    {
      migrationId,
      action: 'retire',
      dryRun: false,
      soakDays: 0,
      accept: acceptedConsumers.map((name) => `consumer:${name}`),
    },
    silentProgress,
  );

/** Returns why the retirement is refused. */
const refusedBy = async (
  world: OpenWorld,
  report: MigrationReport,
  acceptedConsumers: string[] = [],
): Promise<string> => {
  const error: unknown = await retire(world, report, acceptedConsumers).catch((refused: unknown) => refused);
  expect(error).toMatchObject({ name: 'RetireRefused' });
  return (error as Error).message;
};

const inShop = (work: (world: OpenWorld) => Promise<void>, change?: (scenario: Scenario) => void): Promise<void> =>
  inWorld({ scenario: 'secret-store', ...(change ? { change } : {}) }, work);
const move = (world: OpenWorld, asked: Asked = {}): Promise<MigrationReport> =>
  world.migrate({ serviceAccount: ORDERS, ...asked });

describe('a SecretStore that uses the service account', () => {
  it('blocks --annotation remove, with which nothing is changed, and keeps its access if the annotation is kept', () =>
    inShop(async (world) => {
      const before = world.readAccount(ORDERS);
      const failed = watched(world);
      const blocked = await move(world, { annotation: 'remove' });
      expect([blocked.outcome, blockedBy(blocked)]).toEqual(['blocked', ['consumers']]);
      expect(check(blocked, 'consumers')).toMatchObject({
        message: expect.stringContaining(STORE),
        remedy: expect.stringMatching(/--accept consumer:SecretStore\/shop\/aws$/),
      });
      expect([world.changes(), world.readAccount(ORDERS)]).toEqual([[], before]);
      const report = await move(world);
      expect(report).toMatchObject({ outcome: 'migrated', warnings: [] });
      expect(check(report, 'consumers')).toMatchObject({ status: 'warn', message: expect.stringContaining(STORE) });
      expect(report.plan!.consumers).toMatchObject([{ name: STORE, serviceAccount: 'shop/orders', breaks: false }]);
      expect([...failed]).toEqual([]);
    }));

  it('loses its access if it is accepted by exactly its name, and gets it back with a rollback', () =>
    inShop(async (world) => {
      for (const name of ['SecretStore/blog/aws', 'ClusterSecretStore/aws', 'SecretStore/shop', UNREAD[0]!]) {
        const refused = await move(world, { annotation: 'remove', accept: [`consumer:${name}`] });
        expect([name, refused.outcome, blockedBy(refused)]).toEqual([name, 'blocked', ['consumers']]);
        expect([check(refused, 'accepted-consumers'), world.changes()]).toMatchObject([{ status: 'warn' }, []]);
      }
      const report = await move(world, { annotation: 'remove', accept: [`consumer:${STORE}`] });
      expect(report).toMatchObject({ outcome: 'migrated', warnings: [] });
      expect(world.readAccount(ORDERS)).toMatchObject({
        annotation: undefined,
        pods: ['pod-identity', 'pod-identity'],
      });
      expect(consumersIn(world.backend.sandbox.world, world.cluster)).toMatchObject([
        { name: STORE, works: false, why: expect.stringContaining('an IAM role must be associated') },
      ]);
      expect(await world.rollBack({ migrationId: report.migrationId })).toMatchObject({ outcome: 'rolled-back' });
      expect(broken(world)).toEqual([]);
    }));

  it('blocks the retirement, and goes on if it is accepted by its name', () =>
    inShop(async (world) => {
      const report = await move(world, { annotation: 'remove', accept: [`consumer:${STORE}`] });
      for (const names of [[], ['SecretStore/blog/aws'], UNREAD.slice(0, 1)])
        expect(await refusedBy(world, report, names)).toContain(STORE);
      expect(await retire(world, report, [STORE])).toMatchObject({ done: true, roles: [{ result: 'removed' }] });
    }));

  it('of another service account does not matter', () =>
    inShop(
      async (world) => {
        const report = await move(world, { annotation: 'remove' });
        expect([report.outcome, check(report, 'consumers')]).toMatchObject(['migrated', { status: 'pass' }]);
        expect(await retire(world, report)).toMatchObject({ done: true });
      },
      (scenario) => void (scenario.accounts[0]!.clusters[0]!.customResources = [store('aws', 'invoices')]),
    ));
});

describe('an Issuer that uses the service account with the role', () => {
  const ISSUER = 'Issuer/shop/letsencrypt';
  const inIssuer = (work: (world: OpenWorld) => Promise<void>): Promise<void> =>
    inShop(work, (scenario) => {
      const [account] = scenario.accounts;
      account!.clusters[0]!.customResources = [issuer(account!.roles[0]!.arn)];
    });

  it('keeps its access when the annotation is removed, and blocks the retirement', () =>
    inIssuer(async (world) => {
      const failed = watched(world);
      // What the request of the migration accepts is not accepted for the retirement.
      const report = await move(world, { annotation: 'remove', accept: [`consumer:${ISSUER}`] });
      expect(report).toMatchObject({ outcome: 'migrated', warnings: [] });
      expect(check(report, 'consumers')).toMatchObject({ status: 'warn', message: expect.stringContaining(ISSUER) });
      expect(await refusedBy(world, report)).toContain(ISSUER);
      expect(await refusedBy(world, report, ['Issuer/blog/letsencrypt'])).toContain(ISSUER);
      expect([[...failed], await retire(world, report, [ISSUER])]).toMatchObject([[], { done: true }]);
      // STS learns of a changed trust policy a little later.
      await world.later(MINUTE);
      expect(consumersIn(world.backend.sandbox.world, world.cluster)).toMatchObject([
        { name: ISSUER, works: false, why: expect.stringContaining('AccessDenied') },
      ]);
    }));
});

const issuer = (role: string): ScenarioCustomResource => ({
  apiVersion: 'cert-manager.io/v1',
  kind: 'Issuer',
  plural: 'issuers',
  namespace: 'shop',
  name: 'letsencrypt',
  spec: {
    acme: {
      solvers: [{ dns01: { route53: { role, auth: { kubernetes: { serviceAccountRef: { name: 'orders' } } } } } }],
    },
  },
});
const store = (name: string, account: string): ScenarioCustomResource => ({
  apiVersion: 'external-secrets.io/v1',
  kind: 'SecretStore',
  plural: 'secretstores',
  namespace: 'shop',
  name,
  spec: { provider: { aws: { auth: { jwt: { serviceAccountRef: { name: account } } } } } },
});
const withoutStores = (scenario: Scenario): void => {
  const cluster = scenario.accounts[0]!.clusters[0]!;
  cluster.customResources = cluster.customResources.filter(({ kind }) => kind !== 'SecretStore');
};

describe('a SecretStore that appears during the migration', () => {
  const appear = (world: OpenWorld): void =>
    world.onFirst(
      ({ operation }) => operation === 'CreatePodIdentityAssociation',
      () => seedCustomResources(world.cluster, [store('late', 'orders')]),
    );

  it('keeps the annotation, with a warning that names it', () =>
    inShop(async (world) => {
      appear(world);
      const failed = watched(world);
      const report = await move(world, { annotation: 'remove' });
      expect([named(report), report]).toMatchObject([[], { outcome: 'migrated', verified: 'ready' }]);
      expect(report.warnings).toEqual([
        expect.objectContaining({
          id: 'annotation-used',
          message: expect.stringContaining('SecretStore/shop/late'),
          remedy: expect.not.stringContaining('kubectl'),
        }),
      ]);
      expect(world.readAccount(ORDERS)).toMatchObject({
        annotation: expect.any(String),
        pods: ['pod-identity', 'pod-identity'],
      });
      expect([...failed]).toEqual([]);
    }, withoutStores));

  it('loses its access if the request has accepted its name in advance', () =>
    inShop(async (world) => {
      appear(world);
      const report = await move(world, { annotation: 'remove', accept: ['consumer:SecretStore/shop/late'] });
      expect([report, world.readAccount(ORDERS)]).toMatchObject([{ outcome: 'migrated' }, { annotation: undefined }]);
      expect(broken(world)).toEqual(['SecretStore/shop/late']);
    }, withoutStores));
});

describe('custom resources that may not be read', () => {
  const inTest = (work: (world: OpenWorld) => Promise<void>): Promise<void> =>
    inWorld({ scenario: 'consumers-unread' }, work);

  it('block --annotation remove unless all are accepted, and are a warning if the annotation is kept', () =>
    inTest(async (world) => {
      const failed = watched(world);
      for (const acceptedConsumers of [[], [UNREAD[0]!], [STORE]]) {
        const report = await move(world, {
          annotation: 'remove',
          accept: acceptedConsumers.map((name) => `consumer:${name}`),
        });
        expect([report.outcome, check(report, 'consumers')]).toMatchObject(['blocked', { status: 'unknown' }]);
        expect(world.changes()).toEqual([]);
      }
      const report = await move(world);
      const message = expect.stringContaining(UNREAD[0]!) as string;
      expect([report.outcome, check(report, 'consumers')]).toMatchObject(['migrated', { status: 'warn', message }]);
      expect([...failed]).toEqual([]);
    }));

  it('may be accepted as unread, and what nobody saw then loses its access; they block the retirement as well', () =>
    inTest(async (world) => {
      const report = await move(world, { annotation: 'remove', accept: UNREAD.map((name) => `consumer:${name}`) });
      expect([report.outcome, broken(world)]).toEqual(['migrated', [STORE]]);
      expect(await refusedBy(world, report)).toContain(UNREAD[0]);
      expect(await refusedBy(world, report, [STORE])).toContain(UNREAD[0]);
      expect(await retire(world, report, UNREAD)).toMatchObject({ done: true });
    }));
});

describe("a SecretStore that uses an add-on's service account", () => {
  const PARAMETERS = 'SecretStore/amazon-cloudwatch/parameters';

  it('blocks the migration, since EKS removes the annotation, and loses its access if it is accepted', () =>
    inWorld({ scenario: 'addon-secret-store' }, async (world) => {
      const failed = watched(world);
      const report = await world.migrate({ addon: CLOUDWATCH });
      expect([report.outcome, blockedBy(report), named(report)]).toEqual(['blocked', ['consumers'], [PARAMETERS]]);
      expect([world.changes(), [...failed]]).toEqual([[], []]);
      expect((await world.migrate({ addon: CLOUDWATCH, accept: [`consumer:${PARAMETERS}`] })).outcome).toBe('migrated');
      expect(broken(world)).toEqual([PARAMETERS]);
    }));
});

/** The service accounts of the scenario `consumers`, and by whom each is used. */
const USED: Record<string, string[]> = {
  'cert-manager/acme': ['ClusterIssuer/letsencrypt'],
  'crossplane-system/provider-aws': ['ProviderConfig/default'],
  'flux-system/ecr': [
    'ImageRepository/flux-system/api',
    'Kustomization/flux-system/apps',
    'OCIRepository/flux-system/charts',
  ],
  'keda/keda-operator': ['TriggerAuthentication/shop/queue'],
  'platform/secrets': ['ClusterSecretStore/shared', 'VaultAuth/platform/vault'],
  'shop/api': words`
    ClusterSecretStore/of-the-user ECRAuthorizationToken/shop/registry PersistentVolume/assets
    SecretProviderClass/shop/database SecretStore/shop/aws TriggerAuthentication/shop/queue
  `,
  'shop/dns': ['Issuer/shop/letsencrypt'],
  'shop/reports': ['Deployment/shop/reports'],
};
const accountOf = (text: string): { namespace: string; name: string } => {
  const [namespace = '', name = ''] = text.split('/');
  return { namespace, name };
};
const inPlatform = (
  work: (world: OpenWorld) => Promise<void>,
  change: (cluster: ScenarioCluster) => void = () => {},
): Promise<void> =>
  inWorld({ scenario: 'consumers', change: ({ accounts }) => change(accounts[0]!.clusters[0]!) }, work);

describe('one object of each product', () => {
  it('uses one of the service accounts, and is found and named in the plan of each', () =>
    inPlatform(async (world) => {
      const found = consumersIn(world.backend.sandbox.world, world.cluster);
      const byAccount = Map.groupBy(found, ({ serviceAccount: { namespace, name } }) => `${namespace}/${name}`);
      expect(
        Object.fromEntries([...byAccount].map(([account, all]) => [account, all.map(({ name }) => name)])),
      ).toEqual(USED);
      expect(found.filter(({ works }) => !works)).toEqual([]);
      for (const [account, names] of Object.entries(USED)) {
        const report = await world.migrate({ serviceAccount: accountOf(account), annotation: 'remove', dryRun: true });
        expect([account, named(report)]).toEqual([account, names]);
      }
    }));

  it('goes on working unless it is accepted: all, and all but one', () =>
    inPlatform(async (world) => {
      // Version 2 of the driver needs the annotation to be removed.
      const names = USED['shop/api']!.filter((name) => name !== 'PersistentVolume/assets');
      const asked = { serviceAccount: accountOf('shop/api'), annotation: 'remove' } as const;
      const failed = watched(world);
      for (const left of names) {
        const report = await world.migrate({
          ...asked,
          accept: names.filter((name) => name !== left).map((name) => `consumer:${name}`),
        });
        expect([left, report.outcome]).toEqual([left, 'blocked']);
      }
      expect([world.changes(), [...failed]]).toEqual([[], []]);
      expect(await world.migrate({ ...asked, accept: names.map((name) => `consumer:${name}`) })).toMatchObject({
        outcome: 'migrated',
      });
      // The pods that mount the volume have started without an annotation, or with the role that their mount keeps.
      expect(broken(world)).toEqual(names);
    }));

  it.each([
    ['v1.15.0-eksbuild.1', 'blocked'],
    ['v2.0.0-eksbuild.1', 'planned'],
  ])('that is a volume of Amazon S3 depends on the driver: with %s, the removal is %s', (version, outcome) =>
    inPlatform(
      async (world) => {
        const others = USED['shop/api']!.filter((name) => name !== 'PersistentVolume/assets');
        const report = await world.migrate({
          serviceAccount: accountOf('shop/api'),
          annotation: 'remove',
          accept: others.map((name) => `consumer:${name}`),
          dryRun: true,
        });
        expect(report.outcome).toBe(outcome);
      },
      ({ addons }) => {
        for (const addon of addons) if (addon.name === 'aws-mountpoint-s3-csi-driver') addon.version = version;
      },
    ),
  );

  it('that needs the IRSA environment of its pods blocks, also if the annotation is kept, and fails if it is accepted', () =>
    inPlatform(async (world) => {
      const failed = watched(world);
      for (const [account, name] of [
        ['keda/keda-operator', 'TriggerAuthentication/shop/queue'],
        ['crossplane-system/provider-aws', 'ProviderConfig/default'],
      ] as const) {
        const blocked = await world.migrate({ serviceAccount: accountOf(account) });
        expect([account, blocked.outcome, blockedBy(blocked)]).toEqual([account, 'blocked', ['consumers']]);
        expect(check(blocked, 'consumers')?.message).toContain(name);
      }
      expect([...failed]).toEqual([]);
      const serviceAccount = accountOf('crossplane-system/provider-aws');
      const report = await world.migrate({ serviceAccount, accept: ['consumer:ProviderConfig/default'] });
      expect([report.outcome, broken(world)]).toEqual(['migrated', ['ProviderConfig/default']]);
    }));
});
