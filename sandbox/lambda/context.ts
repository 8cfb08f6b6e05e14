/** A handler's invocation context, as in Lambda's Node.js runtime. */
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

/** The context's plain data, which can be sent to another process. */
export type ContextData = Omit<LambdaContext, 'getRemainingTimeInMillis'>;
