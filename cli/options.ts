/** Validates the options that commander has parsed, and reports all wrong flags at once. */
import { z } from 'zod';
import {
  accountId,
  addonName,
  clusterName,
  migrationId,
  regionName,
  roleArn,
  namespaceName,
  plainText,
  serviceAccountName,
} from '../lambdas/domain/text/names.ts';
import {
  agentMode,
  annotationMode,
  maxDisruption,
  MOST_DURATION_MINUTES,
  resolveConflicts,
  strategy,
  verificationMode,
} from '../lambdas/domain/request/request.ts';
import { DEFAULT_SOAK_DAYS } from '../lambdas/domain/record/retirement.ts';
import { shown } from '../lambdas/domain/text/text.ts';
import { acceptOf } from '../lambdas/domain/acceptance/accept.ts';
import { ownerTool } from '../lambdas/domain/owners/model.ts';
import { trustMode } from '../lambdas/domain/terms/trust.ts';
import type { SandboxOptions } from '../sandbox/sandbox.ts';
import { CliError } from './errors.ts';
import { oneOf, wholeNumber } from './fields.ts';
import { EXAMPLE_SCENARIO, PROGRAM, WORKLOAD_SCENARIO } from './program-name.ts';
import { stackFields } from './stack-options.ts';
import { checkWaits, waitFields } from './wait-fields.ts';

export { EXAMPLE_SCENARIO, PROGRAM, WORKLOAD_SCENARIO };
export const WORKLOAD_COMMAND = 'migrate-workload';
const MAX_SCALE = 1000;
/** Simulated seconds per real second for a migration on a terminal: slow enough to read, fast enough not to bore. */
export const WATCHING_SCALE = 40;

export const seed = z
  .string()
  .regex(/^\d{1,10}$/, 'must be a whole number from 0 to 4294967295')
  .transform(Number)
  .refine((value) => value <= 4_294_967_295, 'must be a whole number from 0 to 4294967295');

const clock = z.string().transform((text, context): NonNullable<SandboxOptions['clock']> => {
  if (text === 'virtual' || text === 'real') return text;
  const scale = Number(/^scaled=(\d+(\.\d+)?)$/.exec(text)?.[1]);
  if (scale > 0 && scale <= MAX_SCALE) return { scaled: scale };
  context.addIssue({
    code: 'custom',
    message: `must be virtual, real or scaled=X with X above 0 and at most ${MAX_SCALE}, such as scaled=40`,
  });
  return z.NEVER;
});

/** `SERVICE_ACCOUNT=ARN`. */
const roleOfServiceAccount = z.string().transform((text, context): [serviceAccount: string, roleArn: string] => {
  const [, serviceAccount, arn] = /^([^=]*)=([^]*)$/.exec(text) ?? [];
  if (serviceAccount === undefined || !serviceAccountName.safeParse(serviceAccount).success) {
    context.addIssue({
      code: 'custom',
      message: 'must be SERVICE_ACCOUNT=ARN, such as ebs-csi-controller-sa=arn:aws:iam::111122223333:role/my-role',
    });
    return z.NEVER;
  }
  const role = roleArn.safeParse(arn);
  if (role.success) return [serviceAccount, role.data];
  context.addIssue({
    code: 'custom',
    message: `after the = ${role.error.issues[0]?.message ?? 'must be an IAM role ARN'}`,
  });
  return z.NEVER;
});

export const file = z.string().min(1, 'must name a file').optional();
/** The tool whose code defines what is migrated. */
export const iac = oneOf(ownerTool).optional();
const text = (limit: number) => plainText(limit).min(1, 'must not be empty').optional();

/** Flags that select the backend; see `backend-options.ts`. */
export const backendFlags = {
  sandbox: file,
  state: file,
  deployed: z.boolean().optional(),
  ...stackFields,
};
/** Flags on the output. The program itself evaluates the others that `outputOptions` adds (`output-flags.ts`). */
export const output = { json: z.boolean().default(false), debug: z.boolean().default(false) };
/** Makes a change without asking; see `confirm.ts`. */
export const yes = z.boolean().default(false);

const cluster = z.string({ error: 'is missing: specify the EKS cluster' }).pipe(clusterName);

const MINUTES = `must be a whole number of minutes from 1 to ${MOST_DURATION_MINUTES}`;

/** Flags of every command that migrates. */
export const migrationFields = {
  region: regionName.optional(),
  account: accountId.optional(),
  maxDisruption: oneOf(maxDisruption).optional(),
  maxDurationMinutes: wholeNumber(z.int(MINUTES).min(1, MINUTES).max(MOST_DURATION_MINUTES, MINUTES)).optional(),
  roleArn: roleArn.optional(),
  trust: oneOf(trustMode).default('validate'),
  accept: acceptOf('service-account').default([]),
  iac,
  verification: oneOf(verificationMode).default('ready'),
  agent: oneOf(agentMode).default('require'),
  ...waitFields,
  reason: text(1024),
  dryRun: z.boolean().default(false),
  yes,
  ...backendFlags,
  seed: seed.optional(),
  clock: clock.optional(),
  calls: file,
  ...output,
};

