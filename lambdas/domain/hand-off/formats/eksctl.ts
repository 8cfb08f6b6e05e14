/** The hand-off as a ClusterConfig of eksctl. */
import { jsonText } from '../../text/text.ts';
import type { HandOff } from '../../terms/hand-off.ts';
import { annotationNotes } from './annotations.ts';
import { pitfallsOf } from './pitfalls.ts';
import { comment, commented, documentOf, introduction, item, notInCodeSection, type Section } from './text.ts';
import { goneTitle, idLines, trustNotes } from './trust-notes.ts';
import { yamlLines } from './yaml.ts';

/** The first version whose associations can have a session policy. Source: eksctl's release notes. */
const POLICY_SINCE = '0.223.0';

function addonEntry({ addon }: HandOff): Record<string, unknown>[] {
  if (!addon) return [];
  const { name, version, addRoleArn, associations } = addon;
  return [
    {
      name,
      ...(version !== undefined && { version }),
      ...(addRoleArn !== undefined && { serviceAccountRoleARN: addRoleArn }),
      ...(associations.length > 0 && {
        podIdentityAssociations: associations.map((one) => ({
          namespace: one.namespace,
          serviceAccountName: one.serviceAccount,
          roleARN: one.roleArn,
        })),
      }),
    },
  ];
}

const associationEntries = ({ associations }: HandOff): Record<string, unknown>[] =>
  associations
    .filter(({ action }) => action === 'import')
    .map(({ namespace, serviceAccount, roleArn, targetRoleArn, disableSessionTags, policy, tags }) => ({
      namespace,
      serviceAccountName: serviceAccount,
      roleARN: roleArn,
      ...(targetRoleArn !== undefined && { targetRoleARN: targetRoleArn }),
      ...(disableSessionTags === true && { disableSessionTags }),
      ...(policy !== undefined && { policy }),
      ...(Object.keys(tags).length > 0 && { tags }),
    }));

function addonSection({ addon }: HandOff): Section {
  if (!addon) return { title: 'The add-on', lines: [] };
  return {
    title: 'The add-on',
    lines: [
      ...comment('Change its entry in addons, and leave its other fields as they are. Remove from it:'),
      ...(addon.removeRoleArn === undefined
        ? []
        : [
            ...commented([`serviceAccountRoleARN: ${addon.removeRoleArn}`]),
            ...commented(['attachPolicyARNs, attachPolicy, wellKnownPolicies']),
          ]),
      ...commented([
        addon.associations.length === 0
          ? 'podIdentityAssociations, useDefaultPodIdentityAssociations'
          : 'useDefaultPodIdentityAssociations',
      ]),
    ],
  };
}

/** Returns the hand-off for eksctl. */
export function eksctl(handOff: HandOff): string {
  const { target } = handOff;
  const addons = addonEntry(handOff);
  const associations = associationEntries(handOff);
  const config = {
    apiVersion: 'eksctl.io/v1alpha5',
    kind: 'ClusterConfig',
    metadata: { name: target.cluster, region: target.region },
    ...(associations.length > 0 && { iam: { podIdentityAssociations: associations } }),
    ...(addons.length > 0 && { addons }),
  };
  const hasPolicy = associations.some((one) => 'policy' in one);
  return documentOf([
    introduction(handOff, 'eksctl'),
    addonSection(handOff),
    {
      title: 'Standalone associations',
      lines:
        associations.length === 0
          ? []
          : [
              ...comment(
                'Add them to iam.podIdentityAssociations, and remove the entries of the same service accounts from iam.serviceAccounts. Unlike other tools, eksctl finds an association by its service account, so nothing must be imported.',
              ),
              ...(hasPolicy ? comment(`policy needs eksctl ${POLICY_SINCE} or newer.`) : []),
            ],
    },
    {
      title: 'Associations of the add-on',
      lines: idLines(
        handOff,
        'do-not-import',
        'They belong in the entry of the add-on, not in iam.podIdentityAssociations:',
      ),
    },
    {
      title: goneTitle(handOff),
      lines: idLines(handOff, 'remove', 'Remove the entry of each from iam.podIdentityAssociations, if there is one:'),
    },
    {
      title: 'Trust policies',
      lines:
        handOff.trust.length === 0
          ? []
          : [
              ...comment(
                'A ClusterConfig does not contain trust policies. If eksctl created the role, its stack defines the policy: a later update of that stack may replace it.',
              ),
              ...trustNotes(handOff, 'the trust policy', (statement) => jsonText(statement, 2).split('\n')),
            ],
    },
    { title: 'Annotations of service accounts', lines: annotationNotes(handOff) },
    notInCodeSection(handOff, 'The entry of an add-on'),
    { title: 'What goes wrong', lines: pitfallsOf(handOff, 'eksctl').flatMap(item) },
    { title: 'ClusterConfig', lines: yamlLines(config) },
  ]);
}
