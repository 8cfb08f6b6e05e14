/**
 * Explains an UpdateAddon that EKS refused with "Cross-account pass role is not allowed.": why it was refused, and what
 * to change in the tool that made the call. Sources: hashicorp/terraform-provider-aws#30645 (AWS Support on the
 * contents
 * of the call); internal/service/eks/addon.go of the provider, which sends the role as "" after it was removed from the
 * configuration.
 */
import { addonCode } from '../hand-off/formats/terraform.ts';
import type { HandOff } from '../terms/hand-off.ts';
import type { Migration } from '../record/migration.ts';
import { subjectText } from '../terms/subject.ts';
import type { Trigger } from '../terms/trigger.ts';

/**
 * Tools that name themselves in their user agent. Pulumi's bridge names Terraform too, so Pulumi comes first. OpenTofu
 * passes itself off as Terraform to providers (OpenTofu, version/version.go), so the two cannot be distinguished.
 */
const TOOLS: readonly [pattern: RegExp, name: string][] = [
  [/pulumi/i, 'Pulumi'],
  [/terraform/i, 'Terraform or OpenTofu'],
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
const WITH_RESOURCE = new Set(['Terraform or OpenTofu', 'Pulumi', 'Crossplane']);

/** The largest block of code that a message contains; larger ones would hide the rest of it. */
const MOST_CODE = 16;

/** Returns whether the call that was refused came from a tool with the resource aws_eks_addon. */
const hasResource = ({ trigger }: Migration): boolean => WITH_RESOURCE.has((trigger && toolOf(trigger)) ?? '');

/** Returns the code of the add-on, if the tool has the resource and the code is short; otherwise nothing. */
export function codeLines(record: Migration, handOff: HandOff): string[] {
  const code = hasResource(record) ? addonCode(handOff).filter((line) => !/^# ?\w|^#$/.test(line)) : [];
  return code.length === 0 || code.length > MOST_CODE
    ? []
    : ['In this resource, whose other arguments stay; code that already has these blocks is correct:', ...code];
}

/** Returns what to change if it is not known which associations there are. */
export const changeInGeneral = (record: Migration): string =>
  hasResource(record)
    ? 'Remove service_account_role_arn from the resource aws_eks_addon, and add a block pod_identity_association for each association of the add-on.'
    : 'Leave serviceAccountRoleArn out of the calls that were refused.';

/** Returns what holds for the tool that made the refused call, until its state is saved again. */
export const stateLines = (record: Migration): string[] =>
  hasResource(record)
    ? [
        'After the refused apply, the state of the tool has what was planned, not what is in EKS: with -refresh=false, its plan shows no changes. Until an ordinary apply has saved the state, do not use -refresh=false or an earlier plan file: the call would be refused again.',
      ]
    : [changeInGeneral(record)];
