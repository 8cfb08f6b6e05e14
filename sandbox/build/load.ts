/** Reads scenario files. Each problem is reported with the file, the path inside it, and what to do. */
import { readFile } from 'node:fs/promises';
import type { z } from 'zod';
import { parseJson } from '../../lambdas/domain/text/json.ts';
import { catalogueWith } from './recorded-catalogue.ts';
import { checkScenario } from './scenario-checks.ts';
import type { ScenarioProblem } from './scenario-problems.ts';
import { scenario as scenarioSchema, type Scenario } from '../scenario/scenario.ts';

export { buildWorld } from './build.ts';

/** An invalid scenario; the message is written for the author of the file. */
export class ScenarioError extends Error {
  override readonly name = 'ScenarioError';
  readonly problems: ScenarioProblem[];
  constructor(message: string, problems: ScenarioProblem[] = [], options?: ErrorOptions) {
    super(message, options);
    this.problems = problems;
  }
}

/** Formats a path as in JavaScript: accounts[0].clusters[0].name. */
export const formatPath = (path: readonly PropertyKey[]): string =>
  path.reduce<string>(
    (text, part) => (typeof part === 'number' ? `${text}[${part}]` : `${text}${text === '' ? '' : '.'}${String(part)}`),
    '',
  );

const shorten = (value: unknown): string => {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
};

/** Explains zod's issue to the author of a file: what is required, what the file has, what to do. */
const explain = (issue: z.core.$ZodIssue): ScenarioProblem[] => {
  const path = issue.path as (string | number)[];
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      path: [...path, key],
      message: 'the field is unknown. Correct its spelling, or remove it.',
    }));
  }
  if (path.at(-1) === 'trustPolicy') {
    return [{ path, message: 'must be a policy document: an object, or its JSON text. Add it.' }];
  }
  if (issue.code === 'invalid_union' && issue.discriminator !== undefined) {
    // The issue's input is the whole object, one field of which selects the variant.
    const value = (issue.input as Record<string, unknown>)[issue.discriminator];
    const required = issue.message
      .replace(/^Invalid discriminator value. Expected /, 'must be one of ')
      .replaceAll(' | ', '|')
      .replaceAll("'", '"');
    return [
      {
        path,
        message:
          value === undefined ? `is missing: ${required}. Add it.` : `${required}; it is ${shorten(value)}. Change it.`,
      },
    ];
  }
  const required = issue.message
    .replace(/^Invalid input: expected (\w+), received \w+$/, 'must be of type $1')
    .replace(/^Invalid option: expected /, 'must be ');
  if (issue.input === undefined) return [{ path, message: `is missing: ${required}. Add it.` }];
  return [{ path, message: `${required}; it is ${shorten(issue.input)}. Change it.` }];
};

const refuse = (name: string, problems: ScenarioProblem[]): never => {
  const lines = problems.map(({ path, message }) => `  ${formatPath(path) || '(the whole file)'}: ${message}`);
  throw new ScenarioError(
    `The scenario ${name} has ${problems.length === 1 ? 'a problem' : `${problems.length} problems`}:\n${lines.join('\n')}`,
    problems,
  );
};

/** Validates a scenario, given as JSON text or as an object. Messages refer to it as `name`. Throws ScenarioError. */
export const parseScenario = (json: unknown, name: string): Scenario => {
  let value = json;
  if (typeof json === 'string') {
    const read = parseJson(json);
    if (!read.ok)
      throw new ScenarioError(
        `The scenario ${name} is not JSON: line ${read.line}, column ${read.column}: ${read.message}. Correct the file and start again.`,
      );
    ({ value } = read);
  }
  const parsed = scenarioSchema.safeParse(value, { reportInput: true });
  if (!parsed.success) return refuse(name, parsed.error.issues.flatMap(explain));
  const problems = checkScenario(parsed.data, catalogueWith(parsed.data.catalogue));
  return problems.length > 0 ? refuse(name, problems) : parsed.data;
};

const READ_ERRORS: Record<string, string> = {
  ENOENT: 'the file does not exist. Check the path, which is relative to the current directory',
  EISDIR: 'the path is a directory. Pass the path of a JSON file',
  EACCES: 'this user may not read the file. Change its permissions',
};

/** Reads and validates a scenario file. Throws ScenarioError. */
export const readScenario = async (path: string): Promise<Scenario> => {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? '';
    throw new ScenarioError(`The scenario ${path} cannot be read: ${READ_ERRORS[code] ?? code}.`, [], { cause: error });
  }
  return parseScenario(text, path);
};
