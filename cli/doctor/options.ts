/** Flags of `doctor`. */
import { z } from 'zod';
import { clusterName } from '../../lambdas/domain/migration/model.ts';
import { awsFields } from '../aws/options.ts';
import { oneOf } from '../fields.ts';
import { output, parseFlags } from '../options.ts';

/** What the caller wants to do: make a plan with their own credentials, use the deployed service, or deploy it. */
export const wanted = z.enum(['plan', 'migrate', 'deploy']);
export type Wanted = z.output<typeof wanted>;

const doctorFlags = z.strictObject({
  for: oneOf(wanted).default('plan'),
  cluster: clusterName.optional(),
  ...awsFields,
  ...output,
});
export type DoctorFlags = z.output<typeof doctorFlags>;

export const parseDoctorFlags = (given: Record<string, unknown>): DoctorFlags =>
  parseFlags(doctorFlags, given, 'doctor');
