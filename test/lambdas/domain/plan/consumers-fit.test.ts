/** A service account that only third-party software uses: IRSA is the better fit, until each object is accepted. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Check } from '../../../../lambdas/domain/terms/check.ts';
import type { MigrationRequestInput } from '../../../../lambdas/domain/request/request.ts';
import type { Plan } from '../../../../lambdas/domain/record/plan.ts';
import { checkConsumersFit } from '../../../../lambdas/domain/plan/consumers-fit.ts';
import type { ServiceAccountFacts } from '../../../../lambdas/domain/plan/facts.ts';
import { planServiceAccount } from '../../../../lambdas/domain/plan/service-account.ts';
import { accountFacts, ACCOUNT_NAME, ACCOUNT_NAMESPACE, anAccountRequest, SUBJECT } from '../../account-fixtures.ts';
import { aSecretStore, notAllowed, readStores, SECRET_STORES } from '../../consumer-objects.ts';
import { said } from '../../matchers.ts';
import { forAll } from '../../../for-all.ts';

const aStore = (name = 'aws', account = ACCOUNT_NAME): object => aSecretStore(name, ACCOUNT_NAMESPACE, account);
const STORE = `SecretStore/${ACCOUNT_NAMESPACE}/aws`;
const OTHER = `SecretStore/${ACCOUNT_NAMESPACE}/other`;
const own = accountFacts();
const IDLE = { pods: [], workloads: [] };

const factsWith = (
  stores: object[],
  request: Partial<MigrationRequestInput> = {},
  change: Partial<ServiceAccountFacts> = {},
): ServiceAccountFacts =>
  accountFacts({ request: anAccountRequest(request), consumers: readStores(stores), ...IDLE, ...change });
const planOf = (...given: Parameters<typeof factsWith>): Plan => planServiceAccount(factsWith(...given));
const fitOf = ({ checks }: Plan): Check | undefined => checks.find(({ id }) => id === 'consumers-fit');

describe('a service account without pods that a SecretStore uses', () => {
  it('keeps IRSA, whether its annotation goes or not, and has the reason first', () => {
    for (const annotation of ['keep', 'remove'] as const) {
      const plan = planOf([aStore()], { annotation });
      expect([plan.verdict, plan.checks[0]]).toMatchObject([
        'keep-irsa',
        {
          id: 'consumers-fit',
          status: 'fail',
          keepIrsa: true,
          message: `No pod, Deployment, StatefulSet or DaemonSet has service account ${SUBJECT}, so that an association would give credentials to nothing. 1 object uses its web identity: ${STORE} gets tokens for it (spec.provider.aws.auth.jwt).`,
        },
      ]);
      expect(plan.checks[0]?.remedy).toMatch(
        /^Keep IRSA for it\. To let this object use EKS Pod Identity: .*Remove auth\.jwt.* If pods will use the service account, accept this \(in a request: accept\): --accept consumer:SecretStore\/payments\/aws$/,
      );
      expect([plan.steps, plan.attempts]).toEqual([[], []]);
    }
  });

  it('is migrated once each object is accepted by its name, and not before', () => {
    const stores = [aStore(), aStore('other')];
    expect(planOf(stores, { accept: [`consumer:${STORE}`] }).verdict).toBe('keep-irsa');
    expect(fitOf(planOf(stores, { accept: [`consumer:${STORE}`] }))?.remedy).toMatch(/: --accept consumer:\S+\/other$/);
    const accepted = { accept: [`consumer:${STORE}`, `consumer:${OTHER}`] };
    expect(fitOf(planOf(stores, accepted))).toMatchObject(
      said('warn', /The request accepts this: \S+\/aws, \S+\/other\.$/),
    );
    expect(planOf(stores, accepted).verdict).not.toBe('keep-irsa');
  });

  it.each<[string, object[], Partial<ServiceAccountFacts>]>([
    ['a pod has it', [aStore()], { pods: own.pods }],
    ['a pod that has ended had it', [aStore()], { pods: own.pods!.map((pod) => ({ ...pod, phase: 'Succeeded' })) }],
    ['a workload has it', [aStore()], { workloads: own.workloads }],
    ['an idle workload has it', [aStore()], { workloads: own.workloads!.map((one) => ({ ...one, desired: 0 })) }],
    ['nothing uses its web identity', [], {}],
    ['the store uses another one', [aStore('aws', 'other')], {}],
    ['the pods were not read', [aStore()], { pods: undefined }],
    ['the workloads were not read', [aStore()], { workloads: undefined }],
    ['consumers were not read', [], { consumers: undefined }],
    ['the stores could not be read', [], { consumers: readStores([], [notAllowed(SECRET_STORES)]) }],
  ])('is no reason if %s', (_, stores, change) => expect(checkConsumersFit(factsWith(stores, {}, change))).toEqual([]));
});

it('keeps IRSA exactly while an object that uses it is not accepted', () => {
  const names = ['a', 'b', 'c'];
  forAll(fc.subarray(names), fc.subarray(names), (stores, accepted) => {
    const acceptedConsumers = accepted.map((name) => `SecretStore/${ACCOUNT_NAMESPACE}/${name}`);
    const checks = checkConsumersFit(
      factsWith(
        stores.map((name) => aStore(name)),
        { accept: acceptedConsumers.map((name) => `consumer:${name}`) },
      ),
    );
    expect(checks.map(({ status }) => status)).toEqual(
      stores.length === 0 ? [] : [stores.every((name) => accepted.includes(name)) ? 'warn' : 'fail'],
    );
  });
});
