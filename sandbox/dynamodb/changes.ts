/** What an update expression makes of an item, where it sets and removes whole attributes, as the ledger's do. */
import { isObject, type Json } from '../json.ts';

/** A parsed part of an update expression: dynalite 4.0.0, db/updateParser.js. */
export interface Section {
  type: 'set' | 'remove' | 'add' | 'delete';
  path: (string | number)[];
  val?: unknown;
  attrType?: string | null;
}

/** Something that only dynalite does, or refuses. */
export class Unusual extends Error {}

const whole = (path: unknown): string => {
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

/** The value that a SET gives, of the item as it was. */
const valueOf = (value: unknown, item: Json): unknown => {
  if (Array.isArray(value)) return item[whole(value)] ?? unusual();
  if (!isObject(value)) throw new Unusual();
  const { type, name, args } = value;
  // An attribute's value has the one type that it is of, and an operation says which it is.
  if (type === undefined) return value;
  const [first, second] = Array.isArray(args) ? (args as unknown[]) : [];
  if (type === 'function' && name === 'if_not_exists') return item[whole(first)] ?? valueOf(second, item);
  if (type === 'function' && name === 'list_append')
    return { L: [...listIn(valueOf(first, item)), ...listIn(valueOf(second, item))] };
  throw new Unusual();
};
const unusual = (): never => {
  throw new Unusual();
};

/** The texts of a set under that type; none where there is no such attribute. */
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
    const before = existing === undefined ? '0' : isObject(existing) ? existing['N'] : undefined;
    item[name] = { N: sum(before, value['N']) };
  } else {
    const before = setOf(existing, attrType);
    item[name] = { SS: [...before, ...setOf(value, attrType).filter((one) => !before.includes(one))] };
  }
};

const remove = (item: Json, name: string, { val, attrType }: Section): void => {
  if (item[name] === undefined) return;
  const gone = setOf(val, attrType);
  const left = setOf(item[name], attrType).filter((one) => !gone.includes(one));
  if (left.length > 0) item[name] = { SS: left };
  else delete item[name];
};

/** A new item; throws Unusual. No attribute of it is changed in place. */
export const changed = (item: Json, sections: readonly Section[]): Json => {
  const made = { ...item };
  const values = sections.map((section) => (section.type === 'set' ? valueOf(section.val, item) : undefined));
  for (const [index, section] of sections.entries()) {
    const name = whole(section.path);
    if (section.type === 'set') made[name] = values[index];
    else if (section.type === 'remove') delete made[name];
    else if (section.type === 'add') add(made, name, section);
    else remove(made, name, section);
  }
  return made;
};
