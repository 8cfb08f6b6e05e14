/**
 * Checks whether the roles of a subject that is already on Pod Identity trust its pods. EKS accepts an association whose
 * role has a trust policy of the right form, and EKS Auth refuses the pods later (awslabs/mountpoint-s3-csi-driver#781):
 * the pods look migrated, and have no credentials.
 */
import { clusterArn, parseRoleArn } from '../aws/arn.ts';
import { type Check, warn } from '../terms/check.ts';
import { evaluatePodIdentity, POD_IDENTITY_PRINCIPAL } from '../policy/index.ts';
import { asClause } from '../text/text.ts';
import type { Facts } from './facts.ts';
import { TRUST_SOURCE, trustRemedy } from './trust-remedy.ts';

/** Returns only warnings, since a migration would change nothing. An undecided trust is not reported, since the pods show it. */
export function checkMigratedTrust({
  request,
  associations,
  roles,
}: Pick<Facts, 'request' | 'associations' | 'roles'>): Check[] {
  const { target } = request;
  return associations.flatMap((association) => {
    const { namespace, serviceAccount, roleArn, disableSessionTags } = association;
    const found = roles[roleArn];
    if (!found) return [];
    const { verdict, reasons } = evaluatePodIdentity(found.trustPolicy.document, {
      clusterArn: clusterArn(target),
      namespace,
      serviceAccount,
      ...(disableSessionTags === undefined ? {} : { disableSessionTags }),
    });
    if (verdict === 'allowed' || verdict === 'unknown') return [];
    const why = reasons.slice(0, 2).map(({ message }) => `${asClause(message)}.`);
    return [
      warn(
        'role-trust',
        `The trust policy of role ${parseRoleArn(roleArn)?.name ?? roleArn} does not allow ${POD_IDENTITY_PRINCIPAL} to assume it for ${namespace}/${serviceAccount}, which has an association with it: its pods appear migrated but get no credentials. ${why.join(' ')}`,
        trustRemedy(target, association),
        TRUST_SOURCE,
      ),
    ];
  });
}
