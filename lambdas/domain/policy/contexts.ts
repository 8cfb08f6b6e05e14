/**
 * The requests that decide whether a role can be used, and what each of their condition keys has: in one place, with
 * the page that says so beside each. "Global keys" is the IAM User Guide's "AWS global condition context keys", "STS
 * keys" its "IAM and AWS STS condition context keys"; what CloudTrail records of EKS Auth's call is shown in
 * aws-samples/amazon-eks-security-immersion-day, "Deep Dive into EKS Pod Identity". A key that no page speaks of is
 * `unknown`: nothing is guessed.
 */
import { issuerName, providerOf, startsWithProviderArn } from './keys.ts';
import type { KeyState, PolicyRequest } from './request.ts';

export const POD_IDENTITY_PRINCIPAL = 'pods.eks.amazonaws.com';
/** The service that the role of an add-on is passed to for IRSA. */
export const EKS_PRINCIPAL = 'eks.amazonaws.com';
/**
 * What the pod identity webhook asks tokens for, in China too (amazon-eks-pod-identity-webhook's README;
 * eksctl-io/eksctl#1910).
 */
export const TOKEN_AUDIENCE = 'sts.amazonaws.com';

/** One service account of one cluster, and how it would use a role. */
export interface TrustUse {
  /** Names the cluster's partition and account too. */
  clusterArn: string;
  namespace: string;
  serviceAccount: string;
  /** Of the association: EKS Auth sends no session tags. */
  disableSessionTags?: boolean;
  /** The cluster's OIDC issuer, with or without `https://`; absent where it is not known. */
  oidcIssuer?: string;
  /** Account of the role; absent where it is the cluster's, as EKS Pod Identity wants it. */
  roleAccount?: string;
}

