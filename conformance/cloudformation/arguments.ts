/** The flags of `npm run conformance -- cloudformation`. */
import { parseArgs } from 'node:util';

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

/** Returns what the flags select, or the text that refuses them. */
export const readOrder = (args: readonly string[]): Order | string => {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        only: { type: 'string', multiple: true, default: [] },
        lint: { type: 'boolean', default: false },
        moto: { type: 'boolean', default: false },
        brief: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
    if (values.help) return USAGE;
    const both = values.lint === values.moto;
    return {
      names: values.only,
      lint: both || values.lint,
      moto: both || values.moto,
      brief: values.brief,
      whole: both && values.only.length === 0,
    };
  } catch (error) {
    return `${error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error)}.\n${USAGE}`;
  }
};
