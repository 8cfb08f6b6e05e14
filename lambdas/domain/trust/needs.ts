/**
 * Checks whether a role's OIDC trust may be retired: whether anything in the cluster still needs it, and whether the
 * soak period has passed.
 */
import { asInjected } from '../consumers/pods.ts';
import { classifyPod } from '../verification/pod-identity.ts';
import type { ConsumerFacts } from '../consumers/model.ts';
import type { AnnotatedServiceAccount, Pod, Workload } from '../kubernetes/objects.ts';
import type { Addon } from '../terms/observed.ts';
import { type Check, fail, GUIDE, pass, some, unknown } from '../terms/check.ts';
import type { Migration } from '../record/migration.ts';
import { checkConsumers } from './consumer-needs.ts';
import { nameOf, type ServiceAccountUse } from './statements.ts';

/** The current state that the checks evaluate. */
export interface RetireFacts {
  roleArn: string;
  /** Name of the cluster. */
  cluster: string;
  /** Service accounts whose OIDC trust is to be retired. */
  serviceAccounts: readonly ServiceAccountUse[];
  /** Other service accounts that lose the trust with them, by a pattern. */
  losing?: readonly ServiceAccountUse[];
  /** All add-ons of the cluster. */
  addons: readonly Pick<Addon, 'name' | 'serviceAccountRoleArn'>[];
  /**
   * Annotated service accounts of all namespaces. Absent if the API server could not be read, in which case
   * `kubernetesError` has the reason.
   */
  annotated?: AnnotatedServiceAccount[];
  /** Pods of all namespaces. Absent under the same condition. */
  pods?: Pod[];
  /** Workloads of the namespaces of the service accounts. Absent under the same condition. */
  workloads?: Workload[];
  kubernetesError?: string;
  /** What may use the web identity of service accounts. Absent under the same condition as `pods`. */
  consumers?: ConsumerFacts;
  /** Consumers that the request accepts by name. */
  accept?: readonly string[];
  /** The migration that moved the service accounts to Pod Identity. */
  migration: Pick<Migration, 'migrationId' | 'status' | 'outcome' | 'endedAt'>;
  /** Days that must pass after the migration ended. */
  soakDays: number;
  /** ISO 8601. */
  now: string;
}

const DAY = 24 * 60 * 60 * 1000;
const IRSA_AUDIENCE = 'sts.amazonaws.com';
const IRSA_GUIDE = `${GUIDE}, "IAM roles for service accounts"`;

function checkOutcome({ migration }: RetireFacts): Check {
  if (migration.status === 'ended' && migration.outcome === 'migrated')
    return pass('retire-outcome', `Migration ${migration.migrationId} ended with outcome migrated.`);
  const state =
    migration.status === 'ended'
      ? `ended ${migration.outcome === undefined ? 'without an outcome' : `with outcome ${migration.outcome}`}`
      : `is still ${migration.status === 'running' ? 'running' : 'being rolled back'}`;
  return fail(
    'retire-outcome',
    `Migration ${migration.migrationId} ${state}, so its pods may still need the OIDC trust to get their credentials.`,
    migration.status !== 'ended'
      ? 'Wait until the migration has ended with outcome migrated.'
      : 'Name the migration that moved the add-on to Pod Identity, or migrate the add-on first.',
  );
}

const days = (count: number): string => `${count} ${count === 1 ? 'day' : 'days'}`;

function checkSoak({ migration, soakDays, now }: RetireFacts): Check {
  const id = 'retire-soak';
  if (migration.endedAt === undefined)
    return fail(
      id,
      `Migration ${migration.migrationId} has not ended, so its soak period has not begun.`,
      `Try again ${days(soakDays)} after the migration has ended.`,
    );
  const due = Date.parse(migration.endedAt) + soakDays * DAY;
  const passed = Math.floor((Date.parse(now) - Date.parse(migration.endedAt)) / DAY);
  if (Date.parse(now) >= due)
    return pass(
      id,
      `${days(passed)} passed since the migration ended (${migration.endedAt}); the soak period is ${days(soakDays)}.`,
    );
  return fail(
    id,
    `Only ${days(Math.max(passed, 0))} passed since the migration ended (${migration.endedAt}); the soak period is ${days(soakDays)}.`,
    `Try again after ${new Date(due).toISOString()}, or request a shorter soak period.`,
  );
}