/** Returns the parts of `arn:PARTITION:eks:REGION:ACCOUNT:cluster/NAME`. */
function clusterOf({ clusterArn }: TrustUse): { partition: string; account: string; name: string } {
  const [, partition = '', , , account = '', ...resource] = clusterArn.split(':');
  return { partition, account, name: resource.join(':').replace(/^cluster\//, '') };
}

const roleAccountOf = (use: TrustUse): string => use.roleAccount ?? clusterOf(use).account;

type LookUp = PolicyRequest['lookUp'];
const ABSENT: KeyState = { state: 'absent' };
const PRESENT: KeyState = { state: 'present' };
const UNKNOWN: KeyState = { state: 'unknown' };
const has = (...values: string[]): KeyState => ({ state: 'values', values });

/** Looks keys up by name, without case; a name that ends in `/` stands for every key that begins so. */
export function lookUpIn(states: Record<string, KeyState>, otherwise: LookUp): LookUp {
  const exact = new Map(Object.entries(states).map(([key, state]) => [key.toLowerCase(), state]));
  return (key) => {
    const name = key.toLowerCase();
    const family = name.slice(0, name.indexOf('/') + 1);
    return exact.get(name) ?? (family === '' ? undefined : exact.get(family)) ?? otherwise(name);
  };
}

/** Keys that have these values. */
export function statesOf(values: Record<string, string | readonly string[]>): Record<string, KeyState> {
  return Object.fromEntries(
    Object.entries(values).map(([key, value]) => [key, has(...(typeof value === 'string' ? [value] : value))]),
  );
}

/** The request has these keys and no others; names are compared without case. */
export const closedWorld = (values: Record<string, string | readonly string[]>): LookUp =>
  lookUpIn(statesOf(values), () => ABSENT);

/** What EKS Auth and a pod with a token have in common. */
const anyCall = (use: TrustUse): Record<string, KeyState> => ({
  // Global keys: "always included in the request context".
  'aws:CurrentTime': PRESENT,
  'aws:EpochTime': PRESENT,
  'aws:UserAgent': PRESENT,
  // EKS Auth calls STS in the cluster's region as CloudTrail shows it, a pod's SDK where it is told to: neither is
  // promised.
  'aws:RequestedRegion': PRESENT,
  // STS API Reference, "Welcome": requests go over HTTPS.
  'aws:SecureTransport': has('true'),
  // Global keys: false "when the principal makes the call directly"; CalledVia is then not present.
  'aws:ViaAWSService': has('false'),
  'aws:CalledVia': ABSENT,
  'aws:CalledViaFirst': ABSENT,
  'aws:CalledViaLast': ABSENT,
  // Global keys: only in requests by a link from a web page.
  'aws:Referer': ABSENT,
  // Global keys: of the account that owns the resource, here the role. Its organisation is in the request too, and not
  // known: aws:ResourceOrgID and aws:ResourceOrgPaths are left unknown.
  'aws:ResourceAccount': has(roleAccountOf(use)),
  // Global keys, of users and roles: "all signed requests", with users, roles, federated users and root as values; then
  // org members, tagged users and roles, IAM users.
  'aws:PrincipalArn': ABSENT,
  'aws:PrincipalOrgID': ABSENT,
  'aws:PrincipalOrgPaths': ABSENT,
  'aws:PrincipalTag/': ABSENT,
  'aws:Username': ABSENT,
  // Global keys: only with temporary credentials of a principal, MFA, a source identity or an EC2 instance's role.
  'aws:MultiFactorAuthPresent': ABSENT,
  'aws:MultiFactorAuthAge': ABSENT,
  'aws:TokenIssueTime': ABSENT,
  'aws:SourceIdentity': ABSENT,
  'aws:Ec2InstanceSourceVpc': ABSENT,
  'aws:Ec2InstanceSourcePrivateIPv4': ABSENT,
  // Said to be in all requests, but not with what: aws:PrincipalAccount, aws:PrincipalType, aws:userid. Left unknown.

  // STS keys: "present when the principal assumes the role" by any AssumeRole call.
  'sts:RoleSessionName': PRESENT,
  // STS keys: an external id is there where the caller provides one. EKS sends one to a target role alone (EKS API
  // Reference, PodIdentityAssociation.externalId).
  'sts:ExternalId': ABSENT,
  // STS keys: where the caller sets one. Neither EKS Auth's call in CloudTrail nor AssumeRoleWithWebIdentity's
  // parameters have it.
  'sts:SourceIdentity': ABSENT,
  // STS keys: of bearer tokens, "not present for AWS STS assume-role operations".
  'sts:DurationSeconds': ABSENT,
  'sts:AWSServiceName': ABSENT,
});

/**
 * EKS User Guide, "Grant Pods access to AWS resources based on tags". `undefined`: not known before the pod is there.
 */
const sessionTags = (use: TrustUse): Record<string, string | undefined> => ({
  'eks-cluster-arn': use.clusterArn,
  'eks-cluster-name': clusterOf(use).name,
  'kubernetes-namespace': use.namespace,
  'kubernetes-service-account': use.serviceAccount,
  'kubernetes-pod-name': undefined,
  'kubernetes-pod-uid': undefined,
});

function tagKeys(use: TrustUse): Record<string, KeyState> {
  const none = { 'aws:RequestTag/': ABSENT, 'aws:TagKeys': ABSENT, 'sts:TransitiveTagKeys': ABSENT };
  if (use.disableSessionTags) return none;
  const tags = sessionTags(use);
  const each = Object.entries(tags).map(
    ([key, value]) => [`aws:RequestTag/${key}`, value === undefined ? PRESENT : has(value)] as const,
  );
  // "All of the session tags that are added by EKS Pod Identity are transitive", on the same page.
  return {
    ...none,
    ...Object.fromEntries(each),
    'aws:TagKeys': has(...Object.keys(tags)),
    'sts:TransitiveTagKeys': has(...Object.keys(tags)),
  };
}

/**
 * EKS Auth on behalf of a pod: sts:AssumeRole, and sts:TagSession, which EKS wants of a role even where session tags
 * are off. Source: EKS User Guide, "Create IAM role with trust policy required by EKS Pod Identity". Both have the
 * tags.
 */
export function podIdentityRequests(use: TrustUse): PolicyRequest[] {
  const lookUp = lookUpIn(
    {
      ...anyCall(use),
      ...tagKeys(use),
      // EKS Best Practices Guide, "Identity and Access Management"; awslabs/mountpoint-s3-csi-driver#781 shows that it
      // is the cluster's ARN, not the association's.
      'aws:SourceArn': has(use.clusterArn),
      'aws:SourceAccount': has(clusterOf(use).account),
      // Global keys: true "when a service uses a service principal to perform a direct action", which the name is then
      // with.
      'aws:PrincipalIsAWSService': has('true'),
      'aws:PrincipalServiceName': has(POD_IDENTITY_PRINCIPAL),
      // Global keys: has every name of the service, regional ones too, and no page says which those are.
      'aws:PrincipalServiceNamesList': PRESENT,
      // Global keys: of role sessions that an identity provider's token was given for.
      'aws:FederatedProvider': ABSENT,
    },
    // The Best Practices Guide says that aws:SourceOrgID is sent, but not which organisation the account is in:
    // unknown, as are addresses and VPCs.
    (key) => (providerOf(key) === undefined && !startsWithProviderArn(key) ? UNKNOWN : ABSENT),
  );
  const principal = { type: 'Service' as const, values: [POD_IDENTITY_PRINCIPAL] };
  return ['sts:AssumeRole', 'sts:TagSession'].map((action) => ({ action, principal, lookUp }));
}

/**
 * Claims that IAM knows of other providers, and that a Kubernetes token has not (Kubernetes, "Managing Service
 * Accounts": aud, exp, iat, iss, jti, kubernetes.io, nbf, sub).
 */
const CLAIMS_OF_OTHER_PROVIDERS = new Set(['amr', 'azp', 'email', 'id', 'app_id', 'user_id']);

function issuerKey(key: string, use: TrustUse): KeyState {
  if (startsWithProviderArn(key)) return ABSENT;
  const provider = providerOf(key);
  if (provider === undefined || (use.oidcIssuer === undefined && provider !== 'saml')) return UNKNOWN;
  if (use.oidcIssuer === undefined || provider !== issuerName(use.oidcIssuer).toLowerCase()) return ABSENT;
  const claim = key.slice(provider.length + 1);
  // EKS User Guide, "Assign IAM roles to Kubernetes service accounts".
  if (claim === 'sub') return has(`system:serviceaccount:${use.namespace}:${use.serviceAccount}`);
  if (claim === 'aud') return has(TOKEN_AUDIENCE);
  return CLAIMS_OF_OTHER_PROVIDERS.has(claim) ? ABSENT : UNKNOWN;
}

/**
 * A pod with an IRSA token: sts:AssumeRoleWithWebIdentity, which takes no AWS credentials (STS API Reference), so that
 * keys of signed requests are absent. Without an issuer nothing is known of the provider but its type. The provider is
 * in the role's account (EKS User Guide, "Authenticate to another account with IRSA").
 */
export function irsaRequest(use: TrustUse): PolicyRequest {
  const lookUp = lookUpIn(
    {
      ...anyCall(use),
      // STS takes tags from a claim of the token (IAM User Guide, "Pass session tags in AWS STS"), which Kubernetes
      // does not write.
      'aws:RequestTag/': ABSENT,
      'aws:TagKeys': ABSENT,
      'sts:TransitiveTagKeys': ABSENT,
      // Global keys: only where a service calls for a resource's owner.
      'aws:SourceArn': ABSENT,
      'aws:SourceAccount': ABSENT,
      'aws:SourceOrgID': ABSENT,
      'aws:SourceOrgPaths': ABSENT,
      // Global keys: "signed API requests that use AWS credentials"; the names "not present in any other situation"
      // than a service's call.
      'aws:PrincipalIsAWSService': ABSENT,
      'aws:PrincipalServiceName': ABSENT,
      'aws:PrincipalServiceNamesList': ABSENT,
      // Not listed: aws:SourceIp, which is there unless the pod reaches STS by a VPC endpoint, and
      // aws:FederatedProvider, which is documented for the session alone.
    },
    (key) => issuerKey(key, use),
  );
  const principal =
    use.oidcIssuer === undefined
      ? { type: 'Federated' as const, unknown: "the cluster's OIDC provider, which is not known" }
      : {
          type: 'Federated' as const,
          values: [
            `arn:${clusterOf(use).partition}:iam::${roleAccountOf(use)}:oidc-provider/${issuerName(use.oidcIssuer)}`,
          ],
        };
  return { action: 'sts:AssumeRoleWithWebIdentity', principal, lookUp };
}

/** A role's session that calls sts:AssumeRole, all of whose request is known. */
export interface AssumeRoleCall {
  /** The caller's role, and its session. */
  roleArn: string;
  sessionArn: string;
  /** Of the caller. */
  account: string;
  partition: string;
  /** Account of the role that is assumed. */
  resourceAccount: string;
  /** The call's parameters. */
  sessionName: string;
  externalId?: string;
  tags?: Record<string, string>;
  transitiveTagKeys?: readonly string[];
  /** Milliseconds since 1970. */
  now?: number;
}

/**
 * What a role's trust policy is asked. A key that is not there is absent; `sts:TagSession` is asked where the call has
 * tags.
 */
export function assumeRoleRequest(
  call: AssumeRoleCall,
  action: 'sts:AssumeRole' | 'sts:TagSession' = 'sts:AssumeRole',
): PolicyRequest {
  const {
    roleArn,
    sessionArn,
    account,
    partition,
    resourceAccount,
    externalId,
    tags = {},
    transitiveTagKeys = [],
    now,
  } = call;
  const names = Object.keys(tags);
  const lookUp = closedWorld({
    'aws:PrincipalArn': roleArn,
    'aws:PrincipalAccount': account,
    'aws:PrincipalType': 'AssumedRole',
    'aws:PrincipalIsAWSService': 'false',
    // Global keys: there with temporary credentials, which a role's are.
    'aws:MultiFactorAuthPresent': 'false',
    'aws:SecureTransport': 'true',
    'aws:ViaAWSService': 'false',
    'aws:ResourceAccount': resourceAccount,
    'sts:RoleSessionName': call.sessionName,
    ...(externalId === undefined ? {} : { 'sts:ExternalId': externalId }),
    ...Object.fromEntries(Object.entries(tags).map(([key, value]) => [`aws:RequestTag/${key}`, value])),
    ...(names.length === 0 ? {} : { 'aws:TagKeys': names }),
    ...(transitiveTagKeys.length === 0 ? {} : { 'sts:TransitiveTagKeys': transitiveTagKeys }),
    ...(now === undefined
      ? {}
      : { 'aws:CurrentTime': new Date(now).toISOString(), 'aws:EpochTime': String(Math.floor(now / 1000)) }),
  });
  // IAM User Guide, "AWS JSON policy elements: Principal": an account is written as its id or as its root's ARN.
  return {
    action,
    principal: { type: 'AWS', values: [roleArn, sessionArn, account, `arn:${partition}:iam::${account}:root`] },
    lookUp,
  };
}
