/**
 * Approving in the embedded sandbox, where nobody else is there to do it: by a flag, by asking whoever sits there, or
 * as a journal has it.
 */
import { setTimeout as wallSleep } from 'node:timers/promises';
import { z } from 'zod';
import { approvalDecision } from '../../lambdas/domain/approval/approval.ts';
import { requestedBy } from '../../lambdas/domain/migration/model.ts';
import type { SandboxClock } from '../../sandbox/world/clock.ts';
import type { Backend } from '../backend.ts';
import type { Watcher } from '../follow.ts';
import type { Style } from '../print/style.ts';
import { sandboxOf } from '../sandbox-of.ts';
import type { Waiting } from '../waiting.ts';
import { decide } from './decide.ts';
import { decisionCommand, planInShort, waitingLines } from './print.ts';

/** One decision of a migration in a journal: of that round. */
export const rehearsed = approvalDecision.extend({ round: z.number().int().positive(), by: requestedBy });
export type Rehearsed = z.infer<typeof rehearsed>;

/**
 * Whoever sits at the terminal stands for a second person: the first one, who asked, may not approve under every rule.
 */
const AT_THE_TERMINAL = 'approver-at-the-terminal';
/** How often virtual time is told, by the wall, that somebody is still thinking. */
const HOLD_MS = 100;

export interface Rehearsal {
  /** Approves each plan as that principal. */
  approveAs?: string | undefined;
  /** Asks whoever sits there; `undefined`: they did not answer. */
  ask?: ((question: string) => Promise<string | undefined>) | undefined;
  say: (text: string) => void;
  /** Resolves once all that was said is drawn. */
  drawn: () => Promise<void>;
  style: Style;
}

/** Waits for something outside of the sandbox while virtual time stands still, and other time goes on. */
const whileTimeStands = async <T>(clock: SandboxClock, work: Promise<T>): Promise<T> => {
  if (clock.kind !== 'virtual') return clock.park(work, { outside: true });
  const done = work.then((value) => ({ value }));
  for (;;) {
    const answer = await Promise.race([done, wallSleep(HOLD_MS)]);
    if (answer) return answer.value;
    // A clock that hears nothing for a second of the processor's time takes its threads for stuck, and goes on.
    await clock.sleep(0);
  }
};

const aloneLines = ({ migrationId, approval }: Extract<Waiting, { for: 'approval' }>): string[] => [
  `The plan has to be approved, and in this sandbox nobody is there to do it: it ends when the approval expires, at ${approval.expiresAt}.`,
  'With a deployed service somebody would type:',
  `  ${decisionCommand('approve', migrationId, approval.planHash, { deployed: true })}`,
  'To rehearse it here: add --approve-as NAME, or run it on a terminal, where you are asked.',
];

/** Of a migration that is followed in a sandbox. `note`: told of each decision, for the journal. */
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

/** Decides as it was decided when the journal was written. */
export const rehearseAgain =
  (backend: Backend, decisions: readonly Rehearsed[]): NonNullable<Watcher['waits']> =>
  async (waiting) => {
    const made =
      waiting.for === 'approval' ? decisions.find(({ round }) => round === waiting.approval.round) : undefined;
    if (made) await decide(backend, waiting.migrationId, { decision: made.decision, planHash: made.planHash }, made.by);
  };
