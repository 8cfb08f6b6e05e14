/** Self-subject reviews, as sent by `kubectl auth can-i` and `kubectl auth whoami`. Reviews are not stored. */
import { z } from 'zod';
import type { HttpResponse } from '../http.ts';
import type { ClusterState } from '../world/world.ts';
import type { User } from './access.ts';
import { badRequest, json } from './answers.ts';
import { decide, rbacRules } from './rbac.ts';

const AUTHORIZATION = 'authorization.k8s.io';
const AUTHENTICATION = 'authentication.k8s.io';

const text = z.string().default('');
const accessReview = z.looseObject({
  spec: z.looseObject({
    resourceAttributes: z
      .looseObject({ namespace: text, verb: text, group: text, resource: text, subresource: text, name: text })
      .optional(),
    nonResourceAttributes: z.looseObject({ path: text, verb: text }).optional(),
  }),
});
const rulesReview = z.looseObject({ spec: z.looseObject({ namespace: text }) });

/** Returns `{}` for an empty value: on the wire, an empty string means that the field is not set. */
const given = <K extends string>(key: K, value: string): Partial<Record<K, string>> =>
  value === '' ? {} : ({ [key]: value } as Partial<Record<K, string>>);

const parse = <T extends z.ZodType>(schema: T, body: unknown): z.output<T> => {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw badRequest(`the review is not valid: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`);
};

const selfSubjectAccessReview = (cluster: ClusterState, user: User, body: unknown): unknown => {
  const { spec } = parse(accessReview, body);
  const { resourceAttributes: wanted, nonResourceAttributes: url } = spec;
  if ((wanted === undefined) === (url === undefined))
    throw badRequest(
      'spec: Invalid value: exactly one of nonResourceAttributes or resourceAttributes must be specified',
    );
  const { allowed, reason } = decide(
    cluster,
    user,
    wanted
      ? {
          verb: wanted.verb,
          group: wanted.group,
          resource: wanted.resource,
          ...given('subresource', wanted.subresource),
          ...given('namespace', wanted.namespace),
          ...given('name', wanted.name),
        }
      : { verb: url?.verb ?? '', path: url?.path ?? '', group: '', resource: '' },
  );
  return { spec, status: { allowed, ...given('reason', reason) } };
};

const selfSubjectRulesReview = (cluster: ClusterState, user: User, body: unknown): unknown => {
  const { spec } = parse(rulesReview, body);
  const rules = rbacRules(cluster, user, spec.namespace);
  return {
    spec: {},
    status: {
      resourceRules: rules.filter(({ resources }) => resources !== undefined),
      nonResourceRules: rules.filter(({ nonResourceURLs }) => nonResourceURLs !== undefined),
      // EKS evaluates access policies in a webhook authorizer, which cannot list its rules (k8s.io/apiserver,
      // authorizer/webhook).
      incomplete: true,
      evaluationError: 'webhook authorizer does not support user rule resolution',
    },
  };
};

const selfSubjectReview = (_cluster: ClusterState, { username, groups, uid, extra }: User): unknown => ({
  status: {
    userInfo: { username, ...given('uid', uid ?? ''), groups, ...(Object.keys(extra).length > 0 ? { extra } : {}) },
  },
});

interface Review {
  group: string;
  plural: string;
  kind: string;
  answer: (cluster: ClusterState, user: User, body: unknown) => unknown;
}

export const REVIEWS: readonly Review[] = [
  {
    group: AUTHORIZATION,
    plural: 'selfsubjectaccessreviews',
    kind: 'SelfSubjectAccessReview',
    answer: selfSubjectAccessReview,
  },
  {
    group: AUTHORIZATION,
    plural: 'selfsubjectrulesreviews',
    kind: 'SelfSubjectRulesReview',
    answer: selfSubjectRulesReview,
  },
  { group: AUTHENTICATION, plural: 'selfsubjectreviews', kind: 'SelfSubjectReview', answer: selfSubjectReview },
];

export const reviewAt = (group: string, plural: string): Review | undefined =>
  REVIEWS.find((review) => review.group === group && review.plural === plural);

export const answerReview = (review: Review, cluster: ClusterState, user: User, body: unknown): HttpResponse =>
  json(201, {
    kind: review.kind,
    apiVersion: `${review.group}/v1`,
    metadata: { creationTimestamp: null },
    ...(review.answer(cluster, user, body) as object),
  });
