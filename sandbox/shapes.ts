/** The SDK's schemas, converted once to plain trees: the SDK's own objects recompute each property on access. */
import { NormalizedSchema } from '@smithy/core/schema';

export type Kind = 'structure' | 'list' | 'map' | 'string' | 'number' | 'boolean' | 'timestamp' | 'other';

export interface Member {
  name: string;
  shape: Shape;
  required: boolean;
  /**
   * Where the member travels in a request of a REST protocol: in the path, in the query under that name, or (if absent)
   * in the body.
   */
  binding?: { in: 'label' } | { in: 'query'; name: string };
  /** The caller's client generates a missing value. */
  isIdempotencyToken: boolean;
  /** The member's name in XML and in forms. */
  xmlName: string;
}

export interface Shape {
  kind: Kind;
  name: string;
  /** A structure's members, in the model's order. */
  members: readonly Member[];
  byName: ReadonlyMap<string, Member>;
  /** Returns the shape of a list's items or a map's values. */
  value: () => Shape;
  /** Contains something that only the SDK can serialize: a blob, a union, a header, a date in another format. */
  isExotic: boolean;
}

/** The index in a structure's schema of the number of required members, which come first. */
const REQUIRED_COUNT = 6;
/** A timestamp in the protocol's format. */
const TIMESTAMP_DEFAULT = 4;

const kindOf = (schema: NormalizedSchema): Kind => {
  if (schema.isStructSchema()) return 'structure';
  if (schema.isListSchema()) return 'list';
  if (schema.isMapSchema()) return 'map';
  if (schema.isTimestampSchema()) return 'timestamp';
  if (schema.isBooleanSchema()) return 'boolean';
  if (schema.isNumericSchema()) return 'number';
  return schema.isStringSchema() ? 'string' : 'other';
};

/** Returns the names of a structure's required members. */
export const requiredMembers = (schema: NormalizedSchema): string[] => {
  const raw = schema.getSchema();
  const count: unknown = Array.isArray(raw) ? (raw as readonly unknown[])[REQUIRED_COUNT] : 0;
  return [...schema.structIterator()].slice(0, typeof count === 'number' ? count : 0).map(([name]) => name);
};

const PLAIN_TRAITS = new Set(['httpLabel', 'httpQuery', 'idempotencyToken', 'xmlName', 'sensitive', 'clientOptional']);

const hasExoticTraits = (schema: NormalizedSchema): boolean =>
  Object.entries(schema.getMemberTraits()).some(([name, value]) => Boolean(value) && !PLAIN_TRAITS.has(name));

const bindingOf = (schema: NormalizedSchema): Pick<Member, 'binding'> => {
  const { httpLabel, httpQuery } = schema.getMergedTraits();
  if (httpLabel) return { binding: { in: 'label' } };
  return typeof httpQuery === 'string' ? { binding: { in: 'query', name: httpQuery } } : {};
};

const membersOf = (schema: NormalizedSchema): Member[] => {
  const required = new Set(requiredMembers(schema));
  return [...schema.structIterator()].map(([name, member]) => ({
    name,
    shape: shapeOf(member),
    required: required.has(name),
    ...bindingOf(member),
    isIdempotencyToken: Boolean(member.getMergedTraits().idempotencyToken),
    xmlName: member.getMemberTraits().xmlName ?? name,
  }));
};

/** Shapes by their schema, so that a recursive schema terminates. */
const shapes = new WeakMap<object, Shape>();

/** Returns the shape of a schema; the traits of a member itself are in `Member`. */
export const shapeOf = (schema: NormalizedSchema): Shape => {
  const raw: unknown = schema.getSchema();
  const cached = typeof raw === 'object' && raw !== null ? shapes.get(raw) : undefined;
  if (cached) return cached;
  const kind = kindOf(schema);
  const isList = kind === 'list' || kind === 'map';
  const shape: Shape = {
    kind,
    name: schema.getName() ?? '',
    members: [],
    byName: new Map(),
    value: () => shapeOf(schema.getValueSchema()),
    isExotic:
      // An operation without input or output has a unit.
      (kind === 'other' && !schema.isUnitSchema()) ||
      schema.isUnionSchema() ||
      (kind === 'timestamp' && raw !== TIMESTAMP_DEFAULT) ||
      (schema.isMemberSchema() && hasExoticTraits(schema)),
  };
  if (typeof raw === 'object' && raw !== null) shapes.set(raw, shape);
  if (kind === 'structure') {
    shape.members = membersOf(schema);
    shape.byName = new Map(shape.members.map((member) => [member.name, member]));
    shape.isExotic ||= shape.members.some((member) => member.shape.isExotic);
  }
  if (isList) {
    const value = shape.value();
    shape.value = () => value;
    shape.isExotic ||= value.isExotic;
  }
  return shape;
};
