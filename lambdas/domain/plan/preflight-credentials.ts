/**
 * Checks what the AWS SDKs in the pods will use once the webhook injects EKS Pod Identity: the templates of the workloads,
 * and the pods, are read as they will be then. A container that gets credentials from elsewhere blocks, and one whose
 * source is unknown blocks until it is accepted by name.
 */
import { acceptedNames, acceptFlags } from '../acceptance/accept.ts';
import { type ReadContainer, readContainers } from '../verification/pod-identity.ts';
import { injected, type Template, withoutIrsa } from '../verification/injection.ts';
import { isMadeBy, type Pod, type Workload } from '../kubernetes/objects.ts';
import { type Check, fail, pass, some, unknown, warn } from '../terms/check.ts';
import type { MigrationRequest } from '../request/request.ts';
import type { PlannedAssociation } from '../terms/planned.ts';
import type { Facts } from './facts.ts';
import { plannedPods, plannedWorkloads } from './preflight-seen.ts';

/** The reading of a container after the change. `name` is how a request accepts it: `WORKLOAD/CONTAINER`. */
interface Future extends ReadContainer {
  name: string;
  /** For a message, such as `container ebs-plugin of Deployment ebs-csi-controller`. */
  text: string;
}

const futureOf = (owner: string, kind: string, template: Template): Future[] =>
  readContainers(injected(template)).map((reading) => ({
    ...reading,
    name: `${owner}/${reading.container.name}`,
    text: `container ${reading.container.name} of ${kind} ${owner}`,
  }));

const ofWorkload = ({ kind, name, containers, templateAnnotations, tokens = [], volumes }: Workload): Future[] =>
  futureOf(name, kind, { annotations: templateAnnotations, containers, tokens, volumes });

/** A pod without a workload that is read has the name of the workload as far as its owner shows it. */
const ofPod = (pod: Pod, workload: Workload | undefined): Future[] =>
  workload ? futureOf(workload.name, workload.kind, withoutIrsa(pod)) : futureOf(pod.name, 'Pod', withoutIrsa(pod));

const isElsewhere = ({ is }: Future): boolean => is !== 'agent' && is !== 'unknown';

/**
 * Returns the containers as they will be, each once. The template of a workload decides. Of its pods, containers count that
 * other webhooks have added, and those that other webhooks have changed so that their source is unknown.
 */
function futureContainers(facts: Facts, planned: readonly PlannedAssociation[]): Future[] {
  const workloads = plannedWorkloads(facts, planned);
  const found = new Map<string, Future>();
  // By kind, too: a StatefulSet may have the name of a Deployment.
  for (const one of workloads.flatMap(ofWorkload)) found.set(one.text, one);
  const ofTemplates = new Set(found.keys());
  for (const pod of plannedPods(facts, planned)) {
    const workload = workloads.find((one) => isMadeBy(pod, one));
    for (const one of ofPod(pod, workload)) {
      const known = found.get(one.text);
      if (known === undefined || (ofTemplates.has(one.text) && known.is === 'agent' && one.is === 'unknown'))
        found.set(one.text, one);
    }
  }
  return [...found.values()];
}

const CHAIN = 'docs/verification-variables.md';
const AGAIN = 'Check after the migration which role these containers use, for example in CloudTrail.';

/** Returns where the variables of the pods are set. */
const placeOf = ({ addon }: Pick<MigrationRequest, 'addon'>): string =>
  addon === undefined ? 'the workload' : "the add-on's configuration values or its workload";

const whyText = ({ text, is, why }: Future): string => {
  if (is === 'irsa')
    return `${text} has AWS_WEB_IDENTITY_TOKEN_FILE and AWS_ROLE_ARN, with which AWS SDKs assume that role`;
  if (is === 'node-role')
    return `${text} has AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE, so that the webhook does not add the address of the agent`;
  return `${text} ${why}`;
};

