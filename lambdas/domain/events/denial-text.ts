/**
 * What to say of an UpdateAddon that EKS refused with "Cross-account pass role is not allowed.": why, and what to
 * change where the call came from. Sources: hashicorp/terraform-provider-aws#30645 (AWS Support on what the call has in
 * it); internal/service/eks/addon.go of the provider, which sends the role as "" where it was taken out of the
 * configuration.
 */
import type { Migration } from '../migration/model.ts';
import { subjectText } from '../migration/subject.ts';
import type { Trigger } from '../migration/trigger.ts';

/** Tools that say in their user agent who they are; Pulumi's bridge says Terraform too, so it comes first. */
const TOOLS: readonly [pattern: RegExp, name: string][] = [
  [/pulumi/i, 'Pulumi'],
  [/opentofu/i, 'OpenTofu'],
  [/terraform/i, 'Terraform'],
  [/crossplane|upjet/i, 'Crossplane'],
  [/eksctl/i, 'eksctl'],
  [/aws-cli/i, 'The AWS CLI'],
];
const toolOf = ({ userAgent = '' }: Trigger): string | undefined =>
  TOOLS.find(([pattern]) => pattern.test(userAgent))?.[1];

/** What was refused, by whom, and what it means. */
export function diagnosis({ request }: Migration, trigger: Trigger): string[] {
  const { addon = '', target } = request;
  const { principal, at, eventId } = trigger;
  const who = toolOf(trigger) ?? 'Somebody';
  return [
    `${who} called UpdateAddon for ${subjectText(addon)} of cluster ${target.cluster} at ${at}, with serviceAccountRoleArn: "".`,
    ...(principal === undefined ? [] : [`It was called as ${principal}.`]),
    'EKS takes the empty text for a role of another account, and refused the call: "Cross-account pass role is not allowed." Nothing was changed by it.',
    `CloudTrail's event of it: ${eventId}`,
    'That happens where a role is to be taken off an add-on. EKS lets go of the role when the add-on gets Pod Identity associations in a call that does not name the role at all, which is what a migration does.',
  ];
}

/** Whose providers have the resource aws_eks_addon. */
const WITH_RESOURCE = new Set(['Terraform', 'OpenTofu', 'Pulumi', 'Crossplane']);

/** What to change afterwards where the call came from, so that the next one is not refused. */
export function terraformLines({ trigger, plan }: Migration): string[] {
  const tool = trigger && toolOf(trigger);
  if (tool === undefined || !WITH_RESOURCE.has(tool))
    return ['Then leave serviceAccountRoleArn out of the calls that were refused.'];
  const blocks = (plan?.associations ?? []).map(
    ({ serviceAccount, roleArn }) =>
      `  pod_identity_association with service_account = "${serviceAccount}" and role_arn = "${roleArn}"`,
  );
  return [
    `Then, in ${tool}: in the resource aws_eks_addon, drop service_account_role_arn, and have a block ${blocks.length === 0 ? 'pod_identity_association for each service account.' : 'for each service account:'}`,
    ...blocks,
    `Refresh the state (terraform apply -refresh-only, or what ${tool} has for it) before the next apply: it then finds no role to take off, and nothing to change.`,
  ];
}
