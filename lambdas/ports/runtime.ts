/** Time, as the steps see it: the system's, or the sandbox's scaled or virtual one. */
export interface Clock {
  /** Milliseconds since 1970, UTC. */
  now(): number;
  /** Resolves after that many milliseconds of this clock's time. */
  sleep(milliseconds: number): Promise<void>;
}

/** Makes ids; seeded in the sandbox, so that a run can be replayed. */
export interface Ids {
  ulid(): string;
}

export type LogFields = Record<string, unknown>;
export interface Log {
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}

/** Log lines and measurements; Powertools in a Lambda, a collector in the sandbox. */
export interface Telemetry {
  log: Log;
  count(metric: string, value?: number): void;
  /** A duration or an age. */
  seconds(metric: string, value: number): void;
}
