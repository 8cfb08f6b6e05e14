/** An association that exists, and that the code must define: the resource, and its import. */
import { blockLines, type Hcl, hclString, valueLines } from '../../../lambdas/domain/hand-off/formats/hcl.ts';
import { LANGUAGE_SINCE } from '../../../lambdas/domain/hand-off/formats/provider-schema.ts';
import type { HandOff, HandOffAssociation } from '../../../lambdas/domain/terms/hand-off.ts';
import { shellWord } from '../../../lambdas/domain/text/shell.ts';
import { addressOf, blocksAbout, isSingle, literalOf, otherPart, shownAddress } from './addresses.ts';
import type { Code as Directory } from './code.ts';
import { attributesOf, idOf, importLines, resourceLines } from './association-code.ts';
import { withElement } from './entries.ts';
import { elementLines, indentAt, newlineOf } from './lines.ts';
import type { Edit, Finding, Patch } from './model.ts';
import type { Place, Scope } from './scope.ts';
import { type Attribute, attributeOf } from './syntax.ts';
import { type Answer, isAbsent, isRoleArn, isText } from './value.ts';
import { isRepeated } from './whereabouts.ts';
import { written } from './written.ts';

/** A resource that is the association, or may be. */
export interface AssociationPlace extends Place {
  scope: Scope;
  answer: Answer;
}

const named = ({ namespace, serviceAccount, id }: HandOffAssociation): string =>
  `the association of ${namespace}/${serviceAccount}${id === undefined ? '' : ` (${id})`}`;

const leave = (what: string, why: string, next: string, place?: Place): Patch => ({
  edits: [],
  findings: [
    {
      result: 'left',
      about: 'association',
      ...(place && { path: place.file.path, line: place.block.line }),
      what,
      why,
      next,
    },
  ],
});

const NO_ID = 'Its id is known after the migration. Run this command again then.';
const REFUSED = 'An apply without the import fails: Association already exists.';

/** Returns the place of the association's role in the directory itself: `import` blocks work nowhere else. */
function roleIn({ scopes }: Directory, { roleArn }: HandOffAssociation): (Place & { scope: Scope }) | undefined {
  const scope = scopes.get('.');
  const reference = scope?.roleReference(roleArn);
  const place = scope?.blocks('resource', 'aws_iam_role').find(({ block }) => `${addressOf(block)}.arn` === reference);
  return scope && place && { ...place, scope };
}

/** Adds resource and import to the file that has the role. */
function create(code: Directory, handOff: HandOff, association: HandOffAssociation): Patch {
  const what = `${named(association)} is not in this code.`.replace(/^t/, 'T');
  const role = roleIn(code, association);
  const id = idOf(handOff, association);
  if (id === undefined) return leave(what, NO_ID, 'pod-identity hand-off MIGRATION_ID');
  if (role === undefined)
    return leave(
      what,
      'The code does not define its role either, so it may belong elsewhere.',
      `Where the association belongs, add the resource and the import that this command prints: pod-identity hand-off MIGRATION_ID --format terraform`,
    );
  const { file, scope, block } = role;
  const newline = newlineOf(file);
  const end = file.text.length;
  const gap = file.text.endsWith('\n') ? newline : `${newline}${newline}`;
  return {
    edits: [
      {
        path: file.path,
        start: end,
        end,
        text: gap + written(file, resourceLines(scope, handOff, association, id)) + newline,
      },
    ],
    findings: [
      {
        result: 'changed',
        about: 'association',
        path: file.path,
        line: block.line,
        what: `${file.path} defines and imports ${named(association)}, next to its role.`,
        why: `${REFUSED} The import needs Terraform ${LANGUAGE_SINCE.import.terraform} or OpenTofu ${LANGUAGE_SINCE.import.opentofu}.`,
      },
    ],
  };
}

/** What a resource has to be changed in. */
interface Change {
  edits: Edit[];
  add: [string, Hcl][];
  /** What a person must do. */
  problems: string[];
}

