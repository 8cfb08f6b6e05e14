/** Sends the requests of a corpus, in the same order and over the same objects, to any API server. */
import type { Answer, Exchange } from './corpus.ts';

/** A request as it is sent: nothing of it stands for another value. */
export type Sent = Omit<Exchange, 'id' | 'answer' | 'needs' | 'newSecond'>;

/** An API server over the objects of a corpus. */
export interface Lab {
  send: (request: Sent) => Promise<Answer>;
  /** Waits until the workloads have settled. */
  settle: () => Promise<void>;
  /** Waits until a new second has begun. */
  nextSecond: () => Promise<void>;
  /** Gives the controllers the time to see what a request has changed. */
  react: (isAboutPods: boolean) => Promise<void>;
  nodes: () => string[];
}

export interface Played {
  exchange: Exchange;
  answer: Answer;
}

/** Requests that were sent before the effects of the request before them had settled. */
const AT_ONCE = new Set([
  'product-restart-again',
  'deployment-resume',
  'statefulset-forbidden',
  'statefulset-partition',
  'deployment-scale-patch',
  'evicted-pod',
  'evict-going-already',
  'evict-next-refused',
]);

/** Paths of requests before which the workloads had settled; other requests followed each other at once. */
const ABOUT_PODS = /\/(?:pods|replicasets|deployments|statefulsets|daemonsets|poddisruptionbudgets|nodes)\b/;
/** Returns whether the workloads had settled before a request, unless it is in `AT_ONCE`. */
export const isAboutWorkloads = ({ path }: Exchange): boolean => ABOUT_PODS.test(path);

/** Requests before which a new second began, by which the API server orders managed fields. */
const NEXT_SECOND = new Set(['patch-dry-run']);

/** Returns the headers of a request. `agent` is the client's name, and the manager of the fields that it sets. */
export const headersOf = (
  { accept, headers = {}, type }: Sent,
  authorization: string | undefined,
  agent: string,
): Record<string, string> => ({
  accept: accept ?? 'application/json',
  'user-agent': agent,
  ...headers,
  ...(authorization === undefined ? {} : { authorization }),
  ...(type === undefined ? {} : { 'content-type': type }),
});

/** Returns the text of a request's body; empty for none. */
export const textOf = ({ raw, body }: Sent): string => raw ?? (body === undefined ? '' : JSON.stringify(body));

/** Returns the body of an answer as a corpus has it. */
export const answerBody = (headers: Record<string, string>, text: string, path: string): Pick<Answer, 'body'> => {
  if (text === '') return {};
  const type = Object.entries(headers).find(([name]) => name.toLowerCase() === 'content-type')?.[1] ?? '';
  if (!type.startsWith('application/json')) return { body: { text } };
  if (!/[?&]watch=(1|true)/.test(path)) return { body: JSON.parse(text) };
  const lines = text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown);
  // A refusal, and a watch with one event, were recorded as one document.
  return { body: lines.length === 1 ? lines[0] : { lines } };
};

/** Replaces `${rv:PATH}`, `${continue}`, `${continue1}` and `${node}` in a text. */
const filled = async (lab: Lab, text: string, continues: { last: string; first: string }): Promise<string> => {
  const values: Record<string, string> = {
    node: lab.nodes().toSorted()[0] ?? '',
    continue: continues.last,
    continue1: continues.first,
  };
  for (const [, path = ''] of text.matchAll(/\$\{rv:([^}]+)\}/g)) {
    const { body } = await lab.send({ method: 'GET', path, as: 'admin' });
    values[`rv:${path}`] = (body as { metadata: { resourceVersion: string } }).metadata.resourceVersion;
  }
  return text.replaceAll(/\$\{([^}]+)\}/g, (whole, name: string) => values[name] ?? whole);
};

/** Sends the exchanges' requests and returns the answers, without the exchanges that need more than the objects. */
export const sendCorpus = async (
  lab: Lab,
  exchanges: readonly Exchange[],
  onSend: (exchange: Exchange, index: number) => void = () => {},
): Promise<Played[]> => {
  const continues = { last: '', first: '' };
  const played: Played[] = [];
  for (const [index, exchange] of exchanges.entries()) {
    if (exchange.needs !== undefined) continue;
    const { id, answer: _answer, needs: _needs, newSecond = NEXT_SECOND.has(id), ...sent } = exchange;
    const isAboutPods = isAboutWorkloads(exchange);
    const isAfterSettling = isAboutPods && !AT_ONCE.has(id);
    if (isAfterSettling) await lab.settle();
    // What follows a change at once is in the same second.
    if (newSecond || (isAfterSettling && sent.method !== 'GET')) await lab.nextSecond();
    onSend(exchange, index);
    const answer = await lab.send(JSON.parse(await filled(lab, JSON.stringify(sent), continues)) as Sent);
    // The controllers have seen a change when the next request arrives.
    await lab.react(isAboutPods);
    const token = (answer.body as { metadata?: { continue?: string } } | undefined)?.metadata?.continue;
    if (token !== undefined) continues.last = token;
    if (id === 'list-limit-1') continues.first = token ?? '';
    played.push({ exchange, answer });
  }
  return played;
};
