/** What a container's spec shows of the value of an environment variable. */
import type { Container } from '../kubernetes/objects.ts';
import { CREDENTIAL_VARIABLES, type CredentialVariable, type Sdk, type VariableName } from './credential-variables.ts';

/**
 * `hidden`: the value is in another object, or refers to one. `mayBeAbsent`: the variable is then not set if that object
 * does not exist.
 */
export type Shown = { is: 'absent' } | { is: 'value'; value: string } | { is: 'hidden'; mayBeAbsent: boolean };

const ABSENT: Shown = { is: 'absent' };
const hidden = (mayBeAbsent: boolean): Shown => ({ is: 'hidden', mayBeAbsent });

/**
 * Replaces the references `$(NAME)` of a value, as the kubelet does: by variables that precede it, while `$$` is an escaped
 * dollar sign. Returns `undefined` if a value is not in the spec; an unknown name may be that of a service's variable.
 * Source: Kubernetes documentation, "Define Dependent Environment Variables".
 */
function expanded(value: string, name: string, { env, repeatedEnv = {} }: Container): string | undefined {
  if (!value.includes('$')) return value;
  const names = Object.keys(env);
  const preceding = new Set(names.slice(0, names.indexOf(name)));
  let isKnown = true;
  const text = value.replaceAll(/\$\$|\$\(([^()]+)\)/g, (reference, referred: string | undefined) => {
    if (referred === undefined) return '$';
    const found = env[referred];
    if (preceding.has(referred) && found !== undefined && !found.includes('$') && !Object.hasOwn(repeatedEnv, referred))
      return found;
    isKnown = false;
    return reference;
  });
  return isKnown ? text : undefined;
}

/** Returns what the container's own list of variables shows; what `envFrom` adds is not included. */
export function shownValue(container: Container, name: VariableName): Shown {
  const { env, optionalEnv = [], repeatedEnv = {} } = container;
  if (!Object.hasOwn(env, name)) return ABSENT;
  const value = env[name];
  if (value !== undefined) {
    const text = expanded(value, name, container);
    return text === undefined ? hidden(false) : { is: 'value', value: text };
  }
  if (!optionalEnv.includes(name)) return hidden(false);
  // The value before it stays if the object does not exist.
  const before = (repeatedEnv[name] ?? []).at(-1);
  return hidden(before === undefined || before === '');
}

export type Answer = 'yes' | 'no' | 'maybe';

/** Returns whether an SDK finds a variable set. A required value from another object counts as set. */
export function isSetFor(sdk: Sdk, container: Container, name: VariableName): Answer {
  const { effects, emptyIsValue }: CredentialVariable = CREDENTIAL_VARIABLES[name];
  if (effects[sdk] === undefined) return 'no';
  const shown = shownValue(container, name);
  if (shown.is === 'absent') return 'no';
  if (shown.is === 'hidden') return shown.mayBeAbsent ? 'maybe' : 'yes';
  return shown.value !== '' || emptyIsValue.includes(sdk) ? 'yes' : 'no';
}

/** Returns whether the value, if any, comes from an optional Secret or ConfigMap alone, as the EBS CSI driver's keys do. */
export const isOptional = ({ env, optionalEnv = [], repeatedEnv = {} }: Container, name: VariableName): boolean =>
  Object.hasOwn(env, name) &&
  env[name] === undefined &&
  optionalEnv.includes(name) &&
  !Object.hasOwn(repeatedEnv, name);
