import { describe, expect, it } from 'vitest';
import type { ManagedFields, Workload } from '../../../../lambdas/domain/kubernetes/objects.ts';
import type { Check } from '../../../../lambdas/domain/terms/check.ts';
import type { MigrationRequestInput } from '../../../../lambdas/domain/request/request.ts';
import type { Plan, Attempt } from '../../../../lambdas/domain/record/plan.ts';
import { foreignFields, workloadsOfAddon } from '../../../../lambdas/domain/plan/field-managers.ts';
import { planMigration } from '../../../../lambdas/domain/plan/plan.ts';
import { agentDaemonSet, aWorkload, planned, someWorkloads } from '../../eks-fixtures.ts';
import { aRequest, IN_PLACE, RECREATE, RECREATE_PRESERVING, someFacts } from '../../fixtures.ts';
import { matching } from '../../matchers.ts';

const IMAGE = '.spec.template.spec.containers[name="ebs-plugin"].image';
const RESTARTED = '.spec.template.metadata.annotations["kubectl.kubernetes.io/restartedAt"]';
const RESTARTED_FOR = '.spec.template.metadata.annotations["eks-pod-identity-migrator/restarted-for"]';
const withFields = (...managedFields: ManagedFields[]): Workload => aWorkload({ managedFields });
const by = (manager: string, ...fields: string[]): ManagedFields => ({ manager, fields });
const foreign = (...managedFields: ManagedFields[]) => foreignFields([withFields(...managedFields)]);

const workload = 'Deployment ebs-csi-controller';

describe('foreignFields', () => {
  const others = [by('kubectl-edit', IMAGE, '.spec.replicas'), by('helm', '.metadata.labels["x"]')];
  it('are those that others own, by workload and manager', () =>
    expect(foreign(by('eks', '.spec.selector'), ...others)).toEqual(others.map((one) => ({ workload, ...one }))));
  it.each<[string, ManagedFields[]]>([
    ['EKS', [by('eks', IMAGE)]],
    ['a note', [by('kube-controller-manager', '.metadata.annotations.deployment.kubernetes.io/revision')]],
    ['this service', [by('eks-pod-identity-migrator', RESTARTED_FOR)]],
    ['this service under any name', [by('unknown', RESTARTED_FOR)]],
    ['a manager that sets the same value as EKS', [by('eks', IMAGE), by('argocd', IMAGE)]],
  ])('are none of %s', (_, fields) => expect(foreign(...fields)).toEqual([]));
  it('name the subresource that they were written through', () => {
    const scaled = { manager: 'kube-controller-manager', subresource: 'scale', fields: ['.spec.replicas'] };
    expect(foreign(by('eks', IMAGE), scaled)).toEqual([{ workload, ...scaled }]);
  });
});

it('workloadsOfAddon are those of the planned service accounts, and those with the same name label', () => {
  const unlabelled = aWorkload({ name: 'own', labels: {} });
  const other = aWorkload({ name: 'other', serviceAccount: 'other', labels: {} });
  const found = workloadsOfAddon([...someWorkloads(), unlabelled, other], [planned]);
  expect(found.map(({ name }) => name)).toEqual(['ebs-csi-controller', 'ebs-csi-node', 'own']);
});

