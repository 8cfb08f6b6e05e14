/**
 * Request bodies in Kubernetes' protobuf encoding, which kubectl sends for built-in kinds (create role, auth can-i,
 * drain). Format: `k8s\0` and a runtime.Unknown that contains the object; field numbers: generated.proto of k8s.io/api
 * and k8s.io/apimachinery. Fields that are missing from the tables are skipped: status, and fields that only the server
 * sets. Responses are JSON, which every client accepts.
 */
import { badRequest } from './answers.ts';

type Type = 'string' | 'bool' | 'int' | 'strings' | 'map' | 'intOrString' | { message: Message } | { list: Message };
type Message = Record<number, [name: string, type: Type]>;
type Json = Record<string, unknown>;

const METADATA: Message = {
  1: ['name', 'string'],
  2: ['generateName', 'string'],
  3: ['namespace', 'string'],
  6: ['resourceVersion', 'string'],
  11: ['labels', 'map'],
  12: ['annotations', 'map'],
};
const metadata: Message = { 1: ['metadata', { message: METADATA }] };
const NAME: Message = { 1: ['name', 'string'] };
const OBJECT_REFERENCE: Message = { 1: ['kind', 'string'], 2: ['namespace', 'string'], 3: ['name', 'string'] };
const BOUND_OBJECT: Message = {
  1: ['kind', 'string'],
  2: ['apiVersion', 'string'],
  3: ['name', 'string'],
  4: ['uid', 'string'],
};
const RULE: Message = {
  1: ['verbs', 'strings'],
  2: ['apiGroups', 'strings'],
  3: ['resources', 'strings'],
  4: ['resourceNames', 'strings'],
  5: ['nonResourceURLs', 'strings'],
};
const SUBJECT: Message = {
  1: ['kind', 'string'],
  2: ['apiGroup', 'string'],
  3: ['name', 'string'],
  4: ['namespace', 'string'],
};
const ROLE_REF: Message = { 1: ['apiGroup', 'string'], 2: ['kind', 'string'], 3: ['name', 'string'] };
const REQUIREMENT: Message = { 1: ['key', 'string'], 2: ['operator', 'string'], 3: ['values', 'strings'] };
const SELECTOR: Message = { 1: ['matchLabels', 'map'], 2: ['matchExpressions', { list: REQUIREMENT }] };
const BUDGET_SPEC: Message = {
  1: ['minAvailable', 'intOrString'],
  2: ['selector', { message: SELECTOR }],
  3: ['maxUnavailable', 'intOrString'],
  4: ['unhealthyPodEvictionPolicy', 'string'],
};
const DELETE_OPTIONS: Message = {
  1: ['gracePeriodSeconds', 'int'],
  2: ['preconditions', { message: { 1: ['uid', 'string'], 2: ['resourceVersion', 'string'] } }],
  3: ['orphanDependents', 'bool'],
  4: ['propagationPolicy', 'string'],
  5: ['dryRun', 'strings'],
};
const RESOURCE_ATTRIBUTES: Message = {
  1: ['namespace', 'string'],
  2: ['verb', 'string'],
  3: ['group', 'string'],
  4: ['version', 'string'],
  5: ['resource', 'string'],
  6: ['subresource', 'string'],
  7: ['name', 'string'],
};
const ACCESS: Message = {
  1: ['resourceAttributes', { message: RESOURCE_ATTRIBUTES }],
  2: ['nonResourceAttributes', { message: { 1: ['path', 'string'], 2: ['verb', 'string'] } }],
};

const role: Message = { ...metadata, 2: ['rules', { list: RULE }] };
const binding: Message = { ...metadata, 2: ['subjects', { list: SUBJECT }], 3: ['roleRef', { message: ROLE_REF }] };

const MESSAGES: Record<string, Message> = {
  ServiceAccount: {
    ...metadata,
    2: ['secrets', { list: OBJECT_REFERENCE }],
    3: ['imagePullSecrets', { list: NAME }],
    4: ['automountServiceAccountToken', 'bool'],
  },
  Role: role,
  ClusterRole: { ...role, 3: ['aggregationRule', { message: {} }] },
  RoleBinding: binding,
  ClusterRoleBinding: binding,
  PodDisruptionBudget: { ...metadata, 2: ['spec', { message: BUDGET_SPEC }] },
  Eviction: { ...metadata, 2: ['deleteOptions', { message: DELETE_OPTIONS }] },
  DeleteOptions: DELETE_OPTIONS,
  SelfSubjectAccessReview: { ...metadata, 2: ['spec', { message: ACCESS }] },
  SelfSubjectRulesReview: { ...metadata, 2: ['spec', { message: { 1: ['namespace', 'string'] } }] },
  SelfSubjectReview: metadata,
  TokenRequest: {
    ...metadata,
    2: [
      'spec',
      {
        message: {
          1: ['audiences', 'strings'],
          3: ['boundObjectRef', { message: BOUND_OBJECT }],
          4: ['expirationSeconds', 'int'],
        },
      },
    ],
  },
};

