/** Flags of `doctor`. */
import { z } from 'zod';
import { clusterName } from '../../lambdas/domain/text/names.ts';
import { awsFields } from '../aws/options.ts';
import { oneOf } from '../fields.ts';
import { output, parseFlags } from '../options.ts';
import { stackFields } from '../stack-options.ts';

/** What the caller wants to do: make a plan with their own credentials, use the deployed service, or deploy it. */
export const wanted = z.enum(['plan', 'migrate', 'deploy']);
export type Wanted = z.output<typeof wanted>;

const doctorFlags = z
  .strictObject({
    for: oneOf(wanted).default('plan'),
    cluster: clusterName.optional(),
    stack: stackFields.stack,
    stackRegion: stackFields.stackRegion,
    ...awsFields,
    ...output,
  })
  .superRefine(({ for: purpose, ...flags }, context) => {
    if (purpose === 'migrate') return;
    for (const name of ['stack', 'stackRegion'] as const)
      if (flags[name] !== undefined)
        context.addIssue({ code: 'custom', path: [name], message: 'works only with --for migrate' });
  });
export type DoctorFlags = z.output<typeof doctorFlags>;

export const parseDoctorFlags = (given: Record<string, unknown>): DoctorFlags =>
  parseFlags(doctorFlags, given, 'doctor');
