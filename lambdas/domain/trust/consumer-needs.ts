/**
 * Checks whether software other than the pods of the service accounts gets AWS credentials by the OIDC trust that is to be
 * retired (promise 13, ADR 79).
 */
import { acceptedNames } from '../acceptance/accept.ts';
import { grantForms } from '../access/command.ts';
import { consumersOf, findConsumers } from '../consumers/find.ts';
import {
  acceptedSentences,
  acceptText,
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
import type { AnnotatedServiceAccount, Pod, Workload } from '../kubernetes/objects.ts';
import { type Check, fail, pass, some, unknown, warn } from '../terms/check.ts';
import type { ServiceAccountRef } from '../terms/subject.ts';
import { nameOf, type ServiceAccountUse } from './statements.ts';

/** The current state that the check evaluates: as in `RetireFacts`. */
interface ConsumerNeeds {
  roleArn: string;
  cluster: string;
  serviceAccounts: readonly ServiceAccountUse[];
  losing?: readonly ServiceAccountUse[];
  annotated?: readonly AnnotatedServiceAccount[];
  pods?: Pod[];
  workloads?: Workload[];
  consumers?: ConsumerFacts;
  accept?: readonly string[];
  kubernetesError?: string;
}

const ID = 'retire-consumers';
const DOCS = 'docs/consumers.md';

const refOf = ({ namespace, serviceAccount }: ServiceAccountUse): ServiceAccountRef => ({
  namespace,
  name: serviceAccount,
});

/**
 * Returns the consumers that use the trust of this role. One that names another role itself does not, and neither does one
 * of a service account that loses the trust only by a pattern, if the annotation of that service account names another role.
 */
function consumersFound(facts: ConsumerNeeds, read: ConsumerFacts, pods: readonly Pod[]): Consumer[] {
  const { workloads = [], roleArn, serviceAccounts, losing = [], annotated = [] } = facts;
  const roles = new Map(annotated.map((one) => [`${one.namespace}/${one.name}`, one.roleArn]));
  const all = findConsumers(read, { pods, workloads }).filter(
    (one) => one.needs.includes('trust') && (one.roleArn ?? roleArn) === roleArn,
  );
  const own = new Set(consumersOf(all, serviceAccounts.map(refOf)));
  const byName = new Set(consumersOf(all, losing.map(refOf)));
  const byAnnotation = new Set(
    consumersOf(all, losing.filter((one) => (roles.get(nameOf(one)) ?? roleArn) === roleArn).map(refOf)),
  );
  return all.filter((one) => own.has(one) || (one.roleArn === undefined ? byAnnotation : byName).has(one));
}

/** Returns the service accounts that are retired, and those with consumers that lose the trust with them, for a message. */
function accountsText({ serviceAccounts, losing = [] }: ConsumerNeeds, { breaking }: Pick<Judged, 'breaking'>): string {
  const used = losing.filter((one) => consumersOf(breaking, [refOf(one)]).length > 0);
  return some([...new Set([...serviceAccounts, ...used].map(nameOf))]);
}

function judgedCheck(facts: ConsumerNeeds, judged: Judged): Check {
  const { breaking, unread } = judged;
  const of = accountsText(facts, judged);
  const open = unreadSentences(unread, of);
  const names = namesToAccept(breaking, unread);
  const one = names.length === 1;
  const accept = (when: string): string => acceptText(`If ${when}, accept ${one ? 'it' : 'them'}`, names);
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
      `${changeText(breaking)}${grant} ${accept(`${one ? 'it' : 'each'} may lose AWS access`)}`,
      `${DOCS}; ${first.source}`,
    );
  if (unread.length > 0)
    return unknown(
      ID,
      [...open, ...acceptedSentences(judged)].join(' '),
      `${grant.trim()} ${accept(`nothing of ${one ? 'it' : 'them'} uses the identity`)}`,
      DOCS,
    );
  const accepted = acceptedSentences(judged);
  if (accepted.length > 0)
    return warn(ID, accepted.join(' '), 'Find out afterwards whether the software still works: read its logs.', DOCS);
  return pass(ID, `Nothing else was found that uses the web identity of ${of}.`);
}

/** Returns whether anything else uses the web identity, and a warning for accepted names that were not found. */
export function checkConsumers(facts: ConsumerNeeds): Check[] {
  const { consumers: read, pods, kubernetesError } = facts;
  if (!read || !pods)
    return [
      unknown(
        ID,
        `Objects that use the web identity could not be listed${kubernetesError === undefined ? '' : `: ${kubernetesError}`}.`,
        'Give the service read access to the cluster: its access entry must allow listing pods and service accounts in all namespaces.',
        DOCS,
      ),
    ];
  const judged = judgeConsumers(
    consumersFound(facts, read, pods),
    read.unread,
    acceptedNames(facts, 'consumer'),
    () => true,
  );
  return [judgedCheck(facts, judged), ...unmatchedChecks('retire-accepted-consumers', judged.unmatched)];
}
