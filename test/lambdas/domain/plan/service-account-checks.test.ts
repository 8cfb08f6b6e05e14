/**
 * Of the workloads that run with a service account: whether a restart gives each pod a successor, and what that
 * disturbs. And of its annotation: who would set it again.
 */
import { describe, expect, it } from 'vitest';
import type { Check } from '../../../../lambdas/domain/terms/check.ts';
import type { MigrationRequestInput } from '../../../../lambdas/domain/request/request.ts';
import type { ServiceAccountFacts } from '../../../../lambdas/domain/plan/facts.ts';
import { checkAnnotation, checkOwner, checkRollout } from '../../../../lambdas/domain/plan/service-account-checks.ts';
import { planServiceAccount } from '../../../../lambdas/domain/plan/service-account.ts';
import {
  accountFacts,
  anAccountAssociation,
  anAccountPod,
  anAccountRequest,
  anAccountWorkload,
  aState,
} from '../../account-fixtures.ts';
import { addonArn } from '../../fixtures.ts';
import { said, containing } from '../../matchers.ts';

const factsOf = (request: Partial<MigrationRequestInput>, change: Partial<ServiceAccountFacts>): ServiceAccountFacts =>
  accountFacts({ request: anAccountRequest(request), ...change });
const rollout = (change: Partial<ServiceAccountFacts>, request: Partial<MigrationRequestInput> = {}): Check[] =>
  checkRollout(factsOf(request, change));
const verdict = (change: Partial<ServiceAccountFacts>, request: Partial<MigrationRequestInput> = {}): string =>
  planServiceAccount(factsOf(request, change)).verdict;

const job = anAccountPod('irsa', { name: 'nightly-1', owner: { kind: 'Job', name: 'nightly' } });
const { owner: _, ...bare } = anAccountPod('irsa', { name: 'debug' });
const database = anAccountWorkload({ kind: 'StatefulSet', name: 'db' });
const ofDatabase = anAccountPod('irsa', { name: 'db-0', owner: { kind: 'StatefulSet', name: 'db' } });

const ofOther = (kind: string) => anAccountPod('irsa', { name: 'roll-1', owner: { kind, name: 'roll' } });
const OF_API = /api-1 \(of Deployment api\)/;
const paused = { workloads: [anAccountWorkload({ heldBack: 'it is paused' })] };
const ofWeb = { workloads: [anAccountWorkload({ serviceAccount: 'web' })] };

describe('rollout', () => {
  it('names the workloads whose pods a restart replaces', () => {
    const pods = [anAccountPod('irsa'), ofDatabase];
    const message = 'A rolling restart replaces the pods of Deployment api, StatefulSet db.';
    expect(rollout({ pods, workloads: [anAccountWorkload(), { ...database, desired: 3 }] })).toEqual([
      { id: 'rollout', status: 'pass', message },
    ]);
  });

  it.each<[string, Partial<ServiceAccountFacts>, RegExp]>([
    ['a workload is held back', paused, /^A restart would not replace the pods of Deployment api: it is paused\.$/],
    ['a pod is of nobody', { pods: [anAccountPod('irsa'), bare] }, /none of them owns: debug \(no controller\)\.$/],
    ["a pod's owner is of no kind that is restarted", { pods: [ofOther('Rollout')] }, /roll-1 \(of Rollout roll\)/],
    ['a pod is of a ReplicaSet by itself', { pods: [ofOther('ReplicaSet')] }, /roll-1 \(of ReplicaSet roll\)/],
    ["a pod's workload could not be read", { workloads: [] }, /api-1 \(of Deployment api\)/],
    ["a pod's workload is scaled to zero", { workloads: [anAccountWorkload({ desired: 0 })] }, OF_API],
    ["a pod's workload makes its next ones with another service account", ofWeb, OF_API],
  ])('fails where %s, and blocks', (_name, change, message) => {
    expect(rollout(change)).toMatchObject([{ id: 'rollout', ...said('fail', message, '--verification api') }]);
    expect(verdict(change)).toBe('blocked');
  });

  it('does not care for what does not run with it, or not any more', () => {
    const pods = [
      anAccountPod('irsa'),
      { ...bare, serviceAccount: 'web' },
      { ...bare, name: 'gone', terminating: true },
      { ...bare, name: 'done', phase: 'Succeeded' },
      { ...bare, name: 'dead', phase: 'Failed' },
    ];
    const workloads = [
      anAccountWorkload(),
      anAccountWorkload({ name: 'web', serviceAccount: 'web', heldBack: 'it is paused', recreates: true }),
      anAccountWorkload({ name: 'off', desired: 0, heldBack: 'it is paused' }),
    ];
    expect(rollout({ pods, workloads }).map(({ status }) => status)).toEqual(['pass']);
  });

  it('warns of pods of Jobs, which keep their identity, and goes on', () => {
    const change = { pods: [anAccountPod('irsa'), job] };
    const why = /^Pods of Jobs are not restarted: nightly-1 \(of Job nightly\)\..*keep the old identity until they end/;
    expect(rollout(change)).toMatchObject([{ id: 'rollout', ...said('warn', why) }, { status: 'pass' }]);
    expect(verdict(change)).toBe('migrate');
    expect(rollout({ pods: [job], workloads: [] }).map(({ status }) => status)).toEqual(['warn']);
  });

  it.each<[string, Partial<ServiceAccountFacts>, Partial<MigrationRequestInput>]>([
    ['where no pod was seen', { pods: undefined }, {}],
    ['where what EKS says is enough: nothing is restarted', { pods: [bare], ...paused }, { verification: 'api' }],
  ])('says nothing %s', (_name, change, request) => expect(rollout(change, request)).toEqual([]));
});

