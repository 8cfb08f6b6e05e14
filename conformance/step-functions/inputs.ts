/** The inputs of a run: what is requested in which scenario, and what goes wrong meanwhile. All of it follows from a seed. */
import { ERROR_CLASSES, type ErrorName } from '../../lambdas/domain/failures/errors.ts';
import type { SweepRequestInput } from '../../lambdas/domain/sweep/request.ts';
import { FAULT_KINDS, type FaultInput } from '../../sandbox/calls/faults.ts';
import { Random } from '../../sandbox/random.ts';
import { PUBLISHED } from '../kubernetes/scenarios/published.ts';
import type { Asked } from '../kubernetes/scenarios/run.ts';

/** What a function answers in place of its own result: it fails, or never answers. */
export interface AnswerFault {
  /** The first invocation that is affected, counted from 1; the next ones are those of the same function. */
  invocation: number;
  times: number;
  error: string;
  message: string;
  /** Whether the function does its work before. */
  worked: boolean;
}

export const APPROVALS = ['given', 'rejected', 'nobody'] as const;
const FOLLOW_UPS = ['rollback', 'retire', 'reinstate', 'again'] as const;

interface Common {
  seed: number;
  faults: FaultInput[];
  answers: AnswerFault[];
}

export interface MigrationInput extends Common {
  kind: 'migration';
  /** Name of the run whose scenario and changes it has. */
  run: string;
  asked: Asked;
  approval: (typeof APPROVALS)[number];
  /** The migration is cancelled as soon as so many invocations have been answered. */
  cancelAfter?: number;
  /** What follows once everything has ended. */
  afterwards: (typeof FOLLOW_UPS)[number][];
}

export interface SweepInput extends Common {
  kind: 'sweep';
  clusters: number;
  unreachable: boolean;
  request: SweepRequestInput;
  /** Commands, in order, once so many seconds have passed. */
  commands: { afterSeconds: number; command: 'pause' | 'resume' | 'stop' }[];
}

export type Input = MigrationInput | SweepInput;

const pick = <Value>(random: Random, values: readonly Value[]): Value => {
  const value = values[random.integer(values.length)];
  if (value === undefined) throw new Error('The list to pick from is empty.');
  return value;
};
const chance = (random: Random, probability: number): boolean => random.next() < probability;

/** Errors of Lambda and of its runtime, as Step Functions reports them; `No answer` is none: the task's time runs out. */
export const SERVICE_ERRORS = [
  'Lambda.TooManyRequestsException',
  'Lambda.ServiceException',
  'Lambda.AWSLambdaException',
  'Lambda.SdkClientException',
  'Lambda.Unknown',
  'Lambda.ResourceNotReadyException',
  'Runtime.ExitError',
  'Sandbox.Timedout',
  'TypeError',
  'No answer',
] as const;

/** Texts that are hard to quote, to cut and to encode. */
const MESSAGES = [
  'It did not work.',
  '',
  'Expected "ACTIVE", found "C:\\temp\\".',
  'Der Dienst antwortete nicht: „Zeitüberschreitung“ – später erneut.',
  `A long text. ${'0123456789 '.repeat(500)}`,
  '{"errorMessage":"nested","trace":[]}',
  'Line one\nline two\t\u0007 end',
] as const;

const ERRORS = Object.keys(ERROR_CLASSES) as ErrorName[];
/** Retries are used up after 3 to 60 attempts; most faults pass before. */
const TIMES = [1, 1, 1, 2, 3, 5, 12, 70] as const;

const answersOf = (random: Random, likely: number): AnswerFault[] => {
  const answers: AnswerFault[] = [];
  while (answers.length < 3 && chance(random, likely))
    answers.push({
      // Most migrations have 10 to 40 invocations.
      invocation: 1 + random.integer(30),
      times: pick(random, TIMES),
      error: chance(random, 0.45) ? pick(random, SERVICE_ERRORS) : pick(random, ERRORS),
      message: pick(random, MESSAGES),
      worked: chance(random, 0.5),
    });
  return answers;
};

