/** A role that assumes another role of its account, before and after its pods move to EKS Pod Identity. */
import { CreatePodIdentityAssociationCommand } from '@aws-sdk/client-eks';
import { GetRoleCommand, UpdateAssumeRolePolicyCommand } from '@aws-sdk/client-iam';
import { describe, expect, it } from 'vitest';
import { chainedRole } from '../../sandbox/credentials/chained-roles.ts';
import { listObjects } from '../../sandbox/objects/store.ts';
import { inWorld, type OpenWorld } from './world.ts';
import { containing } from '../lambdas/matchers.ts';

const NAME = 'argocd-application-controller';
const CONTROLLER = { serviceAccount: { namespace: 'argocd', name: NAME } };
const TARGET = 'arn:aws:iam::111122223333:role/delivery-prod-deployer';
const ROLE = 'arn:aws:iam::111122223333:role/delivery-prod-argocd';
const SCENARIO = { scenario: 'role-chain-blocked' };

/** Returns what STS answers the controller's pods now. */
const chainOf = ({ backend, cluster }: OpenWorld, name = NAME, role = TARGET): string[] =>
  listObjects(cluster.kube, 'Pod')
    .filter(({ spec }) => spec.serviceAccountName === name)
    .flatMap((pod) => chainedRole(backend.sandbox.world, cluster, pod, role))
    .map(({ method, refused }) => `${method}: ${refused?.message ?? 'has the role'}`);

const iam = ({ backend }: OpenWorld) => backend.sandbox.clients(undefined, 'eu-west-1').iam();
const nameOf = (arn: string): string => arn.split('/').at(-1)!;
async function trustOf(world: OpenWorld, role: string): Promise<{ Statement: object[] }> {
  const { Role } = await iam(world).send(new GetRoleCommand({ RoleName: nameOf(role) }));
  return JSON.parse(decodeURIComponent(Role!.AssumeRolePolicyDocument!)) as { Statement: object[] };
}
const allowAlso = async (world: OpenWorld, statement: object, role = TARGET): Promise<void> => {
  const trust = await trustOf(world, role);
  await iam(world).send(
    new UpdateAssumeRolePolicyCommand({
      RoleName: nameOf(role),
      PolicyDocument: JSON.stringify({ ...trust, Statement: [...trust.Statement, statement] }),
    }),
  );
};
const printedStatement = (remedy: string | undefined): object =>
  JSON.parse(/keep the others: (\{.*?\})\. (?:If|Better)/.exec(remedy ?? '')![1]!) as object;

