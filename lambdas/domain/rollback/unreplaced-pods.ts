/**
 * Pods that no rollout replaces: those of Jobs and of custom resources, and pods without an owner. Such a pod keeps the
 * configuration with which it was admitted until it ends or a person deletes it. A rollback can neither give it new
 * credentials nor wait for an end that nobody knows (ADR 110).
 */
import { isOfJob, type Pod } from '../kubernetes/objects.ts';
import { type Check, some, warn } from '../terms/check.ts';
import { ifWanted, note, shellCommand } from '../text/shell.ts';
import { isCrashing } from '../rollout/broken.ts';
import { sureSessionSeconds } from './sessions.ts';

/** A pod that no rollout replaces, and that may be without credentials after the deletion of its association. */
export interface UnreplacedPod {
  pod: Pod;
  /** How long it is certain to have credentials. */
  sureSeconds: number;
}

/** Returns whether a pod works, or is about to start. A pod that fails has no credentials to lose. */
const hasSomethingToLose = (pod: Pod): boolean =>
  !pod.terminating && (pod.ready || (pod.phase === 'Pending' && !isCrashing(pod)));

/** Returns for how many seconds a pod is certain to have credentials: for none before it has started. */
const sureSecondsOf = ({ ready, createdAt }: Pod, now: number): number =>
  ready ? Math.floor(sureSessionSeconds((now - Date.parse(createdAt)) / 1000)) : 0;

/**
 * Returns the pods that may be without credentials before they end, the first to lose them first. A pod whose end is
 * known, by `activeDeadlineSeconds`, and comes before the end of its session, loses nothing.
 */
export const outliveSessions = (pods: readonly Pod[], now: number): UnreplacedPod[] =>
  pods
    .filter(hasSomethingToLose)
    .map((pod) => ({ pod, sureSeconds: sureSecondsOf(pod, now) }))
    .filter(({ pod: { endsBy }, sureSeconds }) => endsBy === undefined || Date.parse(endsBy) > now + sureSeconds * 1000)
    .sort((a, b) => a.sureSeconds - b.sureSeconds || (a.pod.name < b.pod.name ? -1 : 1));

const nameOf = ({ namespace, name, owner }: Pod): string =>
  `pod ${namespace}/${name} ${owner ? `of ${owner.kind} ${owner.name}` : 'without an owner'}`;

/** Names the pods, each with the time from which it may be without credentials. */
export const unreplacedText = (unreplaced: readonly UnreplacedPod[], now: number): string =>
  some(
    unreplaced.map(
      ({ pod, sureSeconds }) =>
        `${nameOf(pod)} (may be without credentials from ${new Date(now + sureSeconds * 1000).toISOString()} on)`,
    ),
  );

const kubectl = ({ namespace }: Pod, ...words: string[]): string =>
  shellCommand(['kubectl', '-n', namespace, ...words]);
const deletePods = (pods: readonly [Pod, ...Pod[]]): string =>
  kubectl(pods[0], 'delete', 'pod', ...pods.map(({ name }) => name));

/** A CronJob names its Jobs by its own name and the scheduled minute (k8s.io/kubernetes, cronjob/utils.go, getJobName). */
const cronJobOf = ({ owner }: Pod): string | undefined => /^(.+)-\d{8,}$/.exec(owner?.name ?? '')?.[1];
const suspend = (pod: Pod, cronJob: string): string =>
  kubectl(pod, 'patch', 'cronjob', cronJob, '-p', '{"spec":{"suspend":true}}');

/** A kubectl time-out below zero is a week (kubectl reference, `kubectl wait`). */
const waitForJob = (pod: Pod): string =>
  kubectl(pod, 'wait', '--for=condition=complete', '--timeout=-1s', `job/${pod.owner?.name ?? ''}`);

