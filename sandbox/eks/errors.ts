/** EKS's errors. Messages and statuses are as reported by users; the source is named where an error is thrown. */
import type { HttpResponse } from '../http.ts';

const STATUS = {
  AccessDeniedException: 403,
  BadRequestException: 400,
  InvalidParameterException: 400,
  InvalidRequestException: 400,
  NotFoundException: 404,
  ResourceInUseException: 409,
  ResourceLimitExceededException: 400,
  ResourceNotFoundException: 404,
  // Not in EKS's model: AWS's front end returns these for every REST JSON service.
  SerializationException: 400,
  UnknownOperationException: 404,
  // Specific to the sandbox: EKS has the operation, but the sandbox does not implement it.
  NotImplemented: 501,
  InternalFailure: 500,
} as const;
export type EksErrorName = keyof typeof STATUS;

/** Members of an error in addition to its message. */
export interface ErrorFields {
  clusterName?: string;
  addonName?: string;
}

/** An error that the caller receives as an EKS error response. */
export class EksError extends Error {
  override readonly name: EksErrorName;
  readonly status: number;
  readonly fields: ErrorFields;
  constructor(name: EksErrorName, message: string, fields: ErrorFields = {}) {
    super(message);
    this.name = name;
    this.status = STATUS[name];
    this.fields = fields;
  }
}

/** Returns a REST JSON error response: the name in a header, the rest in the body. */
export const errorAnswer = (error: EksError, requestId: string): HttpResponse => ({
  status: error.status,
  headers: { 'content-type': 'application/json', 'x-amzn-requestid': requestId, 'x-amzn-errortype': error.name },
  body: JSON.stringify({ ...error.fields, message: error.message }),
});
