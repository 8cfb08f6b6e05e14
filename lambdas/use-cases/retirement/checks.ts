/** The checks of a retirement and of its reversal. Each check queries the record, the ledger or the target. */
import { parseRoleArn } from '../../domain/aws/arn.ts';
import { isAccessRefused } from '../../domain/failures/errors.ts';
import type { Addon } from '../../domain/terms/observed.ts';
import { type Check, fail, pass } from '../../domain/terms/check.ts';
import { isForAddon, type MigrationRequest } from '../../domain/request/request.ts';
import type { Migration } from '../../domain/record/migration.ts';
import { isVerifiedOnPods, verifiedText } from '../../domain/terms/levels.ts';
import { isCovered } from '../../domain/plan/pass-role.ts';
import { subjectOf, subjectText, subjectTitle } from '../../domain/terms/subject.ts';
import { type RetireFacts, stillNeeded } from '../../domain/trust/needs.ts';
import { NO_PODS_TO_VERIFY } from '../../domain/verification/unreplaced.ts';
import type { ServiceAccountUse } from '../../domain/trust/statements.ts';
import type { Clock, Eks, Kubernetes, TargetPorts, Workload } from '../../ports/index.ts';
import { readAddonUntilSure } from '../confirmed/reads.ts';
import { discoveringOnce } from '../facts/discovery.ts';
import { readConsumers } from '../facts/read-consumers.ts';
import { readAddons } from '../facts/read-roles.ts';
import { utcNow } from '../../runtime/utc.ts';

export interface RetireWish {
  migrationId: string;
  action: 'retire' | 'reinstate';
  soakDays: number;
  /** What the request accepts by name. */
  accept?: readonly string[] | undefined;
  requestedBy?: string | undefined;
  reason?: string | undefined;
}

export const isBlocking = ({ status }: Check): boolean => status === 'fail' || status === 'unknown';

/** Passes only if the migration ended verified on its pods: any other end leaves them on IRSA, or may do so. */
export function checkVerified(
  { migrationId, status, outcome, verified, request, warnings }: Migration,
  begunBack: boolean,
): Check {
  const id = 'retire-verified';
  if (status === 'ended' && outcome === 'migrated' && isVerifiedOnPods(verified) && !begunBack)
    return pass(id, `Migration ${migrationId} ended migrated; ${verifiedText({ outcome, verified })}.`);
  const state =
    status !== 'ended'
      ? 'has not ended'
      : begunBack
        ? `was rolled back, or its rollback has begun (it ended ${outcome ?? 'without an outcome'})`
        : `ended ${outcome ?? 'without an outcome'}`;
  if (status === 'ended' && outcome === 'migrated' && verified === 'api' && !begunBack) {
    const [why, again] = warnings.some((one) => one.id === NO_PODS_TO_VERIFY)
      ? ['no pod was there to verify', 'while its pods run']
      : ['no pod was read', 'without --verification api'];
    const remedy = `Check every pod (pod-identity identities --cluster ${request.target.cluster}). If all of them get their credentials from EKS Pod Identity, remove the statement by hand; or have the pods verified: pod-identity rollback ${migrationId} --deployed , then migrate again ${again}.`;
    return fail(
      id,
      `Migration ${migrationId} ended migrated, but was verified by the EKS API alone: ${why}, so that some pods may need the OIDC trust.`,
      remedy,
    );
  }
  const instead = outcome === 'migrated' && !begunBack ? ' without a verification' : '';
  return fail(
    id,
    `Migration ${migrationId} ${state}${instead}: ${subjectText(subjectOf(request))} needs the OIDC trust, or may need it.`,
    'Name the migration that ended migrated and was verified on the pods; the command show displays how a migration ended.',
  );
}

export function checkRepairable(
  roleArn: string,
  { request: { target } }: Migration,
  patterns: readonly string[],
): Check {
  const id = 'retire-role';
  // IAM is asked by the role's name only: a role of that name in another account must not be mistaken for it.
  const isHere = parseRoleArn(roleArn)?.account === target.account;
  if (isHere && isCovered(patterns, roleArn)) return pass(id, `The service may change the trust policy of ${roleArn}.`);
  const why = isHere ? `it may change ${patterns.join(', ') || 'none'}` : `it is not in account ${target.account}`;
  return fail(
    id,
    `The service may not change the trust policy of ${roleArn}: ${why}.`,
    'Add the role to the CDK context repairableRoleArns and deploy, or change its trust policy by hand.',
  );
}

