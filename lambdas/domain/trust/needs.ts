/** Whether a role's OIDC trust may be retired: who in the cluster still needs it, and whether it is time. */
import { classifyPod } from '../verification/pod-identity.ts';
import type { AnnotatedServiceAccount, Pod } from '../kubernetes/objects.ts';
import type { Addon, Check, Migration } from '../migration/model.ts';
import { fail, GUIDE, pass, some, unknown } from '../plan/check.ts';
import { nameOf, type ServiceAccountUse } from './statements.ts';

/** What is there now, as it was read. */
export interface RetireFacts {
  roleArn: string;
  /** Its name. */
  cluster: string;
  /** Those whose OIDC trust shall go. */
  serviceAccounts: readonly ServiceAccountUse[];
  /** All of the cluster. */
  addons: readonly Pick<Addon, 'name' | 'serviceAccountRoleArn'>[];
  /** Of all namespaces; absent where the API server could not be read; then `kubernetesError` says why. */
  annotated?: AnnotatedServiceAccount[];
  /** Of all namespaces. */
  pods?: Pod[];
  kubernetesError?: string;
  /** The one that moved the service accounts to Pod Identity. */
  migration: Pick<Migration, 'migrationId' | 'status' | 'outcome' | 'endedAt'>;
  /** Days that have to pass after it ended. */
  soakDays: number;
  /** ISO 8601. */
  now: string;
}

const DAY = 24 * 60 * 60 * 1000;
const IRSA_AUDIENCE = 'sts.amazonaws.com';
const IRSA_GUIDE = `${GUIDE}, "IAM roles for service accounts"`;

function checkOutcome({ migration }: RetireFacts): Check {
  if (migration.status === 'ended' && migration.outcome === 'migrated')
    return pass('retire-outcome', `Migration ${migration.migrationId} ended migrated.`);
  const state =
    migration.status === 'ended'
      ? `ended ${migration.outcome ?? 'without an outcome'}`
      : `is still ${migration.status === 'running' ? 'running' : 'being rolled back'}`;
  return fail(
    'retire-outcome',
    `Migration ${migration.migrationId} ${state}, so that the OIDC trust is the pods' way to their credentials, or may be.`,
    migration.status !== 'ended'
      ? 'Wait until it has ended migrated.'
      : 'Name the migration that moved the add-on to Pod Identity, or migrate it first.',
  );
}

const days = (count: number): string => `${count} ${count === 1 ? 'day' : 'days'}`;

function checkSoak({ migration, soakDays, now }: RetireFacts): Check {
  const id = 'retire-soak';
  if (migration.endedAt === undefined)
    return fail(
      id,
      `Migration ${migration.migrationId} has not ended, so that no soak period has begun.`,
      `Try again ${days(soakDays)} after it has ended.`,
    );
  const due = Date.parse(migration.endedAt) + soakDays * DAY;
  const passed = Math.floor((Date.parse(now) - Date.parse(migration.endedAt)) / DAY);
  if (Date.parse(now) >= due)
    return pass(id, `${days(passed)} have passed since ${migration.endedAt}, of ${days(soakDays)} to wait.`);
  return fail(
    id,
    `Only ${days(Math.max(passed, 0))} have passed since the migration ended (${migration.endedAt}), of ${days(soakDays)} to wait.`,
    `Try again from ${new Date(due).toISOString()} on, or ask for fewer days of soaking.`,
  );
}

function checkAddons({ addons, roleArn, cluster }: RetireFacts): Check {
  const users = addons.filter((addon) => addon.serviceAccountRoleArn === roleArn).map((addon) => addon.name);
  if (users.length === 0)
    return pass('retire-addons', `No add-on of cluster ${cluster} has ${roleArn} as its IRSA role.`);
  return fail(
    'retire-addons',
    `${some(users)} of cluster ${cluster} still ${users.length === 1 ? 'has' : 'have'} ${roleArn} as IRSA role.`,
    `Migrate ${some(users)} to Pod Identity first, or give ${users.length === 1 ? 'it' : 'them'} another role.`,
    `${GUIDE}, "IAM roles for Amazon EKS add-ons"`,
  );
}

/** Where the API server could not be read: nobody knows who still uses the role. */
function unread(id: string, what: string, { kubernetesError }: RetireFacts): Check {
  return unknown(
    id,
    `${what} could not be listed${kubernetesError === undefined ? '' : `: ${kubernetesError}`}.`,
    'Let the service read the cluster: its access entry must allow to list pods and service accounts of all namespaces.',
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
    'Move them to Pod Identity; then take the annotation out of whatever manages them: kubectl -n NAMESPACE annotate serviceaccount NAME eks.amazonaws.com/role-arn-',
    IRSA_GUIDE,
  );
}

const isOver = (pod: Pod): boolean => pod.phase === 'Succeeded' || pod.phase === 'Failed';

/**
 * A container has the role and the token in its env; or the pod has a token for STS and no role in its env at all, so
 * that its own configuration may name this one. One on its way out still counts: it uses the role until it is gone.
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
  const { pods, roleArn, serviceAccounts } = facts;
  const id = 'retire-pods';
  if (!pods) return unread(id, 'Pods', facts);
  const retiring = new Set(serviceAccounts.map(nameOf));
  const users = pods.filter((pod) => !isOver(pod) && usesRole(pod, roleArn, retiring));
  if (users.length === 0) return pass(id, `None of ${pods.length} pods has the web identity token with ${roleArn}.`);
  const [first] = users;
  return fail(
    id,
    `${users.length} ${users.length === 1 ? 'pod has' : 'pods have'} the web identity token with ${roleArn}: ${some(users.map((pod) => `${pod.namespace}/${pod.name}`))}${first ? ` (${first.name}: ${classifyPod(first).evidence})` : ''}.`,
    'Restart what they belong to (kubectl rollout restart), so that they take up Pod Identity, and wait until the old ones are gone. Pods of service accounts that have no association need one first.',
    IRSA_GUIDE,
  );
}

/** Every reason that speaks for or against taking the OIDC trust of these service accounts out of the role. */
export const stillNeeded = (facts: RetireFacts): Check[] => [
  checkOutcome(facts),
  checkSoak(facts),
  checkAddons(facts),
  checkServiceAccounts(facts),
  checkPods(facts),
];
