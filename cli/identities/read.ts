/** Reads the facts for a report on identities, with the caller's own credentials, in bulk and with retries. */
import { ACCESS_GROUPS } from '../../lambdas/domain/access/rules.ts';
import type { IdentityFacts } from '../../lambdas/domain/identities/facts.ts';
import { OWN_ROLE, shellCommand } from '../../lambdas/domain/text/shell.ts';
import { readIdentities as readFacts, UnreadCluster } from '../../lambdas/use-cases/identities/read.ts';
import { CliError } from '../errors.ts';
import { EXIT_CODES } from '../exit-codes.ts';
import { again } from '../aws/retry.ts';
import { associationsInUse, rolesOfNodes, rolesTrusting } from './aws.ts';
import type { Reader } from './open.ts';

/** What to read. */
export interface Scope {
  namespace: string | undefined;
  /** Whether to read the trust policies of all roles of the account. */
  roles: boolean;
}

const explained = ({ why, message, cause }: UnreadCluster, { target: { cluster, region } }: Reader): CliError =>
  why === 'unknown'
    ? new CliError('UnknownCluster', message, `To list clusters: aws eks list-clusters --region ${region}`)
    : new CliError(
        'NoAccess',
        message,
        [
          'The role that you use (aws sts get-caller-identity) needs an access entry with a group that may list pods, service accounts and nodes:',
          shellCommand([
            'aws',
            'eks',
            'create-access-entry',
            '--cluster-name',
            cluster,
            '--region',
            region,
            '--principal-arn',
            OWN_ROLE,
            '--kubernetes-groups',
            ACCESS_GROUPS.read,
          ]),
          `To give the group only these permissions: ${shellCommand(['pod-identity', 'grant-access', '--cluster', cluster])}`,
        ].join('\n'),
        EXIT_CODES.blocked,
        { cause },
      );

/**
 * Reads the facts. Throws a CliError if the cluster does not exist, or the caller may not list its pods, and a
 * MigrationError if a call to AWS fails.
 */
export const readIdentities = async (reader: Reader, { namespace, roles: allRoles }: Scope): Promise<IdentityFacts> => {
  const { target, eks, eksClient, iamClient, kubernetes, roles, clock } = reader;
  const sources = {
    target,
    eks,
    kubernetes,
    roles,
    clock,
    attempt: <T>(read: () => Promise<T>): Promise<T> => again(clock, read),
    associationsOf: (inUse: ReadonlySet<string>, of: string | undefined) =>
      associationsInUse({ client: eksClient, clock, cluster: target.cluster, namespace: of, inUse }),
    rolesOfNodes: () => rolesOfNodes(eksClient, eks, clock, target.cluster),
  };
  try {
    return await readFacts(sources, {
      namespace,
      rolesTrusting: allRoles ? (issuer) => rolesTrusting(iamClient, clock, issuer) : undefined,
    });
  } catch (error) {
    throw error instanceof UnreadCluster ? explained(error, reader) : error;
  }
};
