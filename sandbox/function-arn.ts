/** Matches `arn:aws:lambda:REGION:ACCOUNT:function:NAME`, with or without a version or alias. */
const FUNCTION_ARN = /^(arn:aws[\w-]*:lambda:[a-z0-9-]+:\d{12}:function:[\w-]+)(?::([\w$-]+))?$/;

export const isFunctionArn = (text: string): boolean => FUNCTION_ARN.test(text);

export interface FunctionArn {
  /** Without the qualifier. */
  arn: string;
  /** Version or alias; `$LATEST` if the ARN has none. */
  qualifier: string;
  region: string;
  account: string;
}

export const parseFunctionArn = (text: string): FunctionArn | undefined => {
  const [, arn, qualifier = '$LATEST'] = FUNCTION_ARN.exec(text) ?? [];
  if (arn === undefined) return undefined;
  const [, , , region = '', account = ''] = arn.split(':');
  return { arn, qualifier, region, account };
};
