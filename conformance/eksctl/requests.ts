/** The requests that this project's own migration is made with: those of the published scenarios' runs. */
import { type Asked, kindsText, type Run } from '../kubernetes/scenarios/run.ts';

/** A subject of a scenario, with the requests that are tried for it in turn, until one migrates it. */
export interface Subject {
  /** Name of the add-on, or `namespace/name` of the service account. */
  name: string;
  requests: Asked[];
}

/** What chooses how to migrate, and not what may be lost: `auto` chooses by itself. */
const CHOICES: ReadonlySet<string> = new Set(['strategy', 'preserve', 'annotation']);

/** `verification: injected` asks for less evidence than there is, so that pods that fail are kept. */
const isChoice = ([key, value]: [string, unknown]): boolean =>
  CHOICES.has(key) || (key === 'verification' && value === 'injected');

const withoutChoices = (asked: Asked): Asked =>
  Object.fromEntries(Object.entries(asked).filter((entry) => !isChoice(entry))) as Asked;

const nameOf = ({ addon, serviceAccount }: Asked): string =>
  addon ?? `${serviceAccount?.namespace ?? ''}/${serviceAccount?.name ?? ''}`;

/** The request that only names the subject. */
const plain = ({ addon, serviceAccount }: Asked): Asked =>
  addon === undefined ? (serviceAccount ? { serviceAccount } : {}) : { addon };

/** Returns the options of a request, in a few words. */
export const optionsOf = (asked: Asked): string[] =>
  Object.entries(asked)
    .filter(([key]) => key !== 'addon' && key !== 'serviceAccount')
    .map(([key, value]) => (key === 'accept' ? kindsText(asked) : typeof value === 'string' ? `${key} ${value}` : key));

/**
 * Returns the subjects of a scenario, in the order in which its runs migrate them: for each the plain request, and then
 * those with options that the runs use, without a choice of the strategy.
 */
export const subjectsOf = (scenario: string, runs: readonly Run[]): Subject[] => {
  const subjects = new Map<string, Map<string, Asked>>();
  const acts = runs.filter((run) => run.scenario === scenario).flatMap((run) => run.acts);
  for (const act of acts) {
    if (act.does !== 'migrate') continue;
    const name = nameOf(act.asked);
    const requests = subjects.get(name) ?? new Map<string, Asked>();
    subjects.set(name, requests);
    for (const asked of [plain(act.asked), withoutChoices(act.asked)]) requests.set(JSON.stringify(asked), asked);
  }
  return [...subjects].map(([name, requests]) => ({ name, requests: [...requests.values()] }));
};
