/** Where a JSON text goes wrong: V8 gives a position for some syntax errors only. */

export interface JsonSyntaxError {
  line: number;
  column: number;
  /** V8's own words, without the excerpt of the text. */
  message: string;
}

const errorOf = (text: string): string | undefined => {
  try {
    JSON.parse(text);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
};

const positionIn = (message: string): number | undefined => {
  const position = /at position (\d+)/.exec(message)?.[1];
  return position === undefined ? undefined : Number(position);
};

/** Whether nothing is wrong with the text but that it ends too early. */
const canGoOn = (text: string): boolean => {
  const message = errorOf(text);
  return message === undefined || message.startsWith('Unexpected end') || positionIn(message) === text.length;
};

/** The first offset that can't be right: the longest beginning that could still become JSON ends there. */
const searchOffset = (text: string): number => {
  let [good, bad] = [0, text.length];
  while (good + 1 < bad) {
    const middle = Math.floor((good + bad) / 2);
    if (canGoOn(text.slice(0, middle))) good = middle;
    else bad = middle;
  }
  return good;
};

/** `undefined` for a text that is JSON. Lines and columns count from 1. */
export const findJsonSyntaxError = (text: string): JsonSyntaxError | undefined => {
  const message = errorOf(text);
  if (message === undefined) return undefined;
  const offset = positionIn(message) ?? (message.startsWith('Unexpected end') ? text.length : searchOffset(text));
  const before = text.slice(0, offset).split('\n');
  return {
    line: before.length,
    column: (before.at(-1)?.length ?? 0) + 1,
    message: message
      .replace(/ in JSON at position.*$/s, '')
      .replace(/, .*is not valid JSON$/s, '')
      .replace("'\n'", 'end of line'),
  };
};
