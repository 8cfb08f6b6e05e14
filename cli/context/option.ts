/** The option `--context`, which every command with `--cluster` has: selects the cluster by a context of the kubeconfig. */
import { type Command, Option } from 'commander';
import { CliError } from '../errors.ts';

const isCluster = ({ long }: Option): boolean => long === '--cluster';
/** Commands for which `--cluster` filters what the ledger has. */
const FILTERS = ['migrations'];

/** Adds the option to every command below this one that selects a cluster. */
export const addContextOption = (group: Command): void => {
  for (const command of group.commands) {
    const cluster = command.options.find(isCluster);
    if (cluster && !FILTERS.includes(command.name())) {
      const option = new Option(
        '--context <name>',
        'select cluster, region, and if it is known account and profile, by that context of the kubeconfig (KUBECONFIG, or ~/.kube/config)',
      );
      if (cluster.helpGroupHeading !== undefined) option.helpGroup(cluster.helpGroupHeading);
      command.addOption(option);
    }
    addContextOption(command);
  }
};

const wordsOf = (given: unknown): string =>
  Array.isArray(given) ? given.join(', ') : typeof given === 'string' ? given : '';

const conflict = (command: Command, name: string, value: string, found: string): void => {
  const given: unknown = command.getOptionValue(name);
  if (given === undefined || given === value) return;
  if (Array.isArray(given) && given.length === 1 && given[0] === value) return;
  throw new CliError(
    'BadOption',
    `--context has ${found} ${value}, but --${name} ${wordsOf(given)} is given`,
    `Omit --${name}, or use --cluster instead of --context`,
  );
};

/** Sets an option that was not given; repeatable ones as a list of one value. */
const set = (command: Command, name: string, value: string | undefined): void => {
  const option = command.options.find((one) => one.attributeName() === name);
  if (!option || value === undefined || command.getOptionValue(name) !== undefined) return;
  command.setOptionValueWithSource(name, option.parseArg ? option.parseArg(value, undefined) : value, 'implied');
};

/**
 * Replaces `--context` in the command's options by what it selects. Throws a CliError for an unknown context, or one that
 * contradicts the other options.
 */
export const applyContext = async (command: Command): Promise<void> => {
  const name: unknown = command.getOptionValue('context');
  if (typeof name !== 'string') return;
  if (command.getOptionValue('cluster') !== undefined)
    throw new CliError(
      'BadOption',
      '--context cannot be combined with --cluster: both select the cluster',
      'Omit one of them',
    );
  const { clusterOfContext, readKubeconfig } = await import('./kubeconfig.ts');
  const { cluster, region, account, profile } = clusterOfContext(name, readKubeconfig(process.env), process.env);
  conflict(command, 'region', region, 'region');
  if (account !== undefined) conflict(command, 'account', account, 'account');
  // The schemas of the commands know only what it selects.
  Reflect.deleteProperty(command.opts(), 'context');
  set(command, 'cluster', cluster);
  set(command, 'region', region);
  set(command, 'account', account);
  // A sandbox has credentials of its own.
  if (command.getOptionValue('sandbox') === undefined && command.getOptionValue('state') === undefined)
    set(command, 'profile', profile);
};
