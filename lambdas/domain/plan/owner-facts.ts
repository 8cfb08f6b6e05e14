/** The owners of what a plan is about, from its facts. */
import { findOwners, type FoundOwner } from '../owners/detect.ts';
import type { Facts } from './facts.ts';
import { seenIn } from '../terms/seen.ts';

/** Returns the owners that the facts show; none of what was not read. */
export function ownersOf(facts: Facts): FoundOwner[] {
  const { request, addon, serviceAccount, accountMarks, capabilities } = facts;
  const annotated = serviceAccount?.roleArn === undefined ? undefined : serviceAccount;
  return findOwners({
    iac: request.iac,
    addon,
    associations: facts.associations,
    roleTags: Object.fromEntries(
      Object.entries(facts.roles).flatMap(([arn, role]) => (role ? [[arn, role.tags ?? {}]] : [])),
    ),
    account: annotated && accountMarks && { ...annotated, marks: accountMarks },
    capabilities: seenIn(capabilities),
  });
}
