/**
 * A call of EKS, or a call that EKS makes on its caller's behalf, as IAM evaluates it: the action, the resource, and the
 * value of each condition key. "Global keys" is the IAM User Guide's "AWS global condition context keys". A key that no
 * page documents is `unknown`: nothing is guessed.
 */
import { clusterArn } from '../aws/arn.ts';
import type { Target } from '../terms/subject.ts';
import { partitionOf } from '../aws/partitions.ts';
import { type KeyState, lookUpIn, type PolicyRequest, statesOf } from '../policy/index.ts';
import type { ActingStep } from '../steps/work.ts';

export interface Call {
  /** The step that makes the call, with its own role. */
  step: ActingStep;
  /** Such as `eks:CreateAddon`. */
  action: string;
  /** ARN of the resource. If it includes an ID that is not known in advance, a possible ID is used. */
  resource: string;
  /** Tags of the resource: absent if it has none, `unknown` if they were not read. */
  resourceTags?: Record<string, string> | 'unknown';
  /** Tags in the request. A value that is not known in advance is `undefined`. */
  requestTags?: Record<string, string | undefined>;
  /** The service to which iam:PassRole passes the role. */
  passedTo?: string;
  /** EKS makes it with its caller's rights. */
  onBehalf?: true;
}

/** Returns a key that is equal for equal calls. */
export const callKey = ({ step, action, resource, resourceTags, requestTags, passedTo, onBehalf }: Call): string =>
  JSON.stringify([
    step,
    action,
    resource,
    resourceTags ?? {},
    Object.entries(requestTags ?? {}).map(([key, value]) => [key, value ?? null]),
    passedTo ?? '',
    onBehalf ?? false,
  ]);

type States = Record<string, KeyState>;
const ABSENT: KeyState = { state: 'absent' };
const PRESENT: KeyState = { state: 'present' };
const UNKNOWN: KeyState = { state: 'unknown' };

/** Returns the keys that are the same for every call of a role. */
const ofRole = (principalArn: string, { account }: Target): Record<string, string> => ({
  'aws:PrincipalArn': principalArn,
  'aws:PrincipalAccount': account,
  'aws:PrincipalType': 'AssumedRole',
  'aws:PrincipalIsAWSService': 'false',
  // Present with temporary credentials; a function gets its credentials without MFA.
  'aws:MultiFactorAuthPresent': 'false',
  // API endpoints of EKS support only HTTPS.
  'aws:SecureTransport': 'true',
  // Passed roles, clusters, add-ons and associations are in the cluster's account.
  'aws:ResourceAccount': account,
});

/** Keys that a call has, or may have, with an unknown value. */
const OPEN: States = {
  // Global keys: "always included in the request context".
  'aws:CurrentTime': PRESENT,
  'aws:EpochTime': PRESENT,
  'aws:UserAgent': PRESENT,
  'aws:userid': PRESENT,
  'aws:TokenIssueTime': PRESENT,
  // Global keys: for IAM users, and for a link from a web page.
  'aws:username': ABSENT,
  'aws:Referer': ABSENT,
};

const tagStates = (prefix: 'aws:RequestTag/' | 'aws:ResourceTag/', tags: Call['requestTags']): States =>
  Object.fromEntries(
    Object.entries(tags ?? {}).map(([key, value]) => [
      `${prefix}${key}`,
      value === undefined ? PRESENT : { state: 'values', values: [value] },
    ]),
  );

function tagsOf({ action, requestTags = {}, resourceTags = {} }: Call): States {
  const keys = Object.keys(requestTags);
  // IAM User Guide, "Grant a user permissions to pass a role": a condition on a role's tags "does not have reliable
  // results". The tags of a role that EKS reads were not read here.
  const notRead = resourceTags === 'unknown' || action.startsWith('iam:');
  return {
    'aws:RequestTag/': ABSENT,
    'aws:TagKeys': keys.length === 0 ? ABSENT : { state: 'values', values: keys },
    'aws:ResourceTag/': notRead ? UNKNOWN : ABSENT,
    ...tagStates('aws:RequestTag/', requestTags),
    ...(resourceTags === 'unknown' ? {} : tagStates('aws:ResourceTag/', resourceTags)),
  };
}