const LAST_CALL = 160;
const faultsOf = (random: Random, likely: number): FaultInput[] => {
  const faults: FaultInput[] = [];
  while (faults.length < 3 && chance(random, likely))
    faults.push({
      kind: pick(random, FAULT_KINDS),
      call: 1 + random.integer(LAST_CALL),
      times: chance(random, 0.8) ? 1 : pick(random, [2, 4, 10]),
    });
  return faults;
};

const migrationOf = (random: Random, seed: number): MigrationInput => {
  const run = pick(random, PUBLISHED);
  const requests = run.acts.flatMap((act) => (act.does === 'migrate' ? [act.asked] : []));
  // The last request of a run is the one that is not blocked.
  const asked: Asked = { ...(chance(random, 0.8) ? requests.at(-1) : pick(random, requests)) };
  if (chance(random, 0.06)) asked.dryRun = true;
  if (chance(random, 0.15)) asked.verification = pick(random, ['injected', 'ready', 'api'] as const);
  if (chance(random, 0.2)) Object.assign(asked, { approval: 'required', approvalHours: 1 });
  // It is 09:00 in all scenarios.
  if (chance(random, 0.06))
    asked.changeWindow = {
      schedule: pick(random, ['15 9 * * *', '0 3 * * *']),
      durationMinutes: pick(random, [15, 120]),
      timeZone: 'UTC',
    };
  const quiet = chance(random, 0.15);
  const afterwards: MigrationInput['afterwards'] = [];
  if (chance(random, 0.25)) afterwards.push(...pick(random, [['retire'], ['retire', 'reinstate']] as const));
  if (chance(random, 0.4)) afterwards.push(pick(random, ['rollback', 'rollback', 'again'] as const));
  return {
    kind: 'migration',
    seed,
    run: run.name,
    asked,
    approval: chance(random, 0.6) ? 'given' : pick(random, APPROVALS),
    ...(chance(random, 0.06) ? { cancelAfter: 1 + random.integer(20) } : {}),
    afterwards,
    faults: quiet ? [] : faultsOf(random, 0.4),
    answers: quiet ? [] : answersOf(random, 0.6),
  };
};

const sweepOf = (random: Random, seed: number): SweepInput => {
  const stopped = chance(random, 0.25);
  return {
    kind: 'sweep',
    seed,
    clusters: 2 + random.integer(2),
    unreachable: chance(random, 0.3),
    request: {
      mode: pick(random, ['inventory', 'plan', 'migrate', 'migrate'] as const),
      // One migration at a time: their order does not depend on the interpreter.
      limits: { canary: 1, concurrency: 1, perAccount: 1, perRegion: 1 },
    },
    commands: stopped
      ? [{ afterSeconds: 30 + random.integer(300), command: pick(random, ['stop', 'pause'] as const) }]
      : [],
    faults: chance(random, 0.3) ? faultsOf(random, 0.4) : [],
    answers: chance(random, 0.7) ? answersOf(random, 0.7) : [],
  };
};

/** Of so many inputs, one is a sweep. */
const SWEEP_EVERY = 12;

/** Returns the input of a seed: the same for the same seed. */
export const inputOfSeed = (seed: number): Input => {
  const random = new Random(seed);
  return seed % SWEEP_EVERY === SWEEP_EVERY - 1 ? sweepOf(random, seed) : migrationOf(random, seed);
};

/** Returns what an input is about, in a few words. */
export const titleOf = (input: Input): string => {
  const about =
    input.kind === 'migration'
      ? [input.run, input.asked.strategy, input.asked.dryRun ? 'dry run' : undefined, ...input.afterwards]
      : [`sweep ${input.request.mode}`, `${input.clusters} clusters`];
  const wrong = [
    ...input.faults.map(({ kind, call }) => `${kind} at call ${call}`),
    ...input.answers.map(({ error, times, invocation }) => `${times} × ${error} at invocation ${invocation}`),
  ];
  return [...about, ...wrong].filter((part) => part !== undefined).join(', ');
};
