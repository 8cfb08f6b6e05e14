/**
 * Reads one cluster in AWS with the caller's own credentials. Nothing can be changed through it: the SDK's clients refuse
 * commands that do not read, and the API server receives only GET requests.
 */
import { STSClient, GetCallerIdentityCommand } from '@aws-sdk/client-sts';
import { ClientFactory, type ClientConfig, type PlainHttp } from '../../lambdas/adapters/clients.ts';
import { systemClock } from '../../lambdas/adapters/system.ts';
import { isAccessRefused, MigrationError } from '../../lambdas/domain/failures/errors.ts';
import type { Target } from '../../lambdas/domain/terms/subject.ts';
import type { AroundCalls, Clock, TargetPorts } from '../../lambdas/ports/index.ts';
import { EKS_KINDS, isRead, type Kinds, KUBERNETES_KINDS, ROLES_KINDS } from '../../lambdas/ports/kinds.ts';
import { portsOf } from '../../lambdas/runtime/wiring.ts';
import { CliError } from '../errors.ts';
import type { Io } from '../io.ts';
import { again } from './retry.ts';
import { credentialsError, isCredentialsError } from './credentials-error.ts';
import type { AwsFlags } from './options.ts';
import { type AwsSession, openAws, sayReading } from './session.ts';

/** Commands of the SDK that change nothing. */
const READING = /^(Get|List|Describe|Simulate)\w*Command$/;

const refuse = (what: string): never => {
  throw new MigrationError('BadInput', `${what} was not sent: this command only reads.`);
};

interface Stack {
  middlewareStack: {
    add(
      middleware: (
        next: (given: never) => Promise<never>,
        context: { commandName?: string },
      ) => (given: never) => Promise<never>,
      options: { step: 'initialize'; name: string; override: boolean },
    ): void;
  };
}

/** Makes a client refuse, before anything is sent, every command that does not read. */
const onlyReading = (client: unknown): void =>
  (client as Stack).middlewareStack.add(
    (next, { commandName = '' }) =>
      (given) =>
        READING.test(commandName) ? next(given) : refuse(commandName),
    { step: 'initialize', name: 'onlyReading', override: true },
  );

const getOnly =
  (http: PlainHttp): PlainHttp =>
  (request) =>
    request.method === 'GET' ? http(request) : refuse(`${request.method} ${request.url}`);

/** Returns clients that refuse to change anything. */
export const readingClients = (config: ClientConfig): ClientFactory => {
  const clients = new ClientFactory({
    ...config,
    transport: { ...config.transport, http: getOnly(config.transport.http) },
  });
  onlyReading(clients.eks());
  onlyReading(clients.iam());
  return clients;
};

/** Returns the port without its methods that may change something: they throw instead. */
const readingPort = <Port extends object>(
  port: Port,
  kinds: Kinds<Port>,
  ask: (read: () => unknown) => unknown,
): Port =>
  new Proxy(port, {
    get: (inner, name) => {
      const member: unknown = Reflect.get(inner, name);
      if (typeof member !== 'function') return member;
      return (...given: unknown[]): unknown =>
        isRead(kinds, name) ? ask(() => Reflect.apply(member, inner, given)) : refuse(String(name));
    },
  });

/**
 * Returns ports of which only the methods that read can be called. Reads of the API server are retried; a server that does
 * not answer at all is left to the caller.
 */
export const readingPorts = ({ eks, roles, kubernetes }: TargetPorts, clock: Clock): TargetPorts => ({
  eks: readingPort(eks, EKS_KINDS, (read) => read()),
  roles: readingPort(roles, ROLES_KINDS, (read) => read()),
  kubernetes: readingPort(kubernetes, KUBERNETES_KINDS, (read) => again(clock, () => Promise.resolve(read()), 0)),
});

/** A cluster in AWS, and the caller who reads it. */
export interface AwsReading extends TargetPorts {
  target: Target;
  session: AwsSession;
  clients: ClientFactory;
  clock: Clock;
}

