/** Runs `doctor`: reads AWS and one cluster with the caller's own credentials, and changes nothing. */
import manifest from '../../package.json' with { type: 'json' };
import type { Check } from '../../lambdas/domain/terms/check.ts';
import type { Target } from '../../lambdas/domain/terms/subject.ts';
import { shellCommand } from '../../lambdas/domain/text/shell.ts';
import { jsonText } from '../../lambdas/domain/text/text.ts';
import { awsWords } from '../aws/options.ts';
import { type AwsSession, openAws, sayReading } from '../aws/session.ts';
import { CliError } from '../errors.ts';
import { EXIT_CODES, type ExitCode } from '../exit-codes.ts';
import type { Io } from '../io.ts';
import { PROGRAM } from '../options.ts';
import { styleFor } from '../text/style.ts';
import { stackWords } from '../stack-options.ts';
import { checkCaller, checkClock, checkExpiry, checkVersions, isSkew } from './checks.ts';
import type { DoctorFlags } from './options.ts';
import { checkPermissions, PLAN_GRANT } from './permissions.ts';
import { type DoctorReport, doctorLines, isReady, type Next } from './print.ts';
import { checkBootstrap, deployCalls, PLAN_CALLS } from './purposes.ts';
import { checkQuotas, readRoleCount } from './quotas.ts';
import { mergedAnswers, readCluster } from './read-cluster.ts';
import { readBootstrap, readExpiry, readPrincipal, readSkew, simulated, triedWithoutCluster } from './read.ts';
import { checkService, readService, withService } from './service.ts';

/** Returns the error with the cause of a refused signature, if it is this machine's clock. */
const explained = (error: unknown): unknown => {
  if (!(error instanceof CliError) || !isSkew(`${error.message} ${String(error.cause)}`)) return error;
  const { remedy = '' } = checkClock(Number.POSITIVE_INFINITY);
  return new CliError(
    'ClockSkew',
    `AWS refuses the signature because of its time: the clock of this machine is more than five minutes off. ${error.message}`,
    remedy,
    undefined,
    { cause: error },
  );
};

const loginOf = ({ profile }: Pick<AwsSession, 'profile'>): string =>
  shellCommand(['aws', 'sso', 'login', ...(profile === undefined ? [] : ['--profile', profile])]);

/** Checks what the caller may do, and the cluster if one is named. */
const checkPlan = async (session: AwsSession, target: Target | undefined): Promise<Check[]> => {
  const principal = await readPrincipal(session);
  const cluster = target === undefined ? undefined : await readCluster(session, target, principal.arn);
  const observed = cluster?.answers ?? (await triedWithoutCluster(session));
  const asked = await simulated(session, principal, PLAN_CALLS);
  const permissions = checkPermissions(mergedAnswers(observed, asked), {
    what: 'make a plan',
    callerArn: session.caller.arn,
    grant: PLAN_GRANT,
  });
  return [permissions, ...(cluster?.checks ?? [])];
};

const checkMigrate = async (session: AwsSession, flags: DoctorFlags, io: Io): Promise<Check[]> => {
  const { stack, stackRegion } = flags;
  const { profile, region, caller } = session;
  const reading = await readService({ stack, stackRegion, profile, region }, caller.account, io);
  if ('missing' in reading || reading.service.calls.length === 0) return checkService(reading);
  const { calls, grant: asked } = reading.service;
  const answers = await simulated(session, await readPrincipal(session), calls);
  const grant = { policyName: 'pod-identity-migrate', asked };
  const check = checkPermissions(answers, { what: 'use the service', callerArn: caller.arn, grant });
  return [...checkService(reading), { ...check, id: 'service-permissions' }];
};

const checkDeploy = async (session: AwsSession): Promise<Check[]> => {
  const bootstrap = checkBootstrap(session, await readBootstrap(session));
  const asked = deployCalls(session);
  const answers = await simulated(session, await readPrincipal(session), asked);
  const check = checkPermissions(answers, {
    what: 'deploy with CDK',
    callerArn: session.caller.arn,
    grant: { policyName: 'pod-identity-deploy', asked },
  });
  return [bootstrap, { ...check, id: 'deploy-permissions' }, ...checkQuotas(await readRoleCount(session))];
};

const examine = async (flags: DoctorFlags, session: AwsSession, io: Io): Promise<Check[]> => {
  const { for: wanted, cluster } = flags;
  const target: Target | undefined =
    cluster === undefined ? undefined : { account: session.caller.account, region: session.region, cluster };
  const service = wanted === 'migrate' ? await checkMigrate(session, flags, io) : [];
  const plan = wanted === 'deploy' && target === undefined ? [] : await checkPlan(session, target);
  return [
    checkCaller(session),
    checkExpiry(await readExpiry(session), Date.now(), { wanted, login: loginOf(session) }),
    checkClock(await readSkew(session, Date.now)),
    ...(wanted === 'deploy' ? await checkDeploy(session) : []),
    ...service,
    ...(wanted === 'migrate' ? plan.map(withService) : plan),
  ];
};

/** Returns what to do next: the reason, and the command to paste if there is one. */
const nextOf = ({ for: wanted, cluster, ...flags }: DoctorFlags, { ready, checks }: DoctorReport): Next => {
  const again = [`${PROGRAM} doctor`, ...(wanted === 'plan' ? [] : [`--for ${wanted}`])];
  const where = awsWords(flags);
  const stack = stackWords({ stack: flags.stack, stackRegion: flags.stackRegion });
  const isWrong = checks.some(({ id, status }) => id === 'cluster' && status === 'fail');
  const named = (name: string): string => [...again, `--cluster ${name}`, ...where, ...stack].join(' ');
  if (!ready) {
    const whole = cluster === undefined ? [...again, ...where, ...stack].join(' ') : named(isWrong ? 'NAME' : cluster);
    return { why: 'Then check again:', command: whole };
  }
  if (wanted === 'deploy' && cluster === undefined) return { why: 'Next: docs/service.md describes the deployment.' };
  if (cluster === undefined) return { why: 'Next, check a cluster:', command: named('NAME') };
  if (wanted === 'deploy')
    return {
      why: 'Next, propose the configuration (docs/service.md describes the deployment):',
      command: [`${PROGRAM} suggest-config --cluster ${cluster}`, ...where].join(' '),
    };
  const deployed = wanted === 'migrate' ? ['--addon NAME', '--deployed', ...stack] : [];
  return { why: 'Next:', command: [`${PROGRAM} plan --cluster ${cluster}`, ...where, ...deployed].join(' ') };
};

/** Returns 0, or 3 if a check fails. Throws a CliError with exit code 2 without usable credentials or region. */
export const doctor = async (flags: DoctorFlags, io: Io): Promise<ExitCode> => {
  const versions = checkVersions(manifest.version, process.version);
  const session = await openAws(flags).catch((error: unknown) => {
    throw explained(error);
  });
  try {
    if (!flags.json) sayReading(session, io);
    const checks = [versions, ...(await examine(flags, session, io))];
    const report: DoctorReport = { wanted: flags.for, ready: isReady(checks), checks };
    const text = flags.json
      ? jsonText(report, 2)
      : doctorLines(report, nextOf(flags, report), styleFor(io.stdout)).join('\n');
    io.stdout.write(`${text}\n`);
    return report.ready ? EXIT_CODES.ok : EXIT_CODES.blocked;
  } finally {
    session.close();
  }
};
