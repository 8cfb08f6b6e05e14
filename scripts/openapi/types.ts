/**
 * The TypeScript types of the API's document, for openapi-fetch and similar clients. Below its head, the text is that of
 * openapi-typescript, byte for byte, with which scripts/check-api.sh compares it (ADR 97).
 */
/** The parts of a schema that its type or its comment shows. */
interface Schema extends Commented {
  $ref?: string;
  oneOf?: Schema[];
  anyOf?: Schema[];
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  additionalProperties?: Schema | boolean;
}

/** What a comment shows. */
interface Commented {
  type?: string;
  summary?: string;
  format?: string;
  description?: string;
  default?: unknown;
  example?: unknown;
  const?: unknown;
  enum?: unknown[];
}

interface Media {
  schema: Schema;
  example?: unknown;
}

interface Parameter extends Commented {
  name: string;
  in: string;
  required: boolean;
  schema: Schema;
}

interface Answer {
  description: string;
  headers?: Record<string, Commented & { schema: Schema }>;
  content?: Record<string, Media>;
}

interface Operation extends Commented {
  operationId: string;
  parameters: Parameter[];
  requestBody?: { required: boolean; content: Record<string, Media> };
  responses: Record<string, Answer>;
}

/** The parts of the document that the types show. */
export interface TypedDocument {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Schema> };
}

/** A member of an object type: its name, its type, and what its comment shows. */
interface Member {
  name: string;
  type: string;
  optional?: boolean;
  comment?: Commented | undefined;
}

const INDENT = '    ';
const indented = (text: string): string => text.replaceAll(/\n(?=[^\n])/g, `\n${INDENT}`);
const quoted = (text: string): string => JSON.stringify(text);
const keyOf = (name: string): string => (/^([A-Za-z_$][\w$]*|\d+)$/.test(name) ? name : quoted(name));

/** A value in a comment continues on lines of their own, which the generator indents by its own width. */
const shown = (value: unknown): string =>
  (typeof value === 'string' ? value : JSON.stringify(value, null, 2)).replaceAll('\n', '\n *     ');

/** Returns the comment before a member, with its line end; nothing if there is nothing to show. */
function commentOf(commented: Commented = {}): string {
  const { type, summary, format, enum: values } = commented;
  const tags = (['description', 'default', 'example'] as const).flatMap((tag) =>
    commented[tag] === undefined ? [] : [`@${tag} ${shown(commented[tag])}`],
  );
  const lines = [
    ...(summary === undefined ? [] : [summary]),
    ...(format === undefined ? [] : [`Format: ${format}`]),
    ...tags,
    ...(commented.const === undefined ? [] : ['@constant']),
    ...(values === undefined ? [] : [`@enum {${type ?? 'unknown'}}`]),
  ];
  if (lines.length === 0) return '';
  const text = lines.join('\n * ').replaceAll('*/', '*\\/');
  return text.includes('\n') ? `/**\n * ${text}\n */\n` : `/** ${text} */\n`;
}

/** Returns an object type with these members, and an index signature after them. */
const objectType = (members: readonly Member[], index?: string): string => {
  const lines = members.map(
    ({ name, type, optional, comment }) => `${commentOf(comment)}${keyOf(name)}${optional ? '?' : ''}: ${type};`,
  );
  return `{${indented(['', ...lines, ...(index === undefined ? [] : [`${index};`])].join('\n'))}\n}`;
};

const literals = (values: readonly unknown[]): string => values.map((value) => JSON.stringify(value)).join(' | ');
const unionOf = (schemas: readonly Schema[]): string => [...new Set(schemas.map(typeOf))].join(' | ');

const membersOf = ({ properties = {}, required = [] }: Schema): Member[] =>
  Object.entries(properties).map(([name, property]) => ({
    name,
    type: typeOf(property),
    optional: !required.includes(name),
    comment: property,
  }));

function objectTypeOf(schema: Schema): string {
  const { additionalProperties, properties } = schema;
  const isOpen = additionalProperties === true || typeof additionalProperties === 'object';
  if (properties === undefined && !isOpen) return 'Record<string, never>';
  const value = typeof additionalProperties === 'object' ? typeOf(additionalProperties) : 'unknown';
  return objectType(membersOf(schema), isOpen ? `[key: string]: ${value}` : undefined);
}

