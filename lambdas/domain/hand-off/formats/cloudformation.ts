/** The hand-off as part of a CloudFormation template: YAML that is a template of its own, if it has a resource. */
import { accountOf } from '../../terms/subject.ts';
import { eksArn } from '../../aws/arn.ts';
import { shellCommand } from '../../text/shell.ts';
import type { HandOff, HandOffAssociation } from '../../terms/hand-off.ts';
import { annotationNotes } from './annotations.ts';
import { pitfallsOf } from './pitfalls.ts';
import { comment, commented, documentOf, introduction, item, notInCodeSection, UNKNOWN_ID } from './text.ts';
import { goneTitle, idLines, trustNotes } from './trust-notes.ts';
import { yamlLines } from './yaml.ts';

const ADDON = 'AWS::EKS::Addon';
const ASSOCIATION = 'AWS::EKS::PodIdentityAssociation';

/** CloudFormation replaces dynamic references in every text of a template, and has no escape for them. */
const isDynamic = (text: string): boolean => text.includes('{{resolve:');

/** Returns a function that makes logical ids from names: only letters and digits, each id once. */
function uniqueLogicalIds(): (...names: string[]) => string {
  const used = new Set<string>();
  return (...names) => {
    const plain = names
      .flatMap((name) => name.split(/[^A-Za-z0-9]+/))
      .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
      .join('');
    const wanted = /^[A-Z]/.test(plain) ? plain : `Resource${plain}`;
    let id = wanted;
    for (let number = 2; used.has(id); number += 1) id = `${wanted}${number}`;
    used.add(id);
    return id;
  };
}

interface Resource {
  id: string;
  body: Record<string, unknown>;
}

function addonResource({ addon, target }: HandOff, id: (...names: string[]) => string): Resource[] {
  if (!addon) return [];
  const { associations, addRoleArn, name } = addon;
  return [
    {
      id: id(name, 'addon'),
      body: {
        Type: ADDON,
        Properties: {
          ClusterName: target.cluster,
          AddonName: name,
          ...(addRoleArn !== undefined && { ServiceAccountRoleArn: addRoleArn }),
          ...(associations.length > 0 && {
            PodIdentityAssociations: associations.map(({ roleArn, serviceAccount }) => ({
              RoleArn: roleArn,
              ServiceAccount: serviceAccount,
            })),
          }),
        },
      },
    },
  ];
}

const writable = (tags: Readonly<Record<string, string>>): [string, string][] =>
  Object.entries(tags).filter((pair) => !pair.some(isDynamic));

function associationResource({ target }: HandOff, one: HandOffAssociation, id: string): Resource {
  const { namespace, serviceAccount, roleArn, targetRoleArn, disableSessionTags, policy, tags } = one;
  const pairs = writable(tags);
  return {
    id,
    body: {
      Type: ASSOCIATION,
      // An import requires it.
      DeletionPolicy: 'Retain',
      UpdateReplacePolicy: 'Retain',
      Properties: {
        ClusterName: target.cluster,
        Namespace: namespace,
        ServiceAccount: serviceAccount,
        RoleArn: roleArn,
        ...(targetRoleArn !== undefined && { TargetRoleArn: targetRoleArn }),
        ...(disableSessionTags === true && { DisableSessionTags: true }),
        ...(policy !== undefined && !isDynamic(policy) && { Policy: policy }),
        ...(pairs.length > 0 && { Tags: pairs.map(([Key, Value]) => ({ Key, Value })) }),
      },
    },
  };
}

const importCommand = ({ target }: HandOff, imports: readonly { id: string; one: HandOffAssociation }[]): string =>
  shellCommand(
    ['aws', 'cloudformation', 'create-change-set', '--region', target.region],
    ['--stack-name', 'STACK', '--change-set-name', 'import-associations', '--change-set-type', 'IMPORT'],
    ['--template-body', 'file://TEMPLATE', '--resources-to-import'],
    [
      JSON.stringify(
        imports.map(({ id, one }) => ({
          ResourceType: ASSOCIATION,
          LogicalResourceId: id,
          ResourceIdentifier: {
            AssociationArn: eksArn(target, `podidentityassociation/${target.cluster}/${one.id ?? UNKNOWN_ID}`),
          },
        })),
      ),
    ],
  );

function importNotes(handOff: HandOff, imports: readonly { id: string; one: HandOffAssociation }[]): string[] {
  const unwritable = imports.flatMap(({ one }) => [
    ...(one.policy !== undefined && isDynamic(one.policy) ? [`${accountOf(one)}: the session policy`] : []),
    ...Object.keys(one.tags)
      .filter((key) => !writable(one.tags).some(([written]) => written === key))
      .map((key) => `${accountOf(one)}: the tag ${key}`),
  ]);
  return imports.length === 0
    ? []
    : [
        ...comment(
          'Import each association in an update of its own, since an import cannot change other resources. Add its resource to the template that is deployed, then:',
        ),
        ...commented([importCommand(handOff, imports)]),
        ...comment('The identifier is AssociationArn. Check the change set before you execute it.'),
        ...(unwritable.length === 0
          ? []
          : [
              ...comment(
                'CloudFormation would replace {{resolve:…}} in these values, so they cannot be in a template:',
              ),
              ...unwritable.flatMap(item),
            ]),
      ];
}

/** Returns the hand-off for CloudFormation and CDK. */
export function cloudformation(handOff: HandOff): string {
  const { addon, associations } = handOff;
  const id = uniqueLogicalIds();
  const addons = addonResource(handOff, id);
  const imports = associations
    .filter(({ action }) => action === 'import')
    .map((one) => ({ one, id: id(one.namespace, one.serviceAccount, 'association') }));
  const resources = [...addons, ...imports.map(({ one, id: name }) => associationResource(handOff, one, name))];
  const template = {
    AWSTemplateFormatVersion: '2010-09-09',
    Resources: Object.fromEntries(resources.map((resource) => [resource.id, resource.body])),
  };
  return documentOf([
    introduction(handOff, 'CloudFormation'),
    {
      title: 'The add-on',
      lines: addon
        ? [
            ...comment(`Change the resource ${ADDON}, and leave its other properties as they are.`),
            ...(addon.removeRoleArn === undefined
              ? []
              : commented([`remove: ServiceAccountRoleArn: ${addon.removeRoleArn}`])),
            ...(addon.associations.length === 0 ? commented(['remove: PodIdentityAssociations']) : []),
          ]
        : [],
    },
    { title: 'Associations to import', lines: importNotes(handOff, imports) },
    {
      title: 'Associations not to import',
      lines: idLines(
        handOff,
        'do-not-import',
        `The add-on owns them. The template must have no ${ASSOCIATION} for them. If it has one, give it DeletionPolicy: Retain, deploy, then remove it:`,
      ),
    },
    {
      title: goneTitle(handOff),
      lines: idLines(
        handOff,
        'remove',
        `Remove the ${ASSOCIATION} of each, if the template has one. Give it DeletionPolicy: Retain and deploy first, so that CloudFormation does not delete anything:`,
      ),
    },
    {
      title: 'Trust policies',
      lines: trustNotes(handOff, 'AssumeRolePolicyDocument', (statement) => yamlLines([statement])),
    },
    { title: 'Annotations of service accounts', lines: annotationNotes(handOff) },
    notInCodeSection(handOff, 'The property PodIdentityAssociations'),
    { title: 'What goes wrong', lines: pitfallsOf(handOff, 'cloudformation').flatMap(item) },
    { title: 'Template', lines: resources.length === 0 ? [] : yamlLines(template) },
  ]);
}
