/**
 * The obstacles to Pod Identity for one workload, with remedies; for a workload that already uses it, its problems.
 */
import { accountOf } from '../terms/subject.ts';
import type { Association } from '../terms/observed.ts';
import { type Check, fail, GUIDE, some, unknown, warn } from '../terms/check.ts';
import { shellCommand } from '../text/shell.ts';
import { type IdentityFacts, type OwnFacts, wantedRoles } from './facts.ts';
import {
  associationRemedy,
  migrateCommand,
  restartCommand,
  takesAssociation,
  type WorkloadContext,
} from './remedies.ts';
import { roleChecks } from './role-obstacles.ts';
import { identityOf, type WorkloadTally } from './tally.ts';

/**
 * Seconds after the creation of an association in which pods may still be admitted without it: associations are eventually
 * consistent (EKS User Guide, "EKS Pod Identities", considerations).
 */
const ADMITTED_TOO_EARLY_SECONDS = 60;
const nPods = (n: number): string => `${n} ${n === 1 ? 'pod' : 'pods'}`;
const onPodIdentity = ({ by }: WorkloadTally): number => by.get('pod-identity') ?? 0;

function computeChecks({ workload: { on, total } }: WorkloadContext): Check[] {
  return [...on].map(([kind, n]) =>
    fail(
      'compute',
      `${n === total ? (n === 1 ? 'Its pod runs' : 'Its pods run') : `${n} of its ${total} pods run`} on ${kind}, where EKS Pod Identity is not supported.`,
      'Run it on Linux nodes of EC2, or leave it on IRSA.',
      `${GUIDE}, "EKS Pod Identities", considerations`,
    ),
  );
}

function keysChecks({ workload: { keyed } }: WorkloadContext): Check[] {
  if (keyed.size === 0) return [];
  return [
    fail(
      'static-keys',
      `Containers with static keys in their environment: ${some([...keyed].sort())}. SDKs use these before any other credentials.`,
      'Remove AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY from the pod template, roll it out, and delete the keys once they are unused.',
      'AWS SDKs and Tools Reference Guide, "Standardized credential providers"',
    ),
  ];
}

/**
 * Checks whether the workload's add-on could be migrated at all. If the add-on supports associations only for other
 * service accounts, this service account can get one of its own.
 */
function addonChecks({ addon, workload, wanted }: WorkloadContext): Check[] {
  if (!addon || wanted.length === 0) return [];
  const { name, version, podIdentity } = addon;
  if (podIdentity === undefined)
    return [
      unknown(
        'addon-support',
        `Whether add-on ${name} ${version} supports an association for ${workload.serviceAccount} could not be read.`,
        `Read it: ${shellCommand(['aws', 'eks', 'describe-addon-configuration', '--addon-name', name, '--addon-version', version])}`,
      ),
    ];
  if (podIdentity.length > 0) return [];
  return [
    fail(
      'addon-support',
      `Add-on ${name} ${version} supports no associations.`,
      'Update the add-on to a version that supports them, which a plan shows.',
      `${GUIDE}, "IAM roles for Amazon EKS add-ons"`,
    ),
  ];
}

function associationChecks(context: WorkloadContext): Check[] {
  const { facts, workload, association, wanted } = context;
  const identity = identityOf(workload);
  if (facts.associations === undefined)
    return [
      unknown(
        'association',
        `Whether ${accountOf(workload)} has an association could not be read.`,
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
            `${nPods(has)} ${has === 1 ? 'has' : 'have'} the environment of Pod Identity, but ${accountOf(workload)} has no association any more: EKS provides no credentials.`,
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
        `${accountOf(workload)} has no role of its own: neither through an association nor through an annotation.`,
        `If it calls AWS, give it one. ${associationRemedy(context)}`,
      ),
    ];
  }
  const others =
    context.addon !== undefined &&
    (context.addon.podIdentity?.length ?? 0) > 0 &&
    !takesAssociation(context.addon, workload)
      ? `, and add-on ${context.addon.name} supports none for it: it needs a standalone association`
      : '';
  return [
    ...gone,
    fail(
      'association',
      `${accountOf(workload)} has no association${others}.`,
      associationRemedy(context),
      `${GUIDE}, "Assign an IAM role to a Kubernetes service account"`,
    ),
  ];
}

/** Checks whether the pods use an existing association. */
function takenUpChecks(
  { facts: { target }, workload, addon }: WorkloadContext,
  { id, createdAt }: Association,
): Check[] {
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
      ? `; or migrate the add-on, which verifies its pods: ${migrateCommand(target, addon)}`
      : '';
  if (!late)
    return [
      fail(
        'restart',
        `${which} not received association ${id} of ${createdAt}: ${others === 1 ? 'it was' : 'they were'} created before it, or too soon after it.`,
        `${restartCommand(workload)}${orMigrate}`,
        source,
      ),
    ];
  return [
    fail(
      'not-injected',
      `${which} not received association ${id}, although created after it (the youngest at ${youngestOther}).`,
      `Check whether the pod template sets credentials itself (AWS_ROLE_ARN, AWS_WEB_IDENTITY_TOKEN_FILE), and whether the webhook pod-identity-webhook exists. Then: ${restartCommand(workload)}`,
      source,
    ),
  ];
}

/** Pods keep the environment with which they were created, even if the annotation has changed since. */
function annotationChecks({ workload, own, association }: WorkloadContext): Check[] {
  const annotated = own.annotatedRole(workload);
  if (association !== undefined || annotated === undefined) return [];
  const others = [...workload.irsaRoles.keys()].filter((arn) => arn !== annotated);
  if (others.length > 0)
    return [
      warn(
        'annotation',
        `Its pods use ${some(others)}, but its service account is annotated with ${annotated}: the next restart changes the role.`,
        'Make sure that this is intended, or restore the annotation.',
      ),
    ];
  const without = workload.by.get('node-role') ?? 0;
  if (without === 0) return [];
  return [
    warn(
      'annotation',
      `${nPods(without)} ${without === 1 ? 'has' : 'have'} no credentials of the service account, although it is annotated with ${annotated}: created before the annotation, or while the webhook was unavailable.`,
      restartCommand(workload),
    ),
  ];
}

/**
 * Returns the obstacles, worst first. The list is empty for a workload that uses Pod Identity without problems, and for a
 * workload of an add-on that calls no AWS API.
 */
export function obstacles(facts: IdentityFacts, own: OwnFacts, agent: Check, workload: WorkloadTally): Check[] {
  const addon = own.addon(workload);
  const association = own.association(workload);
  const identity = identityOf(workload);
  const wanted = wantedRoles(workload, own);
  if (addon?.needsIam === false && wanted.length === 0 && (identity === 'node-role' || identity === 'none')) return [];
  const context: WorkloadContext = { facts, own, workload, association, addon, wanted };
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
