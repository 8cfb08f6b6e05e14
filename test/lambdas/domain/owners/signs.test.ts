import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type OwnerTool, OWNER_TOOLS } from '../../../../lambdas/domain/owners/model.ts';
import { OWNER_RULES } from '../../../../lambdas/domain/owners/rules.ts';
import type { ObjectMarks, Sign } from '../../../../lambdas/domain/owners/signs.ts';
import {
  ownerByManager,
  ownerByMarks,
  ownerByTags,
  ownerOfRole,
  managingTool,
  unknownOwner,
} from '../../../../lambdas/domain/owners/signs.ts';
import { TOOLS } from '../../../../lambdas/domain/owners/tools.ts';
import { forAll } from '../../../for-all.ts';

type Tags = Record<string, string>;
const CAPABILITY = 'arn:aws:eks:eu-west-1:111122223333:capability/dev/ack/ack/1234';

describe('ownerByTags', () => {
  it.each<[Tags, OwnerTool | undefined, Sign['sure']?]>([
    [{}, undefined],
    [{ team: 'storage', environment: 'dev' }, undefined],
    [{ 'eks:eks-capability-arn': CAPABILITY, 'eks:kubernetes-namespace': 'infra' }, 'ack', 'certain'],
    [{ 'services.k8s.aws/controller-version': 'eks-1.5.0' }, 'ack', 'certain'],
    [{ 'services.k8s.aws/namespace': 'infra' }, 'ack', 'certain'],
    [{ 'crossplane-kind': 'addon.eks.aws.upbound.io', 'crossplane-name': 'ebs' }, 'crossplane', 'certain'],
    [{ 'crossplane-providerconfig': 'default' }, 'crossplane', 'certain'],
    [{ 'sigs.k8s.io/cluster-api-provider-aws/cluster/dev': 'owned' }, 'cluster-api', 'certain'],
    [{ 'kubernetes.io/cluster/dev': 'owned' }, 'cluster-api', 'likely'],
    [{ 'kubernetes.io/cluster/dev': 'shared' }, undefined],
    [{ 'alpha.eksctl.io/cluster-name': 'dev' }, 'eksctl', 'certain'],
    [{ 'eksctl.cluster.k8s.io/v1alpha1/cluster-name': 'dev' }, 'eksctl', 'certain'],
    [{ 'aws:cloudformation:stack-name': 'eksctl-dev-addon-aws-ebs-csi-driver' }, 'eksctl', 'likely'],
    [{ 'aws:cloudformation:stack-name': 'eks', 'aws:cloudformation:logical-id': 'Addon' }, 'cloudformation', 'certain'],
    [{ 'aws:cloudformation:stack-name': 'eks', 'aws:cloudformation:logical-id': 'EbsAddon5F2A1B3C' }, 'cdk', 'likely'],
    [{ 'aws-cdk:cr-owned': 'true' }, 'cdk', 'certain'],
    [{ 'managed-by': 'terraform' }, 'terraform', 'likely'],
    [{ ManagedBy: 'Terraform' }, 'terraform', 'likely'],
    [{ managed_by: 'Managed by OpenTofu' }, 'terraform', 'likely'],
    [{ Provisioner: 'atlantis' }, 'terraform', 'likely'],
    [{ Terraform: 'true' }, 'terraform', 'likely'],
    [{ Terraform: 'false' }, undefined],
    [{ 'deployed-with': 'terragrunt' }, 'terraform', 'likely'],
    [{ managed_by: 'PULUMI' }, 'pulumi', 'likely'],
    [{ 'pulumi:project': 'platform' }, 'pulumi', 'likely'],
    [{ IaC: 'crossplane' }, 'crossplane', 'likely'],
    [{ CreatedBy: 'aws-cdk' }, 'cdk', 'likely'],
    [{ team: 'a', managedBy: 'eksctl' }, 'eksctl', 'likely'],
    [{ 'managed-by': 'ArgoCD' }, 'argo-cd', 'likely'],
    [{ 'managed-by': 'constructor' }, undefined],
    [{ 'managed-by': 'influx' }, undefined],
    [{ note: 'terraform' }, undefined],
  ])('of %j: %s', (tags, tool, sure) => {
    const sign = ownerByTags(tags);
    expect([sign?.tool, sign?.sure]).toEqual([tool, sure]);
  });

  it('says what shows it, and whether AWS runs the controller', () => {
    expect(ownerByTags({ a: 'b', 'eks:eks-capability-arn': CAPABILITY })).toEqual({
      tool: 'ack',
      sure: 'certain',
      managedByAws: true,
      evidence: `tag eks:eks-capability-arn=${CAPABILITY}`,
    });
    expect(ownerByTags({ ManagedBy: 'terraform' })?.evidence).toBe('tag ManagedBy=terraform');
  });

  it('does not depend on the order of tags, nor on tags that are no sign', () => {
    const plain = fc.dictionary(fc.stringMatching(/^[a-z]{1,8}$/), fc.string({ maxLength: 8 }), { maxKeys: 4 });
    const signs = fc.subarray(
      [
        ['services.k8s.aws/namespace', 'infra'],
        ['crossplane-name', 'ebs'],
        ['alpha.eksctl.io/cluster-name', 'dev'],
        ['aws:cloudformation:stack-name', 'eks'],
        ['ManagedBy', 'terraform'],
      ] as const,
      { minLength: 1 },
    );
    forAll(plain, signs, (noise, found) => {
      const one = ownerByTags({ ...noise, ...Object.fromEntries(found) });
      const other = ownerByTags({ ...Object.fromEntries(found.toReversed()), ...noise });
      expect([one, one?.evidence.startsWith(`tag ${found[0]?.[0] ?? ''}=`)]).toEqual([other, true]);
    });
  });
});

