/** Clusters of tests: objects as API servers have them, and what was found in them. */
import { findConsumers } from '../../../../lambdas/domain/consumers/find.ts';
import { type Consumer, nameOfConsumer } from '../../../../lambdas/domain/consumers/model.ts';
import type { Pod, Workload } from '../../../../lambdas/domain/kubernetes/objects.ts';
import { aContainer, aPod } from '../../fixtures.ts';

/** Returns an object with this spec; the name is `NAME`, or `NAMESPACE/NAME`. */
export const anObject = (name: string, spec: unknown): unknown => {
  const [last = '', namespace] = name.split('/').toReversed();
  return { metadata: { name: last, ...(namespace === undefined ? {} : { namespace }) }, spec };
};

export interface Cluster {
  objects?: Record<string, unknown[]>;
  unread?: string[];
  pods?: Pod[];
  workloads?: Workload[];
}

export const consumersIn = ({ objects = {}, unread = [], pods = [], workloads = [] }: Cluster): Consumer[] =>
  findConsumers({ objects, unread: unread.map((resource) => ({ resource, error: 'forbidden' })) }, { pods, workloads });

/** Returns a line for each consumer: its name, the service account, and the needs. */
export const linesOf = (cluster: Cluster): string[] =>
  consumersIn(cluster).map((one) => {
    const { serviceAccount, needs, roleArn } = one;
    const role = roleArn === undefined ? '' : ` ${roleArn}`;
    return `${nameOfConsumer(one)} uses ${serviceAccount.namespace}/${serviceAccount.name}: ${needs.join(', ')}${role}`;
  });

/** A pod of a workload's, with no AWS identity of its own. */
export const podOf = (namespace: string, serviceAccount: string, change: Partial<Pod> = {}): Pod =>
  aPod('node-role', {
    namespace,
    serviceAccount,
    name: `${serviceAccount}-1`,
    labels: {},
    owner: { kind: 'Deployment', name: serviceAccount },
    containers: [aContainer({ name: 'app', image: 'example.com/app:1' })],
    ...change,
  });