/** Global keys: aws:ViaAWSService is true "when a service uses the credentials of an IAM principal". */
const attemptOf = ({ onBehalf }: Call): States =>
  onBehalf
    ? {
        'aws:ViaAWSService': { state: 'values', values: ['true'] },
        // The documented list of services does not include EKS.
        'aws:CalledVia': UNKNOWN,
        'aws:CalledViaFirst': UNKNOWN,
        'aws:CalledViaLast': UNKNOWN,
      }
    : {
        'aws:ViaAWSService': { state: 'values', values: ['false'] },
        'aws:CalledVia': ABSENT,
        'aws:CalledViaFirst': ABSENT,
        'aws:CalledViaLast': ABSENT,
      };

/** Global keys, aws:RequestedRegion: IAM has one endpoint in the partition aws, in us-east-1. */
const regionOf = ({ action }: Call, { region }: Target): KeyState => {
  if (action !== 'iam:GetRole') return { state: 'values', values: [region] };
  return partitionOf(region) === 'aws' ? { state: 'values', values: ['us-east-1'] } : UNKNOWN;
};

/** Everything that is known about the keys of a call. */
export interface CallKeys {
  lookUp: PolicyRequest['lookUp'];
  /** Keys with known values, by the key as it is written in policies. */
  known: Record<string, readonly string[]>;
}

/**
 * Returns whether no request of the action has the key. Service Authorization Reference: none of the EKS actions that occur
 * here has an EKS-specific key, and of IAM's keys iam:GetRole and iam:PassRole have only the tags of the role, and
 * iam:PassRole the two that `keysOf` sets.
 */
const isOfOtherAction = (key: string, action: string): boolean => {
  const service = key.split(':')[0] ?? '';
  return service !== 'aws' && !(action.startsWith('iam:') && key.startsWith('iam:resourcetag/'));
};

export function keysOf(call: Call, principalArn: string, target: Target): CallKeys {
  const states: States = {
    ...OPEN,
    ...statesOf(ofRole(principalArn, target)),
    'aws:RequestedRegion': regionOf(call, target),
    ...attemptOf(call),
    ...tagsOf(call),
    // EMR on EKS Development Guide: the key has the cluster's ARN.
    ...(call.passedTo === undefined
      ? {}
      : statesOf({ 'iam:PassedToService': call.passedTo, 'iam:AssociatedResourceArn': clusterArn(target) })),
  };
  const known = Object.entries(states).flatMap(([key, state]) =>
    state.state === 'values' ? [[key, state.values] as const] : [],
  );
  return {
    lookUp: lookUpIn(states, (key) => (isOfOtherAction(key, call.action) ? ABSENT : UNKNOWN)),
    known: Object.fromEntries(known),
  };
}

/**
 * How IAM is asked. `exactly`: about the calls of one subject, with all known keys that they have in common. `thriftily`:
 * about the calls of all subjects of a cluster, with the keys that all subjects have in common. If the answer may depend
 * on an omitted key, IAM is asked again with that key.
 */
export type Asking = 'exactly' | 'thriftily';

/** Returns whether a key of a call does not depend on the subject. */
export const isOfAllSubjects = (key: string): boolean =>
  /^(aws:(principal|multifactorauthpresent|securetransport|resourceaccount|requestedregion)|iam:)/.test(
    key.toLowerCase(),
  );

/**
 * Returns which of the keys that IAM reports as missing the call has, or may have: in `known` those with known values, in
 * `open` the others. If there are none, the answer depends on nothing that was omitted.
 */
export function missedKeys(missing: readonly string[], { lookUp }: CallKeys): { known: string[]; open: string[] } {
  const states = missing.map((key) => ({ key, state: lookUp(key).state }));
  return {
    known: states.filter(({ state }) => state === 'values').map(({ key }) => key),
    open: states.filter(({ state }) => state === 'present' || state === 'unknown').map(({ key }) => key),
  };
}
