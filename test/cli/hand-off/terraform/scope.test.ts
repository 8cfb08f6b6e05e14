/** What expressions of Terraform code are worth. */
import { describe, expect, it } from 'vitest';
import { readCode } from '../../../../cli/hand-off/terraform/code.ts';
import { attributeOf } from '../../../../cli/hand-off/terraform/syntax.ts';
import { isAbsent, isRoleArn, isText, knownText, type Value } from '../../../../cli/hand-off/terraform/value.ts';
import { ROLE_ARN } from './resource-cases.ts';

/** Returns the value of the local `x` in `main.tf` of the directory. */
async function valueOf(texts: Record<string, string>): Promise<Value> {
  const { scopes } = await readCode(Object.entries(texts).map(([path, text]) => ({ path, text })));
  const scope = scopes.get('.');
  const local = scope?.blocks('locals').find(({ block }) => attributeOf(block.body, 'x'));
  const attribute = local && attributeOf(local.block.body, 'x');
  if (scope === undefined || attribute === undefined) throw new Error('There is no local x.');
  return scope.valueOf(attribute.value);
}
const ofExpression = (expression: string, more = '', files: Record<string, string> = {}): Promise<Value> =>
  valueOf({ 'main.tf': `locals {\n  x = ${expression}\n}\n${more}\n`, ...files });

describe('a value', () => {
  it.each([
    ['"prod"', '', 'prod'],
    [String.raw`"a\"\\\t\u00e9` + '$${x}%%{y}"', '', 'a"\\\té${x}%{y}'],
    ['(("prod"))', '', 'prod'],
    ['"  a ${local.y} b  "', 'locals {\n  y = "c"\n}', '  a c b  '],
    ['local.y.z', 'locals {\n  y = { z = "c" }\n}', 'c'],
    ['local.y["z"]', 'locals {\n  y = { "z" : "c" }\n}', 'c'],
    ['local.y[1]', 'locals {\n  y = ["b", "c"]\n}', 'c'],
    ['"n${local.y}"', 'locals {\n  y = 21\n}', 'n21'],
    ['var.y', 'variable "y" {\n  default = "c"\n}', 'c'],
    ['var.y', 'variable "y" {\n  type = string\n}', undefined],
    ['var.y', '', undefined],
    ['local.x', '', undefined],
    ['upper("prod")', '', undefined],
    ['var.y ? "a" : "b"', '', undefined],
    ['local.y', 'locals {\n  y = "a"\n}\nlocals {\n  y = "b"\n}', undefined],
    ['<<EOT\n prod ${local.y}\nEOT', 'locals {\n  y = "c"\n}', ' prod c\n'],
    ['<<-EOT\n    a\n      b\n  EOT', '', 'a\n  b\n'],
    ['aws_eks_cluster.a.name', 'resource "aws_eks_cluster" "a" {\n  name = "prod"\n}', 'prod'],
    ['aws_eks_cluster.a.arn', 'resource "aws_eks_cluster" "a" {\n  name = "prod"\n}', undefined],
    ['aws_iam_role.a[0].name', 'resource "aws_iam_role" "a" {\n  name = "r"\n}', 'r'],
    ['module.eks.cluster_name', 'module "eks" {\n  source = "terraform-aws-modules/eks/aws"\n  name = "dev"\n}', 'dev'],
    ['module.eks.cluster_name', 'module "eks" {\n  source = "someone/eks/aws"\n  name = "prod"\n}', undefined],
    ['"%{ if true }a%{ endif }"', '', undefined],
    ['"${~ "a" ~}"', '', undefined],
  ])('of %s with %j is %j', async (expression, more, known) =>
    expect(knownText(await ofExpression(expression, more))).toBe(known),
  );

  const variable = 'variable "y" {\n  default = "default"\n}';
  it.each<[string, Record<string, string>, string | undefined]>([
    ['the default', {}, 'default'],
    ['terraform.tfvars', { 'terraform.tfvars': 'y = "t"\n' }, 't'],
    ['the JSON file, which wins', { 'terraform.tfvars': 'y = "t"\n', 'terraform.tfvars.json': '{"y":"j"}' }, 'j'],
    [
      'the last automatic file',
      { 'b.auto.tfvars': 'y = "b"\n', 'a.auto.tfvars': 'y = "a"\n', 'terraform.tfvars': 'y = "t"\n' },
      'b',
    ],
    ['no file that sets another variable', { 'prod.tfvars': 'z = "t"\n' }, 'default'],
    ['unknown, if a file that may be given sets another value', { 'prod.tfvars': 'y = "p"\n' }, undefined],
    ['certain, if such a file sets the same', { 'prod.tfvars': 'y = "default"\n' }, 'default'],
    ['not that of another folder', { 'stage/terraform.tfvars': 'y = "s"\n' }, 'default'],
  ])('of a variable is %s', async (_, files, known) =>
    expect(knownText(await ofExpression('var.y', variable, files))).toBe(known),
  );

  it('of an output of a local module is what its code says', async () => {
    const call = 'module "m" {\n  source = "./m"\n  y = "prod"\n}';
    const module = { 'm/main.tf': 'variable "y" {}\noutput "name" {\n  value = "${var.y}-1"\n}\n' };
    expect(knownText(await ofExpression('module.m.name', call, module))).toBe('prod-1');
    expect(knownText(await ofExpression('module.m.other', call, module))).toBeUndefined();
    const each = call.replace('\n', '\n  for_each = local.z\n');
    expect(knownText(await ofExpression('module.m.name', each, module))).toBeUndefined();
  });

  it('with unknown parts can exclude a text', async () => {
    const value = await ofExpression('"${var.stage}-eks"');
    expect([isText(value, 'prod-eks'), isText(value, 'prod'), knownText(value)]).toEqual(['unknown', 'no', undefined]);
  });

  it.each([
    ['null', true],
    ['""', true],
    ['"x"', false],
    ['var.y', false],
    ['false', false],
  ])('%s is like none: %s', async (expression, absent) =>
    expect(isAbsent(await ofExpression(expression))).toBe(absent),
  );
});

