/** Answers invocations in place of the functions, with the errors of an input. */
import { LambdaFailure, functionFailure, type LambdaRuntime, runtimeFailure } from '../../sandbox/lambda/runtime.ts';
import type { Interpret } from '../../sandbox/states/interpreter.ts';
import type { AnswerFault } from './inputs.ts';

const STATUS: Record<string, number> = {
  TooManyRequestsException: 429,
  ServiceException: 500,
  AWSLambdaException: 500,
};

/** The request id of every refusal, since no request was made. */
const REQUEST_ID = '00000000-0000-4000-8000-000000000000';

/** Returns the failure in the form in which Lambda, its runtime, or a function reports it. */
export const failureOf = ({ error, message }: Pick<AnswerFault, 'error' | 'message'>): LambdaFailure => {
  const [service, code = ''] = error.split('.');
  if (service === 'Lambda') {
    const status = STATUS[code] ?? 502;
    return new LambdaFailure(
      error,
      code === 'SdkClientException' || code === 'Unknown'
        ? message
        : `${message} (Service: AWSLambda; Status Code: ${status}; Error Code: ${code}; Request ID: ${REQUEST_ID}; Proxy: null)`,
    );
  }
  return error.includes('.') ? runtimeFailure(error, message) : functionFailure(error, message);
};

/** Counts the invocations of a world, and answers some of them. */
export class Answers {
  private readonly faults: (AnswerFault & { left: number; of?: string })[];
  private invocations = 0;
  private readonly onAnswered: (invocations: number) => void;

  constructor(faults: readonly AnswerFault[], onAnswered: (invocations: number) => void = () => {}) {
    this.faults = faults.map((fault) => ({ ...fault, left: fault.times }));
    this.onAnswered = onAnswered;
  }

  /** Returns the interpreter for a world in which these answers are given. */
  around(interpret: Interpret): Interpret {
    return (execution, scope, input) => {
      scope.run.lambda = this.runtime(scope.run.lambda);
      return interpret(execution, scope, input);
    };
  }

  private runtime(lambda: LambdaRuntime): LambdaRuntime {
    return {
      invoke: async (functionArn, payload, options) => {
        this.invocations += 1;
        const number = this.invocations;
        const fault = this.faultOf(functionArn, number);
        try {
          if (!fault) return await lambda.invoke(functionArn, payload, options);
          if (fault.worked) await lambda.invoke(functionArn, payload, options).catch(() => undefined);
          if (fault.error === 'No answer') return await new Promise(() => {});
          throw failureOf(fault);
        } finally {
          this.onAnswered(number);
        }
      },
    };
  }

  private faultOf(functionArn: string, number: number): AnswerFault | undefined {
    const fault = this.faults.find(
      ({ left, of, invocation }) => left > 0 && (of === undefined ? number >= invocation : of === functionArn),
    );
    if (!fault) return undefined;
    fault.of = functionArn;
    fault.left -= 1;
    return fault;
  }
}
