/** Finds the owners of what a migration concerns, from what was read for its plan. */
import type { Addon, Association } from '../terms/observed.ts';
import type { Capability } from '../aws/eks.ts';
import { SERVICE_MANAGER } from '../kubernetes/objects.ts';
import { printable } from '../text/text.ts';
import type { OwnedThing, Owner, OwnerTool } from './model.ts';
import { type ObjectMarks, ownerByMarks, ownerByTags, ownerOfRole, type Sign } from './signs.ts';
import { TOOLS } from './tools.ts';

/** A service account that belongs to no add-on, with what shows its owner. */
export interface MarkedAccount {
  namespace: string;
  name: string;
  /** Field managers that set its IRSA annotation. */
  annotatedBy: readonly string[];
  marks: ObjectMarks;
}

export interface OwnedFacts {
  /** The tool that the request states. */
  iac?: OwnerTool | undefined;
  addon?: Pick<Addon, 'name' | 'tags'> | undefined;
  associations: readonly Pick<Association, 'id' | 'ownerArn' | 'tags'>[];
  /** Tags by the ARN of the role. */
  roleTags: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** Present if the service account has the IRSA annotation. */
  account?: MarkedAccount | undefined;
  capabilities?: readonly Capability[] | undefined;
}

/** An owner, with the tags, labels and annotations from which commands about its own resource can be built. */
export interface FoundOwner {
  owner: Owner;
  marks: Readonly<Record<string, string>>;
}

/** Flux leaves an object alone that has this annotation. */
const FLUX_OFF = 'kustomize.toolkit.fluxcd.io/reconcile';
const FLUX_HELM = 'helm.toolkit.fluxcd.io/name';

const isRunByAws = (tool: OwnerTool, capabilities: OwnedFacts['capabilities']): boolean =>
  capabilities?.some(({ type }) => type === TOOLS[tool].capability) ?? false;

/**
 * What a tool that the request states adds: nothing if a sign shows another one, certainty if a sign only suggests it. A
 * sign that anybody may set does not hide a controller that the request names.
 */
const withStated = (sign: Sign | undefined, iac: OwnerTool | undefined): Sign | undefined => {
  if (iac === undefined) return sign;
  const isHidden = sign !== undefined && TOOLS[sign.tool].reverts !== 'by-itself' && TOOLS[iac].reverts === 'by-itself';
  if (sign && sign.tool !== iac) return isHidden ? { tool: iac, sure: 'stated', evidence: 'the request' } : sign;
  if (sign?.sure === 'certain') return sign;
  return { tool: iac, sure: 'stated', evidence: sign ? `the request, and ${sign.evidence}` : 'the request' };
};

function found(
  owns: OwnedThing,
  name: string,
  sign: Sign | undefined,
  marks: FoundOwner['marks'],
  { iac, capabilities }: Pick<OwnedFacts, 'iac' | 'capabilities'>,
): FoundOwner[] {
  const known = withStated(sign, iac);
  if (!known) return [];
  const { tool, sure, evidence } = known;
  // ACK has tags of its own for what its capability manages; the other two have no sign that differs.
  const byAws = known.managedByAws ?? (tool !== 'ack' && isRunByAws(tool, capabilities));
  // It concerns the Kustomization alone: a HelmRelease reverts all the same.
  const isOff = tool === 'flux' && marks[FLUX_OFF] === 'disabled' && marks[FLUX_HELM] === undefined;
  const reverts = isOff ? 'at-next-apply' : TOOLS[tool].reverts;
  return [
    {
      owner: {
        owns,
        name: printable(name),
        tool,
        sure,
        reverts,
        evidence: printable(evidence),
        ...(byAws ? { managedByAws: true } : {}),
      },
      marks,
    },
  ];
}

/**
 * Returns the sign of an add-on. eksctl sets no tag on an add-on, but one with the add-on's name on the role that it creates
 * for it.
 */
function addonSign({ name, tags }: Pick<Addon, 'name' | 'tags'>, { roleTags }: OwnedFacts): Sign | undefined {
  const own = ownerByTags(tags);
  if (own) return own;
  const key = 'alpha.eksctl.io/addon-name';
  const role = Object.entries(roleTags).find(([, ofRole]) => ofRole[key] === name);
  return role && { tool: 'eksctl', sure: 'likely', evidence: `tag ${key}=${name} of role ${role[0]}` };
}

/** Managers that set single fields by hand: an annotation that only they have set is in no tool's manifest. */
const isByHand = (manager: string): boolean =>
  /^kubectl-(annotate|edit|patch)/.test(manager) || manager === SERVICE_MANAGER;

/** Returns the sign of the owner of an annotation: of its service account, unless it was annotated by hand. */
function annotationSign({ annotatedBy, marks }: MarkedAccount): Sign | undefined {
  const byHand = annotatedBy.length > 0 && annotatedBy.every(isByHand);
  return byHand ? undefined : ownerByMarks(marks);
}

/** Returns the owners of add-on, standalone associations, roles, trust policies and annotation, in that order. */
export function findOwners(facts: OwnedFacts): FoundOwner[] {
  const { addon, associations, roleTags, account } = facts;
  return [
    ...(addon ? found('add-on', addon.name, addonSign(addon, facts), addon.tags, facts) : []),
    ...associations
      // An association that an add-on owns has no other owner than that add-on.
      .filter(({ ownerArn }) => ownerArn === undefined)
      .flatMap(({ id, tags }) => found('association', id, ownerByTags(tags), tags, facts)),
    ...Object.entries(roleTags).flatMap(([arn, tags]) =>
      (['role', 'trust-policy'] as const).flatMap((owns) => found(owns, arn, ownerOfRole(arn, tags), tags, facts)),
    ),
    ...(account
      ? found(
          'annotation',
          `${account.namespace}/${account.name}`,
          annotationSign(account),
          { ...account.marks.labels, ...account.marks.annotations },
          facts,
        )
      : []),
  ];
}
