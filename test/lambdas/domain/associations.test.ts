import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { associationChecks, decidePurge, managingTool, unportableFields } from '../../../lambdas/domain/associations.ts';
import type { Association } from '../../../lambdas/domain/model.ts';
import { ADDON, addonArn, anAssociation, CLUSTER, OTHER_ROLE, planned } from '../fixtures.ts';

const decide = (change: Partial<Association>): ReturnType<typeof decidePurge> => decidePurge(anAssociation(change), CLUSTER, ADDON, [planned]);

describe('managingTool', () => {
  it.each<[Record<string, string>, string | undefined]>([
    [{}, undefined],
    [{ team: 'storage', environment: 'dev' }, undefined],
    [{ 'managed-by': 'terraform' }, 'Terraform'],
    [{ ManagedBy: 'Terraform' }, 'Terraform'],
    [{ managed_by: 'PULUMI' }, 'Pulumi'],
    [{ Provisioner: 'atlantis' }, 'atlantis'],
    [{ IaC: 'crossplane' }, 'Crossplane'],
    [{ 'managed-by': 'constructor' }, 'constructor'],
    [{ 'aws:cloudformation:stack-name': 'eks' }, 'aws:cloudformation:stack-name'],
    [{ 'alpha.eksctl.io/cluster-name': 'dev' }, 'alpha.eksctl.io/cluster-name'],
    [{ 'services.k8s.aws/controller-version': 'eks-1.5' }, 'ACK'],
    [{ team: 'a', managedBy: 'eksctl' }, 'eksctl'],
  ])('of tags %j: %s', (tags, tool) => {
    expect(managingTool(tags)).toBe(tool);
  });
});

describe('unportableFields', () => {
  it.each<[Partial<Association>, string[]]>([
    [{}, []],
    [{ disableSessionTags: false, externalId: 'x' }, []],
    [{ targetRoleArn: OTHER_ROLE }, ['targetRoleArn']],
    [{ disableSessionTags: true, policy: '{}' }, ['disableSessionTags', 'policy']],
    [{ tags: { team: 'a', cost: 'b' } }, ['tags (team, cost)']],
  ])('of %j: %j', (change, fields) => {
    expect(unportableFields(anAssociation(change))).toEqual(fields);
  });
});

describe('decidePurge', () => {
  it('allows a plain stand-alone one of the plan', () => {
    expect(decide({})).toEqual({ purge: true });
  });
  it('allows one of an earlier life of the add-on', () => {
    expect(decide({ ownerArn: addonArn(7), tags: { team: 'a' } })).toEqual({ purge: true });
  });

  it.each<[string, Partial<Association>, RegExp]>([
    ['another namespace', { namespace: 'web' }, /not part of the plan/],
    ['another service account', { serviceAccount: 'shop' }, /not part of the plan/],
    ['another service account, though owned by the add-on', { serviceAccount: 'shop', ownerArn: addonArn(1) }, /not part of the plan/],
    ['another add-on', { ownerArn: addonArn(1, 'aws-efs-csi-driver') }, /owned by another add-on: arn:.*aws-efs-csi-driver/],
    ['the same add-on in another cluster', { ownerArn: addonArn(1, ADDON, 'prod') }, /owned by another add-on/],
    ['another tool', { tags: { 'managed-by': 'terraform' } }, /tags of another tool: Terraform/],
    ['what would be lost', { targetRoleArn: OTHER_ROLE }, /has targetRoleArn, which an add-on's association can't carry/],
    ['a tag that would be lost', { tags: { team: 'a' } }, /has tags \(team\)/],
  ])('refuses %s and says what to do', (_, change, reason) => {
    const { purge, refusal } = decide(change);
    expect(purge).toBe(false);
    expect(refusal?.reason).toMatch(reason);
    expect(refusal?.reason).toContain(anAssociation(change).id);
    expect(refusal?.remedy).toMatch(/\w{4,}/);
  });

  it("allows one exactly when it is in the plan, nobody else's, and nothing is lost", () => {
    const some = <T>(...values: T[]): fc.Arbitrary<T> => fc.constantFrom(...values);
    const association = fc
      .record({
        namespace: some('kube-system', 'web'),
        serviceAccount: some(planned.serviceAccount, 'shop'),
        ownerArn: some(undefined, addonArn(1), addonArn(3), addonArn(1, 'adot'), addonArn(1, ADDON, 'prod'), 'rubbish'),
        tags: some<Record<string, string>>({}, { 'managed-by': 'terraform' }, { team: 'a' }),
        targetRoleArn: some(undefined, OTHER_ROLE),
      })
      .map(anAssociation);
    const mayGo = (one: Association): boolean =>
      one.namespace === planned.namespace &&
      one.serviceAccount === planned.serviceAccount &&
      one.targetRoleArn === undefined &&
      (one.ownerArn === undefined ? Object.keys(one.tags).length === 0 : [addonArn(1), addonArn(3)].includes(one.ownerArn));
    fc.assert(
      fc.property(association, (one) => {
        expect(decidePurge(one, CLUSTER, ADDON, [planned]).purge).toBe(mayGo(one));
      }),
      { numRuns: 500 },
    );
  });
});

describe('associationChecks', () => {
  const check = (...existing: Association[]): ReturnType<typeof associationChecks> => associationChecks(existing, CLUSTER, ADDON, [planned]);

  it('passes with none', () => {
    expect(check()).toEqual({ purge: [], checks: [{ id: 'associations', status: 'pass', message: 'No association stands in the way.' }] });
  });

  it('warns of those that it will delete, by name', () => {
    const { purge, checks } = check(anAssociation());
    expect(purge).toEqual(['a-left00000000000001']);
    expect(checks).toHaveLength(1);
    expect(checks[0]).toMatchObject({ id: 'associations', status: 'warn', remedy: expect.stringContaining('rollback puts it back') as string });
    expect(checks[0]?.message).toContain('a-left00000000000001 for kube-system/ebs-csi-controller-sa');
  });

  it('fails once for each that it may not delete, and then deletes none', () => {
    const foreign = [anAssociation({ id: 'a-one', ownerArn: addonArn(1, 'adot') }), anAssociation({ id: 'a-two', tags: { iac: 'pulumi' } })];
    const { purge, checks } = check(anAssociation(), ...foreign);
    expect(purge).toEqual([]);
    expect(checks.map((one) => one.status)).toEqual(['fail', 'fail']);
    expect(checks[0]?.message).toContain('a-one');
    expect(checks[1]?.message).toContain('a-two');
    expect(checks[1]?.remedy).toMatch(/^Remove it where it is managed.*Pulumi.*\.$/);
  });
});
