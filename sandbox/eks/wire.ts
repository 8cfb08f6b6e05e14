/** Converts REST JSON to and from an operation's members, and checks it by the SDK's schemas. */
import { constraintText, violation } from '../constraint.ts';
import type { HttpRequest } from '../http.ts';
import { isObject } from '../json.ts';
import { constraintOf } from './constraints.ts';
import { EksError } from './errors.ts';
import type { Operation, Schema } from './model.ts';
import { type Shape, shapeOf } from '../shapes.ts';

/** An SDK input after validation: required members are present. */
export type Decoded<T> = T extends (infer Item)[]
  ? Decoded<Item>[]
  : T extends object
    ? { [Key in keyof T]: object extends Pick<T, Key> ? Decoded<T[Key]> : Decoded<Exclude<T[Key], undefined>> }
    : T;

/** An SDK output on the wire: dates are epoch seconds. */
export type Wire<T> = T extends Date
  ? number
  : T extends (infer Item)[]
    ? Wire<Item>[]
    : T extends object
      ? { [Key in keyof T]: Wire<T[Key]> }
      : T;

const refuse = (value: unknown, path: string, constraint: string): EksError =>
  new EksError('InvalidParameterException', `1 validation error detected: ${constraintText(value, path, constraint)}`);

/** Returns the value without unknown members, as AWS does. Throws EksError if a type or constraint is violated. */
const decodeValue = (shape: Shape, value: unknown, path: string): unknown => {
  const { kind } = shape;
  const wrongType = (): EksError => refuse(value, path, `Member must be a ${kind}`);
  if (kind === 'structure') {
    if (!isObject(value)) throw wrongType();
    return decodeMembers(shape, value, path);
  }
  if (kind === 'list') {
    if (!Array.isArray(value)) throw wrongType();
    return value.map((item, index) => decodeValue(shape.value(), item, `${path}.${index + 1}.member`));
  }
  if (kind === 'map') {
    if (!isObject(value)) throw wrongType();
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [key, decodeValue(shape.value(), item, `${path}.${key}.member`)]),
    );
  }
  if (kind !== 'other' && typeof value !== (kind === 'timestamp' ? 'number' : kind)) throw wrongType();
  return value;
};

function decodeMembers(shape: Shape, values: Record<string, unknown>, path: string): Record<string, unknown> {
  const decoded: Record<string, unknown> = {};
  for (const { name, shape: inner, required } of shape.members) {
    const at = path === '' ? name : `${path}.${name}`;
    // In JSON, null means absent.
    const value = values[name] ?? undefined;
    if (value === undefined) {
      if (required) throw refuse(undefined, at, 'Member must not be null');
      continue;
    }
    decoded[name] = decodeValue(inner, value, at);
    const constraint = constraintOf(shape.name, name);
    const why = constraint && violation(decoded[name], constraint);
    if (why !== undefined) throw refuse(value, at, why);
  }
  return decoded;
}

const fromLabel = (label: string | undefined): string | undefined => {
  try {
    return label === undefined ? undefined : decodeURIComponent(label);
  } catch {
    throw new EksError('InvalidParameterException', `The path part ${label} is not valid percent-encoding.`);
  }
};

/**
 * Converts a query parameter to its member's type. An invalid value stays a string, so that the type check reports it.
 */
const fromQuery = ({ kind }: Shape, value: string | string[] | undefined): unknown => {
  if (value === undefined || kind === 'list') return value === undefined ? value : [value].flat();
  const text = Array.isArray(value) ? value[0] : value;
  if (kind === 'number') return text !== undefined && /^-?\d+$/.test(text) ? Number(text) : text;
  if (kind === 'boolean') return text === 'true' || text === 'false' ? text === 'true' : text;
  return text;
};

const fromBody = ({ content, body }: HttpRequest): Record<string, unknown> => {
  if (content || body.length === 0) return content ?? {};
  let parsed: unknown;
  try {
    parsed = JSON.parse(new TextDecoder().decode(body));
  } catch {
    throw new EksError('SerializationException', 'The body of the request is not valid JSON.');
  }
  if (!isObject(parsed)) throw new EksError('SerializationException', 'The body of the request must be a JSON object.');
  return parsed;
};

/** Returns the members of a request from path, query and body. Throws EksError for the first missing or invalid one. */
export const decodeInput = (operation: Operation, labels: string[], request: HttpRequest): Record<string, unknown> => {
  const body = fromBody(request);
  const values: Record<string, unknown> = {};
  const shape = shapeOf(operation.input);
  for (const { name, shape: member, binding } of shape.members) {
    if (binding?.in === 'label') values[name] = fromLabel(labels[operation.labels.indexOf(name)]);
    else if (binding?.in === 'query') values[name] = fromQuery(member, request.query[binding.name]);
    else values[name] = body[name];
  }
  return decodeMembers(shape, values, '');
};

/** A number of seconds above this (5138-11-16) is assumed to be milliseconds by mistake. */
const LATEST_SECONDS = 100_000_000_000;

/** Returns all violations of the API model in an output; empty for a valid one. */
export const outputFaults = (schema: Schema, value: unknown): string[] => {
  const faults: string[] = [];
  findFaults(shapeOf(schema), value, '', faults);
  return faults;
};

const findFaults = (shape: Shape, value: unknown, path: string, faults: string[]): void => {
  if (value === undefined) return;
  const { kind } = shape;
  if (kind === 'structure') {
    if (isObject(value)) findMemberFaults(shape, value, path, faults);
    else faults.push(`${path} must be a structure`);
  } else if (kind === 'list') {
    if (Array.isArray(value))
      for (let index = 0; index < value.length; index += 1)
        findFaults(shape.value(), value[index], `${path}[${index}]`, faults);
    else faults.push(`${path} must be a list`);
  } else if (kind === 'map') {
    if (isObject(value))
      for (const key of Object.keys(value)) findFaults(shape.value(), value[key], `${path}.${key}`, faults);
    else faults.push(`${path} must be a map`);
  } else if (kind === 'timestamp') {
    if (typeof value !== 'number' || Math.abs(value) >= LATEST_SECONDS)
      faults.push(`${path} must be a number of seconds since 1970`);
  } else if (kind !== 'other' && typeof value !== kind) faults.push(`${path} must be a ${kind}`);
};

const findMemberFaults = (shape: Shape, values: Record<string, unknown>, path: string, faults: string[]): void => {
  for (const name of Object.keys(values)) {
    const item = values[name];
    const at = path === '' ? name : `${path}.${name}`;
    const member = shape.byName.get(name);
    if (!member) {
      faults.push(`${at} is not a member of ${shape.name}`);
      continue;
    }
    findFaults(member.shape, item, at, faults);
    const constraint = item === undefined ? undefined : constraintOf(shape.name, name);
    const why = constraint && violation(item, constraint);
    if (why !== undefined) faults.push(`${at}: ${why}`);
  }
};
