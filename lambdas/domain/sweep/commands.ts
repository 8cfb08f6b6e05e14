/** What may be asked of a sweep, by the state that it is in: pause, resume and stop. */
import type { Sweep, SweepCommand } from './model.ts';

/**
 * Its last execution: `over` where it has ended, was stopped, or never began; `settling`: it was stopped a moment ago,
 * and a Lambda of it may still be at work.
 */
export type SweepExecution = 'running' | 'settling' | 'over';

/**
 * `refused`: why the command makes no sense. Otherwise it is noted, and the dispatcher heeds it at its next look;
 * `restart`: an execution has to be started for that; `anew`: what it failed by is forgotten, and the waves begin small
 * again.
 */
export type CommandVerdict = { refused: string } | { refused?: undefined; restart: boolean; anew: boolean };

type Asked = SweepCommand['command'];

const NOTED: CommandVerdict = { restart: false, anew: false };

function ofEnded({ outcome }: Sweep, asked: Asked): CommandVerdict {
  if (asked !== 'resume') return { refused: `it has ended ${outcome ?? ''}, so there is nothing to ${asked}` };
  if (outcome === 'completed')
    return { refused: 'it has completed, so there is nothing to resume. Start another sweep to look again' };
  return { restart: true, anew: true };
}

function ofResume({ status, command }: Sweep, execution: SweepExecution): CommandVerdict {
  if (execution === 'over') return { restart: true, anew: status === 'stopping' };
  if (execution === 'settling')
    return {
      refused:
        'its execution was stopped a moment ago, and may still be starting migrations. Say it again in two minutes',
    };
  if (status === 'stopping')
    return { refused: 'it is stopping. Resume it once the migrations in flight have ended and it has stopped' };
  return status === 'paused' || command?.command === 'pause' ? NOTED : { refused: 'it is running already' };
}

/** Whether that may be asked of the sweep now, and what has to be done about it. */
export function judgeCommand(sweep: Sweep, asked: Asked, execution: SweepExecution): CommandVerdict {
  if (sweep.status === 'ended') return ofEnded(sweep, asked);
  if (asked === 'resume') return ofResume(sweep, execution);
  if (sweep.request.mode === 'inventory')
    return { refused: `it is an inventory, which begins no migration: there is nothing to ${asked}` };
  if (sweep.status === 'stopping') return { refused: `it is stopping already: nothing more is begun` };
  if (sweep.phase === 'report')
    return { refused: `all that it had to begin has ended, and it writes its report: there is nothing to ${asked}` };
  // Somebody has to see to it that it ends.
  return { restart: asked === 'stop' && execution === 'over', anew: false };
}
