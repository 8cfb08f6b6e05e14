import type { Print } from './build.ts';

/** How often progress is printed where lines cannot be replaced. */
const LINE_EVERY_MS = 30_000;

/** Returns a function that prints to a stream: transient lines replace each other on a terminal, and are rare elsewhere. */
export const printTo = (stream: NodeJS.WriteStream, now: () => number = Date.now): Print => {
  let last = now();
  return (line, transient = false) => {
    if (stream.isTTY) {
      stream.write(`\r\u001b[K${line.slice(0, transient ? stream.columns - 1 : undefined)}${transient ? '' : '\n'}`);
      return;
    }
    if (transient && now() - last < LINE_EVERY_MS) return;
    last = now();
    stream.write(`${line}\n`);
  };
};
