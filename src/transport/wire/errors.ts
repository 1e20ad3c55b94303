/** Error codes of RST_STREAM and GOAWAY; https://www.rfc-editor.org/rfc/rfc9113#section-7 */
export const ERROR = {
  none: 0x0,
  protocol: 0x1,
  flowControl: 0x3,
  streamClosed: 0x5,
  frameSize: 0x6,
  refusedStream: 0x7,
  cancel: 0x8,
  compression: 0x9,
  enhanceYourCalm: 0xb,
} as const;

/** The peer broke the protocol in a way that ends the connection. */
export class ConnectionError extends Error {
  constructor(
    /** What GOAWAY tells the peer. */
    readonly code: number,
    message: string,
  ) {
    super(message);
  }
}
