"""Offers of every kind, by name, made from a good one (audio, video and data channel, in this order, as aiortc writes it).

malformed: must be refused; doubtful: may be taken or refused; unusual: well-formed, though no browser writes them, and must work.
"""

import random
import re

NAMED_CANDIDATE = "a=candidate:1 1 udp 1 00000000-aaaa-4aaa-8aaa-aaaaaaaaaaaa.local 20000 typ host"


def malformed(good: str) -> dict[str, str]:
    """Ways in which a good offer can be spoilt."""
    head, audio, video, data = parts(good)
    candidates = "".join(f"a=candidate:{i} 1 udp 1 127.0.0.1 {20000 + i} typ host\r\n" for i in range(2000))
    return {
        "nothing": "",
        "garbage": "hello\r\nworld",
        "binary": "\x00\x01" * 500,
        "only a version": "v=0\r\n",
        "an answer's half": head,
        "no ufrag": without(good, "ice-ufrag"),
        "no password": without(good, "ice-pwd"),
        "no fingerprint": without(good, "fingerprint"),
        "one line without fingerprint": head + audio + without(video, "fingerprint") + data,
        "no audio": head + video + data,
        "audio that sends nothing": good.replace("a=sendrecv", "a=recvonly"),
        "audio that does nothing": good.replace("a=sendrecv", "a=inactive"),
        "no picture codec of ours": good.replace("VP8/90000", "XX8/90000").replace("H264/90000", "X264/90000"),
        "no sound codec of ours": good.replace("opus/48000/2", "speex/16000"),
        "old sound codecs alone": without(good, "opus/48000/2"),
        "port not a number": good.replace("m=audio ", "m=audio x", 1),
        "bad rtpmap": good.replace("opus/48000/2", "opus"),
        "a setup role that there is not": good.replace("a=setup:actpass", "a=setup:nobody"),
        "no mids": without(good, "a=mid").replace("a=group", "a=x-group"),
        "one mid twice": good.replace("a=mid:1", "a=mid:0"),
        "a bundle of others": good.replace("BUNDLE 0 1 2", "BUNDLE 7 8"),
        "a hundred audio lines": head + audio * 100,
        "two audio lines": head + audio + audio.replace("a=mid:0", "a=mid:9"),
        "two video lines": good + video.replace("a=mid:1", "a=mid:9"),
        "an image line": good + "m=image 9 udptl t38\r\nc=IN IP4 0.0.0.0\r\na=mid:9\r\n",
        "two thousand candidates": good + candidates,
        "five thousand rtpmaps": good.replace("a=rtpmap:96", "a=rtpmap:1 x/1\r\n" * 3000 + "a=rtpmap:96", 1),
        "a long attribute": good + "a=x:" + "A" * 200_000 + "\r\n",
        "many lines": good + "a=zzzzzzz:1\r\n" * 5000,
    }


def doubtful(good: str) -> dict[str, str]:
    """What breaks nothing."""
    head, audio, video, data = parts(good)
    fingerprint = good[good.index("a=fingerprint:sha-256 ") :].split("\r\n")[0]
    return {
        "another fingerprint": good.replace(fingerprint, fingerprint[:-2] + "00"),
        "a fingerprint of another kind": good.replace("sha-256", "md5"),
        "a fingerprint that is none": good.replace(fingerprint, "a=fingerprint:sha-256 zz"),
        "no mid, in one bundle": without(good, "a=mid"),
        "a bundle that names one twice": good.replace("BUNDLE 0 1 2", "BUNDLE 0 0 1 2"),
        "two bundles": good.replace("a=group:BUNDLE 0 1 2", "a=group:BUNDLE 0\r\na=group:BUNDLE 1 2"),
        "an empty bundle": good.replace("a=group:BUNDLE 0 1 2", "a=group:BUNDLE"),
        "no rtcp-mux": without(good, "rtcp-mux"),
        "no setup": without(good, "a=setup"),
        "a setup that holds": good.replace("a=setup:actpass", "a=setup:holdconn"),
        "a bad fmtp": good.replace("a=rtpmap:96", "a=fmtp:96 =;;=x;;;\r\na=rtpmap:96", 1),
        "a payload type that there is not": good.replace("SAVPF 96", "SAVPF 999 96", 1),
        "a port that there is not": good.replace("m=audio ", "m=audio 70000", 1),
        "a header extension that there is not": good.replace("a=rtcp-mux", "a=extmap:999 urn:x\r\na=rtcp-mux"),
        "a source that is no number": good.replace("a=rtcp-mux", "a=ssrc:many cname:x\r\na=rtcp-mux"),
        "a source that is too large": good.replace("a=rtcp-mux", "a=ssrc:99999999999 cname:x\r\na=rtcp-mux"),
        "without encryption": good.replace("UDP/TLS/RTP/SAVPF", "RTP/AVP"),
        "a bad candidate": good.replace("a=mid:0", "a=mid:0\r\na=candidate:foo bar", 1),
        "a candidate nobody resolves": good.replace("a=mid:0", f"a=mid:0\r\n{NAMED_CANDIDATE}", 1),
        "a candidate of port 0": good.replace("a=mid:0", "a=mid:0\r\na=candidate:1 1 udp 1 127.0.0.1 0 typ host", 1),
        "a long ufrag": good.replace("a=ice-ufrag:", "a=ice-ufrag:" + "w" * 5000, 1),
        "a password of one letter": re.sub(r"a=ice-pwd:\S+", "a=ice-pwd:a", good),
        "letters of all kinds": good.replace("s=-", "s=\u202e\U0001f600\x07"),
        "no end of line": good.rstrip(),
        "ends of lines of Unix": good.replace("\r\n", "\n"),
        "the channel alone turned off": head + audio + video + data.replace("m=application 9", "m=application 0"),
        "a picture turned off": head + audio + re.sub(r"m=video \d+", "m=video 0", video) + data,
    }