/** Flags of `plan` and `migrate`, by commander's names; every value is still the typed text. */
const migrationFlags = z
  .strictObject({
    cluster,
    addon: z.string({ error: 'is missing: specify the add-on, such as aws-ebs-csi-driver' }).pipe(addonName),
    strategy: oneOf(strategy).default('auto'),
    preserve: z.boolean().default(false),
    resolveConflicts: oneOf(resolveConflicts).optional(),
    role: z.array(roleOfServiceAccount).default([]),
    ...migrationFields,
    accept: acceptOf('add-on').default([]),
  })
  .superRefine((flags, context) => {
    const { strategy: chosen, preserve, role } = flags;
    checkWaits(flags, context);
    if (chosen === 'in-place' && preserve)
      context.addIssue({
        code: 'custom',
        path: ['preserve'],
        message:
          'applies only to strategies that delete the add-on, and --strategy in-place deletes nothing: omit one of them',
      });
    for (const [index, [serviceAccount]] of role.entries()) {
      if (role.findIndex(([other]) => other === serviceAccount) < index)
        context.addIssue({
          code: 'custom',
          path: ['role', index],
          message: `is the second role for ${serviceAccount}: name only one`,
        });
    }
  });
export type MigrationFlags = z.output<typeof migrationFlags>;

/** Flags of `migrate-workload`. */
const workloadFlags = z
  .strictObject({
    cluster,
    namespace: z.string({ error: 'is missing: specify the namespace of the service account' }).pipe(namespaceName),
    serviceAccount: z
      .string({ error: 'is missing: specify the service account, as kubectl get serviceaccounts lists it' })
      .pipe(serviceAccountName),
    annotation: oneOf(annotationMode).default('keep'),
    ...migrationFields,
  })
  .superRefine(checkWaits);
export type WorkloadFlags = z.output<typeof workloadFlags>;

/** Flags that `migrate` and `migrate-workload` share. */
export type CommonFlags = Omit<WorkloadFlags, 'namespace' | 'serviceAccount' | 'annotation'>;

/** Flags of the commands about one existing migration. */
export const knownFlags = z.strictObject({
  migrationId,
  reason: text(1024),
  /** Only for `rollback`. */
  accept: acceptOf('rollback').default([]),
  yes,
  ...backendFlags,
  ...output,
});
export type KnownFlags = z.output<typeof knownFlags>;

const soakDays = z
  .string()
  .regex(/^\d{1,3}$/, 'must be a whole number of days from 0 to 365')
  .transform(Number)
  .refine((value) => value <= 365, 'must be a whole number of days from 0 to 365');

const retireFlags = knownFlags.extend({
  apply: z.boolean().default(false),
  undo: z.boolean().default(false),
  soakDays: soakDays.default(DEFAULT_SOAK_DAYS),
  accept: acceptOf('retirement').default([]),
});
export type RetireFlags = z.output<typeof retireFlags>;

/** Maximum number of typed characters that an error repeats. */
const SHOWN = 200;

/** Names, in messages, of arguments without a flag. */
const ARGUMENTS: Record<string, string> = { migrationId: 'the migration id', sweepId: 'the sweep id' };

const flagName = (name: string): string =>
  ARGUMENTS[name] ?? `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;

const typed = (given: Record<string, unknown>, [name, index]: readonly PropertyKey[]): unknown => {
  const value = given[String(name)];
  return Array.isArray(value) && typeof index === 'number' ? (value as unknown[])[index] : value;
};

/** Throws a CliError that names each wrong flag, the given value and what is expected. */
export const parseFlags = <Schema extends z.ZodType>(
  schema: Schema,
  given: Record<string, unknown>,
  command: string,
): z.output<Schema> => {
  const parsed = schema.safeParse(given);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(({ path, message }) => {
    const value = typed(given, path);
    return `${flagName(String(path[0] ?? ''))}${typeof value === 'string' ? ` "${shown(value, SHOWN)}"` : ''} ${message}`;
  });
  throw new CliError('BadOption', problems.join('\n'), `See: ${PROGRAM} ${command} --help`);
};

const demoFlags = z.strictObject({ clock: clock.optional(), debug: z.boolean().default(false) });
export type DemoFlags = z.output<typeof demoFlags>;

const servedClock = clock.refine(
  (value) => value !== 'virtual',
  'must be real or scaled=X: other programs cannot follow virtual time',
);
const port = z
  .string()
  .regex(/^\d{1,5}$/, 'must be a port number from 0 to 65535')
  .transform(Number)
  .refine((value) => value <= 65_535, 'must be a port number from 0 to 65535');

const serveFlags = z.strictObject({
  scenario: z
    .string({ error: `is missing: specify a scenario, such as ${EXAMPLE_SCENARIO}` })
    .min(1, 'must name a file'),
  port: port.default(0),
  clock: servedClock.default('real'),
  seed: seed.optional(),
  log: file,
  kubeconfig: file,
  ...output,
});
export type ServeFlags = z.output<typeof serveFlags>;

export const parseServeFlags = (given: Record<string, unknown>): ServeFlags => parseFlags(serveFlags, given, 'sandbox');

export const parseDemoFlags = (given: Record<string, unknown>): DemoFlags => parseFlags(demoFlags, given, 'demo');

export const parseMigrationFlags = (given: Record<string, unknown>, command: string): MigrationFlags =>
  parseFlags(migrationFlags, given, command);

export const parseWorkloadFlags = (given: Record<string, unknown>, command = WORKLOAD_COMMAND): WorkloadFlags =>
  parseFlags(workloadFlags, given, command);

export const parseKnownFlags = (given: Record<string, unknown>, command: string): KnownFlags =>
  parseFlags(knownFlags, given, command);

export const parseRetireFlags = (given: Record<string, unknown>): RetireFlags =>
  parseFlags(retireFlags, given, 'retire');
