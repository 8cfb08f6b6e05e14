/**
 * Checks whether software other than the pods of the service accounts gets AWS credentials by the OIDC trust that is to be
 * retired (promise 13, ADR 79).
 */
import { grantForms } from '../access/command.ts';
import { consumersOf, findConsumers } from '../consumers/find.ts';
import {
  acceptedSentences,
  acceptOptions,
  changeText,
  consumerNames,
  consumersText,
  judgeConsumers,
  type Judged,
  namesToAccept,
  objectsUse,
  unmatchedChecks,
  unreadSentences,
} from '../consumers/judge.ts';
import type { Consumer, ConsumerFacts } from '../consumers/model.ts';
import type { Pod, Workload } from '../kubernetes/objects.ts';
import type { Check } from '../migration/model.ts';
import { fail, pass, some, unknown, warn } from '../plan/check.ts';
import type { ServiceAccountUse } from './statements.ts';

/** The current state that the check evaluates: as in `RetireFacts`. */
interface ConsumerNeeds {
  roleArn: string;
  cluster: string;
  serviceAccounts: readonly ServiceAccountUse[];
  pods?: Pod[];
  workloads?: Workload[];
  consumers?: ConsumerFacts;
  acceptConsumers?: readonly string[];
  kubernetesError?: string;
}

const ID = 'retire-consumers';
const DOCS = 'docs/consumers.md';

/** A consumer that names another role itself does not use the trust of this one. */
const needsTrust =
  ({ roleArn }: ConsumerNeeds) =>
  ({ needs, roleArn: own = roleArn }: Consumer): boolean =>
    needs.includes('trust') && own === roleArn;

function judgedCheck(facts: ConsumerNeeds, judged: Judged): Check {
  const { breaking, unread } = judged;
  const of = some(facts.serviceAccounts.map(({ namespace, serviceAccount }) => `${namespace}/${serviceAccount}`));
  const open = unreadSentences(unread, of);
  const options = acceptOptions(namesToAccept(breaking, unread));
  const one = namesToAccept(breaking, unread).length === 1;
  const accept = `accept ${one ? 'it' : 'them'} (in a request: acceptConsumers): ${options}`;
  const grant = unread.length === 0 ? '' : ` Give the service access: ${grantForms(facts.cluster)} .`;
  const [first] = breaking;
  if (first)
    return fail(
      ID,
      [
        `${objectsUse(breaking)} the web identity of ${of}, and ${consumerNames(breaking).length === 1 ? 'loses' : 'lose'} AWS access without the OIDC trust of ${facts.roleArn}: ${consumersText(breaking)}.`,
        ...open,
        ...acceptedSentences(judged),
      ].join(' '),
      `${changeText(breaking)}${grant} If ${one ? 'it' : 'each'} may lose AWS access, ${accept}`,
      `${DOCS}; ${first.source}`,
    );
  if (unread.length > 0)
    return unknown(
      ID,
      [...open, ...acceptedSentences(judged)].join(' '),
      `${grant.trim()} If nothing of ${one ? 'it' : 'them'} uses the identity, ${accept}`,
      DOCS,
    );
  const accepted = acceptedSentences(judged);
  if (accepted.length > 0)
    return warn(ID, accepted.join(' '), 'Find out afterwards whether the software still works: read its logs.', DOCS);
  return pass(ID, `Nothing else was found that uses the web identity of ${of}.`);
}

/** Returns whether anything else uses the web identity, and a warning for accepted names that were not found. */
export function checkConsumers(facts: ConsumerNeeds): Check[] {
  const { consumers: read, pods, workloads = [], kubernetesError, acceptConsumers = [], serviceAccounts } = facts;
  if (!read || !pods)
    return [
      unknown(
        ID,
        `Objects that use the web identity could not be listed${kubernetesError === undefined ? '' : `: ${kubernetesError}`}.`,
        'Give the service read access to the cluster: its access entry must allow listing pods and service accounts in all namespaces.',
        DOCS,
      ),
    ];
  const accounts = serviceAccounts.map(({ namespace, serviceAccount }) => ({ namespace, name: serviceAccount }));
  const found = consumersOf(findConsumers(read, { pods, workloads }), accounts).filter(needsTrust(facts));
  const judged = judgeConsumers(found, read.unread, acceptConsumers, () => true);
  return [judgedCheck(facts, judged), ...unmatchedChecks('retire-accepted-consumers', judged.unmatched)];
}
