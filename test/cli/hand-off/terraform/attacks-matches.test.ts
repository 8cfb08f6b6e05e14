/** Code that must not count as a match: what an apply of it would change is not where the first look finds it. */
import { describe, expect, it } from 'vitest';
import type { HandOff, HandOffTrust } from '../../../../lambdas/domain/terms/hand-off.ts';
import {
  ACCOUNT,
  ADDON,
  block,
  handOffOf,
  OTHER_ARN,
  patch,
  resourceOf,
  resultsOf,
  ROLE_ARN,
} from './resource-cases.ts';

const BLOCK = `  pod_identity_association {
    role_arn        = "${ROLE_ARN}"
    service_account = "${ACCOUNT}"
  }`;
const MATCHING = resourceOf('', BLOCK);

/** Returns whether `check` would exit with 0. */
const isMatch = async (texts: Record<string, string>, handOff = handOffOf()): Promise<boolean> => {
  const { texts: after, findings } = await patch(texts, handOff);
  const same = Object.keys(texts).every((path) => after[path] === texts[path]);
  return same && !resultsOf(findings).includes('left');
};

const STANDALONE: HandOff = {
  ...handOffOf(),
  addon: undefined,
  serviceAccount: { namespace: 'kube-system', name: ACCOUNT },
  associations: [{ ...block(), action: 'import', id: 'a-1', tags: {} }],
};
const ASSOCIATION = `resource "aws_eks_pod_identity_association" "a" {
  cluster_name    = "prod"
  namespace       = "kube-system"
  service_account = "${ACCOUNT}"
  role_arn        = "${ROLE_ARN}"
}
`;
const PODS = {
  Effect: 'Allow',
  Principal: { Service: 'pods.eks.amazonaws.com' },
  Action: ['sts:AssumeRole', 'sts:TagSession'],
};
const OIDC = 'arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB';
const IRSA = {
  Effect: 'Allow',
  Principal: { Federated: OIDC },
  Action: 'sts:AssumeRoleWithWebIdentity',
  Condition: {},
};
const withTrust = (trust: Omit<HandOffTrust, 'roleArn'>): HandOff => ({
  ...handOffOf(),
  addon: undefined,
  trust: [{ roleArn: ROLE_ARN, ...trust }],
});
const ADD = withTrust({ action: 'add', statement: PODS });
const REMOVE = withTrust({ action: 'remove', statement: IRSA });

const role = (policy: string, name = '"ebs-csi"'): string => `resource "aws_iam_role" "ebs" {
  name               = ${name}
  assume_role_policy = ${policy}
}
`;
const document = (body: string): string => `data "aws_iam_policy_document" "trust" {\n${body}\n}\n`;
const POD_STATEMENT = `  statement {
    sid     = "Pods"
    actions = ["sts:AssumeRole", "sts:TagSession"]
    principals {
      type        = "Service"
      identifiers = ["pods.eks.amazonaws.com"]
    }
  }`;
const WEB_STATEMENT = `  statement {
    actions = ["sts:AssumeRoleWithWebIdentity"]
    principals {
      type        = "Federated"
      identifiers = ["${OIDC}"]
    }
  }`;
const FROM_DOCUMENT = 'data.aws_iam_policy_document.trust.json';

it('matches what it must', async () => {
  expect(await isMatch({ 'main.tf': MATCHING })).toBe(true);
  expect(await isMatch({ 'main.tf': ASSOCIATION }, STANDALONE)).toBe(true);
  expect(await isMatch({ 'main.tf': role(FROM_DOCUMENT) + document(POD_STATEMENT) }, ADD)).toBe(true);
});

describe('an override file', () => {
  it.each([
    ['sets the role again', `resource "aws_eks_addon" "ebs" {\n  service_account_role_arn = "${ROLE_ARN}"\n}\n`],
    ['has other blocks', `resource "aws_eks_addon" "ebs" {\n${BLOCK.replace(ROLE_ARN, OTHER_ARN)}\n}\n`],
  ])('that %s', async (_, override) => {
    expect(await isMatch({ 'main.tf': MATCHING, 'override.tf': override })).toBe(false);
    expect(await isMatch({ 'main.tf': MATCHING, 'x_override.tf': override })).toBe(false);
  });

  it('that sets the default of a variable', async () => {
    const main = `variable "role" {\n  default = "${ROLE_ARN}"\n}\n${MATCHING.replace(`"${ROLE_ARN}"`, 'var.role')}`;
    const { findings } = await patch({
      'main.tf': main,
      'z_override.tf': `variable "role" {\n  default = "${OTHER_ARN}"\n}\n`,
    });
    expect(findings).not.toMatchObject([{ result: 'as-is', why: undefined }]);
  });

  it('that changes a standalone association', async () => {
    const override = `resource "aws_eks_pod_identity_association" "a" {\n  role_arn = "${OTHER_ARN}"\n}\n`;
    expect(await isMatch({ 'main.tf': ASSOCIATION, 'x_override.tf': override }, STANDALONE)).toBe(false);
  });

  it('that changes a trust policy', async () => {
    const main = role(FROM_DOCUMENT) + document(POD_STATEMENT);
    expect(await isMatch({ 'main.tf': main, 'x_override.tf': document(WEB_STATEMENT) }, ADD)).toBe(false);
    expect(await isMatch({ 'main.tf': main, 'x_override.tf': role('file("old.json")') }, ADD)).toBe(false);
  });

  it('that replaces the add-ons of a module', async () => {
    const entry = `pod_identity_association = [{ role_arn = "${ROLE_ARN}", service_account = "${ACCOUNT}" }]`;
    const main = `module "eks" {
  source  = "terraform-aws-modules/eks/aws"
  version = "~> 21.0"
  name    = "prod"
  addons = {
    ${ADDON} = { ${entry} }
  }
}
`;
    const override = `module "eks" {\n  addons = {\n    ${ADDON} = { service_account_role_arn = "${ROLE_ARN}" }\n  }\n}\n`;
    expect(await isMatch({ 'main.tf': main })).toBe(true);
    expect(await isMatch({ 'main.tf': main, 'x_override.tf': override })).toBe(false);
  });
});

