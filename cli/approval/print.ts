/** What is said about approvals: a plan that waits for one, what was decided, and what a migration waits for. */
import { plannedText } from '../../lambdas/domain/associations/associations.ts';
import { type Approval, type Plan, requesterText } from '../../lambdas/domain/migration/model.ts';
import { printable } from '../../lambdas/domain/text/text.ts';
import { checksSection } from '../print/checks.ts';
import { planSection } from '../print/plan.ts';
import { hanging, type Style } from '../print/style.ts';
import { DISRUPTION, attemptName } from '../print/attempts.ts';
import { knownCommand } from '../request.ts';
import { windowText } from '../wait-fields.ts';
import type { Waiting } from '../waiting.ts';
import type { Decision, Undecided } from './decide.ts';

type Where = Parameters<typeof knownCommand>[2];

/** `approve` or `reject` of that plan, as it would be typed. */
export const decisionCommand = (
  command: 'approve' | 'reject',
  migrationId: string,
  planHash: string,
  where: Where,
): string => {
  const [program, ...session] = knownCommand(command, migrationId, where).split(` ${migrationId}`);
  return `${program ?? ''} ${migrationId} --plan ${planHash}${session.join('')}`;
};

/** In some lines: the first way, what it changes, and what the checks warn of. */
export const planInShort = (plan: Plan, style: Style): string[] => {
  const [first] = plan.attempts;
  const changes = plan.steps.filter(({ calls }) => calls.length > 0);
  return [
    `${style.paint('bold', 'Plan')} ${plan.hash}`,
    ...(first
      ? [
          `  ${attemptName(first)}: ${DISRUPTION[first.disruption].text}${plan.attempts.length > 1 ? `; ${plan.attempts.length - 1} more way${plan.attempts.length > 2 ? 's' : ''} if the pods do not take it` : ''}`,
        ]
      : []),
    ...changes.flatMap(({ what }) => hanging('  - ', what, style)),
    ...plan.associations.flatMap((one) => hanging('  + ', `association ${plannedText(one)}`, style)),
    ...plan.checks.flatMap(({ status, id, message }) =>
      status === 'pass' ? [] : hanging('  ! ', `${id}: ${message}`, style),
    ),
  ];
};

/** The plan whole, and what to type once it was looked at. */
export const undecidedLines = (
  { migrationId, approval, plan, reason, ...who }: Undecided,
  where: Where,
  style: Style,
): string[] => [
  ...hanging(
    `${style.paint('yellow', '…')} `,
    `Migration ${migrationId} waits until ${approval.expiresAt} for somebody to approve its plan.`,
    style,
  ),
  ...hanging('  ', printable(`Requested by ${requesterText(who)}.`), style),
  ...(reason === undefined ? [] : hanging('  ', printable(`Reason, as the request states it: ${reason}`), style)),
  ...(plan ? [...checksSection(plan.checks, style), ...planSection(plan, style)] : []),
  '',
  'Nothing was decided: look at the plan, then repeat with its hash.',
  `  ${decisionCommand('approve', migrationId, approval.planHash, where)}`,
  `  ${decisionCommand('reject', migrationId, approval.planHash, where)}`,
];

/** `approved by arn:… at …: looks good`. */
export const approvalText = ({ state, decidedBy, decidedAt, reason, expiresAt }: Approval): string => {
  if (state === 'pending') return `waits for a decision until ${expiresAt}`;
  if (state === 'expired') return `expired at ${expiresAt}: nobody decided in time`;
  if (state === 'withdrawn') return 'withdrawn: the migration ended, or its plan changed, before anybody decided';
  return printable(
    `${state}${decidedBy === undefined ? '' : ` by ${decidedBy}`}${decidedAt === undefined ? '' : ` at ${decidedAt}`}${reason === undefined ? '' : `: ${reason}`}`,
  );
};

/** Each time that somebody was asked; nothing where nobody was. */
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
    `The plan of migration ${migrationId} was ${approvalText(approval)}.`,
    style,
  ),
  ...hanging(
    '  ',
    approval.state === 'approved'
      ? 'It goes on once its change window, where it has one, is open, and only if what it finds then still gives this plan.'
      : 'It ends blocked: nothing was changed.',
    style,
  ),
  `  To see how it goes: ${knownCommand('show', migrationId, where)}`,
];

/** What a migration that is followed waits for, and what to do about it. */
export const waitingLines = (waiting: Waiting, where: Where): string[] => {
  const { migrationId } = waiting;
  if (waiting.for === 'window') {
    const which = waiting.window ? `the change window ${windowText(waiting.window)}` : "the deployment's change window";
    const atLeast = where.deployed && !waiting.isKnown ? ", and the deployment's own may open later" : '';
    return [
      `Waiting for ${which}${waiting.opensAt === undefined ? '' : `, which opens at ${waiting.opensAt}${atLeast}`}. Nothing is locked meanwhile.`,
    ];
  }
  const { planHash, expiresAt } = waiting.approval;
  return [
    `Waiting until ${expiresAt} for somebody to approve the plan. Nothing is locked meanwhile. To look at it, and to approve or reject it:`,
    `  ${knownCommand('approve', migrationId, where)}`,
    `  ${decisionCommand('approve', migrationId, planHash, where)}`,
    `  ${decisionCommand('reject', migrationId, planHash, where)}`,
  ];
};
