/**
 * Checks IAM's answers for the calls of each attempt and of its rollback. Nothing is deleted before all later calls are
 * known to be allowed.
 */
import { eksCommand } from '../commands/eks.ts';
import { clusterArn } from '../aws/arn.ts';
import { type Check, fail, pass, some, unknown, warn } from '../terms/check.ts';
import type { PlannedAssociation } from '../terms/planned.ts';
import type { Attempt } from '../record/plan.ts';
import { isSpokeRole, SPOKE_STACK } from '../access/spokes.ts';
import { shellCommand } from '../text/shell.ts';
import { asClause } from '../text/text.ts';
import { callKey, type Call } from './calls.ts';
import type { CallAnswer, Facts } from './facts.ts';
import { isRecreate, nameOf, type AttemptCheck } from './attempts.ts';
import { NOT_ASKED, type Preview } from './preview.ts';
import { deletes, type Right, rightsOf } from './rights.ts';
import { groundOf, purgedBy, reassigned } from './rights-ground.ts';

const ID = 'step-rights';
const SOURCE = 'IAM API Reference, SimulatePrincipalPolicy; Service Authorization Reference, Amazon EKS';

interface Judged {
  right: Right;
  /** Call of the first candidate. All candidates of a right are calls of one step. */
  call: Call;
  is: CallAnswer['decision'];
  why: string;
}

const answerOf = ({ rights }: Facts, call: Call): CallAnswer => {
  if (rights.roles[call.step] === undefined)
    return { decision: 'unknown', why: `the deployment does not configure the role of step ${call.step}` };
  return rights.answers[callKey(call)] ?? { decision: 'unknown', why: `IAM gave no answer for step ${call.step}` };
};

/** Describes how one candidate differs from the others. */
const differenceOf = ({ passedTo, resource }: Call): string => passedTo ?? resource;

/** If it is not known which of several calls AWS authorizes, the right is allowed if all are, and denied if none is. */
function judge(facts: Facts, right: Right): Judged {
  const [call] = right.candidates;
  if (!call) throw new Error('A right without a call.');
  const answers = right.candidates.map((one) => ({ one, answer: answerOf(facts, one) }));
  const those = (decision: CallAnswer['decision']): typeof answers =>
    answers.filter(({ answer }) => answer.decision === decision);
  const [allowed, denied, open] = [those('allowed'), those('denied'), those('unknown')];
  const whys = [...new Set([...denied, ...open].flatMap(({ answer }) => answer.why ?? []))].join('; ');
  if (allowed.length === answers.length) return { right, call, is: 'allowed', why: '' };
  if (denied.length === answers.length) return { right, call, is: 'denied', why: whys };
  if (open.length > 0)
    return { right, call, is: 'unknown', why: [...new Set(open.map(({ answer }) => answer.why))].join('; ') };
  const names = (list: typeof answers): string => list.map(({ one }) => differenceOf(one)).join(', ');
  return {
    right,
    call,
    is: 'unknown',
    why: `${call.step} may make ${call.action} for ${names(allowed)} but not for ${names(denied)}, and which of them EKS checks is not documented`,
  };
}

interface AttemptRights {
  attempt: Attempt;
  denied: Judged[];
  open: Judged[];
  deletes: boolean;
}

const attemptRights = (facts: Facts, planned: readonly PlannedAssociation[], attempt: Attempt): AttemptRights => {
  const judged = rightsOf(facts, planned, attempt).map((right) => judge(facts, right));
  return {
    attempt,
    denied: judged.filter(({ is }) => is === 'denied'),
    open: judged.filter(({ is }) => is === 'unknown'),
    deletes: deletes(facts, planned, attempt),
  };
};

const excludesThese = (ways: readonly AttemptRights[]): AttemptCheck['excludes'] => {
  const names = new Set(ways.map(({ attempt }) => nameOf(attempt)));
  return (attempt) => names.has(nameOf(attempt));
};

