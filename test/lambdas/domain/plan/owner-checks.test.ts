import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Check } from '../../../../lambdas/domain/terms/check.ts';
import { OWNER_TOOLS, type OwnerTool } from '../../../../lambdas/domain/owners/model.ts';
import type { ObjectMarks } from '../../../../lambdas/domain/owners/signs.ts';
import { TOOLS } from '../../../../lambdas/domain/owners/tools.ts';
import type { AddonFacts } from '../../../../lambdas/domain/plan/facts.ts';
import { checkOwners } from '../../../../lambdas/domain/plan/owner-checks.ts';
import { blockingChecks, planMigration } from '../../../../lambdas/domain/plan/plan.ts';
import { planServiceAccount } from '../../../../lambdas/domain/plan/service-account.ts';
import type { TrustRepair } from '../../../../lambdas/domain/terms/trust.ts';
import { aState, anAccountRequest, accountFacts } from '../../account-fixtures.ts';
import { ADDON, aRequest, anAddon, anAssociation, planned, ROLE, someFacts } from '../../fixtures.ts';
import { said } from '../../matchers.ts';
import { forAll } from '../../../for-all.ts';

const SIGNS: Record<string, Record<string, string>> = {
  ack: { 'services.k8s.aws/controller-version': 'eks-1.5.0', 'services.k8s.aws/namespace': 'infra' },
  crossplane: { 'crossplane-kind': 'addon.eks.aws.upbound.io', 'crossplane-name': 'ebs' },
  'cluster-api': { 'kubernetes.io/cluster/dev': 'owned' },
  terraform: { ManagedBy: 'terraform' },
  pulumi: { 'pulumi:project': 'platform' },
  cloudformation: { 'aws:cloudformation:stack-name': 'eks' },
  cdk: { 'aws:cloudformation:logical-id': 'Addon12345678' },
  eksctl: { 'alpha.eksctl.io/cluster-name': 'dev' },
};
const PAUSE = '{"spec":{"paused":true}}';
const BY_ITSELF = ['ack', 'crossplane', 'cluster-api'] as const;
const REPAIR: TrustRepair = { roleArn: ROLE, before: '{}', after: '{}', statement: {} };

const checks = (change: Partial<AddonFacts> = {}, repairs: TrustRepair[] = []): Check[] =>
  checkOwners(someFacts(change), [planned], repairs);
const withTags = (tags: Record<string, string> | undefined) => ({ addon: anAddon({ tags: tags ?? {} }) });
const withRoleTags = (tags: Record<string, string>): Partial<AddonFacts> => {
  const role = someFacts().roles[ROLE];
  return { roles: { [ROLE]: role && { ...role, tags } } };
};

