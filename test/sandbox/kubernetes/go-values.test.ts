/** Compares with Go's own results: test/golden/webhook/README.md. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseBool, parseInt64 } from '../../../sandbox/kubernetes/go-values.ts';

const answers = JSON.parse(readFileSync(new URL('../../golden/webhook/go-values.json', import.meta.url), 'utf8')) as {
  ParseInt: [text: string, value: string | null][];
  ParseBool: [text: string, value: boolean | null][];
};

describe("values like Go's", () => {
  it.each(answers.ParseInt)('ParseInt of %j is %s', (text, value) =>
    expect(parseInt64(text)).toBe(value === null ? undefined : Number(value)),
  );

  it.each(answers.ParseBool)('ParseBool of %j is %s', (text, value) =>
    expect(parseBool(text)).toBe(value ?? undefined),
  );
});
