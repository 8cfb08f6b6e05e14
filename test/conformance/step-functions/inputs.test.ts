import { describe, expect, it } from 'vitest';
import { answersFor } from './invocations.ts';
import { failureOf } from '../../../conformance/step-functions/answers.ts';
import { inputOfSeed, SERVICE_ERRORS, titleOf } from '../../../conformance/step-functions/inputs.ts';
import { scenarioOfInput } from '../../../conformance/step-functions/carry-out.ts';
import { migrationRequest } from '../../../lambdas/domain/request/request.ts';
import { sweepRequest } from '../../../lambdas/domain/sweep/request.ts';
import { targetOf } from '../../../conformance/kubernetes/scenarios/carry-out.ts';

const INPUTS = Array.from({ length: 300 }, (_, seed) => inputOfSeed(seed));

describe('the inputs of a run', () => {
  it('follow from their seeds alone', () => {
    expect(INPUTS.map(({ seed }) => inputOfSeed(seed))).toEqual(INPUTS);
    expect(new Set(INPUTS.map((input) => JSON.stringify({ ...input, seed: 0 }))).size).toBeGreaterThan(280);
  });

  it('are requests that the service accepts', async () => {
    const refused: string[] = [];
    for (const input of INPUTS) {
      const scenario = await scenarioOfInput(input);
      const { success } =
        input.kind === 'migration'
          ? migrationRequest.safeParse({ target: targetOf(scenario), ...input.asked })
          : sweepRequest.safeParse(input.request);
      if (!success) refused.push(titleOf(input));
    }
    expect(refused).toEqual([]);
  });

  it('have everything that can go wrong', () => {
    const errors = new Set(INPUTS.flatMap(({ answers }) => answers.map(({ error }) => error)));
    for (const error of SERVICE_ERRORS) expect(errors).toContain(error);
    expect(new Set(INPUTS.flatMap(({ faults }) => faults.map(({ kind }) => kind))).size).toBe(13);
    const migrations = INPUTS.filter((input) => input.kind === 'migration');
    for (const what of ['rollback', 'retire', 'reinstate', 'again'] as const)
      expect(migrations.some(({ afterwards }) => afterwards.includes(what))).toBe(true);
    for (const approval of ['given', 'rejected', 'nobody'] as const)
      expect(migrations.some((one) => one.asked.approval === 'required' && one.approval === approval)).toBe(true);
    expect(migrations.some(({ cancelAfter }) => cancelAfter !== undefined)).toBe(true);
    expect(INPUTS.some((input) => input.kind === 'sweep' && input.commands.length > 0)).toBe(true);
  });

  it('have a title that names what goes wrong', () => {
    for (const input of INPUTS)
      for (const { error } of input.answers) expect(titleOf(input)).toContain(`× ${error} at invocation`);
  });
});

describe('an answer in place of a function', () => {
  it('has the form in which Step Functions reports each kind of error', () => {
    expect(failureOf({ error: 'Busy', message: 'a "b"' })).toMatchObject({
      errorType: 'Busy',
      failureCause: '{"errorType":"Busy","errorMessage":"a \\"b\\"","trace":[]}',
    });
    expect(failureOf({ error: 'Runtime.ExitError', message: 'gone' })).toMatchObject({
      errorType: 'Runtime.ExitError',
      failureCause: '{"errorType":"Runtime.ExitError","errorMessage":"gone"}',
    });
    expect(failureOf({ error: 'Lambda.Unknown', message: 'plain' })).toMatchObject({ failureCause: 'plain' });
    expect(failureOf({ error: 'Lambda.TooManyRequestsException', message: 'Rate exceeded' }).failureCause).toMatch(
      /^Rate exceeded \(Service: AWSLambda; Status Code: 429; Error Code: TooManyRequestsException; Request ID: /,
    );
  });

  it('is given to the invocation that it names, and then to the next ones of that function', async () => {
    const { ends, worked } = await answersFor(
      [{ invocation: 2, times: 2, error: 'Busy', message: '', worked: false }],
      ['a', 'b', 'a', 'b', 'b'],
    );
    expect([ends, worked]).toEqual([
      ['a', 'Busy', 'a', 'Busy', 'b'],
      ['a', 'a', 'b'],
    ]);
  });

  it('comes after the work of the function, if the input says so', async () => {
    const { ends, worked } = await answersFor(
      [{ invocation: 1, times: 1, error: 'TypeError', message: '', worked: true }],
      ['a', 'a'],
    );
    expect([ends, worked]).toEqual([
      ['TypeError', 'a'],
      ['a', 'a'],
    ]);
  });
});
