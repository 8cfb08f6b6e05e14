/** What `doctor` decides about one cluster, from facts that were read. */
import type { Cluster } from '../../lambdas/domain/aws/eks.ts';
import { eksCommand, eksRegionCommand } from '../../lambdas/domain/commands/eks.ts';
import { oidcProviderArn } from '../../lambdas/domain/aws/arn.ts';
import { OWN_ROLE, shellCommand, type Word } from '../../lambdas/domain/text/shell.ts';
import { partitionOf } from '../../lambdas/domain/aws/partitions.ts';
import { type Check, fail, pass, some, unknown, warn } from '../../lambdas/domain/terms/check.ts';
import type { Target } from '../../lambdas/domain/terms/subject.ts';
import { MAX_ASSOCIATIONS } from '../../lambdas/domain/plan/association-checks.ts';
import { failLines } from './remedy.ts';

/** `clusters`: the names of the region's clusters; undefined if they could not be listed. */
export const checkCluster = (
  target: Target,
  cluster: Cluster | undefined,
  clusters: readonly string[] | undefined,
): Check => {
  const id = 'cluster';
  if (!cluster) {
    const names =
      clusters === undefined
        ? ''
        : clusters.length === 0
          ? ` ${target.region} has no cluster in this account.`
          : ` Clusters there: ${some([...clusters].sort())}.`;
    return fail(
      id,
      `Cluster ${target.cluster} does not exist in ${target.region} of account ${target.account}.${names}`,
      `Check --cluster, --region and --profile. To list the clusters: ${eksRegionCommand(target, 'list-clusters')}`,
    );
  }
  if (cluster.status !== 'ACTIVE')
    return fail(
      id,
      `Cluster ${cluster.name} is ${cluster.status}, not ACTIVE.`,
      `Wait until it is ACTIVE: ${shellCommand(['aws', 'eks', 'wait', 'cluster-active', '--region', target.region, '--name', target.cluster])}`,
    );
  return pass(id, `Cluster ${cluster.name} is ACTIVE, Kubernetes ${cluster.version}.`);
};

/** The API server's endpoint, as EKS describes it. */
export interface EndpointFact {
  url: string;
  isPublic: boolean;
  isPrivate: boolean;
  /** The networks from which the public endpoint can be reached. */
  publicCidrs: readonly string[];
  /** Undefined if it answered, whatever the answer; otherwise the error. */
  error?: string;
}

const ANYWHERE = '0.0.0.0/0';

/** Checks whether the API server answers from here. */
export const checkEndpoint = (target: Target, endpoint: EndpointFact): Check => {
  const id = 'api-server';
  const { url, isPublic, isPrivate, publicCidrs, error } = endpoint;
  const access = [isPublic ? 'public' : '', isPrivate ? 'private' : ''].filter(Boolean).join(' and ');
  if (error === undefined) return pass(id, `The API server answers at ${url} (${access} endpoint).`);
  const shown = eksRegionCommand(target, 'describe-cluster', [
    '--name',
    target.cluster,
    '--query',
    'cluster.resourcesVpcConfig',
  ]);
  if (!isPublic)
    return fail(
      id,
      `The API server at ${url} does not answer here: ${error}. Its endpoint is private, so it answers only in its VPC and in networks that are connected to it.`,
      `Run this in the VPC (a VPN, a bastion host, CloudShell in the VPC). To show the endpoint's settings: ${shown}`,
    );
  const limited = publicCidrs.length > 0 && !publicCidrs.includes(ANYWHERE);
  return fail(
    id,
    `The API server at ${url} does not answer here: ${error}.${limited ? ` Its public endpoint admits only ${some(publicCidrs)}.` : ''}`,
    `${limited ? "Run this in one of these networks, or have this machine's address added to them." : 'Check the network and a proxy in between.'} To show the endpoint's settings: ${shown}`,
  );
};

/** One list of the API server: what it is, and the refusal if there was one. */
export interface Listed {
  what: string;
  status: 'allowed' | 'unauthorised' | 'forbidden' | 'failed';
  why?: string;
}

