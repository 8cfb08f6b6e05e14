/**
 * Decides whether a retired OIDC statement may be restored: it gives a role to service accounts, so promise 11 applies, on
 * what is there now. A role's owner may have revoked the trust since.
 */
import { clusterArn, parseRoleArn } from '../../domain/aws/arn.ts';
import { type Check, fail, pass } from '../../domain/terms/check.ts';
import type { Migration, Snapshot } from '../../domain/record/migration.ts';
import { evaluateIrsa, parsePolicy } from '../../domain/policy/index.ts';
import { type GrantFacts, judgeReturn } from '../../domain/plan/grants.ts';
import { updateTrustLine } from '../../domain/restore-commands/trust.ts';
import { settingsFor } from '../../domain/access/spokes.ts';
import type { TrustRetirement } from '../../domain/terms/trust.ts';
import { removedAccounts } from '../../domain/trust/reinstate.ts';
import { samePolicy } from '../../domain/trust/repair.ts';
import { nameOf, type ServiceAccountUse } from '../../domain/trust/statements.ts';
import type { HandlerDependencies } from '../../ports/index.ts';
import { listPlannedAssociations } from '../facts/planned-associations.ts';
import { unfinishedAmong, withoutOwn } from '../facts/grants.ts';

/** A statement that is about to be restored, and what is there now. */
export interface Restoring {
  record: Migration;
  snapshot: Snapshot;
  note: TrustRetirement;
  oidcIssuer: string;
  /** The role's trust policy: JSON text. */
  current: string;
  /** The policy that would be written: JSON text. */
  document: string;
}

const ID = 'reinstate-grant';

/** Returns why the role may not be given to a service account, for each of them that has no ground. */
async function ungranted(
  { record, note, oidcIssuer, current }: Restoring,
  accounts: readonly ServiceAccountUse[],
  { portsFor, ledger, settings }: Pick<HandlerDependencies, 'portsFor' | 'ledger' | 'settings'>,
): Promise<string[]> {
  const { target } = record.request;
  const { roleArn } = note;
  const { eks } = portsFor(target);
  const policy = parsePolicy(current, 'trust');
  // Those that the policy allows already are given nothing.
  const given = accounts.filter(
    (one) => evaluateIrsa(policy, { ...one, clusterArn: clusterArn(target), oidcIssuer }).verdict !== 'allowed',
  );
  const associations = await listPlannedAssociations(eks, given);
  const unfinished = await unfinishedAmong(ledger, associations, record.request);
  const own = withoutOwn(record, roleArn, current);
  const facts: GrantFacts = {
    target,
    oidcIssuer,
    trustPolicies: { [roleArn]: own === undefined ? undefined : parsePolicy(own, 'trust') },
    associations: associations.filter(({ id }) => !unfinished.includes(id)),
    roleGrants: settingsFor(settings, target).roleGrants ?? [],
  };
  return given.flatMap(({ namespace, serviceAccount }) => {
    const { verdict, why } = judgeReturn(facts, { namespace, serviceAccount, roleArn });
    return verdict === 'allowed' ? [] : [`${nameOf({ namespace, serviceAccount })} (${why.join('; ')})`];
  });
}

/**
 * Returns whether promise 11 allows the statement to be restored. A statement with a pattern may allow service accounts
 * that nobody can list, so it is restored only while the policy is still the one that the retirement left.
 */
export async function checkReinstatable(restoring: Restoring, dependencies: HandlerDependencies): Promise<Check> {
  const { record, snapshot, note, current, document } = restoring;
  const { target } = record.request;
  const { roleArn, after } = note;
  const role = parseRoleArn(roleArn)?.name ?? roleArn;
  const remedy = `The owner of role ${role} decides. If they want the trust back, they run: ${updateTrustLine(roleArn, document, target)}`;
  const named = removedAccounts(note);
  if (!named && !samePolicy(current, after))
    return fail(
      ID,
      `The trust policy of role ${role} was changed after the retirement, and what was retired allows service accounts by a pattern: its owner may have revoked that since.`,
      remedy,
    );
  const without = await ungranted(restoring, named ?? snapshot.planned, dependencies);
  if (without.length === 0) return pass(ID, `Role ${role} may be given to the service accounts that lost it.`);
  return fail(
    ID,
    `Nothing shows any longer that role ${role} may be given to ${without.join(', ')}: its owner may have revoked that since the retirement.`,
    remedy,
  );
}
