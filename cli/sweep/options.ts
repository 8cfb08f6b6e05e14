/** Flags of `sweep` and its commands, and of `sweeps`. */
import { REPORT_FORMATS, type ReportFormat } from '../service/sweep-service.ts';
import { z } from 'zod';
import { accountId, addonName, regionName } from '../../lambdas/domain/text/names.ts';
import {
  agentMode,
  maxDisruption,
  resolveConflicts,
  strategy,
  verificationMode,
} from '../../lambdas/domain/request/request.ts';
import { sweepId, sweepLimits, sweepMode, sweepRequest, sweepSelection } from '../../lambdas/domain/sweep/request.ts';
import { sweepStatus } from '../../lambdas/domain/sweep/model.ts';
import { acceptOf } from '../../lambdas/domain/acceptance/accept.ts';
import { trustMode } from '../../lambdas/domain/terms/trust.ts';
import { shown } from '../../lambdas/domain/text/text.ts';
import { checkListed, listed } from '../approval/options.ts';
import { oneOf, wholeNumber } from '../fields.ts';
import { file, iac, knownFlags, migrationFields, output, parseFlags, backendFlags } from '../options.ts';
import { checkWaits, waitFields } from '../wait-fields.ts';

/** A repeatable flag whose values may each be a comma-separated list. */
const listOf = (value: z.ZodType<string, string>, most: number) => {
  const several = z.string().transform((typed, context): string[] => {
    const values = typed.split(',').map((one) => one.trim());
    for (const one of values) {
      const { error } = value.safeParse(one);
      if (error)
        context.addIssue(
          `${error.issues[0]?.message ?? 'is wrong'}${values.length > 1 ? `, which "${shown(one, 100)}" is not` : ''}`,
        );
    }
    return values;
  });
  return z
    .array(several)
    .transform((lists) => [...new Set(lists.flat())])
    .refine((values) => values.length <= most, `may have at most ${most} values`)
    .optional();
};

type Bounded = z.ZodDefault<z.ZodInt | z.ZodNumber>;
const boundsOf = (field: Bounded): { least: number; most: number } => {
  const { minValue, maxValue } = field.unwrap();
  return { least: minValue ?? 0, most: maxValue ?? Number.MAX_SAFE_INTEGER };
};
const whole = (field: Bounded) => {
  const { least, most } = boundsOf(field);
  const message = `must be a whole number from ${least} to ${most}`;
  return wholeNumber(z.int(message).min(least, message).max(most, message)).optional();
};
const decimal = (field: Bounded) => {
  const { least, most } = boundsOf(field);
  const message = `must be a number from ${least} to ${most}`;
  return z
    .string()
    .transform((typed) => (/^\d{1,4}(\.\d{1,3})?$/.test(typed) ? Number(typed) : Number.NaN))
    .pipe(z.number(message).min(least, message).max(most, message))
    .optional();
};

const { keyType: tagKey, valueType: tagValue } = sweepSelection.shape.clusterTags.unwrap();
/** `KEY=VALUE`: the key may not contain a `=`, the value may. */
const clusterTag = z.string().transform((typed, context): [key: string, value: string] => {
  const [, key, value] = /^([^=]*)=([^]*)$/.exec(typed) ?? [];
  const parsed = z.tuple([tagKey, tagValue]).safeParse([key, value]);
  if (parsed.success) return parsed.data;
  context.addIssue({
    code: 'custom',
    message: 'must be KEY=VALUE, such as env=prod, with a key of 1 to 128 characters and a value of at most 256',
  });
  return z.NEVER;
});

export interface ReportFile {
  file: string;
  format: ReportFormat;
}
const reportFile = z.string().transform((typed, context): ReportFile => {
  const format = REPORT_FORMATS.find((one) => typed.toLowerCase().endsWith(`.${one}`) && typed.length > one.length + 1);
  if (format !== undefined) return { file: typed, format };
  context.addIssue({ code: 'custom', message: 'must end in .html, .json or .csv, which selects the format' });
  return z.NEVER;
});
const report = z.array(reportFile).default([]);

