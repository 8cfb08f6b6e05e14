/**
 * The checks of a plan about how its workloads replace their pods: how long that takes, and which pods are already
 * broken.
 */
import { type Pod, type Workload } from '../kubernetes/objects.ts';
import type { BrokenPod, Forecast } from '../rollout/model.ts';
import { type Check, fail, pass, some, warn } from '../terms/check.ts';
import type { PlannedAssociation } from '../terms/planned.ts';
import type { Attempt } from '../record/plan.ts';
import { MOST_DURATION_MINUTES } from '../request/request.ts';
import { blockedRollout, brokenOf, brokenPods, healthyPods } from '../rollout/broken.ts';
import { forecastRollout, witnessSeconds } from '../rollout/forecast.ts';
import { settleSeconds } from '../rollout/settling.ts';
import { durationText, paceText } from '../rollout/text.ts';
import type { Facts } from './facts.ts';
import { seenIn } from '../terms/seen.ts';
import { removesSoftware } from './attempts.ts';

export interface RolloutPlan {
  checks: Check[];
  forecast?: Forecast;
  brokenPods?: BrokenPod[];
}

/**
 * Seconds that a migration takes in addition to its rollouts: waits for EKS, the webhook and the next poll. EKS needs one
 * to three minutes for an add-on, but its pods roll out meanwhile, so little of that adds up.
 */
const AROUND: Record<Attempt['strategy'], number> = { 'in-place': 30, recreate: 90, associate: 20 };

const DURATION = 'duration';
const BROKEN = 'pods-before';
const SOURCE = 'Kubernetes documentation, "Deployments", "StatefulSets" and "DaemonSet": how each replaces its pods';

function forecastOf(
  facts: Facts,
  workloads: readonly Workload[],
  attempt: Attempt,
  { broken, settling }: { broken: readonly BrokenPod[]; settling: number | undefined },
): Forecast {
  const stuck = new Set(broken.filter(({ trouble }) => trouble === 'terminating').map(({ uid }) => uid));
  const found = forecastRollout(workloads, facts.pods ?? [], { stuck, asNewPods: removesSoftware(attempt) });
  const around = AROUND[attempt.strategy] + (settling ?? 0);
  // EKS itself replaces the pods of an add-on; nothing goes first then.
  const ahead = attempt.strategy === 'associate' ? witnessSeconds(found) : { seconds: 0, atMostSeconds: 0 };
  return {
    seconds: Math.round(found.seconds + around + ahead.seconds),
    atMostSeconds: Math.round(found.atMostSeconds + around + ahead.atMostSeconds),
    ...(settling === undefined ? {} : { settleSeconds: settling }),
    assumed: found.assumed,
    workloads: found.workloads.map((one) => ({
      kind: one.kind,
      namespace: one.namespace,
      name: one.name,
      pods: one.toReplace,
      atOnce: one.atOnce,
      secondsEach: one.secondsEach,
      seconds: one.seconds,
      longestStartSeconds: one.longestStartSeconds,
    })),
  };
}

const FASTER =
  'replace more pods at a time (maxUnavailable or maxSurge; a StatefulSet replaces one pod after the other), or make them start faster';

function checkDuration({ request }: Facts, forecast: Forecast): Check {
  const { seconds, atMostSeconds, settleSeconds: settling, assumed, workloads } = forecast;
  const limit = request.maxDurationMinutes;
  const paces = some(workloads.map(paceText), '; ');
  const most =
    atMostSeconds > seconds * 1.25
      ? `, at most ${durationText(atMostSeconds)} with the slowest pods and full grace periods`
      : '';
  const basis = assumed
    ? 'The time that pods take to become ready is not known for every workload, so this is a guess'
    : 'Based on the time that the running pods took to become ready';
  const observed =
    settling === undefined ? '' : ` The pods are then observed for ${durationText(settling)}, which is included.`;
  const message = `About ${durationText(seconds)}${most}${paces === '' ? '' : `: ${paces}`}. ${basis}.${observed}`;
  const tooLong = limit !== undefined && seconds > limit * 60;
  if (seconds > MOST_DURATION_MINUTES * 60 && !assumed)
    return fail(
      DURATION,
      `${message} A migration may take at most ${durationText(MOST_DURATION_MINUTES * 60)}.`,
      `Migrate fewer pods at a time, ${FASTER}; then plan again.`,
      SOURCE,
    );
  if (!tooLong) return pass(DURATION, message);
  const over = `${message} The request allows ${durationText(limit * 60)} (maxDurationMinutes).`;
  if (assumed) return warn(DURATION, over, `Check whether it really takes that long; if it does, ${FASTER}.`, SOURCE);
  return fail(
    DURATION,
    over,
    `Allow more (--max-duration-minutes ${Math.ceil(seconds / 60)}), or ${FASTER}; then plan again.`,
    SOURCE,
  );
}

