/** The commands of several people in several processes. */
import { describeCommands } from './commands.ts';
import { byApi } from './served.ts';

describeCommands((served, words) => served.run('pod-identity', words, byApi(served)));
