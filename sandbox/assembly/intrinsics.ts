/**
 * CloudFormation's intrinsic functions by name, as far as CDK uses them. Source: CloudFormation User Guide, "Intrinsic
 * function reference".
 */
import { isObject, type Json } from '../json.ts';
import { AssemblyError, type Where } from './error.ts';

/** The template that contains a function. */
export interface IntrinsicContext {
  /** Returns the value with all functions in it replaced; `NO_VALUE` for AWS::NoValue. */
  value: (value: unknown, where: Where) => unknown;
  /** The same for values that must be strings. */
  text: (value: unknown, where: Where) => string;
  reference: (logicalId: string, where: Where) => string;
  attribute: (logicalId: string, name: string, where: Where) => string;
  condition: (name: string, where: Where) => boolean;
  imported: (exportName: string, where: Where) => string;
  /** Returns undefined if the parameter does not exist. */
  parameterType: (name: string) => unknown;
  mapping: (name: string) => Json | undefined;
}

type Intrinsic = (given: unknown, where: Where, context: IntrinsicContext) => unknown;

/** The value of AWS::NoValue: its property is removed. */
export const NO_VALUE = Symbol('AWS::NoValue');

/** Returns the position of an entry below `where`. */
export const below = (where: Where, key: string | number): Where => ({
  ...where,
  path: typeof key === 'number' ? `${where.path ?? ''}[${key}]` : where.path ? `${where.path}.${key}` : key,
});

const listOf = (name: string, given: unknown, where: Where): unknown[] => {
  if (!Array.isArray(given)) throw new AssemblyError(`${name} of something that is not a list`, where);
  return given;
};

/** Returns the second argument of a function, which may be a function that returns a list. */
const secondList = (name: string, given: unknown, where: Where, { value }: IntrinsicContext): unknown[] => {
  const resolved = value(given, below(where, 1));
  if (!Array.isArray(resolved)) throw new AssemblyError(`${name} over something that is not a list`, where);
  return resolved as unknown[];
};

const ref: Intrinsic = (given, where, { text, reference, parameterType }) => {
  const target = text(given, where);
  if (target === 'AWS::NoValue') return NO_VALUE;
  const value = reference(target, where);
  return parameterType(target) === 'CommaDelimitedList' ? value.split(',').map((part) => part.trim()) : value;
};

const getAtt: Intrinsic = (given, where, { text, attribute }) => {
  const [logicalId = '', ...name] =
    typeof given === 'string' ? given.split('.') : listOf('Fn::GetAtt', given, where).map((part) => text(part, where));
  return attribute(logicalId, name.join('.'), where);
};

const join: Intrinsic = (given, where, context) => {
  const [separator, parts] = listOf('Fn::Join', given, where);
  return secondList('Fn::Join', parts, where, context)
    .map((part, index) => context.text(part, below(below(where, 1), index)))
    .join(context.text(separator, below(where, 0)));
};

const substitute: Intrinsic = (given, where, { text: textOf, reference, attribute }) => {
  const [text, own] = Array.isArray(given) ? (given as unknown[]) : [given];
  if (typeof text !== 'string') throw new AssemblyError('Fn::Sub of something that is not a string', where);
  const values = isObject(own) ? own : {};
  return text.replace(/\$\{([^}]+)\}/g, (_, name: string) => {
    if (name.startsWith('!')) return `\${${name.slice(1)}}`;
    if (Object.hasOwn(values, name)) return textOf(values[name], below(where, name));
    const [logicalId = '', ...rest] = name.split('.');
    return rest.length === 0 ? reference(name, where) : attribute(logicalId, rest.join('.'), where);
  });
};

const select: Intrinsic = (given, where, context) => {
  const [index, parts] = listOf('Fn::Select', given, where);
  const list = secondList('Fn::Select', parts, where, context);
  const chosen = list[Number(context.text(index, below(where, 0)))];
  if (chosen === undefined) throw new AssemblyError('Fn::Select of an entry that does not exist', where);
  return chosen;
};

const split: Intrinsic = (given, where, { text: textOf }) => {
  const [separator, text] = listOf('Fn::Split', given, where);
  return textOf(text, below(where, 1)).split(textOf(separator, below(where, 0)));
};

const findInMap: Intrinsic = (given, where, { text, mapping }) => {
  const [map = '', first = '', second = ''] = listOf('Fn::FindInMap', given, where).map((part, index) =>
    text(part, below(where, index)),
  );
  const found = mapping(map)?.[first];
  if (!isObject(found) || found[second] === undefined)
    throw new AssemblyError(`Fn::FindInMap of ${map}.${first}.${second}, which does not exist`, where);
  return found[second];
};

const choose: Intrinsic = (given, where, { value, text, condition }) => {
  const [name, whenTrue, whenFalse] = listOf('Fn::If', given, where);
  const index = condition(text(name, below(where, 0)), where) ? 1 : 2;
  return value(index === 1 ? whenTrue : whenFalse, below(where, index));
};

const equals: Intrinsic = (given, where, { value }) => {
  const [left, right] = listOf('Fn::Equals', given, where).map((part, index) => value(part, below(where, index)));
  return JSON.stringify(left) === JSON.stringify(right);
};

export const INTRINSICS: Readonly<Record<string, Intrinsic>> = {
  Ref: ref,
  'Fn::GetAtt': getAtt,
  'Fn::Join': join,
  'Fn::Sub': substitute,
  'Fn::Select': select,
  'Fn::Split': split,
  'Fn::ImportValue': (given, where, { text, imported }) => imported(text(given, where), where),
  'Fn::FindInMap': findInMap,
  'Fn::Base64': (given, where, { text }) => Buffer.from(text(given, where)).toString('base64'),
  'Fn::If': choose,
  'Fn::Equals': equals,
  'Fn::And': (given, where, { value }) =>
    listOf('Fn::And', given, where).every((part, index) => value(part, below(where, index)) === true),
  'Fn::Or': (given, where, { value }) =>
    listOf('Fn::Or', given, where).some((part, index) => value(part, below(where, index)) === true),
  'Fn::Not': (given, where, { value }) => value(listOf('Fn::Not', given, where)[0], below(where, 0)) !== true,
  Condition: (given, where, { text, condition }) => condition(text(given, where), where),
};
