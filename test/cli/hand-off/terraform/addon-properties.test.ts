/**
 * Generated code in many styles: a patch parses, is complete, keeps every comment, changes nothing outside of the
 * resource of the add-on, and in it nothing but the role and the blocks.
 */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BLOCK, ROLE } from '../../../../cli/hand-off/terraform/addon-state.ts';
import { patchTerraform } from '../../../../cli/hand-off/terraform/index.ts';
import { parseFiles } from '../../../../cli/hand-off/terraform/parse.ts';
import {
  attributeOf,
  type Block,
  blocksOf,
  type ParsedFile,
  textOf,
} from '../../../../cli/hand-off/terraform/syntax.ts';
import type { HandOffAddon } from '../../../../lambdas/domain/terms/hand-off.ts';
import { ADDON, block, handOffOf, OTHER_ARN, patch, ROLE_ARN } from './resource-cases.ts';
import { forAllAsync } from '../../../for-all.ts';

const ACCOUNTS = ['ebs-csi-controller-sa', 'ebs-csi-node-sa', 'third'];
const EXPRESSIONS = [`"${ROLE_ARN}"`, `"${OTHER_ARN}"`, 'aws_iam_role.ebs.arn', 'module.irsa["é"].arn', 'null', '""'];

/** Around the resource; the first has the role that one of the expressions names. */
const AROUND = [
  'resource "aws_iam_role" "ebs" {\n  name = "ebs-csi"\n}\n',
  '# größe 𝒳\nlocals {\n  text = <<-EOT\n    resource "aws_eks_addon" "x" {\n    ${var.y} # no comment\n  EOT\n}\n',
  `resource "aws_eks_addon" "other" {\n  cluster_name = "staging"\n  addon_name = "${ADDON}"\n  ${ROLE} = "x" # kept\n}\n`,
  `resource "aws_eks_addon" "cni" {\n\tcluster_name   =   "prod"\n\taddon_name="vpc-cni"\n\t${ROLE} = var.x\n}\n`,
  '/* several\n   lines */\nvariable "x" {}\n',
];

const comment = fc.constantFrom('# one', '// two ü', '/* three */', '#');
const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
const FURTHER = [
  ['addon_version', '"v1.2.3-eksbuild.1"'],
  ['preserve', 'true'],
  ['tags', '{\n    a = "b" # inner\n    c = <<EOT\ntext {\nEOT\n  }'],
  ['resolve_conflicts_on_update', '"OVERWRITE"'],
  ['depends_on', '[\n    x.y,\n  ]'],
] as const;
const NESTED = ['  timeouts {\n    create = "1h" # long\n  }\n', '  lifecycle {\n    ignore_changes = [tags]\n  }\n'];

/** A line, or several, of the resource, with comments and blank lines around. */
const element = (names: readonly string[], value: fc.Arbitrary<string>, multiLine = false) =>
  fc
    .record({
      name: fc.constantFrom(...names),
      value,
      gap: fc.constantFrom(' = ', '=', '   = ', ' =\t', ' = /* in */ '),
      above: fc.array(fc.constantFrom('', '  # above', '  // above'), { maxLength: 3 }),
      behind: multiLine ? fc.constant(undefined) : maybe(comment),
    })
    .map(({ name, value: text, gap, above, behind }) =>
      [...above.map((line) => `${line}\n`), `  ${name}${gap}${text}${behind === undefined ? '' : ` ${behind}`}\n`].join(
        '',
      ),
    );

const association = (account: string) =>
  fc
    .constantFrom(...EXPRESSIONS.slice(0, 4))
    .map((role) => `  ${BLOCK} {\n    role_arn = ${role}\n    service_account = "${account}"\n  }\n`);

const resource = fc
  .tuple(
    fc.shuffledSubarray([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]),
    element(['cluster_name'], fc.constantFrom('"prod"', 'local.cluster')),
    element(['addon_name'], fc.constant(`"${ADDON}"`)),
    maybe(element([ROLE], fc.constantFrom(...EXPRESSIONS))),
    fc.tuple(...ACCOUNTS.map((account) => maybe(association(account)))),
    fc.tuple(...FURTHER.map(([name, value]) => maybe(element([name], fc.constant(value), value.includes('\n'))))),
    fc.tuple(...NESTED.map((text) => maybe(fc.constant(text)))),
    fc.nat({ max: 11 }),
  )
  .map(([order, cluster, addon, role, blocks, further, nested, at]) => {
    const optional = [role, ...blocks, ...further, ...nested];
    const chosen = order.map((index) => optional[index]).filter((text) => text !== undefined);
    return `resource "aws_eks_addon" "ebs" {\n${chosen.toSpliced(at, 0, cluster, addon).join('')}}\n`;
  });

