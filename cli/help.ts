/** The command parser with this program's help: wrapped to the width of the terminal, down to 60 columns. */
import { type AddHelpTextContext, type AddHelpTextPosition, Command, type Help } from 'commander';
import type { Io, Output } from './io.ts';
import { helpText } from './print/help-text.ts';

/** Columns without a terminal, and the maximum on a wide one, where longer lines are hard to read. */
const DEFAULT_WIDTH = 100;
const MAX_WIDTH = 120;
const MIN_WIDTH = 60;

const helpWidth = ({ columns }: Output): number => Math.min(MAX_WIDTH, Math.max(MIN_WIDTH, columns || DEFAULT_WIDTH));

/** A term of this width or more is on a line of its own, with its description below. */
const MAX_TERM = 30;
/** With less room next to the terms, every description is below its term. */
const MIN_DESCRIPTION = 40;

const [ITEM, BELOW] = [2, 6];

const indented = (text: string, indent: number): string => text.replaceAll('\n', `\n${' '.repeat(indent)}`);

/** Returns the entry of an option or command; `termWidth`: width of the widest term. */
const formatItem = (term: string, termWidth: number, description: string, help: Help): string => {
  const lead = ' '.repeat(ITEM);
  if (!description) return `${lead}${term}`;
  const width = help.helpWidth ?? DEFAULT_WIDTH;
  const column = ITEM + Math.min(termWidth, MAX_TERM) + 2;
  const room = width - column;
  if (room >= MIN_DESCRIPTION && help.displayWidth(term) <= MAX_TERM)
    return `${lead}${term.padEnd(column - ITEM)}${indented(help.boxWrap(description, room), column)}`;
  const at = room >= MIN_DESCRIPTION ? column : BELOW;
  return `${lead}${term}\n${' '.repeat(at)}${indented(help.boxWrap(description, width - at), at)}`;
};

/** A command whose help texts are wrapped, and those of its subcommands. */
export class WrappedCommand extends Command {
  readonly #io: Io;

  constructor(name: string | undefined, io: Io) {
    super(name);
    this.#io = io;
    this.configureHelp({ formatItem });
    this.configureOutput({
      writeOut: (text) => io.stdout.write(text),
      // reportError prints errors; help that was not requested goes to stderr.
      writeErr: (text) => io.stderr.write(text),
      outputError: () => {},
      getOutHelpWidth: () => helpWidth(io.stdout),
      getErrHelpWidth: () => helpWidth(io.stderr),
    });
  }

  override createCommand(name?: string): Command {
    return new WrappedCommand(name, this.#io);
  }

  override addHelpText(
    position: AddHelpTextPosition,
    text: string | ((context: AddHelpTextContext) => string | undefined),
  ): this {
    return super.addHelpText(position, (context) => {
      const said = typeof text === 'string' ? text : text(context);
      return said === undefined ? '' : helpText(said, helpWidth(context.error ? this.#io.stderr : this.#io.stdout));
    });
  }
}
