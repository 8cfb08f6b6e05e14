/** Objects of any kind, as the API server has them: what is read of them is checked where it is read. */
import { z } from 'zod';

/** The managers of fields are most of an object's text, and nobody who reads it this way needs them. */
export const anObject = z
  .looseObject({})
  .transform(({ metadata, ...object }) =>
    typeof metadata === 'object' && metadata !== null && 'managedFields' in metadata
      ? { ...object, metadata: { ...metadata, managedFields: undefined } }
      : { ...object, metadata },
  );
