/** Writes what a terminal shows as an SVG: text that can be selected, an animation in CSS, no script and no font file. */

/** A text of one format, at a column. */
interface Run {
  column: number;
  text: string;
  classes: readonly string[];
}

/** A line of the terminal, and the seconds from the start until it appears. */
export interface Line {
  at: number;
  /** May have the colours of `cli/text/style.ts` as escape sequences. */
  text: string;
}

export interface Terminal {
  title: string;
  description: string;
  lines: readonly Line[];
  columns: number;
  rows: number;
  /** Seconds until the animation begins again. */
  seconds: number;
}

const CELL = { width: 8.4, height: 19 };
const MARGIN = 16;
const BAR = 36;

const STARTS: Readonly<Record<string, string>> = {
  1: 'bold',
  2: 'dim',
  31: 'red',
  32: 'green',
  33: 'yellow',
  36: 'cyan',
};
/** What each code ends: 22 both bold and dim, 39 any colour. */
const ENDS: Readonly<Record<string, readonly string[]>> = {
  22: ['bold', 'dim'],
  39: ['red', 'green', 'yellow', 'cyan'],
};
const ESCAPE = String.fromCodePoint(27);
const CODE = new RegExp(String.raw`${ESCAPE}\[(\d+)m`);

/**
 * Returns the texts of a line with their formats. Every printed character takes one column. A blank between two words
 * stays in the text; others become columns.
 */
export function runsOf(text: string): Run[] {
  const runs: Run[] = [];
  let classes: readonly string[] = [];
  let column = 0;
  for (const [index, part] of text.split(CODE).entries()) {
    if (index % 2 === 1) {
      const ended = ENDS[part] ?? [];
      classes = [...classes.filter((one) => !ended.includes(one)), ...(STARTS[part] ? [STARTS[part]] : [])];
      continue;
    }
    // Two blanks or more separate the columns of tables, which must start exactly where they do in a terminal.
    for (const { 0: word, index: at } of part.matchAll(/\S+(?: \S+)*/g))
      runs.push({ column: column + at, text: word, classes });
    column += part.length;
  }
  return runs;
}

/** Breaks a line where a terminal does: at its last column. */
export function broken(line: Line, columns: number): Line[] {
  const lines: string[] = [''];
  let column = 0;
  let format = '';
  for (const [index, part] of line.text.split(CODE).entries()) {
    if (index % 2 === 1) {
      format = `${ESCAPE}[${part}m`;
      lines.push(`${lines.pop() ?? ''}${format}`);
      continue;
    }
    for (const char of part) {
      if (column === columns) {
        lines.push(format);
        column = 0;
      }
      lines.push(`${lines.pop() ?? ''}${char}`);
      column += 1;
    }
  }
  return lines.map((text) => ({ at: line.at, text }));
}

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
const rounded = (value: number): string => String(Math.round(value * 100) / 100);

/** `textLength` keeps the columns in every font, also for characters that the font does not have. */
const runElement = ({ column, text, classes }: Run): string =>
  `<tspan x="${rounded(column * CELL.width)}" textLength="${rounded(text.length * CELL.width)}"${
    classes.length > 0 ? ` class="${classes.join(' ')}"` : ''
  }>${escaped(text)}</tspan>`;

/** Returns the keyframes of a vertical movement that jumps, as a terminal does. */
const jumps = (name: string, moments: readonly { at: number; rows: number }[], seconds: number): string =>
  `@keyframes ${name}{${moments
    .map(({ at, rows }) => `${rounded((100 * at) / seconds)}%{transform:translateY(${rounded(rows * CELL.height)}px)}`)
    .join('')}}`;

const styles = (lines: readonly Line[], { rows, seconds }: Terminal): string => {
  const times = [...new Set([0, ...lines.map(({ at }) => at)])];
  const moments = times.map((at) => ({ at, shown: lines.filter((line) => line.at <= at).length }));
  const last = { at: seconds, shown: lines.length };
  const cover = [...moments, last].map(({ at, shown }) => ({ at, rows: Math.min(rows, shown) }));
  const scroll = [...moments, last].map(({ at, shown }) => ({ at, rows: Math.min(0, rows - shown) }));
  return `
text{font:14px ui-monospace,SFMono-Regular,"SF Mono",Menlo,Consolas,"Liberation Mono","DejaVu Sans Mono",monospace;fill:#e6edf3;white-space:pre}
.title{font:13px system-ui,-apple-system,"Segoe UI",Helvetica,Arial,sans-serif;fill:#9198a1;text-anchor:middle}
.bold{font-weight:700}.dim{fill:#9198a1}.red{fill:#ff7b72}.green{fill:#56d364}.yellow{fill:#e3b341}.cyan{fill:#76e3ea}
.lines{transform:translateY(${rounded(Math.min(0, rows - lines.length) * CELL.height)}px);animation:scroll ${rounded(seconds)}s step-end infinite}
.cover{fill:#0d1117;transform:translateY(${rounded(rows * CELL.height)}px);animation:cover ${rounded(seconds)}s step-end infinite}
@media (prefers-reduced-motion:reduce){.lines,.cover{animation:none}}
${jumps('scroll', scroll, seconds)}
${jumps('cover', cover, seconds)}
`;
};

/** Returns the SVG. Without an animation, or with reduced motion, it shows the last lines. */
export function terminalSvg(terminal: Terminal): string {
  const { title, description, columns, rows } = terminal;
  const lines = terminal.lines.flatMap((line) => broken(line, columns));
  const size = { width: columns * CELL.width + 2 * MARGIN, height: rows * CELL.height + BAR + MARGIN };
  const view = { width: columns * CELL.width, height: rows * CELL.height };
  const texts = lines.flatMap(({ text }, at) => {
    const runs = runsOf(text);
    return runs.length === 0
      ? []
      : [`<text y="${rounded((at + 0.75) * CELL.height)}">${runs.map(runElement).join('')}</text>`];
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${rounded(size.width)}" height="${rounded(size.height)}" viewBox="0 0 ${rounded(size.width)} ${rounded(size.height)}" role="img" aria-labelledby="title description">
<title id="title">${escaped(title)}</title>
<desc id="description">${escaped(description)}</desc>
<style>${styles(lines, terminal)}</style>
<rect x="0.5" y="0.5" width="${rounded(size.width - 1)}" height="${rounded(size.height - 1)}" rx="10" fill="#0d1117" stroke="#3d444d"/>
<circle cx="20" cy="18" r="5.5" fill="#ff5f57"/><circle cx="38" cy="18" r="5.5" fill="#febc2e"/><circle cx="56" cy="18" r="5.5" fill="#28c840"/>
<text class="title" x="${rounded(size.width / 2)}" y="22.5">${escaped(title)}</text>
<svg x="${MARGIN}" y="${BAR}" width="${rounded(view.width)}" height="${rounded(view.height)}">
<g class="lines">
${texts.join('\n')}
</g>
<rect class="cover" width="${rounded(view.width)}" height="${rounded(view.height)}"/>
</svg>
</svg>
`;
}
