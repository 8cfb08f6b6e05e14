/**
 * Checks who else uses the web identity of the service accounts: software that gets AWS credentials with their tokens, or
 * with the role in their annotation, breaks when these are taken away (promise 13, ADR 79).
 */
import { acceptedNames, accepts } from '../acceptance/accept.ts';
import { grantCommand } from '../access/command.ts';
import { findConsumers, consumersOf } from '../consumers/find.ts';
import {
  acceptedSentences,
  acceptText,
  changeText,
  consumerNames,
  consumersText,
  insteadText,
  judgeConsumers,
  type Judged,
  namesToAccept,
  objectsUse,
  unmatchedChecks,
  unreadSentences,
} from '../consumers/judge.ts';
import { type Consumer, nameOfConsumer } from '../consumers/model.ts';
import { asManyAsFit, MOST_PLANNED_CONSUMERS, type PlannedConsumer } from '../terms/consumer.ts';
import type { Attempt } from '../record/plan.ts';
import { type Check, fail, pass, some, unknown, warn } from '../terms/check.ts';
import { isForAddon } from '../request/request.ts';
import type { PlannedAssociation } from '../terms/planned.ts';
import type { ServiceAccountRef } from '../terms/subject.ts';
import { irsaRoleOf } from '../verification/irsa.ts';
import { removesSoftware } from './attempts.ts';
import type { AddonFacts, Facts } from './facts.ts';
import { identityHolders } from './identity-loss.ts';
import { readAccessCommands } from './preview.ts';

const ID = 'consumers';
const DOCS = 'docs/consumers.md';

const isOfAddon = (facts: Facts): facts is AddonFacts => isForAddon(facts.request);

/** Returns whether the migration removes the annotation: EKS does so for an add-on, together with its role. */
const removesAnnotation = (facts: Facts): boolean =>
  irsaRoleOf(facts) !== undefined && (isOfAddon(facts) || facts.request.annotation === 'remove');

/** Returns whether the request itself removes the annotation, so that an unread resource blocks. */
const asksForRemoval = ({ request }: Facts): boolean => !isForAddon(request) && request.annotation === 'remove';

/** Returns the service accounts whose web identity changes: for an add-on, all that have its role. */
function accountsOf(
  facts: Facts,
  planned: readonly PlannedAssociation[],
  attempts: readonly Attempt[],
): ServiceAccountRef[] {
  const accounts = planned.map(({ namespace, serviceAccount }) => ({ namespace, name: serviceAccount }));
  const { namespace } = facts;
  if (!isOfAddon(facts) || namespace === undefined) return accounts;
  const holders = identityHolders(facts, planned, { deleted: attempts.some(removesSoftware) });
  return [...accounts, ...[...holders.keys()].map((name) => ({ namespace, name }))];
}

const accountText = ({ namespace, name }: ServiceAccountRef): string => `${namespace}/${name}`;

const breaksBy =
  (facts: Facts) =>
  ({ needs }: Consumer): boolean =>
    needs.includes('pods') || (needs.includes('annotation') && removesAnnotation(facts));

/** What the sentences of the check need. */
interface Case {
  facts: Facts;
  /** The service accounts, as text. */
  of: string;
  judged: Judged;
  /** Whether an attempt deletes the add-on's objects, and with them the service accounts, for a time. */
  deletes: boolean;
}

const dependsOnPods = ({ needs }: Consumer): boolean => needs.includes('pods');

function breakingText({ facts, of, judged: { breaking } }: Case): string[] {
  const byPods = breaking.filter(dependsOnPods);
  const byAnnotation = breaking.filter((one) => !dependsOnPods(one));
  const when = isOfAddon(facts)
    ? "when EKS removes the annotation together with the add-on's role"
    : 'when the annotation is removed';
  return [[byPods, 'as soon as its pods have EKS Pod Identity'] as const, [byAnnotation, when] as const].flatMap(
    ([consumers, clause]) =>
      consumers.length === 0
        ? []
        : [
            `${objectsUse(consumers)} the web identity of ${of}, and ${consumerNames(consumers).length === 1 ? 'loses' : 'lose'} AWS access ${clause}: ${consumersText(consumers)}.`,
          ],
  );
}

function sparedText({ of, judged: { spared }, deletes }: Case): string[] {
  if (spared.length === 0) return [];
  const byAnnotation = spared.some(({ needs }) => needs.includes('annotation'));
  const one = consumerNames(spared).length === 1;
  const later = byAnnotation ? '--annotation remove or retire' : 'retire';
  return [
    `${objectsUse(spared)} the web identity of ${of}, and ${one ? 'keeps' : 'keep'} AWS access after this migration, but not after ${later}: ${consumersText(spared)}.`,
    ...(deletes
      ? [
          'While the add-on is deleted and created again, its service accounts do not exist, which interrupts AWS access.',
        ]
      : []),
  ];
}

