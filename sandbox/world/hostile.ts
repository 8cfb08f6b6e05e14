/** API servers whose answers harm the process that reads them (`apiServer` in `scenario.ts`). */
export type HostileApiServer = 'huge-answers' | 'huge-objects' | 'trickling' | 'fatal';
