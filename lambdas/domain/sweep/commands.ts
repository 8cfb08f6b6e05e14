/** Decides which commands a sweep accepts in its current state: pause, resume and stop. */
import type { Sweep, SweepCommand } from './model.ts';

/**
 * The state of its last execution. `over`: it has ended, was stopped, or never started. `settling`: it was just
 * stopped,
 * and one of its Lambda functions may still be running.
 */
export type SweepExecution = 'running' | 'settling' | 'over';

/**
 * `refused`: why the command is refused. Otherwise it is recorded, and the dispatcher follows it at its next poll.
 * `restart`: an execution must be started for that. `reset`: its failures are reset, and the waves start small again.
 */
export type CommandVerdict = { refused: string } | { refused?: undefined; restart: boolean; reset: boolean };

type Asked = SweepCommand['command'];

const NOTED: CommandVerdict = { restart: false, reset: false };

function ofEnded({ outcome }: Sweep, asked: Asked): CommandVerdict {
  if (asked !== 'resume') return { refused: `it has ended ${outcome ?? ''}, so there is nothing to ${asked}` };
  if (outcome === 'completed')
    return {
      refused: 'it has completed, so there is nothing to resume. To inspect the fleet again, start another sweep',
    };
  if (outcome === 'incomplete')
    return {
      refused:
        'it has inspected what could be inspected, so there is nothing to resume. To inspect the rest, correct what its report names, then start another sweep',
    };
  return { restart: true, reset: true };
}

function ofResume({ status, command }: Sweep, execution: SweepExecution): CommandVerdict {
  if (execution === 'over') return { restart: true, reset: status === 'stopping' };
  if (execution === 'settling')
    return {
      refused: 'its execution was just stopped, and may still be starting migrations. Try again in two minutes',
    };
  if (status === 'stopping')
    return { refused: 'it is stopping. Resume it once the migrations in flight have ended and it has stopped' };
  return status === 'paused' || command?.command === 'pause' ? NOTED : { refused: 'it is running already' };
}

/** Decides whether the sweep accepts a command now, and what is needed to follow it. */
export function judgeCommand(sweep: Sweep, asked: Asked, execution: SweepExecution): CommandVerdict {
  if (sweep.status === 'ended') return ofEnded(sweep, asked);
  if (asked === 'resume') return ofResume(sweep, execution);
  if (sweep.request.mode === 'inventory')
    return { refused: `it is an inventory, which starts no migrations: there is nothing to ${asked}` };
  if (sweep.status === 'stopping') return { refused: 'it is already stopping: no more migrations are started' };
  if (sweep.phase === 'report')
    return { refused: `all its migrations have ended, and it is writing its report: there is nothing to ${asked}` };
  // An execution is needed to end the sweep.
  return { restart: asked === 'stop' && execution === 'over', reset: false };
}
