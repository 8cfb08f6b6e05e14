/**
 * Finds the trigger authentications by which KEDA uses the role of a scaled workload, or a role of its own choice. KEDA reads
 * the role from the annotation of the workload's service account, and assumes it with the web identity of its operator, or, if
 * that fails, with the operator's role.
 */
import type { Workload } from '../kubernetes/objects.ts';
import type { ServiceAccountRef } from '../terms/subject.ts';
import { some } from '../terms/check.ts';
import type { Consumer } from './model.ts';
import {
  byKeys,
  accountsOf,
  ANY,
  type ConsumerRule,
  consumerBy,
  type Detector,
  fieldAt,
  imagesOf,
  listAt,
  type Seen,
  type SeenObject,
  textAt,
} from './seen.ts';

const SCALED = [
  ['ScaledObject', 'scaledobjects.keda.sh'],
  ['ScaledJob', 'scaledjobs.keda.sh'],
] as const;
const KINDS = [
  ['TriggerAuthentication', 'triggerauthentications.keda.sh'],
  ['ClusterTriggerAuthentication', 'clustertriggerauthentications.keda.sh'],
] as const;
type Kind = (typeof KINDS)[number];

const WORKLOAD =
  'github.com/kedacore/keda, pkg/scaling/resolver/scale_resolvers.go, resolveServiceAccountAnnotation: an error without the annotation; kedacore/keda#6418, #6706: no EKS Pod Identity of the workload up to 2.20';
const OPERATOR =
  'github.com/kedacore/keda, pkg/scalers/aws/aws_config_cache.go, retrievePodIdentityCredentials: AssumeRoleWithWebIdentity with AWS_WEB_IDENTITY_TOKEN_FILE of the operator first, then AssumeRole';

const workloadRule = ([kind, resource]: Kind): ConsumerRule => ({
  product: 'KEDA',
  resource,
  kind,
  field:
    '`spec.podIdentity` (or `spec.awsSecretManager.podIdentity`) with `provider: aws` and `identityOwner: workload`, or with `provider: aws-eks`: the service account of each workload that a ScaledObject or ScaledJob scales by it',
  needs: ['annotation'],
  how: 'makes KEDA use the role in its annotation',
  instead:
    "Use provider: aws (KEDA 2.13.0 or later) with podIdentity.roleArn instead of the workload's identity, and let that role trust the role of KEDA's operator (sts:AssumeRole and sts:TagSession).",
  source: WORKLOAD,
});
const operatorRule = ([kind, resource]: Kind): ConsumerRule => ({
  product: 'KEDA',
  resource,
  kind,
  field:
    '`spec.podIdentity` (or `spec.awsSecretManager.podIdentity`) with `provider: aws`, and `roleArn` or `identityOwner: workload`: the service account of the pods of keda-operator',
  needs: ['pods'],
  how: 'makes KEDA assume a role with its web identity',
  instead:
    "With EKS Pod Identity, KEDA assumes the role by sts:AssumeRole alone. Let the role trust the role of KEDA's operator (sts:AssumeRole and sts:TagSession) and let that role assume it, then accept it.",
  source: OPERATOR,
});

/** What a trigger authentication says about AWS: the identity of the workload, or a role. */
interface Use {
  /** `always`, or unless the trigger has the old `identityOwner: operator`, which `aws-eks` alone reads. */
  workload: 'always' | 'unless-operator' | 'never';
  /** The operator assumes a role by its web identity. The old `aws-eks` never does. */
  operator: boolean;
  roleArn?: string;
}

const identitiesOf = (object: unknown): unknown[] => [
  fieldAt(object, 'spec', 'podIdentity'),
  fieldAt(object, 'spec', 'awsSecretManager', 'podIdentity'),
];

function useOf(identity: unknown): Use | undefined {
  const provider = textAt(identity, 'provider');
  if (provider === 'aws-eks') return { workload: 'unless-operator', operator: false };
  if (provider !== 'aws') return undefined;
  const roleArn = textAt(identity, 'roleArn');
  const workload = textAt(identity, 'identityOwner') === 'workload';
  if (roleArn === undefined && !workload) return undefined;
  return { workload: workload ? 'always' : 'never', operator: true, ...(roleArn === undefined ? {} : { roleArn }) };
}

/** Returns the service accounts of workloads, and of the owners of pods, by `NAMESPACE/KIND/NAME`. */
function accountsByWorkload({ pods, workloads }: Pick<Seen, 'pods' | 'workloads'>): ReadonlyMap<string, string> {
  const owned = pods.flatMap(({ namespace, owner, serviceAccount }): [string, string][] =>
    owner ? [[`${namespace}/${owner.kind}/${owner.name}`, serviceAccount]] : [],
  );
  const own = workloads.map(({ namespace, kind, name, serviceAccount }: Workload): [string, string] => [
    `${namespace}/${kind}/${name}`,
    serviceAccount,
  ]);
  // The template counts, and not a pod that it has replaced.
  return new Map([...owned, ...own]);
}

