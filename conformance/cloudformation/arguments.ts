/** The flags of `npm run conformance -- cloudformation`. */
import { readFlags } from '../flags.ts';

export const USAGE = `Usage:
  npm run conformance -- cloudformation                 every deployment of test/lib/configurations.ts, with cfn-lint and moto
                                        --only NAME     only this deployment, such as everything; can be repeated
                                        --lint          only with cfn-lint
                                        --moto          only with moto
                                        --brief         prints only what differs
                                        --plant NAME    with a planted defect: it must fail`;

/** What is run. */
export interface Order {
  /** Names of the deployments; empty for all. */
  names: readonly string[];
  lint: boolean;
  moto: boolean;
  brief: boolean;
  /** Whether everything is run, so that results are kept and each reason must have explained something. */
  whole: boolean;
}

const FLAGS = {
  only: { type: 'string', multiple: true },
  lint: { type: 'boolean' },
  moto: { type: 'boolean' },
  brief: { type: 'boolean' },
} as const;

/** Returns what the flags select. Throws as `readFlags` does. */
export const readOrder = (args: readonly string[]): Order => {
  const { only = [], lint = false, moto = false, brief = false } = readFlags(args, FLAGS, USAGE);
  const both = lint === moto;
  return { names: only, lint: both || lint, moto: both || moto, brief, whole: both && only.length === 0 };
};
