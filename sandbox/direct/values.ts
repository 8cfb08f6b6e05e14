/**
 * Converts members of an operation's input and output between the SDK's forms and the wire forms, as the SDK's
 * protocols do.
 */
import { randomUUID } from 'node:crypto';
import { isObject, type Json } from '../json.ts';
import type { Member, Shape } from '../shapes.ts';

const isAbsent = (value: unknown): value is null | undefined => value === undefined || value === null;

/** Returns whether only plain members have a value: the SDK handles the others. */
export const isPlain = (shape: Shape, values: Json): boolean =>
  !shape.isExotic || shape.members.every((member) => !member.shape.isExotic || isAbsent(values[member.name]));

/** Returns a member's value; a missing idempotency token is generated. */
export const valueOf = ({ name, isIdempotencyToken }: Member, values: Json): unknown => {
  const value = values[name];
  if (!isAbsent(value)) return value;
  return isIdempotencyToken ? randomUUID() : undefined;
};

/** Converts a value to its JSON form: dates in seconds, without members that the model does not define. */
export const toJson = (shape: Shape, value: unknown): unknown => {
  switch (shape.kind) {
    case 'structure':
      return isObject(value) ? membersToJson(shape.members, value) : value;
    case 'list':
      return Array.isArray(value) ? value.map((item) => toJson(shape.value(), item)) : value;
    case 'map':
      return isObject(value)
        ? Object.fromEntries(
            Object.entries(value)
              .filter(([, inner]) => inner !== undefined)
              .map(([key, inner]) => [key, toJson(shape.value(), inner)]),
          )
        : value;
    case 'timestamp':
      return value instanceof Date ? value.getTime() / 1000 : value;
    case 'string':
    case 'number':
    case 'boolean':
    case 'other':
      return value;
  }
};

export const membersToJson = (members: readonly Member[], values: Json): Json => {
  const json: Json = {};
  for (const member of members) {
    const value = valueOf(member, values);
    if (value !== undefined) json[member.name] = toJson(member.shape, value);
  }
  return json;
};

/**
 * Returns a copy of a wire value in the SDK's form. The wire value has the form of JSON, or of XML, where numbers are
 * strings.
 */
const fromWire = (shape: Shape, value: unknown): unknown => {
  switch (shape.kind) {
    case 'structure':
      return isObject(value) ? membersFromWire(shape, value) : {};
    case 'list':
      return Array.isArray(value) ? value.map((item) => fromWire(shape.value(), item)) : [];
    case 'map':
      return isObject(value)
        ? Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, fromWire(shape.value(), inner)]))
        : {};
    case 'timestamp':
      return new Date(typeof value === 'number' ? Math.round(value * 1000) : Date.parse(String(value)));
    case 'number':
      return Number(value);
    case 'boolean':
      return value === true || value === 'true';
    case 'string':
      return String(value);
    case 'other':
      return value;
  }
};

export const membersFromWire = ({ members }: Shape, values: Json): Json => {
  const found: Json = {};
  for (const { name, shape } of members) if (!isAbsent(values[name])) found[name] = fromWire(shape, values[name]);
  return found;
};

/** Adds a form's parameters as the Query protocol names them: `Tags.member.1.Key`. An empty list is an empty string. */
export const toParameters = (shape: Shape, value: unknown, prefix: string, into: Json): void => {
  if (shape.kind === 'structure') {
    if (!isObject(value)) return;
    for (const member of shape.members) {
      const inner = valueOf(member, value);
      if (inner !== undefined) toParameters(member.shape, inner, `${prefix}${member.xmlName}.`, into);
    }
  } else if (shape.kind === 'list') {
    if (!Array.isArray(value)) return;
    const items = value.filter((item) => !isAbsent(item));
    for (const [index, item] of items.entries())
      toParameters(shape.value(), item, `${prefix}member.${index + 1}.`, into);
    if (value.length === 0) into[prefix.slice(0, -1)] = '';
  } else {
    into[prefix.slice(0, -1)] = value instanceof Date ? value.toISOString().replace('.000Z', 'Z') : String(value);
  }
};
