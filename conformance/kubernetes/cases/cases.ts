/** All cases, in the order in which they run: the longest first. */
import type { Case } from './case.ts';
import { DAEMON_SET_CASES } from './daemonset-cases.ts';
import { DEPLOYMENT_CASES } from './deployment-cases.ts';
import { STATEFUL_SET_CASES } from './statefulset-cases.ts';

export const CASES: Case[] = [...STATEFUL_SET_CASES, ...DEPLOYMENT_CASES, ...DAEMON_SET_CASES];
