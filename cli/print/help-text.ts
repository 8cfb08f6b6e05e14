/** Wraps the texts below a command's options to the width of the terminal. */
import { PROGRAM } from '../program-name.ts';
import { wrap } from '../text/style.ts';

/** Programs that the examples in help texts call: their lines are pasted, so they are never wrapped. */
const COMMAND = /^(?:pod-identity|npx|npm|aws|kubectl|cdk|curl|kill|source|eval|\.)\s/;
/** `term  text`, as in lists of exit codes. */
const DEFINITION = /^(\s+\S+(?: [^\s<-]\S*)?\s{2,})(\S.*)$/;

const indentOf = (line: string): number => line.length - line.trimStart().length;

interface Block {
  /** What precedes the first line; the other lines are indented to its width. */
  lead: string;
  text: string;
  kept: boolean;
}

const joinable = (before: Block | undefined, line: string): before is Block =>
  before !== undefined && !before.kept && before.text !== '' && before.lead.length === indentOf(line);

/** Returns the paragraphs, with the lines of each joined. */
const blocksOf = (text: string): Block[] => {
  const blocks: Block[] = [];
  let continues = false;
  for (const line of text.split('\n')) {
    const before = blocks.at(-1);
    const trimmed = line.trim();
    const [, lead = '', said = ''] = DEFINITION.exec(line) ?? [];
    if (continues || COMMAND.test(trimmed) || trimmed.startsWith(`${PROGRAM} `))
      blocks.push({ lead: '', text: line, kept: true });
    else if (lead !== '') blocks.push({ lead, text: said, kept: false });
    else if (trimmed !== '' && !trimmed.startsWith('#') && joinable(before, line)) before.text += ` ${trimmed}`;
    else blocks.push({ lead: ' '.repeat(trimmed === '' ? 0 : indentOf(line)), text: trimmed, kept: false });
    continues = trimmed.endsWith('\\');
  }
  return blocks;
};

/**
 * Returns the text with its paragraphs wrapped to the width. Consecutive lines with the same indentation are one
 * paragraph; lines with commands stay as they are.
 */
export const helpText = (text: string, width: number): string =>
  blocksOf(text)
    .flatMap(({ lead, text: said, kept }) => {
      if (kept) return [said];
      const indent = ' '.repeat(lead.length);
      return wrap(said, width - lead.length).map((line, index) => `${index === 0 ? lead : indent}${line}`.trimEnd());
    })
    .join('\n');
