/** Finds the resource `aws_eks_addon` of a hand-off in the code, and edits it. */
import { hclString } from '../../../lambdas/domain/hand-off/formats/hcl.ts';
import type { HandOff, HandOffAddon } from '../../../lambdas/domain/terms/hand-off.ts';
import { type AddonChange, BLOCK, compare, isNoChange, type Resource, ROLE, roleOf } from './addon-state.ts';
import { whyNotEdited } from './addon-limits.ts';
import { editBody } from './body-edit.ts';
import { type Code, NOTHING } from './code.ts';
import type { Edit, Finding, Patch } from './model.ts';
import { attributeOf, blocksOf, textOf } from './syntax.ts';
import { type Answer, isRoleArn, isText, UNKNOWN } from './value.ts';
import { isElsewhere } from './whereabouts.ts';

/** A resource that may be the add-on's. */
export interface Match extends Resource {
  cluster: Answer;
  addon: Answer;
}

/** Attributes below which the role belongs. */
const ABOVE_ROLE = ['cluster_name', 'addon_name', 'addon_version'];

/** Returns the resources that may be the add-on: all but those whose cluster or add-on is certainly another one. */
export function matchesOf(code: Code, target: HandOff['target'], addon: string): Match[] {
  return [...code.scopes.values()].flatMap((scope) =>
    scope.blocks('resource', 'aws_eks_addon').flatMap(({ file, block }) => {
      const answer = (name: string, wanted: string): Answer => {
        const attribute = attributeOf(block.body, name);
        return isText(attribute === undefined ? UNKNOWN : scope.valueOf(attribute.value), wanted);
      };
      const match = {
        file,
        block,
        scope,
        cluster: answer('cluster_name', target.cluster),
        addon: answer('addon_name', addon),
      };
      if (match.cluster === 'no' || match.addon === 'no') return [];
      return isElsewhere(scope, match, target) ? [] : [match];
    }),
  );
}

export const addressOf = ({ block: { labels } }: Resource): string => labels.join('.');
const placeOf = ({ file, block }: Resource) => ({ path: file.path, line: block.line });

/** Returns what the code must contain, in one line for a sentence. */
const wantedText = ({ addRoleArn, associations }: HandOffAddon): string => {
  const blocks = associations.map(
    ({ serviceAccount, roleArn }) =>
      `a block ${BLOCK} with role_arn = ${hclString(roleArn)} and service_account = ${hclString(serviceAccount)}`,
  );
  const role = addRoleArn === undefined ? `no ${ROLE}` : `${ROLE} = ${hclString(addRoleArn)}`;
  return [role, ...(blocks.length === 0 ? [`no block ${BLOCK}`] : blocks)].join(', and ');
};

const CHECK = 'Then run `terraform plan`: it must show no change of the add-on.';

const leftAt = (match: Match, what: string, why: string, addon: HandOffAddon): Finding => ({
  result: 'left',
  about: 'addon',
  ...placeOf(match),
  what,
  why,
  next: `Edit the code so that ${addressOf(match)} has ${wantedText(addon)}. ${CHECK}`,
});

/** Returns whether the role in the code is certainly none that the add-on of the hand-off has or had. */
const hasForeignRole = (match: Match, { addRoleArn, removeRoleArn, associations }: HandOffAddon): boolean => {
  const known = [addRoleArn, removeRoleArn, ...associations.map(({ roleArn }) => roleArn)].filter(
    (arn) => arn !== undefined,
  );
  const roles = [
    roleOf(match),
    ...blocksOf(match.block.body, BLOCK).map(({ body }) => attributeOf(body, 'role_arn')),
  ].filter((attribute) => attribute !== undefined);
  return (
    roles.length > 0 &&
    roles.every(({ value }) => known.every((arn) => isRoleArn(match.scope.valueOf(value), arn) === 'no'))
  );
};