describe('a role that assumes another role', () => {
  it('blocks if that one would refuse the session tags, and works once the printed statement is there', () =>
    inWorld(SCENARIO, async (world) => {
      expect(chainOf(world)).toEqual(['irsa: has the role']);
      const blocked = await world.migrate(CONTROLLER);
      const check = blocked.plan?.checks.find(({ id }) => id === 'target-roles');
      expect([[blocked.outcome, check?.status], world.changes()]).toEqual([['blocked', 'fail'], []]);

      await allowAlso(world, printedStatement(check?.remedy));
      expect(await world.migrate(CONTROLLER)).toMatchObject({ outcome: 'migrated' });
      expect(chainOf(world)).toEqual(['pod-identity: has the role']);
    }));

  it('is migrated if it is accepted by name, and then loses the other role, as the plan said', () =>
    inWorld(SCENARIO, async (world) => {
      const report = await world.migrate({ ...CONTROLLER, accept: [`target-role:${TARGET}`] });
      expect(report.outcome).toBe('migrated');
      expect(report.plan?.checks.find(({ id }) => id === 'target-roles')).toMatchObject({ status: 'warn' });
      const [answer, ...more] = chainOf(world);
      expect(more).toEqual([]);
      expect(answer).toMatch(
        new RegExp(
          `^pod-identity: User: .*/eks-delivery-prod-.* is not authorized to perform: sts:TagSession on resource: ${TARGET}$`,
        ),
      );
    }));

  it.each<[string, object, string[]]>([
    [
      'an old session name',
      { Principal: { AWS: ROLE }, Condition: { StringLike: { 'aws:userid': '*:botocore-session-*' } } },
      ['sts:AssumeRole'],
    ],
    [
      'the OIDC provider',
      { Principal: { AWS: ROLE }, Condition: { Null: { 'aws:FederatedProvider': 'false' } } },
      ['sts:AssumeRole'],
    ],
    [
      "the account, which leaves tags to the role's own policies",
      { Principal: { AWS: '111122223333' } },
      ['sts:TagSession'],
    ],
  ])('blocks if the other role trusts %s, as STS then decides', (_, statement, [action]) =>
    inWorld(
      {
        ...SCENARIO,
        change: ({ accounts }) => {
          accounts[0]!.roles.find(({ arn }) => arn === TARGET)!.trustPolicy = {
            Version: '2012-10-17',
            Statement: [{ Effect: 'Allow', Action: ['sts:AssumeRole', 'sts:TagSession'], ...statement }],
          };
        },
      },
      async (world) => {
        expect(chainOf(world)).toEqual(['irsa: has the role']);
        expect(await world.migrate(CONTROLLER)).toMatchObject({ outcome: 'blocked' });
        await world.migrate({ ...CONTROLLER, accept: [`target-role:${TARGET}`] });
        expect(chainOf(world)[0]).toContain(`is not authorized to perform: ${action}`);
      },
    ),
  );

  it('is not affected by an association that sends no session tags', () =>
    inWorld(SCENARIO, async (world) => {
      const { backend, cluster } = world;
      const association = { clusterName: cluster.name, namespace: 'argocd', serviceAccount: NAME, roleArn: ROLE };
      await backend.sandbox
        .clients(undefined, 'eu-west-1')
        .eks()
        .send(new CreatePodIdentityAssociationCommand({ ...association, disableSessionTags: true }));
      expect(chainOf(world)).toEqual(['irsa: has the role']);
      expect(await world.migrate(CONTROLLER)).toMatchObject({ outcome: 'migrated' });
      expect(chainOf(world)).toEqual(['pod-identity: has the role']);
    }));
});

describe('a role that assumes itself', () => {
  const INVOICES = { namespace: 'billing', name: 'invoices' };
  const ITSELF = 'arn:aws:iam::111122223333:role/billing-prod-invoices';
  const selfOf = (world: OpenWorld): string[] => [...new Set(chainOf(world, INVOICES.name, ITSELF))];
  const asked = { serviceAccount: INVOICES };

  it('loses itself, as the plan warned, until the printed statement is there', () =>
    inWorld({ scenario: 'self-assume' }, async (world) => {
      expect(selfOf(world)).toEqual(['irsa: has the role']);
      const report = await world.migrate(asked);
      expect(report.outcome).toBe('migrated');
      const check = report.plan?.checks.find(({ id }) => id === 'self-assume');
      expect(check).toMatchObject({ status: 'warn', message: containing('sts:TagSession') });
      const refused = selfOf(world);
      expect(refused).not.toEqual([]);
      for (const one of refused)
        expect(one).toMatch(/^pod-identity: .* is not authorized to perform: sts:TagSession on resource: /);

      await allowAlso(world, printedStatement(check?.remedy), ITSELF);
      await world.later(60_000);
      expect(selfOf(world)).toEqual(['pod-identity: has the role']);
    }));

  it('keeps itself, and the plan passes, if the statement is there before', () =>
    inWorld({ scenario: 'self-assume' }, async (world) => {
      const planned = await world.migrate({ ...asked, dryRun: true });
      const warned = planned.plan?.checks.find(({ id }) => id === 'self-assume');
      await allowAlso(world, printedStatement(warned?.remedy), ITSELF);
      const report = await world.migrate(asked);
      expect(report.outcome).toBe('migrated');
      expect(report.plan?.checks.find(({ id }) => id === 'self-assume')).toMatchObject({ status: 'pass' });
      expect(selfOf(world)).toEqual(['pod-identity: has the role']);
    }));
});