/** One field on the wire: a number, or bytes. */
interface Wire {
  field: number;
  value: bigint | Buffer;
}

const truncated = (): Error => badRequest('the protobuf body is not valid: it ends in the middle of a field');

const wires = (bytes: Buffer): Wire[] => {
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at];
      if (byte === undefined || shift > 63n) throw truncated();
      at += 1;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asIntN(64, value);
    }
  };
  const take = (length: number): Buffer => {
    if (length < 0 || at + length > bytes.length) throw truncated();
    at += length;
    return bytes.subarray(at - length, at);
  };
  const found: Wire[] = [];
  while (at < bytes.length) {
    const tag = Number(varint());
    const field = tag >>> 3;
    const type = tag & 7;
    if (type === 0) found.push({ field, value: varint() });
    else if (type === 2) found.push({ field, value: take(Number(varint())) });
    else if (type === 1 || type === 5) take(type === 1 ? 8 : 4);
    else throw badRequest(`the protobuf body is not valid: it has a field of wire type ${type}`);
  }
  return found;
};

const bytesOf = ({ value }: Wire): Buffer => {
  if (typeof value === 'bigint')
    throw badRequest('the protobuf body is not valid: it has a number where a string or an object is expected');
  return value;
};
const textOf = (wire: Wire): string => bytesOf(wire).toString('utf8');
const numberOf = ({ value }: Wire): number => {
  if (typeof value !== 'bigint')
    throw badRequest('the protobuf body is not valid: it has a string where a number is expected');
  return Number(value);
};

const intOrString = (bytes: Buffer): number | string => {
  const fields = new Map(wires(bytes).map((wire) => [wire.field, wire]));
  const [type, number, string] = [fields.get(1), fields.get(2), fields.get(3)];
  if (type && numberOf(type) === 1) return string ? textOf(string) : '';
  return number ? numberOf(number) : 0;
};

const read = (bytes: Buffer, message: Message): Json => {
  const object: Json = {};
  const add = (name: string, item: unknown): void => {
    const list = object[name];
    object[name] = Array.isArray(list) ? [...(list as unknown[]), item] : [item];
  };
  for (const wire of wires(bytes)) {
    const [name, type] = message[wire.field] ?? [];
    if (name === undefined || type === undefined) continue;
    if (type === 'string') {
      // Go encodes a missing string as an empty one.
      if (bytesOf(wire).length > 0) object[name] = textOf(wire);
    } else if (type === 'strings') add(name, textOf(wire));
    else if (type === 'bool') object[name] = numberOf(wire) !== 0;
    else if (type === 'int') object[name] = numberOf(wire);
    else if (type === 'intOrString') object[name] = intOrString(bytesOf(wire));
    else if (type === 'map') {
      const entry = read(bytesOf(wire), { 1: ['key', 'string'], 2: ['value', 'string'] }) as {
        key?: string;
        value?: string;
      };
      object[name] = { ...(object[name] as Json | undefined), [entry.key ?? '']: entry.value ?? '' };
    } else if ('message' in type) object[name] = read(bytesOf(wire), type.message);
    else add(name, read(bytesOf(wire), type.list));
  }
  return object;
};

export const PROTOBUF = 'application/vnd.kubernetes.protobuf';

const MAGIC = Buffer.from('k8s\0');

/**
 * Returns the object in a protobuf body as if it had been sent as JSON. Throws BadRequest if the body is not valid
 * protobuf, or if its kind is not in the tables.
 */
export const readProtobuf = (body: Uint8Array): Json => {
  const bytes = Buffer.from(body);
  if (!bytes.subarray(0, MAGIC.length).equals(MAGIC))
    throw badRequest('provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]');
  const envelope = wires(bytes.subarray(MAGIC.length));
  const part = (field: number): Buffer => {
    const found = envelope.find((wire) => wire.field === field);
    return found ? bytesOf(found) : Buffer.alloc(0);
  };
  const { apiVersion, kind } = read(part(1), { 1: ['apiVersion', 'string'], 2: ['kind', 'string'] }) as {
    apiVersion?: string;
    kind?: string;
  };
  const message = Object.hasOwn(MESSAGES, kind ?? '') ? MESSAGES[kind ?? ''] : undefined;
  if (!message)
    throw badRequest(
      `no kind "${kind ?? ''}" is registered for version "${apiVersion ?? ''}" in protobuf; send it as JSON`,
    );
  return { apiVersion, kind, ...read(part(2), message) };
};
