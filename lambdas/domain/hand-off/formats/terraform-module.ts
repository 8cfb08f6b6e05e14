/** The hand-off as arguments of terraform-aws-modules/eks: a commented text that is valid HCL as a whole. */
import type { HandOff } from '../../terms/hand-off.ts';
import { blockLines, hclString, uniqueLabels, type Hcl } from './hcl.ts';
import {
  annotationSection,
  associationSections,
  pitfallSection,
  trustSection,
  versionSection,
} from './terraform-parts.ts';
import { comment, commented, documentOf, introduction, item, notInCodeSection, type Section } from './text.ts';

/** The first versions of the module whose add-ons can have associations, by the name of the argument. */
const MODULE_SINCE = { cluster_addons: '20.29', addons: '21.0' } as const;

function addonSection({ addon, target }: HandOff): Section {
  if (!addon) return { title: 'The add-on', lines: [] };
  const { version, addRoleArn, associations } = addon;
  const entry: Record<string, Hcl> = {
    ...(version !== undefined && { addon_version: version }),
    ...(addRoleArn !== undefined && { service_account_role_arn: addRoleArn }),
    ...(associations.length > 0 && {
      pod_identity_association: associations.map(({ roleArn, serviceAccount }) => ({
        role_arn: roleArn,
        service_account: serviceAccount,
      })),
    }),
  };
  return {
    title: 'The add-on',
    lines: [
      ...comment(
        `Change the entry in the module block of cluster ${target.cluster}, and leave its other arguments as they are. In v20 the argument is called cluster_addons.`,
      ),
      ...(addon.removeRoleArn === undefined
        ? []
        : commented([`remove: service_account_role_arn = ${hclString(addon.removeRoleArn)}`])),
      ...(associations.length === 0 ? commented(['remove: pod_identity_association']) : []),
      ...blockLines({ head: ['module', 'eks'], attributes: { addons: { [addon.name]: entry } } }),
    ],
  };
}

const moduleVersions = ({ addon }: HandOff): string[] =>
  addon && addon.associations.length > 0
    ? item(
        `pod_identity_association: terraform-aws-modules/eks ${MODULE_SINCE.cluster_addons} or newer (cluster_addons), ${MODULE_SINCE.addons} or newer (addons)`,
      )
    : [];

/** Returns the hand-off for terraform-aws-modules/eks. */
export function terraformModule(handOff: HandOff): string {
  const labels = uniqueLabels();
  const versions = versionSection(handOff);
  return documentOf([
    introduction(handOff),
    addonSection(handOff),
    ...associationSections(handOff, labels),
    trustSection(handOff, labels),
    annotationSection(handOff),
    notInCodeSection(handOff, 'The argument pod_identity_association'),
    { ...versions, lines: [...moduleVersions(handOff), ...versions.lines] },
    pitfallSection(handOff, 'terraform-module'),
  ]);
}