it.each<[string, OwnerTool | undefined]>([
  ['eksctl-dev-addon-fluent-bit-Role1-8ZQ2LM4T0VXC', 'eksctl'],
  ['Storage-FsxCsiRoleB4C1E2D9-hT3vXq0uYk5L', 'cdk'],
  ['edge-dns-ExternalDnsRole-1KXW4T9QZ7RB', 'cloudformation'],
  ['reliability-dev-ebs-csi-driver-irsa-role', undefined],
  ['AmazonEKSCapabilityACKRole', undefined],
  ['prod-ebs-csi-20250304101200000000000001', undefined],
  ['my-app-productionabc', undefined],
])('ownerOfRole named %s: %s', (name, tool) => {
  expect(ownerOfRole(`arn:aws:iam::111122223333:role/path/${name}`, {})?.tool).toBe(tool);
  expect(ownerOfRole(`arn:aws:iam::111122223333:role/${name}`, { ManagedBy: 'pulumi' })?.tool).toBe('pulumi');
});

const UNMARKED = { labels: {}, annotations: {}, managers: [] };
const marks = (change: Partial<ObjectMarks> = {}): ObjectMarks => ({ ...UNMARKED, ...change });
const INSTANCE = { 'app.kubernetes.io/instance': 'shop' };

describe('ownerByMarks', () => {
  it.each<[Partial<ObjectMarks>, OwnerTool | undefined, Sign['sure']?]>([
    [{}, undefined],
    [{ managers: ['kubectl-client-side-apply'] }, undefined],
    [{ annotations: { 'argocd.argoproj.io/tracking-id': 'shop:/ServiceAccount:payments/api' } }, 'argo-cd', 'certain'],
    [{ labels: { 'argocd.argoproj.io/instance': 'shop' } }, 'argo-cd', 'certain'],
    [{ labels: INSTANCE }, undefined],
    [{ labels: INSTANCE, managers: ['argocd-controller'] }, 'argo-cd', 'certain'],
    [{ labels: INSTANCE, managers: ['helm'] }, 'helm', 'likely'],
    [{ managers: ['argocd-controller'] }, 'argo-cd', 'certain'],
    [{ labels: { 'kustomize.toolkit.fluxcd.io/name': 'apps' } }, 'flux', 'certain'],
    [{ labels: { 'helm.toolkit.fluxcd.io/name': 'shop' } }, 'flux', 'certain'],
    [{ managers: ['kustomize-controller'] }, 'flux', 'certain'],
    [
      {
        managers: ['helm-controller'],
        annotations: { 'meta.helm.sh/release-name': 'shop' },
        labels: { 'app.kubernetes.io/managed-by': 'Helm' },
      },
      'flux',
      'certain',
    ],
    [{ labels: { 'kro.run/owned': 'true' } }, 'kro', 'certain'],
    [{ managers: ['kro.run/applyset'] }, 'kro', 'certain'],
    [{ labels: { 'internal.kro.run/owned': 'true' } }, 'kro', 'certain'],
    [{ labels: { 'app.kubernetes.io/managed-by': 'eksctl' } }, 'eksctl', 'certain'],
    [{ annotations: { 'meta.helm.sh/release-name': 'shop' } }, 'helm', 'certain'],
    [{ labels: { 'app.kubernetes.io/managed-by': 'Helm' } }, 'helm', 'likely'],
    [{ managers: ['helm'] }, 'helm', 'likely'],
    [{ managers: ['pulumi-kubernetes-1a2b3c4d'] }, 'pulumi', 'likely'],
    [{ managers: ['Terraform'] }, 'terraform', 'likely'],
    [{ managers: ['HashiCorp'] }, 'terraform', 'likely'],
  ])('of %j: %s', (change, tool, sure) => {
    const sign = ownerByMarks(marks(change));
    expect([sign?.tool, sign?.sure]).toEqual([tool, sure]);
  });

  it('recognizes a field manager alone', () =>
    expect([ownerByManager('helm-controller'), ownerByManager('kubectl')]).toEqual(['flux', undefined]));
});

describe('managingTool', () => {
  it.each<[Tags, string | undefined]>([
    [{}, undefined],
    [{ team: 'storage' }, undefined],
    [{ ManagedBy: 'Terraform' }, 'Terraform'],
    [{ 'services.k8s.aws/namespace': 'infra' }, 'ACK'],
    [{ 'managed-by': 'constructor' }, 'constructor'],
    [{ Provisioner: 'platform-team' }, 'platform-team'],
    // A person or a pipeline that created it reverts nothing.
    [{ CreatedBy: 'jane' }, undefined],
  ])('of %j: %s', (tags, title) => expect(managingTool(tags)?.title).toBe(title));

  it('knows no owner without a value', () => expect(unknownOwner({ ManagedBy: '' })).toBeUndefined());
});

it('the table has a rule or a convention for each tool, and a source for each rule', () => {
  const byConvention = OWNER_TOOLS.filter((tool) => ownerByTags({ ManagedBy: tool })?.tool === tool);
  expect(new Set([...OWNER_RULES.map(({ tool }) => tool), ...byConvention])).toEqual(new Set(OWNER_TOOLS));
  for (const { source, sign } of OWNER_RULES) expect(`${source}${sign}`).toMatch(/\w+/);
  expect(Object.keys(TOOLS)).toEqual([...OWNER_TOOLS]);
});
