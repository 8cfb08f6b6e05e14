/** The caller's AWS identity, for commands that work only with the caller's own credentials. */
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import type { Target } from '../lambdas/domain/terms/subject.ts';
import { awsError, profileIn } from './deployed.ts';
import { CliError } from './errors.ts';
import type { TargetFlags } from './target.ts';

export interface Caller {
  /** 12 digits. */
  account: string;
  arn: string;
}

/** Returns the message and hint for flags that name another account than the caller's. */
export type SayOtherAccount = (caller: Caller, named: string) => { message: string; hint: string };

/**
 * Returns the cluster that the flags name, in the caller's account: credentials of one account reach no other. Throws a
 * CliError if no region is named, AWS does not know the caller, or the flags name another account.
 */
export const targetOfCaller = async (
  { cluster, account, region: named }: TargetFlags,
  environment: Readonly<Record<string, string | undefined>>,
  say: SayOtherAccount,
): Promise<Target> => {
  const region = named ?? environment['AWS_REGION'] ?? environment['AWS_DEFAULT_REGION'];
  if (region === undefined)
    throw new CliError(
      'NoRegion',
      '--region is missing, and AWS_REGION is not set',
      'Add --region, for example --region eu-west-1',
    );
  const sts = new STSClient({ region, ...profileIn(environment) });
  try {
    const { Account = '', Arn = '' } = await sts.send(new GetCallerIdentityCommand({}));
    if (account !== undefined && account !== Account) {
      const { message, hint } = say({ account: Account, arn: Arn }, account);
      throw new CliError('OtherAccount', message, hint);
    }
    return { account: Account, region, cluster };
  } catch (error) {
    throw awsError(error);
  } finally {
    sts.destroy();
  }
};
