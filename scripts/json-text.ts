/** Maximum length of an object or list on a single line. */
const FITS = 100;

const written = (value: unknown, levels: number, indent: string): string => {
  const line = JSON.stringify(value);
  if (typeof value !== 'object' || value === null || levels === 0 || line.length <= FITS) return line;
  const inner = `${indent}  `;
  const entries = Array.isArray(value)
    ? value.map((entry) => written(entry, levels - 1, inner))
    : Object.entries(value).map(([name, entry]) => `${JSON.stringify(name)}: ${written(entry, levels - 1, inner)}`);
  const [open, close] = Array.isArray(value) ? '[]' : '{}';
  return [open, entries.map((entry) => `${inner}${entry}`).join(',\n'), `${indent}${close}`].join('\n');
};

/**
 * Returns the text of a JSON file that a script generates or records. The outermost `levels` of objects and lists have
 * each entry on a separate line, so that a diff shows what changed; deeper levels stay on a line, so that the file is
 * short.
 */
export const jsonText = (value: unknown, levels = 2): string =>
  `${written(JSON.parse(JSON.stringify(value)), levels, '')}\n`;
