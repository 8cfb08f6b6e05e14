/** Finds the consumers of web identities in what was read of a cluster. */
import type { Pod, Workload } from '../kubernetes/objects.ts';
import type { ServiceAccountRef } from '../terms/subject.ts';
import { type Consumer, type ConsumerFacts, nameOfConsumer } from './model.ts';
import { PODS } from './pods.ts';
import { PRODUCTS } from './products.ts';
import { ANY, type Detector, seenOf } from './seen.ts';

/** In the order of the documentation. */
export const DETECTORS: readonly Detector[] = [...PRODUCTS, PODS];

const keyOf = (consumer: Consumer): string => {
  const { serviceAccount, roleArn = '', how } = consumer;
  return [nameOfConsumer(consumer), serviceAccount.namespace, serviceAccount.name, roleArn, how].join('\n');
};
const byKey = ([a]: readonly [string, Consumer], [b]: readonly [string, Consumer]): number =>
  a < b ? -1 : a > b ? 1 : 0;

/**
 * Returns all consumers of the cluster, by name. An object that uses several service accounts is there once for each. Never
 * throws, whatever the objects contain.
 */
export function findConsumers(
  facts: ConsumerFacts,
  context: { pods: readonly Pod[]; workloads?: readonly Workload[] },
): Consumer[] {
  const seen = seenOf(facts, context);
  const found = DETECTORS.flatMap(({ find }) => find(seen)).map((one) => [keyOf(one), one] as const);
  return [...new Map(found)].sort(byKey).map(([, one]) => one);
}

const mayBe = (wanted: string, name: string): boolean => wanted === ANY || wanted === name;

/** Returns the consumers that use one of the service accounts, or may use it. */
export const consumersOf = (consumers: readonly Consumer[], accounts: readonly ServiceAccountRef[]): Consumer[] =>
  consumers.filter(({ serviceAccount: { namespace, name } }) =>
    accounts.some((account) => mayBe(namespace, account.namespace) && mayBe(name, account.name)),
  );
