import type { HttpResponse as SmithyResponse } from '@smithy/core/protocols';
import type { HttpRequest as SmithyRequest } from '@smithy/types';

/** An operation as the SDK's protocols take it. */
export interface OperationSchema {
  namespace: string;
  name: string;
  traits: unknown;
  input: unknown;
  output: unknown;
}

/** As much of the SDK's protocols as is used here. */
export interface Protocol {
  getShapeId(): string;
  setSerdeContext(config: object): void;
  serializeRequest(operation: OperationSchema, input: object, context: object): Promise<SmithyRequest>;
  deserializeResponse(operation: OperationSchema, context: object, response: SmithyResponse): Promise<object>;
}
