/** Reads and writes access entries in EKS, with the caller's own credentials. */
import {
  type Cluster,
  CreateAccessEntryCommand,
  DescribeAccessEntryCommand,
  DescribeClusterCommand,
  type EKSClient,
  ListClustersCommand,
  UpdateAccessEntryCommand,
} from '@aws-sdk/client-eks';
import { fromAws } from '../../lambdas/adapters/aws-errors.ts';
import type { FoundEntry } from '../../lambdas/domain/access/entries.ts';
import { isMigrationError } from '../../lambdas/domain/failures/errors.ts';
import type { Target } from '../../lambdas/domain/terms/subject.ts';
import { awsError } from '../deployed.ts';
import { CliError } from '../errors.ts';
import { EXIT_CODES } from '../exit-codes.ts';

export interface AccessCluster {
  endpoint: string;
  /** PEM. */
  certificateAuthority: string;
  /** `API`, `API_AND_CONFIG_MAP` or `CONFIG_MAP`; undefined for clusters older than access entries. */
  authenticationMode: string | undefined;
  /** Version of Kubernetes, such as 1.31. */
  version: string;
}

/** Each method throws a CliError; missing permissions have the exit code of a refusal. */
export interface AccessEntries {
  describeCluster(): Promise<AccessCluster>;
  /** Returns undefined if there is none. */
  describe(principalArn: string): Promise<FoundEntry | undefined>;
  create(principalArn: string, groups: string[]): Promise<void>;
  /** Replaces the groups of the entry by `groups`. */
  update(principalArn: string, groups: string[]): Promise<void>;
}

/** Returns the error for a failed call to EKS. */
export const eksError = (error: unknown): CliError => {
  if (!isMigrationError(error)) return awsError(error);
  if (error.name === 'AccessDenied') {
    const hint =
      'Check whose credentials these are (aws sts get-caller-identity), that they are valid, and that they allow this call: reading needs eks:DescribeCluster, ListAddons, DescribeAddon, DescribeAddonConfiguration, DescribeAddonVersions and DescribeAccessEntry; --apply also needs CreateAccessEntry and UpdateAccessEntry';
    return new CliError('AwsRefused', `AWS denied the call: ${error.message}`, hint, EXIT_CODES.blocked, {
      cause: error,
    });
  }
  return awsError(error.cause instanceof Error ? error.cause : error);
};

const call = async <T>(name: string, run: () => Promise<T>): Promise<T> => {
  try {
    return await run();
  } catch (error) {
    throw fromAws(`eks:${name}`, error);
  }
};
const orUndefined = async <T>(name: string, run: () => Promise<T>): Promise<T | undefined> => {
  try {
    return await call(name, run);
  } catch (error) {
    if (isMigrationError(error, 'NotFound')) return undefined;
    throw eksError(error);
  }
};
const changed = async (name: string, run: () => Promise<unknown>): Promise<void> => {
  try {
    await call(name, run);
  } catch (error) {
    throw eksError(error);
  }
};

/** Returns a hint with the clusters of the region, or how to list them if the list fails too. */
const hintAtClusters = async (client: EKSClient, region: string): Promise<string> => {
  const clusters = await client.send(new ListClustersCommand({})).then(
    (answer) => answer.clusters ?? [],
    () => [],
  );
  return clusters.length === 0
    ? `To list clusters: aws eks list-clusters --region ${region}`
    : `Clusters there: ${clusters.slice(0, 20).join(', ')}`;
};

/** Returns the address of the cluster's API server. Throws ClusterNotReady if there is none yet. */
const reachable = (cluster: Cluster, name: string): AccessCluster => {
  const { endpoint, certificateAuthority, accessConfig, status = 'UNKNOWN', version = '' } = cluster;
  if (endpoint === undefined || certificateAuthority?.data === undefined) {
    throw new CliError(
      'ClusterNotReady',
      `cluster ${name} has no API server yet: it is ${status}`,
      'Run the same command again once it is ACTIVE',
      EXIT_CODES.blocked,
    );
  }
  return {
    endpoint: endpoint.replace(/\/$/, ''),
    certificateAuthority: Buffer.from(certificateAuthority.data, 'base64').toString('utf8'),
    authenticationMode: accessConfig?.authenticationMode,
    version,
  };
};

export const createAccessEntries = (
  client: EKSClient,
  { account, region, cluster: clusterName }: Target,
): AccessEntries => {
  return {
    describeCluster: async () => {
      const cluster = (
        await orUndefined('DescribeCluster', () => client.send(new DescribeClusterCommand({ name: clusterName })))
      )?.cluster;
      if (!cluster)
        throw new CliError(
          'UnknownCluster',
          `cluster ${clusterName} does not exist in account ${account}, ${region}`,
          await hintAtClusters(client, region),
        );
      return reachable(cluster, clusterName);
    },
    describe: async (principalArn) => {
      const entry = (
        await orUndefined('DescribeAccessEntry', () =>
          client.send(new DescribeAccessEntryCommand({ clusterName, principalArn })),
        )
      )?.accessEntry;
      return entry && { type: entry.type ?? 'STANDARD', groups: entry.kubernetesGroups ?? [] };
    },
    create: (principalArn, kubernetesGroups) =>
      changed('CreateAccessEntry', () =>
        client.send(new CreateAccessEntryCommand({ clusterName, principalArn, type: 'STANDARD', kubernetesGroups })),
      ),
    update: (principalArn, kubernetesGroups) =>
      changed('UpdateAccessEntry', () =>
        client.send(new UpdateAccessEntryCommand({ clusterName, principalArn, kubernetesGroups })),
      ),
  };
};