describe('owners', () => {
  it('says where nothing shows an owner, and that Terraform leaves no sign', () =>
    expect(checks()).toEqual([
      {
        id: 'owners',
        status: 'pass',
        message:
          'No tool shows as the owner of add-on, associations or roles. Terraform, CloudFormation and eksctl leave no sign on an add-on by themselves; to state the tool: --iac terraform',
      },
    ]));

  const seenActive = { seen: [{ name: 'cd', type: 'ARGOCD', status: 'ACTIVE' }] };
  it.each([
    [{ seen: [] }, 'The cluster has no EKS capabilities.'],
    [seenActive, 'EKS capabilities of the cluster: ARGOCD (cd, ACTIVE).'],
    [{ error: 'eks:ListCapabilities: denied' }, 'are not known: eks:ListCapabilities: denied.'],
  ])('says which controllers AWS runs: %j', (capabilities, text) => {
    const [check] = checks({ capabilities });
    expect(check).toMatchObject(said('pass', text));
  });

  it.each(BY_ITSELF)('of the add-on: %s blocks, until the request accepts it', (tool) => {
    const blocked = planMigration(someFacts(withTags(SIGNS[tool])));
    expect(blockingChecks(blocked)).toEqual([`owner-${tool}`]);
    expect(blocked.owners).toMatchObject([{ owns: 'add-on', name: ADDON, tool, reverts: 'by-itself' }]);
    const request = aRequest({ accept: [`owner:${tool}`] });
    const accepted = planMigration(someFacts({ ...withTags(SIGNS[tool]), request }));
    expect(accepted.verdict).toBe('migrate');
    expect(accepted.checks.find(({ id }) => id === `owner-${tool}`)).toMatchObject({ status: 'warn' });
    expect(accepted.hash).not.toBe(planMigration(someFacts()).hash);
  });

  it.each([
    ['ack', 'kubectl annotate addons.eks.services.k8s.aws NAME -n infra services.k8s.aws/read-only=true --overwrite'],
    ['crossplane', 'kubectl annotate addon.eks.aws.upbound.io ebs crossplane.io/paused=true --overwrite'],
    ['cluster-api', `kubectl patch clusters.cluster.x-k8s.io dev -n NAMESPACE --type merge -p '${PAUSE}'`],
  ])('names the command that suspends %s', (tool, command) => {
    const [check] = checks(withTags(SIGNS[tool]));
    expect(check?.remedy).toContain(command);
    expect(check?.remedy).toMatch(new RegExp(` , then plan again with --accept owner:${tool}$`));
  });

  const BY_APPLY = ['terraform', 'pulumi', 'cloudformation', 'cdk', 'eksctl'] as const;
  it.each(BY_APPLY)('of the add-on: %s warns, and names who must not apply until when', (tool) => {
    const plan = planMigration(someFacts(withTags(SIGNS[tool])));
    expect(plan.verdict).toBe('migrate');
    const check = plan.checks.find(({ id }) => id === `owner-${tool}`);
    expect(check).toMatchObject(said('warn', 'the next apply of its present code reverts the migration'));
    expect(check?.remedy).toMatch(/neither a person nor a pipeline may apply .* pod-identity plan .*--hand-off/);
  });

  it('blocks by the word of the request alone', () => {
    const [check] = checks({ request: aRequest({ iac: 'crossplane' }) });
    const message = `As the request states, Crossplane owns add-on ${ADDON}, and would revert the change by itself.`;
    expect(check).toMatchObject({ id: 'owner-crossplane', status: 'fail', message });
  });

  it('combines what one tool owns in one line', () => {
    const facts = { ...withTags(SIGNS['terraform']), ...withRoleTags({ Terraform: 'true' }) };
    expect(checks(facts)).toMatchObject([{ id: 'owner-terraform', status: 'warn' }]);
    expect(planMigration(someFacts(facts)).owners.map(({ owns }) => owns)).toEqual(['add-on', 'role', 'trust-policy']);
  });

  it.each<[string, Record<string, string>, TrustRepair[], Check['status'], RegExp]>([
    ['ACK, without a repair', SIGNS['ack']!, [], 'pass', /which the migration does not change/],
    ['ACK, with a repair', SIGNS['ack']!, [REPAIR], 'fail', /roles\.iam\.services\.k8s\.aws/],
    ['CloudFormation, without a repair', SIGNS['cloudformation']!, [], 'pass', /which the migration does not change/],
    ['CloudFormation', SIGNS['cloudformation']!, [REPAIR], 'warn', /removes the added statement from the trust policy/],
  ])('of the role: %s', (_, tags, repairs, status, text) => {
    const [check] = checks(withRoleTags(tags), repairs);
    expect(check).toMatchObject({ status });
    expect(`${check?.message ?? ''} ${check?.remedy ?? ''}`).toMatch(text);
  });

  it.each(['ack', 'terraform'] as const)('of a conflicting association: %s blocks, until it is accepted', (tool) => {
    const associations = [anAssociation({ tags: SIGNS[tool]! })];
    expect(blockingChecks(planMigration(someFacts({ associations })))).toContain('associations');
    const accepted = planMigration(someFacts({ associations, request: aRequest({ accept: [`owner:${tool}`] }) }));
    expect([accepted.verdict, accepted.purge]).toEqual(['migrate', [associations[0]?.id]]);
  });

  it('plans again if an owner appears, and not if only what shows it changes', () => {
    const hashOf = (tags: Record<string, string>): string => planMigration(someFacts(withRoleTags(tags))).hash;
    expect(hashOf(SIGNS['cloudformation']!)).not.toBe(hashOf({}));
    const [a, b] = ['a', 'b'].map((version) => hashOf({ 'services.k8s.aws/controller-version': version }));
    expect(a).toBe(b);
    expect(hashOf({ team: 'a' })).toBe(hashOf({}));
  });

  it('shows the owners of an add-on that is migrated already', () => {
    const addon = anAddon({ tags: SIGNS['ack']!, podIdentityAssociations: ['arn:a'] });
    delete addon.serviceAccountRoleArn;
    const owners = [{ owns: 'add-on', tool: 'ack' }];
    expect(planMigration(someFacts({ addon }))).toMatchObject({ verdict: 'already-migrated', owners });
  });

  it('blocks exactly if an owner that reverts by itself is not accepted', () =>
    forAll(fc.constantFrom(...OWNER_TOOLS), fc.subarray([...OWNER_TOOLS]), (iac, acceptedOwners) => {
      const blocks = TOOLS[iac].reverts === 'by-itself' && !acceptedOwners.includes(iac);
      const [check] = checks({ request: aRequest({ iac, accept: acceptedOwners.map((name) => `owner:${name}`) }) });
      expect(check).toMatchObject({ id: `owner-${iac}`, status: blocks ? 'fail' : 'warn' });
      expect(check?.remedy).toMatch(/--accept owner:|--hand-off/);
    }));
});

