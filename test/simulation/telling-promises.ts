/** Promises about what comes before a change with an approval or a window, and about what others are told. */
import { isOpen } from '../../lambdas/domain/change-window.ts';
import { changes, migrationOf } from './look.ts';
import { about, type Promised } from './promised.ts';

export const approvedFirst: Promised = {
  name: 'approved-first',
  says: 'Where somebody has to approve, nothing is changed before somebody has, and nothing else than the plan that they approved; a forged approval is none.',
  broken: (result) =>
    result.migrations.flatMap(({ migrationId, record, request }) => {
      if (request.approval !== 'required' || !record) return [];
      const first = changes(result).find((call) => migrationOf(result, call.execution) === migrationId);
      if (!first) return [];
      const { approval: mode = 'given' } = result.spec;
      if (mode !== 'given') return [`${about(first)} although its approval was ${mode}`];
      const last = record.approvals.at(-1);
      if (last?.state !== 'approved') return [`${about(first)} although its last approval is ${last?.state ?? 'missing'}`];
      return [
        ...(last.planHash === record.plan?.hash ? [] : [`${about(first)} by another plan than the one that was approved`]),
        ...((last.decidedAt ?? '') <= first.at ? [] : [`${about(first)} came before the approval`]),
      ];
    }),
};

export const withinWindow: Promised = {
  name: 'begun-within-window',
  says: 'A migration with a change window takes its locks within it, and holds none while it waits.',
  broken: (result) =>
    result.migrations.flatMap(({ migrationId, request: { changeWindow: window } }) => {
      if (!window) return [];
      const { calls } = result.sandbox.world.log;
      const outside = calls.filter((call) => call.step === 'begin' && call.service === 'dynamodb' && call.operation === 'PutItem' && call.status < 300 && migrationOf(result, call.execution) === migrationId && !isOpen(window, Date.parse(call.at)));
      const waiting = calls.find((call) => call.step === 'await-window' && migrationOf(result, call.execution) === migrationId);
      return [...outside.map((call) => `${about(call)} stored the snapshot outside the window`), ...(waiting ? [] : outside.map(() => `${migrationId} did not wait`))];
    }),
};
