/** Problems that the checks of a scenario report, and checks that several of them share. */

export type Path = (string | number)[];

export interface ScenarioProblem {
  /** Path inside the file. */
  path: Path;
  /** What is wrong at the path and what to do about it. */
  message: string;
}

export type Report = (path: Path, message: string) => void;

export const accountOf = (arn: string): string => arn.split(':')[4] ?? '';

/** Reports every item with the same key as an earlier one. */
export const reportDuplicates = <T>(
  items: T[],
  keyOf: (item: T) => string,
  pathOf: (index: number) => Path,
  what: string,
  report: Report,
): void => {
  const first = new Map<string, number>();
  for (const [index, item] of items.entries()) {
    const key = keyOf(item);
    const earlier = first.get(key);
    if (earlier === undefined) first.set(key, index);
    else
      report(
        pathOf(index),
        `${what} ${key} occurs twice (the other one is item ${earlier} of the list, counted from 0). Remove one of them.`,
      );
  }
};

export const checkRoleAccount = (arn: string | undefined, account: string, path: Path, report: Report): void => {
  if (arn === undefined || accountOf(arn) === account) return;
  report(
    path,
    `the role belongs to account ${accountOf(arn)}, but is listed in account ${account}. Change the ARN, or move the entry to the other account.`,
  );
};
