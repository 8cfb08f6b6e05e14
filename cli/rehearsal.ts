/**
 * Approves plans in the embedded sandbox, which has no other principal: by a flag, by prompting the user, or as recorded
 * in a journal.
 */
import { setTimeout as wallSleep } from 'node:timers/promises';
import { z } from 'zod';
import { approvalDecision } from '../lambdas/domain/approval/approval.ts';
import { requestedBy } from '../lambdas/domain/text/names.ts';
import type { SandboxClock } from '../sandbox/clock/clock.ts';
import type { Backend } from './backend.ts';
import type { Watcher } from './service/follow.ts';
import type { Style } from './text/style.ts';
import { sandboxOf } from './sandbox-of.ts';
import type { Waiting } from './waiting.ts';
import { decide } from './service/decide.ts';
import { decisionCommand, planInShort, waitingLines } from './print/approval.ts';

/** A decision about one round of a migration, in a journal. */
export const rehearsed = approvalDecision.extend({ round: z.number().int().positive(), by: requestedBy });
export type Rehearsed = z.infer<typeof rehearsed>;

/** The user at the terminal plays a second principal, because some rules do not let the requester approve. */
const AT_THE_TERMINAL = 'approver-at-the-terminal';
/** How often, in real time, virtual time is kept from advancing while the user decides. */
const HOLD_MS = 100;

export interface Rehearsal {
  /** Approves each plan as that principal. */
  approveAs?: string | undefined;
  /** Prompts the user; resolves to undefined without an answer. */
  ask?: ((question: string) => Promise<string | undefined>) | undefined;
  say: (text: string) => void;
  /** Resolves once everything so far is drawn. */
  drawn: () => Promise<void>;
  style: Style;
}

/** Waits for something outside of the sandbox. Virtual time stands still meanwhile; other clocks continue. */
const whileTimeStands = async <T>(clock: SandboxClock, work: Promise<T>): Promise<T> => {
  if (clock.kind !== 'virtual') return clock.park(work, { outside: true });
  const done = work.then((value) => ({ value }));
  for (;;) {
    const answer = await Promise.race([done, wallSleep(HOLD_MS)]);
    if (answer) return answer.value;
    // Without this, the clock would consider its threads stuck after a second of processor time, and advance.
    await clock.sleep(0);
  }
};

const aloneLines = ({ migrationId, approval }: Extract<Waiting, { for: 'approval' }>): string[] => [
  `The plan needs an approval, and nobody can give it in this sandbox: the migration ends when the approval expires, at ${approval.expiresAt}.`,
  'With a deployed service, an approver would run:',
  `  ${decisionCommand('approve', migrationId, approval.planHash, { deployed: true })}`,
  'To rehearse it here, add --approve-as NAME, or run it on a terminal, which prompts you.',
];

/** Returns the handler of waits in a sandbox. `note` receives each decision for the journal. */
export const rehearse = (
  backend: Backend,
  { approveAs, ask, say, drawn, style }: Rehearsal,
  note: (made: Rehearsed) => void,
): NonNullable<Watcher['waits']> => {
  const carryOut = async (
    { migrationId, approval: { round, planHash } }: Extract<Waiting, { for: 'approval' }>,
    decision: Rehearsed['decision'],
    by: string,
  ): Promise<void> => {
    await decide(backend, migrationId, { decision, planHash }, by);
    note({ round, decision, planHash, by });
  };
  return async (waiting) => {
    if (waiting.for === 'window') return say(waitingLines(waiting, {}).join('\n'));
    if (approveAs !== undefined) {
      say(`The plan is approved as ${approveAs}.`);
      return carryOut(waiting, 'approve', approveAs);
    }
    if (!ask) return say(aloneLines(waiting).join('\n'));
    if (waiting.plan) say(planInShort(waiting.plan, style).join('\n'));
    const answer = await whileTimeStands(
      sandboxOf(backend).clock,
      drawn().then(() => ask('Approve this plan? [y/N] ')),
    );
    if (answer === undefined) return say(aloneLines(waiting).join('\n'));
    return carryOut(waiting, /^y(es)?$/i.test(answer.trim()) ? 'approve' : 'reject', AT_THE_TERMINAL);
  };
};

/** Returns the handler of waits that repeats the decisions of a journal. */
export const rehearseAgain =
  (backend: Backend, decisions: readonly Rehearsed[]): NonNullable<Watcher['waits']> =>
  async (waiting) => {
    const made =
      waiting.for === 'approval' ? decisions.find(({ round }) => round === waiting.approval.round) : undefined;
    if (made) await decide(backend, waiting.migrationId, { decision: made.decision, planHash: made.planHash }, made.by);
  };
