import { describeCommands, inThisProcess } from './commands.ts';

describeCommands(inThisProcess);
