/** The checks of a retirement and of what undoes it: each a question to the record, the ledger or the target. */
import { parseRoleArn } from '../../domain/aws/arn.ts';
import { isMigrationError } from '../../domain/failures/errors.ts';
import {
  type Addon,
  type Check,
  isForAddon,
  type Migration,
  type MigrationRequest,
} from '../../domain/migration/model.ts';
import { fail, pass } from '../../domain/plan/check.ts';
import { isCovered } from '../../domain/plan/pass-role.ts';
import { subjectOf, subjectText, subjectTitle } from '../../domain/migration/subject.ts';
import { type RetireFacts, stillNeeded } from '../../domain/trust/needs.ts';
import type { ServiceAccountUse } from '../../domain/trust/statements.ts';
import type { Clock, Eks, Kubernetes, TargetPorts } from '../../ports/index.ts';
import { readAddonUntilSure } from '../pods/confirmed-reads.ts';
import { readAddons } from '../facts/read-roles.ts';
import { utcNow } from '../../runtime/utc.ts';

export interface RetireWish {
  migrationId: string;
  action: 'retire' | 'reinstate';
  soakDays: number;
  requestedBy?: string | undefined;
  reason?: string | undefined;
}

export const isBlocking = ({ status }: Check): boolean => status === 'fail' || status === 'unknown';

/** Only an end that the pods have verified counts: another one leaves them, or may leave them, on IRSA. */
export function checkVerified(
  { migrationId, status, outcome, verified, request }: Migration,
  begunBack: boolean,
): Check {
  const id = 'retire-verified';
  if (status === 'ended' && outcome === 'migrated' && verified === 'injected' && !begunBack)
    return pass(id, `Migration ${migrationId} ended migrated, verified on the pods.`);
  const state =
    status !== 'ended'
      ? 'is not over'
      : begunBack
        ? `was rolled back, or that was begun (it ended ${outcome ?? 'without an outcome'})`
        : `ended ${outcome ?? 'without an outcome'}`;
  if (status === 'ended' && outcome === 'migrated' && verified === 'api' && !begunBack) {
    const remedy = `Look at every pod (pod-identity identities --cluster ${request.target.cluster}); where all are on Pod Identity, take the statement out by hand, or have the pods verified: pod-identity rollback ${migrationId}, then migrate again without --verification api.`;
    return fail(
      id,
      `Migration ${migrationId} ended migrated, verified by the EKS API alone: no pod was seen, so that some may need the OIDC trust.`,
      remedy,
    );
  }
  const instead = outcome === 'migrated' && !begunBack ? ', verified by nothing' : '';
  return fail(
    id,
    `Migration ${migrationId} ${state}${instead}: ${subjectText(subjectOf(request))} needs the OIDC trust, or may need it.`,
    'Name the migration after which the pods were verified to use EKS Pod Identity; pod-identity show says how one ended.',
  );
}

export function checkRepairable(
  roleArn: string,
  { request: { target } }: Migration,
  patterns: readonly string[],
): Check {
  const id = 'retire-role';
  // IAM is asked by the role's name alone: another account's role of that name must not be taken for it.
  const isHere = parseRoleArn(roleArn)?.account === target.account;
  if (isHere && isCovered(patterns, roleArn)) return pass(id, `The service may change the trust policy of ${roleArn}.`);
  const why = isHere ? `it may for ${patterns.join(', ') || 'none'}` : `it is not of account ${target.account}`;
  return fail(
    id,
    `The service may not change the trust policy of ${roleArn}: ${why}.`,
    'Add the role to the CDK context repairableRoleArns and deploy, or change its trust policy by hand.',
  );
}

/** What the retirement leaves the pods with: EKS gives them credentials by the add-on's associations. */
function checkOnPodIdentity(addon: string, roleArn: string, now: Addon | undefined, lacking: readonly string[]): Check {
  const id = 'retire-pod-identity';
  const again = 'Migrate it again, and retire after that migration.';
  if (!now)
    return fail(
      id,
      `Add-on ${addon} is gone.`,
      'Where nobody needs its role any more, remove the role; otherwise bring the add-on back first.',
    );
  if (now.serviceAccountRoleArn === roleArn)
    return fail(id, `Add-on ${addon} has ${roleArn} as its IRSA role (again).`, again);
  if (now.podIdentityAssociations.length === 0)
    return fail(id, `Add-on ${addon} owns no Pod Identity association.`, again);
  if (lacking.length > 0)
    return fail(id, `${lacking.join(', ')} of add-on ${addon} have no Pod Identity association.`, again);
  return pass(id, `Add-on ${addon} is on EKS Pod Identity (${now.podIdentityAssociations.length} associations).`);
}

/** EKS gives pods credentials by the association of their service account, whoever owns it. */
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

const REFUSALS = ['Unauthorised', 'AccessDenied'] as const;

/** Without access to the API server it says so; it does not fall over. */
async function readKubernetes(
  kubernetes: Kubernetes,
): Promise<Pick<RetireFacts, 'annotated' | 'pods' | 'kubernetesError'>> {
  try {
    return { annotated: await kubernetes.listAnnotatedServiceAccounts(), pods: await kubernetes.listAllPods() };
  } catch (error) {
    if (error instanceof Error && REFUSALS.some((name) => isMigrationError(error, name)))
      return { kubernetesError: error.message };
    throw error;
  }
}

export interface RetirementCase {
  wish: RetireWish;
  record: Migration;
  roleArn: string;
  serviceAccounts: ServiceAccountUse[];
  /** Planned service accounts that have no association now. */
  lacking: string[];
}

/** Whether somebody still needs the trust, whether it is time, and whether what was migrated can do without. */
export async function checkNeeds(
  { wish, record, roleArn, serviceAccounts, lacking }: RetirementCase,
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
    addons: await readAddons(ports.eks),
    ...(await readKubernetes(ports.kubernetes)),
    migration: record,
    soakDays: wish.soakDays,
    now: utcNow(clock),
  };
  return [onPodIdentity, ...stillNeeded(facts)];
}
