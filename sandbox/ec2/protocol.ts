/**
 * EC2's Query protocol: lists without `member`, items in `<item>`, results without a wrapper, and its own errors.
 * Specification: https://smithy.io/2.0/aws/protocols/aws-ec2-query-protocol.html.
 */
import type { HttpResponse } from '../http.ts';
import { QueryError, toXml, type XmlValue } from '../iam/query-protocol.ts';
import type { QueryFormat } from '../iam/query-service.ts';

export const ec2Refusal = (status: number, code: string, message: string, requestId: string): HttpResponse => ({
  status,
  headers: { 'content-type': 'text/xml;charset=UTF-8', 'x-amzn-requestid': requestId },
  body: `<?xml version="1.0" encoding="UTF-8"?>\n<Response><Errors><Error>${toXml({ Code: code, Message: message })}</Error></Errors><RequestID>${requestId}</RequestID></Response>`,
});

/** EC2 API reference, "Error codes", UnauthorizedOperation. */
const UNAUTHORIZED = 'You are not authorized to perform this operation.';

export const EC2_FORMAT: QueryFormat = {
  answer: ({ namespace }, action, result, requestId) => ({
    status: 200,
    headers: { 'content-type': 'text/xml;charset=UTF-8', 'x-amzn-requestid': requestId },
    body: `<?xml version="1.0" encoding="UTF-8"?>\n<${action}Response xmlns="${namespace}"><requestId>${requestId}</requestId>${toXml(result, 'item')}</${action}Response>`,
  }),
  refuse: ec2Refusal,
  // Reports of users have text and status. Actions that only describe have no resource, and errors name none.
  denied: ({ message, named = '*' }) => ({
    code: 'UnauthorizedOperation',
    message: `${UNAUTHORIZED} ${message.replace(` on resource: ${named}`, '')}`,
  }),
  wrongVersion: (_action, version) => ({
    code: 'NoSuchVersion',
    message: `The requested version (${version}) of service AmazonEC2 does not exist`,
  }),
};

export const invalidValue = (message: string): QueryError => new QueryError(400, 'InvalidParameterValue', message);

/** Returns the values of a list: `NAME.1`, `NAME.2`, … */
export const valuesOf = (parameters: Map<string, string>, name: string): string[] => {
  const values: string[] = [];
  for (
    let value = parameters.get(`${name}.1`);
    value !== undefined;
    value = parameters.get(`${name}.${values.length + 1}`)
  )
    values.push(value);
  return values;
};

/** Returns the filters of a request: `Filter.1.Name`, `Filter.1.Value.1`, … */
export const filtersOf = (parameters: Map<string, string>): { name: string; values: string[] }[] => {
  const filters: { name: string; values: string[] }[] = [];
  for (
    let name = parameters.get('Filter.1.Name');
    name !== undefined;
    name = parameters.get(`Filter.${filters.length + 1}.Name`)
  )
    filters.push({ name, values: valuesOf(parameters, `Filter.${filters.length + 1}.Value`) });
  return filters;
};

export const tagSet = (tags: Record<string, string>): XmlValue =>
  Object.entries(tags).map(([key, value]) => ({ key, value }));
