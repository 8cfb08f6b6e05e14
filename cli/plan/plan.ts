/** Runs `plan`. */
import { stringify } from 'yaml';
import { backendOfReading } from '../backend-options.ts';
import type { ExitCode } from '../exit-codes.ts';
import type { Io } from '../io.ts';
import { migrate, migrateWorkload } from '../migrate.ts';
import { planCluster } from './cluster.ts';
import type { PlanFlags } from './options.ts';
import { planInAws } from './single.ts';

/** Prints as YAML what the work prints as JSON. */
const asYaml = async (io: Io, work: (collecting: Io) => Promise<ExitCode>): Promise<ExitCode> => {
  const written: string[] = [];
  const exitCode = await work({ ...io, stdout: { write: (text) => written.push(text) } });
  io.stdout.write(stringify(JSON.parse(written.join(''))));
  return exitCode;
};

const planOne = (planned: Exclude<PlanFlags, { of: 'cluster' }>, io: Io): Promise<ExitCode> => {
  if (backendOfReading(planned.flags).kind === 'aws') return planInAws(planned, io);
  return planned.of === 'add-on' ? migrate(planned.flags, io) : migrateWorkload(planned.flags, io);
};

/** Makes the plan, prints it and returns the exit code. Throws a CliError if there is no plan. */
export const plan = (planned: PlanFlags, io: Io): Promise<ExitCode> => {
  if (planned.of === 'cluster') return planCluster(planned.flags, io);
  if (planned.flags.output !== 'yaml') return planOne(planned, io);
  const withJson =
    planned.of === 'add-on'
      ? { ...planned, flags: { ...planned.flags, json: true } }
      : { ...planned, flags: { ...planned.flags, json: true } };
  return asYaml(io, (collecting) => planOne(withJson, collecting));
};
