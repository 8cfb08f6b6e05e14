/**
 * Checks whether a service account exists only for third-party software that uses its web identity. An association gives
 * credentials to pods of the service account, so that it would give them to nothing, and IRSA is the better fit (ADR 85).
 */
import { accepts } from '../acceptance/accept.ts';
import { consumersOf, findConsumers } from '../consumers/find.ts';
import { acceptText, consumerNames, consumersText, insteadText, objectsUse } from '../consumers/judge.ts';
import { nameOfConsumer } from '../consumers/model.ts';
import { type Check, keepIrsa, some, warn } from '../terms/check.ts';
import type { ServiceAccountFacts } from './facts.ts';

const ID = 'consumers-fit';
const SOURCE =
  'docs/consumers.md; EKS User Guide, "Learn how EKS Pod Identity grants Pods access to AWS services": the agent gives credentials to the pods of a service account';

/**
 * Returns whether nothing uses the service account as its own. Pods that have ended count: those of a CronJob, which is not
 * read, are often all that shows it.
 */
const hasNoPods = ({ request, pods, workloads }: ServiceAccountFacts): boolean => {
  const { name, namespace } = request.serviceAccount;
  return (
    pods !== undefined &&
    workloads !== undefined &&
    [...pods, ...workloads].every((one) => one.namespace !== namespace || one.serviceAccount !== name)
  );
};

/** Returns no check unless something other than pods of the service account uses it, and no pod or workload does. */
export function checkConsumersFit(facts: ServiceAccountFacts): Check[] {
  const { request, consumers: read, pods = [], workloads = [] } = facts;
  if (!read || !hasNoPods(facts)) return [];
  const { namespace, name } = request.serviceAccount;
  // An object that may use any service account shows nothing about this one.
  const found = consumersOf(findConsumers(read, { pods, workloads }), [request.serviceAccount]).filter(
    ({ serviceAccount }) => serviceAccount.namespace === namespace && serviceAccount.name === name,
  );
  if (found.length === 0) return [];
  const open = found.filter((one) => !accepts(request, 'consumer', nameOfConsumer(one)));
  const nothing = `No pod, Deployment, StatefulSet or DaemonSet has service account ${namespace}/${name}, so that an association would give credentials to nothing`;
  if (open.length === 0)
    return [
      warn(
        ID,
        `${nothing}. The request accepts this: ${some(consumerNames(found))}.`,
        'Make sure that pods will use the service account; otherwise keep IRSA, and delete the association.',
        SOURCE,
      ),
    ];
  return [
    keepIrsa(
      ID,
      `${nothing}. ${objectsUse(found)} its web identity: ${consumersText(found)}.`,
      `Keep IRSA for it. To let ${consumerNames(found).length === 1 ? 'this object' : 'these objects'} use EKS Pod Identity: ${insteadText(found)} ${acceptText('If pods will use the service account, accept this', consumerNames(open))}`,
      SOURCE,
    ),
  ];
}
