"""Messages of all framings, for two proxies to pass on: requests, and answers of an Echo."""

from .compare import raw, request
from .echo import LARGE

MESSAGES = [
    request("HEAD", "HEAD", "/a"),
    request("POST", "POST", "/a", body=b"hello"),
    request("POST of nothing", "POST", "/a", body=b""),
    request("POST without a length", "POST", "/a"),
    request("PUT", "PUT", "/a", body=b"hello"),
    request("PATCH", "PATCH", "/a", body=b"hello"),
    request("DELETE", "DELETE", "/a"),
    request("OPTIONS", "OPTIONS", "/a", body=b"hello"),
    request("GET with a body", "GET", "/a", body=b"hello"),
    request("large body", "POST", "/a", body=LARGE),
    request("one chunk", "POST", "/a", body=[b"hello"]),
    request("no chunk", "POST", "/a", body=[]),
    request("many chunks", "POST", "/a", body=[b"a", b"bc" * 4000, b"d"] * 20),
    raw("chunks with extensions", "POST /a HTTP/1.1\nHost: test\nTransfer-Encoding: chunked\n\n"
        "2;a=b\nab\n0\n\n", "POST"),
    raw("trailers", "POST /a HTTP/1.1\nHost: test\nTransfer-Encoding: chunked\n\n"
        "2\nab\n0\nX-Sum: 1\n\n", "POST"),
    request("expectation", "POST", "/a", ["Expect: 100-continue"], body=b"hello"),
    request("a header twice", path="/a", headers=["X-A: 1", "X-B: 2", "X-A: 3"]),
    request("cookies", path="/a", headers=["Cookie: a=1; b=2"]),
    request("many headers", path="/a", headers=[f"X-{n}: {n}" for n in range(80)]),
    request("a long header", path="/a", headers=["X-Long: " + "y" * 20000]),
    request("a long path", path="/" + "p" * 8000),
    request("hop by hop", path="/a", headers=["Connection: keep-alive, X-Hop", "X-Hop: 1",
                                              "Keep-Alive: timeout=5", "X-Kept: 2"]),
    request("end asked for", path="/a", headers=["Connection: close"]),
    request("TE", path="/a", headers=["TE: trailers", "Connection: TE"]),
    request("forwarded for", path="/a", headers=["X-Forwarded-For: 203.0.113.7"]),
    request("forwarded protocol", path="/a", headers=["X-Forwarded-Proto: https"]),
    request("user agent", path="/a", headers=["User-Agent: curl/8", "Accept: */*",
                                              "Accept-Encoding: gzip", "Referer: http://a/"]),
]

ANSWERS = [request("answer " + manner, path="/a", headers=["x-want: " + manner]) for manner in (
    "204", "304", "201", "404", "418", "500", "503", "empty", "chunked", "trailers",
    "until-close", "large", "fields", "hop-by-hop", "closing")]
ANSWERS += [request("HEAD answered " + manner, "HEAD", "/a", ["x-want: " + manner])
            for manner in ("204", "empty")]