/** Returns the service account of the workload that an object scales; any of its namespace if it is not known. */
function accountOf(
  accounts: ReadonlyMap<string, string>,
  kind: string,
  { namespace = ANY, object }: SeenObject,
): ServiceAccountRef {
  if (kind === 'ScaledJob') {
    const template = fieldAt(object, 'spec', 'jobTargetRef', 'template', 'spec');
    const name = textAt(template, 'serviceAccountName') ?? textAt(template, 'serviceAccount') ?? 'default';
    return { namespace, name };
  }
  const target = fieldAt(object, 'spec', 'scaleTargetRef');
  const workload = `${namespace}/${textAt(target, 'kind') ?? 'Deployment'}/${textAt(target, 'name') ?? ''}`;
  return { namespace, name: accounts.get(workload) ?? ANY };
}

/** A scaled object and the trigger authentications that it uses, as `KIND/NAMESPACE/NAME`, or `KIND/NAME`. */
interface Scaled {
  text: string;
  account: ServiceAccountRef;
  uses: ReadonlySet<string>;
  /** Those of triggers without `identityOwner: operator`. */
  usesAsWorkload: ReadonlySet<string>;
}

function authenticationsOf({ namespace = ANY }: SeenObject, triggers: readonly unknown[]): Set<string> {
  const names = triggers.flatMap((trigger) => {
    const reference = fieldAt(trigger, 'authenticationRef');
    const name = textAt(reference, 'name');
    if (name === undefined) return [];
    return textAt(reference, 'kind') === 'ClusterTriggerAuthentication'
      ? [`ClusterTriggerAuthentication/${name}`]
      : [`TriggerAuthentication/${namespace}/${name}`];
  });
  return new Set(names);
}

function scaledOf(seen: Seen): Scaled[] {
  const accounts = accountsByWorkload(seen);
  return SCALED.flatMap(([kind, resource]) =>
    seen.objects(resource).map((one) => {
      const triggers = listAt(one.object, 'spec', 'triggers');
      const asWorkload = triggers.filter((trigger) => textAt(trigger, 'metadata', 'identityOwner') !== 'operator');
      return {
        text: `${kind}/${one.namespace ?? ANY}/${one.name}`,
        account: accountOf(accounts, kind, one),
        uses: authenticationsOf(one, triggers),
        usesAsWorkload: authenticationsOf(one, asWorkload),
      };
    }),
  );
}

/** Returns the scaled objects by the trigger authentications that they use. */
const scaledByUse = (scaled: readonly Scaled[]): ReadonlyMap<string, readonly Scaled[]> =>
  byKeys(scaled, ({ uses }) => uses);

/** Returns the service accounts of the workloads that are scaled by an object, each with what scales them. */
function workloadsOf(
  seen: Seen,
  scaled: ReadonlyMap<string, readonly Scaled[]>,
  [kind]: Kind,
  one: SeenObject,
  { workload }: Use,
): [ServiceAccountRef, string[]][] {
  if (workload === 'never') return [];
  if (SCALED.some(([, resource]) => seen.isUnread(resource)))
    return [[{ namespace: one.namespace ?? ANY, name: ANY }, []]];
  const name = one.namespace === undefined ? `${kind}/${one.name}` : `${kind}/${one.namespace}/${one.name}`;
  const accounts = new Map<string, [ServiceAccountRef, string[]]>();
  for (const { text, account, usesAsWorkload } of scaled.get(name) ?? []) {
    if (workload === 'unless-operator' && !usesAsWorkload.has(name)) continue;
    const key = `${account.namespace}/${account.name}`;
    const [, texts] = accounts.get(key) ?? [account, []];
    texts.push(text);
    accounts.set(key, [account, texts]);
  }
  return [...accounts.values()];
}

const OPERATOR_LABELS = ['app', 'app.kubernetes.io/name'];

/** Returns the service accounts of KEDA's operator. Its pods are known by their image, or by the labels of its chart. */
const operatorsOf = ({ pods }: Seen): ServiceAccountRef[] =>
  accountsOf(
    pods.filter(
      (pod) =>
        OPERATOR_LABELS.some((label) => pod.labels[label] === 'keda-operator') ||
        imagesOf(pod, 'KEDA operator').length > 0,
    ),
  );

function consumersIn(
  seen: Seen,
  kind: Kind,
  scaled: ReadonlyMap<string, readonly Scaled[]>,
  operators: readonly ServiceAccountRef[],
): Consumer[] {
  return seen.objects(kind[1]).flatMap((one) =>
    identitiesOf(one.object).flatMap((identity) => {
      const use = useOf(identity);
      if (use === undefined) return [];
      const rule = workloadRule(kind);
      const { roleArn } = use;
      return [
        ...workloadsOf(seen, scaled, kind, one, use).map(([serviceAccount, users]) =>
          consumerBy(rule, one, {
            serviceAccount,
            ...(users.length === 0 ? {} : { how: `${rule.how} for ${some(users)}` }),
          }),
        ),
        ...(use.operator ? operators : []).map((serviceAccount) =>
          consumerBy(operatorRule(kind), one, { serviceAccount, ...(roleArn === undefined ? {} : { roleArn }) }),
        ),
      ];
    }),
  );
}

export const KEDA: Detector = {
  rules: KINDS.flatMap((kind) => [workloadRule(kind), operatorRule(kind)]),
  find: (seen) => {
    const scaled = scaledByUse(scaledOf(seen));
    const operators = operatorsOf(seen);
    return KINDS.flatMap((kind) => consumersIn(seen, kind, scaled, operators));
  },
};
