/** Adds up the report of test/openapi/walk.ts. */

/** What the walk writes with `--report`. */
export interface WalkReport {
  /** Answers by operation, phase and status. */
  counted: Record<string, Record<string, Record<string, number>>>;
  problems: string[];
}

/** The answers of one operation. */
export interface OperationTally {
  requests: number;
  /** Answers by status. */
  statuses: Record<string, number>;
  /** Requests that a link of the document led to. */
  links: number;
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

const tallyOf = (byPhase: WalkReport['counted'][string]): OperationTally => {
  const statuses: Record<string, number> = {};
  for (const counts of Object.values(byPhase))
    for (const [status, times] of Object.entries(counts)) statuses[status] = (statuses[status] ?? 0) + times;
  return {
    requests: sum(Object.values(statuses)),
    statuses,
    links: sum(Object.values(byPhase['stateful'] ?? {})),
  };
};

/** Returns the answers of each operation, in the order of their names. */
export const operationsOf = ({ counted }: WalkReport): Record<string, OperationTally> =>
  Object.fromEntries(
    Object.entries(counted)
      .toSorted(([a], [b]) => a.localeCompare(b))
      .map(([operation, byPhase]) => [operation, tallyOf(byPhase)]),
  );

/** Returns how many of what there were. An answer to OPTIONS is no success of an operation. */
export const countsOf = (operations: Readonly<Record<string, OperationTally>>): Record<string, number> => {
  const all = Object.values(operations);
  const successes = ({ statuses }: OperationTally): number => (statuses['200'] ?? 0) + (statuses['202'] ?? 0);
  return {
    operations: all.length,
    requests: sum(all.map(({ requests }) => requests)),
    'answers 2xx': sum(all.map(successes)),
    'requests in sequences along links': sum(all.map(({ links }) => links)),
  };
};
