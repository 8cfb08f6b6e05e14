/**
 * Builds the text of the service's events for people: a title, and lines with what happened, where, why, and what to
 * do.
 */
import type { Approval } from '../approval/approval.ts';
import type { Attempt, Plan } from '../record/plan.ts';
import type { Check } from '../terms/check.ts';
import type { Migration } from '../record/migration.ts';
import type { Outcome } from '../terms/outcome.ts';
import { verifiedText } from '../terms/levels.ts';
import { blocks, nameOf } from '../plan/attempts.ts';
import { changeLines, handOffCommand } from '../hand-off/lines.ts';
import type { HandOff } from '../terms/hand-off.ts';
import { handOffOf } from '../hand-off/of-record.ts';
import { changeInGeneral, codeLines, diagnosis, stateLines } from './denial-text.ts';
import { cancelCommand, operationToApprove } from './action-text.ts';
import { requesterOf, requesterText } from '../approval/requester.ts';
import { shellCommand } from '../text/shell.ts';
import { subjectOf, subjectTitle } from '../terms/subject.ts';
import type { waitOf, EventType } from './outbox-events.ts';
import { WAITS_TEXT } from '../waiting/waiting-for.ts';

/** The number of checks or associations that an event lists. If there are more, it shows how many. */
const MOST_LISTED = 5;

const TITLES: Record<EventType, string> = {
  started: 'Migration started',
  'approval-needed': 'Approval needed',
  waiting: 'Waiting',
  resumed: 'Resumed',
  migrated: 'Migrated',
  'already-migrated': 'Already migrated',
  planned: 'Planned',
  blocked: 'Blocked',
  'rolled-back': 'Rolled back',
  'needs-human': 'Needs human action',
};

/** Titles of migrations that CloudTrail's event started, for outcomes that changed nothing. */
const DENIED_TITLES: Partial<Record<EventType, string>> = {
  planned: 'UpdateAddon was denied, a migration would fix it',
  blocked: 'UpdateAddon was denied, the migration is blocked',
  'already-migrated': 'UpdateAddon was denied, already migrated',
};

/** Whether a migration ended blocked since IRSA is the better fit. */
const keepsIrsa = ({ plan }: Pick<Migration, 'plan'>): boolean => plan?.verdict === 'keep-irsa';

const KEEP_IRSA = { title: 'Keep IRSA', denied: 'UpdateAddon was denied, IRSA is the better fit' };

export const titleOf = ({ request, trigger, plan }: Migration, type: EventType): string => {
  const isKept = type === 'blocked' && keepsIrsa({ plan });
  const title = isKept ? KEEP_IRSA.title : TITLES[type];
  const denied = isKept ? KEEP_IRSA.denied : DENIED_TITLES[type];
  return `${(trigger && denied) ?? title}: ${subjectOf(request)} on ${request.target.cluster}`;
};

const DISRUPTION: Record<Attempt['disruption'], string> = {
  rolling: 'pods are replaced in a rolling update, capacity is kept',
  outage: 'the software is unavailable for a while',
};

const firstOf = (lines: string[], what: string): string[] =>
  lines.length > MOST_LISTED
    ? [...lines.slice(0, MOST_LISTED), `… and ${lines.length - MOST_LISTED} more ${what}`]
    : lines;

const warningLines = (warnings: Check[]): string[] =>
  firstOf(
    warnings.map(({ id, message }) => `Warning (${id}): ${message}`),
    'warnings',
  );

const checkLines = ({ id, message, remedy }: Check): string[] => [
  `- ${id}: ${message}`,
  ...(remedy === undefined ? [] : [`  What to do: ${remedy}`]),
];

const showCommand = ({ migrationId }: Migration): string =>
  shellCommand(['pod-identity', 'show', migrationId, '--deployed']);

const showLine = (record: Migration): string => `Details: ${showCommand(record)}`;

/** Returns a summary of a plan. */
function planLines({ attempts, associations, purge, trustRepairs, installAgent, checks }: Plan): string[] {
  const [first, ...later] = attempts;
  return [
    ...(first
      ? [
          `Plan: ${nameOf(first)} (${DISRUPTION[first.disruption]}).${later.length === 0 ? '' : ` If the pods do not get the new identity that way: ${later.map((one) => `${nameOf(one)} (${DISRUPTION[one.disruption]})`).join(', then ')}.`}`,
        ]
      : []),
    ...firstOf(
      associations.map(
        ({ namespace, serviceAccount, roleArn, standalone }) =>
          `+ ${standalone === true ? 'standalone ' : ''}association ${namespace}/${serviceAccount} with ${roleArn}`,
      ),
      'associations',
    ),
    ...firstOf(
      purge.map((id) => `- association ${id}`),
      'associations',
    ),
    ...(installAgent
      ? [`The EKS Pod Identity agent (${installAgent.version}) is installed first, and remains installed.`]
      : []),
    ...firstOf(
      trustRepairs.map(({ roleArn }) => `One statement is added to the trust policy of ${roleArn}.`),
      'trust policies',
    ),
    ...warningLines(checks.filter(({ status }) => status === 'warn')),
  ];
}

