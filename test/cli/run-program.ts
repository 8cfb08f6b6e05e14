import type { Io } from '../../cli/io.ts';
import { main } from '../../cli/program.ts';
import { collectingIo } from './fixtures.ts';

export interface Ran {
  code: number;
  out: string;
  err: string;
}

/** Runs the program in this process, with another terminal or person if given; returns its exit code and its output. */
export const runWith = async (io: Partial<Io>, ...argv: readonly string[]): Promise<Ran> => {
  const collecting = collectingIo();
  const code = await main([...argv], { ...collecting, ...io });
  return { code, out: collecting.out(), err: collecting.err() };
};

/** Runs the program in this process, not on a terminal. */
export const runProgram = (...argv: readonly string[]): Promise<Ran> => runWith({}, ...argv);
