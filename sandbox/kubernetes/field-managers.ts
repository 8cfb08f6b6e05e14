/**
 * Who owns which fields after a write: the rules of the API server (k8s.io/apimachinery, util/managedfields;
 * structured-merge-diff, merge). Nothing here is stored; see `managed-fields.ts`.
 */
import { isDeepStrictEqual } from 'node:util';
import type { ManagedFieldsEntry, Owners } from '../objects/managed-fields-entry.ts';
import { formatMembers } from './field-paths.ts';
import {
  compare,
  type Comparison,
  difference,
  type FieldSet,
  fieldsOf,
  intersection,
  isEmpty,
  sorted,
  union,
} from '../objects/field-sets.ts';
import { mergeApplied, pruned } from './field-values.ts';
import { Refusal } from './answers.ts';

/** Who writes. */
export interface Writer {
  manager: string;
  /** Undefined if the manager writes the object itself. */
  subresource?: string;
}

/** An object before and after a write, with the defaults of the API. */
export interface Change {
  /** Undefined if the write creates the object. */
  before: object | undefined;
  after: object;
  apiVersion: string;
  /** An object of the kind as Go has it before any field is set; a creation is compared with it. */
  zero: object;
}

/** What the API server owns itself. */
const STRIPPED: FieldSet = {
  'f:apiVersion': {},
  'f:kind': {},
  'f:metadata': {
    '.': {},
    'f:name': {},
    'f:namespace': {},
    'f:creationTimestamp': {},
    'f:selfLink': {},
    'f:uid': {},
    'f:generation': {},
    'f:managedFields': {},
    'f:resourceVersion': {},
  },
};
const STATUS = 'f:status';
const REPLICAS: FieldSet = { 'f:spec': { 'f:replicas': {} } };

/** Managers of updates beyond these are merged, the oldest first. */
const MOST_UPDATERS = 10;
const MERGED_UPDATERS = 'ancient-changes';
/** The manager of what an object had before its fields were tracked. */
const BEFORE_FIRST_APPLY = 'before-first-apply';

/** Returns the part of a set that a write can change: a write of the object itself cannot change its status. */
const reachable = (set: FieldSet, subresource: string | undefined): FieldSet => {
  if (subresource === 'scale') return intersection(set, REPLICAS);
  if (subresource === 'status') return set;
  if (!(STATUS in set)) return set;
  const { [STATUS]: _status, ...rest } = set;
  return rest;
};

const isBy = (
  { manager, operation, apiVersion, subresource }: ManagedFieldsEntry,
  other: Pick<ManagedFieldsEntry, 'manager' | 'operation' | 'apiVersion' | 'subresource'>,
): boolean =>
  manager === other.manager &&
  operation === other.operation &&
  subresource === other.subresource &&
  // A manager that applies has one entry, whatever version it applies.
  (operation === 'Apply' || apiVersion === other.apiVersion);

const textOf = (entry: ManagedFieldsEntry): string =>
  [entry.operation, entry.time ?? '', entry.manager, entry.apiVersion, entry.subresource ?? ''].join('\n');

/** Returns entries in the order of the API server: those that apply first, then the older ones. */
export const inOrder = (entries: readonly ManagedFieldsEntry[]): ManagedFieldsEntry[] =>
  entries
    .map((entry) => [textOf(entry), entry] as const)
    .sort(([one], [other]) => (one < other ? -1 : one > other ? 1 : 0))
    .map(([, entry]) => entry);

/** Returns the entries without the fields of the set; entries without fields are left out. */
export const entriesWithout = (entries: readonly ManagedFieldsEntry[], fields: FieldSet): ManagedFieldsEntry[] =>
  isEmpty(fields)
    ? [...entries]
    : entries.flatMap((entry) => {
        const fieldsV1 = difference(entry.fieldsV1, fields);
        return isEmpty(fieldsV1) ? [] : [{ ...entry, fieldsV1 }];
      });

/** Returns the entry of a manager with these fields. */
export const entryOf = (
  { manager, subresource }: Writer,
  operation: ManagedFieldsEntry['operation'],
  apiVersion: string,
  time: string | undefined,
  fields: FieldSet,
): ManagedFieldsEntry => ({
  manager,
  operation,
  apiVersion,
  ...(time === undefined ? {} : { time }),
  fieldsType: 'FieldsV1',
  fieldsV1: sorted(fields),
  ...(subresource === undefined ? {} : { subresource }),
});

/** Merges the oldest updaters of a version until there are few enough. */
const capped = (entries: ManagedFieldsEntry[]): ManagedFieldsEntry[] => {
  const updaters = inOrder(entries).filter(({ operation }) => operation === 'Update');
  const firsts = new Map<string, ManagedFieldsEntry>();
  let [left, kept] = [updaters.length, entries];
  for (const updater of updaters) {
    if (left <= MOST_UPDATERS) break;
    const first = firsts.get(updater.apiVersion);
    if (first) {
      const fields = union(first.fieldsV1, updater.fieldsV1);
      const bucket = entryOf({ manager: MERGED_UPDATERS }, 'Update', updater.apiVersion, updater.time, fields);
      kept = [...kept.filter((entry) => entry !== first && entry !== updater), bucket];
      firsts.set(updater.apiVersion, bucket);
      left -= 1;
    } else firsts.set(updater.apiVersion, updater);
  }
  return kept;
};

const changesOf = ({ before, after, zero }: Change, subresource: string | undefined): Comparison => {
  const { added, modified, removed } = compare(before ?? zero, after);
  return {
    added: reachable(added, subresource),
    modified: reachable(modified, subresource),
    removed: reachable(removed, subresource),
  };
};

