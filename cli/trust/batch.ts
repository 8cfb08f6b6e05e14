/** Runs `trust check --batch`: reads one question per line, and writes one answer per line, in the same order. */
import { Writable } from 'node:stream';
import { clusterArn } from '../../lambdas/domain/aws/arn.ts';
import { z } from 'zod';
import { acceptedNames } from '../../lambdas/domain/acceptance/accept.ts';
import { roleArn } from '../../lambdas/domain/text/names.ts';
import { parseJson } from '../../lambdas/domain/text/json.ts';
import { parsePolicy } from '../../lambdas/domain/policy/index.ts';
import { CliError, errorDocument } from '../errors.ts';
import { EXIT_CODES, exitCodeOfVerdict, type ExitCode } from '../exit-codes.ts';
import type { Io, Output } from '../io.ts';
import type { TrustBatchFlags } from './options.ts';
import { type Answers, answersOf } from './answer.ts';
import { clusterArnField, namespaceField, oidcIssuerField, serviceAccountField } from './fields.ts';
import { type Line, linesOf, textOf } from './input.ts';
import { jsonText } from '../../lambdas/domain/text/text.ts';
import { streamOf } from '../terminal.ts';

/** Maximum length of a line: longer than any question with a policy. */
const MAX_CHARACTERS = 1_000_000;

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A required text member, parsed by `schema`. */
const text = <Schema extends z.ZodType<unknown, string>>(schema: Schema) =>
  z.string({ error: ({ input }) => (input === undefined ? 'is missing' : 'must be text') }).pipe(schema);

const id = z.union([z.string(), z.number()], {
  error: ({ input }) => (input === undefined ? 'is missing' : 'must be text or a number'),
});

/** Other members are ignored, so that the author of the lines may keep notes in them. */
const question = z.object({
  id,
  policy: z.custom<unknown>((value) => typeof value === 'string' || isObject(value), {
    error: ({ input }) => (input === undefined ? 'is missing' : 'must be a policy document: an object, or its text'),
  }),
  roleArn: text(roleArn),
  clusterArn: text(clusterArnField),
  namespace: text(namespaceField),
  serviceAccount: text(serviceAccountField),
  oidcIssuer: text(oidcIssuerField).nullish(),
  disableSessionTags: z.boolean({ error: 'must be true or false' }).nullish(),
});
type Question = z.output<typeof question>;

const HINT =
  'Each line is one JSON object: {"id", "policy", "roleArn", "clusterArn", "namespace", "serviceAccount", "oidcIssuer"?, "disableSessionTags"?}';

const bad = (message: string): CliError => new CliError('BadLine', message, HINT);

const given = (value: unknown): string =>
  typeof value === 'string' && value.length <= 300 ? ` ${JSON.stringify(value)}` : '';

const problemsOf = (document: Record<string, unknown>, { issues }: z.ZodError): string =>
  issues.map(({ path: [name], message }) => `${String(name)}${given(document[String(name)])} ${message}`).join('; ');

const read = (line: string): Record<string, unknown> => {
  const document = parseJson(line);
  if (!document.ok) throw bad(`the line is not JSON: column ${document.column}: ${document.message}`);
  if (!isObject(document.value)) throw bad('the line is not a JSON object');
  return document.value;
};

const answer = (
  { policy, clusterArn: target, namespace, serviceAccount, oidcIssuer, disableSessionTags, roleArn: arn }: Question,
  acceptedKeys: readonly string[],
): Answers => {
  const use = {
    target,
    clusterArn: clusterArn(target),
    namespace,
    serviceAccount,
    disableSessionTags: disableSessionTags === true,
    ...(typeof oidcIssuer === 'string' ? { oidcIssuer } : {}),
  };
  return answersOf(parsePolicy(policy, 'trust'), { use, acceptedKeys, roleArn: arn });
};

/** Evaluates a question. An unexpected error becomes the answer of its line, so that later lines are answered. */
const evaluated = (asked: Question, acceptedKeys: readonly string[]): Answers => {
  try {
    return answer(asked, acceptedKeys);
  } catch (error) {
    const { name, message } = error instanceof Error ? error : { name: 'Error', message: String(error) };
    throw new CliError(
      'UnexpectedError',
      `unexpected error: ${name}: ${message}`,
      'Report this error with the line.',
      EXIT_CODES.unexpected,
      { cause: error },
    );
  }
};

interface Answered {
  document: Record<string, unknown>;
  exitCode: ExitCode;
}

const answerLine = (line: Line, acceptedKeys: readonly string[]): Answered => {
  let known: { id?: string | number } = {};
  try {
    if ('tooLong' in line) throw bad(`the line has more than ${MAX_CHARACTERS} characters`);
    const document = read(line.text);
    const named = id.safeParse(document['id']);
    if (named.success) known = { id: named.data };
    const asked = question.safeParse(document);
    if (!asked.success) throw bad(problemsOf(document, asked.error));
    const answers = evaluated(asked.data, acceptedKeys);
    return { document: { ...known, ...answers }, exitCode: exitCodeOfVerdict(answers.podIdentity.verdict) };
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    return { document: { ...known, line: line.number, ...errorDocument(error) }, exitCode: EXIT_CODES.badInput };
  }
};

const isEmpty = (line: Line): boolean => !('tooLong' in line) && line.text.trim() === '';

/** Returns a writer that waits until the reader has taken the text, and knows when the reader is gone. */
const writerTo = (
  output: Output,
): { write: (text: string) => Promise<void>; gone: () => boolean; close: () => void } => {
  const stream = output instanceof Writable ? output : undefined;
  let gone = false;
  const onError = ({ code }: NodeJS.ErrnoException): void => {
    if (code === 'EPIPE') gone = true;
  };
  stream?.on('error', onError);
  const drained = async (from: Writable): Promise<void> => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const ends = ['drain', 'error', 'close'];
    for (const end of ends) from.once(end, resolve);
    await promise;
    for (const end of ends) from.off(end, resolve);
  };
  return {
    write: async (written) => {
      const more = output.write(written);
      if (stream && more === false && !stream.destroyed) await drained(stream);
    },
    gone: () => gone || stream?.destroyed === true,
    close: () => stream?.off('error', onError),
  };
};

/**
 * Returns 2 if a line was bad or its policy invalid; otherwise 3 if Pod Identity is denied or unknown on any line;
 * otherwise 0. Throws a CliError for an unreadable file.
 */
export const trustCheckBatch = async ({ batch, accept }: TrustBatchFlags, io: Io): Promise<ExitCode> => {
  const out = writerTo(streamOf(io.stdout));
  const seen = new Set<ExitCode>();
  try {
    for await (const line of linesOf(textOf('--batch', batch, io), MAX_CHARACTERS)) {
      // The reader of the output may stop early (`| head`), which is not an error.
      if (out.gone()) break;
      if (isEmpty(line)) continue;
      const { document, exitCode } = answerLine(line, acceptedNames({ accept }, 'condition-key'));
      seen.add(exitCode);
      await out.write(`${jsonText(document)}\n`);
    }
  } finally {
    out.close();
  }
  return [EXIT_CODES.badInput, EXIT_CODES.blocked].find((code) => seen.has(code)) ?? EXIT_CODES.ok;
};
