/** Applies an update expression to an item, if it sets and removes whole attributes, as the ledger's expressions do. */
import { isObject, type Json } from '../json.ts';

/** A parsed part of an update expression: dynalite 4.0.0, db/updateParser.js. */
export interface Section {
  type: 'set' | 'remove' | 'add' | 'delete';
  path: (string | number)[];
  val?: unknown;
  attrType?: string | null;
}

/** The expression needs dynalite, which either supports or refuses it. */
export class Unusual extends Error {}

const attributeOf = (path: unknown): string => {
  const [name, ...rest] = Array.isArray(path) ? (path as unknown[]) : [];
  if (typeof name !== 'string' || rest.length > 0) throw new Unusual();
  return name;
};

const INTEGER = /^-?\d{1,15}$/;
const sum = (a: unknown, b: unknown): string => {
  if (typeof a !== 'string' || typeof b !== 'string' || !INTEGER.test(a) || !INTEGER.test(b)) throw new Unusual();
  return String(Number(a) + Number(b));
};

const listIn = (value: unknown): unknown[] => {
  const list = isObject(value) ? value['L'] : undefined;
  if (!Array.isArray(list)) throw new Unusual();
  return list;
};

/** Returns the value that a SET assigns, evaluated on the item before the update. */
const valueOf = (value: unknown, item: Json): unknown => {
  if (Array.isArray(value)) return item[attributeOf(value)] ?? unusual();
  if (!isObject(value)) throw new Unusual();
  const { type, name, args } = value;
  // An attribute value has its data type as its only key; an operation has the key `type`.
  if (type === undefined) return value;
  const [first, second] = Array.isArray(args) ? (args as unknown[]) : [];
  if (type === 'function' && name === 'if_not_exists') return item[attributeOf(first)] ?? valueOf(second, item);
  if (type === 'function' && name === 'list_append')
    return { L: [...listIn(valueOf(first, item)), ...listIn(valueOf(second, item))] };
  throw new Unusual();
};
const unusual = (): never => {
  throw new Unusual();
};

/** Returns the strings of a set of that type; empty if the attribute does not exist. */
const setOf = (value: unknown, type: string | null | undefined): unknown[] => {
  if (type !== 'SS') throw new Unusual();
  if (value === undefined) return [];
  const set = isObject(value) ? value[type] : undefined;
  if (!Array.isArray(set)) throw new Unusual();
  return set;
};

const add = (item: Json, name: string, { val, attrType }: Section): void => {
  const value = isObject(val) ? val : {};
  const existing = item[name];
  if (attrType === 'N') {
    const previous = existing === undefined ? '0' : isObject(existing) ? existing['N'] : undefined;
    item[name] = { N: sum(previous, value['N']) };
  } else {
    const previous = setOf(existing, attrType);
    item[name] = { SS: [...previous, ...setOf(value, attrType).filter((each) => !previous.includes(each))] };
  }
};

const remove = (item: Json, name: string, { val, attrType }: Section): void => {
  if (item[name] === undefined) return;
  const removed = setOf(val, attrType);
  const remaining = setOf(item[name], attrType).filter((each) => !removed.includes(each));
  if (remaining.length > 0) item[name] = { SS: remaining };
  else delete item[name];
};

/** Returns a new item; throws Unusual. No attribute of the given item is changed in place. */
export const changed = (item: Json, sections: readonly Section[]): Json => {
  const updated = { ...item };
  const values = sections.map((section) => (section.type === 'set' ? valueOf(section.val, item) : undefined));
  for (const [index, section] of sections.entries()) {
    const name = attributeOf(section.path);
    if (section.type === 'set') updated[name] = values[index];
    else if (section.type === 'remove') delete updated[name];
    else if (section.type === 'add') add(updated, name, section);
    else remove(updated, name, section);
  }
  return updated;
};
