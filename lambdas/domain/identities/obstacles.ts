/**
 * What stands in the way of Pod Identity for one workload, and what to do about it; for one that is on it, what is
 * wrong.
 */
import { WORKLOAD_KINDS } from '../kubernetes.ts';
import { clusterArn, parseRoleArn } from '../arn.ts';
import type { Association, Check, Target } from '../model.ts';
import type { ParsedPolicy } from '../policy/document.ts';
import type { Evaluation } from '../policy/request.ts';
import { evaluatePodIdentity } from '../policy/trust.ts';
import { fail, GUIDE, some, unknown, warn } from '../plan/check.ts';
import { shellCommand } from '../shell.ts';
import { accountKey, type AddonFact, type IdentityFacts, isOfAccount, type OwnFacts, wantedRoles } from './facts.ts';
import { identityOf, type WorkloadTally } from './tally.ts';

/**
 * Seconds after an association was made in which pods may still be admitted without it: it is eventually consistent
 * (EKS User Guide, "EKS Pod Identities", considerations).
 */
const ADMITTED_TOO_EARLY_SECONDS = 60;
/** Kinds that `kubectl rollout restart` takes. Source: Kubernetes documentation, kubectl reference. */
const RESTARTABLE: ReadonlySet<string> = new Set(WORKLOAD_KINDS);

interface Context {
  facts: IdentityFacts;
  own: OwnFacts;
  workload: WorkloadTally;
  association: Association | undefined;
  addon: AddonFact | undefined;
  /** Roles that it would use by Pod Identity. */
  wanted: string[];
}

const nPods = (n: number): string => `${n} ${n === 1 ? 'pod' : 'pods'}`;
const onPodIdentity = ({ by }: WorkloadTally): number => by.get('pod-identity') ?? 0;

function restartCommand({ kind, name, namespace }: WorkloadTally): string {
  if (RESTARTABLE.has(kind))
    return `Restart the pods: ${shellCommand(['kubectl', 'rollout', 'restart', `${kind.toLowerCase()}/${name}`, '--namespace', namespace])}`;
  return kind === 'Pod'
    ? 'Delete the pod and create it again.'
    : `Have ${kind} ${name} make its pods again: only new pods take it.`;
}

function computeChecks({ workload: { on, total } }: Context): Check[] {
  return [...on].map(([kind, n]) =>
    fail(
      'compute',
      `${n === total ? (n === 1 ? 'Its pod runs' : 'Its pods run') : `${n} of its ${total} pods run`} on ${kind}, where EKS Pod Identity does not exist.`,
      'Run it on Linux nodes of EC2, or leave it on IRSA.',
      `${GUIDE}, "EKS Pod Identities", considerations`,
    ),
  );
}

function keysChecks({ workload: { keyed } }: Context): Check[] {
  if (keyed.size === 0) return [];
  return [
    fail(
      'static-keys',
      `Containers with static keys in their env: ${some([...keyed].sort())}. An SDK takes those before anything else.`,
      'Take AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY out of the pod template, roll it out, and delete the keys once nobody uses them.',
      'AWS SDKs and Tools Reference Guide, "Standardized credential providers"',
    ),
  ];
}

const takesAssociation = ({ podIdentity }: AddonFact, { serviceAccount }: WorkloadTally): boolean =>
  podIdentity?.includes(serviceAccount) === true;
const migrateCommand = ({ cluster }: Target, { name }: AddonFact): string =>
  shellCommand(['pod-identity', 'migrate', '--cluster', cluster, '--addon', name]);

/** How the add-on, or anything else, gets an association. */
function associationRemedy({
  facts: { target, associations, addons },
  own,
  workload,
  addon,
  wanted: [roleArn = 'ROLE_ARN'],
}: Context): string {
  if (addon && takesAssociation(addon, workload)) return `Migrate the add-on: ${migrateCommand(target, addon)}`;
  const { namespace, serviceAccount } = workload;
  const create = shellCommand(
    ['aws', 'eks', 'create-pod-identity-association', '--cluster-name', target.cluster, '--region', target.region],
    ['--namespace', namespace, '--service-account', serviceAccount, '--role-arn', roleArn],
  );
  if (associations === undefined || addons === undefined)
    return `Have the add-ons and the associations read first. If it is part of no add-on and has none: ${create}`;
  if (addon || own.annotatedRole(workload) === undefined || !RESTARTABLE.has(workload.kind))
    return `Create one, then restart its pods: ${create}`;
  const migrate = shellCommand([
    'pod-identity',
    'migrate-workload',
    '--cluster',
    target.cluster,
    '--namespace',
    namespace,
    '--service-account',
    serviceAccount,
  ]);
  return `Migrate it, which restarts its pods and proves it on them: ${migrate} ; or by hand, and restart its pods then: ${create}`;
}