describe('check field-managers', () => {
  const planOf = (request: Partial<MigrationRequestInput>, ...managedFields: ManagedFields[]): Plan =>
    planMigration(someFacts({ request: aRequest(request), workloads: [withFields(...managedFields)] }));
  const check = (plan: Plan): Check => plan.checks.find((one) => one.id === 'field-managers')!;
  const edited = by('kubectl-edit', '.spec.replicas');
  const restarted = by('kubectl-rollout', RESTARTED);
  const scaled: ManagedFields = { ...by('kube-controller-manager', '.spec.replicas'), subresource: 'scale' };
  const byAutoscaler =
    /\.spec\.replicas \(kube-controller-manager through the scale subresource, as a HorizontalPodAutoscaler does\)\. /
      .source;
  const OVERWRITE = { resolveConflicts: 'OVERWRITE' } as const;
  const NONE = { resolveConflicts: 'NONE' } as const;
  const preserving = { strategy: 'recreate', preserve: true } as const;

  it('passes if EKS has set all fields, and ignores third-party workloads', () => {
    const workloads = [...someWorkloads(), agentDaemonSet({ managedFields: [edited] })];
    expect(check(planMigration(someFacts({ workloads }))).status).toBe('pass');
  });

  const inPlace = { strategy: 'in-place' } as const;
  const IN_PLACE_NONE = { ...inPlace, ...NONE };
  const IN_PLACE_OVERWRITE = { ...inPlace, ...OVERWRITE };
  const CONSENTED = { ...preserving, ...OVERWRITE };
  const outage = { maxDisruption: 'outage' } as const;
  const failing = 'Recreate with preserve would fail on those that EKS sets \\(NONE\\)\\.$';
  const byPerson = { ...by('kubectl', '.spec.replicas'), subresource: 'scale' };
  const RULED_OUT = /Strategies ruled out by this: recreate with preserve\.$/;
  const of = (after: string): RegExp => new RegExp(`${byAutoscaler}${after}`);
  const BOTH_KEEP = /In place keeps them; recreate with preserve keeps them\.$/;
  const RESETS = /In place resets those that EKS sets \(OVERWRITE\)\.$/;
  const KEEPS_RESTART = /restartedAt"\] \(kubectl-rollout\)\. In place keeps them/;
  const KEEPING = { ...IN_PLACE, ...NONE };
  const OVERWRITING = { ...RECREATE_PRESERVING, ...OVERWRITE };
  it.each<[string, Partial<MigrationRequestInput>, ManagedFields, Check['status'], RegExp, Attempt[]]>([
    ['in place', inPlace, edited, 'pass', /\.spec\.replicas \(kubectl-edit\)\. In place keeps them\.$/, [IN_PLACE]],
    ['in place, NONE', IN_PLACE_NONE, edited, 'fail', /In place would fail on those that EKS sets \(NONE\)\.$/, []],
    ['in place with consent', IN_PLACE_OVERWRITE, edited, 'warn', RESETS, [{ ...IN_PLACE, ...OVERWRITE }]],
    ['recreate with preserve', preserving, edited, 'fail', new RegExp(failing), []],
    ['recreate and consent', CONSENTED, edited, 'warn', /Recreate with preserve resets/, [OVERWRITING]],
    ['recreate', { strategy: 'recreate' }, edited, 'warn', /Recreate without preserve loses them\.$/, [RECREATE]],
    [
      'auto',
      {},
      edited,
      'warn',
      /In place keeps them; recreate with preserve would fail .* Strategies ruled out by this: recreate with preserve\.$/,
      [IN_PLACE],
    ],
    [
      'auto as far as it goes',
      outage,
      edited,
      'warn',
      /recreate without preserve loses them\. Strategies ruled out by this: recreate with preserve\.$/,
      [IN_PLACE, RECREATE],
    ],
    ['auto without consent to anything', { ...outage, ...NONE }, edited, 'fail', /In place would fail/, []],
    ['a restart by kubectl, in place without consent', IN_PLACE_NONE, restarted, 'pass', KEEPS_RESTART, [KEEPING]],
    ['a restart, recreate', preserving, restarted, 'warn', /Recreate with preserve keeps them/, [RECREATE_PRESERVING]],
    ['a restart by kubectl, auto', {}, restarted, 'warn', BOTH_KEEP, [IN_PLACE, RECREATE_PRESERVING]],
    ['an autoscaler, in place', inPlace, scaled, 'pass', of('In place keeps them\\.$'), [IN_PLACE]],
    ['an autoscaler, recreate with preserve', preserving, scaled, 'fail', of(failing), []],
    ['an autoscaler and consent', CONSENTED, scaled, 'warn', of('Recreate with preserve resets'), [OVERWRITING]],
    ['an autoscaler, auto', {}, scaled, 'warn', RULED_OUT, [IN_PLACE]],
    ['a scale', preserving, byPerson, 'fail', /\.spec\.replicas \(kubectl through the scale subresource\)\. /, []],
  ])('of fields that others have set: %s', (_, request, fields, status, message, attempts) => {
    const plan = planOf(request, by('eks', IMAGE), fields);
    expect(check(plan)).toMatchObject({ status, message: matching(message) });
    expect([plan.attempts, plan.verdict]).toEqual([attempts, status === 'fail' ? 'blocked' : 'migrate']);
  });
});
