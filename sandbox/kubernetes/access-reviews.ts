/**
 * Reviews: what a user may do (`kubectl auth can-i`), who a user is (`kubectl auth whoami`), and whose token something
 * is (k8s.io/kubernetes, registry/authorization and registry/authentication). Reviews are not stored.
 */
import type { Caller, HttpResponse } from '../http.ts';
import type { ClusterState, World } from '../world/world.ts';
import type { User } from './access.ts';
import { badRequest, json } from './answers.ts';
import { afterUpdate } from './field-managers.ts';
import { decodeInto } from './go/decode.ts';
import type { PolicyRule } from '../objects/objects.ts';
import { type Attributes, decide, rbacRules } from './rbac.ts';
import { isSince } from './resources/served.ts';
import { timestamp } from '../objects/store.ts';
import { zeroOf } from './zero-values.ts';
import { type FieldError, invalid, invalidObject } from './validation/field-errors.ts';

const AUTHORIZATION = 'authorization.k8s.io';
const AUTHENTICATION = 'authentication.k8s.io';
/** EKS evaluates access policies in a webhook authorizer, which cannot list its rules. */
const NO_RULES_OF_WEBHOOK = 'webhook authorizer does not support user rule resolution';
/** The audience of the API server's own tokens, which it also expects in other tokens (kube-apiserver, --api-audiences). */
const AUDIENCES = ['https://kubernetes.default.svc'];

/** What reviews need of the API server. */
export interface ReviewContext {
  world: World;
  cluster: ClusterState;
  user: User;
  /** Namespace in the path of the request. */
  namespace: string | undefined;
  /** Returns the user with that token; undefined if the token is not valid. */
  userWith: (token: string) => User | undefined;
}

interface ResourceAttributes {
  namespace?: string;
  verb?: string;
  group?: string;
  version?: string;
  resource?: string;
  subresource?: string;
  name?: string;
}
interface NonResourceAttributes {
  path?: string;
  verb?: string;
}
interface AccessSpec {
  resourceAttributes?: ResourceAttributes;
  nonResourceAttributes?: NonResourceAttributes;
}
interface SubjectSpec extends AccessSpec {
  user?: string;
  groups?: string[];
  uid?: string;
  extra?: Record<string, string[]>;
}
interface Read<Spec> {
  metadata: Record<string, unknown>;
  spec: Spec;
}

/** Decodes a review; a value of another type is the 400 of the API server. */
const read = <Spec>(kind: string, body: Record<string, unknown>): Read<Spec> => {
  const { value, error } = decodeInto(body, kind);
  if (error !== undefined) throw badRequest(`${kind} in version "v1" cannot be handled as a ${kind}: ${error}`);
  return { metadata: (value['metadata'] ?? {}) as Record<string, unknown>, spec: (value['spec'] ?? {}) as Spec };
};

const targetErrors = ({ resourceAttributes, nonResourceAttributes }: AccessSpec): FieldError[] => {
  if (resourceAttributes && nonResourceAttributes)
    return [
      invalid(
        'spec.nonResourceAttributes',
        { value: nonResourceAttributes, type: 'NonResourceAttributes' },
        'cannot be specified in combination with resourceAttributes',
      ),
    ];
  return resourceAttributes || nonResourceAttributes
    ? []
    : [
        invalid(
          'spec.resourceAttributes',
          null,
          'exactly one of nonResourceAttributes or resourceAttributes must be specified',
        ),
      ];
};

const metadataErrors = (metadata: Record<string, unknown>, allowed: readonly string[], rule: string): FieldError[] =>
  Object.keys(metadata).some((key) => key !== 'creationTimestamp' && !allowed.includes(key))
    ? [invalid('metadata', { value: metadata, type: 'ObjectMeta' }, rule)]
    : [];

/** The API server's internal types of reviews have no kind, so that its message begins with the dot. */
const check = (errors: readonly FieldError[], { version }: ClusterState): void => {
  if (errors.length > 0) throw invalidObject({ kind: '', group: AUTHORIZATION }, '', errors, version);
};