function planToApprove(record: Migration, { planHash, expiresAt, round }: Approval): string[] {
  return [
    `The migration waits for an approval until ${expiresAt}, and ends blocked without one. Nothing has been changed yet.`,
    ...(round > 1
      ? [`This is request ${round} for an approval: the plan has changed since the previous request.`]
      : []),
    ...(record.plan?.hash === planHash
      ? planLines(record.plan)
      : ['The plan that this approval was about has been replaced.']),
    ...(handOffOf(record) ? [`For the owner's code after the migration: ${handOffCommand(record.migrationId)}`] : []),
  ];
}

function approvalLines(record: Migration, approval: Approval): string[] {
  const [{ migrationId }, { planHash }] = [record, approval];
  return [
    ...(operationToApprove(record, approval) ?? planToApprove(record, approval)),
    `Plan hash: ${planHash}`,
    `To approve: ${shellCommand(['pod-identity', 'approve', migrationId, '--plan', planHash, '--deployed'])}`,
    `To approve through the API: POST /migrations/${migrationId}/approval ${JSON.stringify({ decision: 'approve', planHash })}`,
    `To reject: ${shellCommand(['pod-identity', 'reject', migrationId, '--plan', planHash, '--deployed'])}`,
  ];
}

/** Returns the checks that block the migration, or the error that occurred before there were any. */
function blockedLines({ plan, failure }: Migration): string[] {
  const failing = plan?.checks.filter(blocks) ?? [];
  const reasons =
    failing.length > 0
      ? [
          keepsIrsa({ plan }) ? 'IRSA is the better fit:' : 'Checks that block the migration:',
          ...failing.slice(0, MOST_LISTED).flatMap(checkLines),
          ...(failing.length > MOST_LISTED ? [`… and ${failing.length - MOST_LISTED} more checks`] : []),
        ]
      : [];
  return [
    'Nothing was changed.',
    ...reasons,
    ...(failing.length === 0 && failure ? [`Error: ${failure.name}: ${failure.message}`] : []),
  ];
}

const failureLines = ({ failure }: Migration): string[] =>
  failure ? [`First error: ${failure.name}: ${failure.message}`] : [];

const migrateCommand = ({ request: { target, addon, serviceAccount } }: Migration): string =>
  addon === undefined
    ? shellCommand(
        ['pod-identity', 'migrate-workload', '--cluster', target.cluster, '--region', target.region],
        ['--namespace', serviceAccount?.namespace ?? '', '--service-account', serviceAccount?.name ?? '', '--deployed'],
      )
    : shellCommand([
        'pod-identity',
        'migrate',
        '--cluster',
        target.cluster,
        '--region',
        target.region,
        '--addon',
        addon,
        '--deployed',
      ]);

/** What precedes the changes of the owner's code. An add-on is reverted by its old code, a service account is not. */
const CODE_TITLES: Record<HandOff['state'], (isAddon: boolean) => string> = {
  planned: (isAddon) =>
    `After the migration, the code that defines it must change before its next apply${isAddon ? ', which otherwise reverts the migration' : ''}. Until that is merged, nobody may apply it:`,
  migrated: (isAddon) =>
    `The code that defines it must change before its next apply${isAddon ? ', which otherwise succeeds and reverts the migration' : ''}. Until that is merged, nobody may apply it:`,
  retired: () =>
    'The code that defines it must change before its next apply, after which its pods may lose access to AWS:',
  'rolled-back': () =>
    'If the code that defines it was changed for the migration, revert that change before its next apply. It must contain again:',
  found: () => 'The code that defines it must contain:',
};

/** Returns what the owner's code must contain, in short, and the command that prints the exact code. */
function handOffLines(record: Migration): string[] {
  const { trigger, migrationId } = record;
  const handOff = handOffOf(record);
  if (!handOff) return trigger ? [changeInGeneral(record), ...stateLines(record)] : [];
  const code = trigger ? codeLines(record, handOff) : [];
  const { addon: _, ...others } = handOff;
  return [
    CODE_TITLES[handOff.state](handOff.addon !== undefined),
    ...firstOf(changeLines(code.length > 0 ? others : handOff), 'changes'),
    ...code,
    `For the exact code: ${handOffCommand(migrationId)}`,
    ...(trigger ? stateLines(record) : []),
  ];
}