/** Returns each entry once, by its text. */
const eachOnce = (judged: readonly Judged[], textOf: (one: Judged) => string): string[] => [
  ...new Set(judged.map(textOf)),
];

/** Returns the call as text, to follow "IAM does not let ROLE (STEP)". */
function callText({ call, right }: Judged): string {
  const back = right.back ? ' for the rollback' : '';
  const resources = [...new Set(right.candidates.map(({ resource }) => resource))].join(' or ');
  if (call.action === 'iam:PassRole')
    return `to pass ${call.resource} to ${right.candidates.map(({ passedTo }) => passedTo).join(' or ')}${back}`;
  return `to make ${call.action} on ${resources}${call.onBehalf ? ', which EKS makes with its permissions' : ''}${back}`;
}

const refusalText =
  ({ rights }: Facts) =>
  (one: Judged): string =>
    `${rights.roles[one.call.step] ?? ''} (${one.call.step}) ${callText(one)}`;

function neededText({ call, right }: Judged, facts: Facts): string {
  const resources = [...new Set(right.candidates.map(({ resource }) => resource))].join(', ');
  if (call.action !== 'iam:PassRole') return `${call.action} on ${resources}`;
  const services = right.candidates.map(({ passedTo }) => passedTo).join(' and ');
  return `iam:PassRole on ${resources} with iam:PassedToService ${services} and iam:AssociatedResourceArn ${clusterArn(facts.request.target)}`;
}

/** In another account, the roles belong to that account's stack. */
const whoGrants = ({ rights }: Facts, denied: readonly Judged[]): string =>
  denied.some(({ call }) => isSpokeRole(rights.roles[call.step] ?? ''))
    ? `The stack ${SPOKE_STACK} of that account`
    : 'The deployment';

function refused(facts: Facts, ways: readonly AttemptRights[]): AttemptCheck {
  const denied = ways.flatMap((one) => one.denied);
  const reasons = eachOnce(denied, ({ why }) => why).filter((why) => why !== '');
  const passing = denied.some(({ call }) => call.action === 'iam:PassRole');
  return {
    check: fail(
      ID,
      `IAM does not allow ${some(eachOnce(denied, refusalText(facts)))}${reasons.length > 0 ? ` (${some(reasons)})` : ''}.`,
      `Allow it: ${some(eachOnce(denied, (one) => neededText(one, facts)))}. ${whoGrants(facts, denied)} grants that${passing ? ' for the CDK context passableRoleArns' : ''}: check for a permissions boundary, a Deny, a service control policy, or a manual change, and deploy again.`,
      SOURCE,
    ),
    excludes: excludesThese(ways),
  };
}

const TOLD =
  'allow the role of step plan to call iam:SimulatePrincipalPolicy for the roles of the steps, or to read their policies and permissions boundaries (iam:GetRole, iam:ListRolePolicies, iam:GetRolePolicy, iam:ListAttachedRolePolicies, iam:GetPolicy, iam:GetPolicyVersion)';

const openText = (ways: readonly AttemptRights[]): string =>
  some(
    eachOnce(
      ways.flatMap(({ open }) => open),
      ({ why }) => asClause(why),
    ),
  );

/** Returns the remedy if the permissions are not known. */
function alternative(facts: Facts, planned: readonly PlannedAssociation[], ways: readonly AttemptRights[]): string {
  const inPlace = ways.filter(({ attempt }) => !isRecreate(attempt));
  const purged = inPlace.flatMap(({ attempt }) => purgedBy(facts, planned, attempt));
  if (purged.length > 0)
    return `or delete the conflicting associations yourself, and plan again: ${purged.map(({ id }) => eksCommand(facts.request.target, 'delete-pod-identity-association', ['--association-id', id])).join(' ; ')}`;
  const kept = inPlace.flatMap(({ attempt }) => reassigned(groundOf(facts, planned, attempt)));
  return kept.length > 0
    ? `or keep the roles of the add-on's associations, which EKS might replace: ${kept.map(({ serviceAccount, roleArn }) => shellCommand(['--role', `${serviceAccount}=${roleArn}`])).join(' ')}`
    : 'or migrate in place, which deletes nothing: --strategy in-place';
}

