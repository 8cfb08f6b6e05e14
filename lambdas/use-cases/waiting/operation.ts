/** The wait of an operation (a retirement or a reinstatement), as the record notes it. */
import type { OperationKind } from '../../domain/approval/approval.ts';
import { type Operation, waitingOperation } from '../../domain/waiting/operations.ts';
import { MigrationError } from '../../domain/failures/errors.ts';
import type { Migration } from '../../domain/record/migration.ts';
import type { WaitingFor } from '../../domain/waiting/waiting-for.ts';
import type { HandlerDependencies, Ledger } from '../../ports/index.ts';
import { closeApproval } from '../approval/close.ts';
import { freeWaitingSlots, operationAsked } from './waiting-slots.ts';

/** What a step that waits for an operation is told: which one, and the execution that carries it out. */
export interface OperationInput {
  operation?: OperationKind | undefined;
  executionArn?: string | undefined;
}

/**
 * Returns the operation of that execution; undefined for the wait of a migration. Throws BadInput if the record has another
 * one by now, or none.
 */
export function operationOfExecution(
  record: Migration,
  { operation: kind, executionArn }: OperationInput,
): Operation | undefined {
  if (kind === undefined) return undefined;
  const { [kind]: operation, migrationId } = record;
  if (operation && operation.executionArn === executionArn && operation.planHash !== undefined) return operation;
  throw new MigrationError(
    'BadInput',
    `The ${kind} of migration ${migrationId} can't wait: its record shows another ${kind}, or none. Nothing was changed. To show the migration: pod-identity show ${migrationId} --deployed`,
  );
}

/** Notes what the operation of the record waits for. Throws Busy if the record was changed meanwhile. */
export async function noteOperationWait(
  ledger: Ledger,
  { migrationId, retirement }: Migration,
  wait: WaitingFor,
): Promise<void> {
  if (retirement && (await ledger.changeRetirement(migrationId, retirement, { ...retirement, waitingFor: wait })))
    return;
  throw new MigrationError(
    'Busy',
    `The record of migration ${migrationId} was changed while its retirement began to wait. The wait is retried.`,
  );
}

/**
 * Ends the wait of the execution's operation: releases its slot, and withdraws the approval that it still waits for. Repeated
 * calls find nothing to do.
 */
export async function endOperationWait(
  { migrationId, executionArn }: { migrationId: string; executionArn: string },
  dependencies: Pick<HandlerDependencies, 'ledger' | 'clock'>,
): Promise<void> {
  const record = await dependencies.ledger.getMigration(migrationId);
  const operation = record && waitingOperation(record);
  if (!record || operation?.executionArn !== executionArn) return;
  await closeApproval(record, dependencies);
  await freeWaitingSlots(operationAsked(record, operation), dependencies);
}