const MARKS: Partial<Record<OwnerTool, Partial<ObjectMarks>>> = {
  'argo-cd': { annotations: { 'argocd.argoproj.io/tracking-id': 'shop:/ServiceAccount:payments/api' } },
  flux: { labels: { 'helm.toolkit.fluxcd.io/name': 'shop', 'helm.toolkit.fluxcd.io/namespace': 'apps' } },
  kro: { labels: { 'kro.run/owned': 'true' } },
  helm: { annotations: { 'meta.helm.sh/release-name': 'shop' }, managers: ['helm'] },
};

describe('owners of an annotation', () => {
  const plan = (tool: OwnerTool, request: Parameters<typeof anAccountRequest>[0] = {}) =>
    planServiceAccount(
      accountFacts({
        request: anAccountRequest(request),
        serviceAccount: aState({ annotatedBy: MARKS[tool]?.managers?.slice() ?? [] }),
        accountMarks: { labels: {}, annotations: {}, managers: [], ...MARKS[tool] },
      }),
    );

  it.each([
    ['argo-cd', 'argocd app set shop --sync-policy none'],
    ['flux', 'flux suspend helmrelease shop -n apps'],
    ['kro', 'kubectl annotate KIND NAME -n NAMESPACE kro.run/reconcile=suspended --overwrite'],
  ] as const)('%s blocks its removal, until the request accepts it', (tool, command) => {
    expect(plan(tool).verdict).toBe('migrate');
    expect(plan(tool).checks.find(({ id }) => id === `owner-${tool}`)?.status).toBe('pass');
    const blocked = plan(tool, { annotation: 'remove' });
    expect(blockingChecks(blocked)).toEqual([`owner-${tool}`]);
    expect(blocked.checks.find(({ id }) => id === `owner-${tool}`)?.remedy).toContain(command);
    expect(plan(tool, { annotation: 'remove', accept: [`owner:${tool}`] }).verdict).toBe('migrate');
  });

  it('Helm warns, in one line', () => {
    const { verdict, checks: all } = plan('helm', { annotation: 'remove' });
    expect(verdict).toBe('migrate');
    const aboutIt = all.filter(({ status, message }) => status === 'warn' && /annotation/.test(message));
    expect(aboutIt.map(({ id }) => id)).toEqual(['owner-helm']);
    expect(all.find(({ id }) => id === 'owner-helm')?.message).toContain('sets the annotation again');
  });
});