function checkAddons({ addons, roleArn, cluster }: RetireFacts): Check {
  const users = addons.filter((addon) => addon.serviceAccountRoleArn === roleArn).map((addon) => addon.name);
  if (users.length === 0)
    return pass('retire-addons', `No add-on of cluster ${cluster} uses ${roleArn} as its IRSA role.`);
  return fail(
    'retire-addons',
    `${some(users)} of cluster ${cluster} still ${users.length === 1 ? 'uses' : 'use'} ${roleArn} as the IRSA role.`,
    `Migrate ${some(users)} to Pod Identity first, or give ${users.length === 1 ? 'it' : 'them'} another role.`,
    `${GUIDE}, "IAM roles for Amazon EKS add-ons"`,
  );
}

/** The verdict if the API server could not be read: any pod or service account may still use the role. */
function unread(id: string, what: string, { kubernetesError }: RetireFacts): Check {
  return unknown(
    id,
    `${what} could not be listed${kubernetesError === undefined ? '' : `: ${kubernetesError}`}.`,
    'Give the service read access to the cluster: its access entry must allow listing pods and service accounts in all namespaces.',
  );
}

function checkServiceAccounts(facts: RetireFacts): Check {
  const { annotated, roleArn } = facts;
  const id = 'retire-service-accounts';
  if (!annotated) return unread(id, 'Service accounts with the IRSA annotation', facts);
  const users = annotated.filter((one) => one.roleArn === roleArn).map((one) => `${one.namespace}/${one.name}`);
  if (users.length === 0)
    return pass(id, `No service account has ${roleArn} in its annotation eks.amazonaws.com/role-arn.`);
  return fail(
    id,
    `${users.length} service ${users.length === 1 ? 'account has' : 'accounts have'} ${roleArn} in the annotation eks.amazonaws.com/role-arn: ${some(users)}.`,
    'Move them to Pod Identity. Then remove the annotation, and also from the code that manages them: kubectl -n NAMESPACE annotate serviceaccount NAME eks.amazonaws.com/role-arn-',
    IRSA_GUIDE,
  );
}

const isOver = (pod: Pod): boolean => pod.phase === 'Succeeded' || pod.phase === 'Failed';

/**
 * Returns whether a pod uses the role: a container has the role and the token in its environment, or the pod has a token
 * for STS and no role in its environment, in which case its own configuration may name the role. A terminating pod still
 * counts, since it uses the role until it is gone.
 */
function usesRole(pod: Pod, roleArn: string, retiring: ReadonlySet<string>): boolean {
  const roles = pod.containers.flatMap(({ env }) => env['AWS_ROLE_ARN'] ?? []);
  const byEnv = pod.containers.some(
    ({ env }) => env['AWS_ROLE_ARN'] === roleArn && env['AWS_WEB_IDENTITY_TOKEN_FILE'] !== undefined,
  );
  const hasToken = pod.tokens.some((token) => token.audience === IRSA_AUDIENCE);
  return byEnv || (hasToken && (roles.includes(roleArn) || (roles.length === 0 && retiring.has(nameOf(pod)))));
}

function checkPods(facts: RetireFacts): Check {
  const { pods, roleArn, serviceAccounts, losing = [] } = facts;
  const id = 'retire-pods';
  if (!pods) return unread(id, 'Pods', facts);
  const retiring = new Set(serviceAccounts.map(nameOf));
  const judged = new Set([...retiring, ...losing.map(nameOf)]);
  // What the author of a pod has written, and no restart changes, is named by retire-consumers.
  const injected = pods.map((pod) => (judged.has(nameOf(pod)) ? asInjected(pod) : pod));
  const users = injected.filter((pod) => !isOver(pod) && usesRole(pod, roleArn, retiring));
  if (users.length === 0) return pass(id, `None of ${pods.length} pods has a web identity token for ${roleArn}.`);
  const [first] = users;
  return fail(
    id,
    `${users.length} ${users.length === 1 ? 'pod has' : 'pods have'} a web identity token for ${roleArn}: ${some(users.map((pod) => `${pod.namespace}/${pod.name}`))}${first ? ` (${first.name}: ${classifyPod(first).evidence})` : ''}.`,
    'Restart their workloads (kubectl rollout restart) so that new pods use Pod Identity, and wait until the old pods are gone. Pods whose service account has no association need one first.',
    IRSA_GUIDE,
  );
}

/** Returns every check for or against removing the OIDC trust of these service accounts from the role. */
export const stillNeeded = (facts: RetireFacts): Check[] => [
  checkOutcome(facts),
  checkSoak(facts),
  checkAddons(facts),
  checkServiceAccounts(facts),
  checkPods(facts),
  ...checkConsumers(facts),
];
