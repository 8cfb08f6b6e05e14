/** Provider versions that the blocks of an add-on need. */
import { describe, expect, it } from 'vitest';
import { allows } from '../../../../cli/hand-off/terraform/versions.ts';
import { patch, resourceOf, ROLE_ARN, ROLLED_BACK } from './resource-cases.ts';
import { containing } from '../../../lambdas/matchers.ts';

const constraint = (version: string, entry = `{ source = "hashicorp/aws", version = "${version}" }`): string =>
  `terraform {\n  required_providers {\n    aws = ${entry}\n  }\n}\n`;
const lock = (version: string): string =>
  `provider "registry.terraform.io/hashicorp/aws" {\n  version     = "${version}"\n  constraints = ">= 5.0.0"\n  hashes = [\n    "h1:x",\n  ]\n}\n`;
const CODE = resourceOf(`  service_account_role_arn = "${ROLE_ARN}"`);

it.each([
  ['>= 5.75', true, false],
  ['~> 6.0', true, false],
  ['~> 5.80.1', true, false],
  ['= 6.2.0', true, false],
  ['>= 5.0', true, true],
  ['~> 5.0', true, true],
  ['~> 5.31, != 5.40.0', true, true],
  ['', undefined, undefined],
  ['~> 5.31.0', false, true],
  ['~> 5.74.0', false, true],
  ['< 5.75', false, true],
  ['< 5.75.1', true, true],
  ['<= 5.74.9', false, true],
  ['>= 5.0, < 5.70.0', false, true],
  ['5.60.0', false, true],
  ['~> 4.0', false, true],
  ['newest', undefined, undefined],
])('a constraint %s allows a version from 5.75 on: %s, and an older one: %s', (text, sufficient, older) =>
  expect(allows(text, '5.75.0')).toEqual(sufficient === undefined ? undefined : { sufficient, older }),
);

describe('findings', () => {
  const versions = async (files: Record<string, string>) =>
    (await patch({ 'main.tf': CODE, ...files })).findings.filter(({ about }) => about === 'version');

  it.each([
    ['an object', constraint('~> 5.31.0'), 3],
    ['a string', constraint('', '"< 5.75"'), 3],
    [
      'another name',
      'terraform {\n  required_providers {\n    main = {\n      source  = "registry.terraform.io/hashicorp/aws"\n      version = "5.1.0"\n    }\n  }\n}\n',
      5,
    ],
    ['the provider', 'provider "aws" {\n  version = "~> 4.0"\n}\n', 2],
  ])('say that a constraint excludes the blocks: %s', async (_, text, line) =>
    expect(await versions({ 'versions.tf': text })).toMatchObject([
      { result: 'left', path: 'versions.tf', line, next: containing('">= 5.75.0"') },
    ]),
  );

  it('do not fail a check where a constraint allows both, and no version is selected here', async () =>
    expect(await versions({ 'versions.tf': constraint('~> 5.0') })).toMatchObject([{ result: 'as-is', line: 3 }]));

  it('are none where the selected version is new enough, or the constraint is another provider’s', async () => {
    expect(await versions({ 'versions.tf': constraint('~> 5.0'), '.terraform.lock.hcl': lock('5.99.1') })).toEqual([]);
    expect(await versions({ 'versions.tf': constraint('', '{ source = "x/aws", version = "1.0.0" }') })).toEqual([]);
  });

  it('say that the selected version is too old', async () =>
    expect(
      await versions({ 'versions.tf': constraint('~> 5.0'), '.terraform.lock.hcl': lock('5.74.0') }),
    ).toMatchObject([{ result: 'left', path: '.terraform.lock.hcl', line: 2, what: containing('is 5.74.0,') }]));

  it('are none after a rollback, whose code has no blocks', async () =>
    expect((await patch({ 'main.tf': CODE, 'versions.tf': constraint('~> 4.0') }, ROLLED_BACK)).findings).toMatchObject(
      [{ result: 'as-is', about: 'addon' }],
    ));
});
