import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ERROR_CLASSES } from '../../../../lambdas/domain/failures/errors.ts';
import { failureKind, ONWARD, onwardFrom } from '../../../../lambdas/domain/failures/routing.ts';
import type { Onward } from '../../../../lambdas/domain/failures/routing.ts';
import { STAGE_OF, type StepOfChange } from '../../../../lambdas/domain/steps/work.ts';

const STEPS = Object.keys(STAGE_OF) as StepOfChange[];
/** Ours, and what nobody has foreseen: a defect, an error of Step Functions, a name of JavaScript. */
const ERRORS = [...Object.keys(ERROR_CLASSES), 'TypeError', 'States.DataLimitExceeded', 'toString'];
const ALL = STEPS.flatMap((step) => ERRORS.map((error) => ({ step, error, onward: onwardFrom(step, error) })));

/** The table of docs/runbook.md, case by case. */
const CASES: [string, StepOfChange, string, Onward][] = [
  ['a create that EKS has no time for, over preserved objects', 'create-addon', 'ServiceUnavailable', 'hold'],
  ['a create that is throttled', 'create-addon', 'Throttled', 'hold'],
  ['a key that EKS has not freed yet', 'create-addon', 'AssociationStillThere', 'hold'],
  ['a create for which a right is missing: one with the role needs fewer', 'create-addon', 'AccessDenied', 'back'],
  ['a create that EKS refuses', 'create-addon', 'InvalidRequest', 'back'],
  ['a role that may not be given any more', 'update-addon', 'RoleNotGranted', 'back'],
  ['a conflicting association of another principal', 'update-addon', 'AssociationChanged', 'back'],
  ['a delete for which a right is missing', 'delete-addon', 'AccessDenied', 'back'],
  ['an association that a right is missing for', 'create-association', 'AccessDenied', 'back'],
  ['session tags that could not be carried over', 'carry-over', 'AccessDenied', 'back'],
  ['an add-on that fails', 'await-active', 'AddonFailed', 'back'],
  ['an add-on that EKS works on', 'await-active', 'AddonNotActive', 'hold'],
  ['a look at the add-on that is denied, with its associations in place', 'await-active', 'AccessDenied', 'hold'],
  ['a look at the pods that is denied', 'verify-pods', 'AccessDenied', 'hold'],
  ['pods that have not settled', 'verify-pods', 'PodsNotSettled', 'hold'],
  ['an API server that refuses', 'verify-pods', 'ApiServerDenied', 'hold'],
  ['pods that fail with EKS Pod Identity', 'verify-pods', 'PodsFailing', 'back'],
  ['pods that no agent serves', 'verify-pods', 'AgentMissing', 'back'],
  ['observed pods that no agent serves any more', 'confirm-ready', 'AgentMissing', 'back'],
  ['pods that do not take it', 'verify-pods', 'PodsOnWrongIdentity', 'back'],
  ['an association that another principal has deleted', 'verify-pods', 'AssociationChanged', 'back'],
  ['a defect in the look at the pods', 'verify-pods', 'TypeError', 'person'],
  ['a ledger that has another plan by now', 'verify-pods', 'BadInput', 'person'],
  ['observed pods that cannot be read', 'confirm-ready', 'ServiceUnavailable', 'hold'],
  ['observed pods that may not be read', 'confirm-ready', 'AccessDenied', 'hold'],
  ['observed pods that restart again and again', 'confirm-ready', 'PodsFailing', 'back'],
  ['an association that is deleted while its pods are observed', 'confirm-ready', 'AssociationChanged', 'back'],
  ['an add-on that fails while its pods are observed', 'confirm-ready', 'AddonFailed', 'back'],
  ['a defect in the observation of verified pods', 'confirm-ready', 'TypeError', 'forward'],
  ['a person who cancels while the pods are observed', 'confirm-ready', 'Cancelled', 'back'],
  ['a restart that is refused: the pods that run keep what they have', 'restart-pods', 'InvalidRequest', 'back'],
  ['a person who cancels', 'verify-pods', 'Cancelled', 'back'],
  ['a lock that another execution holds', 'verify-pods', 'LockLost', 'person'],
  ['an annotation that stays, with verified pods', 'annotate-service-account', 'AccessDenied', 'forward'],
  ['a service account that another one has changed', 'annotate-service-account', 'ServiceAccountChanged', 'forward'],
  ['verified pods whose association is gone', 'annotate-service-account', 'AssociationChanged', 'back'],
  ['a person who cancels, with verified pods', 'annotate-service-account', 'Cancelled', 'back'],
];

describe('onwardFrom', () => {
  it.each(CASES)('%s', (_what, step, error, onward) => expect(onwardFrom(step, error)).toBe(onward));

  it('holds for errors that may resolve with time, at every stage', () => {
    const ends = ALL.filter(({ error }) => failureKind(error) === 'time').map(({ onward }) => onward);
    expect(new Set(ends)).toEqual(new Set(['hold']));
  });

  it('rolls back existing associations only if pods, EKS or another principal made it fail, or a person asks', () => {
    const back = ALL.filter(({ step, onward }) => STAGE_OF[step] === 'associated' && onward === 'back');
    expect(new Set(back.map(({ error }) => failureKind(error)))).toEqual(new Set(['pods', 'eks', 'others', 'asked']));
  });

  it('continues only with verified pods', () => {
    const forward = ALL.filter(({ onward }) => onward === 'forward');
    expect(new Set(forward.map(({ step }) => STAGE_OF[step]))).toEqual(new Set(['injected', 'verified']));
  });

  it('follows a cancel request, and leaves another execution’s work unchanged', () => {
    for (const step of STEPS)
      expect([onwardFrom(step, 'Cancelled'), onwardFrom(step, 'LockLost')]).toEqual(['back', 'person']);
  });

  it('does not mistake a JavaScript property for an error of the service', () =>
    expect(failureKind('constructor')).toBe('unexpected'));
});

it('docs/runbook.md has the same table', () => {
  const text = readFileSync(join(import.meta.dirname, '..', '../../../docs/runbook.md'), 'utf8');
  const [head = '', , ...rows] = text.split('## Forward, back, or a person')[1]!.match(/^\|.*\|$/gm)!;
  const cells = (row: string): string[] =>
    row
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim().replaceAll('`', ''));
  const kinds = cells(head).slice(1);
  const written = rows.slice(0, Object.keys(ONWARD).length).map((row) => {
    const [stage = '', ...onward] = cells(row);
    return [stage, Object.fromEntries(kinds.map((kind, index) => [kind, onward[index]]))];
  });
  expect(Object.fromEntries(written)).toEqual(ONWARD);
});
