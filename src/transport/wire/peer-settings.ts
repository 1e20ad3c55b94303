import { ConnectionError, ERROR } from './errors.js';
import { DEFAULT_MAX_FRAME_BYTES, MAX_WINDOW_BYTES, SETTING } from './frames.js';
import type { HpackEncoder } from './hpack-encoder.js';
import type { RequestWriter } from './request-writer.js';

/** https://www.rfc-editor.org/rfc/rfc9113#section-6.5.2 */
const LARGEST_MAX_FRAME_BYTES = 2 ** 24 - 1;

/**
 * Takes the peer's parameters to whom they concern, in their order.
 *
 * @returns SETTINGS_MAX_CONCURRENT_STREAMS, when given
 * @throws ConnectionError when a value is none
 */
export function applySettings(
  source: Buffer,
  start: number,
  count: number,
  encoder: HpackEncoder,
  requests: RequestWriter,
): number | undefined {
  let maxStreams: number | undefined;
  for (let at = start; at < start + 6 * count; at += 6) {
    const value = source.readUInt32BE(at + 2);
    switch (source.readUInt16BE(at)) {
      case SETTING.headerTableSize:
        encoder.limitTable(value);
        break;
      case SETTING.enablePush:
        if (value !== 0) throw new ConnectionError(ERROR.protocol, 'a server cannot be pushed to');
        break;
      case SETTING.maxConcurrentStreams:
        maxStreams = value;
        break;
      case SETTING.initialWindowSize:
        if (value > MAX_WINDOW_BYTES) throw new ConnectionError(ERROR.flowControl, 'initial window too wide');
        requests.setInitialWindow(value);
        break;
      case SETTING.maxFrameSize:
        if (value < DEFAULT_MAX_FRAME_BYTES || value > LARGEST_MAX_FRAME_BYTES)
          throw new ConnectionError(ERROR.protocol, 'no such frame size');
        requests.frameLimit = value;
        break;
    }
  }
  return maxStreams;
}