/** Reports pods that are left over or terminating, which do no harm. */
function harmless(pods: readonly Pod[], broken: readonly BrokenPod[]): string {
  const named = new Set(broken.map(({ uid }) => uid));
  const ended = pods.filter(({ phase, terminating }) => phase === 'Failed' && !terminating);
  const ending = pods.filter(({ uid, terminating }) => terminating && !named.has(uid));
  return [
    ended.length > 0
      ? ` Ended, and not counted: ${some(ended.map(({ name, reason }) => `${name} (${reason ?? 'Failed'})`))}.`
      : '',
    ending.length > 0
      ? ` Terminating, and not counted: ${some(ending.map(({ name, deletionDue = '' }) => `${name} (gone by ${deletionDue})`))}.`
      : '',
  ].join('');
}

function blockersOf(
  pods: readonly Pod[],
  workloads: readonly Workload[],
  broken: readonly BrokenPod[],
  attempt: Attempt,
): string[] {
  const healthy = healthyPods(pods, broken);
  const accounts = [...new Set(broken.map(({ serviceAccount }) => serviceAccount))];
  const without = accounts
    .filter((account) => !healthy.some((pod) => pod.serviceAccount === account))
    .map((account) => `no pod of service account ${account} works, so nothing would show that the change did no harm`);
  const held = workloads
    .filter(({ kind }) => kind === 'StatefulSet' || !removesSoftware(attempt))
    .flatMap((workload) => blockedRollout(workload, brokenOf(workload, broken)) ?? []);
  return [...without, ...held];
}

const MEANING =
  'They do not count against the migration: a pod that cannot terminate is excluded from the verification by name, and as many pods as are not ready now may be not ready afterwards, with the new identity';

function checkBroken(
  { request }: Facts,
  pods: readonly Pod[],
  workloads: readonly Workload[],
  { broken, attempt }: { broken: readonly BrokenPod[]; attempt: Attempt },
): Check[] {
  const also = harmless(pods, broken);
  if (broken.length === 0)
    return also === '' ? [] : [pass(BROKEN, `All pods that count are ready or starting.${also}`)];
  const listed = some(broken.map(({ name, text }) => `${name}: ${text}`));
  const message = `${broken.length} of ${pods.length} pods do not work before anything is changed: ${listed}.`;
  const blockers = blockersOf(pods, workloads, broken, attempt);
  const [first] = broken;
  const look = `kubectl -n ${first?.namespace ?? ''} get pods -o wide`;
  const source = 'Kubernetes documentation, "Debug Pods"; "Nodes", "Node status"';
  if (blockers.length === 0 || request.verification === 'api')
    return [
      warn(
        BROKEN,
        `${message} ${MEANING}.${also}`,
        `Inspect them (${look}). A pod on a node that is permanently off goes away with the node once the node is deleted.`,
        source,
      ),
    ];
  const because = blockers.map((one) => one.replace(/^./, (letter) => letter.toUpperCase())).join('. ');
  return [
    fail(
      BROKEN,
      `${message} ${because}.${also}`,
      `Get these pods to work first, or remove them (${look}); a pod on a node that is permanently off goes away with the node once the node is deleted. Then plan again.`,
      source,
    ),
  ];
}

/** `way` is the first attempt that is possible, or that would be. */
export function planRollout(facts: Facts, planned: readonly PlannedAssociation[], attempt: Attempt): RolloutPlan {
  const { request, pods, workloads = [], nodes, readAt } = facts;
  if (!pods)
    return request.maxDurationMinutes === undefined
      ? { checks: [] }
      : {
          checks: [
            warn(
              DURATION,
              'The duration could not be forecast, because no pod could be read.',
              'Allow the service to read the pods, or watch the time yourself.',
            ),
          ],
        };
  const accounts = new Set(planned.map((one) => one.serviceAccount));
  const own = pods.filter((pod) => accounts.has(pod.serviceAccount));
  const concerned = workloads.filter((one) => accounts.has(one.serviceAccount) && one.desired > 0);
  // EKS removes the annotation from all service accounts with the add-on's role, so their pods roll too.
  const annotated = seenIn(facts.annotated) ?? [];
  const role = facts.addon?.serviceAccountRoleArn;
  const also = new Set(annotated.filter(({ roleArn }) => roleArn === role).map(({ name }) => name));
  const rolling = workloads.filter(
    (one) => concerned.includes(one) || (also.has(one.serviceAccount) && one.desired > 0),
  );
  const broken =
    readAt === undefined
      ? []
      : brokenPods(own, concerned, {
          nodes: seenIn(nodes),
          now: Date.parse(readAt),
        });
  const forecast = forecastOf(facts, rolling, attempt, {
    broken,
    settling: request.verification === 'ready' ? settleSeconds(concerned) : undefined,
  });
  return {
    checks: [
      ...(rolling.length > 0 ? [checkDuration(facts, forecast)] : []),
      ...checkBroken(facts, own, concerned, { broken, attempt }),
    ],
    forecast,
    ...(broken.length > 0 ? { brokenPods: broken } : {}),
  };
}
