/** Returns a list for what has to be ended, and a function that ends it, the last one first. */
export const closer = (): [ends: (() => Promise<void>)[], close: () => Promise<void>] => {
  const ends: (() => Promise<void>)[] = [];
  const close = async (): Promise<void> => {
    for (const end of ends.splice(0).toReversed()) await end();
  };
  return [ends, close];
};
