/** Reads the EKS cluster of a context from kubeconfig files, merged as kubectl merges them. */
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { shown } from '../../lambdas/domain/text/text.ts';
import { CliError } from '../errors.ts';

const execSection = z.looseObject({
  command: z.string().nullish(),
  args: z.array(z.string()).nullish(),
  env: z.array(z.looseObject({ name: z.string(), value: z.string() })).nullish(),
});
const named = <Schema extends z.ZodType>(schema: Schema) =>
  z
    .array(schema)
    .nullish()
    .transform((list) => list ?? []);

/** The parts of a kubeconfig that locate a cluster. */
const kubeconfig = z.looseObject({
  contexts: named(
    z.looseObject({
      name: z.string(),
      context: z.looseObject({ cluster: z.string().nullish(), user: z.string().nullish() }).nullish(),
    }),
  ),
  clusters: named(
    z.looseObject({ name: z.string(), cluster: z.looseObject({ server: z.string().nullish() }).nullish() }),
  ),
  users: named(z.looseObject({ name: z.string(), user: z.looseObject({ exec: execSection.nullish() }).nullish() })),
});
export type Kubeconfig = z.output<typeof kubeconfig>;

/** What a context says about its cluster in EKS. */
export interface ClusterOfContext {
  cluster: string;
  region: string;
  /** Absent if nothing in the files has the cluster's ARN. */
  account?: string;
  /** The AWS profile with which kubectl gets its tokens. */
  profile?: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Returns the files that kubectl would read: those of KUBECONFIG, or the one in the home directory. */
export const kubeconfigFiles = ({ KUBECONFIG: value = '' }: Environment): string[] => {
  const files = value.split(delimiter).filter((file) => file !== '');
  return files.length > 0 ? files : [join(homedir(), '.kube', 'config')];
};

const unreadable = (file: string, why: string, cause: unknown): CliError =>
  new CliError(
    'KubeconfigNotRead',
    `kubeconfig ${file} cannot be read: ${why}`,
    'Correct the file, or name other files in the variable KUBECONFIG. To do without it, use --cluster and --region',
    undefined,
    { cause },
  );

const readOne = (file: string): Kubeconfig | undefined => {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    // kubectl skips missing files too.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw unreadable(file, error instanceof Error ? error.message : String(error), error);
  }
  try {
    return kubeconfig.parse(parse(text) ?? {});
  } catch (error) {
    const why =
      error instanceof z.ZodError
        ? `${error.issues[0]?.path.map(String).join('.') || 'the document'}: ${error.issues[0]?.message ?? ''}`
        : shown((error instanceof Error ? error.message : String(error)).split('\n', 1)[0] ?? '', 200);
    throw unreadable(file, why, error);
  }
};

/** Returns the content of all files; of entries with the same name, kubectl uses the first. Throws KubeconfigNotRead. */
export const readKubeconfig = (environment: Environment): Kubeconfig => {
  const read = kubeconfigFiles(environment).flatMap((file) => readOne(file) ?? []);
  return {
    contexts: read.flatMap(({ contexts }) => contexts),
    clusters: read.flatMap(({ clusters }) => clusters),
    users: read.flatMap(({ users }) => users),
  };
};

const CLUSTER_ARN = /^arn:[\w-]+:eks:([a-z0-9-]+):(\d{12}):cluster\/(\S+)$/;
/** An API server of EKS: `https://ID.gr7.REGION.eks.amazonaws.com`. */
const SERVER = /^https:\/\/[^/]*\.([a-z0-9-]+)\.eks\.amazonaws\.com/;

/** Returns the value after the first of these flags, also in the form `--flag=value`. */
const argument = (args: readonly string[], ...flags: readonly string[]): string | undefined => {
  for (const [index, arg] of args.entries()) {
    if (flags.includes(arg)) return args[index + 1];
    const flag = flags.find((one) => arg.startsWith(`${one}=`));
    if (flag !== undefined) return arg.slice(flag.length + 1);
  }
  return undefined;
};

type Exec = z.output<typeof execSection>;

const variableIn = ({ env }: Exec, ...names: readonly string[]): string | undefined =>
  env?.find(({ name }) => names.includes(name))?.value;

/** Returns what the command says that gets the tokens: `aws eks get-token` or `aws-iam-authenticator token`. */
const fromExec = (exec: Exec): Partial<ClusterOfContext> => {
  const args = exec.args ?? [];
  const cluster = argument(args, '--cluster-name', '-i', '--cluster-id');
  const region = argument(args, '--region') ?? variableIn(exec, 'AWS_REGION', 'AWS_DEFAULT_REGION');
  const profile = argument(args, '--profile') ?? variableIn(exec, 'AWS_PROFILE');
  return {
    ...(cluster === undefined ? {} : { cluster }),
    ...(region === undefined ? {} : { region }),
    ...(profile === undefined ? {} : { profile }),
  };
};

const notEks = (name: string): CliError =>
  new CliError(
    'NotAnEksContext',
    `--context ${name} is not known to be a cluster of EKS: its kubeconfig has neither the ARN of a cluster, nor the command aws eks get-token or aws-iam-authenticator with its name and region`,
    'Name the cluster itself: --cluster NAME --region REGION.\nOr write the context again: aws eks update-kubeconfig --name NAME --region REGION',
  );

const MOST_NAMES = 20;

const unknownContext = (name: string, { contexts }: Kubeconfig, environment: Environment): CliError => {
  const names = contexts.map((one) => one.name);
  const more = names.length > MOST_NAMES ? ` and ${names.length - MOST_NAMES} more` : '';
  return new CliError(
    'UnknownContext',
    `--context ${name} is not in ${kubeconfigFiles(environment).join(', ')}`,
    names.length === 0
      ? 'These files have no contexts, or do not exist.\nTo add one: aws eks update-kubeconfig --name NAME --region REGION'
      : `Its contexts: ${names.slice(0, MOST_NAMES).join(', ')}${more}`,
  );
};

/** Returns the cluster of a context. Throws UnknownContext, or NotAnEksContext if its cluster or region is not known. */
export const clusterOfContext = (name: string, config: Kubeconfig, environment: Environment): ClusterOfContext => {
  const found = config.contexts.find((one) => one.name === name);
  if (!found) throw unknownContext(name, config, environment);
  const { cluster: clusterRef = '', user: userRef = '' } = found.context ?? {};
  const exec = config.users.find((one) => one.name === userRef)?.user?.exec;
  const said = exec ? fromExec(exec) : {};
  const [, arnRegion, arnAccount, arnName] =
    [clusterRef, name, userRef].map((text) => CLUSTER_ARN.exec(text ?? '')).find((match) => match !== null) ?? [];
  const server = config.clusters.find((one) => one.name === clusterRef)?.cluster?.server ?? '';
  // The command's arguments decide which cluster the tokens are for.
  const cluster = said.cluster ?? arnName;
  const region = said.region ?? arnRegion ?? SERVER.exec(server)?.[1];
  if (cluster === undefined || region === undefined) throw notEks(name);
  return {
    cluster,
    region,
    ...(arnAccount !== undefined && arnName === cluster && arnRegion === region ? { account: arnAccount } : {}),
    ...(said.profile === undefined ? {} : { profile: said.profile }),
  };
};
