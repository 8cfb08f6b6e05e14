/**
 * Generates the properties of the constructs, as the package's declarations have them, from the schema of the settings
 * (lib/settings.ts), so that they can be read, and do not depend on zod. `node scripts/settings-types.ts` writes them to
 * dist/settings-types.d.ts, of which the compiler checks that its types are those of the schema
 * (test/lib/settings-types.test.ts): `npm run types` and `npm run lint` begin with it.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { configurationSchema } from './configuration.ts';
import { isSchema, propertiesOf, type Schema } from './schema-tables.ts';

const TYPES_FILE = join(import.meta.dirname, '..', 'dist', 'settings-types.d.ts');

/** Setting of the file that is not a property: it only names the schema, for editors. */
const ONLY_IN_FILES = '$schema';
const WIDTH = 120;
/** Length of a union that fits into a line with its indentation and name. */
const MOST_UNION = 90;

/** Returns the text in lines that fit into a comment with the indentation. */
function wrapped(text: string, indentation: string): string[] {
  const most = WIDTH - indentation.length - 3;
  return text.split(' ').reduce<string[]>((lines, word) => {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= most) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
    return lines;
  }, []);
}

function commentOf({ description, default: standard }: Schema, indentation: string): string[] {
  const isSimple = standard !== undefined && !['{}', '[]'].includes(JSON.stringify(standard));
  const text = [description ?? [], isSimple ? `Default: \`${JSON.stringify(standard)}\`.` : []].flat().join(' ');
  if (text === '') return [];
  const whole = `${indentation}/** ${text} */`;
  return whole.length <= WIDTH
    ? [whole]
    : [
        `${indentation}/**`,
        ...wrapped(text, indentation).map((line) => `${indentation} * ${line}`),
        `${indentation} */`,
      ];
}

const quoted = (value: unknown): string =>
  typeof value === 'string' ? `'${value.replaceAll(/['\\]/g, String.raw`\$&`)}'` : JSON.stringify(value);

/** Returns a union in one line, or in a line for each part if there are many, as the formatter writes it. */
const unionOf = (parts: readonly string[], indentation: string): string => {
  const line = parts.join(' | ');
  return line.length <= MOST_UNION ? line : parts.map((part) => `\n${indentation}  | ${part}`).join('');
};

/** Returns the TypeScript type of values that are valid. Throws an `Error` for a schema of another kind. */
function typeOf(schema: Schema, indentation: string): string {
  if (schema.enum) return unionOf(schema.enum.map(quoted), indentation);
  if (schema.const !== undefined) return quoted(schema.const);
  const options = schema.anyOf ?? schema.oneOf;
  if (options) return options.map((option) => typeOf(option, indentation)).join(' | ');
  const { type } = schema;
  if (type === 'array') {
    const item = isSchema(schema.items) ? typeOf(schema.items, indentation) : 'unknown';
    if (item.startsWith('{') || /^[\w.]+$/.test(item)) return `${item}[]`;
    return item.startsWith('\n') ? `(${item}\n${indentation})[]` : `(${item})[]`;
  }
  if (schema.properties) return `{\n${membersOf(schema, `${indentation}  `).join('\n')}\n${indentation}}`;
  if (type === 'object' && isSchema(schema.additionalProperties))
    return `Record<string, ${typeOf(schema.additionalProperties, indentation)}>`;
  if (type === 'integer') return 'number';
  if (type === 'string' || type === 'number' || type === 'boolean') return type;
  throw new Error(`scripts/settings-types.ts has no type for ${JSON.stringify(schema)}. Add it there.`);
}

const membersOf = (schema: Schema, indentation: string): string[] =>
  propertiesOf(schema)
    .filter(([name]) => name !== ONLY_IN_FILES)
    .flatMap(([name, field]) => {
      const type = typeOf(field, indentation);
      const optional = schema.required?.includes(name) === true ? '' : '?';
      return [
        ...commentOf(field, indentation),
        `${indentation}${name}${optional}:${type.startsWith('\n') ? type : ` ${type}`};`,
      ];
    });

/** Returns the text of the declarations. */
export const settingsTypes = (): string =>
  `${[
    '/**',
    ' * The settings of a deployment, as in its configuration file (docs/configuration.md). Where a setting names another',
    ' * resource (`alarmTopicArn`, `customerKey`, `network`, `notifications.topicArn`, `permissionsBoundaryArn`), its value',
    ' * may be an attribute of that resource, such as `topic.topicArn`.',
    ' */',
    'export interface MigratorSettings {',
    ...membersOf(configurationSchema(), '  '),
    '}',
  ].join('\n')}\n`;

if (import.meta.main) {
  mkdirSync(dirname(TYPES_FILE), { recursive: true });
  writeFileSync(TYPES_FILE, settingsTypes());
  console.log('Wrote dist/settings-types.d.ts.');
}