def unusual(good: str) -> dict[str, str]:
    """What a caller may write and then has a call, with the same caller behind it."""
    head, audio, video, data = parts(good)
    secrets = [line for line in video.split("\r\n") if line.startswith(("a=candidate:", "a=end-of-candidates"))]
    bundled = "\r\n".join(line for line in video.split("\r\n") if line not in secrets)
    return {
        "ice-lite": good.replace("a=group:", "a=ice-lite\r\na=group:", 1),
        "without trickling, and it says so": without(good, "ice-options"),
        "no candidate": without(without(good, "a=candidate:"), "end-of-candidates"),
        "bundle-only": head + audio + re.sub(r"m=video \d+", "m=video 0", bundled) + "a=bundle-only\r\n" + data,
        "old codecs before Opus": _opus_last(good),
        "attributes that nobody knows": good.replace("a=rtcp-mux", "a=nobody:knows\r\na=flag\r\na=rtcp-mux"),
        "simulcast, which nobody asked for": good.replace("a=recvonly", "a=recvonly\r\na=rid:h recv\r\na=simulcast:recv h", 1),
        "a bandwidth, a title, a phone number": good.replace("s=-", "s=A call\r\np=+1 617 555 6011", 1),
        "an address of IPv6": good.replace("c=IN IP4 0.0.0.0", "c=IN IP6 ::"),
    }


def spoilt(good: str, seed: int) -> str:
    """One to three lines dropped, doubled, swapped, cut or garbled."""
    chance = random.Random(seed)
    lines = good.split("\r\n")
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(len(lines))
        how = chance.choice(("drop", "double", "swap", "cut", "garble"))
        if how == "drop":
            del lines[at]
        elif how == "double":
            lines.insert(at, lines[at])
        elif how == "swap":
            other = chance.randrange(len(lines))
            lines[at], lines[other] = lines[other], lines[at]
        elif how == "cut":
            lines[at] = lines[at][: chance.randint(0, len(lines[at]))]
        else:
            lines[at] = "".join(chance.choice((c, c, c, chr(chance.randint(32, 500)))) for c in lines[at])
    return "\r\n".join(lines)


def parts(good: str) -> tuple[str, str, str, str]:
    """The session's lines, and those of audio, video and data channel."""
    audio, video, data = (good.index(f"m={kind}") for kind in ("audio", "video", "application"))
    return good[:audio], good[audio:video], good[video:data], good[data:]


def without(sdp: str, word: str) -> str:
    return "\r\n".join(line for line in sdp.split("\r\n") if word not in line)


def _opus_last(good: str) -> str:
    """The payload types of the audio line, Opus behind the others, there and in what is said of each."""
    head, audio, video, data = parts(good)
    opus = re.search(r"a=rtpmap:(\d+) opus/48000/2\r\n", audio)
    line = re.search(r"m=audio \d+ \S+ (.*)\r\n", audio)
    assert opus is not None
    assert line is not None
    types = [one for one in line[1].split() if one != opus[1]]
    return head + audio.replace(line[1], " ".join([*types, opus[1]]), 1).replace(opus[0], "") + opus[0] + video + data
