/** Rules of workloads and ReplicaSets (k8s.io/kubernetes, apis/apps/validation). */
import { isDeepStrictEqual } from 'node:util';
import type { KubeObject, LabelSelector, PodTemplate, RollingUpdate } from '../../objects/objects.ts';
import { objectSelector } from '../../objects/object-selector.ts';
import { forbidden, invalid, notSupported, required, type FieldError } from './field-errors.ts';
import { templateErrors } from './pod-specs.ts';
import {
  atMost100Percent,
  intOrPercentErrors,
  isEmptySelector,
  isZero,
  nonNegative,
  selectorErrors,
} from './values.ts';

interface Spec {
  replicas?: number;
  selector?: LabelSelector;
  template?: PodTemplate;
  strategy?: { type?: string; rollingUpdate?: RollingUpdate };
  updateStrategy?: { type?: string; rollingUpdate?: RollingUpdate & { partition?: number } };
  minReadySeconds?: number;
  revisionHistoryLimit?: number;
  progressDeadlineSeconds?: number;
  podManagementPolicy?: string;
  ordinals?: { start?: number };
}
const specOf = ({ spec }: KubeObject): Spec => spec ?? {};

/** Returns the errors of a selector and of the template whose labels it must match. */
const selectionErrors = (spec: Spec, kind: string): FieldError[] => {
  const { selector, template = { metadata: {}, spec: { containers: [] } } } = spec;
  const labels = template.metadata?.labels;
  // The rule reads nothing of an object but its labels.
  const matches = objectSelector(selector)({ metadata: { labels: labels ?? {} } } as unknown as KubeObject);
  const errors = selectorErrors(selector, 'spec.selector');
  return [
    ...(selector === undefined ? [required('spec.selector')] : errors),
    ...(selector !== undefined && isEmptySelector(selector)
      ? [
          invalid(
            'spec.selector',
            { value: selector, type: 'LabelSelector' },
            `empty selector is invalid for ${kind === 'ReplicaSet' ? 'deployment' : kind.toLowerCase()}`,
          ),
        ]
      : []),
    ...(selector !== undefined && errors.length === 0 && !matches
      ? [
          invalid(
            'spec.template.metadata.labels',
            { value: labels, type: 'map:string' },
            '`selector` does not match template `labels`',
          ),
        ]
      : []),
    ...templateErrors(template, 'spec.template'),
  ];
};

const immutableSelector = (spec: Spec, before: Spec): FieldError[] =>
  isDeepStrictEqual(spec.selector, before.selector)
    ? []
    : [invalid('spec.selector', { value: spec.selector, type: 'LabelSelector' }, 'field is immutable')];

const rolloutErrors = (rolling: RollingUpdate, field: string): FieldError[] => [
  ...intOrPercentErrors(rolling.maxUnavailable, `${field}.maxUnavailable`),
  ...intOrPercentErrors(rolling.maxSurge, `${field}.maxSurge`),
];

const strategyErrors = ({ strategy = {} }: Spec): FieldError[] => {
  const { type = 'RollingUpdate', rollingUpdate } = strategy;
  const field = 'spec.strategy';
  if (type === 'Recreate')
    return rollingUpdate
      ? [forbidden(`${field}.rollingUpdate`, "may not be specified when strategy `type` is 'Recreate'")]
      : [];
  if (type !== 'RollingUpdate')
    return [notSupported(field, { value: strategy, type: 'DeploymentStrategy' }, ['Recreate', 'RollingUpdate'])];
  const rolling = { maxUnavailable: '25%', maxSurge: '25%', ...rollingUpdate };
  const at = `${field}.rollingUpdate`;
  return [
    ...rolloutErrors(rolling, at),
    ...(isZero(rolling.maxUnavailable) && isZero(rolling.maxSurge)
      ? [
          invalid(
            `${at}.maxUnavailable`,
            { value: rolling.maxUnavailable, type: 'intOrString' },
            'may not be 0 when `maxSurge` is 0',
          ),
        ]
      : []),
    ...atMost100Percent(rolling.maxUnavailable, `${at}.maxUnavailable`),
  ];
};

const deadlineErrors = ({ progressDeadlineSeconds, minReadySeconds = 0 }: Spec): FieldError[] =>
  progressDeadlineSeconds === undefined
    ? []
    : [
        ...nonNegative(progressDeadlineSeconds, 'spec.progressDeadlineSeconds'),
        ...(progressDeadlineSeconds <= minReadySeconds
          ? [invalid('spec.progressDeadlineSeconds', progressDeadlineSeconds, 'must be greater than minReadySeconds')]
          : []),
      ];

export const deploymentErrors = (deployment: KubeObject): FieldError[] => {
  const spec = specOf(deployment);
  return [
    ...nonNegative(spec.replicas, 'spec.replicas'),
    ...selectionErrors(spec, 'Deployment'),
    ...strategyErrors(spec),
    ...nonNegative(spec.minReadySeconds, 'spec.minReadySeconds'),
    ...nonNegative(spec.revisionHistoryLimit, 'spec.revisionHistoryLimit'),
    ...deadlineErrors(spec),
  ];
};

