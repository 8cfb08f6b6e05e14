/**
 * Recognizes requests of the form that the service's own ledger makes. dynalite's checks, which take several times as
 * long as the operations, would accept these requests and produce the same result. Any doubtful request is not
 * well-formed and goes through those checks.
 */
import conditionParser from 'dynalite/db/conditionParser.js';
import updateParser from 'dynalite/db/updateParser.js';
import { convertKeyCondition, validateConditions } from 'dynalite/validations/index.js';
import { isObject, type Json } from '../json.ts';
import { type Build, type ExpressionContext, inPlace, type Recall, remembering } from './expressions.ts';
import { bytesAtMost, MAX_ITEM_BYTES } from './sizes.ts';

const conditions = remembering(conditionParser);
const updates = remembering(updateParser);
// dynalite's validations access the parsers' `parse` at each call, so it can be replaced.
conditionParser.parse = conditions.parse;
updateParser.parse = updates.parse;

type Test = (value: unknown) => boolean;

const isText: Test = (value) => typeof value === 'string';
const isBoolean: Test = (value) => typeof value === 'boolean';
const isName: Test = (value) => typeof value === 'string' && /^[\w.-]{3,255}$/.test(value);
const isExpression: Test = (value) => typeof value === 'string' && value !== '';
/** Numbers as DynamoDB writes them, well within its range. */
const NUMBER = /^(?:0|-?(?:[1-9]\d{0,14})(?:\.\d{0,9}[1-9])?)$/;
const isNumber: Test = (value) => typeof value === 'string' && NUMBER.test(value);
const isSetOf =
  (test: Test): Test =>
  (value) =>
    Array.isArray(value) && value.length > 0 && value.every(test) && new Set(value).size === value.length;

const TYPES: Record<string, Test> = {
  S: isText,
  N: isNumber,
  BOOL: isBoolean,
  NULL: (value) => value === true,
  L: (value) => Array.isArray(value) && value.every(isAttributeValue),
  M: (value) => isObject(value) && areAttributeValues(value),
  SS: isSetOf(isText),
  NS: isSetOf(isNumber),
};

function isAttributeValue(value: unknown): boolean {
  if (!isObject(value)) return false;
  const [type, ...others] = Object.keys(value);
  return type !== undefined && others.length === 0 && TYPES[type]?.(value[type]) === true;
}
function areAttributeValues(values: Json): boolean {
  for (const name in values) if (!isAttributeValue(values[name])) return false;
  return true;
}

const isItem: Test = (value) => isObject(value) && areAttributeValues(value);
const isFilled = (value: unknown): value is Json => isObject(value) && Object.keys(value).length > 0;