/** Checks whether the caller may read the objects that a plan reads. */
export const checkAccess = (target: Target, roleArn: string | undefined, lists: readonly Listed[]): Check => {
  const id = 'kubernetes-access';
  const refused = lists.filter(({ status }) => status !== 'allowed');
  if (refused.length === 0)
    return pass(id, `The API server lets you list ${lists.map(({ what }) => what).join(', ')}.`);
  const failed = refused.find(({ status }) => status === 'failed');
  if (failed)
    return unknown(
      id,
      `Whether the API server lets you list ${failed.what} could not be read: ${failed.why ?? 'no answer'}.`,
      'Try again.',
    );
  const isUnknownCaller = refused.some(({ status }) => status === 'unauthorised');
  const message = isUnknownCaller
    ? 'The API server does not know these credentials: they have no access entry in the cluster, or it is a few seconds old.'
    : `The API server does not let you list ${refused.map(({ what }) => what).join(', ')}.`;
  const policy = `give the access entry a policy that only reads, Secrets included: ${viewPolicyCommand(target, roleArn)}`;
  return failLines(
    id,
    message,
    isUnknownCaller
      ? [
          `As an administrator of the cluster, create an access entry: ${entryCommand(target, roleArn)}`,
          `Then ${policy}`,
        ]
      : [`As an administrator of the cluster, ${policy}`],
  );
};

const entryCommand = (target: Target, roleArn: Word = OWN_ROLE): string =>
  eksCommand(target, 'create-access-entry', ['--principal-arn', roleArn]);

/**
 * Returns the command that lets the caller read everything that a plan reads, nodes and webhooks included (EKS User Guide,
 * "Review access policy permissions").
 */
const viewPolicyCommand = (target: Target, roleArn: Word = OWN_ROLE): string =>
  eksCommand(
    target,
    'associate-access-policy',
    ['--principal-arn', roleArn],
    ['--policy-arn', `arn:${partitionOf(target.region)}:eks::aws:cluster-access-policy/AmazonEKSAdminViewPolicy`],
    ['--access-scope', 'type=cluster'],
  );

/** From this share of the quota on, a fleet of migrations may exceed it. */
const NEARLY = 0.9;

export const checkQuota = (target: Target, count: number): Check => {
  const id = 'association-quota';
  const text = `Cluster ${target.cluster} has ${count} of at most ${MAX_ASSOCIATIONS} associations`;
  if (count < MAX_ASSOCIATIONS * NEARLY) return pass(id, `${text}.`);
  return warn(
    id,
    `${text}; each migrated service account without one adds one.`,
    `Delete unused associations. To list them: ${eksCommand(target, 'list-pod-identity-associations')}`,
  );
};

/** `exists`: undefined if it could not be read. */
export const checkProvider = (
  target: Target,
  { oidcIssuer }: Pick<Cluster, 'oidcIssuer'>,
  exists: boolean | undefined,
): Check => {
  const id = 'oidc-provider';
  if (oidcIssuer === undefined) return pass(id, 'The cluster has no OIDC issuer, so no pod uses IRSA.');
  const arn = oidcProviderArn(target, oidcIssuer);
  if (exists === undefined)
    return unknown(
      id,
      `Whether IAM has the OIDC provider ${arn} could not be read.`,
      'Allow iam:GetOpenIDConnectProvider.',
    );
  if (exists) return pass(id, "IAM has the OIDC provider of the cluster's issuer, which IRSA and a rollback need.");
  return warn(
    id,
    `IAM in account ${target.account} has no OIDC provider ${arn}: pods of this cluster cannot use IRSA roles of this account.`,
    `If roles of this account are to work through IRSA, also after a rollback, create it: ${createProvider(oidcIssuer)}`,
  );
};

const createProvider = (issuer: string): string =>
  `aws iam create-open-id-connect-provider --url ${issuer} --client-id-list sts.amazonaws.com`;
