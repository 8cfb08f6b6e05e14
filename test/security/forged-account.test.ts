/**
 * Covers for service accounts without an add-on what forged-ledger.test.ts covers for add-ons: a record of one service
 * account gives no access to another one.
 */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AnnotationChange, Migration, Snapshot } from '../../lambdas/domain/record/migration.ts';
import type { Association } from '../../lambdas/domain/terms/observed.ts';
import type { Plan } from '../../lambdas/domain/record/plan.ts';
import { parseScenario } from '../../sandbox/build/load.ts';
import type { Scenario } from '../../sandbox/scenario/scenario.ts';
import { scenarioFile } from '../end-to-end/fixture.ts';
import { exchangedIn, type Forge, type Forgery, forgeMigration, resealed } from './forged.ts';
import {
  ADMIN,
  changesIn,
  deploy,
  type Deployment,
  type HostileWorld,
  inHostileWorld,
  NARROW,
  roleArn,
  stateOf,
} from './hostile.ts';
import { matching } from '../lambdas/matchers.ts';

const API = { namespace: 'payments', name: 'api' };
const WEB = { namespace: 'payments', name: 'web' };
const ELSEWHERE = { namespace: 'shop', name: 'api' };
const OWN_ROLE = roleArn('eks-addons/payments-prod-api');
/** `addon`: the world has no add-on. */
const ASKED = { addon: undefined, serviceAccount: API };
const FILE = scenarioFile('service-account-irsa');

/**
 * Its role may be passed. This service account and others already have a third-party association; an administrator's
 * role trusts all of them too.
 */
function accountScenario(): Scenario {
  const scenario = parseScenario(readFileSync(FILE, 'utf8').replaceAll(':role/', ':role/eks-addons/'), FILE);
  const [account] = scenario.accounts;
  account!.roles.push({ ...structuredClone(account!.roles[0]!), arn: ADMIN });
  account!.clusters[0]!.associations = [API, WEB, ELSEWHERE].map(({ namespace, name }) => ({
    namespace,
    serviceAccount: name,
    roleArn: OWN_ROLE,
    tags: {},
    createdAt: '2026-01-10T09:00:00.000Z',
  }));
  return scenario;
}

let narrow: Deployment;
beforeAll(async () => void (narrow = await deploy(NARROW)));
afterAll(() => narrow.remove());

const inside = <T>(work: (world: HostileWorld) => Promise<T>): Promise<T> =>
  inHostileWorld({ scenario: accountScenario(), deployment: narrow }, work);

describe('the plan for a service account that is exchanged before begin', () => {
  const withRole = (plan: Plan, arn: string): Plan => ({
    ...plan,
    associations: plan.associations.map((one) => ({ ...one, roleArn: arn })),
  });

  it.each<[string, Forge, RegExp]>([
    [
      'for one with another role',
      (record, plan) => ({ ...record, plan: withRole(plan, ADMIN) }),
      /BadInput: .*content does not match its hash/,
    ],
    [
      'together with its request, for another cluster',
      (record, plan) =>
        resealed(
          {
            ...record,
            request: { ...record.request, target: { ...record.request.target, cluster: 'reliability-dev' } },
          },
          plan,
        ),
      /BadInput: .*of cluster reliability-dev/,
    ],
    [
      'for one that removes the annotation',
      (record, plan) => resealed({ ...record, request: { ...record.request, annotation: 'remove' } }, plan),
      /BadInput: .*not the plan that the step plan made/,
    ],
  ])('%s is refused', async (_, forge, why) =>
    expect(await inside((world) => exchangedIn(world, forge, ASKED))).toMatch(why),
  );
});

const NOTED: AnnotationChange = { notedAt: '2026-01-15T08:00:00.000Z', writtenAt: '2026-01-15T08:00:00.000Z' };
const associationOf = (there: readonly Association[], { namespace, name }: typeof API): Association =>
  there.find((one) => one.namespace === namespace && one.serviceAccount === name)!;

/**
 * The record claims that the migration has created the association of its service account and removed its annotation,
 * so that a rollback would have something to do.
 */
const CLAIMED: Forgery<Snapshot> = {
  asked: { ...ASKED, annotation: 'remove' },
  record: () => ({ annotationChange: NOTED }),
  snapshot: (real) => ({ ...real, associations: [] }),
  created: (there) => [associationOf(there, API)],
};

/** Left by a stopped execution: no person has decided anything, as would be the case after `needs-human`. */
const UNDECIDED: Forgery<Snapshot> = {
  record: () => ({ annotationChange: NOTED, status: 'running', outcome: undefined, endedAt: undefined }),
};

/** Returns the result of asking Recover to roll it back; `prepare` receives the world once the record is written. */
const attempted = (forgery: Forgery<Snapshot>, prepare: (world: HostileWorld) => void = () => {}) =>
  inside(async (world) => {
    const migrationId = await forgeMigration(world, { ...CLAIMED, ...forgery });
    prepare(world);
    const before = stateOf(world);
    const { status, error, cause = '' } = await world.recover(migrationId);
    expect([stateOf(world), changesIn(world), status]).toEqual([before, [], 'FAILED']);
    return { error, cause, locks: await world.backend.ledger.listHeldLocks() };
  });

