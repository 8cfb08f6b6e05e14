/**
 * Decides whether a requested rollback may give back the associations that the migration deleted. A rollback that follows
 * a failure asks nobody (ADR 41); one that is requested afterwards may be requested long after the role's owner has
 * decided otherwise.
 */
import type { Migration, Snapshot } from '../../domain/record/migration.ts';
import { wasThere } from '../../domain/migration/service-account.ts';
import { type GrantFacts, judgeReturn } from '../../domain/plan/grants.ts';
import { parsePolicy } from '../../domain/policy/index.ts';
import { ROLLBACK_CLAIM_DAYS } from '../../domain/settings/deployment.ts';
import { settingsFor } from '../../domain/access/spokes.ts';
import { samePolicy } from '../../domain/trust/repair.ts';
import { nameOf } from '../../domain/trust/statements.ts';
import type { HandlerDependencies } from '../../ports/index.ts';
import { listPlannedAssociations } from '../facts/planned-associations.ts';
import { withoutOwn } from '../facts/grants.ts';

const DAY_MS = 24 * 3600 * 1000;

/**
 * Returns a clause with the reason why the rollback may not give back a role, or undefined if it may. The recorded
 * association is a ground for the days that the deployment sets, while the role's trust policy is what it was.
 */
export async function roleNotReturned(
  record: Migration,
  snapshot: Snapshot,
  { portsFor, settings, clock }: Pick<HandlerDependencies, 'portsFor' | 'settings' | 'clock'>,
): Promise<string | undefined> {
  const { target } = record.request;
  const { eks, roles } = portsFor(target);
  const deleted = record.associations.purged.filter((one) => wasThere(snapshot, one));
  if (deleted.length === 0) return undefined;
  const { roleGrants = [], rollbackClaimDays = ROLLBACK_CLAIM_DAYS } = settingsFor(settings, target);
  const present = await listPlannedAssociations(eks, deleted);
  const days = (clock.now() - Date.parse(record.endedAt ?? snapshot.takenAt)) / DAY_MS;
  for (const one of deleted) {
    const { namespace, serviceAccount, roleArn } = one;
    const { trustPolicy } = (await roles.getRole(roleArn)) ?? {};
    if (trustPolicy === undefined)
      return `role ${roleArn}, which ${nameOf(one)} had by an association, no longer exists`;
    const own = withoutOwn(record, roleArn, trustPolicy);
    const was = snapshot.trustPolicies[roleArn];
    const isUnchanged = own !== undefined && was !== undefined && samePolicy(own, was);
    const counts = isUnchanged && days <= rollbackClaimDays;
    const facts: GrantFacts = {
      target,
      trustPolicies: { [roleArn]: own === undefined ? undefined : parsePolicy(own, 'trust') },
      associations: counts ? [...present, one] : present,
      roleGrants,
    };
    if (judgeReturn(facts, { namespace, serviceAccount, roleArn }).verdict === 'allowed') continue;
    const why = isUnchanged
      ? `the migration ended more than ${rollbackClaimDays} days ago (the setting rollbackClaimDays)`
      : 'its trust policy has changed since the migration began';
    return `nothing shows any longer that ${nameOf(one)} may have role ${roleArn}, which it had by association ${one.id}: ${why}. If the role's owner agrees, add it to the setting roleGrants, deploy and roll back again; or create the association by hand`;
  }
  return undefined;
}
