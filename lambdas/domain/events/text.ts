/** What the service's events say to people: one title, and lines with what happened, where, why, and what to do now. */
import type { Approval, Check, Migration, Outcome, Plan, Attempt } from '../migration/model.ts';
import { blocks, nameOf } from '../plan/attempts.ts';
import { diagnosis, terraformLines } from './denial-text.ts';
import { requesterOf, requesterText } from '../approval/requester.ts';
import { shellCommand } from '../text/shell.ts';
import { subjectOf } from '../migration/subject.ts';
import type { waitOf, EventType } from './outbox-events.ts';
import { WAITS_TEXT } from '../waiting/waiting-for.ts';

/** Checks and associations that are told; of more the event says how many. */
const TOLD = 5;

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
  'needs-human': 'Needs human',
};

/** Of what CloudTrail told of, the ends that changed nothing. */
const DENIED_TITLES: Partial<Record<EventType, string>> = {
  planned: 'UpdateAddon was denied, a migration fixes it',
  blocked: 'UpdateAddon was denied, a migration is blocked',
  'already-migrated': 'UpdateAddon was denied, already migrated',
};

export const titleOf = ({ request, trigger }: Migration, type: EventType): string =>
  `${(trigger && DENIED_TITLES[type]) ?? TITLES[type]}: ${subjectOf(request)} on ${request.target.cluster}`;

const DISRUPTION: Record<Attempt['disruption'], string> = {
  rolling: 'pods roll, capacity stays',
  outage: 'the software is gone for a while',
};

const firstOf = (lines: string[], what: string): string[] =>
  lines.length > TOLD ? [...lines.slice(0, TOLD), `… and ${lines.length - TOLD} more ${what}`] : lines;

const warningLines = (warnings: Check[]): string[] =>
  firstOf(
    warnings.map(({ id, message }) => `Warning, ${id}: ${message}`),
    'warnings',
  );

const checkLines = ({ id, message, remedy }: Check): string[] => [
  `- ${id}: ${message}`,
  ...(remedy === undefined ? [] : [`  What to do: ${remedy}`]),
];

const showLine = ({ migrationId }: Migration): string =>
  `All of it: ${shellCommand(['pod-identity', 'show', migrationId, '--deployed'])}`;

