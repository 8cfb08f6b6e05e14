/**
 * The checks of a plan about the owners of what it changes: one line for each tool. A controller that would revert the
 * change by itself blocks; a tool whose next apply would revert it is a warning (ADR 72).
 */
import { acceptFlags, accepts } from '../acceptance/accept.ts';
import { plannedFor } from '../associations/associations.ts';
import { type Check, fail, pass, some, warn } from '../terms/check.ts';
import type { PlannedAssociation } from '../terms/planned.ts';
import type { FoundOwner } from '../owners/detect.ts';
import type { OwnedThing, Owner, OwnerTool } from '../owners/model.ts';
import { codeChange, suspendCommands } from '../owners/suspend.ts';
import { TOOLS } from '../owners/tools.ts';
import type { TrustRepair } from '../terms/trust.ts';
import { handOffCommand } from '../commands/pod-identity.ts';
import type { Facts } from './facts.ts';
import { ownersOf } from './owner-facts.ts';

const SOURCE = 'docs/owners.md';

const WORDS: Record<OwnedThing, string> = {
  'add-on': 'add-on',
  association: 'association',
  role: 'role',
  'trust-policy': 'the trust policy of',
  annotation: 'the IRSA annotation of service account',
};
const thingText = ({ owns, name }: Owner): string => `${WORDS[owns]} ${name}`;
const things = (owners: readonly Owner[]): string => some(owners.map(thingText), ' and ');

const SURENESS: Record<Owner['sure'], (title: string) => string> = {
  certain: (title) => `${title} owns`,
  likely: (title) => `${title} probably owns`,
  stated: (title) => `As the request states, ${title} owns`,
};
/** The least sure of several owners decides how sure the sentence is. */
const ORDER: readonly Owner['sure'][] = ['likely', 'stated', 'certain'];
const leastSure = (owners: readonly Owner[]): Owner['sure'] =>
  ORDER.find((sure) => owners.some((one) => one.sure === sure)) ?? 'certain';

/** Returns a sentence's beginning such as `ACK owns add-on x and role y (tag a=b)`. */
export function ownersText(tool: OwnerTool, owners: readonly Owner[]): string {
  const evidence = [...new Set(owners.map((one) => one.evidence))].filter((one) => one !== 'the request');
  const byAws = owners.some(({ managedByAws }) => managedByAws) ? ', which AWS runs as an EKS capability,' : '';
  return `${SURENESS[leastSure(owners)](`${TOOLS[tool].title}${byAws}`)} ${things(owners)}${
    evidence.length > 0 ? ` (${some(evidence, '; ')})` : ''
  }`;
}

/** What the next apply of the old code does, by what the tool owns. */
const NEXT_APPLY: Record<Exclude<OwnedThing, 'role'>, string> = {
  'add-on': 'reverts the migration',
  association: 'fails, since the association that it would create again exists',
  'trust-policy': 'removes the added statement from the trust policy',
  annotation: 'sets the annotation again',
};
const consequences = (owners: readonly Owner[]): string =>
  [...new Set(owners.flatMap(({ owns }) => (owns === 'role' ? [] : NEXT_APPLY[owns])))].join(', and ');

/** Returns whether the migration changes what is owned. */
function isChanged(
  { owns, name }: Owner,
  { request, associations }: Facts,
  planned: readonly PlannedAssociation[],
  repairs: readonly TrustRepair[],
): boolean {
  if (owns === 'add-on') return true;
  if (owns === 'role') return false;
  if (owns === 'trust-policy') return repairs.some(({ roleArn }) => roleArn === name);
  if (owns === 'annotation') return request.annotation === 'remove';
  const association = associations.find(({ id }) => id === name);
  const successor = association && plannedFor(association, planned);
  // The association of a service account is kept, as is a standalone one of an add-on.
  return request.addon !== undefined && successor !== undefined && successor.standalone !== true;
}

