/**
 * Workloads whose authors set up a web identity themselves: a projected token for STS, or AWS_WEB_IDENTITY_TOKEN_FILE in
 * the template. The webhook leaves both as they are. Source: aws/amazon-eks-pod-identity-webhook, pkg/handler/handler.go;
 * Kubernetes, "Projected Volumes".
 */
import type { Container, Pod, Workload } from '../objects/objects.ts';
import { isActive, podsOf } from '../kubernetes/pods.ts';
import { listObjects } from '../objects/store.ts';
import { environmentOf } from '../credentials/container-files.ts';
import { containerSourcesOf } from '../credentials/sources.ts';
import {
  accountOf,
  askedBy,
  at,
  findAccount,
  nameOf,
  noRole,
  type Outcome,
  type PlayedConsumer,
  roleOf,
  type Stage,
  STS_AUDIENCE,
  together,
  withWebIdentity,
} from './stage.ts';

const TOKEN_FILE = 'AWS_WEB_IDENTITY_TOKEN_FILE';

const setsTokenFile = ({ env = [] }: Container): boolean => env.some(({ name }) => name === TOKEN_FILE);

/** Returns the volumes of a template with a token for STS. */
const tokenVolumes = ({ spec }: Workload): Set<string> =>
  new Set(
    (spec.template.spec.volumes ?? [])
      .filter(({ projected }) =>
        (projected?.sources ?? []).some((source) => at(source, 'serviceAccountToken', 'audience') === STS_AUDIENCE),
      )
      .map(({ name }) => name),
  );

/** Returns what a container gets that reads a mounted token itself: with the role in its environment or annotation. */
const byMountedToken = (stage: Stage, pod: Pod, container: Container): Outcome => {
  const account = accountOf(pod);
  const object = findAccount(stage, account);
  const role = environmentOf(container).get('AWS_ROLE_ARN') ?? (object && roleOf(object));
  if (role === undefined) return noRole(account);
  return withWebIdentity(stage, account, {
    role,
    audiences: [STS_AUDIENCE],
    sessionName: pod.metadata.name.slice(0, 64),
  });
};

const outcomesOf = (stage: Stage, workload: Workload, pod: Pod): Outcome[] => {
  const { containers } = workload.spec.template.spec;
  const own = new Set(containers.filter(setsTokenFile).map(({ name }) => name));
  const volumes = tokenVolumes(workload);
  const bySdk = containerSourcesOf(stage.cluster.kube, pod)
    .filter(({ container, isInit }) => !isInit && own.has(container))
    .map((source) => askedBy(stage, pod, source));
  const bySoftware = pod.spec.containers
    .filter(({ name, volumeMounts = [] }) => !own.has(name) && volumeMounts.some((mount) => volumes.has(mount.name)))
    .map((container) => byMountedToken(stage, pod, container));
  return [...bySdk, ...bySoftware];
};

const workloads = ({ cluster: { kube } }: Stage): Workload[] => [
  ...listObjects(kube, 'Deployment'),
  ...listObjects(kube, 'StatefulSet'),
  ...listObjects(kube, 'DaemonSet'),
];

export const playOwnTokens = (stage: Stage): PlayedConsumer[] =>
  workloads(stage).flatMap((workload): PlayedConsumer[] => {
    const pods = podsOf(stage, workload).filter(isActive);
    const [first] = pods;
    const outcomes = pods.flatMap((pod) => outcomesOf(stage, workload, pod));
    return first && outcomes.length > 0
      ? [{ name: nameOf(workload), serviceAccount: accountOf(first), ...together(outcomes) }]
      : [];
  });
