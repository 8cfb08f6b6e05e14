/** Returns a list of cleanup functions, and a function that runs them in reverse order. */
export const closer = (): [ends: (() => Promise<void>)[], close: () => Promise<void>] => {
  const ends: (() => Promise<void>)[] = [];
  const close = async (): Promise<void> => {
    for (const end of ends.splice(0).toReversed()) await end();
  };
  return [ends, close];
};
