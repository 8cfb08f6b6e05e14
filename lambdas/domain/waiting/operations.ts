/**
 * Operations on a migration that has ended: a retirement or a reinstatement. They wait for the same approval and change
 * window as a migration, and what is approved is the hash of what they write.
 */
import { z } from 'zod';
import { type ChangeWindow } from '../terms/change-window.ts';
import { areOpen } from './change-windows.ts';
import { waitingFor } from './waiting-for.ts';
import { APPROVAL_HOURS } from '../request/request.ts';
import type { Approval, OperationKind } from '../approval/approval.ts';
import { authenticatedRequester, type Requested } from '../approval/requester.ts';

/** What a record notes about an operation that may have to wait. */
export const heldFields = {
  requester: authenticatedRequester
    .optional()
    .describe('Who requested it. Absent if the requester is not authenticated.'),
  planHash: z
    .string()
    .optional()
    .describe('Hash of what it changes, which an approval is of. Absent if it does not have to wait.'),
  waitingFor: waitingFor.optional().describe('What it waits for before it begins. Absent if it does not wait.'),
};

/** How long an operation waits for its approval: as long as a migration may. */
export const OPERATION_APPROVAL_HOURS = APPROVAL_HOURS.most;

type Held = z.infer<z.ZodObject<typeof heldFields>>;

/** An operation as the record has it. */
export type Operation = Held & {
  id: string;
  state: 'requested' | 'running' | 'ended' | 'refused';
  requestedBy?: string | undefined;
  reason?: string | undefined;
  startedAt: string;
  executionArn?: string | undefined;
};

export type OperationsOf<One extends Operation = Operation> = Partial<Record<OperationKind, One | undefined>>;

/** Returns whether the operation may still begin, or is at work. */
const isOpen = ({ state }: Operation): boolean => state === 'requested' || state === 'running';

/** Returns the operation that an approval is for, if it still waits; `undefined` for the approval of a migration's plan. */
export function operationOf(record: OperationsOf, { operation: kind, planHash }: Approval): Operation | undefined {
  const one = kind && record[kind];
  return one && isOpen(one) && one.planHash === planHash ? one : undefined;
}

/** Returns the operation that waits for an approval or a window. */
export const waitingOperation = ({ retirement }: OperationsOf): Operation | undefined =>
  retirement?.waitingFor && isOpen(retirement) ? retirement : undefined;

/** Returns the request and the requester of a migration as if the requester of an operation on it had requested it. */
export function requestedAs<Record extends Requested>(
  record: Record,
  { requester, requestedBy }: Pick<Operation, 'requester' | 'requestedBy'>,
): Record {
  const { requestedBy: _, ...rest } = record.request;
  const request = requestedBy === undefined ? rest : { ...rest, requestedBy };
  return { ...record, request, requester: requester && { requester, request } };
}

/** What an operation must have before it writes. */
export interface Hold {
  approval: boolean;
  window: boolean;
}

/**
 * Returns what holds an operation back. A reinstatement may end an outage, so it waits for no window: outside the window it
 * needs an approval, even if changes usually need none (ADR 109).
 */
export function holdOf(
  action: 'retire' | 'reinstate',
  { approvals, changeWindow }: { approvals: { required: boolean }; changeWindow?: ChangeWindow | undefined },
  now: number,
): Hold {
  const windows = changeWindow ? [changeWindow] : [];
  return action === 'retire'
    ? { approval: approvals.required, window: windows.length > 0 }
    : { approval: approvals.required || !areOpen(windows, now), window: false };
}

interface Titled {
  migrationId: string;
  retirement?: { action: 'retire' | 'reinstate' } | undefined;
}

/** Returns the name of an operation for the middle of a sentence. */
export const operationTitle = ({ migrationId, retirement }: Titled): string =>
  `${retirement?.action === 'reinstate' ? 'reinstatement' : 'retirement'} of migration ${migrationId}`;