/**
 * Whether its add-on could be migrated at all; one that takes associations for others leaves this service account to
 * whoever needs it.
 */
function addonChecks({ addon, workload, wanted }: Context): Check[] {
  if (!addon || wanted.length === 0) return [];
  const { name, version, podIdentity } = addon;
  if (podIdentity === undefined)
    return [
      unknown(
        'addon-support',
        `Whether add-on ${name} ${version} takes an association for ${workload.serviceAccount} could not be read.`,
        `Read it: ${shellCommand(['aws', 'eks', 'describe-addon-configuration', '--addon-name', name, '--addon-version', version])}`,
      ),
    ];
  if (podIdentity.length > 0) return [];
  return [
    fail(
      'addon-support',
      `Add-on ${name} ${version} takes no associations.`,
      'Update the add-on to a version that does; a plan says which (pod-identity plan).',
      `${GUIDE}, "IAM roles for Amazon EKS add-ons"`,
    ),
  ];
}

function associationChecks(context: Context): Check[] {
  const { facts, workload, association, wanted } = context;
  const identity = identityOf(workload);
  if (facts.associations === undefined)
    return [
      unknown(
        'association',
        `Whether ${accountKey(workload)} has an association could not be read.`,
        associationRemedy(context),
      ),
    ];
  if (association !== undefined) return takenUpChecks(context, association);
  const has = onPodIdentity(workload);
  const gone =
    has === 0
      ? []
      : [
          fail(
            'association',
            `${nPods(has)} of it ${has === 1 ? 'has' : 'have'} Pod Identity's env, but ${accountKey(workload)} has no association any more: EKS gives no credentials.`,
            associationRemedy(context),
            `${GUIDE}, "EKS Pod Identities"`,
          ),
        ];
  if (identity === 'pod-identity') return gone;
  if (wanted.length === 0 && (identity === 'node-role' || identity === 'none')) {
    return [
      ...gone,
      warn(
        'own-role',
        `Nothing gives ${accountKey(workload)} a role of its own: neither an association nor an annotation.`,
        `If it calls AWS, give it one. ${associationRemedy(context)}`,
      ),
    ];
  }
  const others =
    context.addon !== undefined &&
    (context.addon.podIdentity?.length ?? 0) > 0 &&
    !takesAssociation(context.addon, workload)
      ? `, and add-on ${context.addon.name} takes none for it: it needs one of its own`
      : '';
  return [
    ...gone,
    fail(
      'association',
      `${accountKey(workload)} has no association${others}.`,
      associationRemedy(context),
      `${GUIDE}, "Assign an IAM role to a Kubernetes service account"`,
    ),
  ];
}

/** There is an association: have its pods taken it? */
function takenUpChecks({ facts: { target }, workload, addon }: Context, { id, createdAt }: Association): Check[] {
  const { total, youngestOther, keyed } = workload;
  const others = total - onPodIdentity(workload);
  if (youngestOther === undefined || keyed.size > 0) return [];
  const which =
    others === total
      ? total === 1
        ? 'Its pod has'
        : 'Its pods have'
      : `${others} of its ${total} pods ${others === 1 ? 'has' : 'have'}`;
  const source = `${GUIDE}, "EKS Pod Identities": only pods that are created after the association get it`;
  const late = Date.parse(youngestOther) - Date.parse(createdAt) > ADMITTED_TOO_EARLY_SECONDS * 1000;
  const orMigrate =
    addon && takesAssociation(addon, workload)
      ? `; or migrate the add-on, which proves it on the pods: ${migrateCommand(target, addon)}`
      : '';
  if (!late)
    return [
      fail(
        'restart',
        `${which} not taken association ${id} of ${createdAt}: ${others === 1 ? 'it was' : 'they were'} created before it, or as it was new.`,
        `${restartCommand(workload)}${orMigrate}`,
        source,
      ),
    ];
  return [
    fail(
      'not-injected',
      `${which} not taken association ${id}, although created after it (the youngest at ${youngestOther}).`,
      `Look for credentials that the pod template sets itself (AWS_ROLE_ARN, AWS_WEB_IDENTITY_TOKEN_FILE), and whether the webhook pod-identity-webhook is there. Then: ${restartCommand(workload)}`,
      source,
    ),
  ];
}

/** At most two sentences of why. */
const why = ({ reasons }: Evaluation): string =>
  reasons
    .slice(0, 2)
    .map(({ message }) => `${message.replace(/\.$/, '')}.`)
    .join(' ');

