/** Checks what a deployment needs, and what IAM is asked about. */
import { partitionOf } from '../../lambdas/domain/aws/partitions.ts';
import { type Check, fail, pass, unknown } from '../../lambdas/domain/terms/check.ts';
import type { AwsSession } from '../aws/session.ts';
import { type Asked, PLAN_ACTIONS } from './permissions.ts';

/** `exists`: undefined if it could not be read. */
export const checkBootstrap = (
  { caller: { account }, region }: Pick<AwsSession, 'caller' | 'region'>,
  exists: boolean | undefined,
): Check => {
  const id = 'cdk-bootstrap';
  const remedy = `Bootstrap it once: npx cdk bootstrap aws://${account}/${region}`;
  if (exists === undefined)
    return unknown(id, `Whether ${region} of account ${account} is bootstrapped for CDK could not be read.`, remedy);
  return exists
    ? pass(id, `${region} of account ${account} is bootstrapped for CDK.`)
    : fail(id, `${region} of account ${account} is not bootstrapped for CDK.`, remedy);
};

/** Returns the calls that `cdk deploy` makes with the caller's credentials: it assumes the roles of the bootstrap. */
export const deployCalls = ({ caller: { account }, region }: Pick<AwsSession, 'caller' | 'region'>): Asked[] => [
  {
    actions: ['sts:AssumeRole'],
    resources: ['deploy-role', 'file-publishing-role'].map(
      (name) => `arn:${partitionOf(region)}:iam::${account}:role/cdk-hnb659fds-${name}-${account}-${region}`,
    ),
  },
];

/** The calls of a plan, for IAM's simulation. */
export const PLAN_CALLS: readonly Asked[] = [{ actions: PLAN_ACTIONS }];
