/**
 * The requests that decide whether a role can be used, and the value of each of their condition keys, with the page that
 * documents it. "Global keys" is the IAM User Guide's "AWS global condition context keys", "STS keys" its "IAM and AWS
 * STS condition context keys". What CloudTrail records of EKS Auth's call is shown in
 * aws-samples/amazon-eks-security-immersion-day, "Deep Dive into EKS Pod Identity". A key that no page documents is
 * `unknown`: nothing is guessed.
 */
import { issuerName, providerOf, startsWithProviderArn } from './keys.ts';
import type { KeyState, PolicyRequest } from './request.ts';

export const POD_IDENTITY_PRINCIPAL = 'pods.eks.amazonaws.com';
/** The service to which the role of an add-on is passed for IRSA. */
export const EKS_PRINCIPAL = 'eks.amazonaws.com';
/**
 * The audience for which the pod identity webhook requests tokens, in China too (amazon-eks-pod-identity-webhook's README;
 * eksctl-io/eksctl#1910).
 */
export const TOKEN_AUDIENCE = 'sts.amazonaws.com';

/** One service account of one cluster, and how it would use a role. */
export interface TrustUse {
  /** ARN of the cluster, which also has its partition and account. */
  clusterArn: string;
  namespace: string;
  serviceAccount: string;
  /** The association's setting: EKS Auth sends no session tags. */
  disableSessionTags?: boolean;
  /** The cluster's OIDC issuer, with or without `https://`. Absent if it is not known. */
  oidcIssuer?: string;
  /** Account of the role. Absent if it is the cluster's, as EKS Pod Identity requires. */
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

/** Looks up keys by name, ignoring case. A name that ends in `/` matches every key with that prefix. */
export function lookUpIn(states: Record<string, KeyState>, otherwise: LookUp): LookUp {
  const exact = new Map(Object.entries(states).map(([key, state]) => [key.toLowerCase(), state]));
  return (key) => {
    const name = key.toLowerCase();
    const family = name.slice(0, name.indexOf('/') + 1);
    return exact.get(name) ?? (family === '' ? undefined : exact.get(family)) ?? otherwise(name);
  };
}

/** Looks up keys with what `make` returns, which is called at the first key: most policies have no condition. */
function lookUpLater(make: () => LookUp): LookUp {
  let lookUp: LookUp | undefined;
  return (key) => (lookUp ??= make())(key);
}

/** Returns the state of keys that have these values. */
export function statesOf(values: Record<string, string | readonly string[]>): Record<string, KeyState> {
  return Object.fromEntries(
    Object.entries(values).map(([key, value]) => [key, has(...(typeof value === 'string' ? [value] : value))]),
  );
}

/** Looks up keys of a request that has these keys and no others. Names are compared ignoring case. */
export const closedWorld = (values: Record<string, string | readonly string[]>): LookUp =>
  lookUpIn(statesOf(values), () => ABSENT);

/** Keys that the calls of EKS Auth and of a pod with a token have in common. */
const anyCall = (use: TrustUse): Record<string, KeyState> => ({
  // Global keys: "always included in the request context".
  'aws:CurrentTime': PRESENT,
  'aws:EpochTime': PRESENT,
  'aws:UserAgent': PRESENT,
  // CloudTrail shows that EKS Auth calls STS in the cluster's region; a pod's SDK calls the region that is configured.
  // Neither is guaranteed.
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
  // Global keys: the account that owns the resource, here the role. The request also has the account's organization,
  // which is not known: aws:ResourceOrgID and aws:ResourceOrgPaths stay unknown.
  'aws:ResourceAccount': has(roleAccountOf(use)),
  // Global keys of users and roles: "all signed requests", with users, roles, federated users and root as values; then
  // organization members, tagged users and roles, and IAM users.
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
  // Documented for all requests, but without the value for this one, so they stay unknown: aws:PrincipalAccount,
  // aws:PrincipalType, aws:userid.

  // STS keys: "present when the principal assumes the role" by any AssumeRole call.
  'sts:RoleSessionName': PRESENT,
  // STS keys: present if the caller provides an external ID. EKS sends one only to a target role (EKS API Reference,
  // PodIdentityAssociation.externalId).
  'sts:ExternalId': ABSENT,
  // STS keys: present if the caller sets one. Neither EKS Auth's call in CloudTrail nor AssumeRoleWithWebIdentity's
  // parameters include it.
  'sts:SourceIdentity': ABSENT,
  // STS keys: for bearer tokens, "not present for AWS STS assume-role operations".
  'sts:DurationSeconds': ABSENT,
  'sts:AWSServiceName': ABSENT,
});

/**
 * Returns the session tags of EKS Pod Identity. `undefined` is a value that is not known before the pod exists. Source:
 * EKS User Guide, "Grant Pods access to AWS resources based on tags".
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
  // "All of the session tags that are added by EKS Pod Identity are transitive" (same page).
  return {
    ...none,
    ...Object.fromEntries(each),
    'aws:TagKeys': has(...Object.keys(tags)),
    'sts:TransitiveTagKeys': has(...Object.keys(tags)),
  };
}

/**
 * Returns the calls of EKS Auth on behalf of a pod: sts:AssumeRole, and sts:TagSession, which EKS requires even if
 * session tags are disabled. Both have the tags. Source: EKS User Guide, "Create IAM role with trust policy required by
 * EKS Pod Identity".
 */
export function podIdentityRequests(use: TrustUse): PolicyRequest[] {
  const lookUp = lookUpLater(() =>
    lookUpIn(
      {
        ...anyCall(use),
        ...tagKeys(use),
        // EKS Best Practices Guide, "Identity and Access Management"; awslabs/mountpoint-s3-csi-driver#781 shows that
        // it is the cluster's ARN, not the association's.
        'aws:SourceArn': has(use.clusterArn),
        'aws:SourceAccount': has(clusterOf(use).account),
        // Global keys: true "when a service uses a service principal to perform a direct action"; the principal's name
        // is then present too.
        'aws:PrincipalIsAWSService': has('true'),
        'aws:PrincipalServiceName': has(POD_IDENTITY_PRINCIPAL),
        // Global keys: has every name of the service, regional names too, and no page lists them.
        'aws:PrincipalServiceNamesList': PRESENT,
        // Global keys: present in role sessions that were issued for an identity provider's token.
        'aws:FederatedProvider': ABSENT,
      },
      // The Best Practices Guide documents that aws:SourceOrgID is sent, but the account's organization is not known. So
      // the key stays unknown, as do addresses and VPCs.
      (key) => (providerOf(key) === undefined && !startsWithProviderArn(key) ? UNKNOWN : ABSENT),
    ),
  );
  const principal = { type: 'Service' as const, values: [POD_IDENTITY_PRINCIPAL] };
  return ['sts:AssumeRole', 'sts:TagSession'].map((action) => ({ action, principal, lookUp }));
}

/**
 * Claims of other providers that IAM supports and that a Kubernetes token does not have (Kubernetes, "Managing Service
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
 * Returns the call of a pod with an IRSA token: sts:AssumeRoleWithWebIdentity, which needs no AWS credentials (STS API
 * Reference), so the keys of signed requests are absent. Without an issuer, only the provider's type is known. The
 * provider is in the role's account (EKS User Guide, "Authenticate to another account with IRSA").
 */
export function irsaRequest(use: TrustUse): PolicyRequest {
  const lookUp = lookUpLater(() =>
    lookUpIn(
      {
        ...anyCall(use),
        // STS reads tags from a claim of the token (IAM User Guide, "Pass session tags in AWS STS"), which Kubernetes
        // tokens do not have.
        'aws:RequestTag/': ABSENT,
        'aws:TagKeys': ABSENT,
        'sts:TransitiveTagKeys': ABSENT,
        // Global keys: only if a service makes the call on behalf of a resource's owner.
        'aws:SourceArn': ABSENT,
        'aws:SourceAccount': ABSENT,
        'aws:SourceOrgID': ABSENT,
        'aws:SourceOrgPaths': ABSENT,
        // Global keys: "signed API requests that use AWS credentials"; the service's names are "not present in any other
        // situation" than its own call.
        'aws:PrincipalIsAWSService': ABSENT,
        'aws:PrincipalServiceName': ABSENT,
        'aws:PrincipalServiceNamesList': ABSENT,
        // Not listed: aws:SourceIp, which is present unless the pod reaches STS through a VPC endpoint, and
        // aws:FederatedProvider, which is documented only for the session.
      },
      (key) => issuerKey(key, use),
    ),
  );
  const principal =
    use.oidcIssuer === undefined
      ? { type: 'Federated' as const, unknown: "the cluster's unknown OIDC provider" }
      : {
          type: 'Federated' as const,
          values: [
            `arn:${clusterOf(use).partition}:iam::${roleAccountOf(use)}:oidc-provider/${issuerName(use.oidcIssuer)}`,
          ],
        };
  return { action: 'sts:AssumeRoleWithWebIdentity', principal, lookUp };
}

/** A call of sts:AssumeRole by a role's session, of which the whole request is known. */
export interface AssumeRoleCall {
  /** The caller's role, and its session. */
  roleArn: string;
  sessionArn: string;
  /** Account of the caller. */
  account: string;
  partition: string;
  /** Account of the role that is assumed. */
  resourceAccount: string;
  /** Name of the new session. */
  sessionName: string;
  externalId?: string;
  tags?: Record<string, string>;
  transitiveTagKeys?: readonly string[];
  /** Milliseconds since 1970. */
  now?: number;
}

/**
 * Returns the request against which a role's trust policy is evaluated. A key that is not listed is absent. A call with
 * tags also needs the request for `sts:TagSession`.
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
    // Global keys: present with temporary credentials, such as a role's.
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
