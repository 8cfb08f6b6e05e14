/** Decodes the strings of Terraform's language. The writer of hand-offs encodes them (`hclString`). */
import type { TemplatePart } from './syntax.ts';

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', '"': '"', '\\': '\\' };

/** Decodes `$${` and `%%{`, which stand for the text `${` and `%{`. */
const withoutDoubled = (raw: string): string => raw.replaceAll(/([$%])\1\{/g, '$1{');

/** Decodes the text of a quoted string, without its quotes. */
export const unescape = (raw: string): string =>
  raw.replaceAll(
    /\\(?:([nrt"\\])|u([\da-fA-F]{4})|U([\da-fA-F]{8}))|([$%])\4\{/g,
    (whole, short: string | undefined, u4: string | undefined, u8: string | undefined, sign: string | undefined) => {
      if (sign !== undefined) return `${sign}{`;
      if (short !== undefined) return ESCAPES[short] ?? whole;
      const code = Number.parseInt(u4 ?? u8 ?? '', 16);
      return code <= 0x10_ff_ff ? String.fromCodePoint(code) : whole;
    },
  );

/** Removes the indentation that all lines of a heredoc share, as `<<-` does. */
const dedent = (parts: TemplatePart[]): TemplatePart[] => {
  const lineStarts = parts.flatMap((part, index) =>
    typeof part === 'string' ? part.split('\n').filter((_, line) => line > 0 || index === 0) : index === 0 ? [''] : [],
  );
  // What follows the last line end is before the closing word, and no line.
  const last = parts.at(-1);
  if (typeof last === 'string' && (last === '' || last.endsWith('\n'))) lineStarts.pop();
  const width = Math.min(...lineStarts.map((line) => /^[ \t]*/.exec(line)?.[0].length ?? 0));
  return parts.map((part, index) =>
    typeof part === 'string'
      ? part
          .split('\n')
          .map((line, number) => (number > 0 || index === 0 ? line.slice(width) : line))
          .join('\n')
      : part,
  );
};

/** Decodes the parts of a heredoc, of which `<<-` removes the common indentation. */
export const heredocParts = (parts: TemplatePart[], indented: boolean): TemplatePart[] => {
  const plain = parts.map((part) => (typeof part === 'string' ? withoutDoubled(part.replaceAll('\r\n', '\n')) : part));
  return indented ? dedent(plain) : plain;
};
