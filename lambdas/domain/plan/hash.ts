/** What binds a plan to what it was made from: the same decision always has the same hash, and no other one has it. */
import type { IdentityLoss, MigrationRequest, Plan } from '../migration/model.ts';
import { sha256 } from '../text/sha256.ts';

const accountOf = ({ namespace, serviceAccount }: IdentityLoss): string => `${namespace}/${serviceAccount}`;

/** A list that plans did not have once: while it is empty, it leaves the hash of a plan that is stored as it was. */
const unlessEmpty = <Item>(list: readonly Item[]): readonly Item[] | undefined => (list.length > 0 ? list : undefined);

/**
 * All of a plan that says what was found and what will be done; its checks say why, and may be worded otherwise
 * tomorrow.
 */
export type PlanContent = Omit<Plan, 'hash' | 'checks'>;

/** What of a request decides what is planned. */
function askedOf({ acceptIdentityLoss, ...request }: MigrationRequest): object {
  const { target, addon, serviceAccount, annotation, strategy, preserve, acceptedKeys, verification, agent } = request;
  return {
    target,
    addon,
    serviceAccount,
    annotation,
    strategy,
    preserve,
    acceptedKeys,
    acceptIdentityLoss: unlessEmpty(acceptIdentityLoss),
    verification,
    agent,
  };
}

/**
 * Made of nothing but what the ledger keeps, so that whoever reads a plan can make it again. It is no signature: who
 * can write a plan can make its hash.
 */
export function hashOf(plan: PlanContent, request: MigrationRequest): string {
  // Field by field: what somebody adds to a plan later, such as its hash, must not count by itself.
  const {
    verdict,
    attempts,
    steps,
    addon: found,
    serviceAccount: account,
    namespace,
    defaultNamespace,
    associations,
    identityLosses,
    existing,
    purge,
    carryOver,
    trustRepairs,
    installAgent,
    found: digest,
  } = plan;
  return sha256({
    asked: askedOf(request),
    found: { addon: found, serviceAccount: account, namespace, defaultNamespace, existing, digest },
    will: {
      verdict,
      strategy: plan.strategy,
      preserve: plan.preserve,
      associations,
      // How many pods run with each may change every minute.
      identityLosses: unlessEmpty(
        identityLosses.map((one) => ({ roleArn: one.roleArn, account: accountOf(one), accepted: one.accepted })),
      ),
      attempts,
      purge,
      carryOver,
      trustRepairs,
      installAgent,
      steps,
    },
  });
}
