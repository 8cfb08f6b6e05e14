/** Which resource is edited, and what is left to a person. */
import { describe, expect, it } from 'vitest';
import { applyEdits, isTerraformFile, patchTerraform } from '../../../../cli/hand-off/terraform/index.ts';
import { ADDON, handOffOf, OTHER_ARN, patch, patchMain, resourceOf, resultsOf, ROLE_ARN } from './resource-cases.ts';
import { words } from '../../../words.ts';
import { containing, matching } from '../../../lambdas/matchers.ts';

const ROLE = `  service_account_role_arn = "${ROLE_ARN}"`;
const of = (cluster: string, addon = `"${ADDON}"`, label = 'ebs', role = ROLE): string =>
  [
    `resource "aws_eks_addon" "${label}" {`,
    `  cluster_name = ${cluster}`,
    `  addon_name = ${addon}`,
    role,
    '}',
    '',
  ].join('\n');

describe('the resource', () => {
  it('is the one of the cluster and add-on, among others', async () => {
    const text = [
      of('"staging"', undefined, 'a'),
      of('"prod"', '"vpc-cni"', 'b'),
      of('"prod"', undefined, 'c'),
      of('"prod-2"', undefined, 'd'),
    ];
    const { text: after, findings } = await patchMain(text.join('\n'));
    expect(findings.map(({ result, line }) => [result, line])).toEqual([['changed', 13]]);
    expect(after.split('\n\n').filter((_, index) => index !== 2)).toEqual(
      expect.arrayContaining([text[0]!.trimEnd(), text[1]!.trimEnd()]),
    );
    expect(after.endsWith(text[3]!)).toBe(true);
  });

  it.each([
    ['local.cluster', 'locals {\n  cluster = "prod"\n}\n'],
    ['var.cluster', 'variable "cluster" {\n  default = "prod"\n}\n'],
    ['aws_eks_cluster.this.name', 'resource "aws_eks_cluster" "this" {\n  name = "prod"\n}\n'],
    [
      'data.aws_eks_cluster.this.id',
      'data "aws_eks_cluster" "this" {\n  name = local.c.name\n}\nlocals {\n  c = { name = "prod" }\n}\n',
    ],
    ['"${local.stage}"', 'locals {\n  stage = "prod"\n}\n'],
    ['("prod")', ''],
  ])('is found by the value of %s', async (expression, definition) => {
    const { findings } = await patch({ 'main.tf': of(expression), 'names.tf': definition });
    expect(findings).toMatchObject([{ result: 'changed', path: 'main.tf', line: 1 }]);
    expect(findings[0]?.why).toBeUndefined();
    const other = await patch({
      'main.tf': of(expression.replace('prod', 'x')),
      'names.tf': definition.replace('"prod"', '"x"'),
    });
    expect(other.findings).toMatchObject([{ result: 'left', what: matching(/^No code for/) }]);
  });

  it('is the only candidate if its cluster cannot be read', async () => {
    const { findings } = await patchMain(of('var.cluster') + of('var.cluster', '"vpc-cni"', 'cni'));
    expect(findings).toMatchObject([
      {
        result: 'changed',
        why: 'Its cluster_name cannot be read from the code; no other resource defines the add-on. If this code is also applied to other clusters, it changes them, too.',
      },
    ]);
  });

  it('is certain, whatever other candidates there are', async () =>
    expect((await patchMain(of('var.cluster', undefined, 'a') + of('"prod"', undefined, 'b'))).findings).toMatchObject([
      { result: 'changed', line: 6 },
    ]));

  it.each([
    ['two candidates', of('var.a', undefined, 'a') + of('var.b', undefined, 'b'), 'cannot be read from the code'],
    ['two certain ones', of('"prod"', undefined, 'a') + of('"prod"', undefined, 'b'), 'the same cluster and add-on'],
  ])('is left to a person with all places, if there are %s', async (_, text, why) => {
    const { text: after, findings } = await patchMain(text);
    expect(after).toBe(text);
    expect(findings).toMatchObject([
      {
        result: 'left',
        line: 1,
        what: `aws_eks_addon.a may define ${ADDON} of prod, but so may aws_eks_addon.b (main.tf:6).`,
        why: containing(why),
      },
      { result: 'left', line: 6 },
    ]);
  });

  it('is not one whose add-on cannot be read', async () => {
    const text = of('"prod"', 'var.addon');
    const { text: after, findings } = await patchMain(text);
    expect([after, resultsOf(findings)]).toEqual([text, ['left']]);
    expect(findings[0]?.why).toBe('Its addon_name cannot be read from the code.');
  });

  it('is not one of an unknown cluster with a role that this add-on never had', async () => {
    const text = of('var.cluster', undefined, 'ebs', `  service_account_role_arn = "${OTHER_ARN}"`);
    const { text: after, findings } = await patchMain(text);
    expect([after, resultsOf(findings)]).toEqual([text, ['left']]);
    expect(findings[0]?.why).toContain('its role is none that this add-on has or had');
  });

  it('of a module is edited by the value that its only call gives', async () => {
    const files = {
      'main.tf':
        'module "addons" {\n  source  = "./modules/addons"\n  cluster = "prod"\n  role    = aws_iam_role.e.arn\n}\n',
      'modules/addons/main.tf': of('var.cluster', undefined, 'ebs', '  service_account_role_arn = var.role'),
      'roles.tf': 'resource "aws_iam_role" "e" {\n  name = "ebs-csi"\n}\n',
    };
    const { texts, findings } = await patch(files);
    expect(findings).toMatchObject([{ result: 'changed', path: 'modules/addons/main.tf' }]);
    expect(findings[0]?.why).toBeUndefined();
    expect(texts['modules/addons/main.tf']).toContain('role_arn        = var.role\n');
    const twice = `${files['main.tf']}${files['main.tf'].replace('"addons"', '"more"').replace('prod', 'x')}`;
    const left = await patch({ ...files, 'main.tf': twice });
    expect(left.findings).toMatchObject([{ result: 'left', what: containing('(main.tf:1, main.tf:6)') }]);
    const each = await patch({ ...files, 'main.tf': files['main.tf'].replace('\n', '\n  for_each = var.clusters\n') });
    expect(resultsOf(each.findings)).toEqual(['left']);
  });
});

