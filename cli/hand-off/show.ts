/** Runs `hand-off`: prints what the owner's code must contain. */
import { renderHandOff } from '../../lambdas/domain/hand-off/formats/index.ts';
import { jsonText, printable } from '../../lambdas/domain/text/text.ts';
import { ownersText } from '../../lambdas/domain/plan/owner-checks.ts';
import { EXIT_CODES, type ExitCode } from '../exit-codes.ts';
import type { Io } from '../io.ts';
import { PROGRAM } from '../options.ts';
import { commandLines } from '../print/next.ts';
import { hanging, type Style, styleFor } from '../text/style.ts';
import { type Chosen, formatFor } from './format.ts';
import { HAND_OFF, type ShowFlags, type Which, whichWords } from './options.ts';
import { findHandOff } from './source.ts';

/** Returns why that format was chosen, if an owner decides it. */
const choiceText = ({ format, owner, isOther }: Chosen): string | undefined => {
  if (owner === undefined) return undefined;
  const found = printable(`Format ${format}: ${ownersText(owner.tool, [owner])}`);
  return isOther ? `${found}. There is no format for its code, which must describe the same state.` : `${found}.`;
};

/** Returns what goes to stderr, so that stdout is nothing but code. */
const notes = (chosen: Chosen, which: Which, style: Style): string[] => {
  if (style.detail === 'quiet') return [];
  const choice = choiceText(chosen);
  return [
    ...(choice === undefined ? [] : hanging('', choice, style)),
    ...(chosen.format === 'terraform' || chosen.format === 'terraform-module'
      ? commandLines(
          {
            why: 'To change the code in a directory accordingly',
            command: [`${PROGRAM} ${HAND_OFF} patch --terraform DIR`, ...whichWords(which)].join(' '),
          },
          style,
        )
      : []),
  ];
};

export const showHandOff = async ({ which, format }: ShowFlags, io: Io): Promise<ExitCode> => {
  const { handOff, owners } = await findHandOff(which, io);
  if (which.json) {
    io.stdout.write(`${jsonText(handOff, 2)}\n`);
    return EXIT_CODES.ok;
  }
  const chosen: Chosen = format === undefined ? formatFor(handOff, owners) : { format };
  io.stdout.write(renderHandOff(handOff, chosen.format));
  const lines = notes(chosen, which, styleFor(io.stderr));
  if (lines.length > 0) io.stderr.write(`${lines.join('\n')}\n`);
  return EXIT_CODES.ok;
};
