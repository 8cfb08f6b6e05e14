/** `program-name.ts` of the published package. */
import { programOf } from './installed-program.ts';

export const PROGRAM = programOf(process.env, process.argv[1] ?? '');
export const EXAMPLE_SCENARIO = 'ebs-csi-irsa';
export const WORKLOAD_SCENARIO = 'service-account-irsa';
