/** Flags of `hand-off`, `hand-off patch` and `hand-off check`. */
import { z } from 'zod';
import { handOffFormat } from '../../lambdas/domain/terms/hand-off.ts';
import {
  accountId,
  addonName,
  clusterName,
  migrationId,
  regionName,
  namespaceName,
  serviceAccountName,
} from '../../lambdas/domain/text/names.ts';
import { shellWord } from '../../lambdas/domain/text/shell.ts';
import { CliError } from '../errors.ts';
import { oneOf } from '../fields.ts';
import { backendFlags, output, parseFlags, PROGRAM } from '../options.ts';
import { backendFlags as backendWords } from '../request.ts';

export const HAND_OFF = 'hand-off';

/** `--format`, which `plan --hand-off` has too. */
export const format = oneOf(handOffFormat).optional();

const whichFields = {
  migrationId: migrationId.optional(),
  cluster: clusterName.optional(),
  addon: addonName.optional(),
  namespace: namespaceName.optional(),
  serviceAccount: serviceAccountName.optional(),
  account: accountId.optional(),
  region: regionName.optional(),
  ...backendFlags,
  ...output,
};
const whichFlags = z.strictObject(whichFields);
type WhichFlags = z.output<typeof whichFlags>;

type Where = Pick<WhichFlags, keyof typeof backendFlags | keyof typeof output>;

/** What the hand-off is about: a migration, or what the account has now. */
export type Which =
  | ({ of: 'migration'; migrationId: string } & Where)
  | ({
      of: 'account';
      cluster: string;
      subject: { addon: string } | { serviceAccount: { namespace: string; name: string } };
      account?: string | undefined;
      region?: string | undefined;
    } & Where);

const bad = (message: string, hint: string): CliError => new CliError('BadOption', message, hint);

const helpOf = (command: string): string => `See: ${PROGRAM} ${command} --help`;

const ofMigration = (id: string, flags: WhichFlags, command: string): Which => {
  const { migrationId: _id, cluster, addon, namespace, serviceAccount, account, region, ...where } = flags;
  const others = Object.entries({ cluster, addon, namespace, 'service-account': serviceAccount, account, region });
  const given = others.flatMap(([name, value]) => (value === undefined ? [] : [`--${name}`]));
  if (given.length > 0)
    throw bad(`${given.join(', ')} cannot be combined with a migration id, which selects the cluster`, helpOf(command));
  return { of: 'migration', migrationId: id, ...where };
};

const subjectIn = ({ addon, namespace, serviceAccount }: WhichFlags, command: string) => {
  if (addon !== undefined && (namespace !== undefined || serviceAccount !== undefined))
    throw bad(
      '--addon cannot be combined with --namespace and --service-account',
      'A hand-off is about an add-on, or about a service account that belongs to no add-on',
    );
  if (addon !== undefined) return { addon };
  if (namespace !== undefined && serviceAccount !== undefined)
    return { serviceAccount: { namespace, name: serviceAccount } };
  throw bad(
    '--cluster alone does not select what the code is about: add --addon NAME, or --namespace NAME and --service-account NAME',
    helpOf(command),
  );
};

/** Returns what the flags select. Throws a CliError unless it is one migration, add-on or service account. */
const whichOf = (flags: WhichFlags, command: string): Which => {
  const { migrationId: id, cluster } = flags;
  if (id !== undefined) return ofMigration(id, flags, command);
  if (cluster === undefined)
    throw bad(
      'neither a migration id nor --cluster is given: name a migration, or a cluster with an add-on or a service account',
      helpOf(command),
    );
  const subject = subjectIn(flags, command);
  const { migrationId: _id, addon: _addon, namespace: _namespace, serviceAccount: _account, ...rest } = flags;
  return { ...rest, of: 'account', cluster, subject };
};

const showFlags = z.strictObject({ ...whichFields, format });
export interface ShowFlags {
  which: Which;
  format: z.output<typeof format>;
}

export const parseShowFlags = (given: Record<string, unknown>): ShowFlags => {
  const { format: chosen, ...flags } = parseFlags(showFlags, given, HAND_OFF);
  if (chosen !== undefined && flags.json)
    throw bad('--format cannot be combined with --json, which has no format', 'Omit one or the other');
  return { which: whichOf(flags, HAND_OFF), format: chosen };
};

const terraform = z
  .string({ error: 'is missing: specify the directory of the Terraform code that defines the add-on' })
  .min(1, 'must name a directory');
const codeFlags = z.strictObject({ ...whichFields, terraform, write: z.boolean().default(false) });
export interface CodeFlags {
  which: Which;
  terraform: string;
  /** Only for `patch`. */
  write: boolean;
}

export const parseCodeFlags = (given: Record<string, unknown>, command: 'patch' | 'check'): CodeFlags => {
  const { terraform: directory, write, ...flags } = parseFlags(codeFlags, given, `${HAND_OFF} ${command}`);
  return { which: whichOf(flags, `${HAND_OFF} ${command}`), terraform: directory, write };
};

/** Returns the words of a command that select the same thing again. */
export const whichWords = (which: Which): string[] => {
  if (which.of === 'migration') return [which.migrationId, ...backendWords(which)];
  const { cluster, subject, account, region, profile, deployed } = which;
  return [
    `--cluster ${cluster}`,
    ...('addon' in subject
      ? [`--addon ${subject.addon}`]
      : [`--namespace ${subject.serviceAccount.namespace}`, `--service-account ${subject.serviceAccount.name}`]),
    ...(account === undefined ? [] : [`--account ${account}`]),
    ...(region === undefined ? [] : [`--region ${region}`]),
    // With --deployed, the words of the backend have the profile.
    ...(profile === undefined || deployed ? [] : [`--profile ${shellWord(profile)}`]),
    ...backendWords(which),
  ];
};

/** Returns the command that does something with the same code, or prints the hand-off of the same thing. */
export const codeCommand = (command: 'patch' | 'check', { which, terraform: directory, write }: CodeFlags): string =>
  [
    `${PROGRAM} ${HAND_OFF} ${command} --terraform ${shellWord(directory)}`,
    ...whichWords(which),
    ...(write ? ['--write'] : []),
  ].join(' ');