/** What is read: the location is the caller's account, and the region of the flags or of the configuration. */
export interface ReadingFlags extends AwsFlags {
  cluster: string;
  account?: string | undefined;
}

/** Returns the caller's account. Throws OtherAccount if the flags name another one: its credentials reach no other. */
const accountOf = ({ caller }: AwsSession, named: string | undefined): string => {
  if (named === undefined || named === caller.account) return caller.account;
  throw new CliError(
    'OtherAccount',
    `the credentials belong to account ${caller.account} (${caller.arn}), not to --account ${named}`,
    'Use credentials of that account (--profile), or omit --account',
  );
};

/** Returns whether the error is one that expired credentials may cause. */
const maySignalLoss = (error: unknown): boolean => isCredentialsError(error) || isAccessRefused(error);

/** Returns the error for credentials that have ended since the first call, if that is why the cluster could not be read. */
const lostCredentials = async ({ clients, profile }: AwsSession, seen: unknown): Promise<CliError | undefined> => {
  const ended = (error: unknown): CliError | undefined =>
    isCredentialsError(error) ? credentialsError(error, profile ?? process.env['AWS_PROFILE']) : undefined;
  if (seen === undefined || !maySignalLoss(seen)) return undefined;
  const known = ended(seen);
  if (known) return known;
  // An API server answers expired credentials like a missing access entry.
  const { region } = clients.config;
  const sts = new STSClient({ region, ...(profile === undefined ? {} : { profile }) });
  try {
    await sts.send(new GetCallerIdentityCommand({}));
    return undefined;
  } catch (error) {
    return ended(error);
  } finally {
    sts.destroy();
  }
};

/** Returns the port; `note` is called with each error that it throws. */
const observed = <Port extends object>(port: Port, note: (error: unknown) => void): Port =>
  new Proxy(port, {
    get: (inner, name) => {
      const member: unknown = Reflect.get(inner, name);
      if (typeof member !== 'function') return member;
      return async (...given: unknown[]): Promise<unknown> => {
        try {
          return (await Reflect.apply(member, inner, given)) as unknown;
        } catch (error) {
          note(error);
          throw error;
        }
      };
    },
  });

/** Returns the clock of reads. Where the terminal's own waits end early, in tests, the time counts as passed. */
const readingClock = (io: Io): Clock => {
  if (!io.sleep) return systemClock;
  const { signal } = new AbortController();
  let passed = 0;
  return {
    now: () => systemClock.now() + passed,
    sleep: async (milliseconds) => {
      passed += milliseconds;
      await io.sleep?.(milliseconds, signal);
    },
  };
};

/**
 * Opens AWS, prints who reads what, and reads. `around` returns the wrapper of every call. Throws a CliError with exit code 2 if the
 * credentials are missing or invalid, or expire meanwhile: what was read until then is not complete.
 */
export const readInAws = async <T>(
  flags: ReadingFlags,
  io: Io,
  read: (reading: AwsReading) => Promise<T>,
  around?: (clock: Clock) => AroundCalls,
): Promise<T> => {
  const clock = readingClock(io);
  const session = await openAws(flags);
  const clients = readingClients(session.clients.config);
  let suspicious: unknown;
  const note = (error: unknown): void => {
    if (maySignalLoss(error)) suspicious ??= error;
  };
  try {
    const target = { account: accountOf(session, flags.account), region: session.region, cluster: flags.cluster };
    sayReading(session, io);
    const { eks, roles, kubernetes } = readingPorts(portsOf(clients, target, { around: around?.(clock) }), clock);
    const ports = { eks: observed(eks, note), roles: observed(roles, note), kubernetes: observed(kubernetes, note) };
    const result = await read({ ...ports, target, session, clients, clock }).catch(async (error: unknown) => {
      throw (await lostCredentials(session, suspicious ?? error)) ?? error;
    });
    const lost = await lostCredentials(session, suspicious);
    if (lost) throw lost;
    return result;
  } finally {
    clients.destroy();
    session.close();
  }
};
