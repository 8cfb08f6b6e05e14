/** What the steps' definitions promise, and the tables of the domain that must agree with them. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { STEP_LINES } from '../../../lambdas/domain/migration/step-lines.ts';
import { ACCESS_OF_STEPS, ACTING_STEPS, ROLE_OF_STEPS } from '../../../lambdas/domain/steps/work.ts';
import type { TargetPorts } from '../../../lambdas/ports/index.ts';
import { LONGEST_LAMBDA_SECONDS, type StepSchema } from '../../../lambdas/runtime/step.ts';
import { steps } from '../../../lambdas/steps/index.ts';
import { STEP_NAMES, type StepName, stepSchemas } from '../../../lambdas/steps/schemas.ts';

const FOLDER = join(import.meta.dirname, '../../../lambdas/steps');
const definitions: [StepName, StepSchema][] = STEP_NAMES.map((name) => [name, stepSchemas[name]]);
const stepsThat = (has: (definition: StepSchema) => boolean): StepName[] =>
  definitions.flatMap(([name, definition]) => (has(definition) ? [name] : []));
const stepsThatChange = (port: keyof TargetPorts): StepName[] =>
  stepsThat(({ changes }) => changes.includes(port)).sort();
const namesIn = <Value>(table: Readonly<Record<string, Value>>, has: (value: Value) => boolean): string[] =>
  Object.keys(table)
    .filter((name) => has(table[name]!))
    .sort();

describe('the registry of steps', () => {
  it('has every folder, with a definition and a handler and nothing else', () => {
    const folders = readdirSync(FOLDER, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    expect(folders.map(({ name }) => name).sort()).toEqual(STEP_NAMES.toSorted());
    for (const { name } of folders) expect(readdirSync(join(FOLDER, name)).sort()).toEqual(['handler.ts', 'schema.ts']);
  });

  it('has one handler for each definition, under its own name', () => {
    expect(Object.keys(steps)).toEqual(STEP_NAMES);
    for (const [name, definition] of definitions) {
      expect(steps[name].schema).toBe(definition);
      expect(definition.name).toBe(name);
    }
  });
});

describe('the definition of a step', () => {
  it('has a title of its own, and each variant too', () => {
    const titles = definitions.flatMap(([, { title, variants }]) => [title, ...Object.values(variants)]);
    expect(titles.filter((title) => title.trim() === '')).toEqual([]);
    expect(new Set(titles).size).toBe(titles.length);
  });

  it('has a variant for each line of the record that is not called as the step', () => {
    const names = definitions.flatMap(([name, { variants }]) => [name, ...Object.keys(variants)]);
    expect(new Set(names).size).toBe(names.length);
    expect(STEP_LINES.filter((line) => !names.includes(line))).toEqual([]);
    // Every other variant is a wait, which has no line.
    const variants = definitions.flatMap(([, definition]) => Object.keys(definition.variants));
    expect(variants.filter((name) => !STEP_LINES.some((line) => line === name)).sort()).toEqual([
      'await-former-identity',
      'await-trust',
      'await-webhook',
    ]);
  });

  it('keeps to the common time-out wherever its Lambda could act under a lock', () =>
    expect(stepsThat(({ timeoutSeconds }) => timeoutSeconds > LONGEST_LAMBDA_SECONDS)).toEqual([
      'take-inventory',
      'report-sweep',
    ]));

  it('reserves calls only if the step works on clusters', () =>
    expect(stepsThat(({ calls, environment }) => calls !== undefined && !('ACCOUNT' in environment.shape))).toEqual(
      [],
    ));

  it('has nothing wait that follows a delete or restores something', () =>
    expect(stepsThat(({ patience }) => patience === 'goes-on').sort()).toEqual(
      'assess-rollback await-deleted create-addon finish restore-addon restore-associations take-over'.split(' '),
    ));

  it('sends only steps back that have changed nothing', () =>
    expect(stepsThat(({ patience, changes }) => patience === 'comes-back' && changes.length > 0)).toEqual([]));
});

describe('what a step changes', () => {
  it('in EKS, the plan asks IAM about beforehand, and the role in another account may do', () => {
    expect(stepsThatChange('eks')).toEqual(ACTING_STEPS.toSorted());
    expect(stepsThatChange('eks')).toEqual(namesIn<readonly string[]>(ROLE_OF_STEPS, ([eks]) => eks === 'change'));
  });

  it('in trust policies, the role in another account may do', () =>
    expect(stepsThatChange('roles')).toEqual(
      namesIn<readonly string[]>(ROLE_OF_STEPS, (roles) => roles.includes('trust')),
    ));

  it('in a cluster, its access to the API server lets it do', () =>
    expect(stepsThatChange('kubernetes')).toEqual(
      namesIn<readonly string[]>(ACCESS_OF_STEPS, (purposes) => purposes.some((purpose) => purpose !== 'read')),
    ));
});
