/** API servers whose answers harm whoever reads them (`apiServer` in `scenario.ts`). */
export type HostileApiServer = 'huge-answers' | 'huge-objects' | 'trickling' | 'fatal';
