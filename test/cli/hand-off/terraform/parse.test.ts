/** The parser: regions, strings, comments and errors. */
import { describe, expect, it } from 'vitest';
import { parseFiles } from '../../../../cli/hand-off/terraform/parse.ts';
import { unescape } from '../../../../cli/hand-off/terraform/strings.ts';
import { hclString } from '../../../../lambdas/domain/hand-off/formats/hcl.ts';
import { attributeOf, blocksOf, type ParsedFile, textOf } from '../../../../cli/hand-off/terraform/syntax.ts';

const parse = async (text: string): Promise<ParsedFile> => {
  const [file] = await parseFiles([{ path: 'main.tf', text }]);
  if (file === undefined) throw new Error('Nothing was parsed.');
  return file;
};

describe('regions', () => {
  it.each(['\n', '\r\n'])('are right behind text that is not ASCII, with line ends %j', async (newline) => {
    const text = ['\uFEFF# größe 𝒳', 'resource "a" "ü𝒳" {', '\tb = "é𝒳" # ö', '\tc "d" {', '\t}', '}'].join(newline);
    const file = await parse(text);
    const [block] = blocksOf(file.body, 'resource', 'a', 'ü𝒳');
    const b = block && attributeOf(block.body, 'b');
    const [inner] = block ? blocksOf(block.body, 'c', 'd') : [];
    expect(file.errorLine).toBeUndefined();
    expect(b && [textOf(file, b), textOf(file, b.nameSpan), text[b.equals], textOf(file, b.value), b.line]).toEqual([
      'b = "é𝒳"',
      'b',
      '=',
      '"é𝒳"',
      3,
    ]);
    expect(inner && [textOf(file, inner), inner.line]).toEqual([`c "d" {${newline}\t}`, 4]);
    expect(block && [textOf(file, block), textOf(file, block.body)]).toEqual([
      text.slice(text.indexOf('resource')),
      text.slice(text.indexOf('{') + 1, -1),
    ]);
    expect(file.comments.map((comment) => [comment.text, textOf(file, comment), comment.line])).toEqual([
      ['# größe 𝒳', '# größe 𝒳', 1],
      ['# ö', '# ö', 3],
    ]);
  });

  it('of comments are found everywhere, and not in strings', async () => {
    const { comments, errorLine } = await parse(
      'a = [ # one\n  1, /* two */ 2,\n  // three\n]\nb = "# no"\nc = <<EOT\n# no\n// no\nEOT\n/* four\n */\nd = 1#five',
    );
    expect(errorLine).toBeUndefined();
    expect(comments.map(({ text }) => text)).toEqual(['# one', '/* two */', '// three', '/* four\n */', '#five']);
  });
});

describe('errors', () => {
  it.each([
    ['a = \nb = 1\n', 1],
    ['a = 1\nb {\n', 2],
    ['a = 1\nb = "x\n', 2],
    ['a = "x\ny"\n', 1],
    ['a = 1\n\n}\n', 3],
    ['a = 1 b = 2\n', 1],
    ['a {\n  b = 1\n  c = 2 }\n', 3],
    ['a { b = 1\n}\n', 1],
    ['a {\n  b { c = 1 }\n  d = 1 e = 2\n}\n', 3],
    ['a { b {} }\n', 1],
    ['<<<<<<< HEAD\na = 1\n=======\na = 2\n>>>>>>> x\n', 1],
  ])('%j is refused in line %i', async (text, line) => expect((await parse(text)).errorLine).toBe(line));

  it.each([
    '',
    '\n',
    '# only\n',
    'a = 1',
    'a { b = 1 }',
    'a {}\n',
    'a {\n}\n',
    'a = { b = 1, c = 2 }\n',
    'a = [\n  for x in y : x if x != ""\n]\n',
    'a = x ? [for y in z : y...] : null\n',
    'a = f(1, [2]...)\n',
    'a = b[*].c.0["d"]\n',
    'a "b" c {\n}\n',
    'a = <<-EOT\n  ${b}\n  EOT\n',
  ])('%j is accepted', async (text) =>
    expect((await parse(text.replace('[for y in z : y...]', '{ for y in z : y => y... }'))).errorLine).toBeUndefined(),
  );
});

it('a file that is nested too deeply counts as one with a syntax error', async () =>
  expect((await parse(`a = ${'['.repeat(20_000)}${']'.repeat(20_000)}\n`)).errorLine).toBe(1));

it.each([
  '',
  'plain',
  'a"b\\c',
  'tab\tline\nreturn\r',
  '${x} %{y} $x %',
  '$${x}',
  'ü𝒳',
  '${aws:username}',
  '\u202e\u0000',
])('strings %j is encoded and decoded', (text) => expect(unescape(hclString(text).slice(1, -1))).toBe(text));
