/** Limits of Step Functions. Source: Step Functions Developer Guide, "Step Functions service quotas". */

/** Bytes of a state's input or output, and of the variables that one Assign sets, as UTF-8 JSON. */
export const MAX_PAYLOAD_BYTES = 262_144;
/** Bytes of all variables of an execution: "Passing data between states with variables", limits. */
export const MAX_VARIABLES_BYTES = 10 * 1024 * 1024;
/** Characters of a definition: Step Functions API Reference, CreateStateMachine. */
export const MAX_DEFINITION = 1_048_576;
/** Events in a history, including the one that ends the execution. */
export const MAX_EVENTS = 25_000;

export const bytesOf = (value: unknown): number => Buffer.byteLength(JSON.stringify(value ?? null));
