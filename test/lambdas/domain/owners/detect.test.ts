import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findOwners, type MarkedAccount, type OwnedFacts } from '../../../../lambdas/domain/owners/detect.ts';
import { OWNER_TOOLS, type Owner } from '../../../../lambdas/domain/owners/model.ts';
import { TOOLS } from '../../../../lambdas/domain/owners/tools.ts';
import { ADDON, ROLE } from '../../fixtures.ts';
import { forAll } from '../../../for-all.ts';

const owners = (facts: Partial<OwnedFacts> = {}): Owner[] =>
  findOwners({ associations: [], roleTags: {}, ...facts }).map(({ owner }) => owner);
const addon = (tags: Record<string, string> = {}) => ({ name: ADDON, tags });
const account = (change: Partial<MarkedAccount['marks']> = {}, annotatedBy: string[] = []): MarkedAccount => ({
  namespace: 'payments',
  name: 'api',
  annotatedBy,
  marks: { labels: {}, annotations: {}, managers: [], ...change },
});
const TRACKED = { annotations: { 'argocd.argoproj.io/tracking-id': 'shop:/ServiceAccount:payments/api' } };

describe('findOwners', () => {
  it('finds nothing without a sign', () =>
    expect(owners({ addon: addon({ team: 'a' }), roleTags: { [ROLE]: {} }, account: account() })).toEqual([]));

  it('names what each tool owns, and when it reverts', () => {
    const found = owners({
      addon: addon({ 'crossplane-name': 'ebs' }),
      associations: [
        { id: 'a-1', tags: { ManagedBy: 'terraform' } },
        { id: 'a-2', tags: { ManagedBy: 'terraform' }, ownerArn: 'arn:of:add-on' },
      ],
      roleTags: { [ROLE]: { 'aws:cloudformation:stack-name': 'iam' } },
      account: account(TRACKED),
    });
    expect(found.map(({ owns, name, tool, reverts }) => [owns, name, tool, reverts])).toEqual([
      ['add-on', ADDON, 'crossplane', 'by-itself'],
      ['association', 'a-1', 'terraform', 'at-next-apply'],
      ['role', ROLE, 'cloudformation', 'at-next-apply'],
      ['trust-policy', ROLE, 'cloudformation', 'at-next-apply'],
      ['annotation', 'payments/api', 'argo-cd', 'by-itself'],
    ]);
  });

  it('finds the add-on of eksctl by the role that it has created for it', () => {
    const roleTags = { [ROLE]: { 'alpha.eksctl.io/addon-name': ADDON } };
    expect(owners({ addon: addon(), roleTags })[0]).toMatchObject({ owns: 'add-on', tool: 'eksctl', sure: 'likely' });
    const ofAnother = { [ROLE]: { 'alpha.eksctl.io/addon-name': 'vpc-cni' } };
    expect(owners({ addon: addon(), roleTags: ofAnother }).map(({ owns }) => owns)).toEqual(['role', 'trust-policy']);
  });

  it.each([
    ['kubectl-annotate', undefined],
    ['eks-pod-identity-migrator', undefined],
    ['argocd-controller', 'argo-cd'],
    ['kubectl-client-side-apply', 'argo-cd'],
  ])('whose annotation %s has set: %s', (manager, tool) =>
    expect(owners({ account: account(TRACKED, [manager]) })[0]?.tool).toBe(tool),
  );

  it('of an object that Flux leaves alone: nothing is reverted', () => {
    const labels = { 'kustomize.toolkit.fluxcd.io/name': 'apps' };
    const off = { 'kustomize.toolkit.fluxcd.io/reconcile': 'disabled' };
    expect(owners({ account: account({ labels }) })[0]?.reverts).toBe('by-itself');
    expect(owners({ account: account({ labels, annotations: off }) })[0]?.reverts).toBe('at-next-apply');
  });

  it('says that AWS runs a controller', () => {
    const types = { argo: 'ARGOCD', ack: 'ACK' };
    const capabilities = Object.entries(types).map(([name, type]) => ({ name, type, status: 'ACTIVE' }));
    expect(owners({ account: account(TRACKED), capabilities })[0]?.managedByAws).toBe(true);
    expect(owners({ account: account(TRACKED) })[0]?.managedByAws).toBeUndefined();
    // These are the tags of an ACK that the user runs.
    const own = addon({ 'services.k8s.aws/namespace': 'infra' });
    expect(owners({ addon: own, capabilities })[0]?.managedByAws).toBeUndefined();
    const arn = 'arn:aws:eks:eu-west-1:111122223333:capability/dev/ack/ack/1234';
    expect(owners({ addon: addon({ 'eks:eks-capability-arn': arn }) })[0]?.managedByAws).toBe(true);
  });

  it('takes the word of the request where no sign shows another owner', () => {
    const facts = { addon: addon(), roleTags: { [ROLE]: { 'services.k8s.aws/namespace': 'iam' } } };
    expect(owners({ ...facts, iac: 'terraform' }).map(({ tool, sure }) => [tool, sure])).toEqual([
      ['terraform', 'stated'],
      ['ack', 'certain'],
      ['ack', 'certain'],
    ]);
    const likely = owners({ addon: addon({ ManagedBy: 'terraform' }), iac: 'terraform' });
    expect(likely).toMatchObject([{ sure: 'stated', evidence: 'the request, and tag ManagedBy=terraform' }]);
  });

  it.each<[Record<string, string>]>([
    [{ ManagedBy: 'crossplane', Terraform: 'true' }],
    [{ Terraform: 'true', provisioner: 'crossplane' }],
    [{ 'managed-by': 'terraform', provisioner: 'crossplane' }],
    [{ 'aws:cloudformation:stack-name': 'eksctl-x', ManagedBy: 'crossplane' }],
  ])('does not hide a controller behind a tag that anybody may add: %j', (tags) =>
    expect(owners({ addon: addon(tags) })).toMatchObject([{ tool: 'crossplane', reverts: 'by-itself' }]),
  );

  it('does not hide a controller that the request names behind such a tag', () =>
    expect(owners({ addon: addon({ Terraform: 'true' }), iac: 'crossplane' })).toMatchObject([
      { tool: 'crossplane', sure: 'stated', reverts: 'by-itself' },
    ]));

  it('does not hide a HelmRelease behind the label that switches a Kustomization off', () => {
    const labels = { 'helm.toolkit.fluxcd.io/name': 'shop', 'kustomize.toolkit.fluxcd.io/reconcile': 'disabled' };
    expect(owners({ account: account({ labels }) })).toMatchObject([{ tool: 'flux', reverts: 'by-itself' }]);
  });

  it('makes evidence printable', () =>
    expect(owners({ addon: addon({ ManagedBy: 'terraform\u001b[31m' }) })[0]?.evidence).not.toContain('\u001b'));

  it('reverts as the tool does, and states exactly what the request states', () =>
    forAll(fc.constantFrom(...OWNER_TOOLS), (iac) =>
      expect(owners({ iac, addon: addon(), account: account() })).toEqual(
        [
          { owns: 'add-on', name: ADDON },
          { owns: 'annotation', name: 'payments/api' },
        ].map((one) => ({ ...one, tool: iac, sure: 'stated', reverts: TOOLS[iac].reverts, evidence: 'the request' })),
      ),
    ));
});
