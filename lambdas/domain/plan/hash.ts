/** The hash that binds a plan to its input: equal decisions have equal hashes, and different decisions different ones. */
import { hashedAcceptances } from '../acceptance/former.ts';
import { accountOf } from '../terms/subject.ts';
import type { MigrationRequest } from '../request/request.ts';
import type { Plan } from '../record/plan.ts';
import { sha256 } from '../text/sha256.ts';

/** A list that older plans do not have. While it is empty it is not hashed, so hashes of stored plans stay the same. */
const unlessEmpty = <Item>(list: readonly Item[]): readonly Item[] | undefined => (list.length > 0 ? list : undefined);

/**
 * The findings and changes of a plan. Its checks are not included: they only explain, and their wording may change.
 */
export type PlanContent = Omit<Plan, 'hash' | 'checks'>;

/** The part of a request that decides what is planned. */
function askedOf({ iac, ...request }: MigrationRequest): object {
  const { target, addon, serviceAccount, annotation, strategy, preserve, verification, agent } = request;
  return {
    target,
    addon,
    serviceAccount,
    annotation,
    strategy,
    preserve,
    ...hashedAcceptances(request),
    iac,
    verification,
    agent,
  };
}

/**
 * Computes the hash from stored data only, so that every reader of a plan can compute it again. It is not a signature: a
 * principal that can write a plan can compute its hash.
 */
export function hashOf(plan: PlanContent, request: MigrationRequest): string {
  // Fields are listed one by one, so that later additions to a plan, such as its hash, are not included automatically.
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
    owners,
    found: digest,
  } = plan;
  return sha256({
    asked: askedOf(request),
    found: {
      addon: found,
      serviceAccount: account,
      namespace,
      defaultNamespace,
      existing,
      // What shows an owner may change, such as the version of a controller.
      owners: unlessEmpty(owners.map(({ owns, name, tool, reverts }) => ({ owns, name, tool, reverts }))),
      digest,
    },
    will: {
      verdict,
      strategy: plan.strategy,
      preserve: plan.preserve,
      associations,
      // The number of pods is not included, since it may change every minute.
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
