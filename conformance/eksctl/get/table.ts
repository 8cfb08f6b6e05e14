/** Reads the tables that eksctl prints: columns between tabs, which stop at every eighth character. */

const TAB = 8;

const expanded = (line: string): string => {
  let text = '';
  for (const part of line) text += part === '\t' ? ' '.repeat(TAB - (text.length % TAB)) : part;
  return text;
};

/** Returns where the columns of the head begin, with their names. */
const columnsOf = (head: string): { name: string; from: number }[] =>
  [...head.matchAll(/[^\t]+/g)].map(({ 0: name, index }) => ({
    name: name.trim(),
    from: expanded(head.slice(0, index)).length,
  }));

/** A line of eksctl's log, which it prints before a table. */
const LOGGED = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \[/;

/** Returns the rows of a table by the names of its columns; none if there is no table. */
export const rowsOf = (text: string): Record<string, string>[] => {
  const [head, ...rows] = text.split('\n').filter((line) => line.trim() !== '' && !LOGGED.test(line));
  if (head === undefined) return [];
  const columns = columnsOf(head);
  return rows.map((row) => {
    const cells = expanded(row);
    return Object.fromEntries(
      columns.map(({ name, from }, position) => [name, cells.slice(from, columns[position + 1]?.from).trim()]),
    );
  });
};