function trustCheck(
  { facts: { target, cluster }, workload, association }: Context,
  roleArn: string,
  trust: ParsedPolicy,
): Check[] {
  const { namespace, serviceAccount } = workload;
  const use = {
    target,
    namespace,
    serviceAccount,
    ...(association?.disableSessionTags === undefined ? {} : { disableSessionTags: association.disableSessionTags }),
    ...(cluster.oidcIssuer === undefined ? {} : { oidcIssuer: cluster.oidcIssuer }),
  };
  const evaluation = evaluatePodIdentity(trust, use);
  if (evaluation.verdict === 'allowed') return [];
  const undecided = evaluation.verdict === 'unknown';
  const repair = shellCommand([
    'pod-identity',
    'trust',
    'repair',
    '--dry-run',
    '--role-arn',
    roleArn,
    '--cluster-arn',
    clusterArn(target),
    '--namespace',
    namespace,
    '--service-account',
    serviceAccount,
  ]);
  return [
    (undecided ? unknown : fail)(
      'trust',
      `The trust policy of role ${parseRoleArn(roleArn)?.name ?? roleArn} ${undecided ? 'may not let' : 'does not let'} EKS Pod Identity in. ${why(evaluation)}`,
      `See what is missing, and repair it: ${repair}`,
      `${GUIDE}, "Create IAM role with trust policy required by EKS Pod Identity"`,
    ),
  ];
}

function roleChecks(context: Context, roleArn: string): Check[] {
  const { facts } = context;
  const role = facts.roles.get(roleArn);
  if (!isOfAccount(roleArn, facts.target)) {
    return [
      fail(
        'role-account',
        `Role ${roleArn} is not of account ${facts.target.account}: EKS associates service accounts with roles of the cluster's account alone.`,
        'Give the association a role of this account, and that role as its target role.',
        'EKS API Reference, CreatePodIdentityAssociation',
      ),
    ];
  }
  if (role === 'missing')
    return [fail('role-exists', `IAM has no role ${roleArn}.`, 'Create it, or name another one.')];
  if (role === undefined || role === 'unread')
    return [
      unknown(
        'trust',
        `The trust policy of role ${roleArn} could not be read.`,
        'Let the caller use iam:GetRole on it.',
      ),
    ];
  return trustCheck(context, roleArn, role.trust);
}

/** Pods keep the env that they were created with, whatever the annotation says by now. */
function annotationChecks({ workload, own, association }: Context): Check[] {
  const annotated = own.annotatedRole(workload);
  if (association !== undefined || annotated === undefined) return [];
  const others = [...workload.irsaRoles.keys()].filter((arn) => arn !== annotated);
  if (others.length > 0)
    return [
      warn(
        'annotation',
        `Its pods use ${some(others)}, but its service account is annotated with ${annotated}: the next restart changes the role.`,
        'Make sure that it is meant, or set the annotation back.',
      ),
    ];
  const without = workload.by.get('node-role') ?? 0;
  if (without === 0) return [];
  return [
    warn(
      'annotation',
      `${nPods(without)} of it ${without === 1 ? 'has' : 'have'} no credentials of the service account, although it is annotated with ${annotated}: created before the annotation, or the webhook was away.`,
      restartCommand(workload),
    ),
  ];
}

/**
 * Worst first; empty for a workload that is on Pod Identity and has all it needs, and for an add-on's that calls no AWS
 * API.
 */
export function inTheWay(facts: IdentityFacts, own: OwnFacts, agent: Check, workload: WorkloadTally): Check[] {
  const addon = own.addon(workload);
  const association = own.association(workload);
  const identity = identityOf(workload);
  const wanted = wantedRoles(workload, own);
  if (addon?.needsIam === false && wanted.length === 0 && (identity === 'node-role' || identity === 'none')) return [];
  const context: Context = { facts, own, workload, association, addon, wanted };
  const concerned = wanted.length > 0 || workload.keyed.size > 0 || onPodIdentity(workload) > 0;
  const checks = [
    ...(concerned ? computeChecks(context) : []),
    ...keysChecks(context),
    ...(concerned && agent.status !== 'pass' ? [agent] : []),
    ...(association === undefined ? addonChecks(context) : []),
    ...associationChecks(context),
    ...wanted.flatMap((roleArn) => roleChecks(context, roleArn)),
    ...annotationChecks(context),
  ];
  const rank = { fail: 0, unknown: 1, warn: 2, pass: 3 };
  return checks.sort((a, b) => rank[a.status] - rank[b.status]);
}
