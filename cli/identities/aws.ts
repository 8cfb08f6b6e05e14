/** Reads from EKS and IAM in bulk: a cluster may have 5,000 associations, an account 5,000 roles. */
import { accountOf } from '../../lambdas/domain/terms/subject.ts';
import {
  DescribeClusterCommand,
  DescribePodIdentityAssociationCommand,
  type EKSClient,
  paginateListPodIdentityAssociations,
} from '@aws-sdk/client-eks';
import { type IAMClient, paginateListRoles } from '@aws-sdk/client-iam';
import { aws, awsOrUndefined } from '../../lambdas/adapters/aws-errors.ts';
import { toAssociation } from '../../lambdas/adapters/aws-eks-shapes.ts';
import { isMigrationError } from '../../lambdas/domain/failures/errors.ts';
import type { Association } from '../../lambdas/domain/terms/observed.ts';
import { issuerName, type ParsedPolicy, parsePolicy } from '../../lambdas/domain/policy/index.ts';
import type { Clock, Eks } from '../../lambdas/ports/index.ts';
import { again } from '../aws/retry.ts';

export interface AssociationsQuestion {
  client: EKSClient;
  clock: Clock;
  cluster: string;
  namespace: string | undefined;
  /** Keys of the service accounts with pods. */
  inUse: ReadonlySet<string>;
}

/**
 * Returns the associations of service accounts in use. The list does not contain the role, so each of them is described;
 * an association that was deleted in between is omitted.
 */
export const associationsInUse = async ({
  client,
  clock,
  cluster,
  namespace,
  inUse,
}: AssociationsQuestion): Promise<Association[]> => {
  const ids = await again(clock, () =>
    aws('eks:ListPodIdentityAssociations', async () => {
      const found: string[] = [];
      for await (const { associations = [] } of paginateListPodIdentityAssociations(
        { client },
        { clusterName: cluster, ...(namespace === undefined ? {} : { namespace }) },
      )) {
        for (const { associationId, namespace: of = '', serviceAccount = '' } of associations)
          if (associationId !== undefined && inUse.has(accountOf({ namespace: of, serviceAccount })))
            found.push(associationId);
      }
      return found;
    }),
  );
  const whole: Association[] = [];
  for (const associationId of ids) {
    const answer = await again(clock, () =>
      awsOrUndefined(`eks:DescribePodIdentityAssociation ${associationId}`, () =>
        client.send(new DescribePodIdentityAssociationCommand({ clusterName: cluster, associationId })),
      ),
    );
    if (answer?.association) whole.push(toAssociation(answer.association));
  }
  return whole;
};

/**
 * Returns, by ARN, the trust policies of the account's roles that could allow a token of this issuer: those that name
 * the issuer or any principal.
 */
export const rolesTrusting = (
  client: IAMClient,
  clock: Clock,
  oidcIssuer: string,
): Promise<Map<string, ParsedPolicy>> =>
  again(clock, () =>
    aws('iam:ListRoles', async () => {
      const issuer = issuerName(oidcIssuer).toLowerCase();
      const found = new Map<string, ParsedPolicy>();
      for await (const { Roles = [] } of paginateListRoles({ client }, {})) {
        for (const { Arn, AssumeRolePolicyDocument = '' } of Roles) {
          const document = decodeURIComponent(AssumeRolePolicyDocument);
          if (Arn !== undefined && (document.toLowerCase().includes(issuer) || /"(?:\*"|AWS":\s*"\*)/.test(document)))
            found.set(Arn, parsePolicy(document, 'trust'));
        }
      }
      return found;
    }),
  );

/** Maximum number of access entries to read: each costs a call. */
const MOST_ENTRIES = 100;
/**
 * Types of access entries of nodes whose pods reach the instance metadata, or its replacement on hybrid nodes. Source:
 * EKS API Reference, CreateAccessEntry.
 */
const NODE_TYPES = new Set(['EC2', 'EC2_LINUX', 'EC2_WINDOWS', 'HYBRID_LINUX', 'HYPERPOD_LINUX']);

/**
 * Returns the roles of all nodes, or undefined if they are not certain or the caller may not read them: a cluster in
 * another authentication mode than API may have others in its ConfigMap aws-auth. The report then names no role.
 */
export const rolesOfNodes = async (
  client: EKSClient,
  eks: Eks,
  clock: Clock,
  cluster: string,
): Promise<string[] | undefined> => {
  try {
    const answer = await again(clock, () =>
      aws('eks:DescribeCluster', () => client.send(new DescribeClusterCommand({ name: cluster }))),
    );
    if (answer.cluster?.accessConfig?.authenticationMode !== 'API') return undefined;
    const { arns, more } = await again(clock, () => eks.listNodeCandidates(MOST_ENTRIES));
    if (more) return undefined;
    const ofNodes: string[] = [];
    // An entry that was deleted in between is omitted.
    for (const arn of arns) {
      const entry = await again(clock, () => eks.describeAccessEntry(arn));
      if (entry && NODE_TYPES.has(entry.type)) ofNodes.push(arn);
    }
    return ofNodes;
  } catch (error) {
    if (isMigrationError(error, 'AccessDenied') || isMigrationError(error, 'InvalidRequest')) return undefined;
    throw error;
  }
};