describe('a forged migration of a service account', () => {
  type Account = NonNullable<Snapshot['serviceAccount']>;
  const withAccount = (change: (real: Account) => Account): Forgery<Snapshot> => ({
    snapshot: (real) => ({ ...real, associations: [], serviceAccount: change(real.serviceAccount!) }),
  });
  const asking = (change: (real: Migration) => Partial<Migration>): Forgery<Snapshot> => ({
    record: (real) => ({ annotationChange: NOTED, ...change(real) }),
  });

  it.each<[string, Forgery<Snapshot>]>([
    ['whose snapshot is of another service account', withAccount((real) => ({ ...real, ...WEB }))],
    [
      'that claims to have created an association of another service account',
      { created: (there) => [associationOf(there, WEB)] },
    ],
    [
      'whose request is for another cluster',
      asking(({ request }) => ({ request: { ...request, target: { ...request.target, cluster: 'reliability-dev' } } })),
    ],
  ])('%s is refused before a lock is taken', async (_, forgery) => {
    const cause = matching(/BadInput.*does not belong to its subject/);
    expect(await attempted(forgery)).toEqual({ error: 'RecoveryFailed', cause, locks: [] });
  });

  it.each<[string, (real: Account) => Account, RegExp]>([
    [
      'names the service account with another uid',
      (real) => ({ ...real, uid: '00000000-0000-4000-8000-000000000000' }),
      /RestoreRefused: The annotation was not restored: another principal has deleted service account payments\/api and created it again/,
    ],
    [
      "has an administrator's role in the annotation, which now has another value",
      (real) => ({ ...real, roleArn: ADMIN }),
      /RestoreRefused: The annotation was not restored: another principal has set the annotation eks\.amazonaws\.com\/role-arn of service account payments\/api/,
    ],
  ])('whose snapshot %s needs a person and changes nothing', async (_, account, why) =>
    expect(await attempted({ ...UNDECIDED, ...withAccount(account) })).toMatchObject({
      error: 'NeedsHuman',
      cause: matching(why),
    }),
  );

  it("that would write an administrator's role into a missing annotation is refused, because the deployment may not grant it to pods", async () => {
    const ended = await attempted(
      withAccount((real) => ({ ...real, roleArn: ADMIN })),
      ({ cluster }) => {
        const account = [...cluster.kube.objects.get('serviceaccounts.')!.values()].find(
          ({ metadata: { namespace, name } }) => namespace === API.namespace && name === API.name,
        )!;
        Object.assign(account.metadata, { annotations: {}, resourceVersion: `${account.metadata.resourceVersion}0` });
      },
    );
    expect(ended).toMatchObject({
      error: 'NeedsHuman',
      cause: matching(/RestoreRefused: The annotation was not restored: this deployment may not pass \S+:role\/admin/),
    });
  });

  it("that claims to have created an add-on's association deletes nothing", async () => {
    const ended = await attempted(UNDECIDED, ({ cluster }) => {
      const one = [...cluster.associations.values()].find(
        ({ namespace, serviceAccount }) => namespace === API.namespace && serviceAccount === API.name,
      )!;
      one.ownerArn = 'arn:aws:eks:eu-west-1:111122223333:addon/payments-prod/some-addon/1';
    });
    const cause = matching(/RestoreRefused: Association .* was created outside this migration/);
    expect(ended).toMatchObject({ error: 'NeedsHuman', cause });
  });

  it.each<[string, () => Partial<NonNullable<Snapshot['serviceAccount']>>]>([
    ['is coherent in itself', () => ({})],
    ['knows its service account by another uid', () => ({ uid: '00000000-0000-4000-8000-000000000000' })],
    ["has an administrator's role in the annotation, which is there with another", () => ({ roleArn: ADMIN })],
  ])('that %s is accepted after needs-human, and affects only its own service account', (_, forge) =>
    inside(async (world) => {
      const migrationId = await forgeMigration(world, {
        ...CLAIMED,
        ...withAccount((real) => ({ ...real, ...forge() })),
      });
      await world.recover(migrationId);
      const left = [...world.cluster.associations.values()].filter(({ deletedUntil }) => deletedUntil === undefined);
      expect(changesIn(world)).toEqual(['eks:DeletePodIdentityAssociation']);
      expect(left.map((one) => `${one.namespace}/${one.serviceAccount}`)).toEqual(['payments/web', 'shop/api']);
    }),
  );
});

describe('a snapshot that is exchanged during a migration', () => {
  it.each<[string, (real: Snapshot) => Snapshot]>([
    [
      'for one of another service account',
      (real) => ({ ...real, serviceAccount: { ...real.serviceAccount!, ...WEB } }),
    ],
    [
      'for one that plans another one',
      (real) => ({ ...real, planned: real.planned.map((one) => ({ ...one, serviceAccount: WEB.name })) }),
    ],
    [
      'for one that plans another role',
      (real) => ({ ...real, planned: real.planned.map((one) => ({ ...one, roleArn: ADMIN })) }),
    ],
  ])('%s has no effect: no association, restart or annotation, in the workflow or the rollback', (_, forge) =>
    inside(async (world) => {
      world.cluster.associations.clear();
      const name = world.backend.ids.ulid();
      const before = stateOf(world);
      const isBegun = ({ step, operation, status }: { step?: string; operation: string; status: number }): boolean =>
        step === 'begin' && operation === 'PutItem' && status === 200;
      world.onFirst(isBegun, async () => {
        const snapshot = forge((await world.backend.ledger.getSnapshot(name))!);
        await world.forge(`MIGRATION#${name}`, 'SNAPSHOT', { snapshot });
      });
      expect((await world.ask({ ...ASKED, annotation: 'remove' }, { name })).cause).toMatch(
        /BadInput: The ledger's record of migration \w+ is not used: .* does not belong to/,
      );
      expect([changesIn(world), stateOf(world)]).toEqual([[], before]);
    }),
  );
});
