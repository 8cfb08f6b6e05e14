/** Builds the kubeconfig for the clusters of a served sandbox: `kubectl` with tokens from `aws eks get-token`. */
import type { Sandbox } from '../sandbox/sandbox.ts';
import type { ClusterState } from '../sandbox/world/world.ts';

/** First line of every kubeconfig that is written here: a file without it belongs to the user. */
export const KUBECONFIG_MARK = '# Written by `pod-identity sandbox`: the clusters of a sandbox on this machine.';

/** A cluster and the context that kubectl knows it by. */
export interface ServedCluster {
  context: string;
  cluster: ClusterState;
}

/**
 * Returns the contexts: the clusters' names, or their ARNs, as in `aws eks update-kubeconfig`, if several have the same
 * name.
 */
export const servedClusters = (clusters: readonly ClusterState[]): ServedCluster[] =>
  clusters.map((cluster) => ({
    context: clusters.filter(({ name }) => name === cluster.name).length === 1 ? cluster.name : cluster.arn,
    cluster,
  }));

type Environment = NonNullable<Sandbox['environment']>;

const userOf = ({ name, region }: ClusterState, environment: Environment): unknown => ({
  exec: {
    apiVersion: 'client.authentication.k8s.io/v1beta1',
    command: 'aws',
    args: ['eks', 'get-token', '--region', region, '--cluster-name', name, '--output', 'json'],
    // The sandbox's credentials, so that the file works in a shell that has others.
    env: Object.entries(environment(undefined, region)).map(([variable, value]) => ({ name: variable, value })),
    installHint: 'The tokens come from the AWS command line: install the package awscli.',
    interactiveMode: 'Never',
  },
});

/** Returns the text of the file: JSON, which is valid YAML. The first cluster is the current context. */
export const kubeconfigOf = (served: readonly ServedCluster[], environment: Environment): string => {
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    preferences: {},
    clusters: served.map(({ cluster }) => ({
      name: cluster.arn,
      cluster: {
        server: cluster.endpoint,
        'certificate-authority-data': Buffer.from(cluster.certificateAuthority).toString('base64'),
      },
    })),
    users: served.map(({ cluster }) => ({ name: cluster.arn, user: userOf(cluster, environment) })),
    contexts: served.map(({ context, cluster }) => ({
      name: context,
      context: { cluster: cluster.arn, user: cluster.arn },
    })),
    'current-context': served[0]?.context ?? '',
  };
  return `${KUBECONFIG_MARK}\n${JSON.stringify(config, null, 2)}\n`;
};
