import type { HttpResponse as SmithyResponse } from '@smithy/core/protocols';
import type { HttpRequest as SmithyRequest } from '@smithy/types';

/** An operation in the form that the SDK's protocols accept. */
export interface OperationSchema {
  namespace: string;
  name: string;
  traits: unknown;
  input: unknown;
  output: unknown;
}

/** The part of the SDK's protocols that is used here. */
export interface Protocol {
  getShapeId(): string;
  setSerdeContext(config: object): void;
  serializeRequest(operation: OperationSchema, input: object, context: object): Promise<SmithyRequest>;
  deserializeResponse(operation: OperationSchema, context: object, response: SmithyResponse): Promise<object>;
}
