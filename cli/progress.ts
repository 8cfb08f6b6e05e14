/** Shows live progress on stderr: one listr2 task per step, with the time that passed in the migration's world. */
import {
  Listr,
  ListrLogger,
  type ListrTaskWrapper,
  ProcessOutput,
  type DefaultRenderer,
  type SimpleRenderer,
} from 'listr2';
import { classOf } from '../lambdas/domain/failures/errors.ts';
import type { StepProgress } from './history.ts';
import type { Output } from './io.ts';
import { duration } from './text/duration.ts';
import { stepTitle } from './step-names.ts';
import { streamOf } from './terminal.ts';

export interface Progress {
  /** Shows the current steps; never waits. */
  update: (steps: readonly StepProgress[]) => void;
  /** Prints a text between the steps. */
  say: (text: string) => void;
  /** Resolves when everything so far is drawn. */
  drawn: () => Promise<void>;
  /** Resolves when everything is drawn. */
  close: () => Promise<void>;
}

export const silentProgress: Progress = {
  update: () => {},
  say: () => {},
  drawn: () => Promise.resolve(),
  close: () => Promise.resolve(),
};

/** Returns the result of the work once all its progress is drawn. */
export const shownBy = async <T>(progress: Pick<Progress, 'close'>, work: Promise<T>): Promise<T> => {
  try {
    return await work;
  } finally {
    await progress.close();
  }
};

type Task = ListrTaskWrapper<unknown, typeof DefaultRenderer, typeof SimpleRenderer>;

interface Line {
  task?: Pick<Task, 'title' | 'output'>;
  latest: StepProgress;
  finish(step: StepProgress): void;
}

const titleOf = ({ name }: StepProgress): string => stepTitle(name);

const took = (step: StepProgress, endedAt: Date, simulated: boolean): string => {
  const time = duration(endedAt.getTime() - step.startedAt.getTime());
  return `${time}${simulated ? ' simulated' : ''}${step.tries > 1 ? `, ${step.tries} tries` : ''}`;
};

const isWaiting = (error: string): boolean => classOf(error) === 'waiting';

const note = ({ error, tries }: StepProgress): string =>
  error ? `${isWaiting(error) ? 'not yet' : 'retrying'}: ${error} (attempt ${tries})` : '';

/** Starts the progress. Each step is a list of one task, because steps are known only when they begin. */
export const startProgress = (output: Output, options: { simulated: boolean }): Progress => {
  if (output.detail === 'quiet') return { ...silentProgress, say: (text) => void output.write(`${text}\n`) };
  const lines = new Map<number, Line>();
  let drawn = Promise.resolve();

  const begin = (step: StepProgress): Line => {
    const { promise, resolve } = Promise.withResolvers<StepProgress>();
    const line: Line = { latest: step, finish: resolve };
    drawn = drawn.then(() => draw(output, options.simulated, line, promise));
    return line;
  };

  return {
    update(steps) {
      for (const step of steps) {
        const line = lines.get(step.id) ?? begin(step);
        lines.set(step.id, line);
        line.latest = step;
        if (step.endedAt) line.finish(step);
        else if (line.task && output.isTTY) line.task.output = note(step);
      }
    },
    say(text) {
      drawn = drawn.then(() => void output.write(`${text}\n`));
    },
    drawn: () => drawn,
    close() {
      for (const line of lines.values()) line.finish(line.latest);
      return drawn;
    },
  };
};

const draw = (output: Output, simulated: boolean, line: Line, ended: Promise<StepProgress>): Promise<void> =>
  drawTask(output, titleOf(line.latest), async (task) => {
    line.task = task;
    const step = await ended;
    // Without an end, following was stopped or the execution has stopped.
    task.title = `${titleOf(step)} (${step.endedAt ? took(step, step.endedAt, simulated) : 'still running'})`;
    if (step.error) throw new Error(step.error);
  });

/** Draws one task as a separate list until `work` ends; shows what it throws. */
export const drawTask = async (
  output: Output,
  title: string,
  work: (task: Pick<Task, 'title' | 'output'>) => Promise<void>,
): Promise<void> => {
  // listr2 types its stream as a terminal's, but only writes to it, and on a terminal reads `columns`.
  const stream = streamOf(output) as unknown as NodeJS.WriteStream;
  const logger = new ListrLogger<never>({ useIcons: true, processOutput: new ProcessOutput(stream, stream) });
  const list = new Listr<unknown, 'default' | 'simple'>([{ title, task: (_context, task) => work(task) }], {
    // A terminal without a known width, as in some pipelines, cannot be redrawn.
    renderer: output.isTTY && output.columns !== 0 ? 'default' : 'simple',
    rendererOptions: { logger, collapseErrors: false },
    // listr2's own choice of renderer depends on stdout, which may be piped while stderr is not.
    fallbackRendererCondition: false,
    silentRendererCondition: false,
    exitOnError: false,
    registerSignalListeners: false,
  });
  await list.run();
};