export const replicaSetErrors = (replicaSet: KubeObject): FieldError[] => {
  const spec = specOf(replicaSet);
  return [
    ...nonNegative(spec.replicas, 'spec.replicas'),
    ...nonNegative(spec.minReadySeconds, 'spec.minReadySeconds'),
    ...selectionErrors(spec, 'ReplicaSet'),
  ];
};

/** Returns the errors of a change of a Deployment's or ReplicaSet's selector. */
export const selectorUpdateErrors = (object: KubeObject, before: KubeObject): FieldError[] =>
  immutableSelector(specOf(object), specOf(before));

const daemonStrategyErrors = ({ updateStrategy = {} }: Spec): FieldError[] => {
  const { type = 'RollingUpdate', rollingUpdate } = updateStrategy;
  const field = 'spec.updateStrategy';
  if (type === 'OnDelete') return [];
  if (type !== 'RollingUpdate')
    return [
      notSupported(field, { value: updateStrategy, type: 'DaemonSetUpdateStrategy' }, ['RollingUpdate', 'OnDelete']),
    ];
  const rolling = { maxUnavailable: 1, maxSurge: 0, ...rollingUpdate };
  const at = `${field}.rollingUpdate`;
  const unavailable = !isZero(rolling.maxUnavailable);
  const surge = !isZero(rolling.maxSurge);
  return [
    ...rolloutErrors(rolling, at),
    ...atMost100Percent(rolling.maxUnavailable, `${at}.maxUnavailable`),
    ...atMost100Percent(rolling.maxSurge, `${at}.maxSurge`),
    ...(unavailable && surge
      ? [
          invalid(
            `${at}.maxSurge`,
            { value: rolling.maxSurge, type: 'intOrString' },
            'may not be set when maxUnavailable is non-zero',
          ),
        ]
      : []),
    ...(!unavailable && !surge ? [required(`${at}.maxUnavailable`, 'cannot be 0 when maxSurge is 0')] : []),
  ];
};

export const daemonSetErrors = (daemonSet: KubeObject): FieldError[] => {
  const spec = specOf(daemonSet);
  return [
    ...selectionErrors(spec, 'DaemonSet'),
    ...nonNegative(spec.minReadySeconds, 'spec.minReadySeconds'),
    ...daemonStrategyErrors(spec),
    ...nonNegative(spec.revisionHistoryLimit, 'spec.revisionHistoryLimit'),
  ];
};

const statefulStrategyErrors = ({ updateStrategy = {} }: Spec): FieldError[] => {
  const { type = 'RollingUpdate', rollingUpdate } = updateStrategy;
  const field = 'spec.updateStrategy';
  const value = { value: rollingUpdate, type: 'RollingUpdateStatefulSetStrategy' };
  if (type === 'OnDelete')
    return rollingUpdate
      ? [invalid(`${field}.rollingUpdate`, value, "only allowed for updateStrategy 'RollingUpdate'")]
      : [];
  if (type !== 'RollingUpdate')
    return [
      invalid(
        field,
        { value: updateStrategy, type: 'StatefulSetUpdateStrategy' },
        "must be 'RollingUpdate' or 'OnDelete'",
      ),
    ];
  return [
    ...nonNegative(rollingUpdate?.partition, `${field}.rollingUpdate.partition`),
    ...(rollingUpdate?.maxUnavailable === undefined
      ? []
      : intOrPercentErrors(rollingUpdate.maxUnavailable, `${field}.rollingUpdate.maxUnavailable`)),
  ];
};

export const statefulSetErrors = (statefulSet: KubeObject): FieldError[] => {
  const spec = specOf(statefulSet);
  const { podManagementPolicy = 'OrderedReady' } = spec;
  return [
    ...(['OrderedReady', 'Parallel'].includes(podManagementPolicy)
      ? []
      : [invalid('spec.podManagementPolicy', podManagementPolicy, "must be 'OrderedReady' or 'Parallel'")]),
    ...statefulStrategyErrors(spec),
    ...nonNegative(spec.replicas, 'spec.replicas'),
    ...nonNegative(spec.minReadySeconds, 'spec.minReadySeconds'),
    ...nonNegative(spec.ordinals?.start, 'spec.ordinals.start'),
    ...selectionErrors(spec, 'StatefulSet'),
  ];
};

/** Fields of a StatefulSet's specification that may change (ValidateStatefulSetUpdate). */
const CHANGEABLE = [
  'replicas',
  'ordinals',
  'template',
  'updateStrategy',
  'revisionHistoryLimit',
  'persistentVolumeClaimRetentionPolicy',
  'minReadySeconds',
];

export const statefulSetUpdateErrors = (statefulSet: KubeObject, before: KubeObject): FieldError[] => {
  const fixed = ({ spec = {} }: KubeObject): object =>
    Object.fromEntries(Object.entries(spec).filter(([field]) => !CHANGEABLE.includes(field)));
  if (isDeepStrictEqual(fixed(statefulSet), fixed(before))) return [];
  const named = CHANGEABLE.map((field) => `'${field}'`);
  return [
    forbidden(
      'spec',
      `updates to statefulset spec for fields other than ${named.slice(0, -1).join(', ')} and ${named.at(-1) ?? ''} are forbidden`,
    ),
  ];
};
