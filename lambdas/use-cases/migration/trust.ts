/**
 * Checks and writes the trust policies that a migration changes, and explains EKS's errors while it has not seen a change
 * yet.
 */
import { acceptedNames } from '../../domain/acceptance/accept.ts';
import { accountOf } from '../../domain/terms/subject.ts';
import { clusterArn } from '../../domain/aws/arn.ts';
import { isMigrationError, MigrationError } from '../../domain/failures/errors.ts';
import type { Migration } from '../../domain/record/migration.ts';
import type { Plan } from '../../domain/record/plan.ts';
import {
  evaluateIrsa,
  evaluatePodIdentity,
  issuerName,
  type ParsedPolicy,
  parsePolicy,
  type TrustUse,
} from '../../domain/policy/index.ts';
import { isCovered } from '../../domain/plan/pass-role.ts';
import { standingTrustChanges } from '../../domain/rollback/recovery.ts';
import { repairProblem } from '../../domain/trust/own-changes.ts';
import type { TrustRepair } from '../../domain/terms/trust.ts';
import { samePolicy } from '../../domain/trust/repair.ts';
import type { Clock, Roles } from '../../ports/index.ts';
import { readUntilSure } from '../confirmed/reads.ts';

const AGAIN = 'It was left alone. Find out who changed it, then try again';

/** Returns the error for a policy that is neither what the plan found nor what was written. */
export const trustChanged = (roleArn: string, how: string): MigrationError =>
  new MigrationError('TrustChanged', `The trust policy of role ${roleArn} ${how}. ${AGAIN}.`);

/** Throws TrustChanged if a policy that the plan would repair has changed. `found` has the policies by role ARN. */
export function assertTrustAsPlanned({ trustRepairs }: Plan, found: Record<string, string>): void {
  for (const { roleArn, before } of trustRepairs) {
    const now = found[roleArn];
    if (now === undefined || !samePolicy(now, before))
      throw trustChanged(
        roleArn,
        `is no longer as the plan found it${now === undefined ? ': the role is gone' : ''}; nothing was changed`,
      );
  }
}

/** Throws BadInput for a role whose trust policy the deployment may not change. */
export function assertRepairable(roleArn: string, patterns: readonly string[]): void {
  if (isCovered(patterns, roleArn)) return;
  throw new MigrationError(
    'BadInput',
    `This deployment may not change the trust policy of role ${roleArn} (it may change: ${patterns.join(', ') || 'none'}). Nothing was written. Add the role to the CDK context repairableRoleArns and deploy, or repair the policy by hand and migrate without the repair.`,
  );
}

const PROVIDER = /:oidc-provider\/(.+)$/;

/** Returns the OIDC issuers that a policy names: IRSA can come from no other issuer. */
const issuersIn = (policy: ParsedPolicy): string[] => {
  const providers = policy.valid
    ? policy.statements.flatMap(({ principals }) => principals?.named.get('Federated') ?? [])
    : [];
  return [...new Set(providers.flatMap((provider) => PROVIDER.exec(provider)?.[1] ?? []).map(issuerName))];
};

/**
 * Returns the planned uses of the role by service accounts, in each form that their associations will have: session tags
 * are disabled only after an association is created.
 */
const usesOf = ({ request, plan }: Pick<Migration, 'request' | 'plan'>, roleArn: string): TrustUse[] =>
  (plan?.associations ?? [])
    .filter((one) => one.roleArn === roleArn)
    .flatMap(({ namespace, serviceAccount }) => {
      const use = { clusterArn: clusterArn(request.target), namespace, serviceAccount };
      const loses = plan?.carryOver.some(
        (one) =>
          one.namespace === namespace && one.serviceAccount === serviceAccount && one.disableSessionTags === true,
      );
      return [use, ...(loses ? [{ ...use, disableSessionTags: true }] : [])];
    });

/** Returns why a noted, or planned, repair is not one that this service makes for that migration, or undefined. */
export const strangeRepair = (
  { request, plan }: Pick<Migration, 'request' | 'plan'>,
  repair: TrustRepair,
): string | undefined =>
  repairProblem(repair, {
    target: request.target,
    serviceAccounts: (plan?.associations ?? []).filter((one) => one.roleArn === repair.roleArn),
  });

