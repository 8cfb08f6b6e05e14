/** All cases, in the order in which they run: the longest first. */
import { BUDGET_CASES } from './budget-cases.ts';
import type { Case } from './case.ts';
import { DAEMON_SET_CASES } from './daemonset-cases.ts';
import { DEPLOYMENT_CASES } from './deployment-cases.ts';
import { OBJECT_CASES } from './object-cases.ts';
import { OWNERSHIP_CASES } from './ownership-cases.ts';
import { STATEFUL_SET_CASES } from './statefulset-cases.ts';

export const CASES: Case[] = [
  ...DAEMON_SET_CASES,
  ...STATEFUL_SET_CASES,
  ...DEPLOYMENT_CASES,
  ...BUDGET_CASES,
  ...OWNERSHIP_CASES,
  ...OBJECT_CASES,
];
