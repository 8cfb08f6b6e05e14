/** Rules of ConfigMaps, nodes and changes of pods (k8s.io/kubernetes, apis/core/validation). */
import { isDeepStrictEqual } from 'node:util';
import type { Container, KubeObject, PodSpec } from '../../objects/objects.ts';
import { forbidden, invalid, notSupported, required, type FieldError } from './field-errors.ts';
import { configKeyProblems, labelValueProblems, qualifiedNameProblems } from './names.ts';
import { podDifference } from './pod-difference.ts';

export const configMapErrors = (map: KubeObject): FieldError[] =>
  ['data', 'binaryData'].flatMap((part) =>
    Object.keys((map[part] as Record<string, string> | undefined) ?? {}).flatMap((key) => [
      ...configKeyProblems(key).map((problem) => invalid(`${part}[${key}]`, key, problem)),
      ...(part === 'data' && key in ((map['binaryData'] as object | undefined) ?? {})
        ? [invalid(`data[${key}]`, key, 'duplicate of key present in binaryData')]
        : []),
    ]),
  );

/** An object with `immutable` keeps its data. */
export const immutableDataErrors = (map: KubeObject, before: KubeObject): FieldError[] => {
  if (before['immutable'] !== true) return [];
  const detail = 'field is immutable when `immutable` is set';
  return [
    ...(map['immutable'] === true ? [] : [forbidden('immutable', detail)]),
    ...['data', 'binaryData']
      .filter((part) => !isDeepStrictEqual(map[part], before[part]))
      .map((part) => forbidden(part, detail)),
  ];
};

const EFFECTS = ['NoSchedule', 'PreferNoSchedule', 'NoExecute'];

export const nodeUpdateErrors = (node: KubeObject, before: KubeObject): FieldError[] => {
  const { podCIDRs: cidrs = [], providerID: provider = '', taints = [] } = node.spec ?? {};
  const { podCIDRs: cidrsBefore = [], providerID: providerBefore = '' } = before.spec ?? {};
  return [
    ...((cidrsBefore as string[]).length > 0 && !isDeepStrictEqual(cidrs, cidrsBefore)
      ? [forbidden('spec.podCIDRs', 'node updates may not change podCIDR except from "" to valid')]
      : []),
    ...(providerBefore !== '' && provider !== providerBefore
      ? [forbidden('spec.providerID', 'node updates may not change providerID except from "" to valid')]
      : []),
    ...(taints as { key?: string; value?: string; effect?: string }[]).flatMap(
      ({ key = '', value = '', effect = '' }, index) => {
        const at = `metadata.taints[${index}]`;
        return [
          ...qualifiedNameProblems(key).map((problem) => invalid(`${at}.key`, key, problem)),
          ...labelValueProblems(value).map((problem) => invalid(`${at}.value`, value, problem)),
          ...(effect === ''
            ? [required(`${at}.effect`)]
            : EFFECTS.includes(effect)
              ? []
              : [notSupported(`${at}.effect`, effect, EFFECTS)]),
        ];
      },
    ),
  ];
};

const PODS_MAY_CHANGE =
  'pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)';

const withImages = (containers: Container[] | undefined, before: Container[] | undefined): Container[] | undefined =>
  containers?.map((container, index) => ({ ...container, image: before?.[index]?.image ?? container.image }));

/** Returns the errors of a change of a pod: little of a pod may change. */
export const podUpdateErrors = (pod: KubeObject, before: KubeObject): FieldError[] => {
  const spec = pod.spec as PodSpec & { activeDeadlineSeconds?: number };
  const old = before.spec as PodSpec & { activeDeadlineSeconds?: number };
  for (const field of ['containers', 'initContainers'] as const)
    if ((spec[field] ?? []).length !== (old[field] ?? []).length)
      return [forbidden(`spec.${field}`, 'pod updates may not add or remove containers')];
  const kept = (old.tolerations ?? []).every((toleration) =>
    (spec.tolerations ?? []).some((each) => isDeepStrictEqual(each, toleration)),
  );
  const munged: PodSpec = { ...spec };
  for (const field of ['containers', 'initContainers'] as const) {
    const containers = withImages(spec[field], old[field]);
    if (containers) munged[field] = containers;
  }
  for (const field of ['activeDeadlineSeconds', 'tolerations'] as const) {
    delete (munged as Record<string, unknown>)[field];
    if (old[field] !== undefined) Object.assign(munged, { [field]: old[field] });
  }
  const difference = podDifference(old, munged);
  return [
    ...(kept
      ? []
      : [forbidden('spec.tolerations', 'existing toleration can not be modified except its tolerationSeconds')]),
    ...(difference === undefined ? [] : [forbidden('spec', `${PODS_MAY_CHANGE}\n${difference}`)]),
  ];
};
