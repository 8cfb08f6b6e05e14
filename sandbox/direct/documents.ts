/**
 * Handles commands of the SDK's document client: converts plain values to attribute values and back where the command
 * declares them.
 */
import { hostOf } from '../../lambdas/domain/aws/partitions.ts';
import type { HttpRequest } from '../http.ts';
import { isObject, type Json } from '../json.ts';
import { type AttributeValue, fromAttributeValue, toAttributeValue } from './attribute-values.ts';

/**
 * The positions of attribute values in an input or output: `null` means here, an empty list or object means in each
 * member, `*` means below each member, other names mean below those members.
 */
type KeyNodes = { [name: string]: KeyNodes } | [] | null;

export interface DocumentCommand {
  input: Json;
  /** The underlying command of the plain client. */
  clientCommand: object;
  inputKeyNodes: KeyNodes;
  outputKeyNodes: KeyNodes;
}

export const isDocumentCommand = (command: object): command is DocumentCommand =>
  'clientCommand' in command && 'inputKeyNodes' in command;

type Convert = (value: unknown) => unknown;

const convertEach = (value: Json | unknown[], convert: Convert): Json | unknown[] => {
  if (Array.isArray(value)) return value.map(convert);
  const converted: Json = {};
  for (const name of Object.keys(value)) if (value[name] !== undefined) converted[name] = convert(value[name]);
  return converted;
};

const convertAt = (value: unknown, nodes: KeyNodes, convert: Convert): unknown => {
  if (value === undefined) return undefined;
  if (nodes === null) return convert(value);
  if (!isObject(value) && !Array.isArray(value)) return value;
  const below = nodes as Record<string, KeyNodes>;
  const names = Object.keys(below);
  if (names.length === 0) return convertEach(value, convert);
  const [only] = names;
  if (names.length === 1 && only === '*')
    return convertEach(value, (inner) => convertAt(inner, below['*'] ?? null, convert));
  const converted: Json = {};
  for (const name of Object.keys(value)) {
    const inner = (value as Json)[name];
    const at = below[name];
    if (inner !== undefined) converted[name] = at === undefined ? inner : convertAt(inner, at, convert);
  }
  return converted;
};

const NO_BODY = new Uint8Array();

/** Returns the document client's request as data. `operation` is the name of the plain client's command. */
export const documentRequest = (
  { input, inputKeyNodes }: DocumentCommand,
  operation: string,
  region: string,
): HttpRequest => ({
  method: 'POST',
  host: hostOf('dynamodb', region),
  path: '/',
  query: {},
  headers: { 'content-type': 'application/x-amz-json-1.0', 'x-amz-target': `DynamoDB_20120810.${operation}` },
  body: NO_BODY,
  content: convertAt(input, inputKeyNodes, toAttributeValue) as Json,
});

/** Converts the plain client's output to the document client's. */
export const documentOutput = ({ outputKeyNodes }: DocumentCommand, output: Json): Json =>
  convertAt(output, outputKeyNodes, (value) => fromAttributeValue(value as AttributeValue)) as Json;
