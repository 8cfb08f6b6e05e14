/** Sections that Terraform code has with and without a module: associations, trust policies, annotations, versions. */
import { accountOf } from '../../terms/subject.ts';
import { jsonText } from '../../text/text.ts';
import type { HandOff, HandOffAssociation, HandOffFormat, HandOffTrust } from '../../terms/hand-off.ts';
import { ANNOTATION, annotationSentence } from './annotations.ts';
import { blockLines, Expression, hclString, valueLines, type Block } from './hcl.ts';
import { pitfallsOf } from './pitfalls.ts';
import { LANGUAGE_SINCE, PROVIDER_SINCE, PROVIDER_SOURCE, type ProviderFeature } from './provider-schema.ts';
import { hclOf, statementBlock } from './statement.ts';
import { comment, commented, item, roleName, UNKNOWN_ID, type Section } from './text.ts';
import { goneTitle, idLines } from './trust-notes.ts';

export type Labels = (...names: string[]) => string;
const ASSOCIATION = 'aws_eks_pod_identity_association';

const removedBlock = (label: string): string[] =>
  blockLines({
    head: ['removed'],
    attributes: { from: new Expression(`${ASSOCIATION}.${label}`) },
    blocks: [{ head: ['lifecycle'], attributes: { destroy: false } }],
  });

const isTrue = (value: boolean | undefined): true | undefined => (value === true ? true : undefined);

const hasTags = ({ tags }: HandOffAssociation): boolean => Object.keys(tags).length > 0;

function importLines({ target }: HandOff, one: HandOffAssociation, label: string): string[] {
  const { namespace, serviceAccount, roleArn } = one;
  return [
    '',
    ...(one.id === undefined
      ? comment(`The id of the association of ${accountOf(one)} is known after the migration: it is in the report.`)
      : []),
    ...blockLines({
      head: ['import'],
      attributes: {
        to: new Expression(`${ASSOCIATION}.${label}`),
        id: `${target.cluster},${one.id ?? UNKNOWN_ID}`,
      },
    }),
    '',
    ...blockLines({
      head: ['resource', ASSOCIATION, label],
      attributes: {
        cluster_name: target.cluster,
        namespace,
        service_account: serviceAccount,
        role_arn: roleArn,
        target_role_arn: one.targetRoleArn,
        disable_session_tags: isTrue(one.disableSessionTags),
        policy: one.policy,
        tags: hasTags(one) ? one.tags : undefined,
      },
    }),
  ];
}

/** Returns the sections on associations: which ones to import, which ones not, and which ones no longer exist. */
export function associationSections(handOff: HandOff, labels: Labels): Section[] {
  const imports = handOff.associations.filter(({ action }) => action === 'import');
  const owned = idLines(
    handOff,
    'do-not-import',
    `The add-on owns them. Its own code is enough; no ${ASSOCIATION} may exist for them.`,
  );
  const gone = idLines(handOff, 'remove', `Remove the ${ASSOCIATION} of each, if the code has one:`);
  const removed = (sentence: string): string[] => [...comment(`${sentence}:`), ...commented(removedBlock('LABEL'))];
  const ifInState = (block: string): string =>
    `If the state has one, put ${block} in the place of its resource, with its label`;
  return [
    {
      title: 'Associations to import',
      lines:
        imports.length === 0
          ? []
          : [
              ...comment(
                'If the code already has a resource for one of them, change that resource, and leave the import out.',
              ),
              ...imports.flatMap((one) => importLines(handOff, one, labels(one.namespace, one.serviceAccount))),
            ],
    },
    {
      title: 'Associations not to import',
      lines: [
        ...owned,
        ...(owned.length > 0
          ? removed(
              'If one was imported, put this block in the place of its resource, with its label. The association stays in the account',
            )
          : []),
      ],
    },
    {
      title: goneTitle(handOff),
      lines: [
        ...gone,
        ...(gone.length > 0
          ? owned.length > 0
            ? comment(`${ifInState('a block as above')}.`)
            : removed(ifInState('this block'))
          : []),
      ],
    },
  ];
}

/** Returns a statement as code: in a document of its own if the data source can express it, else as a local value. */
function statementCode(statement: Readonly<Record<string, unknown>>, label: string): string[] {
  const object = valueLines(hclOf(statement));
  const block = statementBlock(statement);
  if (!block)
    return blockLines({
      head: ['locals'],
      attributes: { [`${label}_statement`]: new Expression(object.join('\n  ')) },
    });
  const document: Block = { head: ['data', 'aws_iam_policy_document', label], blocks: [block] };
  return [...blockLines(document), ...comment('The same statement, for jsonencode:'), ...commented(object)];
}

