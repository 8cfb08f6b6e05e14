/** Time as the steps see it: the system's time, or the sandbox's scaled or virtual time. */
export interface Clock {
  /** Returns milliseconds since 1970, UTC. */
  now(): number;
  /** Resolves after a number of milliseconds of this clock's time. */
  sleep(milliseconds: number): Promise<void>;
}

/** Generates ids; seeded in the sandbox, so that a run can be repeated. */
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
  /** Records a duration or an age. */
  seconds(metric: string, value: number): void;
}