/** Returns a tag as an entry of an object. */
const tagPair = (key: string, value: string): string => (valueLines({ [key]: value })[1] ?? '').trim();

function tagChange({ file, scope, block }: AssociationPlace, { tags }: HandOffAssociation, change: Change): void {
  if (Object.keys(tags).length === 0) return;
  const attribute = attributeOf(block.body, 'tags');
  if (attribute === undefined) {
    change.add.push(['tags', tags]);
    return;
  }
  const { value } = attribute;
  const located = scope.resolve(value, file);
  const entries = located?.expression.kind === 'object' ? located.expression.entries : [];
  const missing = Object.entries(tags).filter(
    ([key, wanted]) =>
      !entries.some((entry) => entry.name === key && isText(scope.valueOf(entry.value), wanted) !== 'no'),
  );
  if (missing.length === 0) return;
  const pairs = missing.map(([key, wanted]) => tagPair(key, wanted));
  const isWrong = missing.some(([key]) => entries.some((entry) => entry.name === key));
  if (value.kind !== 'object' || isWrong) change.problems.push(`tags with ${pairs.join(', ')}`);
  else change.edits.push(...withElement(file, value, (inner) => pairs.join(`${newlineOf(file)}${inner}`)));
}

function valueChange(place: AssociationPlace, association: HandOffAssociation, change: Change): void {
  const { file, scope, block } = place;
  const wanted = attributesOf(scope, association);
  const replace = ({ value }: Attribute, code: Hcl): void => {
    change.edits.push({ path: file.path, start: value.start, end: value.end, text: valueLines(code).join(' ') });
  };
  for (const [name, code] of wanted) {
    const attribute = attributeOf(block.body, name);
    const value = attribute && scope.valueOf(attribute.value);
    if (attribute === undefined || value === undefined) change.add.push([name, code]);
    else if (name === 'role_arn' && isRoleArn(value, association.roleArn) === 'no') replace(attribute, code);
    else if (name === 'target_role_arn' && isRoleArn(value, association.targetRoleArn ?? '') === 'no')
      replace(attribute, code);
    else if (name === 'disable_session_tags' && isText(value, 'true') === 'no') replace(attribute, code);
    else if (name === 'policy' && value.kind === 'text' && !isSameJson(value.parts, association.policy ?? ''))
      change.problems.push(`policy = ${valueLines(code).join(' ')}`);
  }
  for (const name of ['target_role_arn', 'disable_session_tags', 'policy']) {
    const attribute = attributeOf(block.body, name);
    if (attribute === undefined || wanted.has(name)) continue;
    const value = scope.valueOf(attribute.value);
    if (!isAbsent(value) && isText(value, 'false') !== 'yes') change.problems.push(`no ${name}`);
  }
}

/** Returns whether a text is the same JSON; true if it is not all known. */
function isSameJson(parts: readonly unknown[], wanted: string): boolean {
  if (!parts.every((part) => typeof part === 'string')) return true;
  try {
    return JSON.stringify(JSON.parse(parts.join(''))) === JSON.stringify(JSON.parse(wanted));
  } catch {
    return parts.join('') === wanted;
  }
}

/** Adds attributes at the end of the resource's own attributes. */
function addition({ file, block }: AssociationPlace, added: readonly [string, Hcl][]): Edit[] {
  const last = block.body.elements.findLast((element) => element.is === 'attribute');
  if (last === undefined || added.length === 0) return [];
  const indent = indentAt(file.text, last.start);
  const newline = newlineOf(file);
  const at = elementLines(file, last).end;
  const [, ...lines] = blockLines({ head: ['resource'], attributes: Object.fromEntries(added) }).slice(0, -1);
  // Values in several lines are apart from the others.
  const gap = added.every(([, value]) => typeof value === 'object') ? newline : '';
  const text = written(
    file,
    lines.map((line) => line.slice(2)),
    indent,
  );
  return [{ path: file.path, start: at, end: at, text: `${gap}${indent}${text}${newline}` }];
}

