/** Cloud assemblies of given stacks, as the sandbox loads them. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { type Assembly, loadAssembly } from '../../../sandbox/assembly/assembly.ts';

export type Template = Record<string, unknown>;

/** Writes a cloud assembly of these stacks for the running test, with one asset, `asset.code`. */
export const write = (
  stacks: Record<string, Template>,
  environment = 'aws://unknown-account/unknown-region',
): string => {
  const folder = mkdtempSync(join(tmpdir(), 'assembly-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const put = (file: string, content: unknown): void => writeFileSync(join(folder, file), JSON.stringify(content));
  put('code.assets.json', {
    files: {
      hash: {
        source: { path: 'asset.code', packaging: 'zip' },
        destinations: { current: { bucketName: 'b', objectKey: 'code.zip' } },
      },
    },
  });
  const artifacts: Record<string, unknown> = {
    'code.assets': { type: 'cdk:asset-manifest', properties: { file: 'code.assets.json' } },
  };
  for (const [name, template] of Object.entries(stacks)) {
    artifacts[name] = {
      type: 'aws:cloudformation:stack',
      environment,
      properties: { templateFile: `${name}.template.json` },
    };
    put(`${name}.template.json`, template);
  }
  put('manifest.json', { version: '1', artifacts });
  return folder;
};
export const load = (stacks: Record<string, Template>, environment?: string): Assembly =>
  loadAssembly(write(stacks, environment), { account: '111122223333', region: 'eu-west-1' });

/** Returns one stack, `App`, whose output `Out` has that value. */
export const outputOf = (value: unknown, more: Template = {}): string | undefined =>
  load({ App: { Resources: {}, Outputs: { Out: { Value: value } }, ...more } }).outputs['Out'];

export const role = { Type: 'AWS::IAM::Role', Properties: { AssumeRolePolicyDocument: {} } };
export const fn = (more: Record<string, unknown> = {}) => ({
  Type: 'AWS::Lambda::Function',
  Properties: {
    Handler: 'plan.handler',
    Code: { S3Bucket: 'b', S3Key: 'code.zip' },
    Role: { 'Fn::GetAtt': ['Role', 'Arn'] },
    ...more,
  },
});
