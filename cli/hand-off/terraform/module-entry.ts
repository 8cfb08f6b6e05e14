/** Edits the entry of an add-on in the argument of a module: a literal object. */
import { Expression as Code, type Hcl, valueLines } from '../../../lambdas/domain/hand-off/formats/hcl.ts';
import type { HandOffAddon, HandOffBlock } from '../../../lambdas/domain/terms/hand-off.ts';
import { withElement, withoutElement } from './entries.ts';
import { commentsIn, indentAt, newlineOf } from './lines.ts';
import type { Edit, Finding, Patch } from './model.ts';
import type { AddonModule, Source } from './module-sources.ts';
import { ASSOCIATIONS, changeOf, howTo, ROLE } from './module-words.ts';
import { roleCode } from './role-code.ts';
import type { Located } from './scope.ts';
import type { Expression, ObjectEntry, Span } from './syntax.ts';
import { isAbsent, isRoleArn, isText } from './value.ts';
import { inlineValue, written } from './written.ts';

export interface EntryToPatch {
  /** The entry's value. */
  located: Located;
  addon: HandOffAddon;
  /** Address of the module. */
  address: string;
  line: number;
  source: Source;
  /** Whether the module is certainly that of the cluster. */
  isSure: boolean;
  /** What the version that the code names leaves open. */
  needs?: string;
  /** What the version of the module changes by itself, unless the entry has a version. */
  note?: string;
}

/** An association in code. */
interface Item {
  /** Region of the whole item. */
  span: Span;
  serviceAccount: Expression | string;
  role: Expression;
}

const entryOf = (object: Expression, name: string): ObjectEntry | undefined =>
  object.kind === 'object' ? object.entries.find((entry) => entry.name === name) : undefined;

/** Returns the associations of a literal argument; undefined if it is an expression. */
function itemsOf(shape: AddonModule['associations'], value: Expression | undefined): Item[] | undefined {
  if (value === undefined) return [];
  if (shape === 'map')
    return value.kind === 'object' && value.entries.every(({ name }) => name !== undefined)
      ? value.entries.map((entry) => ({ span: entry, serviceAccount: entry.name ?? '', role: entry.value }))
      : undefined;
  if (value.kind !== 'list') return undefined;
  const items = value.items.map((span) => {
    const [account, role] = [entryOf(span, 'service_account'), entryOf(span, 'role_arn')];
    return account && role && { span, serviceAccount: account.value, role: role.value };
  });
  return items.every((item) => item !== undefined) ? items : undefined;
}

/** The state of an entry, compared with the hand-off. */
interface Compared {
  role?: ObjectEntry;
  associations?: ObjectEntry;
  items: Item[];
  roleIsRight: boolean;
  /** Items that the account does not have. */
  extra: Item[];
  /** Items with another role. */
  wrong: { item: Item; roleArn: string }[];
  missing: HandOffBlock[];
}

function compare({ located, addon, source }: EntryToPatch): Compared | { why: string } {
  const { expression, scope } = located;
  if (expression.kind !== 'object') return { why: 'The entry of the add-on is an expression.' };
  const [role, associations] = [entryOf(expression, ROLE), entryOf(expression, ASSOCIATIONS)];
  const roleValue = role && scope.valueOf(role.value);
  if (role?.value.kind === 'conditional') return { why: `${ROLE} depends on a condition.` };
  const isGone = roleValue === undefined || isAbsent(roleValue);
  const isNone = associations === undefined || isAbsent(scope.valueOf(associations.value));
  const items = itemsOf(source.module.associations, isNone ? undefined : associations.value);
  if (items === undefined) return { why: `${ASSOCIATIONS} is an expression.` };
  const answers = items.map(({ serviceAccount }) =>
    addon.associations.map((wanted) =>
      typeof serviceAccount === 'string'
        ? serviceAccount === wanted.serviceAccount
          ? 'yes'
          : 'no'
        : isText(scope.valueOf(serviceAccount), wanted.serviceAccount),
    ),
  );
  if (answers.flat().includes('unknown')) return { why: `${ASSOCIATIONS} names a service account by an expression.` };
  const wantedOf = items.map((_, index) => addon.associations.find((__, at) => answers[index]?.[at] === 'yes'));
  const wrong = items.flatMap((item, index) => {
    const wanted = wantedOf[index];
    const answer = wanted && isRoleArn(scope.valueOf(item.role), wanted.roleArn);
    return wanted !== undefined && answer === 'no' ? [{ item, roleArn: wanted.roleArn }] : [];
  });
  return {
    ...(role && { role }),
    ...(associations && { associations }),
    items,
    roleIsRight:
      addon.addRoleArn === undefined
        ? isGone
        : roleValue !== undefined && isRoleArn(roleValue, addon.addRoleArn) !== 'no' && !isGone,
    extra: items.filter((_, index) => wantedOf[index] === undefined),
    wrong,
    missing: addon.associations.filter((wanted) => !wantedOf.includes(wanted)),
  };
}

