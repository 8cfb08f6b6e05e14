/** Schemas of what clients may write: the fields on which the sandbox's controllers rely, with Kubernetes' messages. */
import { z } from 'zod';
import { networkPolicySpec, withDefaults } from '../network/network-policy.ts';
import type { Kind } from './objects.ts';
import { RBAC_GROUP } from './store.ts';
import { taint, toleration } from './taints.ts';

const strings = z.record(z.string(), z.string());
/** Go writes empty lists as null. */
const texts = z.array(z.string()).nullish();

const metadata = z.strictObject({
  name: z.string().optional(),
  generateName: z.string().optional(),
  namespace: z.string().optional(),
  labels: strings.nullish(),
  annotations: strings.nullish(),
  uid: z.string().optional(),
  resourceVersion: z.string().optional(),
  generation: z.number().optional(),
  creationTimestamp: z.string().nullish(),
  deletionTimestamp: z.string().nullish(),
  deletionGracePeriodSeconds: z.number().nullish(),
  ownerReferences: z.array(z.looseObject({ uid: z.string() })).nullish(),
  finalizers: texts,
  managedFields: z.array(z.unknown()).nullish(),
  selfLink: z.string().optional(),
});

const container = z.looseObject({
  name: z.string().min(1),
  image: z.string().min(1),
  env: z.array(z.looseObject({ name: z.string().min(1), value: z.string().optional() })).optional(),
  volumeMounts: z.array(z.looseObject({ name: z.string(), mountPath: z.string() })).optional(),
});
const intOrPercent = z.union([
  z.number().int().min(0),
  z.string().regex(/^\d+%$/, 'must be a count or a percentage such as 25%'),
]);
const strategy = z.looseObject({
  type: z.string(),
  rollingUpdate: z
    .looseObject({
      maxSurge: intOrPercent.optional(),
      maxUnavailable: intOrPercent.optional(),
      partition: z.number().int().min(0).optional(),
    })
    .optional(),
});

export const workloadSchema = z.looseObject({
  metadata: z.looseObject({ name: z.string(), labels: strings.optional(), annotations: strings.optional() }),
  spec: z.looseObject({
    replicas: z.number().int().min(0).optional(),
    selector: z.looseObject({ matchLabels: strings }),
    paused: z.boolean().optional(),
    strategy: strategy.optional(),
    updateStrategy: strategy.optional(),
    template: z.looseObject({
      metadata: z.looseObject({ labels: strings.optional(), annotations: strings.optional() }),
      spec: z.looseObject({
        serviceAccountName: z.string().optional(),
        containers: z.array(container).min(1),
        initContainers: z.array(container).optional(),
        volumes: z.array(z.looseObject({ name: z.string() })).optional(),
        tolerations: z.array(toleration).optional(),
      }),
    }),
  }),
});

const ofKind = <T extends z.ZodRawShape>(shape: T) =>
  z.strictObject({ apiVersion: z.string(), kind: z.string(), metadata, ...shape });

type Rule = {
  apiGroups?: string[] | null | undefined;
  resources?: string[] | null | undefined;
  nonResourceURLs?: string[] | null | undefined;
  verbs?: string[] | null | undefined;
};
const required = (rule: Rule, issue: (field: string, message: string) => void, namespaced: boolean): void => {
  if (!rule.verbs?.length) issue('verbs', 'Required value: verbs must contain at least one value');
  if (rule.nonResourceURLs?.length) {
    if (namespaced)
      issue(
        'nonResourceURLs',
        `Invalid value: ${JSON.stringify(rule.nonResourceURLs)}: namespaced rules cannot apply to non-resource URLs`,
      );
    else if (rule.apiGroups?.length || rule.resources?.length)
      issue(
        'nonResourceURLs',
        `Invalid value: ${JSON.stringify(rule.nonResourceURLs)}: rules cannot apply to both regular resources and non-resource URLs`,
      );
    return;
  }
  if (!rule.apiGroups?.length) issue('apiGroups', 'Required value: resource rules must supply at least one api group');
  if (!rule.resources?.length) issue('resources', 'Required value: resource rules must supply at least one resource');
};
const rulesOf = (namespaced: boolean) =>
  z
    .array(
      z
        .strictObject({
          verbs: texts,
          apiGroups: texts,
          resources: texts,
          resourceNames: texts,
          nonResourceURLs: texts,
        })
        .superRefine((rule, context) =>
          required(rule, (field, message) => context.addIssue({ code: 'custom', path: [field], message }), namespaced),
        ),
    )
    .nullish();

const apiGroup = z.string().default(RBAC_GROUP);
const subject = z
  .strictObject({
    kind: z.enum(['User', 'Group', 'ServiceAccount']),
    apiGroup: z.string().optional(),
    name: z.string().min(1),
    namespace: z.string().optional(),
  })
  .superRefine(({ kind, namespace }, context) => {
    if (kind === 'ServiceAccount' && !namespace)
      context.addIssue({ code: 'custom', path: ['namespace'], message: 'Required value' });
  })
  .transform((each) => (each.kind === 'ServiceAccount' ? each : { ...each, apiGroup: each.apiGroup ?? RBAC_GROUP }));
const bindingOf = (kinds: ['ClusterRole'] | ['ClusterRole', 'Role']) =>
  ofKind({
    subjects: z.array(subject).nullish(),
    roleRef: z.strictObject({ apiGroup, kind: z.enum(kinds), name: z.string().min(1) }),
  });

const selector = z.strictObject({
  matchLabels: strings.optional(),
  matchExpressions: z
    .array(
      z.strictObject({
        key: z.string(),
        operator: z.enum(['In', 'NotIn', 'Exists', 'DoesNotExist']),
        values: z.array(z.string()).optional(),
      }),
    )
    .optional(),
});
const budgetSpec = z
  .strictObject({
    minAvailable: intOrPercent.optional(),
    maxUnavailable: intOrPercent.optional(),
    selector: selector.optional(),
    unhealthyPodEvictionPolicy: z.enum(['IfHealthyBudget', 'AlwaysAllow']).optional(),
  })
  .refine(
    ({ minAvailable, maxUnavailable }) => minAvailable === undefined || maxUnavailable === undefined,
    'minAvailable and maxUnavailable cannot be both set',
  );

/** Schemas of the kinds that can be created, with all their fields, and of nodes, which can only be cordoned and tainted. */
export const SCHEMAS: Partial<Record<Kind, z.ZodType<Record<string, unknown>>>> = {
  Node: z.looseObject({
    metadata,
    spec: z.looseObject({ unschedulable: z.boolean().optional(), taints: z.array(taint.loose()).optional() }),
  }),
  ServiceAccount: ofKind({
    secrets: z.array(z.looseObject({ name: z.string().optional() })).nullish(),
    imagePullSecrets: z.array(z.strictObject({ name: z.string().optional() })).nullish(),
    automountServiceAccountToken: z.boolean().optional(),
  }),
  Role: ofKind({ rules: rulesOf(true) }),
  // Aggregated roles would need a controller that the sandbox does not have.
  ClusterRole: ofKind({
    rules: rulesOf(false),
    aggregationRule: z
      .undefined('Forbidden: the sandbox does not aggregate ClusterRoles; list the rules instead')
      .optional(),
  }),
  RoleBinding: bindingOf(['ClusterRole', 'Role']),
  ClusterRoleBinding: bindingOf(['ClusterRole']),
  NetworkPolicy: ofKind({ spec: networkPolicySpec.prefault({}).transform(withDefaults) }),
  PodDisruptionBudget: ofKind({ spec: budgetSpec.default({}), status: z.looseObject({}).optional() }),
};
