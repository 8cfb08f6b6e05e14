/** A role whose trust policy knows IRSA alone, and the repair that the plan holds ready for it. */
import type { TrustChange, TrustRepair } from '../../../lambdas/domain/terms/trust.ts';
import { parseTrust } from '../../../lambdas/domain/trust/policy.ts';
import { proposeRepair } from '../../../lambdas/domain/trust/repair.ts';
import { at, irsaStatement, ISSUER, NAMESPACE, policyText, ROLE, SERVICE_ACCOUNT, target } from '../fixtures.ts';

export const BEFORE = policyText(irsaStatement);

export function repairOf(roleArn = ROLE, serviceAccount = SERVICE_ACCOUNT): TrustRepair {
  const proposal = proposeRepair({
    trustPolicy: parseTrust(BEFORE),
    target,
    serviceAccounts: [{ namespace: NAMESPACE, serviceAccount }],
    oidcIssuer: ISSUER,
  });
  if (proposal.do !== 'repair') throw new Error('nothing to repair');
  return { roleArn, before: BEFORE, after: proposal.after, statement: proposal.statement };
}
export const REPAIR = repairOf();

/** As the ledger has it once it is written. */
export const aTrustChange = (change: Partial<TrustChange> = {}): TrustChange => ({
  ...REPAIR,
  notedAt: at(0),
  writtenAt: at(0),
  ...change,
});