describe('the ARN of a role', () => {
  const role = (...lines: string[]): string => ['resource "aws_iam_role" "a" {', ...lines, '}'].join('\n');
  it.each([
    [`"${ROLE_ARN}"`, '', 'yes'],
    ['"arn:aws:iam::111122223333:role/other"', '', 'no'],
    ['"arn:aws:iam::${var.account}:role/ebs-csi"', '', 'yes'],
    ['"arn:${data.aws_partition.p.partition}:iam::${data.aws_caller_identity.c.account_id}:role/ebs-csi"', '', 'yes'],
    ['"arn:aws:iam::${var.account}:role/${var.role}"', '', 'unknown'],
    ['"arn:aws:iam::${var.account}:role/${var.role}-irsa"', '', 'no'],
    ['aws_iam_role.a.arn', role('  name = "ebs-csi"'), 'yes'],
    ['aws_iam_role.a[0].arn', role('  count = 1', '  name = "ebs-csi"'), 'yes'],
    ['aws_iam_role.a.arn', role('  name = "ebs-csi"', '  path = "/eks/"'), 'no'],
    ['aws_iam_role.a.arn', role('  name = "csi"'), 'no'],
    ['aws_iam_role.a.arn', role('  name_prefix = "ebs-"'), 'unknown'],
    ['aws_iam_role.a.arn', role('  name_prefix = "efs-"'), 'no'],
    ['aws_iam_role.a.arn', role('  name = "${var.stage}-csi"'), 'unknown'],
    ['aws_iam_role.a.arn', '', 'unknown'],
    ['data.aws_iam_role.a.arn', 'data "aws_iam_role" "a" {\n  name = "ebs-csi"\n}', 'yes'],
    ['data.aws_iam_role.a.arn', 'data "aws_iam_role" "a" {\n  name = "csi"\n}', 'no'],
    [
      'module.a.iam_role_arn',
      'module "a" {\n  source = "terraform-aws-modules/iam/aws//modules/iam-role-for-service-accounts-eks"\n  role_name = "ebs-csi"\n}',
      'yes',
    ],
    ['null', '', 'no'],
  ])('%s with %j is the role: %s', async (expression, more, answer) =>
    expect(isRoleArn(await ofExpression(expression, more), ROLE_ARN)).toBe(answer),
  );
});
