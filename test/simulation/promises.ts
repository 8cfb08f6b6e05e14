/**
 * The service's promises (docs/promises.md) as code: each checks the world and the call log of a finished run and
 * reports how it was broken. They read what AWS saw, not what the service reports about itself.
 */
import { agentAsAsked } from './agent-promise.ts';
import { associations } from './association-promises.ts';
import {
  failClosed,
  nothingElse,
  observeFirst,
  oneAtATime,
  thirdPartiesRespected,
  planFirst,
} from './change-promises.ts';
import {
  keptAnnotationBreaksNothing,
  plansNameUsers,
  retiredPairsAreServed,
  usersAreNamed,
} from './consumers-promises.ts';
import { migratedHaveCredentials } from './credentials-promise.ts';
import {
  rollsBackAutomatically,
  migratedMeansMigrated,
  neverLost,
  verifiedOnPods,
  transientEndsMigrated,
} from './end-promises.ts';
import { rolesAreGranted } from './grants-promise.ts';
import { handOffIsTrue } from './hand-off-promise.ts';
import { guardedOneByOne, ledgerIsCertain } from './guard-promise.ts';
import { identityKept } from './identity-promise.ts';
import { credentialsAreKept } from './kept-promise.ts';
import {
  brokenIrsaTakesNothing,
  lifeIsNotFailure,
  readyHasAgents,
  unreplacedPodsAreNamed,
  waitsHaveCauses,
} from './life-promises.ts';
import { retiredOnceApproved, revokedStaysRevoked } from './later-promise.ts';
import type { Promised } from './promised.ts';
import { oldSdksAreFound, readyHasCredentials, readyWasStable, workingPodsAreKept } from './ready-promises.ts';
import { refusedBeforehand, rightsSuffice } from './rights-promise.ts';
import type { RunResult } from './run.ts';
import { timeIsNotFailure } from './time-promise.ts';
import { approvedFirst, outcomesArePublished, withinWindow } from './telling-promises.ts';
import { repairIsSafe, retiresOnlyItsOwn, trustStays } from './trust-promises.ts';

export const PROMISES: readonly Promised[] = [
  planFirst,
  neverLost,
  migratedMeansMigrated,
  transientEndsMigrated,
  rollsBackAutomatically,
  timeIsNotFailure,
  lifeIsNotFailure,
  waitsHaveCauses,
  unreplacedPodsAreNamed,
  brokenIrsaTakesNothing,
  associations,
  trustStays,
  repairIsSafe,
  rolesAreGranted,
  retiresOnlyItsOwn,
  revokedStaysRevoked,
  retiredOnceApproved,
  failClosed,
  oneAtATime,
  observeFirst,
  guardedOneByOne,
  ledgerIsCertain,
  verifiedOnPods,
  readyWasStable,
  readyHasCredentials,
  readyHasAgents,
  oldSdksAreFound,
  workingPodsAreKept,
  identityKept,
  credentialsAreKept,
  migratedHaveCredentials,
  nothingElse,
  agentAsAsked,
  thirdPartiesRespected,
  approvedFirst,
  withinWindow,
  outcomesArePublished,
  rightsSuffice,
  refusedBeforehand,
  handOffIsTrue,
  usersAreNamed,
  plansNameUsers,
  keptAnnotationBreaksNothing,
  retiredPairsAreServed,
];

/** Returns the broken promises, each with an explanation. */
export const brokenPromises = async (result: RunResult): Promise<{ promise: string; how: string }[]> => {
  const broken: { promise: string; how: string }[] = [];
  for (const { name, broken: check } of PROMISES)
    for (const how of await check(result)) broken.push({ promise: name, how });
  for (const { service, operation, error } of result.sandbox.failures)
    broken.push({ promise: 'sandbox', how: `${service} ${operation} threw ${String(error)}` });
  return broken;
};
