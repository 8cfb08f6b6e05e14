/** Rights of deployments so large that they are in managed policies: the same as those of a small one, role by role. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, Stack } from 'aws-cdk-lib';
import { afterAll, describe, expect, it } from 'vitest';
import { policyCharacters } from '../../lambdas/domain/aws/limits.ts';
import type { Grant } from '../../lib/permissions/grant.ts';
import { ManagedGrants } from '../../lib/permissions/managed.ts';
import { accountsOf, LIST_MAXIMA, patternsOf } from './configurations.ts';
import { Deployment, type Resource } from './definition.ts';
import { synthesised } from './synthesised.ts';

const [PASSED, REPAIRED, ACCOUNTS] = [patternsOf(100, 'passed'), patternsOf(100, 'repaired'), accountsOf(100)];
const withLists = (passed: string[], repaired: string[], accounts: string[]) =>
  synthesised(
    { ...LIST_MAXIMA.context, passableRoleArns: passed, repairableRoleArns: repaired },
    { ...LIST_MAXIMA.settings, accounts },
  );
const large = withLists(PASSED, REPAIRED, ACCOUNTS);
const small = withLists(PASSED.slice(0, 1), REPAIRED.slice(0, 1), ACCOUNTS.slice(0, 1));

/** By role, action and condition, on what: each pattern and each account named as the first of its kind. */
const rightsIn = (resources: Record<string, Resource>): Record<string, Record<string, string[]>> => {
  const deployment = new Deployment({ Resources: resources, Outputs: {} });
  const asFirst = (text: string): string =>
    text
      .replaceAll(/(passed|repaired)-team-\d{3}/g, '$1-team-001')
      .replaceAll(/222233334\d{3}/g, '222233334001')
      // Another configuration is another version of the functions that read it.
      .replaceAll(/(CurrentVersion[0-9A-F]{8})\w+/g, '$1');
  return Object.fromEntries(
    deployment.resourcesOf('AWS::IAM::Role').map(([role, { Properties }]) => {
      const inline = (Properties.Policies ?? []) as { PolicyDocument: { Statement: Record<string, unknown>[] } }[];
      const own = inline.flatMap(({ PolicyDocument }) =>
        PolicyDocument.Statement.map((statement) => ({
          actions: [statement.Action].flat() as string[],
          resources: [deployment.resolve(statement.Resource)].flat() as string[],
          condition: statement.Condition,
        })),
      );
      const rights = new Map<string, Set<string>>();
      for (const { actions, resources: on, condition } of [...deployment.statementsOfRole(role), ...own])
        for (const action of actions) {
          const key = `${action} ${asFirst(JSON.stringify(condition ?? {})).replaceAll(/\["222233334001"(,"222233334001")*\]/g, '"222233334001"')}`;
          const known = rights.get(key) ?? new Set();
          for (const resource of on) known.add(asFirst(resource));
          rights.set(key, known);
        }
      return [role, Object.fromEntries([...rights].map(([key, on]) => [key, [...on].sort()]))];
    }),
  );
};
/** Resources of an action, of all roles, as often as a statement names them. */
const patternsFor = (resources: Record<string, Resource>, action: string): string[] => {
  const deployment = new Deployment({ Resources: resources, Outputs: {} });
  return deployment
    .resourcesOf('AWS::IAM::ManagedPolicy')
    .flatMap(([, { Properties }]) => (Properties.PolicyDocument as { Statement: Record<string, unknown>[] }).Statement)
    .filter(({ Action }) => [Action].flat().includes(action))
    .flatMap(({ Resource: on }) => [deployment.resolve(on)].flat() as string[])
    .map((arn) => arn.slice(arn.indexOf(':role/') + 1));
};

describe.each([
  ['hub', large.hub.Resources, small.hub.Resources],
  ['spoke', large.spoke().Resources, small.spoke().Resources],
])('in the %s', (_, many, few) => {
  it('each role has the rights that it has with one pattern and one account, on all of them', () => {
    expect([rightsIn(many), new Set(patternsFor(many, 'iam:PassRole'))]).toEqual([rightsIn(few), new Set(PASSED)]);
    expect(new Set(patternsFor(many, 'iam:UpdateAssumeRolePolicy'))).toEqual(new Set(REPAIRED));
  });

  it('a small deployment has no managed policy', () =>
    expect(Object.values(few).filter(({ Type }) => Type === 'AWS::IAM::ManagedPolicy')).toEqual([]));

  it('a role names its managed policies, so that it is changed after them', () => {
    const named = Object.values(many).flatMap(({ Type, Properties }) =>
      Type === 'AWS::IAM::Role'
        ? ((Properties.ManagedPolicyArns ?? []) as { Ref: string }[]).map(({ Ref }) => Ref)
        : [],
    );
    const there = Object.entries(many).filter(([, { Type }]) => Type === 'AWS::IAM::ManagedPolicy');
    expect(new Set(named)).toEqual(new Set(there.map(([id]) => id)));
    for (const [, { Properties }] of there) expect(Properties).not.toHaveProperty('Roles');
  });
});

describe('a grant', () => {
  const scratch = mkdtempSync(join(tmpdir(), 'managed-test-'));
  afterAll(() => rmSync(scratch, { recursive: true, force: true }));
  const grant = (count: number, why = 'passes roles'): Grant => ({
    actions: ['iam:PassRole'],
    resources: patternsOf(count, 'passed').map((pattern) => `arn:aws:iam::111122223333:${pattern}`),
    why,
  });
  const divided = (...all: Grant[]) => {
    const stack = new Stack(new App({ outdir: scratch }), 'Stack');
    const managed = new ManagedGrants(stack, 'Rights', all);
    const documents = managed.node.children.map(
      (child) =>
        stack.resolve((child as unknown as { policyDocument: unknown }).policyDocument) as {
          Statement: { Resource: unknown }[];
        },
    );
    return { divide: (grants: Grant[]) => managed.divide(grants), documents };
  };

  it('stays in the own policy while it is small', () => {
    const { divide, documents } = divided(grant(5));
    expect([divide([grant(5)]), documents]).toEqual([{ own: [grant(5)], managedPolicyArns: [] }, []]);
  });

  it('is divided among policies that are as full as they can be, in the order of its resources', () => {
    const { divide, documents } = divided(grant(200));
    expect(documents.flatMap(({ Statement }) => Statement.flatMap(({ Resource: on }) => on))).toEqual(
      grant(200).resources,
    );
    const sizes = documents.map(policyCharacters);
    for (const size of sizes) expect(size).toBeLessThanOrEqual(6144);
    for (const size of sizes.slice(0, -1)) expect(size).toBeGreaterThan(6000);
    expect(divide([grant(200), grant(2)]).own).toEqual([grant(2)]);
    expect(divide([grant(200)]).managedPolicyArns).toHaveLength(documents.length);
  });

  it('is one for all roles that have it, for whatever reason, and another for others', () => {
    const { divide, documents } = divided(grant(50, 'one'), grant(50, 'two'), grant(60));
    expect(documents).toHaveLength(2);
    expect(divide([grant(50, 'two')])).toEqual(divide([grant(50, 'one')]));
    expect(divide([grant(60)])).not.toEqual(divide([grant(50)]));
    expect(divide([grant(50, 'one'), grant(50, 'two')]).managedPolicyArns).toHaveLength(1);
  });
});
