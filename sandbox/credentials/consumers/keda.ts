/**
 * KEDA: triggers that use the role of the scaled workload. KEDA reads the role in the annotation of the workload's service
 * account, and assumes it with its own token or its own role: no token of the workload's service account is used. Sources:
 * kedacore/keda, pkg/scaling/resolver/scale_resolvers.go, `ResolveAuthRefAndPodIdentity`; pkg/scalers/aws/aws_config_cache.go,
 * `retrievePodIdentityCredentials`, and aws_common.go for the deprecated provider `aws-eks`.
 */
import { refusalIn } from '../../authorization/authorizer.ts';
import type { KubeObject, Pod } from '../../kubernetes/objects.ts';
import { getObject, isWorkloadKind } from '../../kubernetes/store.ts';
import { sessionArn } from '../../sts/sessions.ts';
import { trustOf } from '../../sts/trust.ts';
import { findRole } from '../../world/world.ts';
import { containerSourcesOf } from '../sources.ts';
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

const operatorOf = (stage: Stage): Pod | undefined =>
  podsIn(stage).find(({ metadata }) => metadata.labels?.['app.kubernetes.io/name'] === 'keda-operator');

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

/** Returns what KEDA gets for the role of a workload. Without its operator in the cluster, only the annotation counts. */
const outcomeOf = (stage: Stage, account: Account, usesToken: boolean): Outcome => {
  const object = findAccount(stage, account);
  if (!object) return missingAccount(account);
  const role = roleOf(object);
  if (role === undefined) return noRole(account);
  const operator = operatorOf(stage);
  if (!operator) return { works: true, why: 'the annotation names the role, and the cluster shows no operator', role };
  const source = containerSourcesOf(stage.cluster.kube, operator).find(({ isInit }) => !isInit);
  if (!source) return { works: true, why: 'the annotation names the role', role };
  const byToken =
    usesToken && source.method === 'irsa'
      ? withWebIdentity(stage, accountOf(operator), { role, audiences: [STS_AUDIENCE], sessionName: SESSION })
      : undefined;
  if (byToken?.works === true) return byToken;
  const own = askedBy(stage, operator, source);
  if (!own.works || own.role === undefined) return { ...own, role };
  return assumed(stage, own.role, role);
};

export const playKeda = (stage: Stage): PlayedConsumer[] =>
  ['scaledobjects', 'scaledjobs'].flatMap((plural) =>
    customObjects(stage, GROUP, plural).flatMap((scaled) =>
      listAt(scaled.spec, 'triggers').flatMap((trigger): PlayedConsumer[] => {
        const authentication = authenticationOf(stage, scaled.metadata.namespace, trigger);
        const account = scaledAccount(stage, scaled);
        if (!authentication || !account || !isOfWorkload(authentication, trigger)) return [];
        const usesToken = textAt(authentication.spec, 'podIdentity', 'provider') === 'aws';
        return [{ name: nameOf(authentication), serviceAccount: account, ...outcomeOf(stage, account, usesToken) }];
      }),
    ),
  );