/** Writes associations for `pod_identity_association`. */
class Writer {
  private readonly entry: EntryToPatch;
  readonly inline: boolean;
  private readonly compared: Compared;

  constructor(entry: EntryToPatch, compared: Compared) {
    const { file, expression } = entry.located;
    this.entry = entry;
    this.compared = compared;
    this.inline =
      expression.kind === 'object' &&
      expression.entries.length > 0 &&
      !file.text.slice(expression.start, expression.end).includes('\n');
  }

  private get isMap(): boolean {
    return this.entry.source.module.associations === 'map';
  }

  /** Returns the code of a role. */
  role(arn: string): string {
    const { located, addon } = this.entry;
    const at = (expression: Expression): Located => ({ ...located, expression });
    const used = this.compared.items.map(({ role }) => at(role));
    const { role } = this.compared;
    return roleCode(located.scope, arn, used, role && { ...at(role.value), gave: addon.removeRoleArn });
  }

  /** Returns the value with these associations. */
  private value(blocks: readonly HandOffBlock[]): Hcl {
    const roles = blocks.map(({ serviceAccount, roleArn }) => [serviceAccount, new Code(this.role(roleArn))] as const);
    return this.isMap
      ? Object.fromEntries(roles)
      : roles.map(([serviceAccount, role]) => ({ role_arn: role, service_account: serviceAccount }));
  }

  /** Returns an item, without the indentation of its first line. */
  item(block: HandOffBlock, indent: string, inline = this.inline): string {
    const value = this.value([block]);
    // An item of a map is its entry, without the braces.
    if (this.isMap) return inlineValue(value).slice(2, -2);
    const [item = ''] = Array.isArray(value) ? (value as Hcl[]) : [];
    return inline ? inlineValue(item) : written(this.entry.located.file, valueLines(item), indent);
  }

  /** Returns the whole value. */
  all(blocks: readonly HandOffBlock[], indent: string): string {
    const [only, ...more] = blocks;
    const value = this.value(blocks);
    if (this.inline) return inlineValue(value);
    if (!this.isMap && only !== undefined && more.length === 0) return `[${this.item(only, indent)}]`;
    return written(this.entry.located.file, valueLines(value), indent);
  }
}

/** Returns the edits of existing associations; undefined if they can't be changed without losing a comment. */
function editsOfItems(entry: EntryToPatch, compared: Compared, writer: Writer): Edit[] | undefined {
  const { file } = entry.located;
  const { associations, items, extra, wrong, missing } = compared;
  if (associations === undefined) return [];
  const { value } = associations;
  if (extra.length === 0 && missing.length === 0)
    return wrong.map(({ item, roleArn }) => ({ path: file.path, ...spanOf(item.role), text: writer.role(roleArn) }));
  if (extra.length > 0 || wrong.length > 0 || items.length === 0) {
    if (commentsIn(file, value).length > 0) return undefined;
    const text = writer.all(entry.addon.associations, indentAt(file.text, associations.start));
    return [{ path: file.path, ...spanOf(value), text }];
  }
  const inline = !file.text.slice(value.start, value.end).includes('\n');
  return withElements(entry, value, missing, (block, indent) => writer.item(block, indent, inline));
}

const spanOf = ({ start, end }: Span): Span => ({ start, end });

/** Adds several elements behind the last one. */
function withElements(
  { located: { file }, source }: EntryToPatch,
  collection: Expression,
  blocks: readonly HandOffBlock[],
  write: (block: HandOffBlock, indent: string) => string,
): Edit[] {
  const separator = (indent: string): string =>
    source.module.associations === 'map' ? `${newlineOf(file)}${indent}` : `,${newlineOf(file)}${indent}`;
  return withElement(file, collection, (indent) => blocks.map((block) => write(block, indent)).join(separator(indent)));
}

/** Replaces name and value of an entry; what is around them stays. */
const renamed = (file: Located['file'], entry: ObjectEntry, name: string, value: string): Edit[] => [
  { path: file.path, ...spanOf(entry.key), text: name },
  { path: file.path, ...spanOf(entry.value), text: value },
];

/** Returns the edits of an entry that needs both the role and associations. */
function editsWithRole(entry: EntryToPatch, compared: Compared, roleArn: string): Edit[] | undefined {
  const { file, expression } = entry.located;
  const { role, associations, roleIsRight } = compared;
  const writer = new Writer(entry, compared);
  const changed = editsOfItems(entry, compared, writer);
  if (changed === undefined) return undefined;
  const wanted = roleIsRight ? undefined : writer.role(roleArn);
  const added = (indent: string): string[] => [
    ...(wanted === undefined || role !== undefined ? [] : [`${ROLE} = ${wanted}`]),
    ...(associations === undefined ? [`${ASSOCIATIONS} = ${writer.all(entry.addon.associations, indent)}`] : []),
  ];
  const separator = (indent: string): string => (writer.inline ? ', ' : `${newlineOf(file)}${indent}`);
  return [
    ...(wanted === undefined || role === undefined ? [] : [{ path: file.path, ...spanOf(role.value), text: wanted }]),
    ...changed,
    ...(added('').length === 0 ? [] : withElement(file, expression, (indent) => added(indent).join(separator(indent)))),
  ];
}

