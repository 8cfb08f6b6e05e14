/** Output on approvals: waiting plans, decisions, and what a migration waits for. */
import { plannedText } from '../../lambdas/domain/associations/associations.ts';
import { operationTitle } from '../../lambdas/domain/waiting/operations.ts';
import type { Approval } from '../../lambdas/domain/approval/approval.ts';
import type { Plan } from '../../lambdas/domain/record/plan.ts';
import { requesterText } from '../../lambdas/domain/approval/requester.ts';
import { printable } from '../../lambdas/domain/text/text.ts';
import { checksSection } from './checks.ts';
import { roleLines } from './retire.ts';
import { planSection } from './plan.ts';
import { hanging, type Style } from '../text/style.ts';
import { DISRUPTION, attemptName } from './attempts.ts';
import { knownCommand } from '../request.ts';
import { windowText } from '../wait-fields.ts';
import type { Waiting } from '../waiting.ts';
import type { Decision, Undecided } from '../service/decide.ts';

type Where = Parameters<typeof knownCommand>[2];

/** Returns the command that approves or rejects a plan. */
export const decisionCommand = (
  command: 'approve' | 'reject',
  migrationId: string,
  planHash: string,
  where: Where,
): string => {
  const [program, ...backend] = knownCommand(command, migrationId, where).split(` ${migrationId}`);
  return `${program ?? ''} ${migrationId} --plan ${planHash}${backend.join('')}`;
};

/** Returns a plan in a few lines: its first attempt, its changes, and the checks that did not pass. */
export const planInShort = (plan: Plan, style: Style): string[] => {
  const [first] = plan.attempts;
  const changes = plan.steps.filter(({ calls }) => calls.length > 0);
  return [
    `${style.paint('bold', 'Plan')} ${plan.hash}`,
    ...(first
      ? [
          `  ${attemptName(first)}: ${DISRUPTION[first.disruption].text}${plan.attempts.length > 1 ? `; ${plan.attempts.length - 1} more attempt${plan.attempts.length > 2 ? 's' : ''} if the pods do not get the new identity` : ''}`,
        ]
      : []),
    ...changes.flatMap(({ what }) => hanging('  - ', what, style)),
    ...plan.associations.flatMap((one) => hanging('  + ', `association ${plannedText(one)}`, style)),
    ...plan.checks.flatMap(({ status, id, message }) =>
      status === 'pass' ? [] : hanging('  ! ', `${id}: ${message}`, style),
    ),
  ];
};

/** Returns the whole plan, and the commands to decide about it. */
export const undecidedLines = (
  { migrationId, approval, plan, reason, retirement, ...who }: Undecided,
  where: Where,
  style: Style,
): string[] => [
  ...hanging(
    `${style.paint('yellow', '…')} `,
    retirement
      ? `The ${operationTitle({ migrationId, retirement })} waits for an approval of what it changes until ${approval.expiresAt}.`
      : `Migration ${migrationId} waits for an approval of its plan until ${approval.expiresAt}.`,
    style,
  ),
  ...hanging('  ', printable(`Requested by ${requesterText(who)}.`), style),
  ...(reason === undefined ? [] : hanging('  ', printable(`Reason stated in the request: ${reason}`), style)),
  ...(plan ? [...checksSection(plan.checks, style), ...planSection(plan, style)] : []),
  ...(retirement
    ? [
        ...(retirement.roles ?? []).flatMap((role) => roleLines(role, style)),
        ...checksSection(retirement.checks ?? [], style),
      ]
    : []),
  '',
  `Nothing was decided. Read ${retirement ? 'the change' : 'the plan'}, then run one of these commands with its hash:`,
  `  ${decisionCommand('approve', migrationId, approval.planHash, where)}`,
  `  ${decisionCommand('reject', migrationId, approval.planHash, where)}`,
];

/** Returns the state of an approval, such as `approved by arn:… at …: looks good`. */
export const approvalText = ({ state, decidedBy, decidedAt, reason, expiresAt }: Approval): string => {
  if (state === 'pending') return `waits for a decision until ${expiresAt}`;
  if (state === 'expired') return `expired at ${expiresAt}: nobody decided in time`;
  if (state === 'withdrawn') return 'withdrawn: the migration ended, or its plan changed, before a decision';
  return printable(
    `${state}${decidedBy === undefined ? '' : ` by ${decidedBy}`}${decidedAt === undefined ? '' : ` at ${decidedAt}`}${reason === undefined ? '' : `: ${reason}`}`,
  );
};

/** Returns all approvals of a migration; nothing if there were none. */
export const approvalsSection = (approvals: readonly Approval[], style: Style): string[] =>
  approvals.length === 0
    ? []
    : [
        '',
        style.paint('bold', 'Approval'),
        ...approvals.flatMap((one) => hanging('  ', `plan ${one.planHash.slice(0, 12)}… ${approvalText(one)}`, style)),
      ];

export const decidedLines = ({ migrationId, approval }: Decision, where: Where, style: Style): string[] => [
  ...hanging(
    `${style.paint('green', '✔')} `,
    `The ${approval.operation === undefined ? 'plan' : 'change of the trust policy after the end'} of migration ${migrationId} was ${approvalText(approval)}.`,
    style,
  ),
  ...hanging(
    '  ',
    approval.state === 'approved'
      ? `It continues once its change window (if any) is open, and only if ${approval.operation === undefined ? 'a new plan is still the same as this one' : 'it would still change the same'}.`
      : `It ends ${approval.operation === undefined ? 'blocked' : 'refused'}: nothing was changed.`,
    style,
  ),
  `  To follow it: ${knownCommand('show', migrationId, where)}`,
];

/** Returns what a followed migration waits for, and what to do about it. */
export const waitingLines = (waiting: Waiting, { profile: _requester, ...where }: Where): string[] => {
  const { migrationId } = waiting;
  if (waiting.for === 'window') {
    const which = waiting.window ? `the change window ${windowText(waiting.window)}` : "the deployment's change window";
    const atLeast = where.deployed && !waiting.isKnown ? ", although the deployment's window may open later" : '';
    return [
      `Waiting for ${which}${waiting.opensAt === undefined ? '' : `, which opens at ${waiting.opensAt}${atLeast}`}. Nothing is locked meanwhile.`,
    ];
  }
  const { planHash, expiresAt } = waiting.approval;
  return [
    `Waiting for an approval of the plan until ${expiresAt}. Nothing is locked meanwhile. To show, approve or reject it:`,
    `  ${knownCommand('approve', migrationId, where)}`,
    `  ${decisionCommand('approve', migrationId, planHash, where)}`,
    `  ${decisionCommand('reject', migrationId, planHash, where)}`,
  ];
};
