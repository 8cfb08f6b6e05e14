/** The published forms of the scenario's schema: the JSON Schema for editors, and docs/scenario-reference.md. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { supportedOperations } from '../../../sandbox/eks/service.ts';
import { loadCatalogue } from '../../../sandbox/catalog/index.ts';
import { parseScenario } from '../../../sandbox/build/load.ts';
import { knobs } from '../../../sandbox/scenario/scenario.ts';
import { DOCS_FILE, SCHEMA_FILE, scenarioSchema, schemaText, withTables } from '../../../scripts/scenario-schema.ts';

const SCENARIOS = new URL('../../../sandbox/scenarios', import.meta.url).pathname;
const scenarioFiles = readdirSync(SCENARIOS).filter((file) => file.endsWith('.json'));
const reference = readFileSync(DOCS_FILE, 'utf8');
const guide = readFileSync(new URL('../../../docs/sandbox.md', import.meta.url).pathname, 'utf8');

interface Schema {
  $ref?: string;
  type?: string;
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: boolean | Schema;
  items?: Schema;
  allOf?: Schema[];
  anyOf?: Schema[];
  oneOf?: Schema[];
  enum?: unknown[];
  const?: unknown;
  pattern?: string;
  minimum?: number;
  maximum?: number;
  minItems?: number;
  description?: string;
  definitions?: Record<string, Schema>;
}
const published = JSON.parse(readFileSync(SCHEMA_FILE, 'utf8')) as Schema;
const definitions = published.definitions!;

const typeOf = (value: unknown): string =>
  Array.isArray(value) ? 'array' : Number.isInteger(value) ? 'integer' : typeof value;

/** Returns where a value violates the schema, with the parts of draft 7 that this schema uses. */
const faults = (schema: Schema, value: unknown, path: string): string[] => {
  if (schema.$ref !== undefined) return faults(definitions[schema.$ref.split('/').at(-1)!]!, value, path);
  const found = (schema.allOf ?? []).flatMap((part) => faults(part, value, path));
  const choices = schema.oneOf ?? schema.anyOf;
  if (choices && choices.filter((choice) => faults(choice, value, path).length === 0).length !== 1)
    found.push(`${path} is none of the choices`);
  if (
    schema.type !== undefined &&
    schema.type !== typeOf(value) &&
    !(schema.type === 'number' && typeOf(value) === 'integer')
  )
    return [...found, `${path} is no ${schema.type}`];
  if (schema.enum && !schema.enum.includes(value)) found.push(`${path} is not one of the enum`);
  if (schema.const !== undefined && schema.const !== value) found.push(`${path} is not the constant`);
  if (typeof value === 'string' && schema.pattern !== undefined && !new RegExp(schema.pattern).test(value))
    found.push(`${path} does not match`);
  if (typeof value === 'number' && (value < (schema.minimum ?? -Infinity) || value > (schema.maximum ?? Infinity)))
    found.push(`${path} is out of range`);
  if (Array.isArray(value)) {
    if (value.length < (schema.minItems ?? 0)) found.push(`${path} is too short`);
    return [
      ...found,
      ...value.flatMap((item, index) => (schema.items ? faults(schema.items, item, `${path}[${index}]`) : [])),
    ];
  }
  if (typeof value !== 'object' || value === null) return found;
  const { properties = {}, required = [], additionalProperties: rest } = schema;
  found.push(...required.filter((name) => !(name in value)).map((name) => `${path}.${name} is missing`));
  for (const [name, item] of Object.entries(value)) {
    if (properties[name]) found.push(...faults(properties[name], item, `${path}.${name}`));
    else if (rest === false) found.push(`${path}.${name} is unknown`);
    else if (typeof rest === 'object') found.push(...faults(rest, item, `${path}.${name}`));
  }
  return found;
};