/** A controller that reverts the change by itself: it has to be suspended first. */
function blocked(tool: OwnerTool, found: readonly FoundOwner[]): Check {
  const owners = found.map(({ owner }) => owner);
  const { title } = TOOLS[tool];
  const keeps = owners.every(({ owns }) => owns === 'annotation');
  const suspend = `${suspendCommands(found).join(' ; ')} , then plan again with ${acceptFlags('owner', [tool])}`;
  return fail(
    `owner-${tool}`,
    `${ownersText(tool, owners)}, and would revert the change by itself.`,
    keeps
      ? `Omit --annotation remove: the annotation has no effect while the association exists, and can be removed from the manifests after the migration. Or suspend ${title} first: ${suspend}`
      : `Suspend ${title} for it until the migration has ended and its code is changed (${codeChange(
          tool,
          owners.map(({ owns }) => owns),
        )}): ${suspend}`,
    SOURCE,
  );
}

/** An owner that the request accepts, or that reverts the change only when it is applied. */
function warned(tool: OwnerTool, owners: readonly Owner[], facts: Facts): Check {
  const { title } = TOOLS[tool];
  const handOff = handOffCommand(facts.request, TOOLS[tool].format);
  if (owners.some(({ reverts }) => reverts === 'by-itself'))
    return warn(
      `owner-${tool}`,
      `${ownersText(tool, owners)}. The request accepts that, since it was suspended.`,
      `Resume ${title} only after the migration, once its code is changed: ${codeChange(
        tool,
        owners.map(({ owns }) => owns),
      )}. To see what it must contain: ${handOff}`,
      SOURCE,
    );
  return warn(
    `owner-${tool}`,
    `${ownersText(tool, owners)}: the next apply of its present code ${consequences(owners)}.`,
    `Until the changed code is merged, neither a person nor a pipeline may apply the present code. To print what the code must contain: ${handOff}`,
    SOURCE,
  );
}

function checkTool(
  tool: OwnerTool,
  found: readonly FoundOwner[],
  isAffected: (owner: Owner) => boolean,
  facts: Facts,
): Check {
  const affected = found.filter(({ owner }) => isAffected(owner));
  const owners = found.map(({ owner }) => owner).filter(({ owns }) => owns !== 'trust-policy');
  if (affected.length === 0)
    return pass(`owner-${tool}`, `${ownersText(tool, owners)}, which the migration does not change.`);
  const reverting = affected.filter(({ owner }) => owner.reverts === 'by-itself');
  return reverting.length > 0 && !accepts(facts.request, 'owner', tool)
    ? blocked(tool, reverting)
    : warned(
        tool,
        affected.map(({ owner }) => owner),
        facts,
      );
}

const capabilitiesText = ({ capabilities }: Facts): string => {
  if (!capabilities) return '';
  if ('error' in capabilities) return ` The EKS capabilities of the cluster are not known: ${capabilities.error}.`;
  const types = capabilities.seen.map(({ name, type, status }) => `${type} (${name}, ${status})`);
  return types.length > 0
    ? ` EKS capabilities of the cluster: ${some(types)}.`
    : ' The cluster has no EKS capabilities.';
};

/** Returns the check of a plan without any sign of an owner: what was read, and which tools leave no sign. */
const nothingFound = (facts: Facts): Check =>
  pass(
    'owners',
    `No tool shows as the owner of ${facts.addon ? 'add-on, ' : 'service account, '}associations or roles.${capabilitiesText(facts)} Terraform, CloudFormation and eksctl leave no sign on an add-on by themselves; to state the tool: --iac terraform`,
  );

/** Returns one check for each tool that owns something that the migration changes or uses, or one that there is none. */
export function checkOwners(
  facts: Facts,
  planned: readonly PlannedAssociation[],
  repairs: readonly TrustRepair[],
): Check[] {
  const found = ownersOf(facts);
  if (found.length === 0) return [nothingFound(facts)];
  const tools = [...new Set(found.map(({ owner }) => owner.tool))];
  return tools.map((tool) =>
    checkTool(
      tool,
      found.filter(({ owner }) => owner.tool === tool),
      (owner) => isChanged(owner, facts, planned, repairs),
      facts,
    ),
  );
}
