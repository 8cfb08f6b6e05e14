/** Finds the hand-off that the flags select: of a migration, or of what the account has now. */
import type { HandOff } from '../../lambdas/domain/terms/hand-off.ts';
import type { MigrationReport } from '../../lambdas/domain/record/migration.ts';
import { type Target, subjectOf } from '../../lambdas/domain/terms/subject.ts';
import type { Owner } from '../../lambdas/domain/owners/model.ts';
import type { TargetPorts } from '../../lambdas/ports/index.ts';
import { portsOf } from '../../lambdas/runtime/wiring.ts';
import { readFoundHandOff } from '../../lambdas/use-cases/hand-off/read-found.ts';
import { notRead } from '../aws/not-read.ts';
import { readingPorts, readInAws } from '../aws/reading.ts';
import { backendOfReading } from '../backend-options.ts';
import { CliError } from '../errors.ts';
import type { Io } from '../io.ts';
import { readingIo } from '../interrupted.ts';
import { withService } from '../known-commands.ts';
import { openForMigration } from '../open-backend.ts';
import { PROGRAM } from '../options.ts';
import { whileReading } from '../while-reading.ts';
import { knownCommand } from '../request.ts';
import { sandboxOf } from '../sandbox-of.ts';
import { HAND_OFF, type Which, whichWords } from './options.ts';

export interface HandedOff {
  handOff: HandOff;
  /** Who owns what the hand-off is about, as far as the plan knows. */
  owners: readonly Owner[];
}

type OfMigration = Extract<Which, { of: 'migration' }>;
type OfAccount = Extract<Which, { of: 'account' }>;

/** Returns the command that prints the hand-off of what the account has now. */
const foundCommand = ({ target, addon, serviceAccount }: MigrationReport, which: OfMigration): string => {
  const { cluster, account, region } = target;
  const subject = addon === undefined ? { serviceAccount: serviceAccount ?? { namespace: '', name: '' } } : { addon };
  const { of: _of, migrationId: _id, ...where } = which;
  return [`${PROGRAM} ${HAND_OFF}`, ...whichWords({ ...where, of: 'account', cluster, account, region, subject })].join(
    ' ',
  );
};

const none = (report: MigrationReport, which: OfMigration): CliError => {
  const { migrationId, outcome } = report;
  if (outcome === 'needs-human')
    return new CliError(
      'NoHandOff',
      `migration ${migrationId} ended needs-human, so what the code must contain is not known before ${subjectOf(report)} is restored`,
      `The report has the commands that restore it: ${knownCommand('show', migrationId, which)}`,
    );
  return new CliError(
    'NoHandOff',
    `migration ${migrationId} ended ${outcome} and changed nothing, so it has no hand-off: the code stays as it is`,
    `To print what the code must contain for what the account has now: ${foundCommand(report, which)}`,
  );
};

const notEnded = (which: OfMigration): CliError =>
  new CliError(
    'NotYet',
    `migration ${which.migrationId} has not ended, and what the code must contain is not known yet: it has no plan yet, or is being rolled back`,
    `To follow it: ${knownCommand('show', which.migrationId, which)}`,
  );

const ofMigration = (which: OfMigration, io: Io): Promise<HandedOff> =>
  withService({ ...which, accept: [], yes: false }, readingIo(io), async (session) => {
    const shown = await session.serve((service) => service.lookUp(which.migrationId));
    const { handOff, plan } = 'ended' in shown ? shown.ended : shown.running;
    if (handOff === undefined) throw 'ended' in shown ? none(shown.ended, which) : notEnded(which);
    return { handOff, owners: plan?.owners ?? [] };
  });

const listCommand = (which: OfAccount): string =>
  [
    `${PROGRAM} plan`,
    ...whichWords(which).filter((word) => !/^--(?:addon|namespace|service-account) /.test(word)),
  ].join(' ');

/** Reads the hand-off. Throws a CliError if there is no such cluster, add-on or association. */
const read = async (which: OfAccount, target: Target, eks: TargetPorts['eks']): Promise<HandOff> => {
  const { cluster, subject } = which;
  const found = await readFoundHandOff(eks, target, subject);
  if (found) return found;
  const { account, region } = target;
  if ((await eks.describeCluster()) === undefined)
    throw new CliError(
      'UnknownCluster',
      `cluster ${cluster} does not exist in account ${account}, ${region}`,
      'Check --cluster, --region and --account, or the credentials',
    );
  const name = subjectOf(subject);
  throw new CliError(
    'NoHandOff',
    'addon' in subject
      ? `cluster ${cluster} has no add-on ${name}`
      : `service account ${name} of cluster ${cluster} has no association, so there is nothing to compare code with`,
    `To list the add-ons and service accounts of the cluster: ${listCommand(which)}`,
  );
};

const readInBackend = async (which: OfAccount, io: Io): Promise<HandOff> => {
  const choice = backendOfReading(which);
  if (choice.kind === 'aws' || choice.kind === 'deployed')
    return readInAws(which, io, ({ target, eks }) =>
      whileReading(io, `cluster ${which.cluster}`, () => read(which, target, eks)),
    );
  const silent = which.json && io.stderr.isTTY !== true;
  const { session, target } = await openForMigration(choice, which, { io, silent, watched: false });
  try {
    return await session.run((backend) => {
      const ports = portsOf(sandboxOf(backend).clients(undefined, target.region), target);
      return read(which, target, readingPorts(ports, backend.clock).eks);
    });
  } finally {
    await session.close();
  }
};

const ofAccount = async (which: OfAccount, io: Io): Promise<HandedOff> => ({
  handOff: await readInBackend(which, io).catch((error: unknown) => {
    throw notRead(error, which.cluster);
  }),
  owners: [],
});

/** Returns the hand-off. Throws a CliError with exit code 2 if there is none, and 3 if the account cannot be read. */
export const findHandOff = (which: Which, io: Io): Promise<HandedOff> =>
  which.of === 'migration' ? ofMigration(which, io) : ofAccount(which, io);