/** What would be done, in short. */
function planLines({ attempts, associations, purge, trustRepairs, installAgent, checks }: Plan): string[] {
  const [first, ...later] = attempts;
  return [
    ...(first
      ? [
          `The plan: ${nameOf(first)}; ${DISRUPTION[first.disruption]}.${later.length === 0 ? '' : ` If the pods do not take the new identity so: ${later.map((one) => `${nameOf(one)} (${DISRUPTION[one.disruption]})`).join(', then ')}.`}`,
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
    ...(installAgent ? [`The EKS Pod Identity agent is installed first (${installAgent.version}), and stays.`] : []),
    ...firstOf(
      trustRepairs.map(({ roleArn }) => `The trust policy of ${roleArn} gets one statement more.`),
      'trust policies',
    ),
    ...warningLines(checks.filter(({ status }) => status === 'warn')),
  ];
}

function approvalLines(record: Migration, { planHash, expiresAt, round }: Approval): string[] {
  const { migrationId, plan } = record;
  const decide = `POST /migrations/${migrationId}/approval`;
  return [
    `It waits for an approval until ${expiresAt}, and ends blocked without one. Nothing was changed yet.`,
    ...(round > 1 ? [`It is asked for the ${round}. time: what was found has changed since the plan before.`] : []),
    ...(plan?.hash === planHash ? planLines(plan) : ['The plan that this was about does not stand any more.']),
    `Plan ${planHash}`,
    `To approve: ${shellCommand(['pod-identity', 'approve', migrationId, '--plan', planHash, '--deployed'])}`,
    `or by the API: ${decide} ${JSON.stringify({ decision: 'approve', planHash })}`,
    `To say no: ${shellCommand(['pod-identity', 'reject', migrationId, '--plan', planHash, '--deployed'])}`,
  ];
}

/** Checks that stand in the way, or else the error that came before there were any. */
function blockedLines({ plan, failure }: Migration): string[] {
  const failing = plan?.checks.filter(blocks) ?? [];
  const reasons =
    failing.length > 0
      ? [
          `In the way:`,
          ...failing.slice(0, TOLD).flatMap(checkLines),
          ...(failing.length > TOLD ? [`… and ${failing.length - TOLD} more checks`] : []),
        ]
      : [];
  return [
    'Nothing was changed.',
    ...reasons,
    ...(failing.length === 0 && failure ? [`Why: ${failure.name}: ${failure.message}`] : []),
  ];
}

const failureLines = ({ failure }: Migration): string[] =>
  failure ? [`The first error: ${failure.name}: ${failure.message}`] : [];

/** What the end was verified by. */
const verifiedBy = ({ verified }: Migration): string =>
  verified === 'injected'
    ? 'verified on its pods'
    : verified === 'api'
      ? 'by what EKS says; no pod was looked at'
      : 'not verified';

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

/** By how it ended. What the record says of its end is not said of one that another has replaced since. */
const ENDS: Record<Outcome, (record: Migration, handOff: readonly string[]) => string[]> = {
  migrated: (record) => [
    `It is on EKS Pod Identity, ${verifiedBy(record)}.`,
    ...warningLines(record.warnings),
    ...(record.trigger ? terraformLines(record) : []),
    showLine(record),
  ],
  'already-migrated': (record) => [
    'It is on EKS Pod Identity already. Nothing was changed.',
    ...(record.trigger ? terraformLines(record) : []),
    showLine(record),
  ],
  planned: (record) => [
    'Nothing was changed: this is a plan.',
    ...(record.plan ? planLines(record.plan) : []),
    `To carry it out: ${migrateCommand(record)}`,
    ...(record.trigger ? terraformLines(record) : []),
    showLine(record),
  ],
  blocked: (record) => [...blockedLines(record), `Once that is done: ${migrateCommand(record)}`, showLine(record)],
  'rolled-back': (record) => [
    `It is as it was before, ${verifiedBy(record)}.`,
    ...failureLines(record),
    ...warningLines(record.warnings),
    showLine(record),
  ],
  'needs-human': (record, handOff) => [
    'A person has to finish this: going on or back by itself would be wrong, or has failed. Nothing else can start on it meanwhile.',
    ...failureLines(record),
    'What finishes it, in this order, as it was found at the end:',
    ...handOff,
    // After the commands, since the message is cut at its end.
    ...warningLines(record.warnings),
    showLine(record),
  ],
};

type Wait = NonNullable<ReturnType<typeof waitOf>>;
/** What the event is about, beside the record. */
interface About {
  asked: Approval | undefined;
  wait: Wait | undefined;
}

const cancelCommand = ({ migrationId }: Migration): string =>
  shellCommand(['pod-identity', 'cancel', migrationId, '--deployed']);

function waitLines(record: Migration, { type, what, since }: Wait): string[] {
  if (type === 'resumed')
    return [`It goes on. It had waited since ${since} for ${WAITS_TEXT[what]}.`, showLine(record)];
  const noted = record.waitingFor?.what === what ? record.waitingFor : undefined;
  return [
    `Since ${since} it waits for ${WAITS_TEXT[what]}. It goes on by itself once that is over; nothing is put back because of it.`,
    ...(noted ? [`${noted.text} A person has to decide if that goes on until ${noted.until}.`] : []),
    `What may help: find out why. ${showLine(record)}`,
    ...(record.recovery || record.status === 'rolling-back'
      ? []
      : [`To stop it in good order: ${cancelCommand(record)}`]),
  ];
}

function whatHappened(
  record: Migration,
  type: EventType,
  { asked, wait }: About,
  handOff: readonly string[],
): string[] {
  if (asked) return approvalLines(record, asked);
  if (wait) return waitLines(record, wait);
  if (type === 'started')
    return [
      'The change has begun.',
      ...(record.plan ? planLines(record.plan) : []),
      `To stop it in good order: ${cancelCommand(record)}`,
    ];
  // What is left are outcomes.
  const end = type as Outcome;
  return record.outcome === end
    ? ENDS[end](record, handOff)
    : [
        `It had ended ${end}; since then it was taken up again${record.status === 'ended' && record.outcome ? `, and has ended ${record.outcome}` : ''}.`,
        showLine(record),
      ];
}

/** In order, none of them cut; the first is the title. */
export function linesOf(record: Migration, type: EventType, about: About, handOff: readonly string[]): string[] {
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
          reason === undefined ? '' : `Reason, as the request states it: ${reason}`,
        ]),
    ...whatHappened(record, type, about, handOff),
  ];
}
