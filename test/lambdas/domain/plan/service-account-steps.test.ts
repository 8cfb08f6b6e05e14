/** What a plan for a service account says that it will do, and what its hash binds. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { MigrationRequestInput } from '../../../../lambdas/domain/request/request.ts';
import type { Plan } from '../../../../lambdas/domain/record/plan.ts';
import type { ServiceAccountFacts } from '../../../../lambdas/domain/plan/facts.ts';
import { hashOf } from '../../../../lambdas/domain/plan/hash.ts';
import { planServiceAccount } from '../../../../lambdas/domain/plan/service-account.ts';
import { accountIrsaStatement } from '../../account-example.ts';
import {
  accountFacts,
  accountPlan,
  anAccountAssociation,
  anAccountRequest,
  aState,
  plannedAccount,
} from '../../account-fixtures.ts';
import { offeredVersions, OTHER_ROLE, policyText, ROLE, ROLES_OF_ACCOUNT, trusting } from '../../fixtures.ts';
import { forAll } from '../../../for-all.ts';

const planOf = (request: Partial<MigrationRequestInput> = {}, change: Partial<ServiceAccountFacts> = {}): Plan =>
  planServiceAccount(accountFacts({ request: anAccountRequest(request), ...change }));
const names = ({ steps }: Plan): string[] => steps.map(({ name }) => name);
const stepOf = ({ steps }: Plan, name: string): Plan['steps'][number] => steps.find((one) => one.name === name)!;

describe('steps', () => {
  const ASSOCIATES = ['create-association', 'verify-pods', 'confirm-ready'];
  it('are an association and a look at the pods, between the lock and the end', () => {
    const plan = planOf();
    const undo = 'delete the association, and restart its pods, which then use IRSA again';
    expect(names(plan)).toEqual(['begin', ...ASSOCIATES, 'finish']);
    expect(stepOf(plan, 'create-association')).toEqual({
      name: 'create-association',
      what: `associate payments/api with ${ROLE}; running pods keep their identity`,
      calls: ['eks:CreatePodIdentityAssociation'],
      disruption: 'none',
      undo,
    });
    expect(stepOf(plan, 'verify-pods')).toMatchObject({ disruption: 'rolling', undo });
  });

  it('create nothing if an association is kept, and delete nothing of it', () => {
    const plan = planOf({}, { associations: [anAccountAssociation()] });
    expect(stepOf(plan, 'create-association')).toMatchObject({
      what: `make sure that association a-there0000000000001 still gives payments/api role ${ROLE}`,
      calls: [],
      undo: 'none needed',
    });
    expect(stepOf(plan, 'verify-pods').undo).toBe('restart its pods');
  });

  it('remove the annotation after the verification, if requested', () => {
    const plan = planOf({ annotation: 'remove' });
    expect(names(plan)).toEqual(['begin', ...ASSOCIATES, 'annotate-service-account', 'finish']);
    expect(stepOf(plan, 'annotate-service-account')).toMatchObject({
      what: 'remove the annotation eks.amazonaws.com/role-arn from payments/api',
      calls: ['kubernetes: patch of the service account'],
      disruption: 'none',
      undo: 'set it again from the snapshot',
    });
  });

  it('install the agent and repair the trust before anything else changes', () => {
    const plan = planOf(
      { agent: 'install', trust: 'repair' },
      {
        agentAddon: undefined,
        agentWorkload: undefined,
        agentPods: undefined,
        agentOffered: offeredVersions(),
        roles: trusting(policyText(accountIrsaStatement)),
        repairableRoleArns: [ROLES_OF_ACCOUNT],
      },
    );
    expect(plan.checks.filter(({ status }) => status === 'fail' || status === 'unknown')).toEqual([]);
    expect(names(plan)).toEqual(['begin', 'install-agent', 'repair-trust', ...ASSOCIATES, 'finish']);
    expect(plan.trustRepairs).toMatchObject([{ roleArn: ROLE }]);
  });

  it('restart nothing if the request is verified by the EKS API', () =>
    expect(stepOf(planOf({ verification: 'api' }), 'verify-pods')).toMatchObject({ calls: [], disruption: 'none' }));

  it('never name what is done to an add-on', () => {
    for (const request of [{}, { annotation: 'remove' as const }, { verification: 'api' as const }])
      expect(JSON.stringify(planOf(request).steps)).not.toMatch(/add-on|eks:(Create|Update|Delete)Addon/);
  });

  it('are none if nothing changes', () => expect(planOf({}, { serviceAccount: undefined }).steps).toEqual([]));
});

describe('hash', () => {
  const hash = (change: Partial<Plan> = {}, request: Partial<MigrationRequestInput> = {}): string =>
    accountPlan(change, anAccountRequest(request)).hash;
  const { hash: own, ...content } = accountPlan();

  it('can be computed again from stored data, in any order of keys', () => {
    const serviceAccount = Object.fromEntries(Object.entries(aState()).toReversed()) as ReturnType<typeof aState>;
    expect(hashOf({ ...content, serviceAccount }, anAccountRequest())).toBe(own);
  });

  it.each<[string, Partial<Plan>, Partial<MigrationRequestInput>]>([
    ['another handling of the annotation', {}, { annotation: 'remove' }],
    ['another service account', {}, { serviceAccount: { namespace: 'payments', name: 'web' } }],
    ['the same name in another namespace', {}, { serviceAccount: { namespace: 'shop', name: 'api' } }],
    ['another uid', { serviceAccount: aState({ uid: 'another' }) }, {}],
    ['another annotation', { serviceAccount: aState({ roleArn: OTHER_ROLE }) }, {}],
    ['no annotation', { serviceAccount: aState({ roleArn: undefined }) }, {}],
    ['another one who set it', { serviceAccount: aState({ annotatedBy: ['helm'] }) }, {}],
    ['a service account that was not seen', { serviceAccount: undefined }, {}],
    ['an association that is there', { existing: ['a-1'] }, {}],
    ['another role', { associations: [{ ...plannedAccount, roleArn: OTHER_ROLE }] }, {}],
    ['another way', { attempts: [] }, {}],
  ])('is another one with %s', (_, change, request) => expect(hash(change, request)).not.toBe(own));

  it('is of one decision alone', () => {
    const decisions = fc.record({
      annotation: fc.constantFrom('keep' as const, 'remove' as const),
      uid: fc.constantFrom('u-1', 'u-2'),
      roleArn: fc.constantFrom(undefined, ROLE, OTHER_ROLE),
      existing: fc.subarray(['a-1', 'a-2']),
    });
    forAll(decisions, decisions, (a, b) => {
      const [first, second] = [a, b].map(({ annotation, uid, roleArn, existing }) =>
        hash({ serviceAccount: aState({ uid, roleArn }), existing }, { annotation }),
      );
      expect(first === second).toBe(JSON.stringify(a) === JSON.stringify(b));
    });
  });
});