/** Returns the edits of the `import` block: its id, or the block itself if the state does not have the association. */
function importEdits(place: AssociationPlace, id: string, isNew: boolean): Edit[] {
  const { file, scope, block } = place;
  const existing = blocksAbout(scope, 'import', addressOf(block));
  const [wrong] = existing.filter((one) => literalOf(scope, one.block, 'id') !== id);
  const attribute = wrong && attributeOf(wrong.block.body, 'id');
  if (wrong && attribute?.value.kind === 'string')
    return [{ path: wrong.file.path, start: attribute.value.start, end: attribute.value.end, text: hclString(id) }];
  if (existing.length > 0 || !isNew) return [];
  const newline = newlineOf(file);
  const { end } = elementLines(file, block);
  const text = `${newline}${written(file, importLines(addressOf(block), id))}${newline}`;
  return [
    {
      path: file.path,
      start: end,
      end,
      text: file.text.endsWith('\n') || end < file.text.length ? text : newline + text,
    },
  ];
}

function adopt(place: AssociationPlace, handOff: HandOff, association: HandOffAssociation): Patch {
  const { file, scope, block } = place;
  const change: Change = { edits: [], add: [], problems: [] };
  valueChange(place, association, change);
  tagChange(place, association, change);
  const address = shownAddress(scope, block);
  const id = idOf(handOff, association);
  const isChanged = change.edits.length > 0 || change.add.length > 0 || change.problems.length > 0;
  if (change.problems.length > 0)
    return leave(
      `${address} was not changed.`,
      `It differs from ${named(association)}, and the next apply would change the association.`,
      `Set ${change.problems.join('; ')}.`,
      place,
    );
  const at = { about: 'association', path: file.path, line: block.line } as const;
  const hasImport = blocksAbout(scope, 'import', addressOf(block)).length > 0;
  // A rollback creates an association again under a new id, which no state has.
  const isRestored = handOff.state === 'rolled-back';
  const isNew = isChanged || isRestored;
  if (isNew && !hasImport && scope.folder !== '.')
    return leave(
      `${address} was not changed.`,
      `It needs the import of ${named(association)}, which belongs in the code that calls this module.`,
      `There, add an import block with id = ${hclString(id ?? '')}, and run this command again.`,
      place,
    );
  const imports = id === undefined ? [] : importEdits(place, id, isNew);
  const edits = [...change.edits, ...addition(place, change.add), ...imports];
  const finding: Finding =
    edits.length > 0
      ? {
          ...at,
          result: 'changed',
          what: `${address} matches ${named(association)}${imports.length > 0 ? ', and imports it' : ''}.`,
          ...(imports.length > 0 && { why: REFUSED }),
          ...(isRestored &&
            imports.length > 0 && {
              next: `If the state still has the association that the migration deleted, remove it from the state before the next apply: terraform state rm ${shellWord(address)}`,
            }),
        }
      : { ...at, result: 'as-is', what: `${address} matches ${named(association)}.` };
  return { edits, findings: [finding] };
}

const isAlone = ({ block, scope }: AssociationPlace): boolean =>
  isSingle(block) && !isRepeated(scope) && otherPart(scope, block) === undefined;

/** Returns what the code must say of an association that it must define. */
export function importAssociation(
  code: Directory,
  handOff: HandOff,
  association: HandOffAssociation,
  places: readonly AssociationPlace[],
): Patch {
  const sure = places.filter(({ answer }) => answer === 'yes');
  const [place, ...more] = sure;
  if (place !== undefined && more.length === 0 && isAlone(place)) return adopt(place, handOff, association);
  const [open] = sure.length > 0 ? sure : places;
  if (open === undefined) return create(code, handOff, association);
  const all = (sure.length > 0 ? sure : places).map(({ file, block }) => `${file.path}:${String(block.line)}`);
  return leave(
    `${shownAddress(open.scope, open.block)} was not changed.`,
    `It is not certain which resource defines ${named(association)}: ${all.join(', ')}.`,
    `Import it there: terraform import ADDRESS ${idOf(handOff, association) ?? 'CLUSTER,ASSOCIATION-ID'}`,
    open,
  );
}
