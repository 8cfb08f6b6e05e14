/** Code that looks like the hand-off's, and is of another cluster, another region, or of several clusters. */
import { describe, expect, it } from 'vitest';
import type { HandOff } from '../../../../lambdas/domain/terms/hand-off.ts';
import { ACCOUNT, ADDON, block, handOffOf, patch, resourceOf, resultsOf, ROLE_ARN } from './resource-cases.ts';
import { containing } from '../../../lambdas/matchers.ts';

const ROLE = `  service_account_role_arn = "${ROLE_ARN}"`;
const BLOCK = `  pod_identity_association {
    role_arn        = "${ROLE_ARN}"
    service_account = "${ACCOUNT}"
  }`;
const PROVIDERS = `provider "aws" {
  region = "eu-west-1"
}

provider "aws" {
  alias  = "us"
  region = "us-east-1"
}
`;
const named = (name: string, ...lines: string[]): string => resourceOf(...lines).replace('"ebs"', `"${name}"`);

const GONE: HandOff = {
  ...handOffOf(),
  addon: undefined,
  serviceAccount: { namespace: 'kube-system', name: ACCOUNT },
  associations: [{ ...block(), action: 'remove', id: 'a-1', tags: {} }],
};
const association = (
  name: string,
  ...lines: string[]
): string => `resource "aws_eks_pod_identity_association" "${name}" {
  cluster_name    = "prod"
  namespace       = "kube-system"
  service_account = "${ACCOUNT}"
  role_arn        = "${ROLE_ARN}"
${lines.join('\n')}
}
`;

describe('clusters of the same name in several regions', () => {
  it('are told apart by the region of the provider', async () => {
    const main = PROVIDERS + named('eu', ROLE) + named('us', '  provider = aws.us', ROLE);
    const { texts, findings } = await patch({ 'main.tf': main });
    expect(resultsOf(findings)).toEqual(['changed']);
    expect(texts['main.tf']).toContain(named('us', '  provider = aws.us', ROLE));
    expect(texts['main.tf']).not.toContain(named('eu', ROLE));
  });

  it('are told apart by the region of the resource', async () => {
    const us = named('us', '  region = "us-east-1"', ROLE);
    const { texts, findings } = await patch({ 'main.tf': named('eu', '  region = "eu-west-1"', ROLE) + us });
    expect(resultsOf(findings)).toEqual(['changed']);
    expect(texts['main.tf']).toContain(us);
  });

  it('are told apart by the provider that a module is called with', async () => {
    const { texts, findings } = await patch({
      'main.tf': `${PROVIDERS}module "us" {
  source    = "./us"
  providers = { aws = aws.us }
}
`,
      'us/main.tf': resourceOf(ROLE),
    });
    expect(resultsOf(findings)).toEqual(['left']);
    expect(texts['us/main.tf']).toBe(resourceOf(ROLE));
  });

  it('do not match if only the one elsewhere is in the code', async () =>
    expect(
      (await patch({ 'main.tf': PROVIDERS + named('us', '  provider = aws.us', '', BLOCK) })).findings,
    ).toMatchObject([{ result: 'left', what: containing('No code') }]));

  it('are left if the regions cannot be evaluated', async () => {
    const main = named('eu', ROLE) + named('us', '  provider = aws.us', ROLE);
    const { texts, findings } = await patch({ 'main.tf': main });
    expect(resultsOf(findings)).toEqual(['left', 'left']);
    expect(texts['main.tf']).toBe(main);
  });

  it('are told apart in a module with add-ons', async () => {
    const main = `${PROVIDERS}module "eks" {
  source  = "terraform-aws-modules/eks/aws"
  version = "~> 21.0"
  name    = "prod"
  providers = { aws = aws.us }
  addons = {
    ${ADDON} = { service_account_role_arn = "${ROLE_ARN}" }
  }
}
`;
    const { texts, findings } = await patch({ 'main.tf': main });
    expect(texts['main.tf']).toBe(main);
    expect(resultsOf(findings)).toEqual(['left']);
  });

  it("do not lose each other's associations", async () => {
    const us = association('us', '  provider = aws.us');
    const { texts, findings } = await patch({ 'main.tf': PROVIDERS + association('eu') + us }, GONE);
    expect(texts['main.tf']).toContain(us);
    expect(texts['main.tf']).toContain('from = aws_eks_pod_identity_association.eu');
    expect(resultsOf(findings)).toEqual(['changed']);
  });

  it('keep all associations if the regions cannot be evaluated', async () => {
    const main = association('eu') + association('us', '  provider = aws.us');
    const { texts, findings } = await patch({ 'main.tf': main }, GONE);
    expect(texts['main.tf']).toBe(main);
    expect(resultsOf(findings)).toEqual(['left', 'left']);
  });
});

it('clusters of several accounts are told apart by the role that the provider assumes', async () => {
  const providers = ['111122223333', '444455556666']
    .map(
      (account) => `provider "aws" {
  alias = "a${account}"
  assume_role {
    role_arn = "arn:aws:iam::${account}:role/deploy"
  }
}
`,
    )
    .join('');
  const other = named('other', '  provider = aws.a444455556666', ROLE);
  const { texts, findings } = await patch({
    'main.tf': providers + named('own', '  provider = aws.a111122223333', ROLE) + other,
  });
  expect(texts['main.tf']).toContain(other);
  expect(resultsOf(findings)).toEqual(['changed']);
});

describe('a module of a module', () => {
  const nested = (outer: string): Record<string, string> => ({
    'main.tf': outer,
    'stack/main.tf': 'variable "cluster" {}\nmodule "addons" {\n  source  = "./addons"\n  cluster = var.cluster\n}\n',
    'stack/addons/main.tf': `variable "cluster" {}\n${resourceOf(ROLE).replace('"prod"', 'var.cluster')}`,
  });
  const call = (name: string, line: string): string => `module "${name}" {\n  source = "./stack"\n  ${line}\n}\n`;

  it('is not edited if the outer one is called twice', async () => {
    const files = nested(call('a', 'cluster = "prod"') + call('b', 'cluster = "staging"'));
    const { texts, findings } = await patch(files);
    expect([texts, resultsOf(findings)]).toEqual([files, ['left']]);
  });

  it('is not edited if the outer one has for_each', async () => {
    const files = nested(call('a', 'for_each = toset(["prod", "staging"])\n  cluster = each.key'));
    const { texts, findings } = await patch(files);
    expect([texts, resultsOf(findings)]).toEqual([files, ['left']]);
  });

  it('is edited if all are called once', async () => {
    const { findings } = await patch(nested(call('a', 'cluster = "prod"')));
    expect(resultsOf(findings)).toEqual(['changed']);
  });
});