describe('sandbox/scenario.schema.json', () => {
  it('is up to date: run node scripts/scenario-schema.ts', () =>
    expect(readFileSync(SCHEMA_FILE, 'utf8')).toBe(schemaText()));

  it.each(scenarioFiles)('accepts %s', (file) =>
    expect(faults(published, JSON.parse(readFileSync(join(SCENARIOS, file), 'utf8')), '$')).toEqual([]),
  );

  it.each<[string, object, string]>([
    ['an unknown field', { account: [] }, '$.account is unknown'],
    ['an unknown knob', { knobs: { keepIrsaRoles: true } }, '$.knobs.keepIrsaRoles is unknown'],
    ['a knob out of range', { knobs: { addonCreateSeconds: -1 } }, '$.knobs.addonCreateSeconds is out of range'],
    [
      'an invalid choice',
      { knobs: { ownerArnAfterPreserve: 'drop' } },
      '$.knobs.ownerArnAfterPreserve is not one of the enum',
    ],
    ['no accounts', { accounts: [] }, '$.accounts is too short'],
    ['an invalid account id', { accounts: [{ id: '12' }] }, '$.accounts[0].id does not match'],
    [
      'a cluster without a version',
      { accounts: [{ id: '111122223333', clusters: [{ name: 'dev', region: 'eu-west-1' }] }] },
      '$.accounts[0].clusters[0].version is missing',
    ],
    [
      'an RBAC object of an unknown kind',
      {
        accounts: [
          {
            id: '111122223333',
            clusters: [{ name: 'dev', region: 'eu-west-1', version: '1.31', rbac: [{ kind: 'Pod' }] }],
          },
        ],
      },
      '$.accounts[0].clusters[0].rbac[0] is none of the choices',
    ],
  ])('refuses %s, like the sandbox', (_, change, fault) => {
    const scenario = { accounts: [{ id: '111122223333' }], ...change };
    expect(faults(published, scenario, '$')).toEqual([fault]);
    expect(() => parseScenario(scenario, 'test')).toThrow('has a problem');
  });

  it('describes every field for editors', () => {
    const silent = Object.entries({ Scenario: published, ...definitions }).flatMap(([name, { properties = {} }]) =>
      Object.entries(properties)
        .filter(([, field]) => !field.description)
        .map(([field]) => `${name}.${field}`),
    );
    expect(silent).toEqual([]);
    expect(Object.keys(definitions)).toEqual(
      expect.arrayContaining(['Addon', 'Association', 'Cluster', 'Knobs', 'Role']),
    );
  });

  it('requires no field that has a default', () => {
    const wrong = Object.values(scenarioSchema().definitions ?? {}).flatMap((definition) => {
      const { properties = {}, required = [] } = definition as {
        properties?: Record<string, object>;
        required?: string[];
      };
      return required.filter((name) => 'default' in properties[name]!);
    });
    expect(wrong).toEqual([]);
  });
});

describe('docs/scenario-reference.md', () => {
  const rows = new Map(
    reference
      .split('\n')
      .flatMap((line) => (line.startsWith('| `') ? [[line.split('`')[1]!, line.split(' | ')] as const] : [])),
  );

  it('has up-to-date tables: run node scripts/scenario-schema.ts', () => expect(withTables(reference)).toBe(reference));

  it.each(Object.entries(knobs.parse({})))(
    'documents the knob %s with its default %j, the confidence, and the source',
    (name, value) => {
      const [, , standard, meaning, confidence, source] = rows.get(name)!;
      expect(standard).toBe(`\`${JSON.stringify(value)}\``);
      expect(meaning!.length).toBeGreaterThan(20);
      expect(['certain', 'likely', 'unknown', 'placeholder']).toContain(confidence);
      expect(source!.replace(/ \|$/, '').length).toBeGreaterThan(5);
    },
  );
});

describe('docs/sandbox.md', () => {
  it('lists every scenario, every supported EKS operation, and every add-on of the catalogue', () => {
    const missing = [
      ...scenarioFiles.map((file) => `\`${file.replace('.json', '')}\``),
      ...supportedOperations,
      ...loadCatalogue().keys(),
    ].filter((name) => !guide.includes(name));
    expect(missing).toEqual([]);
  });

  it('shows a valid scenario', () => {
    const [, example = ''] = /^```json\n([\s\S]*?)^```$/m.exec(guide) ?? [];
    expect(parseScenario(example, 'docs/sandbox.md').accounts[0]!.clusters[0]!.addons).toHaveLength(2);
  });
});
