/** Standalone associations in code: what the hand-off says of each that exists, is owned, or no longer exists. */
import { accountOf } from '../../../lambdas/domain/terms/subject.ts';
import { blockLines, Expression } from '../../../lambdas/domain/hand-off/formats/hcl.ts';
import { LANGUAGE_SINCE } from '../../../lambdas/domain/hand-off/formats/provider-schema.ts';
import type { HandOff, HandOffAssociation } from '../../../lambdas/domain/terms/hand-off.ts';
import {
  addressOf,
  all,
  blocksAbout,
  isPlain,
  literalOf,
  otherPart,
  partOf,
  referencesTo,
  shownAddress,
} from './addresses.ts';
import { ASSOCIATION } from './association-code.ts';
import { type AssociationPlace, importAssociation } from './association-import.ts';
import type { Code, Patcher } from './code.ts';
import { commentsIn, indentAt } from './lines.ts';
import type { Edit, Finding, Patch } from './model.ts';
import { removal } from './regions.ts';
import type { Place, Scope } from './scope.ts';
import { attributeOf, textOf } from './syntax.ts';
import { type Answer, isText } from './value.ts';
import { isElsewhere, isRepeated } from './whereabouts.ts';
import { written } from './written.ts';

type Key = Pick<HandOffAssociation, 'namespace' | 'serviceAccount'>;

const answerOf = (scope: Scope, { block }: Place, cluster: string, { namespace, serviceAccount }: Key): Answer => {
  const is = (name: string, wanted: string): Answer => {
    const attribute = attributeOf(block.body, name);
    return attribute === undefined ? 'unknown' : isText(scope.valueOf(attribute.value), wanted);
  };
  return all(is('cluster_name', cluster), is('namespace', namespace), is('service_account', serviceAccount));
};

/** Returns the resources that are the association of a service account, or may be. */
const resourcesOf = ({ scopes }: Code, target: HandOff['target'], key: Key): AssociationPlace[] =>
  [...scopes.values()].flatMap((scope) =>
    scope
      .blocks('resource', ASSOCIATION)
      .map((place) => ({ ...place, scope, answer: answerOf(scope, place, target.cluster, key) }))
      .filter((place) => place.answer !== 'no' && !isElsewhere(scope, place, target)),
  );

const REASONS = {
  'do-not-import':
    'The add-on owns this association. A resource of its own deletes it from the add-on when it is taken out of the code.',
  remove: 'This association no longer exists. An apply would create it again, and fail: Association already exists.',
} as const;

const removedLines = (address: string): string[] =>
  blockLines({
    head: ['removed'],
    attributes: { from: new Expression(address) },
    blocks: [{ head: ['lifecycle'], attributes: { destroy: false } }],
  });

const left = ({ file, block, scope }: AssociationPlace, why: string, next: string): Finding => ({
  result: 'left',
  about: 'association',
  path: file.path,
  line: block.line,
  what: `${shownAddress(scope, block)} was not changed.`,
  why,
  next,
});

/** Returns why a resource may be that of another association, too. */
function obstacleOf({ scope, block }: AssociationPlace, isOneOfSeveral: boolean): string | undefined {
  if (!isPlain(block)) return 'With for_each, it defines other associations, too.';
  const other = otherPart(scope, block);
  if (other !== undefined) return partOf(other);
  if (isRepeated(scope)) return 'It is in a module that has several instances.';
  return isOneOfSeveral ? 'Several resources have the names of this association.' : undefined;
}

/** Replaces a resource by a `removed` block that forgets it, and removes its `import` block. */
function forget(
  place: AssociationPlace,
  { action, id, namespace, serviceAccount }: HandOffAssociation,
  isOneOfSeveral: boolean,
): Patch {
  const { file, block, scope } = place;
  const address = addressOf(block);
  const reason = action === 'remove' ? REASONS.remove : REASONS['do-not-import'];
  const next = `Replace the resource by a block removed with from = ${address} and lifecycle { destroy = false }.`;
  if (place.answer === 'unknown')
    return {
      edits: [],
      findings: [
        left(
          place,
          `It may define the association of ${namespace}/${serviceAccount}${id === undefined ? '' : ` (${id})`}, and its values are not known here. ${reason}`,
          `If it does, take that association out of the code, without deleting it: terraform state rm '${address}["KEY"]'.`,
        ),
      ],
    };
  const obstacle = obstacleOf(place, isOneOfSeveral);
  if (obstacle !== undefined) return { edits: [], findings: [left(place, `${reason} ${obstacle}`, next)] };
  const imports = blocksAbout(scope, 'import', address);
  const removed = blocksAbout(scope, 'removed', address);
  const except = [block, ...imports.map((one) => one.block), ...removed.map((one) => one.block)];
  const [used] = referencesTo(scope, address, except);
  if (used !== undefined)
    return {
      edits: [],
      findings: [
        left(
          place,
          `${reason} ${used.path}:${String(used.line)} refers to the resource.`,
          `Remove the reference first. ${next}`,
        ),
      ],
    };
  const indent = indentAt(file.text, block.start);
  const comments = commentsIn(file, block).map(({ text }) => text);
  const text = written(file, [...comments, ...removedLines(address)], indent);
  const edits: Edit[] = [
    removed.length === 0 ? { path: file.path, start: block.start, end: block.end, text } : removal(file, block),
    ...imports.map((one) => removal(one.file, one.block)),
  ];
  return {
    edits,
    findings: [
      {
        result: 'changed',
        about: 'association',
        path: file.path,
        line: block.line,
        what: `${shownAddress(scope, block)} leaves the state without being deleted.`,
        why: reason,
        next: `The removed block needs Terraform ${LANGUAGE_SINCE.removed.terraform} or OpenTofu ${LANGUAGE_SINCE.removed.opentofu}. Take it out after the next apply.`,
      },
    ],
  };
}

