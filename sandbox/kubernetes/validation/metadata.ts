/** Rules of metadata (k8s.io/apimachinery, api/validation/objectmeta.go). */
import { isDeepStrictEqual } from 'node:util';
import type { KubeObject } from '../../objects/objects.ts';
import { forbidden, invalid, required, tooLong, type FieldError } from './field-errors.ts';
import { dnsLabelProblems, labelValueProblems, qualifiedNameProblems } from './names.ts';

export type Metadata = Partial<KubeObject['metadata']> & {
  finalizers?: string[];
  managedFields?: { manager?: string; operation?: string; fieldsType?: string }[];
};
type OwnerReferences = NonNullable<Metadata['ownerReferences']>;

const ANNOTATIONS_LIMIT = 256 * 1024;
const MANAGER_LIMIT = 128;

export const labelErrors = (labels: Record<string, string> | undefined, field: string): FieldError[] =>
  Object.entries(labels ?? {}).flatMap(([key, value]) => [
    ...qualifiedNameProblems(key).map((problem) => invalid(field, key, problem)),
    ...labelValueProblems(value).map((problem) => invalid(field, value, problem)),
  ]);

const annotationErrors = (annotations: Record<string, string> | undefined, field: string): FieldError[] => {
  const entries = Object.entries(annotations ?? {});
  const size = entries.reduce((sum, [key, value]) => sum + Buffer.byteLength(key) + Buffer.byteLength(value), 0);
  return [
    ...entries.flatMap(([key]) =>
      qualifiedNameProblems(key.toLowerCase()).map((problem) => invalid(field, key, problem)),
    ),
    ...(size > ANNOTATIONS_LIMIT ? [tooLong(field, ANNOTATIONS_LIMIT)] : []),
  ];
};

const ownerErrors = (references: OwnerReferences = []): FieldError[] => {
  const field = 'metadata.ownerReferences';
  const controllers = references.filter(({ controller }) => controller).map(({ kind, name }) => `${kind}/${name}`);
  const several = controllers
    .slice(1)
    .map((each) =>
      invalid(
        field,
        { value: references, type: '[]OwnerReference' },
        `Only one reference can have Controller set to true. Found "true" in references for ${controllers[0] ?? ''} and ${each}`,
      ),
    );
  return [
    ...references.flatMap(({ apiVersion, kind, name, uid }) => [
      ...((apiVersion ?? '').split('/').at(-1)
        ? []
        : [invalid(`${field}.apiVersion`, apiVersion ?? '', 'version must not be empty')]),
      ...(kind ? [] : [invalid(`${field}.kind`, '', 'must not be empty')]),
      ...(name ? [] : [invalid(`${field}.name`, '', 'must not be empty')]),
      ...(uid ? [] : [invalid(`${field}.uid`, '', 'must not be empty')]),
    ]),
    ...several,
  ];
};

/** Returns the errors of the name of a field manager. */
export const managerErrors = (manager: string, field: string): FieldError[] => [
  ...(Buffer.byteLength(manager) > MANAGER_LIMIT ? [tooLong(field, MANAGER_LIMIT)] : []),
  ...Array.from(manager, (character, at) =>
    /[\p{L}\p{M}\p{N}\p{P}\p{S} ]/u.test(character)
      ? []
      : [
          invalid(
            field,
            manager,
            `invalid character U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')} (at position ${at})`,
          ),
        ],
  ).flat(),
];

const managedFieldsErrors = (entries: NonNullable<Metadata['managedFields']> = []): FieldError[] =>
  entries.flatMap(({ manager = '', operation = '', fieldsType = '' }, index) => {
    const field = `metadata.managedFields[${index}]`;
    return [
      ...(operation === 'Apply' || operation === 'Update'
        ? []
        : [invalid(`${field}.operation`, operation, 'must be `Apply` or `Update`')]),
      ...(fieldsType === '' || fieldsType === 'FieldsV1'
        ? []
        : [invalid(`${field}.fieldsType`, fieldsType, 'must be `FieldsV1`')]),
      ...managerErrors(manager, `${field}.manager`),
    ];
  });

/** Rules that both a new object's and a changed object's metadata follow. */
const commonErrors = ({ labels, annotations, ownerReferences }: Metadata): FieldError[] => [
  ...labelErrors(labels, 'metadata.labels'),
  ...annotationErrors(annotations, 'metadata.annotations'),
  ...ownerErrors(ownerReferences),
];

/** Returns the problems of a name. */
export type NameRule = (name: string) => string[];

/** A generated name ends with random characters in place of its last dash. */
const prefixOf = (text: string): string => (text.length > 1 && text.endsWith('-') ? `${text.slice(0, -2)}a` : text);

/** Returns the errors of an object's metadata. */
export const metadataErrors = (metadata: Metadata, namespaced: boolean, nameRule: NameRule): FieldError[] => {
  const { name = '', generateName = '', namespace = '', finalizers, managedFields } = metadata;
  const namespaceErrors = namespaced
    ? namespace === ''
      ? [required('metadata.namespace')]
      : dnsLabelProblems(namespace).map((problem) => invalid('metadata.namespace', namespace, problem))
    : namespace === ''
      ? []
      : [forbidden('metadata.namespace', 'not allowed on this type')];
  return [
    ...(generateName === ''
      ? []
      : nameRule(prefixOf(generateName)).map((problem) => invalid('metadata.generateName', generateName, problem))),
    ...(name === ''
      ? [required('metadata.name', 'name or generateName is required')]
      : nameRule(name).map((problem) => invalid('metadata.name', name, problem))),
    ...namespaceErrors,
    ...commonErrors(metadata),
    ...(finalizers ?? []).flatMap((each) =>
      qualifiedNameProblems(each).map((problem) => invalid('metadata.finalizers', each, problem)),
    ),
    ...managedFieldsErrors(managedFields),
  ];
};

const IMMUTABLE = [
  'name',
  'namespace',
  'uid',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
] as const;

/** Returns the errors of a change of metadata. */
export const metadataUpdateErrors = (metadata: Metadata, before: Metadata): FieldError[] => {
  const added =
    before.deletionTimestamp === undefined
      ? []
      : (metadata.finalizers ?? []).filter((each) => !before.finalizers?.includes(each));
  return [
    ...(added.length === 0
      ? []
      : [
          forbidden(
            'metadata.finalizers',
            `no new finalizers can be added if the object is being deleted, found new finalizers []string{${added.map((each) => JSON.stringify(each)).join(', ')}}`,
          ),
        ]),
    ...IMMUTABLE.filter((key) => !isDeepStrictEqual(metadata[key], before[key])).map((key) =>
      invalid(`metadata.${key}`, metadata[key] ?? '', 'field is immutable'),
    ),
    ...commonErrors(metadata),
    ...managedFieldsErrors(metadata.managedFields),
  ];
};
