/** Flags of `suggest-config`. */
import { z } from 'zod';
import { accountId, clusterName, regionName } from '../../lambdas/domain/text/names.ts';
import { profile } from '../aws/options.ts';
import { file, output, parseFlags } from '../options.ts';

export const SUGGEST_CONFIG = 'suggest-config';

/** A cluster as it was typed: by its name, or by its ARN, which has account and region. */
export interface NamedCluster {
  cluster: string;
  account?: string;
  region?: string;
}

const CLUSTER =
  'must be the name of an EKS cluster, or its ARN such as arn:aws:eks:eu-west-1:111122223333:cluster/prod';

const cluster = z.string().transform((text, context): NamedCluster => {
  const [, region, account, ofArn] = /^arn:[\w-]+:eks:([^:]*):([^:]*):cluster\/(.*)$/.exec(text) ?? [];
  const parsed = z
    .object({ cluster: clusterName, account: accountId.optional(), region: regionName.optional() })
    .safeParse({ cluster: ofArn ?? text, account, region });
  if (parsed.success)
    return {
      cluster: parsed.data.cluster,
      ...(account === undefined ? {} : { account }),
      ...(region === undefined ? {} : { region }),
    };
  context.addIssue({ code: 'custom', message: CLUSTER });
  return z.NEVER;
});

const suggestFlags = z
  .strictObject({
    cluster: z
      .array(cluster, { error: 'is missing: specify the EKS cluster; it may be repeated' })
      .max(100, 'may be given at most 100 times'),
    region: regionName.optional(),
    profile,
    sandbox: file,
    out: file,
    force: z.boolean().default(false),
    ...output,
  })
  .superRefine(({ sandbox, profile: named, out, force }, context) => {
    if (sandbox !== undefined && named !== undefined)
      context.addIssue({
        code: 'custom',
        path: ['profile'],
        message: 'cannot be combined with --sandbox, which has credentials of its own',
      });
    if (force && out === undefined)
      context.addIssue({ code: 'custom', path: ['force'], message: 'works only with --out FILE' });
  });
export type SuggestFlags = z.output<typeof suggestFlags>;

export const parseSuggestFlags = (given: Record<string, unknown>): SuggestFlags =>
  parseFlags(suggestFlags, given, SUGGEST_CONFIG);
