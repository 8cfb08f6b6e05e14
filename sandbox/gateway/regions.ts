/** Answers like AWS in a region that an account has not enabled. */
import { inputOf } from './operations.ts';
import { refusal, signatureRefusal } from './protocols.ts';
import type { Protocol } from './protocols.ts';
import type { HttpRequest, HttpResponse } from '../http.ts';
import { UNKNOWN_KEY } from '../signature.ts';
import { isDisabled } from '../world/regions.ts';
import type { World } from '../world/world.ts';

/** A call with a valid signature. */
interface SignedCall {
  service: string;
  protocol: Protocol;
  account: string;
  region: string;
}

/** Returns the account of the role in an AssumeRole request. */
const assumedAccount = (request: HttpRequest): string => {
  const { RoleArn: arn } = inputOf('sts', request) as { RoleArn?: unknown };
  return typeof arn === 'string' ? (arn.split(':')[4] ?? '') : '';
};

/**
 * Returns the refusal, or undefined if the region is enabled. A disabled region does not recognize the caller's
 * credentials: boto/boto3#3533 and aws-samples/amazon-eks-cdk-blue-green-cicd#10 have the error of JSON services, and
 * re:Post, "AWS was not able to validate the provided access credentials", the error of STS. STS answers AssumeRole
 * differently if the role's account has not enabled the region: turbot/steampipe-plugin-aws#1510 has status and text.
 */
export const regionRefusal = (
  world: World,
  request: HttpRequest,
  { service, protocol, account, region }: SignedCall,
  requestId: () => string,
): HttpResponse | undefined => {
  if (isDisabled(world, account, region)) return signatureRefusal(protocol, 'unknown-key', UNKNOWN_KEY, requestId());
  if (service !== 'sts') return undefined;
  const assumed = assumedAccount(request);
  if (!isDisabled(world, assumed, region)) return undefined;
  return refusal(
    protocol,
    403,
    'RegionDisabledException',
    `STS is not activated in this region for account:${assumed}. Your account administrator can activate STS in this region using the IAM Console.`,
    requestId(),
  );
};