function unreported(
  facts: Facts,
  planned: readonly PlannedAssociation[],
  ways: readonly AttemptRights[],
): AttemptCheck {
  return {
    check: unknown(
      ID,
      `It is not known beforehand whether IAM allows all calls of strategy ${some(ways.map(({ attempt }) => nameOf(attempt)))}: ${openText(ways)}. Nothing is deleted before that is known.`,
      `Deploy the service again, and ${TOLD}; ${alternative(facts, planned, ways)} .`,
      SOURCE,
    ),
    excludes: excludesThese(ways),
  };
}

/**
 * Without a deployed service, the roles of its steps do not exist yet. IAM's answers about the caller's own role neither
 * exclude an attempt nor allow one: a service asks about its own roles before it changes anything.
 */
function checkInPreview({ roleArn, why = '' }: Preview, ways: readonly AttemptRights[]): Check {
  const later =
    'The roles of its steps are checked by the plan that the deployed service makes, before it changes anything';
  const remedy =
    'Nothing to do before you deploy the service: its stack gives the roles of the steps these permissions.';
  if (roleArn === undefined)
    return warn(ID, `${NOT_ASKED}, and IAM was asked about no other role: ${why}. ${later}.`, remedy, SOURCE);
  const asked = `${NOT_ASKED}, so IAM was asked about your own role ${roleArn}`;
  const [denied, open] = [ways.flatMap((one) => one.denied), ways.flatMap((one) => one.open)];
  if (denied.length === 0 && open.length === 0)
    return pass(ID, `${asked}, which may make every call of the migration and of its rollback. ${later}.`);
  const found =
    denied.length > 0
      ? `It may not make ${some([...new Set(denied.map(({ call }) => call.action))].sort())}, which matters only if the service's roles have the same limits (a permissions boundary, a service control policy)`
      : `It is not known whether it may make all calls: ${openText(ways)}`;
  return warn(ID, `${asked}. ${found}. ${later}.`, remedy, SOURCE);
}

/**
 * Checks each of these attempts, which no other check excludes. A denial blocks an attempt. So does an unknown answer if
 * the attempt deletes something first; otherwise nothing has changed before a call is denied.
 */
export function rightsChecks(
  facts: Facts,
  planned: readonly PlannedAssociation[],
  possible: readonly Attempt[],
): AttemptCheck[] {
  if (planned.length === 0 || possible.length === 0) return [];
  const ways = possible.map((attempt) => attemptRights(facts, planned, attempt));
  if (facts.preview) return [{ check: checkInPreview(facts.preview, ways), excludes: () => false }];
  const denied = ways.filter((one) => one.denied.length > 0);
  const left = ways.filter((one) => one.denied.length === 0 && one.open.length > 0);
  const blocked = left.filter((one) => one.deletes);
  const warned = left.filter((one) => !one.deletes);
  const checks = [
    ...(denied.length > 0 ? [refused(facts, denied)] : []),
    ...(blocked.length > 0 ? [unreported(facts, planned, blocked)] : []),
  ];
  if (warned.length > 0)
    checks.push({
      check: warn(
        ID,
        `It is not known beforehand whether IAM allows all calls of strategy ${some(warned.map(({ attempt }) => nameOf(attempt)))}: ${openText(warned)}. This strategy deletes nothing before a call that may be denied.`,
        `No problem is known. To have it checked, deploy the service again, and ${TOLD}.`,
        SOURCE,
      ),
      excludes: () => false,
    });
  if (checks.length > 0) return checks;
  return [
    {
      check: pass(ID, 'IAM allows the steps to make every call of the migration and of its rollback.'),
      excludes: () => false,
    },
  ];
}