function editsOf(entry: EntryToPatch, compared: Compared): Edit[] | undefined {
  const { located, addon } = entry;
  const { file, expression } = located;
  const { role, associations, roleIsRight, items } = compared;
  const writer = new Writer(entry, compared);
  const all = (indent: string): string => writer.all(addon.associations, indent);
  if (addon.associations.length > 0) {
    if (addon.addRoleArn !== undefined) return editsWithRole(entry, compared, addon.addRoleArn);
    const gone = role !== undefined && !roleIsRight ? role : undefined;
    if (gone !== undefined && associations === undefined)
      return renamed(file, gone, ASSOCIATIONS, all(indentAt(file.text, gone.start)));
    const removed = gone === undefined ? [] : [withoutElement(file, expression, gone)];
    if (associations === undefined)
      return [...removed, ...withElement(file, expression, (indent) => `${ASSOCIATIONS} = ${all(indent)}`)];
    const changed = editsOfItems(entry, compared, writer);
    return changed && [...removed, ...changed];
  }
  if (associations !== undefined && items.length > 0 && commentsIn(file, associations).length > 0) return undefined;
  const wanted = addon.addRoleArn === undefined || roleIsRight ? undefined : writer.role(addon.addRoleArn);
  const obsolete = items.length > 0 ? associations : undefined;
  if (wanted === undefined) return obsolete ? [withoutElement(file, expression, obsolete)] : [];
  if (role !== undefined)
    return [
      { path: file.path, ...spanOf(role.value), text: wanted },
      ...(obsolete ? [withoutElement(file, expression, obsolete)] : []),
    ];
  if (obsolete !== undefined) return renamed(file, obsolete, ROLE, wanted);
  return withElement(file, expression, () => `${ROLE} = ${wanted}`);
}

/** Returns what to know of the change. A note about the add-on's version is left out if the entry has one. */
function whyOf({ located, needs, note }: EntryToPatch): string {
  const { expression, scope } = located;
  const recent = entryOf(expression, 'most_recent');
  const off = recent !== undefined && isText(scope.valueOf(recent.value), 'false') === 'yes';
  const hasVersion = off || entryOf(expression, 'addon_version') !== undefined;
  return [needs, hasVersion ? undefined : note].filter((text) => text !== undefined).join(' ');
}

/** Returns what must change in the entry of an add-on. */
export function patchEntry(entry: EntryToPatch): Patch {
  const { located, addon, address, line } = entry;
  const compared = compare(entry);
  const at = { about: 'addon', path: located.file.path, line } as const;
  const leave = (why: string): Patch => ({
    edits: [],
    findings: [
      {
        ...at,
        result: 'left',
        what: `${address} defines ${addon.name}, and was not changed.`,
        why,
        next: howTo(entry.source.module, addon),
      },
    ],
  });
  if ('why' in compared) return leave(compared.why);
  if (!entry.isSure && hasForeignRole(entry, compared))
    return leave(
      'The name of its cluster cannot be read from the code, and its role is none that this add-on has or had.',
    );
  const edits = editsOf(entry, compared);
  if (edits === undefined) return leave(`${ASSOCIATIONS} contains comments, which a change would remove.`);
  const isRight =
    compared.roleIsRight && [compared.extra, compared.wrong, compared.missing].every((all) => all.length === 0);
  if (isRight) return { edits: [], findings: [{ ...at, result: 'as-is', what: `${address} matches ${addon.name}.` }] };
  const why = whyOf(entry);
  const finding: Finding = {
    ...at,
    result: 'changed',
    what: changeOf(entry, compared.roleIsRight),
    ...(why !== '' && { why }),
  };
  return { edits, findings: [finding] };
}

/** Returns whether the entry has a role that the add-on certainly neither has nor had. */
const hasForeignRole = ({ located: { scope }, addon }: EntryToPatch, { role, items }: Compared): boolean => {
  const known = [addon.addRoleArn, addon.removeRoleArn, ...addon.associations.map(({ roleArn }) => roleArn)];
  const roles = [...(role ? [role.value] : []), ...items.map((item) => item.role)].map((one) => scope.valueOf(one));
  const given = roles.filter((value) => !isAbsent(value));
  return (
    given.length > 0 &&
    given.every((value) => known.every((arn) => arn === undefined || isRoleArn(value, arn) === 'no'))
  );
};