const attributesOf = ({ resourceAttributes: wanted, nonResourceAttributes: url }: AccessSpec): Attributes => {
  if (!wanted) return { verb: url?.verb ?? '', path: url?.path ?? '', group: '', resource: '' };
  const { verb = '', group = '', resource = '', subresource, namespace, name } = wanted;
  return {
    verb,
    group,
    resource,
    ...(subresource ? { subresource } : {}),
    ...(namespace ? { namespace } : {}),
    ...(name ? { name } : {}),
  };
};

const decision = (cluster: ClusterState, user: User, spec: AccessSpec): unknown => {
  const { allowed, reason } = decide(cluster, user, attributesOf(spec));
  return { allowed, ...(reason === '' ? {} : { reason }) };
};

/** Access policies belong to the principal of an access entry, which a review does not name. */
const subjectOf = ({ user: username = '', groups = [], uid, extra = {} }: SubjectSpec): User => ({
  username,
  groups,
  ...(uid === undefined ? {} : { uid }),
  extra,
  principalArn: '',
  policies: [],
});

const subjectErrors = (spec: SubjectSpec): FieldError[] => [
  ...targetErrors(spec),
  ...(spec.user || spec.groups?.length
    ? []
    : [invalid('spec.user', '', 'at least one of user or group must be specified')]),
];

const selfSubjectAccessReview: Review['answer'] = ({ cluster, user }, body) => {
  const { metadata, spec } = read<AccessSpec>('SelfSubjectAccessReview', body);
  check([...targetErrors(spec), ...metadataErrors(metadata, ['managedFields'], 'must be empty')], cluster);
  return { spec, status: decision(cluster, user, spec) };
};

const subjectAccessReview: Review['answer'] = ({ cluster }, body) => {
  const { metadata, spec } = read<SubjectSpec>('SubjectAccessReview', body);
  check([...subjectErrors(spec), ...metadataErrors(metadata, ['managedFields'], 'must be empty')], cluster);
  return { spec, status: decision(cluster, subjectOf(spec), spec) };
};

const localSubjectAccessReview: Review['answer'] = ({ cluster, namespace }, body) => {
  const { metadata, spec } = read<SubjectSpec>('LocalSubjectAccessReview', body);
  const { resourceAttributes: wanted, nonResourceAttributes: url } = spec;
  // The API server fills in the namespace of the path.
  const own = metadata['namespace'] ?? namespace;
  check(
    [
      ...subjectErrors(spec),
      ...metadataErrors(metadata, ['managedFields', 'namespace'], 'must be empty except for namespace'),
      ...(wanted && wanted.namespace !== own
        ? [invalid('spec.resourceAttributes.namespace', wanted.namespace ?? '', 'must match metadata.namespace')]
        : []),
      ...(url
        ? [
            invalid(
              'spec.nonResourceAttributes',
              { value: url, type: 'NonResourceAttributes' },
              'disallowed on this kind of request',
            ),
          ]
        : []),
    ],
    cluster,
  );
  return { metadata: { namespace }, spec, status: decision(cluster, subjectOf(spec), spec) };
};

/** Returns a rule as the API server lists it: with verbs first, and only the fields that it has. */
const listedRule = ({ verbs, apiGroups, resources, resourceNames, nonResourceURLs }: PolicyRule): PolicyRule => ({
  verbs,
  ...(nonResourceURLs ? { nonResourceURLs } : {}),
  ...(apiGroups ? { apiGroups } : {}),
  ...(resources ? { resources } : {}),
  ...(resourceNames?.length ? { resourceNames } : {}),
});

const selfSubjectRulesReview: Review['answer'] = ({ cluster, user }, body) => {
  const { spec } = read<{ namespace?: string }>('SelfSubjectRulesReview', body);
  if (!spec.namespace) throw badRequest('no namespace on request');
  const rules = rbacRules(cluster, user, spec.namespace).map(listedRule);
  return {
    spec: {},
    status: {
      resourceRules: rules.filter(({ resources }) => resources !== undefined),
      nonResourceRules: rules.filter(({ nonResourceURLs }) => nonResourceURLs !== undefined),
      incomplete: true,
      evaluationError: NO_RULES_OF_WEBHOOK,
    },
  };
};

