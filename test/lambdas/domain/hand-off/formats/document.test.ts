/** docs/hand-off-formats.md shows what the formats print, and all pitfalls; the checking tools are pinned. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { renderHandOff } from '../../../../../lambdas/domain/hand-off/formats/index.ts';
import { PITFALLS } from '../../../../../lambdas/domain/hand-off/formats/pitfalls.ts';
import { PROVIDER_SINCE } from '../../../../../lambdas/domain/hand-off/formats/provider-schema.ts';
import { HAND_OFF_FORMATS } from '../../../../../lambdas/domain/terms/hand-off.ts';
import { EXAMPLES } from './hand-offs.ts';

const ROOT = join(import.meta.dirname, '../../../../..');
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');
const document = read('docs/hand-off-formats.md');

/** The headings of the formats, in the order of the document. */
const SECTIONS: Readonly<Record<string, (typeof HAND_OFF_FORMATS)[number]>> = {
  Terraform: 'terraform',
  'Terraform module': 'terraform-module',
  CloudFormation: 'cloudformation',
  eksctl: 'eksctl',
  'Helm values': 'helm-values',
};

describe('docs/hand-off-formats.md', () => {
  const printed = Object.values(EXAMPLES).flatMap((one) =>
    HAND_OFF_FORMATS.map((format) => renderHandOff(one, format)),
  );
  const blocks = [...document.matchAll(/^```(?:hcl|yaml)\n(.*?)^```$/gms)].map(([, code = '']) => code);

  it('shows code that is printed', () => {
    expect(blocks.length).toBeGreaterThan(6);
    expect(blocks.filter((code) => !printed.some((text) => text.includes(code)))).toEqual([]);
  });

  it.each(Object.entries(SECTIONS))('lists the pitfalls under %s', (heading, format) => {
    const [, section = ''] = document.split(`\n## ${heading}\n`);
    const [own = ''] = section.split('\n## ');
    const listed = [...own.matchAll(/^- (.*)$/gm)].map(([, text]) => text);
    // What applies to Terraform with and without the module is listed once.
    const expected = PITFALLS.filter(({ formats }) => formats[0] === format).map(({ text }) => text);
    expect(listed).toEqual(expected);
  });

  it('has the version of each part of the provider', () => {
    for (const [part, version] of Object.entries(PROVIDER_SINCE))
      expect(document).toContain(`| \`${part}\` | ${version} |`);
  });
});

describe('the parsers of CI', () => {
  it('are pinned, what they bring too', () => {
    const lines = read('tools/hand-off/requirements.txt').split('\n');
    const pins = lines.filter((line) => line !== '' && !line.startsWith('#'));
    expect(pins.length).toBeGreaterThan(5);
    expect(pins.filter((line) => !/^[\w.-]+==[\w.]+$/.test(line))).toEqual([]);
  });

  it('are run by CI', () => {
    expect(read('.ci/run')).toContain('\ncheck hand-off bash scripts/check-hand-off.sh\n');
    expect(read('scripts/check-hand-off.sh')).toContain('tools/hand-off');
  });
});
