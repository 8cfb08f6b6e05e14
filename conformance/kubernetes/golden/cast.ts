/** The world that the requests of a corpus are sent to, and whose tokens they bear. */
import { eksToken } from '../../../lambdas/adapters/eks-token.ts';
import { credentialsOf, operatorRoleArn } from '../../../sandbox/authorization/access-keys.ts';
import { buildWorld } from '../../../sandbox/build/load.ts';
import type { Scenario } from '../../../sandbox/scenario/scenario.ts';
import type { ClusterState, World } from '../../../sandbox/world/world.ts';

const ACCOUNT = '111122223333';
/** The functions whose roles are in the service's groups, as the recording's deployment named them. */
const STEPS = {
  reader: ['PodIdentityMigrator-StepsPlanRoleC5C164C0', 'PodIdentityMigrator-StepsPlanFunctionF86F230C'],
  restart: ['PodIdentityMigrator-StepsRestartPodsRoleB1B52055', 'PodIdentityMigrator-StepsRestartPodsFunction94DAD871'],
  annotate: [
    'PodIdentityMigrator-StepsAnnotateServiceAccountRole34557209',
    'PodIdentityMigrator-StepsAnnotateServiceAccountFunction1CF1890B',
  ],
} as const;
const roleArn = (name: string): string => `arn:aws:iam::${ACCOUNT}:role/${name}`;

/** Builds the world of a corpus: its scenario, with the roles and access entries of all callers. */
export const openWorld = (scenario: Scenario): { world: World; cluster: ClusterState } => {
  const deployed = Object.values(STEPS).map(([name]) => roleArn(name));
  const world = buildWorld(scenario, {
    roles: deployed.map((arn) => ({ arn, policies: [], managedPolicyArns: [] })),
    kubernetesRoles: deployed,
    restartRoles: [roleArn(STEPS.restart[0])],
    annotateRoles: [roleArn(STEPS.annotate[0])],
  });
  const [cluster] = world.accounts.get(ACCOUNT)?.clusters.values() ?? [];
  if (!cluster) throw new Error('The scenario of the corpus has no cluster.');
  // The recording's token webhook gave all roles one id.
  for (const role of world.accounts.get(ACCOUNT)?.roles.values() ?? []) role.roleId = 'AROAEXAMPLE';
  const createdAt = world.schedule.now();
  for (const [name, groups] of [
    ['nobody', []],
    ['lab', ['lab-makers']],
  ] as const)
    cluster.accessEntries.set(roleArn(name), {
      principalArn: roleArn(name),
      kubernetesGroups: [...groups],
      type: 'STANDARD',
      tags: {},
      createdAt,
      policies: [],
    });
  return { world, cluster };
};

/** Returns the authorization header of each caller, by the name that the corpus has for it; undefined for none. */
export const tokensFor = async (world: World, cluster: ClusterState): Promise<Record<string, string | undefined>> => {
  const token = (role: string, session: string, name = cluster.name, ago = 0): Promise<string> =>
    eksToken({
      cluster: name,
      region: cluster.region,
      credentials: credentialsOf(world, role, session),
      now: new Date(world.schedule.now() - ago),
    });
  const operator = operatorRoleArn(world);
  const steps = Object.entries(STEPS).map(async ([as, [role, session]]) => [as, await token(roleArn(role), session)]);
  const roles = ['nobody', 'lab', 'stranger'].map(async (name) => [name, await token(roleArn(name), 'sandbox')]);
  const bearers = Object.fromEntries(await Promise.all([...steps, ...roles])) as Record<string, string>;
  return {
    ...Object.fromEntries(Object.entries(bearers).map(([as, text]) => [as, `Bearer ${text}`])),
    admin: `Bearer ${await token(operator, 'sandbox')}`,
    badtoken: 'Bearer k8s-aws-v1.nonsense',
    plain: 'Bearer not-a-token',
    othercluster: `Bearer ${await token(operator, 'sandbox', 'another')}`,
    expired: `Bearer ${await token(operator, 'sandbox', cluster.name, 20 * 60_000)}`,
    basic: `Basic ${Buffer.from('admin:admin').toString('base64')}`,
    anonymous: undefined,
  };
};
