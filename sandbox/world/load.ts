/** Reads scenario files. Whatever is wrong with one is said with the file, the path inside it, and what to do. */
import { readFile } from 'node:fs/promises';
import type { z } from 'zod';
import { parseJson } from '../../lambdas/domain/json.ts';
import { loadCatalogue } from '../catalog/index.ts';
import { checkScenario } from './scenario-checks.ts';
import type { ScenarioProblem } from './scenario-problems.ts';
import { scenario as scenarioSchema } from './scenario.ts';
import type { Scenario } from './scenario.ts';

export { buildWorld } from './build.ts';

/** A scenario that can't be used; the message is meant for whoever wrote the file. */
export class ScenarioError extends Error {
  override readonly name = 'ScenarioError';
  readonly problems: ScenarioProblem[];
  constructor(message: string, problems: ScenarioProblem[] = [], options?: ErrorOptions) {
    super(message, options);
    this.problems = problems;
  }
}

/** A path as it is written in JavaScript: accounts[0].clusters[0].name. */
export const formatPath = (path: readonly PropertyKey[]): string =>
  path.reduce<string>(
    (text, part) => (typeof part === 'number' ? `${text}[${part}]` : `${text}${text === '' ? '' : '.'}${String(part)}`),
    '',
  );

const shorten = (value: unknown): string => {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
};

/** zod's issue in the words of somebody who writes a file: what was wanted, what is there, what to do. */
const explain = (issue: z.core.$ZodIssue): ScenarioProblem[] => {
  const path = issue.path as (string | number)[];
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      path: [...path, key],
      message: 'there is no such field. Correct its spelling, or remove it.',
    }));
  }
  if (path.at(-1) === 'trustPolicy') {
    return [{ path, message: 'must be a policy document: an object, or its JSON text. Add it.' }];
  }
  if (issue.code === 'invalid_union' && issue.discriminator !== undefined) {
    // Its input is the whole object, of which one field says what it is.
    const value = (issue.input as Record<string, unknown>)[issue.discriminator];
    const wanted = issue.message
      .replace(/^Invalid discriminator value. Expected /, 'must be one of ')
      .replaceAll(' | ', '|')
      .replaceAll("'", '"');
    return [
      {
        path,
        message:
          value === undefined ? `is missing: ${wanted}. Add it.` : `${wanted}; it is ${shorten(value)}. Change it.`,
      },
    ];
  }
  const wanted = issue.message
    .replace(/^Invalid input: expected (\w+), received \w+$/, 'must be of type $1')
    .replace(/^Invalid option: expected /, 'must be ');
  if (issue.input === undefined) return [{ path, message: `is missing: ${wanted}. Add it.` }];
  return [{ path, message: `${wanted}; it is ${shorten(issue.input)}. Change it.` }];
};

const refuse = (name: string, problems: ScenarioProblem[]): never => {
  const lines = problems.map(({ path, message }) => `  ${formatPath(path) || '(the whole file)'}: ${message}`);
  throw new ScenarioError(
    `The scenario ${name} has ${problems.length === 1 ? 'a problem' : `${problems.length} problems`}:\n${lines.join('\n')}`,
    problems,
  );
};

/**
 * Checks a scenario, given as JSON text or as the object that it stands for. `name` is what messages call it.
 * Throws ScenarioError.
 */
export const parseScenario = (json: unknown, name: string): Scenario => {
  let value = json;
  if (typeof json === 'string') {
    const read = parseJson(json);
    if (!read.ok)
      throw new ScenarioError(
        `The scenario ${name} is not JSON: line ${read.line}, column ${read.column}: ${read.message}. Correct that place and start again.`,
      );
    ({ value } = read);
  }
  const parsed = scenarioSchema.safeParse(value, { reportInput: true });
  if (!parsed.success) return refuse(name, parsed.error.issues.flatMap(explain));
  const problems = checkScenario(parsed.data, loadCatalogue());
  return problems.length > 0 ? refuse(name, problems) : parsed.data;
};

const READ_ERRORS: Record<string, string> = {
  ENOENT: 'there is no such file. Check the path; it is relative to the current directory',
  EISDIR: 'that is a directory. Give the path of a JSON file',
  EACCES: 'this user may not read it. Change its permissions',
};

/** Reads and checks a scenario file. Throws ScenarioError. */
export const readScenario = async (path: string): Promise<Scenario> => {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? '';
    throw new ScenarioError(`The scenario ${path} can't be read: ${READ_ERRORS[code] ?? code}.`, [], { cause: error });
  }
  return parseScenario(text, path);
};
