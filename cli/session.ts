/** Access to a backend for the duration of a command. */
import type { Backend } from './backend.ts';
import type { Io } from './io.ts';
import type { JournalEntry } from './journal.ts';
import { directService, type Service } from './service/service.ts';

/** Access to the service, directly or through its API. */
export interface ServiceSession {
  /** Present if the service's parts are called directly. */
  backend?: Backend;
  /** The requester to record in the ledger, as far as this program decides that. */
  requestedBy: string;
  /** True if AWS is simulated. */
  simulated: boolean;
  /** Runs the command's work. If there is a journal, records the result of `entryOf` in it; work that throws is not recorded. */
  serve<T>(work: (service: Service) => Promise<T>, entryOf?: (result: T) => JournalEntry): Promise<T>;
  close(): Promise<void>;
}

export interface Session extends ServiceSession {
  backend: Backend;
  /**
   * Runs the command's work in a thread of the backend's clock. If there is a journal, records the result of `entryOf`
   * in it after the work; work that throws is not recorded.
   */
  run<T>(work: (backend: Backend) => Promise<T>, entryOf?: (result: T) => JournalEntry): Promise<T>;
}

export const sessionOf = (session: Pick<Session, 'backend' | 'requestedBy' | 'run' | 'close'>): Session => ({
  ...session,
  simulated: session.backend.simulated,
  serve: (work, entryOf) => session.run((backend) => work(directService(backend, session.requestedBy)), entryOf),
});

export interface OpenOptions {
  io: Io;
  /** Nothing on stderr but errors. */
  silent: boolean;
  /** Slows down time for a viewer at a terminal. */
  watched: boolean;
}
