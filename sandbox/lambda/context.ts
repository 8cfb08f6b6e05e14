/** What a handler is told about its invocation, as the Node.js runtime of Lambda has it. */
export interface LambdaContext {
  functionName: string;
  functionVersion: string;
  invokedFunctionArn: string;
  memoryLimitInMB: string;
  awsRequestId: string;
  logGroupName: string;
  logStreamName: string;
  callbackWaitsForEmptyEventLoop: boolean;
  getRemainingTimeInMillis(): number;
}

/** The part of it that is plain data, which crosses to another process. */
export type ContextData = Omit<LambdaContext, 'getRemainingTimeInMillis'>;