describe('max-disruption', () => {
  const recreating = { workloads: [anAccountWorkload({ recreates: true, desired: 3 })] };
  const single = { pods: [ofDatabase], workloads: [database] };
  const losing: [string, Partial<ServiceAccountFacts>, string][] = [
    ['a Deployment with strategy Recreate', recreating, 'Deployment api (strategy Recreate)'],
    ['a StatefulSet of one replica', single, 'StatefulSet db (one replica)'],
  ];
  const disruption = (...given: Parameters<typeof rollout>) =>
    rollout(...given).find(({ id }) => id === 'max-disruption');

  it.each(losing)('of %s blocks where no more than rolling pods are allowed', (_name, change, named) => {
    const why = `workloads briefly have no ready pod: ${named}`;
    const fails = said('fail', why, '--max-disruption outage');
    expect(disruption(change, { maxDisruption: 'rolling' })).toMatchObject(fails);
    expect(verdict(change, { maxDisruption: 'rolling' })).toBe('blocked');
  });
  it.each(losing)('of %s warns where nothing was said', (_name, change, named) =>
    expect([disruption(change, {}), verdict(change)]).toMatchObject([said('warn', named), 'migrate']),
  );
  it.each(losing)('of %s is silent where an outage is allowed', (_name, change) => {
    expect(disruption(change, { maxDisruption: 'outage' })).toBeUndefined();
    expect(verdict(change, { maxDisruption: 'outage' })).toBe('migrate');
  });
  it('is not about what keeps a pod ready', () => {
    for (const workloads of [
      [anAccountWorkload()],
      [anAccountWorkload(), { ...database, desired: 2 }],
      [anAccountWorkload(), anAccountWorkload({ kind: 'DaemonSet', name: 'each' })],
    ])
      expect(disruption({ workloads }, { maxDisruption: 'rolling' })).toBeUndefined();
  });
});

describe('service-account-owner', () => {
  it("is no add-on if the association is standalone and the annotation is not EKS's", () => {
    const associations = [anAccountAssociation()];
    for (const annotatedBy of [[], ['helm'], ['eksctl'], ['kubectl-annotate', 'argocd-controller']]) {
      const facts = factsOf({}, { associations, serviceAccount: aState({ annotatedBy }) });
      expect(checkOwner(facts)).toMatchObject([{ status: 'pass' }]);
    }
  });
  it('goes by the association where the API server was closed', () => {
    const associations = [anAccountAssociation({ ownerArn: addonArn(1, 'vpc-cni') })];
    const message = 'Service account payments/api belongs to add-on vpc-cni.';
    const found = checkOwner(factsOf({}, { serviceAccount: undefined, associations }));
    expect(found).toMatchObject([{ status: 'fail', message }]);
  });
});

describe('annotation', () => {
  const ANNOTATION = 'The annotation eks.amazonaws.com/role-arn of payments/api';
  const annotation = (annotatedBy: string[], request: Partial<MigrationRequestInput> = { annotation: 'remove' }) =>
    checkAnnotation(factsOf(request, { serviceAccount: aState({ annotatedBy }) }));

  it('that is kept is not spoken of', () => expect(annotation(['helm'], {})).toEqual([]));
  it.each<[string, string[]]>([
    ['nobody that is known', []],
    ['a person with kubectl annotate', ['kubectl-annotate']],
    ['this service, which put it back', ['eks-pod-identity-migrator']],
  ])('that was set by %s is simply taken off', (_name, by) => {
    const message = `${ANNOTATION} is removed once the pods are verified.`;
    expect(annotation(by)).toEqual([{ id: 'annotation', status: 'pass', message }]);
  });
  it.each([['helm'], ['kubectl-client-side-apply'], ['kubectl-annotate', 'helm', 'argocd-controller']])(
    'that was set by %s, … may be set again: a warning that does not block',
    (...by) => {
      const told = by.filter((one) => one !== 'kubectl-annotate').join(', ');
      const message = `${ANNOTATION} was set by ${told}, which may set it again after its removal.`;
      expect(annotation(by)).toMatchObject([{ id: 'annotation', status: 'warn', message }]);
      expect(verdict({ serviceAccount: aState({ annotatedBy: by }) }, { annotation: 'remove' })).toBe('migrate');
    },
  );
  it('that could not be seen can not be taken off', () => {
    const remedy = containing('omit --annotation remove');
    const found = checkAnnotation(factsOf({ annotation: 'remove' }, { serviceAccount: undefined }));
    expect(found).toMatchObject([{ status: 'fail', remedy }]);
  });
});