/**
 * Returns the entries after an update: what it changed belongs to the writer, what it removed to nobody. Fields are not
 * tracked if an object exists of which nobody owns a field.
 */
export const afterUpdate = (
  entries: readonly ManagedFieldsEntry[],
  change: Change,
  writer: Writer,
  time: string,
): ManagedFieldsEntry[] => {
  const { added, modified, removed } = changesOf(change, writer.subresource);
  const taken = union(added, modified);
  const others = entriesWithout(entries, union(taken, removed));
  const mine = difference(taken, STRIPPED);
  if (isEmpty(mine)) return others;
  // The API server keeps no time of a write through `scale`.
  const at = writer.subresource === 'scale' ? undefined : time;
  const entry = entryOf(writer, 'Update', change.apiVersion, at, mine);
  const previous = others.find((other) => isBy(other, entry));
  if (previous) entry.fieldsV1 = sorted(union(previous.fieldsV1, mine));
  return inOrder(capped([...others.filter((other) => other !== previous), entry]));
};

const managerText = ({ manager, operation, apiVersion, subresource }: ManagedFieldsEntry): string => {
  const name = `${JSON.stringify(manager)}${subresource === undefined ? '' : ` with subresource ${JSON.stringify(subresource)}`}`;
  return operation === 'Update' ? `${name} using ${apiVersion}` : name;
};

/** Returns the error of an apply that would change fields of other managers (k8s.io/apimachinery, conflict.go). */
const conflictError = (conflicts: readonly ManagedFieldsEntry[]): Refusal => {
  const listed = conflicts.map((entry) => ({ manager: managerText(entry), paths: formatMembers(entry.fieldsV1) }));
  listed.sort((one, other) => (one.manager < other.manager ? -1 : 1));
  const causes = listed.flatMap(({ manager, paths }) =>
    paths.map((field) => ({ reason: 'FieldManagerConflict', message: `conflict with ${manager}`, field })),
  );
  const [only] = causes;
  const message =
    causes.length === 1 && only
      ? `Apply failed with 1 conflict: ${only.message}: ${only.field}`
      : `Apply failed with ${causes.length} conflicts: ${listed
          .flatMap(({ manager, paths }) => [`conflicts with ${manager}:`, ...paths.map((path) => `- ${path}`)])
          .join('\n')}`;
  return new Refusal(409, 'Conflict', message, { causes });
};

export interface Applied<T extends object> {
  object: T;
  entries: ManagedFieldsEntry[];
}

/** Returns the entries from which an apply starts: what an object has whose fields nobody owns gets an owner first. */
const startOfApply = (
  entries: readonly ManagedFieldsEntry[],
  { before, apiVersion, zero }: Omit<Change, 'after'>,
  time: string,
): readonly ManagedFieldsEntry[] =>
  entries.length > 0 || before === undefined
    ? entries
    : afterUpdate([], { before: undefined, after: before, apiVersion, zero }, { manager: BEFORE_FIRST_APPLY }, time);

/**
 * Returns an object after the server-side apply of a configuration, and its owners. Fields that the manager applied
 * before and does not apply any more are removed, unless others own them. Throws `Refusal` if the configuration changes
 * fields that other managers own, and `force` is not set.
 */
export const afterApply = <T extends object>(
  known: readonly ManagedFieldsEntry[],
  live: Omit<Change, 'after' | 'before'> & { before: T | undefined },
  configuration: T,
  { manager, subresource, force = false }: Writer & { force?: boolean },
  time: string,
): Applied<T> => {
  const entries = startOfApply(known, live, time);
  const config = reachable(fieldsOf(configuration), subresource);
  const entry = entryOf(
    { manager, ...(subresource === undefined ? {} : { subresource }) },
    'Apply',
    live.apiVersion,
    undefined,
    config,
  );
  const last = entries.find((other) => isBy(other, entry));
  const others = entries.filter((other) => other !== last);
  const base = (live.before ?? live.zero) as T;
  const merged = mergeApplied(base, configuration);
  const object = last
    ? pruned(merged, last.fieldsV1, union(config, ...others.map(({ fieldsV1 }) => fieldsV1)))
    : merged;
  const changes = changesOf({ ...live, before: base, after: object }, subresource);
  const touched = union(changes.added, changes.modified);
  const conflicts = others.flatMap((other) => {
    const fieldsV1 = intersection(other.fieldsV1, touched);
    return isEmpty(fieldsV1) ? [] : [{ ...other, fieldsV1 }];
  });
  if (conflicts.length > 0 && !force) throw conflictError(conflicts);
  const left = entriesWithout(others, union(touched, changes.removed));
  const fieldsV1 = sorted(difference(config, STRIPPED));
  const isSame = live.before !== undefined && isDeepStrictEqual(live.before, object);
  // The API server keeps no time of a write through `scale`.
  const at = subresource === 'scale' ? undefined : isSame ? last?.time : time;
  const mine = isEmpty(fieldsV1) ? [] : [{ ...entry, fieldsV1, ...(at === undefined ? {} : { time: at }) }];
  return { object, entries: inOrder([...left, ...mine]) };
};

/** Returns whether two lists of entries are the same but for their times. */
export const sameOwners = (one: Owners, other: Owners): boolean => {
  const timeless = (owners: Owners): unknown =>
    owners === 'untracked' ? owners : owners.map(({ time: _time, ...rest }) => rest);
  return isDeepStrictEqual(timeless(one), timeless(other));
};