/** Returns findings for `import` blocks that name an association that must have no resource, and have none. */
const importsOf = ({ scopes }: Code, cluster: string, { id, action }: HandOffAssociation): Finding[] =>
  id === undefined
    ? []
    : [...scopes.values()].flatMap((scope) =>
        scope
          .blocks('import')
          .filter(({ block }) => literalOf(scope, block, 'id') === `${cluster},${id}`)
          .map(({ file, block }) => ({
            result: 'left',
            about: 'association',
            path: file.path,
            line: block.line,
            what: `The import of ${id} was not changed.`,
            why: action === 'remove' ? REASONS.remove : REASONS['do-not-import'],
            next: 'Remove the import block.',
          })),
      );

/** The module that creates a role with standalone associations. Its `associations` name their service accounts. */
const POD_IDENTITY_MODULE = /terraform-aws-(?:modules\/)?eks-pod-identity/;

const modulesOf = ({ scopes }: Code, { serviceAccount, id }: HandOffAssociation): Finding[] =>
  [...scopes.values()].flatMap((scope) =>
    scope.blocks('module').flatMap(({ file, block }): Finding[] => {
      if (!POD_IDENTITY_MODULE.test(literalOf(scope, block, 'source') ?? '')) return [];
      if (!textOf(file, block).includes(`"${serviceAccount}"`)) return [];
      return [
        {
          result: 'left',
          about: 'association',
          path: file.path,
          line: block.line,
          what: `module.${block.labels[0] ?? ''} names the service account ${serviceAccount}, and was not changed.`,
          why: `It may define the association${id === undefined ? '' : ` ${id}`}. ${REASONS.remove}`,
          next: `Take the service account out of its associations, and run: terraform state rm 'module.${block.labels[0] ?? ''}.${ASSOCIATION}.this["KEY"]'`,
        },
      ];
    }),
  );

/** Returns what the code must say of a service account's association that must have no resource. */
function forbid(code: Code, { target }: HandOff, association: HandOffAssociation): Patch {
  const places = resourcesOf(code, target, association);
  const sure = places.filter(({ answer }) => answer === 'yes');
  // An association of an add-on is in code only if a person has imported it, so a resource that may be any is not it.
  const concerned = sure.length > 0 || association.action === 'do-not-import' ? sure : places;
  const patches = concerned.map((place) => forget(place, association, sure.length > 1));
  const modules = association.action === 'remove' ? modulesOf(code, association) : [];
  const edits = patches.flatMap((patch) => patch.edits);
  const imports = edits.length === 0 ? importsOf(code, target.cluster, association) : [];
  return { edits, findings: [...patches.flatMap(({ findings }) => findings), ...modules, ...imports] };
}

/**
 * Returns whether code that does not define a standalone association matches the account all the same: the migration has
 * not created it, so that it was not in the code before either.
 */
const mayBeUndefined = ({ state, serviceAccount }: HandOff): boolean =>
  state === 'rolled-back' || (state === 'found' && serviceAccount === undefined);

const undefinedAssociation = (association: HandOffAssociation): Patch => ({
  edits: [],
  findings: [
    {
      result: 'as-is',
      about: 'association',
      what: `The association of ${accountOf(association)}${association.id === undefined ? '' : ` (${association.id})`} is not in this code, so no apply of it changes the association.`,
    },
  ],
});

/** Patches standalone associations. */
export const patchAssociations: Patcher = (code, handOff) => {
  const wanted = Map.groupBy(handOff.associations, accountOf);
  const patches = [...wanted.values()].map((associations): Patch => {
    const existing = associations.find(({ action }) => action === 'import');
    if (existing !== undefined) {
      const places = resourcesOf(code, handOff.target, existing);
      return places.length === 0 && mayBeUndefined(handOff)
        ? undefinedAssociation(existing)
        : importAssociation(code, handOff, existing, places);
    }
    const [gone] = associations.toSorted((a, b) => Number(b.action === 'remove') - Number(a.action === 'remove'));
    return gone === undefined ? { edits: [], findings: [] } : forbid(code, handOff, gone);
  });
  return { edits: patches.flatMap(({ edits }) => edits), findings: patches.flatMap(({ findings }) => findings) };
};
