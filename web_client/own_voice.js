// How the browser encodes the microphone: as it likes, or for a poor line. The server's answer asks for it (RFC 7587, 6.1), so
// to change it the page takes the same answer again, with other wishes in it; the server need not know.

const THIN = "maxaveragebitrate=10000;ptime=40;usedtx=1";
const OPUS = /^a=rtpmap:(\d+) opus\/48000\/2\r\n/im;

/** The answer, asking for a voice that a line of 32 kbit/s carries: 10 kbit/s, 40 ms a packet, few in silence. */
export function askingForThinVoice(sdp) {
  const payloadType = OPUS.exec(sdp)?.[1];
  if (!payloadType) return sdp;
  const own = new RegExp(`^a=fmtp:${payloadType} (.*)\r\n`, "m");
  const wished = own.test(sdp) ? sdp.replace(own, `a=fmtp:${payloadType} $1;${THIN}\r\n`) : sdp.replace(OPUS, `$&a=fmtp:${payloadType} ${THIN}\r\n`);
  return wished.replace(OPUS, "$&a=ptime:40\r\n");
}
