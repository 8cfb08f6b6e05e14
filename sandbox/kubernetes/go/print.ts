/** Prints values as Go's `fmt` does in the API server's messages. */
import { isObject } from '../../json.ts';
import { basicType, fieldsOfStruct, typeName } from './types.ts';
import type { GoField } from './types.ts';

/** Prints a string like `%q`. */
export const quoted = (text: string): string =>
  JSON.stringify(text)
    .replaceAll(/\\u00([01][0-9a-f])/g, (_, code: string) =>
      code === '07' ? String.raw`\a` : code === '0b' ? String.raw`\v` : `\\x${code}`,
    )
    .replaceAll('\\b', String.raw`\b`);

/** Prints a decoded document like `%+v`: `map[spec:map[replicas:2]]`. */
export const plain = (value: unknown): string => {
  if (Array.isArray(value)) return `[${value.map(plain).join(' ')}]`;
  if (isObject(value)) {
    const keys = Object.keys(value).toSorted();
    return `map[${keys.map((key) => `${key}:${plain(value[key])}`).join(' ')}]`;
  }
  return value === null ? '<nil>' : typeof value === 'string' ? value : JSON.stringify(value);
};

const capital = (name: string): string =>
  name.replace(/^api(?=[A-Z])/, 'API').replace(/^./, (first) => first.toUpperCase());

/** Packages of the API server's internal types; the others are in one that is called v1. */
const PACKAGES: Record<string, string> = {
  NonResourceAttributes: 'authorization',
  RoleRef: 'rbac',
  PodDisruptionBudgetSpec: 'policy',
  UnhealthyPodEvictionPolicyType: 'policy',
  DeploymentStrategy: 'apps',
  DaemonSetUpdateStrategy: 'apps',
  StatefulSetUpdateStrategy: 'apps',
  RollingUpdateStatefulSetStrategy: 'apps',
};
const internalName = (type: string): string =>
  PACKAGES[type] === undefined ? typeName(type) : `${PACKAGES[type]}.${type}`;

/** Fields that are pointers in the API's types but not in the internal ones. */
const VALUES = new Set(['RollingUpdateStatefulSetStrategy.partition']);
const isPointer = (type: string, { name, pointer }: GoField): boolean => pointer && !VALUES.has(`${type}.${name}`);

/** A pointer as Go prints it; its value is different in each process. */
const POINTER = '0xc000a1b2c0';

/** Prints a value of one of the API's types like `%#v`. */
export const sharp = (value: unknown, type: string, pointer = false): string => {
  if (pointer) return value === undefined ? `(*${internalName(type)})(nil)` : `(*${internalName(type)})(${POINTER})`;
  if (type.startsWith('[]')) {
    const name = `[]${internalName(type.slice(2))}`;
    if (!Array.isArray(value)) return `${name}(nil)`;
    return `${name}{${value.map((item) => sharp(item, type.slice(2))).join(', ')}}`;
  }
  if (type.startsWith('map:')) {
    const name = `map[string]${internalName(type.slice(4))}`;
    if (!isObject(value)) return `${name}(nil)`;
    const entries = Object.keys(value)
      .toSorted()
      .map((key) => `${quoted(key)}:${sharp(value[key], type.slice(4))}`);
    return `${name}{${entries.join(', ')}}`;
  }
  if (type === 'intOrString') {
    const [kind, number, text] = typeof value === 'string' ? [1, 0, value] : [0, Number(value ?? 0), ''];
    return `intstr.IntOrString{Type:${kind}, IntVal:${number}, StrVal:${quoted(text)}}`;
  }
  const fields = fieldsOfStruct(type);
  if (fields) {
    const object = isObject(value) ? value : {};
    const parts = [...fields.values()].map(
      (field) => `${capital(field.name)}:${sharp(object[field.name], field.type, isPointer(type, field))}`,
    );
    return `${internalName(type)}{${parts.join(', ')}}`;
  }
  if (basicType(type) === 'string') return quoted(typeof value === 'string' ? value : '');
  return JSON.stringify(value ?? (basicType(type) === 'bool' ? false : 0));
};

/** Prints a value of one of the API's types as JSON of Go's internal type, whose fields have no JSON names. */
export const internalJson = (value: unknown, type: string): string => {
  const structured = (each: unknown, of: string, pointer: boolean): unknown => {
    if (each === undefined && pointer) return null;
    if (of === 'LabelSelector') return each ?? null;
    if (of.startsWith('[]'))
      return Array.isArray(each) ? each.map((item) => structured(item, of.slice(2), false)) : null;
    if (of.startsWith('map:')) return each ?? null;
    if (of === 'intOrString') return each ?? 0;
    const fields = fieldsOfStruct(of);
    if (fields) {
      const object = isObject(each) ? each : {};
      return Object.fromEntries(
        [...fields.values()].map((field) => [
          capital(field.name),
          structured(object[field.name], field.type, isPointer(of, field)),
        ]),
      );
    }
    return each ?? (basicType(of) === 'string' ? '' : basicType(of) === 'bool' ? false : 0);
  };
  return JSON.stringify(structured(value, type, false));
};