/** The lines for each outcome. They describe the record's latest outcome only, not one that was replaced since. */
const ENDS: Record<Outcome, (record: Migration, restoreCommands: readonly string[]) => string[]> = {
  migrated: (record) => [
    `${subjectTitle(subjectOf(record.request))} is on EKS Pod Identity; ${verifiedText(record)}.`,
    ...warningLines(record.warnings),
    ...handOffLines(record),
    showLine(record),
  ],
  'already-migrated': (record) => [
    `${subjectTitle(subjectOf(record.request))} is already on EKS Pod Identity. Nothing was changed.`,
    ...(record.trigger ? handOffLines(record) : []),
    showLine(record),
  ],
  planned: (record) => [
    'Nothing was changed: this was a dry run.',
    ...(record.plan ? planLines(record.plan) : []),
    `To carry out the plan: ${migrateCommand(record)}`,
    ...handOffLines(record),
    showLine(record),
  ],
  blocked: (record) => [
    ...blockedLines(record),
    `${keepsIrsa(record) ? 'Nothing is left to do. To migrate it all the same, after a change of that' : 'To try again after that'}: ${migrateCommand(record)}`,
    showLine(record),
  ],
  'rolled-back': (record) => [
    `The previous state was restored; ${verifiedText(record)}.`,
    ...failureLines(record),
    ...warningLines(record.warnings),
    ...handOffLines(record),
    showLine(record),
  ],
  'needs-human': (record, restoreCommands) => [
    'A person has to finish this migration: to continue or roll back automatically would be unsafe, or has failed. Until then, no other migration of the same subject can start.',
    ...failureLines(record),
    'Run these commands in this order. They are based on the state at the end of the execution:',
    ...restoreCommands,
    // After the commands, since the message is cut at its end.
    ...warningLines(record.warnings),
    showLine(record),
  ],
};

type Wait = NonNullable<ReturnType<typeof waitOf>>;
/** What the event is about, in addition to the record. */
interface About {
  asked: Approval | undefined;
  wait: Wait | undefined;
}

function waitLines(record: Migration, { type, what, since }: Wait): string[] {
  if (type === 'resumed')
    return [`The migration continues. It had waited since ${since} for ${WAITS_TEXT[what]}.`, showLine(record)];
  const noted = record.waitingFor?.what === what ? record.waitingFor : undefined;
  return [
    `The migration has waited since ${since} for ${WAITS_TEXT[what]}. It continues automatically when the wait is over, and is not rolled back because of it.`,
    ...(noted ? [`${noted.text} If the wait lasts until ${noted.until}, a person has to decide.`] : []),
    `To find out why it waits: ${showCommand(record)}`,
    ...(record.recovery || record.status === 'rolling-back'
      ? []
      : [`To cancel it: ${cancelCommand(record.migrationId)}`]),
  ];
}

function whatHappened(
  record: Migration,
  type: EventType,
  { asked, wait }: About,
  restoreCommands: readonly string[],
): string[] {
  if (asked) return approvalLines(record, asked);
  if (wait) return waitLines(record, wait);
  if (type === 'started')
    return [
      'The change has begun.',
      ...(record.plan ? planLines(record.plan) : []),
      `To cancel it: ${cancelCommand(record.migrationId)}`,
    ];
  // All other types are outcomes.
  const end = type as Outcome;
  return record.outcome === end
    ? ENDS[end](record, restoreCommands)
    : [
        `The migration had ended ${end}, and was resumed later${record.status === 'ended' && record.outcome ? `: its outcome is now ${record.outcome}` : ''}.`,
        showLine(record),
      ];
}

/** Returns all lines in order, uncut. The first line is the title. */
export function linesOf(
  record: Migration,
  type: EventType,
  about: About,
  restoreCommands: readonly string[],
): string[] {
  const { request, trigger, migrationId } = record;
  const { account, region } = request.target;
  const { requestedBy, reason } = request;
  const requester = requesterOf(record);
  return [
    titleOf(record, type),
    `Account ${account}, ${region}; migration ${migrationId}.`,
    ...(trigger
      ? diagnosis(record, trigger)
      : [
          `Requested by ${requesterText({ requester, requestedBy })}.`,
          reason === undefined ? '' : `Reason, as stated in the request: ${reason}`,
        ]),
    ...whatHappened(record, type, about, restoreCommands),
  ];
}
