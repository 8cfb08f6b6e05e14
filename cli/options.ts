/** The command line's options: what commander read, checked and turned into a request and a way to run it. */
import { z } from 'zod';
import {
  accountId,
  addonName,
  clusterName,
  migrationRequest,
  type MigrationRequest,
  regionName,
  roleArn,
  strategy,
  type Target,
} from '../lambdas/domain/model.ts';
import type { SandboxOptions } from '../sandbox/sandbox.ts';
import type { Scenario } from '../sandbox/world/scenario.ts';
import { CliError } from './errors.ts';

export const EXAMPLE_SCENARIO = 'sandbox/scenarios/ebs-csi-irsa.json';
/** How the program is called from a checkout. */
export const PROGRAM = 'npm run --silent pod-identity --';
const MAX_SCALE = 1000;
/** World seconds a wall second where somebody watches: slow enough to read, fast enough not to bore. */
export const WATCHING_SCALE = 40;

const seed = z
  .string()
  .regex(/^\d{1,10}$/, 'must be a whole number from 0 to 4294967295')
  .transform(Number)
  .refine((value) => value <= 4_294_967_295, 'must be a whole number from 0 to 4294967295');

const clock = z.string().transform((text, context): NonNullable<SandboxOptions['clock']> => {
  if (text === 'virtual' || text === 'real') return text;
  const scale = Number(/^scaled=(\d+(\.\d+)?)$/.exec(text)?.[1]);
  if (scale > 0 && scale <= MAX_SCALE) return { scaled: scale };
  context.addIssue({ code: 'custom', message: `must be virtual, real or scaled=X with X above 0 and at most ${MAX_SCALE}, such as scaled=40` });
  return z.NEVER;
});

const chosenStrategy = z
  .string()
  .refine((text) => strategy.safeParse(text).success, {
    error: `is not a strategy of this version; available: ${strategy.options.join(', ')}`,
  })
  .pipe(strategy);

/** By commander's names of the flags; every value is still what was typed. */
const flags = z.strictObject({
  cluster: z.string({ error: 'is missing: name the EKS cluster' }).pipe(clusterName),
  addon: z.string({ error: 'is missing: name the add-on, such as aws-ebs-csi-driver' }).pipe(addonName),
  region: regionName.optional(),
  account: accountId.optional(),
  strategy: chosenStrategy.default('recreate'),
  preserve: z.boolean().default(false),
  roleArn: roleArn.optional(),
  resolveConflicts: z
    .enum(['NONE', 'OVERWRITE'], { error: 'must be NONE or OVERWRITE' })
    .default('NONE'),
  dryRun: z.boolean().default(false),
  sandbox: z.string().optional(),
  local: z.boolean().optional(),
  deployed: z.boolean().optional(),
  seed: seed.optional(),
  clock: clock.optional(),
  calls: z.string().min(1, 'must name a file').optional(),
  json: z.boolean().default(false),
  debug: z.boolean().default(false),
});
export type Flags = z.output<typeof flags>;
/** Flags of a run that is going to happen: in the sandbox. */
export type SandboxFlags = Flags & { sandbox: string };

