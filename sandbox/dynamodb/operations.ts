/** The operations that dynalite supports. They are imported one by one, so that the published package's bundle contains them. */
import type { Store } from 'dynalite/db/index.js';
import batchGetItem from 'dynalite/actions/batchGetItem.js';
import batchWriteItem from 'dynalite/actions/batchWriteItem.js';
import createTable from 'dynalite/actions/createTable.js';
import deleteItem from 'dynalite/actions/deleteItem.js';
import deleteTable from 'dynalite/actions/deleteTable.js';
import describeTable from 'dynalite/actions/describeTable.js';
import describeTimeToLive from 'dynalite/actions/describeTimeToLive.js';
import getItem from 'dynalite/actions/getItem.js';
import listTables from 'dynalite/actions/listTables.js';
import listTagsOfResource from 'dynalite/actions/listTagsOfResource.js';
import putItem from 'dynalite/actions/putItem.js';
import query from 'dynalite/actions/query.js';
import scan from 'dynalite/actions/scan.js';
import tagResource from 'dynalite/actions/tagResource.js';
import untagResource from 'dynalite/actions/untagResource.js';
import updateItem from 'dynalite/actions/updateItem.js';
import updateTable from 'dynalite/actions/updateTable.js';
import * as batchGetItemInput from 'dynalite/validations/batchGetItem.js';
import * as batchWriteItemInput from 'dynalite/validations/batchWriteItem.js';
import * as createTableInput from 'dynalite/validations/createTable.js';
import * as deleteItemInput from 'dynalite/validations/deleteItem.js';
import * as deleteTableInput from 'dynalite/validations/deleteTable.js';
import * as describeTableInput from 'dynalite/validations/describeTable.js';
import * as describeTimeToLiveInput from 'dynalite/validations/describeTimeToLive.js';
import * as getItemInput from 'dynalite/validations/getItem.js';
import * as listTablesInput from 'dynalite/validations/listTables.js';
import * as listTagsOfResourceInput from 'dynalite/validations/listTagsOfResource.js';
import * as putItemInput from 'dynalite/validations/putItem.js';
import * as queryInput from 'dynalite/validations/query.js';
import * as scanInput from 'dynalite/validations/scan.js';
import * as tagResourceInput from 'dynalite/validations/tagResource.js';
import * as untagResourceInput from 'dynalite/validations/untagResource.js';
import * as updateItemInput from 'dynalite/validations/updateItem.js';
import * as updateTableInput from 'dynalite/validations/updateTable.js';

export interface Validation {
  types: object;
  custom?: unknown;
}
export type Run = (store: Store, input: object, done: (error: unknown, output?: object) => void) => void;

export interface Operation {
  validation: Validation;
  run: Run;
}

/** dynalite 4.0.0, index.js: validOperations. */
export const operations = {
  BatchGetItem: { run: batchGetItem, validation: batchGetItemInput },
  BatchWriteItem: { run: batchWriteItem, validation: batchWriteItemInput },
  CreateTable: { run: createTable, validation: createTableInput },
  DeleteItem: { run: deleteItem, validation: deleteItemInput },
  DeleteTable: { run: deleteTable, validation: deleteTableInput },
  DescribeTable: { run: describeTable, validation: describeTableInput },
  DescribeTimeToLive: { run: describeTimeToLive, validation: describeTimeToLiveInput },
  GetItem: { run: getItem, validation: getItemInput },
  ListTables: { run: listTables, validation: listTablesInput },
  ListTagsOfResource: { run: listTagsOfResource, validation: listTagsOfResourceInput },
  PutItem: { run: putItem, validation: putItemInput },
  Query: { run: query, validation: queryInput },
  Scan: { run: scan, validation: scanInput },
  TagResource: { run: tagResource, validation: tagResourceInput },
  UntagResource: { run: untagResource, validation: untagResourceInput },
  UpdateItem: { run: updateItem, validation: updateItemInput },
  UpdateTable: { run: updateTable, validation: updateTableInput },
} satisfies Record<string, Operation>;
export type OperationName = keyof typeof operations;