/** Chooses the resource to edit. Returns findings instead if the code leaves open which it is, or has none. */
function choose(matches: readonly Match[], { target, addon }: { target: HandOff['target']; addon: HandOffAddon }) {
  const certain = matches.filter(({ cluster, addon: name }) => cluster === 'yes' && name === 'yes');
  const possible = matches.filter(({ cluster, addon: name }) => cluster === 'yes' || name === 'yes');
  const named = possible.filter(({ addon: name }) => name === 'yes');
  const candidates = certain.length > 0 ? certain : named.length > 0 ? named : possible;
  const [only, ...more] = candidates;
  if (only === undefined) return [];
  if (more.length > 0) {
    const others = (match: Match): string =>
      candidates
        .filter((other) => other !== match)
        .map((other) => `${addressOf(other)} (${other.file.path}:${other.block.line})`)
        .join(' and ');
    return candidates.map((match) =>
      leftAt(
        match,
        `${addressOf(match)} may define ${addon.name} of ${target.cluster}, but so may ${others(match)}.`,
        certain.length > 0
          ? 'They have the same cluster and add-on.'
          : 'The cluster or the add-on cannot be read from the code.',
        { ...addon },
      ),
    );
  }
  if (only.addon !== 'yes')
    return [
      leftAt(
        only,
        `${addressOf(only)} may define ${addon.name} of ${target.cluster}.`,
        'Its addon_name cannot be read from the code.',
        addon,
      ),
    ];
  if (only.cluster !== 'yes' && hasForeignRole(only, addon))
    return [
      leftAt(
        only,
        `${addressOf(only)} may define ${addon.name} of another cluster than ${target.cluster}.`,
        'Its cluster_name cannot be read from the code, and its role is none that this add-on has or had.',
        addon,
      ),
    ];
  return only;
}

const list = (names: readonly string[]): string =>
  names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;

/** Returns the sentence about the edits. */
function changeText(match: Match, change: AddonChange): string {
  const { remove, set, replace, drop, add } = change;
  const account = (block: (typeof drop)[number]): string => {
    const attribute = attributeOf(block.body, 'service_account');
    return attribute === undefined ? 'an unknown service account' : textOf(match.file, attribute.value);
  };
  return `${addressOf(match)}: ${list([
    ...(remove ? [`removes ${ROLE}`] : []),
    ...(set === undefined ? [] : [`adds ${ROLE} = ${set}`]),
    ...replace.map(({ name, text }) => `sets ${name} = ${text}`),
    ...drop.map((block) => `removes the block ${BLOCK} of ${account(block)}`),
    ...add.map(({ serviceAccount }) => `adds a block ${BLOCK} for ${serviceAccount}`),
  ])}.`;
}

/** Returns the sentences about what was decided without certainty. */
function reasonsOf(match: Match, change: AddonChange): string | undefined {
  const assumed = [...new Set(change.assumed.map((expression) => textOf(match.file, expression)))];
  const reasons = [
    ...(match.cluster === 'yes'
      ? []
      : [
          'Its cluster_name cannot be read from the code; no other resource defines the add-on. If this code is also applied to other clusters, it changes them, too.',
        ]),
    ...(assumed.length === 0
      ? []
      : [`${list(assumed)} cannot be read from the code; it counts as the role that the add-on has.`]),
    ...(change.drop.length === 0 ? [] : ['The add-on has no such association in the account.']),
  ];
  return reasons.length === 0 ? undefined : reasons.join(' ');
}

function editsOf(match: Match, { remove, set, replace, drop, add }: AddonChange): Edit[] {
  const { path } = match.file;
  return [
    ...replace.map(({ expression: { start, end }, text }) => ({ path, start, end, text })),
    ...editBody(match.file, match.block, {
      ...(remove && { remove }),
      drop,
      add: add.map(({ serviceAccount, role }) => ({
        type: BLOCK,
        attributes: [
          { name: 'role_arn', value: role },
          { name: 'service_account', value: hclString(serviceAccount) },
        ],
      })),
      ...(set !== undefined && { set: { name: ROLE, value: set, below: ABOVE_ROLE } }),
    }),
  ];
}

/** Patches the resource `aws_eks_addon` of a hand-off. Finds nothing if the code has none for the add-on. */
export function patchAddon(code: Code, { target, addon, associations }: HandOff): Patch {
  if (addon === undefined) return NOTHING;
  const match = choose(matchesOf(code, target, addon.name), { target, addon });
  if (Array.isArray(match)) return { edits: [], findings: match };
  const removed = associations.filter(({ action }) => action === 'remove');
  const { change, unclear } = compare(match, addon, removed);
  const limit = whyNotEdited(match, change, unclear);
  if (limit !== undefined) return { edits: [], findings: [leftAt(match, limit.what, limit.why, addon)] };
  const why = reasonsOf(match, change);
  const about = { about: 'addon' as const, ...placeOf(match), ...(why !== undefined && { why }) };
  if (isNoChange(change))
    return {
      edits: [],
      findings: [
        { result: 'as-is', ...about, what: `${addressOf(match)} matches ${addon.name} of ${target.cluster}.` },
      ],
    };
  return {
    edits: editsOf(match, change),
    findings: [{ result: 'changed', ...about, what: changeText(match, change) }],
  };
}
