/** Reads everything that a rehearsal needs of one cluster. */
import { isMigrationError } from '../../lambdas/domain/failures/errors.ts';
import { targetsOf } from '../../lambdas/domain/plan/chains.ts';
import { IRSA_ANNOTATION } from '../../lambdas/domain/verification/irsa.ts';
import { shellCommand } from '../../lambdas/domain/text/shell.ts';
import { policyFact } from '../../lambdas/use-cases/facts/read-roles.ts';
import { CliError } from '../errors.ts';
import { identityOf } from './map-workloads.ts';
import { readEks } from './read-eks.ts';
import { readProvider, readRoles, rolesForPods } from './read-iam.ts';
import { readKubernetes, type KubernetesObjects } from './read-kubernetes.ts';
import { isUnreachable, type Reader } from './reader.ts';
import type { EksAnswers, Recording, RoleAnswers } from './recording.ts';

const WITHOUT_OBJECTS =
  "the rehearsal has the sandbox's own objects of add-ons that it knows, no other workloads, and two nodes";

/** Reads the API server; what it refuses as a whole is noted. */
const readObjects = async (
  reader: Reader,
  { cluster, addons }: EksAnswers,
): Promise<Pick<Recording, 'kubernetes' | 'unreachable'>> => {
  const { endpoint, certificateAuthority } = cluster;
  const { unread } = reader;
  const note = (why: string): void =>
    void unread.push({ what: 'the objects of the API server', why, effect: WITHOUT_OBJECTS });
  if (endpoint === undefined || certificateAuthority?.data === undefined) {
    note('the cluster has no endpoint yet');
    return { unreachable: false };
  }
  try {
    const installed = addons.flatMap(({ name, addon }) => (addon ? [name] : []));
    const kubernetes = await readKubernetes(reader, reader.api(endpoint, certificateAuthority.data), installed);
    return { kubernetes, unreachable: false };
  } catch (error) {
    if (!isMigrationError(error)) throw error;
    note(error.message);
    return { unreachable: isUnreachable(error) };
  }
};

/** Returns the ARNs of all roles that something in the cluster names. */
const rolesNamedIn = (
  { addons, associations, entries = [], cluster, fargateProfiles }: EksAnswers,
  objects: KubernetesObjects | undefined,
): string[] =>
  [
    ...addons.map(({ addon }) => addon?.serviceAccountRoleArn),
    ...associations.flatMap(({ roleArn, targetRoleArn }) => [roleArn, targetRoleArn]),
    ...entries.map(({ entry }) => (entry.type === 'STANDARD' ? undefined : entry.principalArn)),
    cluster.computeConfig?.nodeRoleArn,
    ...fargateProfiles.map(({ podExecutionRoleArn }) => podExecutionRoleArn),
    ...(objects?.accounts ?? []).map(({ annotations }) => annotations[IRSA_ANNOTATION]),
    ...(objects?.pods ?? []).map((pod) => identityOf(pod).roleArn),
  ].filter((arn) => arn !== undefined && arn.startsWith('arn:')) as string[];

/** Returns the other roles of the account that policies of these roles name, so that pods may assume them. */
const targetsIn = (roles: readonly RoleAnswers[], account: string): string[] => {
  const known = new Set(roles.map(({ role }) => role.Arn));
  return roles
    .flatMap(({ role, policies }) => targetsOf({ policies: policies.map(policyFact) }, role.Arn ?? '', account))
    .filter((arn) => !known.has(arn));
};

/** Throws a CliError for a cluster that does not exist, and a `MigrationError` for one that cannot be described. */
export const readCluster = async (reader: Reader, at: string): Promise<Recording> => {
  const { target, unread } = reader;
  reader.progress('the cluster');
  const eks = await readEks(reader);
  if (!eks)
    throw new CliError(
      'UnknownCluster',
      `account ${target.account} has no cluster ${target.cluster} in ${target.region}`,
      `To list clusters: ${shellCommand(['aws', 'eks', 'list-clusters', '--region', target.region])}`,
    );
  const objects = await readObjects(reader, eks);
  reader.progress('roles');
  const issuer = eks.cluster.identity?.oidc?.issuer;
  const named = await readRoles(reader, [
    ...rolesNamedIn(eks, objects.kubernetes),
    ...(await rolesForPods(reader, issuer)),
  ]);
  const roles = [...named, ...(await readRoles(reader, targetsIn(named, target.account)))];
  const oidcProvider = await readProvider(reader, issuer);
  return { target, at, eks, roles, oidcProvider, unread, ...objects };
};