const userInfo = ({ username, groups, uid, extra }: User): unknown => ({
  username,
  ...(uid === undefined ? {} : { uid }),
  groups,
  ...(Object.keys(extra).length > 0 ? { extra } : {}),
});

const selfSubjectReview: Review['answer'] = ({ world, user }, body) => {
  read('SelfSubjectReview', body);
  return {
    metadata: { creationTimestamp: timestamp(world.schedule.now()) },
    status: { userInfo: userInfo(user) },
  };
};

const tokenReview: Review['answer'] = ({ userWith }, body) => {
  const { spec } = read<{ token?: string }>('TokenReview', body);
  if (!spec.token) throw badRequest('token is required for TokenReview in authentication');
  const user = userWith(spec.token);
  return {
    spec,
    status: user
      ? { authenticated: true, user: userInfo(user), audiences: AUDIENCES }
      : { user: {}, error: 'invalid bearer token' },
  };
};

interface Review {
  group: string;
  plural: string;
  kind: string;
  /** Whether the review is made in a namespace. */
  namespaced?: true;
  /** Whether the answer is the review that the client sent, so that its fields have a manager. */
  echoes?: true;
  answer: (context: ReviewContext, body: Record<string, unknown>) => Record<string, unknown>;
}

const REVIEWS: readonly Review[] = [
  {
    group: AUTHORIZATION,
    plural: 'selfsubjectaccessreviews',
    kind: 'SelfSubjectAccessReview',
    echoes: true,
    answer: selfSubjectAccessReview,
  },
  {
    group: AUTHORIZATION,
    plural: 'subjectaccessreviews',
    kind: 'SubjectAccessReview',
    echoes: true,
    answer: subjectAccessReview,
  },
  {
    group: AUTHORIZATION,
    plural: 'localsubjectaccessreviews',
    kind: 'LocalSubjectAccessReview',
    namespaced: true,
    echoes: true,
    answer: localSubjectAccessReview,
  },
  {
    group: AUTHORIZATION,
    plural: 'selfsubjectrulesreviews',
    kind: 'SelfSubjectRulesReview',
    answer: selfSubjectRulesReview,
  },
  { group: AUTHENTICATION, plural: 'selfsubjectreviews', kind: 'SelfSubjectReview', answer: selfSubjectReview },
  { group: AUTHENTICATION, plural: 'tokenreviews', kind: 'TokenReview', echoes: true, answer: tokenReview },
];

export const reviewAt = (group: string, plural: string): Review | undefined =>
  REVIEWS.find((review) => review.group === group && review.plural === plural);

/** Answers a review that was sent by a field manager. */
export const answerReview = (
  review: Review,
  context: ReviewContext,
  body: Record<string, unknown>,
  manager: string,
): HttpResponse => {
  const { world, cluster } = context;
  const apiVersion = `${review.group}/v1`;
  const { metadata = {}, spec, ...answer } = review.answer(context, body);
  const managed =
    review.echoes && spec
      ? afterUpdate(
          [],
          { before: undefined, after: { spec }, apiVersion, zero: zeroOf(review.kind) },
          { manager },
          timestamp(world.schedule.now()),
        )
      : [];
  return json(201, {
    kind: review.kind,
    apiVersion,
    metadata: {
      // Older versions write the time of an object that is not stored as null.
      ...(isSince(cluster.version, '1.34') ? {} : { creationTimestamp: null }),
      ...(metadata as object),
      ...(managed.length > 0 ? { managedFields: managed } : {}),
    },
    ...(spec ? { spec } : {}),
    ...answer,
  });
};

/** Verifies a bearer token: returns the caller, or why the token is refused. */
export type VerifyToken = (token: string) => Caller | { refused: string };
