/** Runs `record`: reads a cluster and writes a scenario. Changes nothing in AWS. */
import { isMigrationError } from '../../lambdas/domain/failures/errors.ts';
import type { Scenario, ScenarioInput } from '../../sandbox/scenario/scenario.ts';
import { CliError } from '../errors.ts';
import { EXIT_CODES, type ExitCode } from '../exit-codes.ts';
import type { Io } from '../io.ts';
import { styleFor } from '../text/style.ts';
import { writePrivate } from '../private-file.ts';
import { anonymised } from './anonymise.ts';
import { fitted } from './fit.ts';
import { withReader } from './open.ts';
import type { RecordFlags } from './options.ts';
import { summaryLines } from './print.ts';
import { readCluster } from './read.ts';
import type { Reader } from './reader.ts';
import { type MappingOptions, toScenario } from './to-scenario.ts';

/** A recording, with what the sandbox reads from it. */
export interface Twin {
  input: ScenarioInput;
  scenario: Scenario;
  text: string;
}

/** Records the reader's cluster. Throws a CliError for an unknown cluster, a `MigrationError` if EKS cannot be read. */
export const recordTwin = async (
  reader: Reader,
  { anonymise = false, ...options }: MappingOptions & { anonymise?: boolean },
): Promise<Twin> => {
  const at = new Date(reader.clock.now()).toISOString();
  const recorded = toScenario(await readCluster(reader, at), options);
  const { input, scenario } = fitted(anonymise ? anonymised(recorded) : recorded, reader.unread);
  return { input, scenario, text: `${JSON.stringify(input, undefined, 2)}\n` };
};

const explained = (error: unknown, { cluster }: RecordFlags): unknown => {
  if (!isMigrationError(error)) return error;
  const isRefused = error.name === 'AccessDenied' || error.name === 'Unauthorised';
  return new CliError(
    'NotRead',
    `cluster ${cluster} cannot be read: ${error.message}`,
    isRefused
      ? 'Check whose credentials these are: aws sts get-caller-identity\nThe actions that record needs are in docs/record.md; the first one is eks:DescribeCluster'
      : 'Check the region, the network and the variables AWS_ENDPOINT_URL_*, then run the command again',
    isRefused ? EXIT_CODES.blocked : EXIT_CODES.unexpected,
    { cause: error },
  );
};

const write = (text: string, { out }: RecordFlags, io: Io): void => {
  if (out === undefined) {
    io.stdout.write(text);
    return;
  }
  try {
    writePrivate(out, text);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new CliError(
      'OutFile',
      `--out ${out} cannot be written: ${reason}`,
      'Name a file in an existing directory that you may write to',
      undefined,
      { cause: error },
    );
  }
};

export const record = async (flags: RecordFlags, io: Io): Promise<ExitCode> => {
  try {
    return await withReader(flags, io, async (reader) => {
      const twin = await recordTwin(reader, flags);
      write(twin.text, flags, io);
      const { out, withConfiguration } = flags;
      const lines = summaryLines({ scenario: twin.scenario, reader, out, withConfiguration }, styleFor(io.stderr));
      io.stderr.write(`${lines.join('\n')}\n`);
      return EXIT_CODES.ok;
    });
  } catch (error) {
    throw explained(error, flags);
  }
};
