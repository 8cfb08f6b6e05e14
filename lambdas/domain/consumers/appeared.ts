/** Decides right before the annotation is removed whether other software would lose its AWS access. */
import type { Pod, Workload } from '../kubernetes/objects.ts';
import type { ServiceAccountRef } from '../terms/subject.ts';
import { consumersOf, findConsumers } from './find.ts';
import { consumerNames, consumersText, judgeConsumers, objectsUse, unreadSentences } from './judge.ts';
import type { ConsumerFacts } from './model.ts';

/** What was read of the cluster right now. */
export interface Present {
  consumers: ConsumerFacts;
  /** Pods and workloads of the service account's namespace. */
  pods: readonly Pod[];
  workloads: readonly Workload[];
}

/** Returns why the annotation must stay: sentences that name what is not accepted; `undefined` if nothing is. */
export function appearedConsumers(
  account: ServiceAccountRef,
  { consumers, pods, workloads }: Present,
  accepted: readonly string[],
): string | undefined {
  const found = consumersOf(findConsumers(consumers, { pods, workloads }), [account]);
  const { breaking, unread } = judgeConsumers(found, consumers.unread, accepted, ({ needs }) =>
    needs.includes('annotation'),
  );
  const of = `${account.namespace}/${account.name}`;
  const sentences = [
    ...(breaking.length === 0
      ? []
      : [
          `${objectsUse(breaking)} the web identity of ${of} and ${consumerNames(breaking).length === 1 ? 'is' : 'are'} not accepted by the request: ${consumersText(breaking)}.`,
        ]),
    ...unreadSentences(unread, of),
  ];
  return sentences.length === 0 ? undefined : sentences.join(' ');
}
