/** The promise about what is requested after a migration has ended, when a role's owner may have decided otherwise. */
import { clusterArn } from '../../lambdas/domain/aws/arn.ts';
import { evaluateIrsa, parsePolicy } from '../../lambdas/domain/policy/index.ts';
import { irsaRoleOf } from '../../lambdas/domain/verification/irsa.ts';
import { changes, effective } from './observe.ts';
import { about, plannedOf, type Promised } from './promised.ts';
import type { RunResult } from './run.ts';

/** Returns the reinstatements that let a service account use IRSA which nothing gives the role any more. */
function restored({ retirements, migrations, cluster, actor }: RunResult): string[] {
  const { spec, accepted = false } = actor ?? {};
  if (!accepted || spec?.afterCall !== 'before-reinstatement' || spec.does !== 'dissociate') return [];
  return retirements.flatMap(({ action, migrationId, trustPolicies, accounts }, index) => {
    const record = migrations.find((one) => one.migrationId === migrationId)?.record;
    const roleArn = record?.plan && irsaRoleOf(record.plan);
    if (action !== 'reinstate' || !record || roleArn === undefined) return [];
    const allows = (policies: Map<string, string> | undefined, namespace: string, serviceAccount: string): boolean =>
      evaluateIrsa(parsePolicy(policies?.get(roleArn) ?? '', 'trust'), {
        clusterArn: clusterArn(record.request.target),
        namespace,
        serviceAccount,
        ...(cluster.oidcIssuer === undefined ? {} : { oidcIssuer: cluster.oidcIssuer }),
      }).verdict === 'allowed';
    return plannedOf(record).flatMap(({ namespace, serviceAccount }) => {
      const has = accounts.some((one) => one.namespace === namespace && one.name === serviceAccount && one.associated);
      return !has &&
        !allows(retirements[index - 1]?.trustPolicies, namespace, serviceAccount) &&
        allows(trustPolicies, namespace, serviceAccount)
        ? [`the reinstatement of ${migrationId} gave ${roleArn} to ${namespace}/${serviceAccount} without a ground`]
        : [];
    });
  });
}

export const revokedStaysRevoked: Promised = {
  name: 'revoked-stays-revoked',
  statement: 'A reinstatement gives no service account a role whose association another principal has deleted since.',
  broken: restored,
};

export const retiredOnceApproved: Promised = {
  name: 'retired-once-approved',
  statement:
    'If the deployment requires approvals, a retirement or a reinstatement that nobody has approved writes no trust policy.',
  broken: (result) =>
    result.spec.held
      ? effective(changes(result))
          .filter(({ step, operation }) => step === 'retire-trust' && operation === 'UpdateAssumeRolePolicy')
          .map((call) => `${about(call)} without an approval`)
      : [],
};
