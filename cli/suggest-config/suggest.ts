/** Runs `suggest-config`. Changes nothing but the file of `--out`. */
import { existsSync, writeFileSync } from 'node:fs';
import type { Target } from '../../lambdas/domain/terms/subject.ts';
import { isMigrationError } from '../../lambdas/domain/failures/errors.ts';
import { shellCommand } from '../../lambdas/domain/text/shell.ts';
import { counted, jsonText } from '../../lambdas/domain/text/text.ts';
import type { Clock, TargetPorts } from '../../lambdas/ports/index.ts';
import { portsOf } from '../../lambdas/runtime/wiring.ts';
import { type ClusterSettings, readNeededSettings } from '../../lambdas/use-cases/overview/needed-settings.ts';
import { notRead } from '../aws/not-read.ts';
import { readInAws, readingPorts } from '../aws/reading.ts';
import { CliError } from '../errors.ts';
import { EXIT_CODES, type ExitCode } from '../exit-codes.ts';
import type { Io } from '../io.ts';
import { PROGRAM } from '../options.ts';
import { openForSweep } from '../open-backend.ts';
import { NO_LEDGER, previewSettings } from '../plan/preview.ts';
import { whileReading } from '../while-reading.ts';
import { sandboxOf } from '../sandbox-of.ts';
import { resolveTarget } from '../target.ts';
import { configurationOf, type Suggestion, suggestionFor, yamlOf } from './configuration.ts';
import type { NamedCluster, SuggestFlags } from './options.ts';

/** Every role counts as passable and repairable: the plans show which ones are. */
const SETTINGS = {
  ...previewSettings({ why: 'the suggestion of a configuration does not ask' }),
  repairableRoleArns: ['*'],
};

interface Read extends ClusterSettings {
  target: Target;
}

const readOne = async (
  target: Target,
  ports: TargetPorts,
  clock: Clock,
  onProgress: (what: string) => void,
): Promise<Read> => ({
  target,
  ...(await readNeededSettings({ target, settings: SETTINGS, ledger: NO_LEDGER, ports, clock, onProgress })),
});

const explained = (error: unknown, { cluster, region }: NamedCluster): unknown =>
  isMigrationError(error, 'NotFound')
    ? new CliError(
        'UnknownCluster',
        error.message,
        `To list the clusters: aws eks list-clusters${region === undefined ? '' : ` --region ${region}`}`,
        undefined,
        { cause: error },
      )
    : notRead(error, cluster);

const inAws = async ({ profile, region, cluster: clusters }: SuggestFlags, io: Io): Promise<Read[]> => {
  const found: Read[] = [];
  for (const named of clusters) {
    const flags = { profile, region, ...named };
    const one = readInAws(flags, io, ({ target, clock, ...ports }) =>
      whileReading(io, `cluster ${named.cluster}`, (show) => readOne(target, ports, clock, show)),
    );
    found.push(
      await one.catch((error: unknown) => {
        throw explained(error, named);
      }),
    );
  }
  return found;
};

const inSandbox = async (scenarioFile: string, flags: SuggestFlags, io: Io): Promise<Read[]> => {
  const silent = flags.json && io.stderr.isTTY !== true;
  const { session, scenario } = await openForSweep(
    { kind: 'sandbox', scenario: scenarioFile, clock: 'virtual' },
    { io, silent, watched: false },
  );
  if (!scenario) throw new Error('A sandbox has a scenario.');
  const targets = flags.cluster.map((named) =>
    resolveTarget({ region: flags.region, account: undefined, ...named }, scenario),
  );
  const other = targets.find(({ account }) => account !== targets[0]?.account);
  try {
    if (other)
      throw new CliError(
        'OtherAccount',
        `cluster ${other.cluster} is in account ${other.account}, and not in ${targets[0]?.account}`,
        'Run this command once for each account, and join the lists',
      );
    return await session.run(async (backend) => {
      const found: Read[] = [];
      for (const target of targets) {
        const ports = portsOf(sandboxOf(backend).clients(undefined, target.region), target);
        found.push(
          await readOne(target, readingPorts(ports, backend.clock), backend.clock, () => {}).catch((error: unknown) => {
            throw explained(error, target);
          }),
        );
      }
      return found;
    });
  } finally {
    await session.close();
  }
};

const refuseToOverwrite = ({ out, force }: SuggestFlags): void => {
  if (out === undefined || force || !existsSync(out)) return;
  throw new CliError('FileExists', `--out ${out} already exists`, 'Name another file, or add --force to overwrite it');
};

const write = (file: string, text: string): void => {
  try {
    writeFileSync(file, text);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new CliError(
      'FileNotWritable',
      `--out ${file} cannot be written: ${reason}`,
      'Name a file in an existing directory that you may write to',
      undefined,
      { cause: error },
    );
  }
};

/** Names the entries that are not part of the configuration, because anyone who may edit a service account can cause them. */
const annotatedText = ({ grants }: Suggestion, { json, out }: SuggestFlags): string => {
  const entries = grants.filter(({ isOnlyAnnotated }) => isOnlyAnnotated);
  if (entries.length === 0) return '';
  const todo = json
    ? 'add its entry to roleGrants, and the role to repairableRoleArns if its trust policy is to be repaired'
    : `remove the "#" at the beginning of the lines of its entries in ${out ?? 'the configuration'}`;
  return [
    `${counted(entries.length, 'entry', 'entries')} of roleGrants ${entries.length === 1 ? 'is' : 'are'} not active: only the annotation of the service account names the role, and anyone who may edit the service account can write it.`,
    ...entries.map(({ value }) => `  ${jsonText(value)}`),
    `Ask the owner of each role whether the service account may have it. If so, ${todo}.\n`,
  ].join('\n');
};

/** Writes the configuration. Returns 3 if something could not be read, or an annotation alone shows an entry; otherwise 0. */
export const suggestConfig = async (flags: SuggestFlags, io: Io): Promise<ExitCode> => {
  refuseToOverwrite(flags);
  const read = flags.sandbox === undefined ? await inAws(flags, io) : await inSandbox(flags.sandbox, flags, io);
  const targets = read.map(({ target }) => target);
  const unread = read.flatMap((one) => one.unread);
  const suggestion = suggestionFor(
    targets,
    read.flatMap(({ subjects }) => subjects),
  );
  for (const { what, why } of unread) io.stderr.write(`Not read: ${what}: ${why}\n`);
  const annotated = annotatedText(suggestion, flags);
  if (suggestion.passable.length === 0)
    throw new CliError(
      'NothingToSuggest',
      `no add-on and no annotated service account of ${targets.map(({ cluster }) => cluster).join(', ')} uses a role`,
      `To see what uses credentials there: ${PROGRAM} identities --cluster ${targets[0]?.cluster}`,
    );
  io.stderr.write(annotated);
  const text = flags.json ? `${jsonText(configurationOf(suggestion), 2)}\n` : yamlOf(suggestion, targets, unread);
  if (flags.out === undefined) {
    io.stdout.write(text);
    if (io.stdout.isTTY === true && !flags.json)
      io.stderr.write('\nTo write it to a file, run the same command with --out config.yaml\n');
  } else {
    write(flags.out, text);
    io.stderr.write(
      `Written to ${flags.out}. Review it, then deploy:\n  ${shellCommand(['npx', 'cdk', 'deploy', '-c', `config=${flags.out}`])}\n`,
    );
  }
  return unread.length === 0 && annotated === '' ? EXIT_CODES.ok : EXIT_CODES.blocked;
};
