/**
 * Explains an UpdateAddon that EKS refused with "Cross-account pass role is not allowed.": why it was refused, and what
 * to change in the tool that made the call. Sources: hashicorp/terraform-provider-aws#30645 (AWS Support on the
 * contents
 * of the call); internal/service/eks/addon.go of the provider, which sends the role as "" after it was removed from the
 * configuration.
 */
import type { Migration } from '../migration/model.ts';
import { subjectText } from '../migration/subject.ts';
import type { Trigger } from '../migration/trigger.ts';

/** Tools that name themselves in their user agent. Pulumi's bridge names Terraform too, so Pulumi comes first. */
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

/** Returns what was refused, who made the call, and what the refusal means. */
export function diagnosis({ request }: Migration, trigger: Trigger): string[] {
  const { addon = '', target } = request;
  const { principal, at, eventId } = trigger;
  const caller = toolOf(trigger) ?? 'An unknown tool';
  return [
    `${caller} called UpdateAddon for ${subjectText(addon)} of cluster ${target.cluster} at ${at}, with serviceAccountRoleArn: "".`,
    ...(principal === undefined ? [] : [`The caller was ${principal}.`]),
    'EKS treats the empty string as a role of another account, and refused the call: "Cross-account pass role is not allowed." The call changed nothing.',
    `CloudTrail event: ${eventId}`,
    'This happens when a tool tries to remove the role from an add-on. EKS removes the role when the add-on gets Pod Identity associations in a call that does not contain serviceAccountRoleArn, which is what a migration does.',
  ];
}

/** Tools with a provider that has the resource aws_eks_addon. */
const WITH_RESOURCE = new Set(['Terraform', 'OpenTofu', 'Pulumi', 'Crossplane']);

/** Returns what to change in the tool that made the call, so that its next call is not refused. */
export function terraformLines({ trigger, plan }: Migration): string[] {
  const tool = trigger && toolOf(trigger);
  if (tool === undefined || !WITH_RESOURCE.has(tool))
    return ['Afterwards, leave serviceAccountRoleArn out of the calls that were refused.'];
  const blocks = (plan?.associations ?? []).map(
    ({ serviceAccount, roleArn }) =>
      `  pod_identity_association with service_account = "${serviceAccount}" and role_arn = "${roleArn}"`,
  );
  return [
    `Afterwards, in ${tool}: remove service_account_role_arn from the resource aws_eks_addon, and add a block ${blocks.length === 0 ? 'pod_identity_association for each service account.' : 'for each service account:'}`,
    ...blocks,
    `Refresh the state (terraform apply -refresh-only, or the equivalent in ${tool}) before the next apply, which then finds no role to remove and nothing to change.`,
  ];
}