const flagName = (name: string): string => `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;

/** Throws a CliError that names each flag that is wrong, what was given and what is right. */
const parse = <Schema extends z.ZodType>(schema: Schema, given: Record<string, unknown>, command: string): z.output<Schema> => {
  const parsed = schema.safeParse(given);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(({ path, message }) => {
    const name = String(path[0] ?? '');
    const value = given[name];
    return `${flagName(name)}${typeof value === 'string' ? ` ${JSON.stringify(value)}` : ''} ${message}`;
  });
  throw new CliError('BadOption', problems.join('\n'), `See: ${PROGRAM} ${command} --help`);
};

const demoFlags = z.strictObject({ clock: clock.optional(), debug: z.boolean().default(false) });
export type DemoFlags = z.output<typeof demoFlags>;

const servedClock = clock.refine((value) => value !== 'virtual', 'must be real or scaled=X: other programs can not follow virtual time');
const port = z
  .string()
  .regex(/^\d{1,5}$/, 'must be a port number from 0 to 65535')
  .transform(Number)
  .refine((value) => value <= 65_535, 'must be a port number from 0 to 65535');

const serveFlags = z.strictObject({
  scenario: z.string({ error: `is missing: name a scenario file, such as ${EXAMPLE_SCENARIO}` }).min(1, 'must name a file'),
  port: port.default(0),
  clock: servedClock.default('real'),
  seed: seed.optional(),
  log: z.string().min(1, 'must name a file').optional(),
  kubeconfig: z.string().min(1, 'must name a file').optional(),
  json: z.boolean().default(false),
  debug: z.boolean().default(false),
});
export type ServeFlags = z.output<typeof serveFlags>;

export const parseServeFlags = (given: Record<string, unknown>): ServeFlags => parse(serveFlags, given, 'sandbox');

export const parseDemoFlags = (given: Record<string, unknown>): DemoFlags => parse(demoFlags, given, 'demo');

/** Throws a CliError for wrong flags, and for places to run that this version does not have. */
export const parseFlags = (given: Record<string, unknown>, command: string): SandboxFlags => {
  const parsed = parse(flags, given, command);
  const { sandbox, local, deployed } = parsed;
  if (local || deployed) {
    throw new CliError(
      'NotAvailable',
      `${local ? '--local' : '--deployed'} is not available in this version: it runs in the sandbox only`,
      `Use --sandbox FILE, for example --sandbox ${EXAMPLE_SCENARIO}`,
    );
  }
  if (sandbox === undefined) {
    throw new CliError(
      'NoSandbox',
      'there is no --sandbox FILE, and this version runs in the sandbox only: --local and --deployed are not available yet',
      `Add --sandbox FILE, for example --sandbox ${EXAMPLE_SCENARIO}`,
    );
  }
  return { ...parsed, sandbox };
};

/** Account and region where they were not given: those of the scenario's only cluster of that name. */
export const resolveTarget = ({ cluster, account, region }: Pick<Flags, 'cluster' | 'account' | 'region'>, scenario: Scenario): Target => {
  const known = scenario.accounts.map(({ id }) => id);
  if (account !== undefined && !known.includes(account)) {
    throw new CliError('UnknownAccount', `--account ${account} is not in the scenario`, `Its accounts: ${known.join(', ')}`);
  }
  if (account !== undefined && region !== undefined) return { account, region, cluster };
  const clusters = scenario.accounts
    .flatMap(({ id, clusters: all }) => all.map((one) => ({ account: id, region: one.region, cluster: one.name })))
    .filter((one) => (account ?? one.account) === one.account && (region ?? one.region) === one.region);
  const named = clusters.filter((one) => one.cluster === cluster);
  if (named.length > 1) {
    const list = named.map((one) => `--account ${one.account} --region ${one.region}`).join('\n');
    throw new CliError('AmbiguousCluster', `the scenario has ${named.length} clusters named ${cluster}`, `Say which one:\n${list}`);
  }
  // A cluster that is not there is for the plan to find, as it would be in AWS: anywhere will do to look for it.
  const place = named[0] ?? clusters[0];
  return {
    account: account ?? place?.account ?? scenario.home?.account ?? known[0] ?? '',
    region: region ?? place?.region ?? scenario.home?.region ?? 'us-east-1',
    cluster,
  };
};

/**
 * The scenario with the service deployed where the target is, unless it says itself where that is.
 * Throws a CliError for a target in another account than the service's.
 */
export const deployedFor = (target: Target, scenario: Scenario): Scenario => {
  const { account, region } = target;
  if (scenario.home && scenario.home.account !== account) {
    throw new CliError(
      'NotAvailable',
      `the scenario deploys the service in account ${scenario.home.account}, and migrating in another account (${account}) is not available in this version`,
      'Leave "home" out of the scenario, or set it to that account',
    );
  }
  return { ...scenario, home: scenario.home ?? { account, region } };
};

export const requestFrom = (
  given: Pick<Flags, 'addon' | 'strategy' | 'preserve' | 'roleArn' | 'resolveConflicts' | 'dryRun'>,
  target: Target,
  requestedBy: string,
): MigrationRequest =>
  migrationRequest.parse({
    target,
    addon: given.addon,
    strategy: given.strategy,
    preserve: given.preserve,
    resolveConflicts: given.resolveConflicts,
    ...(given.roleArn ? { roleArn: given.roleArn } : {}),
    dryRun: given.dryRun,
    requestedBy,
  });

/** The `migrate` command that carries a plan out, as it would be typed. */
export const migrateCommand = (given: SandboxFlags): string =>
  [
    `${PROGRAM} migrate`,
    `--cluster ${given.cluster}`,
    `--addon ${given.addon}`,
    ...(given.account ? [`--account ${given.account}`] : []),
    ...(given.region ? [`--region ${given.region}`] : []),
    ...(given.preserve ? ['--preserve'] : []),
    ...(given.resolveConflicts === 'NONE' ? [] : [`--resolve-conflicts ${given.resolveConflicts}`]),
    ...(given.roleArn ? [`--role-arn ${given.roleArn}`] : []),
    ...(given.seed === undefined ? [] : [`--seed ${given.seed}`]),
    `--sandbox ${given.sandbox}`,
  ].join(' ');
