/**
 * Reads the present state of an add-on or a service account, and makes the plan of its migration. Changes nothing. The step
 * `plan` and the command line, which plans without a deployed service, make the same plan with it.
 */
import { isForAddon, type ServiceAccountRequest } from '../../domain/request/request.ts';
import type { Plan } from '../../domain/record/plan.ts';
import type { AddonFacts, Facts, ServiceAccountFacts } from '../../domain/plan/facts.ts';
import { planMigration } from '../../domain/plan/plan.ts';
import { planServiceAccount } from '../../domain/plan/service-account.ts';
import type { TargetPorts } from '../../ports/index.ts';
import { readFacts, readServiceAccountFacts } from '../facts/read-facts.ts';
import type { ReadingSources } from '../facts/reading.ts';

const ofAddon = (facts: Facts): facts is AddonFacts => isForAddon(facts.request);

/** Reads the present state, unless another execution holds the lock, and makes the plan. */
export async function makePlan(
  empty: Facts,
  ports: TargetPorts,
  sources: ReadingSources,
): Promise<{ facts: Facts; plan: Plan }> {
  if (ofAddon(empty)) {
    const facts = empty.lock ? empty : await readFacts(empty, ports, sources);
    return { facts, plan: planMigration(facts) };
  }
  // A request is about an add-on or a service account, so that this one is about a service account.
  const account: ServiceAccountFacts = { ...empty, request: empty.request as ServiceAccountRequest };
  const facts = account.lock ? account : await readServiceAccountFacts(account, ports, sources);
  return { facts, plan: planServiceAccount(facts) };
}