const EXPRESSIONS = {
  ExpressionAttributeNames: (value: unknown) =>
    isFilled(value) && Object.entries(value).every(([name, attribute]) => /^#\w+$/.test(name) && isText(attribute)),
  ExpressionAttributeValues: (value: unknown) =>
    isFilled(value) &&
    Object.entries(value).every(([name, attributeValue]) => /^:\w+$/.test(name) && isAttributeValue(attributeValue)),
};
const CONDITION = {
  ConditionExpression: isExpression,
  ReturnValuesOnConditionCheckFailure: (value: unknown) => value === 'ALL_OLD' || value === 'NONE',
  ...EXPRESSIONS,
};

/** The allowed members of each operation's input, and the test of each. */
const MEMBERS: Record<string, Record<string, Test>> = {
  GetItem: { TableName: isName, Key: isItem, ConsistentRead: isBoolean },
  DeleteItem: { TableName: isName, Key: isItem, ...CONDITION },
  PutItem: { TableName: isName, Item: isItem, ...CONDITION },
  UpdateItem: {
    TableName: isName,
    Key: isItem,
    UpdateExpression: isExpression,
    ReturnValues: (value) => value === 'ALL_NEW' || value === 'NONE',
    ...CONDITION,
  },
  Query: {
    TableName: isName,
    IndexName: isName,
    KeyConditionExpression: isExpression,
    FilterExpression: isExpression,
    ExclusiveStartKey: isItem,
    ConsistentRead: isBoolean,
    ScanIndexForward: isBoolean,
    Limit: (value) => Number.isInteger(value) && Number(value) > 0,
    ...EXPRESSIONS,
  },
};
const REQUIRED: Record<string, readonly string[]> = {
  GetItem: ['TableName', 'Key'],
  DeleteItem: ['TableName', 'Key'],
  PutItem: ['TableName', 'Item'],
  UpdateItem: ['TableName', 'Key', 'UpdateExpression'],
  Query: ['TableName', 'KeyConditionExpression'],
};

/** In dynalite's order: the member, the name of its parsed form in dynalite's checks, and its parser. */
const PARSED: readonly [member: string, as: string, recall: Recall, isKeyCondition: boolean][] = [
  ['UpdateExpression', '_updates', updates.recall, false],
  ['ConditionExpression', '_condition', conditions.recall, false],
  ['KeyConditionExpression', '_keyCondition', conditions.recall, true],
  ['FilterExpression', '_filter', conditions.recall, true],
];

const trues = (names: object | undefined): Record<string, true> =>
  Object.fromEntries(Object.keys(names ?? {}).map((name) => [name, true]));
const isEmpty = (value: object): boolean => Object.keys(value).length === 0;

type Builds = readonly (readonly [as: string, build: Build])[];

/**
 * Returns how to build the parsed expressions; undefined if an expression is not cached, or if they do not use all names
 * and values.
 */
const recalled = (input: Json, names: Json | undefined, values: Json | undefined): Builds | undefined => {
  const context: ExpressionContext = {
    ...(names ? { attrNames: names as Record<string, string> } : {}),
    ...(values ? { attrVals: values as Record<string, Json> } : {}),
    unusedAttrNames: trues(names),
    unusedAttrVals: trues(values),
  };
  const builds: [string, Build][] = [];
  for (const [member, as, recall, isKeyCondition] of PARSED) {
    const text = input[member];
    if (typeof text !== 'string') continue;
    if (isKeyCondition) context.isKeyCondition = true;
    const build = recall(text, context);
    if (!build) return undefined;
    builds.push([as, build]);
  }
  return isEmpty(context.unusedAttrNames) && isEmpty(context.unusedAttrVals) ? builds : undefined;
};

/** A request's form: its expressions, its names, and the types of its values, in their order. The parsed expressions depend on both. */
interface Form {
  texts: readonly unknown[];
  names: readonly string[];
  types: readonly string[];
  builds: Builds;
  /** The same for a request that is answered at once, made when the form occurs again. */
  quick?: QuickForm;
}

/** How to fill the parsed expressions, and a query's key conditions; undefined if dynalite would refuse the conditions. */
interface QuickForm {
  builds: Builds;
  keyConditions: Build | undefined;
}
/** By the first expression. */
const forms = new Map<unknown, Form[]>();
/** Far more than a ledger has; see `expressions.ts`. */
const MOST_TEXTS = 1000;
const MOST_FORMS = 16;

const typeOf = (value: unknown): string => {
  for (const type in value as Json) return type;
  return '';
};

/** Returns whether an object has exactly these keys and values, in this order. */
const hasEntries = (
  value: Json | undefined,
  entries: readonly string[],
  textOf: (inner: unknown) => unknown,
): boolean => {
  let at = 0;
  for (const name in value) {
    if (entries[at] !== name || entries[at + 1] !== textOf(value[name])) return false;
    at += 2;
  }
  return at === entries.length;
};
const entriesOf = (value: Json | undefined, textOf: (inner: unknown) => unknown): string[] =>
  Object.entries(value ?? {}).flatMap(([name, inner]) => [name, String(textOf(inner))]);
const itself = (inner: unknown): unknown => inner;

const expressionsOf = (input: Json): Pick<Form, 'texts'> & { names?: Json; values?: Json } => ({
  texts: [
    input['UpdateExpression'],
    input['ConditionExpression'],
    input['KeyConditionExpression'],
    input['FilterExpression'],
  ],
  names: input['ExpressionAttributeNames'] as Json,
  values: input['ExpressionAttributeValues'] as Json,
});

const isOfForm = (form: Form, { texts, names, values }: ReturnType<typeof expressionsOf>): boolean => {
  for (let at = 0; at < texts.length; at += 1) if (form.texts[at] !== texts[at]) return false;
  return hasEntries(names, form.names, itself) && hasEntries(values, form.types, typeOf);
};

/** Returns the form of a request's expressions; undefined if they cannot be recalled. */
const formOf = (input: Json): Form | undefined => {
  const expressions = expressionsOf(input);
  const { texts, names, values } = expressions;
  const first = texts.find((text) => text !== undefined);
  // Names and values without an expression are refused.
  if (first === undefined) return names || values ? undefined : NO_EXPRESSIONS;
  const known = forms.get(first);
  for (const form of known ?? []) if (isOfForm(form, expressions)) return form;
  const builds = recalled(input, names, values);
  if (!builds) return undefined;
  const form = { texts, names: entriesOf(names, itself), types: entriesOf(values, typeOf), builds };
  if (forms.size < MOST_TEXTS && (known ?? []).length < MOST_FORMS) forms.set(first, [...(known ?? []), form]);
  return form;
};
const NO_EXPRESSIONS: Form = { texts: [], names: [], types: [], builds: [] };

const converted = (parsed: unknown): object | string =>
  convertKeyCondition((parsed as { expression: unknown }).expression);

/** Returns a query's key conditions; undefined if dynalite would refuse them. */
const keyConditionsOf = (parsed: unknown): Json | undefined => {
  const found = converted(parsed);
  if (!isObject(found) || validateConditions(found) !== undefined) return undefined;
  const { length } = Object.keys(found);
  return length === 1 || length === 2 ? found : undefined;
};

/** dynalite's checks of key conditions depend on their form alone, since the values are known to be well-formed. */
const quickFormOf = ({ builds, types }: Form, values: ExpressionContext['attrVals']): QuickForm => {
  const names = types.filter((_, index) => index % 2 === 0);
  const keyCondition = builds.find(([as]) => as === '_keyCondition')?.[1];
  const isAccepted = keyCondition && keyConditionsOf(keyCondition(values)) !== undefined;
  return {
    builds: builds.map(([as, build]) => [as, inPlace(build, names)]),
    keyConditions: isAccepted ? inPlace((given) => converted(keyCondition(given)), names) : undefined,
  };
};

/**
 * Returns the result of dynalite's checks of the input, copying the objects that an action may change; undefined if it
 * is not certain that they would accept it. `isQuick`: the result is used before the next call, and its expressions are
 * not changed.
 */
export const wellFormed = (operation: string, input: Json, isQuick = false): Json | undefined => {
  const members = MEMBERS[operation];
  if (!members) return undefined;
  for (const name in input) if (members[name]?.(input[name]) !== true) return undefined;
  if (REQUIRED[operation]?.some((name) => input[name] === undefined)) return undefined;
  const { Key: key, Item: item } = input;
  if (isObject(item) && bytesAtMost(item) > MAX_ITEM_BYTES) return undefined;
  const form = formOf(input);
  if (!form) return undefined;
  const checked: Json = { ...input };
  if (isObject(key)) checked['Key'] = { ...key };
  const values = input['ExpressionAttributeValues'] as ExpressionContext['attrVals'];
  const quick = isQuick ? (form.quick ??= quickFormOf(form, values)) : undefined;
  for (const [as, build] of (quick ?? form).builds) checked[as] = build(values);
  if (operation !== 'Query') return checked;
  const found = quick ? quick.keyConditions?.(values) : keyConditionsOf(checked['_keyCondition']);
  if (found === undefined) return undefined;
  checked['KeyConditions'] = found;
  return checked;
};