/** Returns how to read what could not be read. */
const grantText = ({ request, preview }: Facts): string =>
  preview
    ? `Give yourself access to the API server: ${readAccessCommands(request, preview)}`
    : `Give the service access: ${grantCommand(request)}`;

function remedyText({ facts, judged: { breaking, unread } }: Case): string {
  const blocking = asksForRemoval(facts) ? unread : [];
  const keeps = !isOfAddon(facts) && breaking.length > 0 && !breaking.some(dependsOnPods);
  const names = namesToAccept(breaking, blocking);
  const one = names.length === 1;
  const accept =
    breaking.length > 0
      ? `If ${one ? 'it' : 'each'} may lose AWS access, accept ${one ? 'it' : 'them'}`
      : `If nothing of ${one ? 'it' : 'them'} uses the identity, accept that`;
  return [
    ...(breaking.length === 0 ? [] : [changeText(breaking)]),
    ...(keeps ? ['Or keep the annotation: omit --annotation remove.'] : []),
    ...(blocking.length === 0 ? [] : [`${grantText(facts)} .`]),
    acceptText(accept, names),
  ].join(' ');
}

function warningRemedy({ facts, judged: { spared, accepted, unread } }: Case): string {
  return [
    ...(accepted.length === 0 ? [] : [changeText(accepted)]),
    ...(spared.length === 0 ? [] : [`Before that: ${insteadText(spared)}`]),
    ...(unread.length === 0 ? [] : [grantText(facts)]),
    ...(accepted.length + spared.length + unread.length === 0 ? ['Find out yourself what uses the identity.'] : []),
  ].join(' ');
}

function judgedCheck(one: Case): Check {
  const { facts, of, judged } = one;
  const { breaking, unread } = judged;
  const blocking = breakingText(one);
  const open = unreadSentences(unread, of);
  const rest = [...acceptedSentences(judged), ...sparedText(one)];
  const [first] = breaking;
  if (first) return fail(ID, [...blocking, ...open, ...rest].join(' '), remedyText(one), `${DOCS}; ${first.source}`);
  if (open.length > 0 && asksForRemoval(facts)) return unknown(ID, [...open, ...rest].join(' '), remedyText(one), DOCS);
  if (open.length + rest.length > 0) return warn(ID, [...rest, ...open].join(' '), warningRemedy(one), DOCS);
  return pass(ID, `Nothing else was found that uses the web identity of ${of}.`);
}

/** Without the API server nothing is known; `kubernetes-access` reports that, but the annotation may not be removed. */
const unread = ({ request, kubernetesError }: Facts, of: string): Check =>
  unknown(
    ID,
    `Whether anything else uses the web identity of ${of} could not be read: ${kubernetesError ?? 'no answer from the API server'}`,
    `Give the service access to the API server (${grantCommand(request)}), or omit --annotation remove.`,
    DOCS,
  );

const shownConsumer =
  (facts: Facts) =>
  (consumer: Consumer): PlannedConsumer => ({
    name: nameOfConsumer(consumer),
    serviceAccount: accountText(consumer.serviceAccount),
    needs: [...consumer.needs],
    ...(consumer.roleArn === undefined ? {} : { roleArn: consumer.roleArn }),
    how: consumer.how,
    instead: consumer.instead,
    breaks: breaksBy(facts)(consumer),
    accepted: accepts(facts.request, 'consumer', nameOfConsumer(consumer)),
  });

/** Returns the checks of what else uses the web identity, and the consumers for the plan. */
export function planConsumers(
  facts: Facts,
  planned: readonly PlannedAssociation[],
  attempts: readonly Attempt[],
): { checks: Check[]; consumers: PlannedConsumer[] } {
  const accounts = accountsOf(facts, planned, attempts);
  const of = some(accounts.map(accountText));
  const { consumers: read, pods = [], workloads = [], request } = facts;
  if (!read) return { checks: asksForRemoval(facts) ? [unread(facts, of)] : [], consumers: [] };
  const found = consumersOf(findConsumers(read, { pods, workloads }), accounts);
  const judged = judgeConsumers(found, read.unread, acceptedNames(request, 'consumer'), breaksBy(facts));
  const one: Case = { facts, of, judged, deletes: attempts.some(removesSoftware) };
  const { breaking, accepted, spared } = judged;
  return {
    checks: [
      judgedCheck(one),
      // The options of many plans are not meant for each.
      ...(facts.oneOfMany ? [] : unmatchedChecks('accepted-consumers', judged.unmatched)),
    ],
    consumers: asManyAsFit(
      [...breaking, ...accepted, ...spared].slice(0, MOST_PLANNED_CONSUMERS).map(shownConsumer(facts)),
    ),
  };
}
