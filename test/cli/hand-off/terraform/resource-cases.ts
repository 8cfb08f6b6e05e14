/** Hand-offs and code of a resource `aws_eks_addon`, for the tests of the edits. */
import { expect } from 'vitest';
import { applyEdits, patchTerraform } from '../../../../cli/hand-off/terraform/index.ts';
import type { CodeFile, Finding } from '../../../../cli/hand-off/terraform/model.ts';
import { parseFiles } from '../../../../cli/hand-off/terraform/parse.ts';
import type { HandOff, HandOffAddon } from '../../../../lambdas/domain/terms/hand-off.ts';

export const ADDON = 'aws-ebs-csi-driver';
export const ACCOUNT = 'ebs-csi-controller-sa';
export const ROLE_ARN = 'arn:aws:iam::111122223333:role/ebs-csi';
export const OTHER_ARN = 'arn:aws:iam::111122223333:role/ebs-csi-pod-identity';

export const block = (roleArn = ROLE_ARN, serviceAccount = ACCOUNT) => ({
  namespace: 'kube-system',
  serviceAccount,
  roleArn,
});

/** Returns the hand-off of a migration that kept the role, with changes of the add-on's part. */
export const handOffOf = (addon: Partial<HandOffAddon> = {}): HandOff => ({
  state: 'migrated',
  target: { account: '111122223333', region: 'eu-west-1', cluster: 'prod' },
  addon: { name: ADDON, removeRoleArn: ROLE_ARN, associations: [block()], ...addon },
  associations: [],
  trust: [],
  annotations: [],
  notInCode: [],
  order: [],
});

/** The hand-off after a rollback of that migration. */
export const ROLLED_BACK: HandOff = {
  ...handOffOf({ removeRoleArn: undefined, addRoleArn: ROLE_ARN, associations: [] }),
  state: 'rolled-back',
  associations: [{ ...block(), action: 'remove', tags: {} }],
};

/** Returns a resource with the add-on's names and further lines. */
export const resourceOf = (...lines: string[]): string =>
  [
    'resource "aws_eks_addon" "ebs" {',
    '  cluster_name = "prod"',
    `  addon_name   = "${ADDON}"`,
    ...lines,
    '}',
    '',
  ].join('\n');

export interface Patched {
  /** Texts of the files after the patch, by path. */
  texts: Record<string, string>;
  findings: Finding[];
}

const filesOf = (texts: Readonly<Record<string, string>>): CodeFile[] =>
  Object.entries(texts).map(([path, text]) => ({ path, text }));

/**
 * Patches files, and checks what is true of every patch: the result parses, a second run changes nothing and has the
 * same opinion, and no comment is lost.
 */
export async function patch(texts: Readonly<Record<string, string>>, handOff = handOffOf()): Promise<Patched> {
  const files = filesOf(texts);
  const { edits, findings } = await patchTerraform(files, handOff);
  const after = applyEdits(files, edits);
  const again = await patchTerraform(after, handOff);
  expect([again.edits, again.findings.some(({ result }) => result === 'changed')]).toEqual([[], false]);
  expect(again.findings.some(({ result }) => result === 'left')).toBe(findings.some(({ result }) => result === 'left'));
  const before = await parseFiles(files);
  for (const [index, { errorLine, comments }] of (await parseFiles(after)).entries()) {
    expect(errorLine).toBe(before[index]?.errorLine);
    expect(comments.map(({ text }) => text).sort()).toEqual(before[index]?.comments.map(({ text }) => text).sort());
  }
  return { texts: Object.fromEntries(after.map(({ path, text }) => [path, text])), findings };
}

/** Patches one file, and returns its text and the results of the findings. */
export async function patchMain(text: string, handOff = handOffOf()): Promise<{ text: string; findings: Finding[] }> {
  const { texts, findings } = await patch({ 'main.tf': text }, handOff);
  return { text: texts['main.tf'] ?? '', findings };
}

export const resultsOf = (findings: readonly Finding[]): string[] => findings.map(({ result }) => result);
