/** The SDK's schemas, read once into plain trees: its own objects work their answers out at each question. */
import { NormalizedSchema } from '@smithy/core/schema';

export type Kind = 'structure' | 'list' | 'map' | 'string' | 'number' | 'boolean' | 'timestamp' | 'other';

export interface Member {
  name: string;
  shape: Shape;
  required: boolean;
  /** Where it travels in a request of a REST protocol: in the path, the query by that name, or (absent) in the body. */
  place?: { in: 'label' } | { in: 'query'; name: string };
  /** The caller's client makes one up where it has none. */
  isIdempotencyToken: boolean;
  /** Its name in XML and in forms. */
  xmlName: string;
}

export interface Shape {
  kind: Kind;
  name: string;
  /** Of a structure, in the model's order. */
  members: readonly Member[];
  byName: ReadonlyMap<string, Member>;
  /** Of a list's items or a map's values. */
  value: () => Shape;
  /** Something in it that only the SDK knows how to write: a blob, a union, a header, a date in another format. */
  isExotic: boolean;
}

/** Where a structure says how many of its members are required: the first that many. */
const REQUIRED_COUNT = 6;
/** A timestamp whose format is the protocol's. */
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

/** Names of a structure's required members. */
export const requiredMembers = (schema: NormalizedSchema): string[] => {
  const raw = schema.getSchema();
  const count: unknown = Array.isArray(raw) ? (raw as readonly unknown[])[REQUIRED_COUNT] : 0;
  return [...schema.structIterator()].slice(0, typeof count === 'number' ? count : 0).map(([name]) => name);
};

const PLAIN_TRAITS = new Set(['httpLabel', 'httpQuery', 'idempotencyToken', 'xmlName', 'sensitive', 'clientOptional']);

const hasExoticTraits = (schema: NormalizedSchema): boolean =>
  Object.entries(schema.getMemberTraits()).some(([name, value]) => Boolean(value) && !PLAIN_TRAITS.has(name));

const placeOf = (schema: NormalizedSchema): Pick<Member, 'place'> => {
  const { httpLabel, httpQuery } = schema.getMergedTraits();
  if (httpLabel) return { place: { in: 'label' } };
  return typeof httpQuery === 'string' ? { place: { in: 'query', name: httpQuery } } : {};
};

const membersOf = (schema: NormalizedSchema): Member[] => {
  const required = new Set(requiredMembers(schema));
  return [...schema.structIterator()].map(([name, member]) => ({
    name,
    shape: shapeOf(member),
    required: required.has(name),
    ...placeOf(member),
    isIdempotencyToken: Boolean(member.getMergedTraits().idempotencyToken),
    xmlName: member.getMemberTraits().xmlName ?? name,
  }));
};

/** By the schema itself, so that one that contains itself comes to an end. */
const known = new WeakMap<object, Shape>();

/** Of a member: its own traits are told of by `Member`. */
export const shapeOf = (schema: NormalizedSchema): Shape => {
  const raw: unknown = schema.getSchema();
  const before = typeof raw === 'object' && raw !== null ? known.get(raw) : undefined;
  if (before) return before;
  const kind = kindOf(schema);
  const isList = kind === 'list' || kind === 'map';
  const shape: Shape = {
    kind,
    name: schema.getName() ?? '',
    members: [],
    byName: new Map(),
    value: () => shapeOf(schema.getValueSchema()),
    isExotic:
      // A unit is what an operation without input or output has.
      (kind === 'other' && !schema.isUnitSchema()) ||
      schema.isUnionSchema() ||
      (kind === 'timestamp' && raw !== TIMESTAMP_DEFAULT) ||
      (schema.isMemberSchema() && hasExoticTraits(schema)),
  };
  if (typeof raw === 'object' && raw !== null) known.set(raw, shape);
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