/** The pods of each owner; a pod without an owner is alone. */
function byOwner(unreplaced: readonly UnreplacedPod[]): [Pod, ...Pod[]][] {
  const groups = new Map<string, [Pod, ...Pod[]]>();
  for (const { pod } of unreplaced) {
    const key = pod.owner ? `${pod.namespace} ${pod.owner.kind} ${pod.owner.name}` : pod.uid;
    const group = groups.get(key);
    if (group) group.push(pod);
    else groups.set(key, [pod]);
  }
  return [...groups.values()];
}

/** Returns a sentence with what ends or replaces the pods of one owner. */
function remedyOf(pods: [Pod, ...Pod[]]): string {
  const [pod] = pods;
  if (!isOfJob(pod))
    return pod.owner
      ? `Let the controller of ${pod.owner.kind} ${pod.owner.name} end or replace its pods, or delete them (kubectl delete pod).`
      : `Nothing creates pod ${pod.name} again: keep its manifest, and delete the pod: ${deletePods([pod])} .`;
  const job = pod.owner?.name ?? '';
  const cronJob = cronJobOf(pod);
  const next =
    cronJob === undefined
      ? ''
      : ` If CronJob ${cronJob} creates the Jobs, suspend it first: ${suspend(pod, cronJob)} .`;
  return `Wait until Job ${job} has ended: ${waitForJob(pod)} ; or delete it: ${kubectl(pod, 'delete', 'job', job)} .${next}`;
}

/** Returns the remedies for these pods, one for each owner. */
export const unreplacedRemedies = (unreplaced: readonly UnreplacedPod[]): string =>
  some(byOwner(unreplaced).map(remedyOf), ' ');

/** Returns the lines that wait for Jobs, and those, disabled by a colon, that end the other pods. */
export const unreplacedLines = (unreplaced: readonly UnreplacedPod[]): string[] =>
  byOwner(unreplaced).flatMap((pods) => {
    const [pod] = pods;
    const { namespace, name, owner } = pod;
    if (!isOfJob(pod))
      return [
        owner
          ? note`The pods of ${owner.kind} ${owner.name} in ${namespace} belong to its controller, which may create them again. To delete them, run the next line without the colon.`
          : note`Nothing creates pod ${namespace}/${name} again: keep its manifest. To delete the pod, run the next line without the colon.`,
        ifWanted(deletePods(pods)),
      ];
    const cronJob = cronJobOf(pod);
    return [
      note`The line after the next waits until Job ${namespace}/${owner?.name ?? ''} has ended. To delete the Job and lose its work instead, run the next line without the colon.`,
      ifWanted(kubectl(pod, 'delete', 'job', owner?.name ?? '')),
      waitForJob(pod),
      ...(cronJob === undefined
        ? []
        : [
            note`If CronJob ${cronJob} creates such Jobs all the time, run the next line without the colon first, and set suspend to false after the rollback; or accept the gap.`,
            ifWanted(suspend(pod, cronJob)),
          ]),
    ];
  });

/** The id of the warning. */
export const PODS_LEFT_BEHIND = 'pods-left-behind';

/** Returns the warning about pods that keep the configuration of EKS Pod Identity after a rollback, if there are any. */
export function podsLeftBehind(pods: readonly Pod[], now: number): Check[] {
  if (pods.length === 0) return [];
  const names = pods.map((pod) => {
    const seconds = sureSecondsOf(pod, now);
    // Less is certain from the deletion of the association on, which was before now.
    const until = seconds > 5 * 60 ? `from ${new Date(now + seconds * 1000).toISOString()} on` : 'at any time';
    return `${nameOf(pod)} (${until})`;
  });
  return [
    warn(
      PODS_LEFT_BEHIND,
      `${pods.length === 1 ? 'A pod that no rollout replaces keeps' : `${pods.length} pods that no rollout replaces keep`} the configuration of EKS Pod Identity, and may be without credentials: ${some(names)}.`,
      `New pods get the former identity. Let these pods end, or delete them; a Job and most other controllers create a pod again: ${some(
        pods.map((pod) => deletePods([pod])),
        ' ; ',
      )}`,
      'docs/runbook.md',
    ),
  ];
}