const { shape: selection } = sweepSelection;
const { shape: limits } = sweepLimits;
/** Sweeps have no other waits: the service itself limits how long an approval is waited for. */
const { approvalHours: _hours, approveAs: _as, ...waits } = waitFields;

const sweepFlags = z
  .strictObject({
    mode: z
      .string({ error: 'is missing: specify inventory (only read), plan (plan what is ready), or migrate' })
      .pipe(oneOf(sweepMode)),
    account: listOf(accountId, 1000),
    region: listOf(regionName, 50),
    cluster: listOf(selection.clusters.unwrap().element, 100),
    clusterTag: z.array(clusterTag).default([]),
    addon: listOf(addonName, 100),
    tagging: oneOf(selection.tagging.unwrap()).optional(),
    canary: whole(limits.canary),
    concurrency: whole(limits.concurrency),
    perAccount: whole(limits.perAccount),
    perRegion: whole(limits.perRegion),
    stopAfter: whole(limits.stopAfterFailures),
    stopAtPercent: decimal(limits.stopAtFailurePercent),
    strategy: oneOf(strategy).optional(),
    preserve: z.boolean().optional(),
    maxDisruption: oneOf(maxDisruption).optional(),
    maxDurationMinutes: migrationFields.maxDurationMinutes,
    resolveConflicts: oneOf(resolveConflicts).optional(),
    trust: oneOf(trustMode).optional(),
    accept: acceptOf('sweep').default([]),
    iac,
    verification: oneOf(verificationMode).optional(),
    agent: oneOf(agentMode).optional(),
    ...waits,
    callsPerSecond: decimal(sweepRequest.shape.callsPerSecond),
    reason: migrationFields.reason,
    yes: migrationFields.yes,
    report,
    previous: file,
    ...backendFlags,
    seed: migrationFields.seed,
    clock: migrationFields.clock,
    calls: file,
    ...output,
  })
  .superRefine((flags, context) => {
    const wrong = (name: string, message: string): void => context.addIssue({ code: 'custom', path: [name], message });
    checkWaits(flags, context);
    if (flags.strategy === 'in-place' && flags.preserve)
      wrong(
        'preserve',
        'applies only to strategies that delete the add-on, and --strategy in-place deletes nothing: omit one of them',
      );
    if (flags.approval === 'required' && !flags.deployed)
      wrong('approval', 'works only with a deployed service: in a sandbox, nobody can approve the plans of a fleet');
    if (flags.previous !== undefined && (flags.deployed || flags.state !== undefined))
      wrong('previous', 'works only with a new sandbox: a deployed service and a kept sandbox know the previous sweep');
    const [twice] = flags.clusterTag.filter(([key], index) =>
      flags.clusterTag.some(([other], at) => other === key && at < index),
    );
    if (twice) wrong('clusterTag', `has key ${twice[0]} twice: a cluster has one value for each key`);
  });
export type SweepFlags = z.output<typeof sweepFlags>;

export const parseSweepFlags = (given: Record<string, unknown>): SweepFlags => parseFlags(sweepFlags, given, 'sweep');

const { migrationId: _migrationId, ...ofKnown } = knownFlags.shape;
const knownSweepFlags = z.strictObject({ sweepId, ...ofKnown });
export type KnownSweepFlags = z.output<typeof knownSweepFlags>;

export const parseKnownSweepFlags = (given: Record<string, unknown>, command: string): KnownSweepFlags =>
  parseFlags(knownSweepFlags, given, `sweep ${command}`);

const reportFlags = knownSweepFlags.omit({ reason: true }).extend({
  report: report.refine((files) => files.length > 0, 'is missing: specify a file that ends in .html, .json or .csv'),
});
export type ReportFlags = z.output<typeof reportFlags>;

export const parseReportFlags = (given: Record<string, unknown>): ReportFlags =>
  parseFlags(reportFlags, given, 'sweep report');

const listFlags = z
  .strictObject({ status: oneOf(sweepStatus).optional(), ...listed, ...backendFlags, ...output })
  .superRefine(checkListed);
export type SweepListFlags = z.output<typeof listFlags>;

export const parseSweepListFlags = (given: Record<string, unknown>): SweepListFlags =>
  parseFlags(listFlags, given, 'sweeps');