/**
 * Evaluates a policy once more before it is written: it must add the statement of a repair and no more, must allow EKS Pod
 * Identity, and must not change what IRSA may do by any provider that the policy names. Throws BadInput otherwise.
 */
export function assertRepairUnchanged(record: Pick<Migration, 'request' | 'plan'>, repair: TrustRepair): void {
  const { roleArn, before, after } = repair;
  const options = { acceptedKeys: acceptedNames(record.request, 'condition-key') };
  const [was, is] = [parsePolicy(before, 'trust'), parsePolicy(after, 'trust')];
  const refused = (why: string): MigrationError =>
    new MigrationError('BadInput', `The planned trust policy of role ${roleArn} was not written: ${why}. Plan again.`);
  for (const use of usesOf(record, roleArn)) {
    const name = accountOf(use);
    const podIdentity = evaluatePodIdentity(is, use, options);
    if (podIdentity.verdict !== 'allowed')
      throw refused(
        `with it EKS Pod Identity is ${podIdentity.verdict} for ${name} (${podIdentity.reasons.map((reason) => reason.message).join('; ')})`,
      );
    for (const oidcIssuer of issuersIn(was)) {
      const [irsaBefore, irsaAfter] = [was, is].map(
        (policy) => evaluateIrsa(policy, { ...use, oidcIssuer }, options).verdict,
      );
      if (irsaBefore !== irsaAfter)
        throw refused(`IRSA by ${oidcIssuer} was ${irsaBefore} for ${name} and would be ${irsaAfter}`);
    }
  }
  const strange = strangeRepair(record, repair);
  if (strange !== undefined) throw refused(strange);
}

/**
 * Reads a policy back until it is what was written. Throws Busy while IAM shows the policy from before, and TrustChanged if
 * it is neither. Source: IAM User Guide, "Troubleshoot IAM" (changes are not always immediately visible).
 */
export async function readBack(
  { roles, clock }: { roles: Roles; clock: Clock },
  roleArn: string,
  written: string,
  before: string,
): Promise<void> {
  const read = async (): Promise<string | undefined> => (await roles.getRole(roleArn))?.trustPolicy;
  const now = await readUntilSure(clock, read, (seen) => seen !== undefined && samePolicy(seen, written));
  if (now !== undefined && samePolicy(now, written)) return;
  if (now === undefined || samePolicy(now, before))
    throw new MigrationError(
      'Busy',
      `IAM does not show the new trust policy of role ${roleArn} yet. The step is retried.`,
    );
  throw trustChanged(roleArn, 'is not as it was written: another principal has changed it at the same time');
}

/**
 * The milliseconds after a change of a trust policy for which a migration waits while the software of a deleted add-on is
 * gone: more than the usual seconds, and no longer than a create often takes. A create with the former role ends the
 * outage, and needs no new trust.
 */
const WHILE_GONE_MS = 5 * 60_000;

/** EKS's message for a role that EKS Pod Identity can't use. Source: hashicorp/terraform-provider-aws#41483. */
const REFUSED_TRUST = /trust policy of the role provided is invalid/i;

/**
 * Throws TrustNotSeenYet if EKS refuses a trust policy that this migration has repaired: EKS has not seen the repair yet.
 * AWS publishes no limit for that, and the pauses decide how long to wait. `whileGone`: the software of a deleted add-on is
 * gone meanwhile, so the wait is short. Rethrows anything else.
 */
export async function explainTrust(
  error: unknown,
  record: Pick<Migration, 'trustChanges'>,
  whileGone?: Clock,
): Promise<never> {
  const isAwaited = ({ writtenAt }: { writtenAt?: string | undefined }): boolean =>
    writtenAt !== undefined && (whileGone === undefined || whileGone.now() - Date.parse(writtenAt) <= WHILE_GONE_MS);
  if (
    !isMigrationError(error, 'InvalidRequest') ||
    !REFUSED_TRUST.test(error.message) ||
    !standingTrustChanges(record).some(isAwaited)
  )
    throw error;
  throw new MigrationError('TrustNotSeenYet', error.message, { cause: error });
}
