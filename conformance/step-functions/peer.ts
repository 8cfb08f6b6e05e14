/** The process that runs moto's interpreter, and the conversation with it: one JSON line for each question and answer. */
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Outside } from '../../sandbox/clock/clock.ts';

/** What a session of the interpreter asks for, or how it has ended. */
export interface Question {
  /** The session's id. */
  from: number;
  kind: string;
  [detail: string]: unknown;
}

/** The process ended, or failed in a way that is no result of an execution. */
class PeerError extends Error {
  override readonly name = 'PeerError';
}

const LAUNCHER = join(import.meta.dirname, 'moto/launcher.py');

/** Lines of the process's errors that are kept to explain its end. */
const LAST_LINES = 20;

export class Peer {
  /** Tells the clock of a sandbox that time stands still while the interpreter works. */
  readonly outside: Outside = {
    isBusy: () => this.working > 0,
    nextEvent: () => undefined,
    happen: () => {},
  };
  private readonly child: ChildProcess;
  private readonly errors: string[] = [];
  private working = 0;
  private sessions = 0;
  private waiting:
    | { session: number; resolve: (question: Question) => void; reject: (error: Error) => void }
    | undefined;
  private turn: Promise<unknown> = Promise.resolve();
  private failure: PeerError | undefined;

  constructor(python: string) {
    // The interpreter must not depend on this machine's settings for AWS.
    this.child = spawn(python, [LAUNCHER], {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { PATH: process.env['PATH'], PYTHONUNBUFFERED: '1', PYTHONDONTWRITEBYTECODE: '1', PYTHONHASHSEED: '0' },
    });
    if (!this.child.stdout || !this.child.stderr) throw new Error('The interpreter has no output.');
    createInterface({ input: this.child.stdout }).on('line', (line) => this.receive(line));
    createInterface({ input: this.child.stderr }).on('line', (line) => {
      this.errors.push(line);
      this.errors.splice(0, this.errors.length - LAST_LINES);
    });
    this.child.on('error', (error) => this.fail(`could not be started: ${error.message}`));
    this.child.on('close', (code) => this.fail(`ended with exit code ${code ?? 'none'}`));
  }

  /** Returns the id of a new session. */
  open(): number {
    this.sessions += 1;
    return this.sessions;
  }

  /**
   * Sends a message and returns what its session asks next. Only one session is at work at a time: the order in which
   * they continue is the order of these calls. Throws PeerError if the process has ended.
   */
  async exchange(session: number, message: object): Promise<Question> {
    this.working += 1;
    const before = this.turn;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.turn = promise;
    try {
      await before;
      return await this.send(session, message);
    } finally {
      this.working -= 1;
      resolve();
    }
  }

  /** Ends the process. */
  close(): void {
    this.failure ??= new PeerError('The interpreter was closed.');
    this.child.kill();
  }

  private send(session: number, message: object): Promise<Question> {
    const { promise, resolve, reject } = Promise.withResolvers<Question>();
    if (this.failure) return Promise.reject(this.failure);
    this.waiting = { session, resolve, reject };
    this.child.stdin?.write(`${JSON.stringify(message)}\n`);
    return promise;
  }

  private receive(line: string): void {
    const question = JSON.parse(line) as Question;
    const { waiting } = this;
    if (waiting?.session !== question.from) {
      this.fail(`spoke out of turn: ${line.slice(0, 300)}`);
      return;
    }
    this.waiting = undefined;
    if (question.kind === 'broken')
      waiting.reject(new PeerError(`moto's interpreter failed outside of the language:\n${String(question['text'])}`));
    else waiting.resolve(question);
  }

  private fail(how: string): void {
    this.failure ??= new PeerError(`moto's interpreter ${how}.\n${this.errors.join('\n')}`);
    this.waiting?.reject(this.failure);
    this.waiting = undefined;
  }
}
