/** Flags of `plan`: of an add-on, of a service account, or of a whole cluster. */
import { z } from 'zod';
import { accountId, clusterName, regionName, namespaceName } from '../../lambdas/domain/text/names.ts';
import { agentMode, verificationMode } from '../../lambdas/domain/request/request.ts';
import { acceptOf } from '../../lambdas/domain/acceptance/accept.ts';
import { trustMode } from '../../lambdas/domain/terms/trust.ts';
import { profile } from '../aws/options.ts';
import { CliError } from '../errors.ts';
import { oneOf } from '../fields.ts';
import { format } from '../hand-off/options.ts';
import type { HandOffFlags } from '../hand-off/section.ts';
import {
  backendFlags,
  file,
  iac,
  type MigrationFlags,
  output as outputFields,
  parseFlags,
  parseMigrationFlags,
  parseWorkloadFlags,
  PROGRAM,
  seed,
  type WorkloadFlags,
} from '../options.ts';

export const OUTPUTS = ['table', 'json', 'yaml', 'markdown'] as const;
const outputName = z.enum(OUTPUTS, 'must be table, json, yaml or markdown');
export type PlanOutput = z.output<typeof outputName>;

/** Flags that a plan has in addition to those of its migration. */
export interface ReadingAs extends HandOffFlags {
  profile?: string | undefined;
  output: PlanOutput;
}

const clusterFlags = z.strictObject({
  cluster: z.string({ error: 'is missing: specify the EKS cluster' }).pipe(clusterName),
  namespace: namespaceName.optional(),
  account: accountId.optional(),
  region: regionName.optional(),
  trust: oneOf(trustMode).default('validate'),
  accept: acceptOf('cluster').default([]),
  iac,
  verification: oneOf(verificationMode).default('ready'),
  agent: oneOf(agentMode).default('require'),
  ...backendFlags,
  seed: seed.optional(),
  calls: file,
  ...outputFields,
});
export type ClusterPlanFlags = z.output<typeof clusterFlags> & ReadingAs;

export type PlanFlags =
  | { of: 'add-on'; flags: MigrationFlags & ReadingAs }
  | { of: 'service-account'; flags: WorkloadFlags & ReadingAs }
  | { of: 'cluster'; flags: ClusterPlanFlags };

const asFlags = z.object({
  profile,
  output: outputName.optional(),
  handOff: z.boolean().default(false),
  format,
});

const bad = (message: string, hint = `See: ${PROGRAM} plan --help`): CliError =>
  new CliError('BadOption', message, hint);

/** Returns the format; `--json` is short for `--output json`. */
const outputOf = (json: boolean, given: PlanOutput | undefined): PlanOutput => {
  if (json && given !== undefined && given !== 'json')
    throw bad(`--json cannot be combined with --output ${given}`, 'Use one or the other');
  return json ? 'json' : (given ?? 'table');
};

const refuseMarkdown = (output: PlanOutput): void => {
  if (output === 'markdown')
    throw bad(
      '--output markdown is only for the plan of a cluster',
      'Omit --addon and --service-account, or use --output json or yaml',
    );
};

const flagOf = (name: string): string => `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;

/** Refuses a format that would have no effect. JSON and YAML have the hand-off as a document. */
const refuseFormat = ({ handOff, format: chosen }: z.output<typeof asFlags>, output: PlanOutput): void => {
  if (chosen !== undefined && !handOff)
    throw bad(`--format ${chosen} works only with --hand-off`, 'Add --hand-off, or omit the option');
  if (chosen !== undefined && output !== 'table')
    throw bad(
      `--format cannot be combined with --output ${output}, whose field handOff is a document`,
      'Omit one or the other',
    );
};

/** Refuses the options of a single migration. */
const refuseOfOne = (given: Record<string, unknown>): void => {
  const ofOne = Object.keys(given).filter(
    (name) => given[name] !== undefined && !Object.hasOwn(clusterFlags.shape, name),
  );
  if (ofOne.length > 0)
    throw bad(
      `${ofOne.map(flagOf).join(', ')} cannot be used in the plan of a whole cluster`,
      'Name what to plan: --addon NAME, or --namespace NAME --service-account NAME',
    );
};

/** Validates the typed flags. Throws a CliError that names each wrong one. */
export const parsePlanFlags = (given: Record<string, unknown>): PlanFlags => {
  const { profile: named, output: outputText, handOff, format: formatText, ...rest } = given;
  const as = parseFlags(asFlags, { profile: named, output: outputText, handOff, format: formatText }, 'plan');
  const output = outputOf(rest['json'] === true, as.output);
  refuseFormat(as, output);
  const readingAs: ReadingAs = { profile: as.profile, output, handOff: as.handOff, format: as.format };
  const isAccount = rest['serviceAccount'] !== undefined;
  if (rest['addon'] !== undefined && (isAccount || rest['namespace'] !== undefined))
    throw bad(
      '--addon cannot be combined with --namespace and --service-account',
      'A plan is about an add-on, or about a service account that belongs to no add-on',
    );
  const json = output === 'json';
  if (rest['addon'] !== undefined) {
    refuseMarkdown(output);
    return { of: 'add-on', flags: { ...parseMigrationFlags({ ...rest, json }, 'plan'), dryRun: true, ...readingAs } };
  }
  if (isAccount) {
    refuseMarkdown(output);
    return {
      of: 'service-account',
      flags: { ...parseWorkloadFlags({ ...rest, json }, 'plan'), dryRun: true, ...readingAs },
    };
  }
  if (as.handOff) refuseOfOne({ ...rest, handOff: true });
  // A plan changes nothing anyway.
  const { dryRun: _, ...ofCluster } = rest;
  refuseOfOne(ofCluster);
  return { of: 'cluster', flags: { ...parseFlags(clusterFlags, { ...ofCluster, json }, 'plan'), ...readingAs } };
};
