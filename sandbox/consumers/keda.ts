/**
 * KEDA: triggers that use the role of the scaled workload, or one that they name. KEDA reads the role in the annotation of
 * the workload's service account, and assumes it with its own token, or else with its own role: no token of the workload's
 * service account is used, but the web identity of KEDA's operator. Sources:
 * kedacore/keda, pkg/scaling/resolver/scale_resolvers.go, `ResolveAuthRefAndPodIdentity`; pkg/scalers/aws/aws_config_cache.go,
 * `retrievePodIdentityCredentials`, and aws_common.go for the deprecated provider `aws-eks`.
 */
import { refusalIn } from '../authorization/authorizer.ts';
import type { KubeObject, Pod } from '../objects/objects.ts';
import { getObject, isWorkloadKind } from '../objects/store.ts';
import { sessionArn } from '../authorization/sessions.ts';
import { trustOf } from '../trust/assume-role.ts';
import { findRole } from '../world/world.ts';
import { containerSourcesOf } from '../credentials/sources.ts';
import {
  type Account,
  accountOf,
  askedBy,
  at,
  customObjects,
  findAccount,
  listAt,
  missingAccount,
  nameOf,
  noRole,
  type Outcome,
  type PlayedConsumer,
  podsIn,
  roleOf,
  type Stage,
  STS_AUDIENCE,
  textAt,
  withWebIdentity,
} from './stage.ts';

const GROUP = 'keda.sh';
const SESSION = 'KEDA';

/** Returns the service account of what a ScaledObject or ScaledJob scales; undefined if the target does not exist. */
const scaledAccount = ({ cluster: { kube } }: Stage, { kind, metadata, spec }: KubeObject): Account | undefined => {
  const { namespace = 'default' } = metadata;
  if (kind === 'ScaledJob') {
    const template = at(spec, 'jobTargetRef', 'template', 'spec');
    return { namespace, name: textAt(template, 'serviceAccountName') ?? 'default' };
  }
  const target = textAt(spec, 'scaleTargetRef', 'kind') ?? 'Deployment';
  if (!isWorkloadKind(target)) return undefined;
  const workload = getObject(kube, target, namespace, textAt(spec, 'scaleTargetRef', 'name') ?? '');
  return workload && { namespace, name: workload.spec.template.spec.serviceAccountName ?? 'default' };
};

/** Returns the authentication that a trigger refers to. */
const authenticationOf = (stage: Stage, namespace: string | undefined, trigger: unknown): KubeObject | undefined => {
  const isCluster = textAt(trigger, 'authenticationRef', 'kind') === 'ClusterTriggerAuthentication';
  const name = textAt(trigger, 'authenticationRef', 'name');
  return customObjects(stage, GROUP, isCluster ? 'clustertriggerauthentications' : 'triggerauthentications').find(
    ({ metadata }) => metadata.name === name && (isCluster || metadata.namespace === namespace),
  );
};

/** Returns whether a trigger with this authentication uses the role of the workload. */
const isOfWorkload = ({ spec }: KubeObject, trigger: unknown): boolean => {
  const provider = textAt(spec, 'podIdentity', 'provider');
  return (
    (provider === 'aws' && textAt(spec, 'podIdentity', 'identityOwner') === 'workload') ||
    (provider === 'aws-eks' && textAt(trigger, 'metadata', 'identityOwner') !== 'operator')
  );
};

/** The labels of the operator's pods, in KEDA's chart and in its manifests. */
const OPERATOR_LABELS = ['app', 'app.kubernetes.io/name'];

const operatorOf = (stage: Stage): Pod | undefined =>
  podsIn(stage).find(({ metadata: { labels = {} } }) => OPERATOR_LABELS.some((key) => labels[key] === 'keda-operator'));

/** Returns what STS answers to AssumeRole with the credentials of KEDA's own role. */
const assumed = ({ world, cluster }: Stage, own: string, role: string): Outcome => {
  const target = findRole(world, role);
  const account = own.split(':')[4] ?? '';
  const caller = { accessKeyId: '', principalArn: own, account };
  const call = {
    roleArn: own,
    sessionArn: sessionArn(own, SESSION),
    account,
    partition: own.split(':')[1] ?? 'aws',
    resourceAccount: role.split(':')[4] ?? '',
    sessionName: SESSION,
    tags: {},
    transitiveTagKeys: [],
    now: world.schedule.now(),
  };
  const permission = target && {
    action: 'sts:AssumeRole',
    resource: role,
    trust: trustOf(world, target, caller, call, 'sts:AssumeRole'),
  };
  return permission && refusalIn(world, caller, permission, cluster.region) === undefined
    ? { works: true, why: "STS lets KEDA's role assume it", role }
    : { works: false, why: `AccessDenied: ${own} is not authorized to perform: sts:AssumeRole on ${role}`, role };
};

/** Returns what KEDA's operator gets for a role. Without its operator in the cluster, only the name of the role counts. */
const byOperator = (stage: Stage, role: string, usesToken: boolean): Outcome => {
  const operator = operatorOf(stage);
  const source = operator && containerSourcesOf(stage.cluster.kube, operator).find(({ isInit }) => !isInit);
  if (!operator || !source) return { works: true, why: 'the cluster does not show what its operator may assume', role };
  const byToken =
    usesToken && source.method === 'irsa'
      ? withWebIdentity(stage, accountOf(operator), { role, audiences: [STS_AUDIENCE], sessionName: SESSION })
      : undefined;
  if (byToken?.works === true) return byToken;
  const own = askedBy(stage, operator, source);
  if (!own.works || own.role === undefined) return { ...own, role };
  return assumed(stage, own.role, role);
};

/** Returns what KEDA gets for the role of a workload. */
const byAnnotation = (stage: Stage, account: Account, usesToken: boolean): Outcome => {
  const object = findAccount(stage, account);
  if (!object) return missingAccount(account);
  const role = roleOf(object);
  return role === undefined ? noRole(account) : byOperator(stage, role, usesToken);
};

/** Returns the triggers' consumers: the workloads whose role they use, and the operator, whose web identity assumes it. */
const consumersOf = (
  stage: Stage,
  authentication: KubeObject,
  scaled: KubeObject,
  trigger: unknown,
): PlayedConsumer[] => {
  const account = scaledAccount(stage, scaled);
  const operator = operatorOf(stage);
  const name = nameOf(authentication);
  const usesToken = textAt(authentication.spec, 'podIdentity', 'provider') === 'aws';
  const named = usesToken ? textAt(authentication.spec, 'podIdentity', 'roleArn') : undefined;
  const outcome =
    named !== undefined
      ? byOperator(stage, named, usesToken)
      : account && isOfWorkload(authentication, trigger)
        ? byAnnotation(stage, account, usesToken)
        : undefined;
  if (!outcome) return [];
  return [
    ...(named === undefined && account ? [{ name, serviceAccount: account, ...outcome }] : []),
    ...(usesToken && operator ? [{ name, serviceAccount: accountOf(operator), ...outcome }] : []),
  ];
};

export const playKeda = (stage: Stage): PlayedConsumer[] =>
  ['scaledobjects', 'scaledjobs'].flatMap((plural) =>
    customObjects(stage, GROUP, plural).flatMap((scaled) =>
      listAt(scaled.spec, 'triggers').flatMap((trigger): PlayedConsumer[] => {
        const authentication = authenticationOf(stage, scaled.metadata.namespace, trigger);
        return authentication ? consumersOf(stage, authentication, scaled, trigger) : [];
      }),
    ),
  );
