/** The closed sets of names that the API promises, and the page that explains them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ERROR_CLASSES } from '../../../../lambdas/domain/failures/errors.ts';
import { FAILURE_NAMES, knownFailure } from '../../../../lambdas/domain/failures/names.ts';
import { baseOf, partsOf, STEP_LINES } from '../../../../lambdas/domain/migration/step-lines.ts';
import { STOPPED } from '../../../../lambdas/domain/sweep/waves.ts';
import { stepSchemas } from '../../../../lambdas/steps/schemas.ts';
import { forAll } from '../../../for-all.ts';
import { containing } from '../../matchers.ts';

const PAGE = readFileSync(join(import.meta.dirname, '..', '../../../docs/failures.md'), 'utf8');
/** First cells of the tables of a part of the page, which explain something each. */
const explained = (title: string): string[] => {
  const part = PAGE.split(/^## /m).find((one) => one.startsWith(title)) ?? '';
  return [...part.matchAll(/^\| `([^`]+)` \| \S.*\S \|$/gm)].map(([, name = '']) => name);
};

describe('docs/failures.md', () => {
  it('explains every name of a failure once, and no other', () =>
    expect(explained('Failures').toSorted()).toEqual(FAILURE_NAMES.toSorted()));
  it('explains every step once, and no other, in its order', () => expect(explained('Steps')).toEqual(STEP_LINES));
  it('lists the errors of each class in the section of that class', () => {
    const classOf = (title: string): string[] => {
      const part = PAGE.split(/^### /m).find((one) => one.startsWith(title)) ?? '';
      const names = [...part.matchAll(/^\| `([^`]+)` \|/gm)].map(([, name]) => name as keyof typeof ERROR_CLASSES);
      return [...new Set(names.map((name) => ERROR_CLASSES[name]))];
    };
    expect(classOf('Calls that may succeed later')).toEqual(['retryable']);
    expect(classOf('States that the service waits for')).toEqual(['waiting']);
    expect(classOf('Errors that end a migration')).toEqual(['terminal']);
    expect(classOf('Errors that need a human')).toEqual(['needs-human']);
  });
});

describe('a failure', () => {
  it.each(['LockHeld', 'ExecutionStopped', 'RollbackRequested', STOPPED])('named %s keeps its name', (name) =>
    expect(knownFailure({ name, message: 'why' })).toEqual({ name, message: 'why' }),
  );
  it.each([
    ['States.Timeout', 'TimedOut'],
    ['Sandbox.Timedout', 'TimedOut'],
    ['Lambda.Unknown', 'FunctionFailed'],
    ['Lambda.TooManyRequestsException', 'FunctionFailed'],
    ['TypeError', 'Unexpected'],
    ['States.Runtime', 'Unexpected'],
    ['constructor', 'Unexpected'],
    ['', 'Unexpected'],
  ])('named %s is %s, and nothing is lost', (name, known) =>
    expect(knownFailure({ name, message: 'why' })).toEqual({ name: known, message: `${name}: why` }),
  );
  it('always has a name of the set', () =>
    forAll(fc.oneof(fc.string(), fc.constantFrom(...FAILURE_NAMES)), fc.string(), (name, message) => {
      const known = knownFailure({ name, message });
      expect(FAILURE_NAMES).toContain(known.name);
      expect([known.message, knownFailure(known)]).toEqual([containing(message), known]);
    }));
});

describe('lines of steps', () => {
  /** The values of an enum in a step's input, whether it may be left out or not. */
  const optionsOf = (field: unknown): string[] => {
    const { def } = field as { def: { innerType?: unknown; entries?: Record<string, string>; values?: string[] } };
    return def.innerType ? optionsOf(def.innerType) : (def.values ?? Object.values(def.entries ?? {}));
  };
  it('are those that the steps of a migration can write', () => {
    const possible = Object.entries(stepSchemas).flatMap(
      ([name, { input, hasLine, rollbackVariant = '', readyVariant }]) => {
        const shape = 'shape' in input ? (input.shape as Record<string, unknown>) : {};
        if (!hasLine || shape['migrationId'] === undefined) return [];
        const { action, operation, towards, outcome } = shape;
        const isAlways = action !== undefined && (action as { def: { type: string } }).def.type !== 'optional';
        return [
          ...(isAlways ? [] : [name]),
          ...[action, operation].flatMap((field) =>
            field === undefined ? [] : optionsOf(field).map((one) => `${name}-${one}`),
          ),
          ...(towards === undefined ? [] : [rollbackVariant]),
          ...(readyVariant === undefined ? [] : [readyVariant]),
          ...(outcome === undefined
            ? []
            : ['rolled-back', 'needs-human']
                .filter((one) => optionsOf(outcome).includes(one))
                .map((one) => `${name}-${one}`)),
        ];
      },
    );
    expect(STEP_LINES.toSorted()).toEqual(possible.toSorted());
  });
  it('have a base, an attempt and a round', () => {
    expect(partsOf('verify-pods.2-3')).toEqual({ base: 'verify-pods', attempt: 2, round: 3 });
    for (const line of STEP_LINES)
      for (const name of [line, `${line}.2`, `${line}-4`, `${line}.10-11`]) expect(baseOf(name)).toBe(line);
  });
});
