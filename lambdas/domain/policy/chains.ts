/**
 * The request of a pod whose role assumes another role, before the pod exists: what its software chooses is unknown, and
 * what EKS adds is known. Sources: IAM User Guide, "AWS global condition context keys", "IAM and AWS STS condition
 * context keys" and "Pass session tags in AWS STS".
 */
import { lookUpIn, statesOf } from './contexts.ts';
import { providerOf } from './keys.ts';
import type { KeyState, PolicyRequest } from './request.ts';

export interface ChainUse {
  /** ARN of the role whose session makes the call. */
  roleArn: string;
  /** ARNs that this session may have. */
  sessionArns?: readonly string[];
  /** Tags of that role. Absent if they are not known. */
  roleTags?: Readonly<Record<string, string>> | undefined;
  /** Account of the role that is assumed. */
  resourceAccount: string;
  /**
   * Transitive tags of the session, with `undefined` for a value that is not known before the pod exists. Absent for a
   * session without tags.
   */
  tags?: Readonly<Record<string, string | undefined>>;
  /** The OIDC provider whose token the session was issued for. Absent for EKS Pod Identity. */
  federatedProvider?: string;
  /** The value of `aws:userid`. Absent if it is not known. */
  userId?: string;
}

const ABSENT: KeyState = { state: 'absent' };
const PRESENT: KeyState = { state: 'present' };
const UNKNOWN: KeyState = { state: 'unknown' };

/** Keys whose value differs between a session of IRSA and one of EKS Pod Identity, in lower case. */
export const isChangedByPodIdentity = (key: string): boolean =>
  /^(aws:(userid|federatedprovider|tagkeys|principaltag\/.*|requesttag\/.*|principalarn)|sts:transitivetagkeys)$/.test(
    key.toLowerCase(),
  );

/** The session's tags, and below them those of its role: "session tags override". */
function principalTags({ tags = {}, roleTags }: ChainUse): Record<string, KeyState> {
  const own = Object.entries(tags).map(([key, value]): [string, KeyState] => [
    `aws:PrincipalTag/${key}`,
    value === undefined ? PRESENT : { state: 'values', values: [value] },
  ]);
  const ofRole = Object.entries(roleTags ?? {}).map(([key, value]): [string, string] => [
    `aws:PrincipalTag/${key}`,
    value,
  ]);
  return {
    'aws:PrincipalTag/': roleTags ? ABSENT : UNKNOWN,
    ...statesOf(Object.fromEntries(ofRole)),
    ...Object.fromEntries(own),
  };
}

/**
 * Returns the request. Whether STS shows inherited tags as `aws:RequestTag` is not documented, and the software may pass
 * tags of its own, so these keys are unknown.
 */
export function chainRequest(use: ChainUse, action: 'sts:AssumeRole' | 'sts:TagSession'): PolicyRequest {
  const { roleArn, sessionArns = [], resourceAccount, federatedProvider, userId } = use;
  const [, partition = 'aws', , , account = ''] = roleArn.split(':');
  const lookUp = lookUpIn(
    {
      ...principalTags(use),
      ...statesOf({
        'aws:PrincipalArn': roleArn,
        'aws:PrincipalAccount': account,
        'aws:PrincipalType': 'AssumedRole',
        'aws:PrincipalIsAWSService': 'false',
        'aws:MultiFactorAuthPresent': 'false',
        'aws:SecureTransport': 'true',
        'aws:ViaAWSService': 'false',
        'aws:ResourceAccount': resourceAccount,
        ...(federatedProvider === undefined ? {} : { 'aws:FederatedProvider': federatedProvider }),
        ...(userId === undefined ? {} : { 'aws:userid': userId }),
      }),
      ...(federatedProvider === undefined ? { 'aws:FederatedProvider': ABSENT } : {}),
      ...(userId === undefined ? { 'aws:userid': PRESENT } : {}),
      'aws:CurrentTime': PRESENT,
      'aws:EpochTime': PRESENT,
      'aws:TokenIssueTime': PRESENT,
      'sts:RoleSessionName': PRESENT,
      // Neither EKS Auth nor a web identity token sets one.
      'aws:SourceIdentity': ABSENT,
      'aws:PrincipalServiceName': ABSENT,
      'aws:PrincipalServiceNamesList': ABSENT,
      'aws:SourceArn': ABSENT,
      'aws:SourceAccount': ABSENT,
      'aws:MultiFactorAuthAge': ABSENT,
      'aws:Username': ABSENT,
      'aws:CalledVia': ABSENT,
      'aws:Referer': ABSENT,
    },
    // The external ID, a source identity, addresses, and the organization. Claims are in no request with credentials.
    (key) => (providerOf(key) === undefined ? UNKNOWN : ABSENT),
  );
  return {
    action,
    principal: { type: 'AWS', values: [roleArn, ...sessionArns, account, `arn:${partition}:iam::${account}:root`] },
    lookUp,
  };
}