describe('a resource is left to a person with its place, the reason and the text,', () => {
  it.each([
    ['for_each', ['  for_each = toset(["a"])', ROLE], 'has for_each'],
    [
      'a dynamic block',
      ['  dynamic "pod_identity_association" {', '    for_each = var.x', '    content {}', '  }', ROLE],
      'dynamic block',
    ],
    ['a condition', ['  service_account_role_arn = var.irsa ? module.irsa.arn : null'], 'depends on a condition'],
    ['a condition in a local', ['  service_account_role_arn = local.role'], 'depends on a condition'],
    [
      'ignore_changes',
      [ROLE, '  lifecycle {', '    ignore_changes = [tags, service_account_role_arn]', '  }'],
      'ignore_changes with service_account_role_arn',
    ],
    ['ignore_changes of all', [ROLE, '  lifecycle {', '    ignore_changes = all', '  }'], 'ignore_changes with all'],
    [
      'a block without a service account',
      ['  pod_identity_association {', '    role_arn = "x"', '  }', ROLE],
      'block pod_identity_association in line 4',
    ],
  ])('if it has %s', async (_, lines, what) => {
    const text = `${resourceOf(...lines)}locals {\n  role = var.irsa ? "a" : "b"\n}\n`;
    const { text: after, findings } = await patchMain(text);
    expect(after).toBe(text);
    expect(findings).toMatchObject([{ result: 'left', path: 'main.tf', line: 1 }]);
    expect(findings[0]?.what).toContain(what);
    expect(findings[0]?.next).toContain(
      `a block pod_identity_association with role_arn = "${ROLE_ARN}" and service_account = "ebs-csi-controller-sa"`,
    );
  });

  it('but not if it matches already, with ignore_changes', async () => {
    const { text } = await patchMain(resourceOf(ROLE));
    const ignoring = text.replace(
      /\n\}\n$/,
      '\n  lifecycle {\n    ignore_changes = [service_account_role_arn]\n  }\n}\n',
    );
    expect(resultsOf((await patchMain(ignoring)).findings)).toEqual(['as-is']);
  });
});

describe('files', () => {
  it('with a syntax error are not edited, and others are', async () => {
    const broken = resourceOf(ROLE).replace('{', '{{');
    const { texts, findings } = await patch({ 'a.tf': broken, 'main.tf': resourceOf(ROLE) });
    expect(texts['a.tf']).toBe(broken);
    expect(findings).toMatchObject([
      { result: 'left', about: 'syntax', path: 'a.tf', line: 1 },
      { result: 'changed', path: 'main.tf' },
    ]);
  });

  it('without the add-on give one finding that says what was searched', async () =>
    expect((await patch({})).findings).toMatchObject([
      { result: 'left', about: 'addon', what: `No code for ${ADDON} of prod was found in 0 files.` },
    ]));

  it('are those with code, variables, and the lock file', () => {
    const names = words`a.tf b/c.tf a.tf.json x.auto.tfvars terraform.tfvars.json .terraform.lock.hcl a.tofu`;
    expect(names.filter((name) => !isTerraformFile(name))).toEqual([]);
    expect(['a.tf.bak', 'README.md', 'terraform.tfstate', 'x.hcl', 'tf'].filter(isTerraformFile)).toEqual([]);
  });
});

describe('edits', () => {
  it('are refused if they overlap, or are of another file', () => {
    const files = [{ path: 'a', text: '0123456789' }];
    const edit = (start: number, end: number, path = 'a') => ({ path, start, end, text: '-' });
    expect(applyEdits(files, [edit(5, 6), edit(2, 4), edit(4, 4)])[0]?.text).toBe('01--4-6789');
    expect(() => applyEdits(files, [edit(2, 4), edit(3, 5)])).toThrow('a: The edit of 3 to 5 overlaps another');
    expect(() => applyEdits(files, [edit(9, 11)])).toThrow('outside of the file');
    expect(() => applyEdits(files, [edit(0, 1, 'b')])).toThrow('b: An edit is of a file that was not read.');
  });

  it('are none for a hand-off without an add-on', async () => {
    const { addon: _, ...rest } = handOffOf();
    expect(await patchTerraform([{ path: 'main.tf', text: resourceOf(ROLE) }], rest)).toEqual({
      edits: [],
      findings: [],
    });
  });
});
