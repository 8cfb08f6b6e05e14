/**
 * Records golden answers: sends the requests of an earlier corpus to a real control plane, and writes its answers as the
 * corpus of another version.
 */
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseScenario } from '../../../sandbox/build/load.ts';
import type { Print } from '../../build/build.ts';
import { type KubernetesVersion, programsOf } from '../build/tools.ts';
import { compareAnswers } from './compare.ts';
import {
  type Answer,
  type Exchange,
  readCorpus,
  readCorpusFile,
  readSetUp,
  scenarioFor,
  type SetUpRequest,
  SOURCE,
  START,
} from './corpus.ts';
import { generatedNames, normalAnswer } from './normalise.ts';
import { RECORDER } from './play-corpus.ts';
import { openRealLab } from './real-lab.ts';
import { readmeOf } from './record-readme.ts';
import { isAboutWorkloads, type Played, sendCorpus } from './send.ts';

/** The objects of the set-up that requests are about; the others were those of the recorded server alone. */
const SET_UP = new Set(['lab-makers']);

/** A folder that cannot be recorded into. The message's last line is what to do next. */
export class RecordError extends Error {
  override readonly name = 'RecordError';
}

/** Throws a RecordError if a recording would replace another one. */
export const requireFree = (folder: string): void => {
  if (existsSync(folder) && readdirSync(folder).length > 0)
    throw new RecordError(
      `--record ${folder}: the folder is not empty, and a recording replaces nothing.\nDelete the folder, or name another one.`,
    );
};

/** Returns the requests of the set-up without those of the source's server alone. */
export const setUpFor = <T extends SetUpRequest>(requests: readonly T[]): T[] =>
  requests.filter(({ body }) => SET_UP.has((body as { metadata?: { name?: string } }).metadata?.name ?? ''));

/** Returns the recorded exchanges. Throws an Error if an answer is not equal to what is recorded of it. */
export const recordedExchanges = (played: readonly Played[], named: readonly unknown[]): Exchange[] => {
  const names = generatedNames([...named, ...played.map(({ answer }) => answer.body)]);
  return played.map(({ exchange, answer }): Exchange => {
    const { body, ...kept } = normalAnswer(answer, names);
    const normal: Answer = exchange.answer.bodyLeftOut
      ? { ...kept, bodyLeftOut: true }
      : { ...kept, ...(body === undefined ? {} : { body }) };
    const { status, headers, body: differences } = compareAnswers(normal, answer);
    const [difference] = [...status, ...headers, ...differences];
    if (difference !== undefined)
      throw new Error(`What is recorded of ${exchange.id} is not equal to its answer: ${difference}`);
    return { ...exchange, answer: normal };
  });
};

/** Marks the exchanges before which a new second began. `seconds`: when each request was sent. */
export const withSeconds = (exchanges: readonly Exchange[], seconds: readonly number[]): Exchange[] =>
  exchanges.map((exchange, index) =>
    index > 0 && seconds[index] !== seconds[index - 1] && !isAboutWorkloads(exchange)
      ? { ...exchange, newSecond: true }
      : exchange,
  );

/** Returns a list as JSON, one item a line. */
export const lines = (items: readonly unknown[]): string =>
  items.length === 0 ? '[]\n' : `[\n${items.map((item) => JSON.stringify(item)).join(',\n')}\n]\n`;

/** Records the answers of a version, whose programs must have been built, into a folder. */
export const record = async (version: KubernetesVersion, folder: string, print: Print): Promise<void> => {
  requireFree(folder);
  const date = new Date();
  const startAt = date.toISOString();
  const scenario = scenarioFor(version, startAt, readCorpusFile(SOURCE, 'scenario.json'));
  const setUp = setUpFor(readSetUp(SOURCE));
  const exchanges = readCorpus(SOURCE).filter(({ needs }) => needs === undefined);
  print(`Opening the scenario of ${SOURCE} on Kubernetes ${version}`);
  const lab = await openRealLab({
    version,
    scenario: parseScenario(scenario, `${SOURCE}/scenario.json`),
    setUp,
    recorder: RECORDER,
  });
  try {
    const seconds: number[] = [];
    const played = await sendCorpus(lab, exchanges, ({ id }, index) => {
      seconds.push(Math.floor(Date.now() / 1000));
      print(`${index + 1} of ${exchanges.length}: ${id}`, true);
    });
    const [failure] = lab.failures();
    if (failure !== undefined) throw failure;
    const recorded = withSeconds(recordedExchanges(played, await lab.named()), seconds);
    mkdirSync(folder, { recursive: true });
    const write = (file: string, text: string): void => writeFileSync(join(folder, file), text);
    write('corpus.json', lines(recorded));
    write(START, `${JSON.stringify({ startAt })}\n`);
    write('setup.json', lines(setUp.map(({ as: _as, ...request }) => request)));
    write('reasons.json', lines([]));
    write(
      'README.md',
      readmeOf({
        version,
        source: SOURCE,
        release: programsOf(version).apiServer.release,
        etcd: programsOf(version).etcd.release,
        requests: recorded.length,
        date,
      }),
    );
    print(
      `${recorded.length} answers of Kubernetes ${version} are in ${folder}.\nRun: node conformance/kubernetes/golden/main.ts --version ${version}`,
    );
  } finally {
    await lab.close();
  }
};