function checkElsewhere(all: readonly Future[], { request }: Pick<Facts, 'request'>): Check {
  const id = 'static-credentials';
  const hard = all.filter(isElsewhere);
  if (hard.length > 0)
    return fail(
      id,
      `These pods would not get credentials from EKS Pod Identity: ${some(hard.map(whyText), '; ')}.`,
      `Remove these variables and mounts from ${placeOf(request)}, and plan again: EKS's webhook sets the variables that are needed.`,
      CHAIN,
    );
  const soft = all.filter(({ notes }) => notes.length > 0);
  if (soft.length > 0)
    return warn(
      id,
      `Other AWS credentials, if they exist, would take precedence over those of EKS Pod Identity: ${some(soft.map(({ text, notes }) => `${notes.some((note) => note.includes('AWS_ACCESS_KEY_ID')) ? 'AWS_ACCESS_KEY_ID' : 'AWS_ACCESS_KEY'} in ${text}`))}.`,
      'Variables from an optional Secret are set only if the Secret exists, and the service reads no Secrets: check whether it exists (kubectl get secrets).',
      CHAIN,
    );
  return pass(id, 'No container of these pods sets AWS credentials in its environment.');
}

const isProxy = (name: string): boolean => name.toUpperCase() === 'HTTP_PROXY';

/** A proxy has its own remedy, in the check `proxy`: the containers probably need it for everything else. */
function unknownRemedy(open: readonly Future[], request: Pick<MigrationRequest, 'addon'>): string {
  const place = placeOf(request);
  const exceptions = 'add the address of the agent to NO_PROXY, as the check proxy shows';
  if (open.every(({ names }) => names.every(isProxy))) return `In ${place}, ${exceptions}`;
  return `Remove these variables from ${place}${open.some(({ names }) => names.some(isProxy)) ? `; for a proxy, ${exceptions}` : ''}`;
}

/** Returns the checks for containers whose source of credentials is unknown: open ones, accepted ones, and accepts without effect. */
function checkUnknown(all: readonly Future[], { request }: Pick<Facts, 'request'>): Check[] {
  const id = 'unknown-credentials';
  const { verification } = request;
  const accepted = acceptedNames(request, 'unknown-credentials');
  const unclear = all.filter(({ is }) => is === 'unknown');
  const open = unclear.filter(({ name }) => !accepted.includes(name));
  const settled = unclear.filter(({ name }) => accepted.includes(name));
  const unused = accepted.filter((name) => unclear.every((one) => one.name !== name));
  const texts = (of: readonly Future[]): string =>
    some(
      of.map(({ text, why }) => `${text} ${why}`),
      '; ',
    );
  const message = `It is not known whether these containers will use EKS Pod Identity: ${texts(open)}.`;
  const remove = unknownRemedy(open, request);
  const flags = acceptFlags(
    'unknown-credentials',
    open.map(({ name }) => name),
  );
  return [
    ...(open.length === 0
      ? []
      : verification === 'api'
        ? [warn(id, message, `${remove}. ${AGAIN}`, CHAIN)]
        : [
            unknown(
              id,
              message,
              `${remove}. If the containers use EKS Pod Identity all the same, accept them (in a request: accept): ${flags}`,
              CHAIN,
            ),
          ]),
    ...(settled.length === 0
      ? []
      : [
          warn(
            id,
            `The request accepts that it is not known whether these containers will use EKS Pod Identity: ${texts(settled)}.`,
            AGAIN,
            CHAIN,
          ),
        ]),
    ...(unused.length === 0
      ? []
      : [
          warn(
            id,
            `The request accepts containers whose credentials are not unknown, or which do not exist: ${some(unused)}.`,
            `Omit ${unused.length === 1 ? 'it' : 'them'}. A container is accepted as WORKLOAD/CONTAINER, or POD/CONTAINER if its pod has no Deployment, StatefulSet or DaemonSet.`,
          ),
        ]),
  ];
}

/** Returns no check if no pod could be read, which `kubernetes-access` reports. */
export function checkCredentials(facts: Facts, planned: readonly PlannedAssociation[]): Check[] {
  if (!facts.pods) return [];
  const all = futureContainers(facts, planned);
  return [checkElsewhere(all, facts), ...checkUnknown(all, facts)];
}
