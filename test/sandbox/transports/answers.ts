/** Responses as they are on the wire, compared with the schemas in the SDKs. */
import { NormalizedSchema } from '@smithy/core/schema';
import type { SchemaRef } from '@smithy/types';
import { requiredMembers } from '../../../sandbox/shapes.ts';
import type { Schema } from '../../../sandbox/eks/model.ts';
import { outputFaults } from '../../../sandbox/eks/wire.ts';
import type { HttpResponse } from '../../../sandbox/http.ts';

/** The output schema of an operation, by the module of its client. */
const outputSchema = (sdk: object, operation: string): Schema => {
  const [, , , , , output] = (
    sdk as unknown as Record<string, [number, string, string, unknown, unknown, () => SchemaRef]>
  )[`${operation}$`]!;
  return NormalizedSchema.of(output());
};

interface Element {
  name: string;
  children: Element[];
  text: string;
}

const ENTITIES: Record<string, string> = { '&amp;': '&', '&lt;': '<', '&gt;': '>', '&quot;': '"' };

const parseXml = (xml: string): Element => {
  const root: Element = { name: '', children: [], text: '' };
  const open = [root];
  for (const [, end, name, text] of xml.matchAll(/<(\/?)(\w+)[^>]*>|([^<]+)/g)) {
    const inner = open.at(-1)!;
    if (text !== undefined) inner.text += text.replaceAll(/&\w+;/g, (entity) => ENTITIES[entity] ?? entity);
    else if (end === '/') open.pop();
    else {
      const element = { name: name!, children: [], text: '' };
      inner.children.push(element);
      open.push(element);
    }
  }
  return root;
};

/** An element in the form of the JSON protocols; a value of the wrong type stays text. */
const valueOf = (schema: Schema | undefined, { children, text }: Element): unknown => {
  if (schema?.isStructSchema()) {
    const members = new Map(schema.structIterator());
    return Object.fromEntries(children.map((child) => [child.name, valueOf(members.get(child.name), child)]));
  }
  if (schema?.isListSchema())
    return children.map((child) => (child.name === 'member' ? valueOf(schema.getValueSchema(), child) : child.name));
  if (schema?.isTimestampSchema())
    return /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(text) ? Date.parse(text) / 1000 : text;
  if (schema?.isNumericSchema()) return /^\d+$/.test(text) ? Number(text) : text;
  if (schema?.isBooleanSchema()) return text === 'true' || text === 'false' ? text === 'true' : text;
  return text;
};

const missing = (schema: Schema, value: unknown, path: string): string[] => {
  if (value === undefined || value === null) return [];
  if (schema.isListSchema())
    return (value as unknown[]).flatMap((item, index) => missing(schema.getValueSchema(), item, `${path}[${index}]`));
  if (!schema.isStructSchema()) return [];
  const members = value as Record<string, unknown>;
  const absent = requiredMembers(schema).filter((name) => members[name] === undefined);
  const inner = [...schema.structIterator()].flatMap(([name, member]) =>
    missing(member, members[name], `${path}.${name}`),
  );
  return [...absent.map((name) => `${path}.${name} is missing`), ...inner];
};

/** Returns every deviation of a response from the API's model: members, types, missing values. */
export const faultsOf = (sdk: object, operation: string, response: HttpResponse): string[] => {
  const schema = outputSchema(sdk, operation);
  const text = String(response.body);
  let value: unknown;
  if (response.headers['content-type'] === 'text/xml') {
    const result = parseXml(text).children[0]?.children.find(({ name }) => name === `${operation}Result`);
    value = result ? valueOf(schema, result) : {};
  } else value = text === '' ? {} : (JSON.parse(text) as unknown);
  return [...outputFaults(schema, value), ...missing(schema, value, operation)];
};