function trustLines({ roleArn, action, statement, kept }: HandOffTrust, labels: Labels): string[] {
  const role = `role ${roleArn}`;
  const label = (): string => labels(roleName(roleArn), 'trust');
  if (action === 'add')
    return [
      ...comment(
        `Add this statement to assume_role_policy of ${role}: copy the block to its policy document, or use source_policy_documents.`,
      ),
      ...statementCode(statement, label()),
    ];
  return [
    ...comment(`Remove this statement from assume_role_policy of ${role}:`),
    ...commented(jsonText(statement, 2).split('\n')),
    ...(kept
      ? [...comment('Put this one in its place, which allows the other principals:'), ...statementCode(kept, label())]
      : []),
  ];
}

export const trustSection = ({ trust }: HandOff, labels: Labels): Section => ({
  title: 'Trust policies',
  lines: trust.flatMap((one, at) => [...(at === 0 ? [] : ['']), ...trustLines(one, labels)]),
});

const ANNOTATION_PLACE =
  'It is in the values of Helm or Argo CD, or in annotations of a kubernetes_service_account or helm_release here.';

export const annotationSection = ({ annotations }: HandOff): Section => ({
  title: 'Annotations of service accounts',
  lines: annotations.flatMap((one) => [
    ...comment(`${annotationSentence(one)} ${ANNOTATION_PLACE}`),
    ...commented([`${hclString(ANNOTATION)} = ${hclString(one.roleArn)}`]),
  ]),
});

export const pitfallSection = (handOff: HandOff, format: HandOffFormat): Section => ({
  title: 'What goes wrong',
  lines: pitfallsOf(handOff, format).flatMap(item),
});

/** Returns the features of the provider that the code of a hand-off uses. */
function providerFeatures({ addon, associations }: HandOff): ProviderFeature[] {
  const imports = associations.filter(({ action }) => action === 'import');
  const used: Record<ProviderFeature, boolean> = {
    'aws_eks_addon.pod_identity_association': (addon?.associations.length ?? 0) > 0,
    aws_eks_pod_identity_association: imports.length > 0,
    'aws_eks_pod_identity_association.disable_session_tags': imports.some((one) => one.disableSessionTags === true),
    'aws_eks_pod_identity_association.target_role_arn': imports.some((one) => one.targetRoleArn !== undefined),
    'aws_eks_pod_identity_association.policy': imports.some((one) => one.policy !== undefined),
  };
  return (Object.keys(used) as ProviderFeature[]).filter((feature) => used[feature]);
}

/** Returns a version such as 6.2.0 as a text that sorts by its numbers. */
const sortable = (version: string): string =>
  version
    .split('.')
    .map((number) => number.padStart(6, '0'))
    .join('.');

/** Returns the newest of versions such as 6.2.0; undefined if there is none. */
export const newest = (versions: readonly string[]): string | undefined =>
  versions.toSorted((a, b) => (sortable(a) < sortable(b) ? -1 : 1)).at(-1);

export function versionSection(handOff: HandOff): Section {
  const features = providerFeatures(handOff);
  const version = newest(features.map((feature) => PROVIDER_SINCE[feature]));
  const { associations } = handOff;
  const blocks = [
    ...(associations.some(({ action }) => action === 'import') ? (['import'] as const) : []),
    ...(associations.some(({ action }) => action !== 'import') ? (['removed'] as const) : []),
  ];
  return {
    title: 'Versions',
    lines: [
      ...features.flatMap((feature) => item(`${feature}: ${PROVIDER_SOURCE} ${PROVIDER_SINCE[feature]} or newer`)),
      ...blocks.flatMap((block) =>
        item(
          `${block} block: Terraform ${LANGUAGE_SINCE[block].terraform} or OpenTofu ${LANGUAGE_SINCE[block].opentofu}, or newer`,
        ),
      ),
      ...(version === undefined
        ? []
        : commented(
            blockLines({
              head: ['terraform'],
              blocks: [
                {
                  head: ['required_providers'],
                  attributes: { aws: { source: PROVIDER_SOURCE, version: `>= ${version}` } },
                },
              ],
            }),
          )),
    ],
  };
}
