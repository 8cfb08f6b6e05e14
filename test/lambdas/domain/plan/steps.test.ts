/**
 * What a plan says that it will do: the first way in full, later ones in short, each step with its calls and its undo.
 */
import { describe, expect, it } from 'vitest';
import type { MigrationRequestInput } from '../../../../lambdas/domain/request/request.ts';
import type { Plan, PlanStep } from '../../../../lambdas/domain/record/plan.ts';
import type { AddonFacts as Facts } from '../../../../lambdas/domain/plan/facts.ts';
import { planMigration } from '../../../../lambdas/domain/plan/plan.ts';
import { planSteps } from '../../../../lambdas/domain/plan/steps.ts';
import { anAddon, anAssociation, associationArn } from '../../eks-fixtures.ts';
import { aRequest, someFacts, trusting, addonArn, ROLE, irsaStatement, policyText } from '../../fixtures.ts';
import { containing, matching } from '../../matchers.ts';

const stepsOf = (request: Partial<MigrationRequestInput> = {}, change: Partial<Facts> = {}): Plan['steps'] =>
  planMigration(someFacts({ request: aRequest(request), ...change })).steps;
const names = (steps: Plan['steps']): string[] => steps.map((step) => step.name);
const named = (steps: Plan['steps'], name: string): PlanStep => steps.find((step) => step.name === name)!;
const IN_PLACE_STEPS = ['begin', 'update-addon', 'await-active', 'verify-pods', 'confirm-ready'];
const REPLACE = ['delete-addon', 'await-deleted', 'create-addon', 'await-active'];
const RECREATE_STEPS = ['begin', ...REPLACE, 'verify-pods', 'confirm-ready'];

