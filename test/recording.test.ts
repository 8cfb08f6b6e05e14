/** The picture of a terminal in the README shows what the commands print today. */
import { readFileSync } from 'node:fs';
import { assert, constantFrom, integer, property, string } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { broken, runsOf, terminalSvg } from '../scripts/documents/terminal-svg.ts';
import { recording, RECORDING_FILE } from '../scripts/recording.ts';

const terminal = { title: 'a', description: 'b', columns: 80, rows: 3, seconds: 10 };
const ESCAPE = '\u001b';

describe('docs/images/terminal.svg', () => {
  it('is what the commands print; `node scripts/recording.ts` writes it', async () =>
    expect(readFileSync(RECORDING_FILE, 'utf8')).toBe(await recording()));

  it('needs no network and runs no script', () => {
    const svg = readFileSync(RECORDING_FILE, 'utf8');
    expect(svg.match(/https?:[^"]*/g)).toEqual(['http://www.w3.org/2000/svg']);
    expect(svg).not.toMatch(/<script|<image|<foreignObject|@import|@font-face|url\(|\bon\w+=/);
  });
});

describe('a line of the terminal', () => {
  it('keeps the columns of its texts, with their formats', () =>
    expect(
      runsOf(`${ESCAPE}[32m✔${ESCAPE}[39m ${ESCAPE}[1m${ESCAPE}[36mdone here${ESCAPE}[39m${ESCAPE}[22m   all`),
    ).toEqual([
      { column: 0, text: '✔', classes: ['green'] },
      { column: 2, text: 'done here', classes: ['bold', 'cyan'] },
      { column: 14, text: 'all', classes: [] },
    ]));

  it('continues on the next one after the last column, in the same format', () =>
    expect(broken({ at: 1, text: `ab${ESCAPE}[31mcdef` }, 4)).toEqual([
      { at: 1, text: `ab${ESCAPE}[31mcd` },
      { at: 1, text: `${ESCAPE}[31mef` },
    ]));

  it('loses no character, whatever its width', () =>
    assert(
      property(string({ unit: constantFrom('a', ' ', '→', '<') }), integer({ min: 1, max: 9 }), (text, columns) => {
        const lines = broken({ at: 0, text }, columns);
        expect(lines.map((line) => line.text).join('')).toBe(text);
        expect(lines.every((line) => line.text.length <= columns)).toBe(true);
      }),
    ));
});

describe('the picture', () => {
  it('escapes text, and scrolls by the lines that its rows cannot show', () => {
    const svg = terminalSvg({
      ...terminal,
      lines: ['<b> & "c"', '2', '3', '4', '5'].map((text, at) => ({ at, text })),
    });
    expect(svg).toContain('>&lt;b&gt; &amp; &quot;c&quot;</tspan>');
    expect(svg).toContain(
      '@keyframes scroll{0%{transform:translateY(0px)}10%{transform:translateY(0px)}20%{transform:translateY(0px)}30%{transform:translateY(-19px)}40%{transform:translateY(-38px)}100%{transform:translateY(-38px)}}',
    );
    expect(svg).toContain(
      '@keyframes cover{0%{transform:translateY(19px)}10%{transform:translateY(38px)}20%{transform:translateY(57px)}',
    );
  });

  it('shows the last lines without an animation', () =>
    expect(terminalSvg({ ...terminal, lines: ['1', '2', '3', '4'].map((text, at) => ({ at, text })) })).toContain(
      '.lines{transform:translateY(-19px);',
    ));
});
