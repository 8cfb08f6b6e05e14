/** Rules of pod specifications (k8s.io/kubernetes, apis/core/validation), as far as the sandbox plays what they are about. */
import type { Container, EnvVar, PodSpec, PodTemplate } from '../../objects/objects.ts';
import type { VolumeMount } from '../../objects/volumes.ts';
import { duplicate, invalid, notFoundValue, notSupported, required, type FieldError } from './field-errors.ts';
import { labelErrors } from './metadata.ts';
import { dnsLabelProblems, labelValueProblems, qualifiedNameProblems, subdomainProblems } from './names.ts';

const EFFECTS = ['NoSchedule', 'PreferNoSchedule', 'NoExecute'];
const ENV_NAME_RULE =
  "a valid environment variable name must consist only of printable ASCII characters other than '='";

/** Returns the errors of a name that lists may have once. */
const uniqueNameErrors = (name: string, field: string, names: Set<string>): FieldError[] => {
  if (name === '') return [required(field)];
  const errors = dnsLabelProblems(name).map((problem) => invalid(field, name, problem));
  if (errors.length > 0) return errors;
  if (names.has(name)) return [duplicate(field, name)];
  names.add(name);
  return [];
};

const containerErrors = (container: Container, field: string, volumes: Set<string>): FieldError[] => {
  const paths = new Set<string>();
  return [
    ...((container.image ?? '') === '' ? [required(`${field}.image`)] : []),
    ...((container.env ?? []) as Partial<EnvVar>[]).flatMap(({ name = '', value, valueFrom }, index) => {
      const at = `${field}.env[${index}]`;
      return [
        ...(name === ''
          ? [required(`${at}.name`)]
          : /^[ -<>-~]+$/.test(name)
            ? []
            : [invalid(`${at}.name`, name, ENV_NAME_RULE)]),
        ...(value && valueFrom
          ? [invalid(`${at}.valueFrom`, '', 'may not be specified when `value` is not empty')]
          : []),
      ];
    }),
    ...((container.volumeMounts ?? []) as Partial<VolumeMount>[]).flatMap(({ name = '', mountPath = '' }, index) => {
      const at = `${field}.volumeMounts[${index}]`;
      const isTwice = mountPath !== '' && paths.has(mountPath);
      paths.add(mountPath);
      return [
        ...(name === '' ? [required(`${at}.name`)] : []),
        ...(volumes.has(name) ? [] : [notFoundValue(`${at}.name`, name)]),
        ...(mountPath === '' ? [required(`${at}.mountPath`)] : []),
        ...(isTwice ? [invalid(`${at}.mountPath`, mountPath, 'must be unique')] : []),
      ];
    }),
  ];
};

const containersErrors = (
  containers: readonly Container[],
  field: string,
  names: Set<string>,
  volumes: Set<string>,
): FieldError[] =>
  containers.flatMap((container, index) => [
    ...uniqueNameErrors(container.name ?? '', `${field}[${index}].name`, names),
    ...containerErrors(container, `${field}[${index}]`, volumes),
  ]);

const tolerationErrors = (tolerations: NonNullable<PodSpec['tolerations']>, field: string): FieldError[] =>
  tolerations.flatMap(({ key = '', operator = 'Equal', value = '', effect = '', tolerationSeconds }, index) => {
    const at = `${field}[${index}]`;
    const keyErrors = key === '' ? [] : qualifiedNameProblems(key).map((problem) => invalid(`${at}.key`, key, problem));
    return [
      ...keyErrors,
      ...(key === '' && operator !== 'Exists'
        ? [
            invalid(
              `${at}.operator`,
              operator,
              'operator must be Exists when `key` is empty, which means "match all values and all keys"',
            ),
          ]
        : []),
      ...(tolerationSeconds !== undefined && effect !== 'NoExecute'
        ? [invalid(`${at}.effect`, effect, "effect must be 'NoExecute' when `tolerationSeconds` is set")]
        : []),
      ...(operator === 'Equal'
        ? labelValueProblems(value).map((problem) => invalid(`${at}.operator`, value, problem))
        : operator === 'Exists'
          ? value === ''
            ? []
            : [invalid(at, value, "value must be empty when `operator` is 'Exists'")]
          : [notSupported(`${at}.operator`, operator, ['Equal', 'Exists'])]),
      ...(effect === '' || EFFECTS.includes(effect) ? [] : [notSupported(`${at}.effect`, effect, EFFECTS)]),
    ];
  });

export const podSpecErrors = (spec: PodSpec, field: string): FieldError[] => {
  const {
    volumes = [],
    containers,
    initContainers = [],
    nodeSelector,
    serviceAccountName = '',
    tolerations = [],
  } = spec;
  const volumeNames = new Set<string>();
  const names = new Set<string>();
  const volumeErrors = (volumes as { name?: string }[]).flatMap(({ name = '' }, index) =>
    uniqueNameErrors(name, `${field}.volumes[${index}].name`, volumeNames),
  );
  return [
    ...volumeErrors,
    ...((containers ?? []).length === 0 ? [required(`${field}.containers`)] : []),
    ...containersErrors(containers ?? [], `${field}.containers`, names, volumeNames),
    ...containersErrors(initContainers, `${field}.initContainers`, names, volumeNames),
    ...labelErrors(nodeSelector, `${field}.nodeSelector`),
    ...(serviceAccountName === ''
      ? []
      : subdomainProblems(serviceAccountName).map((problem) =>
          invalid(`${field}.serviceAccountName`, serviceAccountName, problem),
        )),
    ...tolerationErrors(tolerations, `${field}.tolerations`),
  ];
};

export const templateErrors = (template: PodTemplate, field: string): FieldError[] => [
  ...labelErrors(template.metadata?.labels, `${field}.labels`),
  ...Object.keys(template.metadata?.annotations ?? {}).flatMap((key) =>
    qualifiedNameProblems(key.toLowerCase()).map((problem) => invalid(`${field}.annotations`, key, problem)),
  ),
  ...podSpecErrors(template.spec ?? { containers: [] }, `${field}.spec`),
];
