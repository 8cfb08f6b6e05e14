import { describe, expect, it } from 'vitest';
import type { ManagedFields, Workload } from '../../../../lambdas/domain/kubernetes/objects.ts';
import type { Check, MigrationRequestInput, Plan, Attempt } from '../../../../lambdas/domain/migration/model.ts';
import { foreignFields, workloadsOfAddon } from '../../../../lambdas/domain/plan/field-managers.ts';
import { planMigration } from '../../../../lambdas/domain/plan/plan.ts';
import {
  agentDaemonSet,
  aRequest,
  aWorkload,
  IN_PLACE,
  planned,
  RECREATE,
  RECREATE_PRESERVING,
  someFacts,
  someWorkloads,
} from '../../fixtures.ts';
import { textLike } from '../../expectations.ts';

const IMAGE = '.spec.template.spec.containers[name="ebs-plugin"].image';
const RESTARTED = '.spec.template.metadata.annotations["kubectl.kubernetes.io/restartedAt"]';
const withFields = (...managedFields: ManagedFields[]): Workload => aWorkload({ managedFields });
const by = (manager: string, ...fields: string[]): ManagedFields => ({ manager, fields });
const foreign = (...managedFields: ManagedFields[]) => foreignFields([withFields(...managedFields)]);

describe('foreignFields', () => {
  it('are those that others own, by workload and manager', () => {
    expect(
      foreign(
        by('eks', '.spec.selector'),
        by('kubectl-edit', IMAGE, '.spec.replicas'),
        by('helm', '.metadata.labels["x"]'),
      ),
    ).toEqual([
      { workload: 'Deployment ebs-csi-controller', manager: 'kubectl-edit', fields: [IMAGE, '.spec.replicas'] },
      { workload: 'Deployment ebs-csi-controller', manager: 'helm', fields: ['.metadata.labels["x"]'] },
    ]);
  });
  it.each<[string, ManagedFields[]]>([
    ['EKS', [by('eks', IMAGE)]],
    [
      'what a controller notes on its object',
      [by('kube-controller-manager', '.metadata.annotations.deployment.kubernetes.io/revision')],
    ],
    [
      'this service',
      [
        by(
          'eks-pod-identity-migrator',
          '.spec.template.metadata.annotations["eks-pod-identity-migrator/restarted-for"]',
        ),
      ],
    ],
    [
      'this service under any name',
      [by('unknown', '.spec.template.metadata.annotations["eks-pod-identity-migrator/restarted-for"]')],
    ],
    ['a manager that sets the same value as EKS', [by('eks', IMAGE), by('argocd', IMAGE)]],
  ])('are none of %s', (_, fields) => {
    expect(foreign(...fields)).toEqual([]);
  });
  it('name the subresource that they were written through', () => {
    const scaled = { manager: 'kube-controller-manager', subresource: 'scale', fields: ['.spec.replicas'] };
    expect(foreign(by('eks', IMAGE), scaled)).toEqual([{ workload: 'Deployment ebs-csi-controller', ...scaled }]);
  });
});

