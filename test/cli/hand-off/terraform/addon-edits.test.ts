/** The edits of a resource `aws_eks_addon`: what they write, and how. */
import { describe, expect, it } from 'vitest';
import {
  ACCOUNT,
  ADDON,
  block,
  handOffOf,
  OTHER_ARN,
  patchMain,
  resourceOf,
  resultsOf,
  ROLE_ARN,
  ROLLED_BACK,
} from './resource-cases.ts';

const LITERAL = `service_account_role_arn = "${ROLE_ARN}"`;
const BLOCK = [
  '  pod_identity_association {',
  `    role_arn        = "${ROLE_ARN}"`,
  `    service_account = "${ACCOUNT}"`,
  '  }',
];
const MIGRATED = resourceOf('', ...BLOCK);

describe('a migrated add-on', () => {
  it('has the block in place of the role', async () => {
    const { text, findings } = await patchMain(resourceOf('', `  ${LITERAL}`));
    expect(text).toBe(MIGRATED);
    expect(findings).toEqual([
      {
        result: 'changed',
        about: 'addon',
        path: 'main.tf',
        line: 1,
        what: `aws_eks_addon.ebs: removes service_account_role_arn and adds a block pod_identity_association for ${ACCOUNT}.`,
      },
    ]);
  });

  it('keeps a comment of several lines that follows the role, or the attribute below which the block belongs', async () => {
    const comment = ['/* one {', '  two', '*/'];
    const behind = await patchMain(resourceOf('', `  ${LITERAL} ${comment.join('\n')} # three`));
    expect(behind.text).toBe(resourceOf('', '  /* one {', '  two', '*/', '  # three', ...BLOCK));
    const last = await patchMain(
      resourceOf('', `  ${LITERAL}`, `  preserve = true ${comment.join('\n')}`, '  depends_on = [x.y]'),
    );
    expect(last.text).toBe(
      resourceOf('', `  preserve = true ${comment.join('\n')}`, '', ...BLOCK, '', '  depends_on = [x.y]'),
    );
  });

  it('is aligned as terraform fmt would, where it was', async () => {
    const before = [
      'resource "aws_eks_addon" "ebs" {',
      '  cluster_name             = "prod" # the only one',
      `  addon_name               = "${ADDON}"`,
      `  ${LITERAL}`,
      '  tags                     = { a = 1 }',
      '}',
      '',
    ].join('\n');
    const { text } = await patchMain(before);
    expect(text.split('\n').slice(0, 5)).toEqual([
      'resource "aws_eks_addon" "ebs" {',
      '  cluster_name = "prod" # the only one',
      `  addon_name   = "${ADDON}"`,
      '  tags         = { a = 1 }',
      '',
    ]);
    expect((await patchMain(text, ROLLED_BACK)).text).toContain(
      `  addon_name               = "${ADDON}"\n  ${LITERAL}\n  tags                     = { a = 1 }\n}`,
    );
  });

  it('keeps spacing that is its own', async () => {
    const before = resourceOf(`  ${LITERAL}`, '  tags={}');
    expect((await patchMain(before)).text).toContain(
      `  cluster_name = "prod"\n  addon_name   = "${ADDON}"\n  tags={}\n\n  pod_identity_association {`,
    );
  });

  it('aligns the comments behind its attributes', async () => {
    const before = [
      'resource "aws_eks_addon" "ebs" {',
      '  cluster_name             = "prod"     # one',
      `  addon_name               = "${ADDON}" # two`,
      `  ${LITERAL} # three`,
      '}',
      '',
    ];
    const width = before[3]!.indexOf('#');
    const aligned = before.map((line) => line.replace(/ *#/, (_, at: number) => `${' '.repeat(width - at)}#`));
    expect((await patchMain(aligned.join('\n'))).text).toBe(
      [
        'resource "aws_eks_addon" "ebs" {',
        '  cluster_name = "prod"               # one',
        `  addon_name   = "${ADDON}" # two`,
        '',
        '  pod_identity_association {',
        `    role_arn        = "${ROLE_ARN}" # three`,
        `    service_account = "${ACCOUNT}"`,
        '  }',
        '}',
        '',
      ].join('\n'),
    );
  });

  it.each([
    ['depends_on', ['', '  depends_on = [x.y]']],
    ['lifecycle', ['', '  lifecycle {', '    prevent_destroy = true', '  }']],
    ['timeouts, without a blank line', ['  timeouts {', '    create = "1h"', '  }']],
  ])('has the block before %s', async (_, end) => {
    const { text } = await patchMain(resourceOf(`  ${LITERAL}`, ...end));
    const tail = end.filter((line) => line !== '').join('\n');
    expect(text).toContain(`"${ACCOUNT}"\n  }\n\n${tail}\n}\n`);
  });

  it('loses the role where the block is already there', async () => {
    const { text, findings } = await patchMain(resourceOf(`  ${LITERAL}`, '', ...BLOCK));
    expect(text).toBe(MIGRATED);
    expect(findings[0]?.what).toBe('aws_eks_addon.ebs: removes service_account_role_arn.');
  });

  it('gets the block that was left out', async () => expect((await patchMain(resourceOf())).text).toBe(MIGRATED));

  it('gets the block of each service account, below the ones that are there', async () => {
    const wanted = handOffOf({ associations: [block(), block(OTHER_ARN, 'ebs-csi-node-sa')] });
    expect((await patchMain(resourceOf('', ...BLOCK, '', '  depends_on = [x.y]'), wanted)).text).toBe(
      resourceOf(
        '',
        ...BLOCK,
        '',
        '  pod_identity_association {',
        `    role_arn        = "${OTHER_ARN}"`,
        '    service_account = "ebs-csi-node-sa"',
        '  }',
        '',
        '  depends_on = [x.y]',
      ),
    );
  });

  it('gets the right role in a block, and loses a block that the account does not have', async () => {
    const wrong = BLOCK.map((line) => line.replace(ROLE_ARN, OTHER_ARN));
    const extra = BLOCK.map((line) => line.replace(ACCOUNT, 'another'));
    const { text, findings } = await patchMain(resourceOf('', ...extra, '', ...wrong));
    expect(text).toBe(MIGRATED);
    expect(findings[0]).toMatchObject({
      what: `aws_eks_addon.ebs: sets role_arn = "${ROLE_ARN}" and removes the block pod_identity_association of "another".`,
      why: 'The add-on has no such association in the account.',
    });
  });

  it.each(['null', '""', 'local.none'])('may have service_account_role_arn = %s, which means none', async (none) => {
    const text = `${resourceOf(`  service_account_role_arn = ${none}`, '', ...BLOCK)}locals {\n  none = null\n}\n`;
    const { text: after, findings } = await patchMain(text);
    expect([after, resultsOf(findings)]).toEqual([text, ['as-is']]);
  });

  it('is edited with count', async () =>
    expect(
      (await patchMain(resourceOf('  count = 1', '  service_account_role_arn = aws_iam_role.e[0].arn'))).text,
    ).toContain('    role_arn        = aws_iam_role.e[0].arn\n'));

  it('keeps Windows line ends, tabs, a byte order mark and the missing line end of the file', async () => {
    const windows = (text: string): string =>
      `\uFEFF${text.replaceAll(/^(?: {2})+/gm, (spaces) => '\t'.repeat(spaces.length / 2))}`
        .trimEnd()
        .replaceAll('\n', '\r\n');
    expect((await patchMain(windows(resourceOf('', `  ${LITERAL}`)))).text).toBe(windows(MIGRATED));
  });
});

describe('comments', () => {
  it('above the role go with it, if they are about nothing else', async () =>
    expect((await patchMain(resourceOf('  # IRSA,', '  // for now', `  ${LITERAL}`, '  tags = {}'))).text).toBe(
      resourceOf('  tags = {}', '', '  # IRSA,', '  // for now', ...BLOCK),
    ));

  it('above a group of attributes stay', async () =>
    expect((await patchMain(resourceOf('', '  # Rights', `  ${LITERAL}`, '  preserve = true'))).text).toBe(
      resourceOf('', '  # Rights', '  preserve = true', '', ...BLOCK),
    ));

  it('behind the role stay behind it, and come back in a rollback', async () => {
    const before = resourceOf('', `  ${LITERAL} # see #42`, '  tags = {}');
    const { text } = await patchMain(before);
    expect(text).toContain(`    role_arn        = "${ROLE_ARN}" # see #42\n`);
    expect((await patchMain(text, ROLLED_BACK)).text).toContain(`${LITERAL} # see #42\n`);
  });

  it('stay where nothing takes the place of the role', async () => {
    const none = handOffOf({ associations: [] });
    const { text } = await patchMain(resourceOf(`  ${LITERAL} # see #42`, '  tags = {}'), none);
    expect(text).toBe(resourceOf('  # see #42', '  tags = {}'));
  });

  it('within the attribute get lines of their own', async () => {
    const { text } = await patchMain(
      resourceOf('', `  service_account_role_arn /* one */ = /* two */ "${ROLE_ARN}" # three`),
    );
    expect(text).toBe(resourceOf('', '  /* one */', '  /* two */', '  # three', ...BLOCK));
  });
});

describe('the role of a block', () => {
  const expressionIn = (text: string): string => /role_arn +=\s*(.*)/.exec(text)?.[1] ?? '';

  it('is the expression of the role, if that means the new one', async () => {
    const role = 'resource "aws_iam_role" "e" {\n  name = "ebs-csi"\n}\n';
    const { text } = await patchMain(role + resourceOf('  service_account_role_arn = aws_iam_role.e.arn'));
    expect(expressionIn(text)).toBe('aws_iam_role.e.arn');
  });

  it.each(['module.irsa.iam_role_arn', 'var.role_arn', 'one(aws_iam_role.e[*].arn)', 'data.aws_iam_role.e.arn'])(
    'is %s, which cannot be evaluated, if the add-on has kept its role',
    async (expression) => {
      const before = resourceOf(`  service_account_role_arn = ${expression}`);
      const { text, findings } = await patchMain(before);
      expect(expressionIn(text)).toBe(expression);
      expect(findings[0]?.why).toBe(
        `${expression} cannot be read from the code; it counts as the role that the add-on has.`,
      );
      const changed = await patchMain(before, handOffOf({ associations: [block(OTHER_ARN)] }));
      expect(expressionIn(changed.text)).toBe(`"${OTHER_ARN}"`);
      const found = await patchMain(before, { ...handOffOf({ removeRoleArn: undefined }), state: 'found' });
      expect(expressionIn(found.text)).toBe(`"${ROLE_ARN}"`);
    },
  );

  it('is never an expression that means another role', async () => {
    const role = 'resource "aws_iam_role" "e" {\n  name = "old"\n}\n';
    const { text } = await patchMain(role + resourceOf('  service_account_role_arn = aws_iam_role.e.arn'));
    expect(expressionIn(text)).toBe(`"${ROLE_ARN}"`);
  });

  it('is a reference to the role of the folder that has its name', async () => {
    const role = 'resource "aws_iam_role" "new" {\n  name = "ebs-csi-pod-identity"\n}\n';
    const wanted = handOffOf({ associations: [block(OTHER_ARN)] });
    const { text } = await patchMain(role + resourceOf(`  ${LITERAL}`), wanted);
    expect(expressionIn(text)).toBe('aws_iam_role.new.arn');
    const several = await patchMain(role.replace('name', 'count = 2\n  name') + resourceOf(`  ${LITERAL}`), wanted);
    expect(expressionIn(several.text)).toBe(`"${OTHER_ARN}"`);
  });

  it('is the same expression for each service account with that role', async () => {
    const wanted = handOffOf({ associations: [block(), block(ROLE_ARN, 'ebs-csi-node-sa')] });
    const { text } = await patchMain(resourceOf('  service_account_role_arn = module.irsa.arn'), wanted);
    expect(text.match(/role_arn +=.*/g)).toEqual(Array.from({ length: 2 }, () => 'role_arn        = module.irsa.arn'));
  });

  it('keeps several lines', async () => {
    const { text } = await patchMain(
      resourceOf('  service_account_role_arn = lookup(', '    var.roles,', '    "e"', '  )'),
    );
    expect(text).toBe(
      resourceOf(
        '',
        '  pod_identity_association {',
        '    role_arn = lookup(',
        '      var.roles,',
        '      "e"',
        '    )',
        `    service_account = "${ACCOUNT}"`,
        '  }',
      ),
    );
  });
});

describe('a rollback', () => {
  it.each([
    ['the role as text', resourceOf(`  ${LITERAL}`)],
    ['a reference', resourceOf('  service_account_role_arn = module.irsa.arn')],
  ])('takes the patch back, with %s', async (_, before) => {
    const { text } = await patchMain(before);
    expect(text).not.toBe(before);
    expect((await patchMain(text, ROLLED_BACK)).text.replaceAll(/ +=/g, ' =')).toBe(before.replaceAll(/ +=/g, ' ='));
  });

  it('finds code that was never changed as it should be', async () => {
    const { findings } = await patchMain(resourceOf(`  ${LITERAL}`), ROLLED_BACK);
    expect(resultsOf(findings)).toEqual(['as-is']);
  });

  it('gives an attribute that is null its role', async () =>
    expect((await patchMain(resourceOf('  service_account_role_arn = null', '', ...BLOCK), ROLLED_BACK)).text).toBe(
      resourceOf(`  ${LITERAL}`),
    ));
});
