/** The hand-off as Terraform or OpenTofu code: a commented text that is valid HCL as a whole. */
import type { HandOff } from '../../terms/hand-off.ts';
import { blockLines, hclString, uniqueLabels } from './hcl.ts';
import {
  annotationSection,
  associationSections,
  pitfallSection,
  trustSection,
  versionSection,
  type Labels,
} from './terraform-parts.ts';
import { comment, commented, documentOf, introduction, notInCodeSection, type Section } from './text.ts';

function addonSection({ addon, target }: HandOff, labels: Labels): Section {
  if (!addon) return { title: 'The add-on', lines: [] };
  return {
    title: 'The add-on',
    lines: [
      ...comment('Change the resource that defines it, and leave its other arguments as they are.'),
      ...(addon.removeRoleArn === undefined
        ? []
        : commented([`remove: service_account_role_arn = ${hclString(addon.removeRoleArn)}`])),
      ...(addon.associations.length === 0 ? commented(['remove: every pod_identity_association block']) : []),
      ...blockLines({
        head: ['resource', 'aws_eks_addon', labels(addon.name)],
        attributes: {
          cluster_name: target.cluster,
          addon_name: addon.name,
          service_account_role_arn: addon.addRoleArn,
        },
        blocks: addon.associations.map(({ roleArn, serviceAccount }) => ({
          head: ['pod_identity_association'],
          attributes: { role_arn: roleArn, service_account: serviceAccount },
        })),
      }),
    ],
  };
}

/** Returns the code of the add-on alone, with its comments. Empty for a service account. */
export const addonCode = (handOff: HandOff): readonly string[] => addonSection(handOff, uniqueLabels()).lines;

export function terraform(handOff: HandOff): string {
  const labels = uniqueLabels();
  return documentOf([
    introduction(handOff),
    addonSection(handOff, labels),
    ...associationSections(handOff, labels),
    trustSection(handOff, labels),
    annotationSection(handOff),
    notInCodeSection(handOff, 'The block pod_identity_association'),
    versionSection(handOff),
    pitfallSection(handOff, 'terraform'),
  ]);
}
