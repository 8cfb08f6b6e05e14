/** Approvals in a sandbox of the program's own: by a flag, by who sits there, and as a journal has it. */
import { SendTaskFailureCommand, SendTaskSuccessCommand, SFNClient } from '@aws-sdk/client-sfn';
import { mockClient } from 'aws-sdk-client-mock';
import { beforeEach, describe, expect, it } from 'vitest';
import { rehearse, rehearseAgain, type Rehearsal, type Rehearsed } from '../../cli/approval/embedded.ts';
import type { Backend } from '../../cli/backend.ts';
import type { Waiting } from '../../cli/waiting.ts';
import { PLAIN } from '../../cli/print/style.ts';
import { migrationRequest, newMigration } from '../../lambdas/domain/model.ts';
import { VirtualClock } from '../../sandbox/world/clock.ts';
import { createFakeLedger } from '../lambdas/fake-ledger.ts';
import { HASH, ID, pending } from './api-fixtures.ts';
import { aPlan, TARGET } from './fixtures.ts';
