/** Determines which principals can assume a role. Policies are parsed strictly: unknown elements are an error. */
import { z } from 'zod';
import type { AssemblyRole } from '../../sandbox/assembly/roles.ts';
import { byText, code } from './names.ts';
import { conditionText } from './rights.ts';

export const texts = z.union([z.string(), z.array(z.string())]).transform((value) => [value].flat().sort(byText));
export const conditions = z
  .record(z.string(), z.record(z.string(), z.union([z.string(), z.array(z.string())])))
  .optional();
const trust = z.object({
  Statement: z.array(
    z.strictObject({
      Sid: z.string().optional(),
      Effect: z.literal('Allow'),
      Action: z.literal('sts:AssumeRole'),
      Principal: z.strictObject({ Service: texts }),
      Condition: conditions,
    }),
  ),
});

const where = (condition: string): string => (condition === '' ? '' : `, where ${condition}`);

export const trustText = (role: AssemblyRole): string =>
  trust
    .parse(role.trustPolicy)
    .Statement.map(
      ({ Principal: { Service: services }, Condition: condition }) =>
        services.map(code).join(', ') + where(conditionText(condition)),
    )
    .join('; ');

export const isTrusted = (role: AssemblyRole, service: string): boolean =>
  trust.parse(role.trustPolicy).Statement.some(({ Principal: { Service: services } }) => services.includes(service));
