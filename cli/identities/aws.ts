/** What is read of EKS and IAM in bulk: a cluster may have 5,000 associations, an account 5,000 roles. */
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
import { accountKey } from '../../lambdas/domain/identities/facts.ts';
import type { Association } from '../../lambdas/domain/migration/model.ts';
import { issuerName, type ParsedPolicy, parsePolicy } from '../../lambdas/domain/policy/index.ts';
import type { Clock, Eks } from '../../lambdas/ports/index.ts';
import { again } from './retry.ts';

export interface AssociationsQuestion {
  client: EKSClient;
  clock: Clock;
  cluster: string;
  namespace: string | undefined;
  /** Keys of the service accounts that have pods. */
  inUse: ReadonlySet<string>;
}

/**
 * Those of service accounts in use, whole. The list leaves out the role, so that each of those is described; one that
 * vanished in between is no longer there.
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
          if (associationId !== undefined && inUse.has(accountKey({ namespace: of, serviceAccount })))
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
 * By ARN, the trust policies of the account's roles that could let a token of this issuer in: the others name neither
 * it nor everybody.
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

/** Access entries that are looked at: each costs a call. */
const MOST_ENTRIES = 100;
/**
 * Of nodes whose pods reach the instance metadata, or what hybrid nodes have in its place. Source: EKS API Reference,
 * CreateAccessEntry.
 */
const NODE_TYPES = new Set(['EC2', 'EC2_LINUX', 'EC2_WINDOWS', 'HYBRID_LINUX', 'HYPERPOD_LINUX']);

/**
 * The roles of all nodes, as far as that is certain: a cluster in another authentication mode than API may know others
 * by its ConfigMap aws-auth. `undefined` where it is not, or the caller may not look; a report then just names no role.
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
    // One that vanished in between is no longer there.
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
