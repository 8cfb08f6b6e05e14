/**
 * Archives of text files in the txtar form, which Go's tools use for tests: a comment, then each file after a line
 * `-- NAME --`. Three signs stand for what an editor could lose, so that archives have one kind of line end: `␍` for a
 * carriage return, `␂` for a byte order mark, and `␃`, at the end of a file, for a last line without a line end.
 */
import type { CodeFile } from '../../../../cli/hand-off/terraform/model.ts';

const SIGNS = { '␍': '\r', '␂': '\uFEFF' } as const;
const UNENDED = '␃';
const HEADER = /^-- (\S+) --$/;

const encoded = (text: string): string =>
  (text === '' || text.endsWith('\n') ? text : `${text}${UNENDED}\n`)
    .replaceAll(SIGNS['␍'], '␍')
    .replaceAll(SIGNS['␂'], '␂');

const decoded = (text: string): string =>
  text
    .replace(new RegExp(`${UNENDED}\\n$`), '')
    .replaceAll('␍', SIGNS['␍'])
    .replaceAll('␂', SIGNS['␂']);

/** Returns the text of an archive. Throws an Error if it could not be read again as it is. */
export function archiveText(files: readonly CodeFile[], comment = ''): string {
  const text = [comment, ...files.map((file) => `-- ${file.path} --\n${encoded(file.text)}`)].join('');
  const read = filesIn(text);
  if (JSON.stringify(read) !== JSON.stringify(files.map(({ path, text: own }) => ({ path, text: own }))))
    throw new Error(
      `An archive cannot contain ${files.map(({ path }) => path).join(', ')}: a line looks like a header, or a sign stands for itself.`,
    );
  return text;
}

/**
 * Returns the files of an archive, in its order. Throws an Error for an archive whose line ends are not kept, that does not
 * end with a line end, that names a file twice, or that has a sign where nothing is to be escaped.
 */
export function filesIn(archive: string): CodeFile[] {
  if (/[\r\uFEFF]/.test(archive))
    throw new Error('An archive has no carriage returns and no byte order mark: write ␍ and ␂.');
  if (!archive.endsWith('\n')) throw new Error('An archive ends with a line end: write ␃ where a file does not.');
  const files: { path: string; lines: string[] }[] = [];
  for (const line of archive.slice(0, -1).split('\n')) {
    const [, path] = HEADER.exec(line) ?? [];
    if (path === undefined) files.at(-1)?.lines.push(line);
    else if (files.some((file) => file.path === path)) throw new Error(`The archive has two files named ${path}.`);
    else files.push({ path, lines: [] });
  }
  return files.map(({ path, lines }) => {
    const text = lines.map((line) => `${line}\n`).join('');
    const early = text.indexOf(UNENDED);
    if (early !== -1 && early !== text.length - 2) throw new Error(`${path} has ␃ before its end.`);
    return { path, text: decoded(text) };
  });
}
