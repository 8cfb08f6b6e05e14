/** The restore commands of rollbacks that wait for a decision and have removed nothing from the pods: the consequences, and the choices. */
import { eksCommand, endLines, kubeconfigLine, restartLine } from './lines.ts';
import { unreplacedLines, type UnreplacedPod } from '../rollback/unreplaced-pods.ts';
import type { WorkloadRef } from '../kubernetes/objects.ts';
import type { PlannedAssociation } from '../terms/planned.ts';
import type { Target } from '../terms/subject.ts';
import { ifWanted, note, shellCommand } from '../text/shell.ts';

export interface AskFacts {
  migrationId: string;
  target: Target;
  planned: readonly PlannedAssociation[];
  /** Workloads of these service accounts. Absent if the API server could not be read. */
  workloads?: readonly WorkloadRef[];
}

/** The effect of the rollback on the pods, as read for the restore commands. */
export interface CredentialGap {
  /** Pods on EKS Pod Identity that would have to be replaced. */
  pods: number;
  neededSeconds: number;
  /** The pod whose credentials can expire first, after `sureSeconds` at the earliest. */
  pod: string;
  sureSeconds: number;
  /** Milliseconds since 1970. */
  now: number;
}

const minutes = (seconds: number): string => String(Math.max(1, Math.round(seconds / 60)));
const statusLine = ({ namespace, kind, name }: WorkloadRef): string =>
  shellCommand(['kubectl', '-n', namespace, 'rollout', 'status', `${kind.toLowerCase()}/${name}`]);

const gapNotes = ({ pods, neededSeconds, pod, sureSeconds, now }: CredentialGap): string[] => [
  note`Going back replaces ${String(pods)} pods, which is forecast to take about ${minutes(neededSeconds)} minutes. Once its association is deleted, pod ${pod} is certain to have credentials for ${minutes(sureSeconds)} minutes only: until ${new Date(now + sureSeconds * 1000).toISOString()}, if it were deleted at the time of writing.`,
];

const ownChoices = (migrationId: string): string[] => [
  note`To roll back at once instead, with pods without credentials for a while, run the next line without the colon.`,
  ifWanted(shellCommand(['pod-identity', 'rollback', migrationId, '--deployed', '--accept', 'credential-gap'])),
  note`To stay on EKS Pod Identity instead, run the next line without the colon: it changes nothing and releases the lock. The add-on may keep both its role and its associations: the associations take precedence.`,
  ifWanted(shellCommand(['pod-identity', 'release', migrationId, '--deployed'])),
];

/** The pods that no rollout replaces, as read for the restore commands. */
export interface UnreplacedGap {
  unreplaced: readonly UnreplacedPod[];
  /** Milliseconds since 1970. */
  now: number;
}

/** Each pod that is listed is a line, and one controller may have thousands. */
const MOST_LISTED = 20;

const unreplacedNotes = ({ unreplaced, now }: UnreplacedGap): string[] => [
  ...unreplaced
    .slice(0, MOST_LISTED)
    .map(
      ({ pod: { namespace, name }, sureSeconds }) =>
        note`No rollout replaces pod ${namespace}/${name}. Once its association is deleted, it is certain to have credentials until ${new Date(now + sureSeconds * 1000).toISOString()} only, if it were deleted at the time of writing.`,
    ),
  ...(unreplaced.length > MOST_LISTED
    ? [
        note`There are ${String(unreplaced.length - MOST_LISTED)} more such pods, which have credentials for at least as long.`,
      ]
    : []),
];

/**
 * Returns the lines after SessionsMayEnd. `gap` is absent if it could not be read, or no longer exists; `pods` has those
 * that no rollout replaces.
 */
export function sessionsRestoreCommands(
  { migrationId, target, planned, workloads }: AskFacts,
  gap?: CredentialGap,
  pods: UnreplacedGap = { unreplaced: [], now: 0 },
): string[] {
  const accounts = planned.map(
    (one) =>
      note`Restart every workload that runs with ${one.namespace}/${one.serviceAccount} before the last line: the API server could not be read.`,
  );
  return [
    note`The rollback stopped before it removed anything from the pods: they have their associations, and credentials through them.`,
    ...(gap ? gapNotes(gap) : []),
    ...unreplacedNotes(pods),
    ...ownChoices(migrationId),
    ...(workloads?.length === 0
      ? []
      : [
          note`The other lines restart the pods on EKS Pod Identity, which gives them sessions of six hours, and roll back after that.`,
        ]),
    kubeconfigLine(target),
    ...unreplacedLines(pods.unreplaced),
    ...(workloads ? workloads.flatMap((one) => [restartLine(one), statusLine(one)]) : accounts),
    shellCommand(['pod-identity', 'rollback', migrationId, '--deployed']),
  ];
}

/** Returns the lines after WebhookStillInjects. */
export function webhookRestoreCommands({ migrationId, target, planned }: AskFacts): string[] {
  const { region, cluster } = target;
  return [
    note`New pods still got EKS Pod Identity after its association was deleted. The association has been created again, and the pods have credentials through it; no restart is needed.`,
    note`Before the last line, find out why: the service account may have another association, or the webhook may not notice deletions. The next lines list the associations.`,
    ...planned.map((one) =>
      eksCommand(
        'list-pod-identity-associations',
        ['--region', region, '--cluster-name', cluster],
        ['--namespace', one.namespace, '--service-account', one.serviceAccount],
      ),
    ),
    ...endLines(migrationId),
  ];
}