/** Returns the type of a schema. Throws an Error for a kind of schema that the document has not had so far. */
function typeOf(schema: Schema): string {
  const { $ref, oneOf, anyOf, type, items, enum: values } = schema;
  if ($ref !== undefined) return `components["schemas"][${quoted($ref.replace('#/components/schemas/', ''))}]`;
  const alternatives = oneOf ?? anyOf;
  if (alternatives) return unionOf(alternatives);
  if (schema.const !== undefined) return literals([schema.const]);
  if (values) return literals(values);
  switch (type) {
    case 'string':
    case 'boolean':
      return type;
    case 'integer':
    case 'number':
      return 'number';
    case 'array': {
      const item = typeOf(items ?? {});
      return item.includes(' | ') && !item.startsWith('{') ? `(${item})[]` : `${item}[]`;
    }
    case 'object':
      return objectTypeOf(schema);
    case undefined:
      return 'unknown';
    default:
      throw new Error(`The types of the API cannot show a schema of the type ${type}.`);
  }
}

const never = (...names: string[]): Member[] => names.map((name) => ({ name, type: 'never', optional: true }));

/** The places of parameters, in the order in which they are shown. */
const PLACES = ['query', 'header', 'path', 'cookie'];

const parametersType = (parameters: readonly Parameter[]): string =>
  objectType(
    PLACES.flatMap((place): Member[] => {
      const here = parameters.filter((parameter) => parameter.in === place);
      if (here.length === 0) return never(place);
      const members = here.map(({ name, required, schema, description }) => ({
        name,
        type: typeOf(schema),
        optional: !required,
        comment: { description },
      }));
      return [{ name: place, type: objectType(members), optional: !here.some(({ required }) => required) }];
    }),
  );

const contentMember = (content: Record<string, Media> | undefined): Member[] =>
  content
    ? [
        {
          name: 'content',
          type: objectType(
            Object.entries(content).map(([name, { schema, example }]) => ({
              name,
              type: typeOf(schema),
              comment: { example },
            })),
          ),
        },
      ]
    : never('content');

const answerMembers = ({ headers = {}, content }: Answer): Member[] => [
  {
    name: 'headers',
    type: objectType(
      Object.entries(headers).map(([name, header]) => ({
        name,
        type: typeOf(header.schema),
        optional: true,
        comment: header,
      })),
      '[name: string]: unknown',
    ),
  },
  ...contentMember(content),
];

const operationType = ({ parameters, requestBody, responses }: Operation): string =>
  objectType([
    { name: 'parameters', type: parametersType(parameters) },
    ...(requestBody
      ? [{ name: 'requestBody', type: objectType(contentMember(requestBody.content)), optional: !requestBody.required }]
      : never('requestBody')),
    {
      name: 'responses',
      type: objectType(
        Object.entries(responses).map(([name, answer]) => ({
          name,
          type: objectType(answerMembers(answer)),
          comment: { description: answer.description },
        })),
      ),
    },
  ]);

const METHODS = ['get', 'put', 'post', 'delete', 'options', 'head', 'patch', 'trace'];

const pathType = (operations: Record<string, Operation>): string =>
  objectType([
    { name: 'parameters', type: parametersType([]) },
    ...METHODS.flatMap((method): Member[] => {
      const operation = operations[method];
      if (!operation) return never(method);
      const { operationId, summary, description } = operation;
      return [{ name: method, type: `operations[${quoted(operationId)}]`, comment: { summary, description } }];
    }),
  ]);

/** As long as that of openapi-typescript, so that the texts can be compared by lines. */
const HEAD = `/**
 * The types of the API of EKS Pod Identity Migrator, generated from docs/openapi.json.
 * Use them with openapi-fetch: docs/api.md, "Generated clients".
 */
`;

/** Returns the text of the declarations for a document. */
export function typesText({ paths, components }: TypedDocument): string {
  const others = ['responses', 'parameters', 'requestBodies', 'headers', 'pathItems'];
  const typed = (name: string, members: readonly Member[]): string => `export interface ${name} ${objectType(members)}`;
  return [
    HEAD,
    typed(
      'paths',
      Object.entries(paths).map(([name, those]) => ({ name, type: pathType(those) })),
    ),
    'export type webhooks = Record<string, never>;',
    typed('components', [
      {
        name: 'schemas',
        type: objectType(
          Object.entries(components.schemas).map(([name, schema]) => ({ name, type: typeOf(schema), comment: schema })),
        ),
      },
      ...others.map((name) => ({ name, type: 'never' })),
    ]),
    'export type $defs = Record<string, never>;',
    typed(
      'operations',
      Object.values(paths)
        .flatMap((those) => METHODS.flatMap((method) => those[method] ?? []))
        .map((operation) => ({ name: operation.operationId, type: operationType(operation) })),
    ),
    '',
  ].join('\n');
}