/** Checks that the pods have credentials without the trust: EKS issues them by the add-on's associations. */
function checkOnPodIdentity(addon: string, roleArn: string, now: Addon | undefined, lacking: readonly string[]): Check {
  const id = 'retire-pod-identity';
  const again = 'Migrate it again, and retire after that migration.';
  if (!now)
    return fail(
      id,
      `Add-on ${addon} is gone.`,
      'If its role is no longer needed, delete the role; otherwise create the add-on again first.',
    );
  if (now.serviceAccountRoleArn === roleArn)
    return fail(id, `Add-on ${addon} has ${roleArn} as its IRSA role (again).`, again);
  if (now.podIdentityAssociations.length === 0)
    return fail(id, `Add-on ${addon} owns no Pod Identity association.`, again);
  if (lacking.length > 0)
    return fail(id, `${lacking.join(', ')} of add-on ${addon} have no Pod Identity association.`, again);
  return pass(id, `Add-on ${addon} is on EKS Pod Identity (${now.podIdentityAssociations.length} associations).`);
}

/** Checks that the subject has associations: EKS issues credentials by the service account's association, regardless of its owner. */
async function checkSubject(
  request: MigrationRequest,
  roleArn: string,
  eks: Eks,
  clock: Clock,
  lacking: readonly string[],
): Promise<Check> {
  if (isForAddon(request))
    return checkOnPodIdentity(request.addon, roleArn, await readAddonUntilSure(eks, request.addon, clock), lacking);
  const id = 'retire-pod-identity';
  if (lacking.length > 0)
    return fail(
      id,
      `${subjectTitle(subjectOf(request))} has no Pod Identity association.`,
      'Migrate it again, and retire after that migration.',
    );
  return pass(id, `${subjectTitle(subjectOf(request))} has its Pod Identity association.`);
}

const namespacesOf = (accounts: readonly ServiceAccountUse[]): string[] => [
  ...new Set(accounts.map(({ namespace }) => namespace)),
];

/**
 * Reads the API server. If that is refused, returns the reason instead of throwing. Of service accounts that lose the trust
 * by a pattern, which may be in hundreds of namespaces, no workloads are read: their pods show what they use.
 */
async function readKubernetes(
  kubernetes: Kubernetes,
  retiring: readonly ServiceAccountUse[],
  losing: readonly ServiceAccountUse[],
): Promise<Pick<RetireFacts, 'annotated' | 'pods' | 'workloads' | 'consumers' | 'kubernetesError'>> {
  try {
    const annotated = await kubernetes.listAnnotatedServiceAccounts();
    const pods = await kubernetes.listAllPods();
    const concerned = new Set(namespacesOf([...retiring, ...losing]));
    // The pods of all namespaces show the versions of drivers.
    const consumers = await readConsumers(
      {
        ...discoveringOnce(kubernetes),
        listPods: async (namespace) => pods.filter((pod) => pod.namespace === namespace),
      },
      { pods: pods.filter(({ namespace }) => concerned.has(namespace)), removes: true },
    );
    const workloads: Workload[] = [];
    for (const namespace of namespacesOf(retiring)) workloads.push(...(await kubernetes.listWorkloads(namespace)));
    return { annotated, pods, consumers, workloads };
  } catch (error) {
    if (isAccessRefused(error)) return { kubernetesError: error.message };
    throw error;
  }
}

export interface RetirementCase {
  wish: RetireWish;
  record: Migration;
  roleArn: string;
  serviceAccounts: ServiceAccountUse[];
  /** The planned service accounts that have no association now. */
  lacking: string[];
  /** The role's trust policy when the migration began. */
  trustBefore: string | undefined;
}

/** Checks whether the trust is still needed, whether the soak time is over, and whether the subject works without the trust. */
export async function checkNeeds(
  { wish, record, roleArn, serviceAccounts, lacking }: RetirementCase,
  losing: readonly ServiceAccountUse[],
  ports: TargetPorts,
  clock: Clock,
): Promise<Check[]> {
  const { request } = record;
  const { cluster } = request.target;
  const onPodIdentity = await checkSubject(request, roleArn, ports.eks, clock, lacking);
  const facts: RetireFacts = {
    roleArn,
    cluster,
    serviceAccounts,
    losing,
    addons: await readAddons(ports.eks),
    ...(await readKubernetes(ports.kubernetes, serviceAccounts, losing)),
    accept: wish.accept,
    migration: record,
    soakDays: wish.soakDays,
    now: utcNow(clock),
  };
  return [onPodIdentity, ...stillNeeded(facts)];
}
