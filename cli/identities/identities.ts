/** Runs `identities`: reads which identity the workloads of a cluster have. Changes nothing. */
import { graphOf } from '../../lambdas/domain/identities/graph.ts';
import { report as reportSchema, type IdentitiesReport } from '../../lambdas/domain/identities/model.ts';
import { identitiesReport } from '../../lambdas/domain/identities/report.ts';
import { shellWord } from '../../lambdas/domain/text/shell.ts';
import { identitiesByApi } from '../api/identities.ts';
import { withApi } from '../api/backend.ts';
import { notRead } from '../aws/not-read.ts';
import { EXIT_CODES, type ExitCode } from '../exit-codes.ts';
import type { Io } from '../io.ts';
import { PROGRAM, WORKLOAD_COMMAND } from '../options.ts';
import { styleFor } from '../text/style.ts';
import { backendFlags } from '../request.ts';
import { apiUrlIn } from '../service-environment.ts';
import { graphviz, mermaid } from './graphs.ts';
import { type Reader, withReader } from './open.ts';
import type { IdentitiesFlags } from './options.ts';
import { identitiesLines, type MigrateCommands } from './print.ts';
import { readIdentities } from './read.ts';
import { jsonText } from '../../lambdas/domain/text/text.ts';

const migrateCommands = ({
  cluster,
  account,
  region,
  sandbox,
  state,
  deployed,
  profile,
}: IdentitiesFlags): MigrateCommands => {
  // Without a backend that migrates, the commands plan.
  const inAws = sandbox === undefined && state === undefined && deployed !== true;
  const where = [
    ...(profile === undefined || !inAws ? [] : [`--profile ${shellWord(profile)}`]),
    ...(account === undefined ? [] : [`--account ${account}`]),
    ...(region === undefined ? [] : [`--region ${region}`]),
    ...backendFlags({ sandbox, state, ...(deployed === undefined ? {} : { deployed }) }),
  ];
  const command = (name: string, what: string): string =>
    [`${PROGRAM} ${name} --cluster ${cluster} ${what}`, ...where].join(' ');
  return {
    addon: (name) => command(inAws ? 'plan' : 'migrate', `--addon ${name}`),
    serviceAccount: ({ namespace, name }) =>
      command(inAws ? 'plan' : WORKLOAD_COMMAND, `--namespace ${namespace} --service-account ${name}`),
  };
};

const textOf = (report: IdentitiesReport, flags: IdentitiesFlags, io: Io): string => {
  if (flags.json) return `${jsonText(reportSchema.parse(report), 2)}\n`;
  if (flags.format === 'mermaid') return mermaid(graphOf(report));
  if (flags.format === 'graphviz') return graphviz(graphOf(report));
  return `${identitiesLines(report, migrateCommands(flags), styleFor(io.stdout)).join('\n')}\n`;
};

/** Reads through the service's API, with its own role, if the environment has its URL; returns undefined otherwise. */
const readByApi = (flags: IdentitiesFlags, io: Io): Promise<IdentitiesReport> | undefined => {
  const url = flags.deployed ? apiUrlIn(process.env) : undefined;
  if (url === undefined) return undefined;
  return withApi(url, flags, io, (ask, target) => identitiesByApi(ask, target, flags));
};

/**
 * Returns 0 if everything was read, whatever the result, and 3 if something could not be read and is unknown. Throws a
 * CliError if there is no report.
 */
export const identities = async (flags: IdentitiesFlags, io: Io): Promise<ExitCode> => {
  const read = (reader: Reader): Promise<IdentitiesReport> =>
    readIdentities(reader, { namespace: flags.namespace, roles: flags.roles }).then(identitiesReport);
  const report = await (readByApi(flags, io) ?? withReader(flags, io, read)).catch((error: unknown) => {
    throw notRead(error, flags.cluster);
  });
  io.stdout.write(textOf(report, flags, io));
  if (report.unread.length === 0) return EXIT_CODES.ok;
  if (!flags.json && flags.format !== undefined && flags.format !== 'table')
    for (const { what, why } of report.unread) io.stderr.write(`not read: ${what}: ${why}\n`);
  return EXIT_CODES.blocked;
};
