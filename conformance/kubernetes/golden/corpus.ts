/** Golden answers: requests with the answers of a real API server, recorded once. See test/golden/kubernetes. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A recorded answer. `<name>` stands for a value that was taken out; see `PLACEHOLDERS`. */
export interface Answer {
  status: number;
  headers: Record<string, string>;
  /** JSON; `{ text }` for text, `{ lines }` for a watch. Undefined if the answer has no body, or it was left out. */
  body?: unknown;
  /** The body was too long to keep. */
  bodyLeftOut?: boolean;
}

export interface Exchange {
  id: string;
  method: string;
  /** With the query. `${…}` stands for a value of an earlier answer. */
  path: string;
  /** Whose token is sent. */
  as: string;
  /** Content type of the body. */
  type?: string;
  body?: unknown;
  /** A body that is sent as it is. */
  raw?: string;
  accept?: string;
  headers?: Record<string, string>;
  /** A new second had begun: the API server orders managed fields by seconds. Requests about pods need no mark. */
  newSecond?: true;
  /** What the server needs to answer so, beyond the scenario. Such an exchange is not played. */
  needs?: string;
  answer: Answer;
}

export const CORPORA = join(import.meta.dirname, '../../../test/golden/kubernetes');

/** Returns the text of a file of a corpus, such as `corpus.json` of `1.33`. */
export const readCorpusFile = (version: string, file: string): string =>
  readFileSync(join(CORPORA, version, file), 'utf8');

/** The version whose requests were recorded first, and were sent again to the others. */
export const SOURCE = '1.33';
/** When the recording of another version began, which its scenario starts with. */
export const START = 'start.json';

/** Returns a scenario's text for another version of Kubernetes, which EKS may have only had since then. */
export const scenarioFor = (version: string, startAt: string, text: string): string =>
  text
    .replaceAll(`"${SOURCE}"`, JSON.stringify(version))
    .replace(/("startAt": )"[^"]*"/, `$1${JSON.stringify(startAt)}`);

/** Returns the text of the scenario with which a version was recorded. */
export const readCorpusScenario = (version: string): string => {
  const text = readCorpusFile(SOURCE, 'scenario.json');
  if (version === SOURCE) return text;
  const { startAt } = JSON.parse(readCorpusFile(version, START)) as { startAt: string };
  return scenarioFor(version, startAt, text);
};

/** Returns the recorded exchanges of a version, in the order in which they were sent. */
export const readCorpus = (version: string): Exchange[] =>
  JSON.parse(readCorpusFile(version, 'corpus.json')) as Exchange[];

export type SetUpRequest = Pick<Exchange, 'method' | 'path' | 'type' | 'body'>;

/** Returns the requests that make what the recorded server had in addition to the scenario's objects, as they are sent. */
export const readSetUp = (version: string): (SetUpRequest & { as: string })[] =>
  (JSON.parse(readCorpusFile(version, 'setup.json')) as SetUpRequest[]).map((request) => ({
    as: 'admin',
    type: 'application/json',
    ...request,
  }));
