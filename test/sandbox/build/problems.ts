/** Invalid scenarios, and the problems reported for them. */
import { expect } from 'vitest';
import { ScenarioError, parseScenario } from '../../../sandbox/build/load.ts';
import { scenarioFile } from '../support.ts';

export type File = ReturnType<typeof scenarioFile>;

export const messageOf = (json: unknown): string => {
  try {
    parseScenario(json, 'dev.json');
  } catch (error) {
    expect(error).toBeInstanceOf(ScenarioError);
    return (error as Error).message;
  }
  throw new Error('The scenario was taken.');
};

/** Makes a valid file invalid. */
export type Change = (file: File & Record<string, unknown>) => void;

export const changed = (change: Change): File => {
  const file = scenarioFile();
  change(file);
  return file;
};

export const add = (file: File, parts: object): void => void Object.assign(file.accounts[0]!.clusters[0]!, parts);

/** The only problem of the changed file, or its first line. */
export const problemOf = (change: Change): string => {
  const [first, problem = ''] = messageOf(changed(change)).split('\n');
  expect(first).toMatch(/^The scenario dev\.json has a problem:$/);
  expect(problem).toMatch(/^ {2}\S/);
  return problem.slice(2);
};