describe('workloadsOfAddon', () => {
  it('are those of the planned service accounts, and those with the same name label', () => {
    const unlabelled = aWorkload({ name: 'own', labels: {} });
    const other = aWorkload({ name: 'other', serviceAccount: 'other', labels: {} });
    expect(workloadsOfAddon([...someWorkloads(), unlabelled, other], [planned]).map((one) => one.name)).toEqual([
      'ebs-csi-controller',
      'ebs-csi-node',
      'own',
    ]);
  });
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
    expect(
      check(planMigration(someFacts({ workloads: [...someWorkloads(), agentDaemonSet({ managedFields: [edited] })] }))),
    ).toMatchObject({ status: 'pass' });
  });

  it.each<[string, Partial<MigrationRequestInput>, ManagedFields, Check['status'], RegExp, Attempt[]]>([
    [
      'in place',
      { strategy: 'in-place' },
      edited,
      'pass',
      /ebs-csi-controller: \.spec\.replicas \(kubectl-edit\)\. In place keeps them\.$/,
      [IN_PLACE],
    ],
    [
      'in place without consent to anything',
      { strategy: 'in-place', ...NONE },
      edited,
      'fail',
      /In place would fail on those that EKS sets \(NONE\)\.$/,
      [],
    ],
    [
      'in place with consent',
      { strategy: 'in-place', ...OVERWRITE },
      edited,
      'warn',
      /In place resets those that EKS sets \(OVERWRITE\)\.$/,
      [{ ...IN_PLACE, ...OVERWRITE }],
    ],
    [
      'recreate with preserve',
      preserving,
      edited,
      'fail',
      /Recreate with preserve would fail on those that EKS sets \(NONE\)\.$/,
      [],
    ],
    [
      'recreate with preserve and consent',
      { ...preserving, ...OVERWRITE },
      edited,
      'warn',
      /Recreate with preserve resets/,
      [{ ...RECREATE_PRESERVING, ...OVERWRITE }],
    ],
    [
      'recreate without preserve',
      { strategy: 'recreate' },
      edited,
      'warn',
      /Recreate without preserve loses them\.$/,
      [RECREATE],
    ],
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
      { maxDisruption: 'outage' },
      edited,
      'warn',
      /recreate without preserve loses them\. Strategies ruled out by this: recreate with preserve\.$/,
      [IN_PLACE, RECREATE],
    ],
    [
      'auto without consent to anything',
      { maxDisruption: 'outage', ...NONE },
      edited,
      'fail',
      /In place would fail/,
      [],
    ],
    [
      'a restart by kubectl, in place without consent',
      { strategy: 'in-place', ...NONE },
      restarted,
      'pass',
      /restartedAt"\] \(kubectl-rollout\)\. In place keeps them/,
      [{ ...IN_PLACE, ...NONE }],
    ],
    [
      'a restart by kubectl, recreate with preserve',
      preserving,
      restarted,
      'warn',
      /Recreate with preserve keeps them/,
      [RECREATE_PRESERVING],
    ],
    [
      'a restart by kubectl, auto',
      {},
      restarted,
      'warn',
      /In place keeps them; recreate with preserve keeps them\.$/,
      [IN_PLACE, RECREATE_PRESERVING],
    ],
    [
      'an autoscaler, in place',
      { strategy: 'in-place' },
      scaled,
      'pass',
      new RegExp(`${byAutoscaler}In place keeps them\\.$`),
      [IN_PLACE],
    ],
    [
      'an autoscaler, recreate with preserve',
      preserving,
      scaled,
      'fail',
      new RegExp(`${byAutoscaler}Recreate with preserve would fail on those that EKS sets \\(NONE\\)\\.$`),
      [],
    ],
    [
      'an autoscaler, recreate with preserve and consent',
      { ...preserving, ...OVERWRITE },
      scaled,
      'warn',
      new RegExp(`${byAutoscaler}Recreate with preserve resets`),
      [{ ...RECREATE_PRESERVING, ...OVERWRITE }],
    ],
    ['an autoscaler, auto', {}, scaled, 'warn', /Strategies ruled out by this: recreate with preserve\.$/, [IN_PLACE]],
    [
      'a person with kubectl scale, recreate with preserve',
      preserving,
      { ...by('kubectl', '.spec.replicas'), subresource: 'scale' },
      'fail',
      /\.spec\.replicas \(kubectl through the scale subresource\)\. /,
      [],
    ],
  ])('of fields that others have set: %s', (_, request, fields, status, message, attempts) => {
    const plan = planOf(request, by('eks', IMAGE), fields);
    expect(check(plan)).toMatchObject({ status, message: textLike(message) });
    expect(plan.attempts).toEqual(attempts);
    expect(plan.verdict).toBe(status === 'fail' ? 'blocked' : 'migrate');
  });
});
