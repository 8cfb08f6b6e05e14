import type { Io } from '../io.ts';
import type { ExitCode } from '../exit-codes.ts';
import type { ClusterPlanFlags } from './options.ts';
export const planCluster = (_flags: ClusterPlanFlags, _io: Io): Promise<ExitCode> => Promise.reject(new Error('x'));