describe('a resource without instances', () => {
  it('does not define the add-on', async () =>
    expect(await isMatch({ 'main.tf': MATCHING.replace('{\n', '{\n  count = 0\n') })).toBe(false));
  it('does not define an association', async () =>
    expect(await isMatch({ 'main.tf': ASSOCIATION.replace('{\n', '{\n  count = 0\n') }, STANDALONE)).toBe(false));
});

it('a variable that may be set elsewhere does not count as no role because its default is null', async () => {
  const main = `variable "irsa_role" {\n  default = null\n}\n${resourceOf('  service_account_role_arn = var.irsa_role', '', BLOCK)}`;
  expect(await isMatch({ 'main.tf': main })).toBe(false);
});

describe('a trust policy', () => {
  it.each([
    ['actions from a variable', `  statement {\n    actions = var.actions\n  }`],
    [
      'a wildcard',
      `  statement {\n    actions = ["sts:AssumeRoleWith*"]\n    principals {\n      type        = "Federated"\n      identifiers = ["${OIDC}"]\n    }\n  }`,
    ],
  ])('whose IRSA statement has %s', async (_, statement) => {
    const main = role(FROM_DOCUMENT) + document(`${POD_STATEMENT}\n${statement}`);
    expect(await isMatch({ 'main.tf': main }, REMOVE)).toBe(false);
  });

  it.each([
    ['an item of a list', 'jsonencode({ Statement = [local.irsa] })'],
    ['the actions', 'jsonencode({ Statement = [{ Effect = "Allow", Action = local.actions }] })'],
    ['a statement that merges', 'jsonencode({ Statement = [merge(local.irsa, {})] })'],
    ['NotAction', 'jsonencode({ Statement = [{ Effect = "Allow", NotAction = "iam:*", Principal = "*" }] })'],
  ])('that has the IRSA statement by reference: %s', async (_, policy) =>
    expect(await isMatch({ 'main.tf': role(policy) }, REMOVE)).toBe(false),
  );

  it('whose statement is overridden by another document', async () => {
    const overridden = document(`  override_policy_documents = [file("x.json")]\n${POD_STATEMENT}`);
    expect(await isMatch({ 'main.tf': role(FROM_DOCUMENT) + overridden }, ADD)).toBe(false);
  });

  it('of a role whose name cannot be evaluated, and that may be the one', async () => {
    const main = role(FROM_DOCUMENT, '"${var.prefix}-csi"') + document(WEB_STATEMENT);
    expect(await isMatch({ 'main.tf': main }, ADD)).toBe(false);
    expect(await isMatch({ 'main.tf': main }, REMOVE)).toBe(false);
    const repaired = role(FROM_DOCUMENT, '"${var.prefix}-csi"') + document(POD_STATEMENT);
    expect(await isMatch({ 'main.tf': repaired }, REMOVE)).toBe(true);
    expect(await isMatch({ 'main.tf': repaired }, withTrust({ action: 'remove', statement: PODS }))).toBe(false);
  });

  it('of a role that cannot be the one does not matter', async () => {
    const other = document(POD_STATEMENT.replace('pods.eks', 'ec2'));
    expect(await isMatch({ 'main.tf': role(FROM_DOCUMENT, 'var.name') + other }, ADD)).toBe(true);
    expect(
      await isMatch({ 'main.tf': role(FROM_DOCUMENT, '"${var.prefix}-dns"') + document(WEB_STATEMENT) }, ADD),
    ).toBe(true);
  });

  it('keeps a statement that has a further principal', async () => {
    const both = WEB_STATEMENT.replace(
      /\n {2}\}$/,
      `\n    principals {\n      type        = "Federated"\n      identifiers = ["arn:aws:iam::111122223333:saml-provider/x"]\n    }\n  }`,
    );
    const main = role(FROM_DOCUMENT) + document(`${POD_STATEMENT}\n${both.replace(/principals/, 'principals')}`);
    expect((await patch({ 'main.tf': main }, REMOVE)).texts['main.tf']).toBe(main);
  });
});

describe('an annotation', () => {
  const handOff: HandOff = {
    ...handOffOf(),
    addon: undefined,
    annotations: [{ namespace: 'kube-system', serviceAccount: ACCOUNT, roleArn: ROLE_ARN, action: 'remove' }],
  };
  const account = (name: string, arn: string): string => `resource "kubernetes_service_account" "sa" {
  metadata {
    name      = ${name}
    namespace = "kube-system"
    annotations = {
      "eks.amazonaws.com/role-arn" = "${arn}"
    }
  }
}
`;
  it('of an account whose name cannot be evaluated', async () => {
    expect(await isMatch({ 'main.tf': account('var.name', ROLE_ARN) }, handOff)).toBe(false);
    expect(await isMatch({ 'main.tf': account('var.name', OTHER_ARN) }, handOff)).toBe(true);
  });
});

it('files of the same name in both syntaxes are not mixed up', async () => {
  const json = JSON.stringify({ locals: { a: 1 } });
  const files = { 'main.tf.json': json, 'main.json.tf': resourceOf(`  service_account_role_arn = "${ROLE_ARN}"`) };
  const { texts, findings } = await patch(files);
  expect(resultsOf(findings)).toEqual(['changed']);
  expect(texts['main.tf.json']).toBe(json);
  expect(texts['main.json.tf']).toBe(MATCHING);
});