const code = fc
  .record({
    before: fc.shuffledSubarray(AROUND),
    resource,
    after: fc.shuffledSubarray(AROUND.slice(4)),
    windows: fc.boolean(),
    tabs: fc.boolean(),
    mark: fc.boolean(),
    ended: fc.boolean(),
  })
  .map(({ before, resource: text, after, windows, tabs, mark, ended }) => {
    const all = [
      ...before,
      'locals {\n  cluster = "prod"\n}\n',
      text,
      ...(before.includes(AROUND[4]!) ? [] : after),
    ].join('\n');
    const indented = tabs ? all.replaceAll(/^(?: {2})+/gm, (spaces) => '\t'.repeat(spaces.length / 2)) : all;
    const lines = windows ? indented.replaceAll('\n', '\r\n') : indented;
    return `${mark ? '\uFEFF' : ''}${ended ? lines : lines.trimEnd()}`;
  });

const wanted: fc.Arbitrary<Partial<HandOffAddon>> = fc.record({
  removeRoleArn: fc.constantFrom(undefined, ROLE_ARN, OTHER_ARN),
  addRoleArn: fc.constantFrom(undefined, undefined, ROLE_ARN),
  associations: fc
    .shuffledSubarray(ACCOUNTS)
    .chain((accounts) =>
      fc.tuple(...accounts.map((account) => fc.constantFrom(ROLE_ARN, OTHER_ARN).map((arn) => block(arn, account)))),
    ),
});

const addonIn = (file: ParsedFile): Block => {
  const [found] = blocksOf(file.body, 'resource', 'aws_eks_addon', 'ebs');
  if (found === undefined) throw new Error('The resource is gone.');
  return found;
};

/** Returns what must not change in the resource. */
const rest = (file: ParsedFile): string[] =>
  addonIn(file).body.elements.flatMap((one) => {
    if (one.is === 'block') return one.type === BLOCK ? [] : [textOf(file, one)];
    return one.name === ROLE ? [] : [`${one.name} ${textOf(file, { start: one.equals, end: one.end })}`];
  });

describe('generated code', () => {
  it('is patched completely, and nothing else in it is changed', () =>
    forAllAsync(300, code, wanted, async (text, addon) => {
      const { texts, findings } = await patch({ 'main.tf': text }, handOffOf(addon));
      const files = await parseFiles([
        { path: 'main.tf', text },
        { path: 'main.tf', text: texts['main.tf'] ?? '' },
      ]);
      const [before, after] = files;
      if (before === undefined || after === undefined) throw new Error('A file is missing.');
      const [old, now] = [addonIn(before), addonIn(after)];
      expect(after.text.slice(0, now.start)).toBe(before.text.slice(0, old.start));
      expect(after.text.slice(now.end)).toBe(before.text.slice(old.end));
      expect([rest(after), findings.filter(({ result }) => result === 'left')]).toEqual([rest(before), []]);
      expect(blocksOf(now.body, BLOCK)).toHaveLength(addon.associations?.length ?? 0);
      const hasRole = attributeOf(now.body, ROLE);
      const isAbsent = ['null', '""', undefined].includes(hasRole && textOf(after, hasRole.value));
      expect(isAbsent).toBe(addon.addRoleArn === undefined);
      expect(/[^\r]\n/.test(after.text)).toBe(/[^\r]\n/.test(before.text));
      const gap = /\n[ \t\r]*\n[ \t\r]*\n/;
      expect(!gap.test(textOf(before, old)) && gap.test(textOf(after, now))).toBe(false);
    }));

  it('of another cluster is never edited', () =>
    forAllAsync(100, code, wanted, async (text, addon) => {
      const handOff = handOffOf(addon);
      const { edits } = await patchTerraform([{ path: 'main.tf', text }], {
        ...handOff,
        target: { ...handOff.target, cluster: 'another' },
      });
      expect(edits).toEqual([]);
    }));

  it('with a part cut out is edited only if the rest is sound', () =>
    forAllAsync(200, code, fc.nat(), fc.nat({ max: 40 }), async (text, at, length) => {
      const cut = text.slice(0, at % text.length) + text.slice((at % text.length) + length);
      const [file] = await parseFiles([{ path: 'main.tf', text: cut }]);
      const { edits, findings } = await patchTerraform([{ path: 'main.tf', text: cut }], handOffOf());
      expect(findings.length).toBeGreaterThan(0);
      expect(findings.some(({ what }) => what.startsWith('The code cannot be edited'))).toBe(false);
      expect(file?.errorLine === undefined ? [] : edits).toEqual([]);
    }));
});
