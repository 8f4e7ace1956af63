import { createOpencodeClient } from '@opencode-ai/sdk/v2/client';
import type { OpencodeClient } from '@opencode-ai/sdk/v2/client';
import { addressOf } from '../../../shared/backends/opencode/client.ts';
import type { ServerRecord } from '../../../shared/backends/opencode/server-record.ts';

/** The SDK's own client, for calls that only tests make. */
export function sdkClient({ port, password }: ServerRecord): OpencodeClient {
  return createOpencodeClient(addressOf(port, password));
}
