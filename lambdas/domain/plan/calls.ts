/**
 * A call of EKS, or one that EKS makes on its caller's behalf, as IAM judges it: the action, the resource, and what
 * each condition key has. "Global keys" is the IAM User Guide's "AWS global condition context keys". A key that no page
 * speaks of is `unknown`: nothing is guessed.
 */
import { clusterArn } from '../aws/arn.ts';
import type { Target } from '../migration/model.ts';
import { partitionOf } from '../aws/partitions.ts';
import { type KeyState, lookUpIn, type PolicyRequest, statesOf } from '../policy/index.ts';
import type { ActingStep } from './acting.ts';

export interface Call {
  /** The step that makes it, with its own role. */
  step: ActingStep;
  /** Such as `eks:CreateAddon`. */
  action: string;
  /** ARN. Where an id is part of it that nobody knows beforehand, one that it could be. */
  resource: string;
  /** Tags that the resource has: none where it is left out; `unknown` where they were not read. */
  resourceTags?: Record<string, string> | 'unknown';
  /** Tags that the request gives; `undefined` as a value that is not known beforehand. */
  requestTags?: Record<string, string | undefined>;
  /** Of iam:PassRole: the service. */
  passedTo?: string;
  /** EKS makes it with its caller's rights. */
  onBehalf?: true;
}

/** Equal for equal calls. */
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

/** The same for every call of a role. */
const ofRole = (principalArn: string, { account }: Target): Record<string, string> => ({
  'aws:PrincipalArn': principalArn,
  'aws:PrincipalAccount': account,
  'aws:PrincipalType': 'AssumedRole',
  'aws:PrincipalIsAWSService': 'false',
  // Temporary credentials have it; a function's were got without MFA.
  'aws:MultiFactorAuthPresent': 'false',
  // API endpoints of EKS are HTTPS alone.
  'aws:SecureTransport': 'true',
  // Roles that are passed, clusters, add-ons and associations are of the cluster's own account.
  'aws:ResourceAccount': account,
});

/** Keys that such a call has with a value that is not known, or may have. */
const OPEN: States = {
  // Global keys: "always included in the request context".
  'aws:CurrentTime': PRESENT,
  'aws:EpochTime': PRESENT,
  'aws:UserAgent': PRESENT,
  'aws:userid': PRESENT,
  'aws:TokenIssueTime': PRESENT,
  // Global keys: of IAM users, of a link from a web page.
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
  // results"; of a role that EKS reads, the tags were not read here.
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
        // The list of services that it names does not have EKS.
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

/** All that is known of the keys of a call. */
export interface CallKeys {
  lookUp: PolicyRequest['lookUp'];
  /** Those whose values are known, as the key is written in policies. */
  known: Record<string, readonly string[]>;
}

/** Service Authorization Reference: no action of EKS that is asked about here has a key of EKS's own. */
const isOfOtherService = (key: string, action: string): boolean => {
  const service = key.split(':')[0] ?? '';
  return service !== 'aws' && !(service === 'iam' && action.startsWith('iam:'));
};

export function keysOf(call: Call, principalArn: string, target: Target): CallKeys {
  const states: States = {
    ...OPEN,
    ...statesOf(ofRole(principalArn, target)),
    'aws:RequestedRegion': regionOf(call, target),
    ...attemptOf(call),
    ...tagsOf(call),
    // EMR on EKS Development Guide: the cluster's ARN.
    ...(call.passedTo === undefined
      ? {}
      : statesOf({ 'iam:PassedToService': call.passedTo, 'iam:AssociatedResourceArn': clusterArn(target) })),
  };
  const known = Object.entries(states).flatMap(([key, state]) =>
    state.state === 'values' ? [[key, state.values] as const] : [],
  );
  return {
    lookUp: lookUpIn(states, (key) => (isOfOtherService(key, call.action) ? ABSENT : UNKNOWN)),
    known: Object.fromEntries(known),
  };
}

/**
 * How IAM is asked: `exactly`, each call with all that is known of it, but for `aws:ViaAWSService`, which few policies
 * ask for; `thriftily`, all calls of a role together, with what they have in common. Where the answer may rest on what
 * was left out, it is asked again with that.
 */
export type Asking = 'exactly' | 'thriftily';

const isShared = (key: string): boolean =>
  /^(aws:(principal|multifactorauthpresent|securetransport|resourceaccount)|iam:)/.test(key.toLowerCase());

/** What the first question of a call gives. */
export const firstKeys = ({ known }: CallKeys, asking: Asking): CallKeys['known'] =>
  Object.fromEntries(
    Object.entries(known).filter(([key]) => (asking === 'exactly' ? key !== 'aws:ViaAWSService' : isShared(key))),
  );

/**
 * Of the keys that IAM missed, those that the call has, or may have: `given` with the values that are known, `open`
 * without. An answer without any rests on nothing that was not said.
 */
export function missedKeys(missing: readonly string[], { lookUp }: CallKeys): { known: string[]; open: string[] } {
  const states = missing.map((key) => ({ key, state: lookUp(key).state }));
  return {
    known: states.filter(({ state }) => state === 'values').map(({ key }) => key),
    open: states.filter(({ state }) => state === 'present' || state === 'unknown').map(({ key }) => key),
  };
}