describe('the steps of a plan', () => {
  it.each<[string, Partial<MigrationRequestInput>, string[]]>([
    ['in place', { strategy: 'in-place' }, [...IN_PLACE_STEPS, 'finish']],
    ['recreate', { strategy: 'recreate' }, [...RECREATE_STEPS, 'finish']],
    ['recreate with preserve', { strategy: 'recreate', preserve: true }, [...RECREATE_STEPS, 'finish']],
    ['auto', {}, [...IN_PLACE_STEPS, 'recreate.2', 'finish']],
    ['auto as far as it goes', { maxDisruption: 'outage' }, [...IN_PLACE_STEPS, 'recreate.2', 'recreate.3', 'finish']],
  ])('%s: the workflow, with how each step is undone', (_, request, workflow) => {
    const steps = stepsOf(request);
    expect(names(steps)).toEqual(workflow);
    for (const step of steps) expect(step.undo).toMatch(/\w{4,}/);
  });

  it('call an outage by its name, and say less with preserve or in place', () => {
    const outages = (request: Partial<MigrationRequestInput>): string[] =>
      stepsOf(request)
        .filter((step) => step.disruption === 'outage')
        .map((step) => step.name);
    expect(outages({ strategy: 'recreate' })).toEqual(REPLACE);
    expect([outages({ strategy: 'recreate', preserve: true }), outages({})]).toEqual([[], []]);
    expect(outages({ maxDisruption: 'outage' })).toEqual(['recreate.3']);
  });

  it('tell later ways as what they are: taken only when the pods did not take it', () => {
    const steps = stepsOf({ maxDisruption: 'outage' });
    expect(named(steps, 'recreate.2')).toMatchObject({
      disruption: 'rolling',
      what: matching(
        /^if the pods do not get the new identity: delete aws-ebs-csi-driver in EKS, preserving its software/,
      ),
      calls: expect.arrayContaining(['eks:DeleteAddon (preserve)', 'eks:CreateAddon']) as string[],
    });
    expect(named(steps, 'recreate.3')).toMatchObject({
      what: matching(/^if the pods do not get the new identity: delete aws-ebs-csi-driver and its software/),
      calls: expect.arrayContaining(['eks:DeleteAddon', 'eks:CreateAddon']) as string[],
    });
  });

  it('name the associations that go and the service accounts that come', () => {
    const steps = stepsOf({ strategy: 'recreate' }, { associations: [anAssociation()] });
    expect(named(steps, 'create-addon')).toMatchObject({
      what: matching(/^delete the conflicting associations \(a-left00000000000001\), and immediately create/),
      calls: ['eks:DeletePodIdentityAssociation', 'eks:CreateAddon'],
      undo: matching(/^create the conflicting associations again, from the snapshot; delete it/),
    });
    const inPlace = named(stepsOf({}, { associations: [anAssociation()] }), 'update-addon');
    expect(inPlace.calls).toEqual(['eks:DeletePodIdentityAssociation', 'eks:UpdateAddon']);
    expect(inPlace.undo).toContain('create the conflicting associations again');
    expect(named(steps, 'create-addon').what).toContain('kube-system/ebs-csi-controller-sa');
    expect(named(stepsOf(), 'update-addon')).toMatchObject({ calls: ['eks:UpdateAddon'] });
    expect(named(stepsOf(), 'update-addon').undo).not.toContain('conflicting');
    expect(named(stepsOf(), 'update-addon').what).toContain('kube-system/ebs-csi-controller-sa');
  });

  it("describe what happens to the add-on's owned association", () => {
    const own = {
      addon: anAddon({ podIdentityAssociations: [associationArn('a-own')] }),
      associations: [anAssociation({ id: 'a-own', ownerArn: addonArn(1) })],
    };
    expect(named(stepsOf({}, own), 'update-addon').what).toContain('EKS replaces a-own');
    expect(named(stepsOf({ strategy: 'recreate' }, own), 'delete-addon').what).toContain('and with it a-own');
    expect(named(stepsOf({ strategy: 'recreate', preserve: true }, own), 'create-addon').what).toContain('a-own');
  });

  it('say what is carried over, by which calls', () => {
    const tagged = stepsOf({}, { associations: [anAssociation({ tags: { team: 'a' } })] });
    expect(names(tagged)).toEqual([
      ...IN_PLACE_STEPS.slice(0, 3),
      'carry-over',
      'verify-pods',
      'confirm-ready',
      'recreate.2',
      'finish',
    ]);
    expect(named(tagged, 'carry-over')).toMatchObject({
      what: containing('tags (team) of a-left00000000000001 for kube-system/ebs-csi-controller-sa'),
      calls: ['eks:TagResource'],
    });
    const chained = stepsOf({}, { associations: [anAssociation({ disableSessionTags: true })] });
    expect(named(chained, 'carry-over')).toMatchObject({
      what: containing('disableSessionTags of'),
      calls: ['eks:UpdatePodIdentityAssociation'],
    });
    expect(named(chained, 'recreate.2').calls).toContain('eks:UpdatePodIdentityAssociation');
  });

  it('describe what happens to fields of other managers', () => {
    expect(named(stepsOf(), 'update-addon').what).toContain('kept');
    expect(named(stepsOf({ resolveConflicts: 'OVERWRITE' }), 'update-addon').what).toContain('reset');
    expect(
      named(stepsOf({ strategy: 'recreate', preserve: true, resolveConflicts: 'OVERWRITE' }), 'create-addon').what,
    ).toContain('reset');
  });

  it('begin with the repair of trust policies, where the plan has one, whichever way is taken', () => {
    const repair = { trust: 'repair' } as const;
    const facts = { roles: trusting(policyText(irsaStatement)), repairableRoleArns: [ROLE] };
    expect(names(stepsOf({ ...repair, strategy: 'in-place' }, facts))).toEqual([
      'begin',
      'repair-trust',
      ...IN_PLACE_STEPS.slice(1),
      'finish',
    ]);
    const steps = stepsOf({ ...repair, strategy: 'recreate' }, facts);
    expect(names(steps)).toEqual(['begin', 'repair-trust', ...RECREATE_STEPS.slice(1), 'finish']);
    expect(named(steps, 'repair-trust')).toEqual({
      name: 'repair-trust',
      what: 'add one statement that allows EKS Pod Identity to the trust policy of role ebs-csi (for kube-system/ebs-csi-controller-sa); keep the other statements, and read the policy back',
      calls: ['iam:UpdateAssumeRolePolicy'],
      disruption: 'none',
      undo: 'remove the statement',
    });
  });

  it('name the level that each step of the verification reaches, and how long the pods are observed', () => {
    expect(named(stepsOf(), 'verify-pods').what).toContain('(level injected)');
    expect(named(stepsOf(), 'confirm-ready')).toMatchObject({
      what: 'wait 60 seconds, then check that the pods stayed ready and no container restarted (level ready); observe again if not, at most 3 times',
      calls: [],
      disruption: 'none',
    });
    for (const verification of ['injected', 'api'] as const)
      expect(names(stepsOf({ verification }))).not.toContain('confirm-ready');
  });

  it('are none without a way', () => {
    const none = { attempts: [], planned: [], purge: [], goWithAddon: [], carryOver: [], trustRepairs: [] };
    expect(planSteps({ addon: 'x', verification: 'ready', ...none })).toEqual([]);
  });
});
