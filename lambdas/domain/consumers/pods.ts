/**
 * Finds the pods and workloads that use a web identity by what their author has written, and not by what the webhook has
 * added: a token for AWS STS of their own, or a token file that is set by hand.
 */
import type { Container, Pod, TokenVolume, Workload } from '../kubernetes/objects.ts';
import { IRSA_CONFIG, POD_IDENTITY_CONFIG } from '../verification/credential-variables.ts';
import { withoutIrsa } from '../verification/injection.ts';
import { tokenAt } from '../verification/token-file.ts';
import { shown } from '../text/text.ts';
import { isAcceptable as isAcceptableName } from '../acceptance/accept.ts';
import { type Consumer, nameOfConsumer } from './model.ts';
import { PRODUCTS } from './products.ts';
import { type ConsumerRule, consumerBy, type Detector } from './seen.ts';

const FILE = 'AWS_WEB_IDENTITY_TOKEN_FILE';
const ROLE = 'AWS_ROLE_ARN';

const SHARED = { product: 'Pods', resource: 'pods', needs: ['trust'] } as const;
const TOKEN: ConsumerRule = {
  ...SHARED,
  kind: 'Deployment, StatefulSet, DaemonSet, CronJob, Job or Pod',
  field:
    'a projected token for `sts.amazonaws.com` (`serviceAccountToken.audience`) that is not in the volume `aws-iam-token` of the webhook',
  how: 'has a token for sts.amazonaws.com of its own',
  instead:
    'Remove the projected token, and what reads it: with EKS Pod Identity, AWS SDKs need neither a token for STS nor a role.',
  source:
    'Kubernetes documentation, "Projected Volumes", serviceAccountToken; EKS User Guide, "Configure Pods to use a Kubernetes service account"',
};
const VARIABLE: ConsumerRule = {
  ...SHARED,
  kind: TOKEN.kind,
  field: `\`${FILE}\` in a container that is not the webhook's, unless it is the file of a token for EKS Pod Identity`,
  how: `sets ${FILE}`,
  instead: `Remove ${FILE} and ${ROLE} from its containers: AWS SDKs evaluate them before EKS Pod Identity.`,
  source: 'AWS SDKs and Tools Reference Guide, "Assume role credential provider"; docs/verification-variables.md',
};

/** A pod, or the template of a workload, with the name under which a request accepts it. */
interface Author {
  kind: string;
  namespace: string;
  name: string;
  serviceAccount: string;
  containers: readonly Container[];
  tokens: readonly TokenVolume[];
}

/** Jobs of a CronJob are named after the minute: github.com/kubernetes/kubernetes, pkg/controller/cronjob, getJobName. */
const OF_CRON_JOB = /^(?<name>.+)-\d{8}$/;

/**
 * Kinds of other consumers. The author of a pod chooses its owner: a pod that names such an object as its owner must not be
 * accepted together with it.
 */
const OTHER_KINDS: ReadonlySet<string> = new Set([
  ...PRODUCTS.flatMap(({ rules }) => rules.map(({ kind }) => kind)),
  // As retirements accept the service accounts that a pattern of a trust policy allows.
  'ServiceAccount',
]);

const isAcceptable = (owner: { kind: string; name: string }, namespace: string): boolean =>
  !OTHER_KINDS.has(owner.kind) && isAcceptableName('consumer', nameOfConsumer({ ...owner, namespace }));

/** Returns the owner by which a pod is named: the pod itself if it has none, or none that a request can accept. */
function ownerOf({ owner, namespace, name }: Pod): { kind: string; name: string } {
  if (owner === undefined || !isAcceptable(owner, namespace)) return { kind: 'Pod', name };
  const cronJob = owner.kind === 'Job' ? OF_CRON_JOB.exec(owner.name)?.groups?.['name'] : undefined;
  return cronJob === undefined ? owner : { kind: 'CronJob', name: cronJob };
}

/** A pod that has ended uses nothing any more. That of a CronJob has successors. */
const isOver = (pod: Pod): boolean =>
  (pod.phase === 'Succeeded' || pod.phase === 'Failed') && ownerOf(pod).kind !== 'CronJob';

const ofPod = (pod: Pod): Author => {
  const { containers, tokens } = withoutIrsa(pod);
  return { ...ownerOf(pod), namespace: pod.namespace, serviceAccount: pod.serviceAccount, containers, tokens };
};
const ofWorkload = ({ kind, namespace, name, serviceAccount, containers, tokens = [] }: Workload): Author => ({
  kind,
  namespace,
  name,
  serviceAccount,
  containers,
  tokens,
});

const ofVariables = ({ containers, tokens }: Author): { container: Container; role: string | undefined }[] =>
  containers
    .filter((container) => {
      if (!Object.hasOwn(container.env, FILE)) return false;
      const file = container.env[FILE];
      if (file === undefined) return true;
      const token = tokenAt(file, container, tokens);
      return file !== '' && !(token.is === 'token' && token.audience === POD_IDENTITY_CONFIG.audience);
    })
    .map((container) => ({ container, role: container.env[ROLE] }));

const isOwnToken = ({ audience, volume }: TokenVolume): boolean =>
  audience === IRSA_CONFIG.audience && volume !== IRSA_CONFIG.volume;

function consumersOfAuthor(author: Author): Consumer[] {
  const { kind, namespace, name, serviceAccount, tokens } = author;
  const of = { serviceAccount: { namespace, name: serviceAccount } };
  const byRule = (rule: ConsumerRule, how: string, role: string | undefined): Consumer => ({
    ...consumerBy(rule, { namespace, name }, { ...of, how }),
    kind,
    ...(role === undefined || role === '' ? {} : { roleArn: shown(role, 2_048) }),
  });
  const own = tokens.filter(isOwnToken);
  return [
    ...own.map(({ volume }) => byRule(TOKEN, `${TOKEN.how} (volume ${shown(volume, 253)})`, undefined)),
    ...ofVariables(author).map(({ container, role }) =>
      byRule(VARIABLE, `${VARIABLE.how} (container ${shown(container.name, 253)})`, role),
    ),
  ];
}

/**
 * Returns a pod with what the webhook has added of a web identity, and without what its author has written: that is a
 * consumer, which a request can accept.
 */
export function asInjected(pod: Pod): Pod {
  const { containers } = withoutIrsa(pod);
  return {
    ...pod,
    tokens: pod.tokens.filter((token) => !isOwnToken(token)),
    containers: pod.containers.map((container, at) => {
      if (!Object.hasOwn(containers[at]?.env ?? {}, FILE)) return container;
      const { [FILE]: _, ...env } = container.env;
      return { ...container, env };
    }),
  };
}

export const PODS: Detector = {
  rules: [TOKEN, VARIABLE],
  find: ({ pods, workloads }) =>
    [...workloads.map(ofWorkload), ...pods.filter((pod) => !isOver(pod)).map(ofPod)].flatMap(consumersOfAuthor),
};
