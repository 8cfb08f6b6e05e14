import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { packagesOf } from '../../../conformance/build/python.ts';
import { requiredVersion } from '../../../conformance/pods/programs.ts';
import { recordedPods, webhookDifferences } from '../../../conformance/pods/webhook.ts';

const FOLDER = new URL('../../../conformance/pods/', import.meta.url);
const text = (file: string): string => readFileSync(new URL(file, FOLDER), 'utf8');

describe('the SDKs', () => {
  it('have exact versions', () => {
    expect(requiredVersion(text('go/go.mod'), 'github.com/aws/aws-sdk-go-v2/config')).toMatch(/^1\.\d+\.\d+$/);
    expect([...packagesOf(text('requirements.txt')).keys()]).toContain('botocore');
  });
  it('are refused if go.mod does not require them', () =>
    expect(() => requiredVersion('module m\n', 'example.com/m')).toThrow('go.mod does not require example.com/m.'));
  it('for Go is given a client that it cannot change, so that no address is called', () =>
    expect(text('go/main.go')).toMatch(/\}\)\.Freeze\(\)/));
});

describe("the sandbox's webhook", () => {
  const [first] = recordedPods();

  it('changes a pod as the real one did', () => expect(webhookDifferences(first!)).toEqual([]));
  it('is different where the real one did something else', () => {
    const other = { ...first!, input: { ...first!.input, association: false } };
    expect(webhookDifferences(other).map(({ what }) => what)).toEqual(['webhook, container main', 'webhook, volumes']);
  });
});
