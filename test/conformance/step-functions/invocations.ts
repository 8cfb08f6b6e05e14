/** Invokes functions one after the other, with some of the answers given in their place. */
import { Answers } from '../../../conformance/step-functions/answers.ts';
import type { AnswerFault } from '../../../conformance/step-functions/inputs.ts';
import { LambdaFailure, type LambdaRuntime } from '../../../sandbox/lambda/runtime.ts';
import type { ChildExecution } from '../../../sandbox/states/child-execution.ts';
import type { Scope } from '../../../sandbox/states/scope.ts';

/** Returns how each invocation ended, and the functions that worked. A function answers with its own name. */
export const answersFor = async (
  faults: AnswerFault[],
  functions: string[],
): Promise<{ ends: string[]; worked: string[] }> => {
  const worked: string[] = [];
  const lambda: LambdaRuntime = {
    invoke: (name) => {
      worked.push(name);
      return Promise.resolve(name);
    },
  };
  const scope = { run: { lambda } } as unknown as Scope;
  const ends = await new Answers(faults).around(async (_, { run }) => {
    const all: string[] = [];
    for (const name of functions)
      all.push(
        await run.lambda.invoke(name, {}, { caller: '' }).then(String, (error: unknown) => {
          if (error instanceof LambdaFailure) return error.errorType;
          throw error;
        }),
      );
    return all;
  })({} as ChildExecution, scope, {});
  return { ends: ends as string[], worked };
};
