"""The same requests to a host and to a FastAPI application with the same models and routes: status and body are the same,
but for what DIFFERENCES lists with its reason."""

import sys

# This file has the name of the library that it is about, and its folder is the first that Python looks into.
sys.path.append(sys.path.pop(0))

import json  # noqa: E402
import random  # noqa: E402
import threading  # noqa: E402
import urllib.parse  # noqa: E402
from datetime import datetime, timezone  # noqa: E402
from http.client import HTTPConnection  # noqa: E402
from typing import Any, Optional, Union  # noqa: E402

import uvicorn  # noqa: E402
from fastapi import FastAPI, Request  # noqa: E402
from pydantic import BaseModel, ConfigDict, Field  # noqa: E402
from support import Host, Response, case, equal, note, run, until  # noqa: E402

AGENT = """
local Place = agenthost.model { latitude = "number", longitude = "number" }
local Parameters = agenthost.model {
  at = "timestamp?", both = "number|map<number>?", count = "integer?", name = "string?", ok = "boolean?",
  ["place?"] = Place, rates = "map<number>?", systolic = "number", tags = "string[]?", numbers = "integer[]?",
}
local agent = agenthost.realtime_agent {
  name = "differential",
  endpoints = {
    { path = "/ask", task_type = "ask" },
    { path = "/check", task_type = "check", parameters = Parameters },
    { path = "/loose", task_type = "check", parameters = Parameters, method = "PUT" },
    { path = "/plain", task_type = "about", method = "GET" },
    { path = "/things/special", task_type = "about", method = "GET" },
    { path = "/things/{id}", task_type = "about", method = "GET" },
    { path = "/things/{id}", task_type = "about", method = "POST" },
    { path = "/things/{id}/parts/{part}", task_type = "about", method = "GET" },
    { path = "/files/{rest:path}", task_type = "about", method = "GET" },
    { path = "/slash/", task_type = "ask" },
  },
}
agent:task("ask", function(task)
  return { query = task.query, parameters = task.parameters, context = task.context, priority = task.priority }
end)
agent:task("check", function(task) return task.parameters end)
agent:task("about", function(task)
  return { path = task.path, query_params = task.query_params, query_list = task.query_list, trace = task.headers["X-Trace"] }
end)
"""


class Place(BaseModel):
    model_config = ConfigDict(allow_inf_nan=False)
    latitude: float
    longitude: float


class Parameters(BaseModel):
    # The order of the fields is that in which a host checks those of a script's model: by name.
    model_config = ConfigDict(allow_inf_nan=False)
    at: Optional[datetime] = None
    both: Optional[Union[float, dict[str, float]]] = None
    count: Optional[int] = None
    name: Optional[str] = None
    numbers: Optional[list[int]] = None
    ok: Optional[bool] = None
    place: Optional[Place] = None
    rates: Optional[dict[str, float]] = None
    systolic: float
    tags: Optional[list[str]] = None


class Ask(BaseModel):
    query: str
    parameters: Optional[dict[str, Any]] = None
    context: Optional[dict[str, Any]] = None
    task_type: Optional[str] = None
    priority: Optional[int] = Field(1, ge=1, le=3)


class Check(BaseModel):
    query: str
    parameters: Parameters
    context: Optional[dict[str, Any]] = None
    task_type: Optional[str] = None
    priority: Optional[int] = Field(1, ge=1, le=3)


app = FastAPI()


@app.post("/ask")
@app.post("/slash/")
def ask(body: Ask):
    return {"result": {"query": body.query, "parameters": body.parameters or {}, "context": body.context or {},
                       "priority": body.priority or 1}}


@app.post("/check")
@app.put("/loose")
def check(body: Check):
    result = body.parameters.model_dump(exclude_none=True)
    if body.parameters.at:
        at = body.parameters.at
        at = at.replace(tzinfo=timezone.utc) if at.tzinfo is None else at.astimezone(timezone.utc)
        result["at"] = at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"
        result["at"] = result["at"].rjust(24, "0")
    return {"result": result}


def about(request: Request):
    return {"result": {
        "path": request.path_params, "query_params": dict(request.query_params),
        "query_list": [list(pair) for pair in request.query_params.multi_items()],
        **({"trace": request.headers["x-trace"]} if "x-trace" in request.headers else {})}}


@app.get("/plain")
def plain(request: Request):
    return about(request)


@app.get("/things/special")
def special(request: Request):
    return about(request)


@app.get("/things/{id}")
def thing(id: str, request: Request):
    return about(request)


@app.post("/things/{id}")
def post_thing(id: str, body: Ask, request: Request):
    return about(request)


@app.get("/things/{id}/parts/{part}")
def part(id: str, part: str, request: Request):
    return about(request)


@app.get("/files/{rest:path}")
def files(rest: str, request: Request):
    return about(request)


class Both:
    """A host and the application, side by side."""

    def __init__(self):
        self.seen = 0
        self.used = set()

    def __enter__(self):
        self.host = Host(AGENT).__enter__()
        config = uvicorn.Config(app, host="127.0.0.1", port=0, log_level="critical", http="h11", lifespan="off")
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=self.server.run, daemon=True)
        self.thread.start()
        until(lambda: self.server.started, "uvicorn accepts requests")
        self.address = self.server.servers[0].sockets[0].getsockname()
        return self

    def __exit__(self, *error):
        self.server.should_exit = True
        self.thread.join(20)
        return self.host.__exit__(*error)

    @staticmethod
    def ask(address, method, target, body, headers):
        connection = HTTPConnection(*address, timeout=20)
        try:
            connection.putrequest(method, target, skip_accept_encoding=True)
            for name, value in headers:
                connection.putheader(name, value)
            if body is not None:
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            answer = connection.getresponse()
            return Response(answer.status, answer.getheaders(), answer.read())
        finally:
            connection.close()

    def compare(self, method, target, body=None, headers=(("Content-Type", "application/json"),)):
        """Compares the answers; a known difference must be one."""
        self.seen += 1
        ours = self.ask(self.host.address, method, target, body, headers)
        theirs = self.ask(self.address, method, target, body, headers)
        what = f"{method} {target} {dict(headers)} {body!r}"
        reasons = [name for name, applies, _ in DIFFERENCES if applies(method, target, body, dict(headers))]
        same = self.shown(ours, method) == self.shown(theirs, method)
        if not same and reasons:
            self.used.update(reasons)
            return
        if not same:
            raise AssertionError(f"{what}\n        FastAPI: {theirs.status} {theirs.body!r} {theirs.headers.get('location')}"
                                 f"\n        host:    {ours.status} {ours.body!r} {ours.headers.get('location')}")

    @staticmethod
    def shown(answer, method):
        if answer.status in (204, 307) or method == "HEAD":
            body = None
        elif answer.status == 500:
            body = answer.body.decode()
        else:
            body = answer.json
            if answer.status == 200:
                body = body.get("result")
        location = answer.headers.get("location")
        return answer.status, exact(body), location and urllib.parse.urlsplit(location)._replace(netloc="")


def exact(value):
    """With truth values apart from numbers, and whole numbers alike however they are written."""
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return repr(value)
    if isinstance(value, (int, float)):
        return float(value)
    if isinstance(value, list):
        return [exact(item) for item in value]
    return {name: exact(item) for name, item in sorted(value.items())}


def contains(*texts):
    return lambda method, target, body, headers: body is not None and any(text in body for text in texts)


# What it is called, when it may be, and why.
DIFFERENCES = [
    ("large integers", contains(b"9223372036854775808", b"12345678901234567890", b"99999999999999999999"),
     "Lua's integers have 64 bits; a larger one is refused where an integer is asked for, and never rounded in silence"),
    ("literals", contains(b"NaN", b"Infinity", b"1e999", b"1e400"),
     "Python reads NaN, Infinity and numbers without bound, which JSON has not (RFC 8259 section 6), and then fails with 500"),
    ("surrogates", contains(b"\\ud800", b"\\ud83d\"", b"\xed\xa0\x80"), "half a surrogate pair is no text; Python reads it, and fails with 500 when it answers"),
    ("encodings", contains(b"\xef\xbb\xbf", b"\xff\xfe"),
     "JSON is UTF-8 without a byte order mark (RFC 8259 section 8.1); Python guesses other encodings"),
    ("depth", contains(b"[" * 200), "JSON is at most 128 levels deep here"),
    ("times", contains(b"20240102T030405Z", b"2024-W01-1", b"2024-001", b"T24:00", b":60", b"+02\"", b"T03\"", b"\"20240102\"",
                       b"\"2024-01\"", b"\"2024\"", b"0000-01-01", b"02_03", b"-1e15"),
     "times are read in any form of ISO 8601 here, and the underscore of RFC 3339's note is none of its"),
    ("content types", lambda method, target, body, headers: body is not None and method in ("POST", "PUT")
     and not headers.get("Content-Type", "").lower().partition(";")[0].strip().endswith("json"),
     "a body that is not JSON by its type is 415 here, as section 3 of the contract says"),
    ("HEAD", lambda method, *_: method == "HEAD", "HEAD answers wherever GET does"),
    ("OPTIONS", lambda method, *_: method == "OPTIONS", "OPTIONS lists Allow"),
    ("escapes", lambda method, target, body, headers: any(
        part in target.lower().partition("?")[0] for part in ("%2f", "%25", "%ff", "%zz")),
     "an escaped slash belongs to its segment (RFC 3986 section 2.2), and a path that is not UTF-8 is 400"),
    ("built in", lambda method, target, body, headers: target.rstrip("/").split("?")[0] in ("", "/docs", "/openapi.json", "/ws"),
     "routes that only one of the two has"),
]

NUMBERS = ["1", "1.0", "1.5", '"1"', '"1.0"', '"1.5"', '" 1 "', '"1_000"', '"_1"', '"1__0"', '"1_"', '"+1"', '"-1"', '"0x10"',
           '"1e3"', "1e3", "1e20", "9223372036854775807", "-9223372036854775808", "9223372036854775808", "12345678901234567890",
           '"99999999999999999999"', "1e300", '"1e300"', '"inf"', '"-Infinity"', '"nan"', '""', '" "', '"abc"', "true", "false",
           '"true"', "null", "[]", "{}", '"1."', '".5"', '"00012"', '"-0"', "-0.0", '"0.0"', '"+1.0"', '"1 000"', '"\\u00a01"',
           '"1\\n"', '"1,5"', "1e-3", '"1_0.5"', '"1e5_0"', '"--1"', '"-"', '"1e"', '"."', '"1e999"']
FIELDS = {
    "systolic": NUMBERS,
    "count": NUMBERS,
    "ok": ["true", "1", "0", "1.0", "0.0", "2", "0.5", '"true"', '"TRUE"', '"yes"', '"No"', '"on"', '"oFF"', '"t"', '"f"', '"Y"',
           '"n"', '"1"', '"0"', '"1.0"', '" true"', '"maybe"', '""', "null", "[]", "{}", "-0.0", "-1", "1e300"],
    "name": ['"a"', '""', '"żółw"', "1", "1.5", "true", "null", "[]", "{}"],
    "tags": ["[]", '["a"]', '["a", 5, null]', "{}", '"a"', "1", "null", '{"0": "a"}'],
    "numbers": ["[]", "[1]", '["1", 2.0, true]', '["x", 2.5, null]', "[[1]]", "{}"],
    "rates": ["{}", '{"a": 1}', '{"a": "1.5"}', '{"a": "x", "b": null}', "[]", '"x"', "null", '{"": 1}', '{"a.b": "x"}'],
    "both": ["1", '"1"', '"x"', "{}", '{"a": 1}', '{"a": "2"}', '{"a": "x"}', "[]", "true", "null"],
    "place": ['{"latitude": 1, "longitude": "2"}', "{}", '{"latitude": null, "longitude": 1, "x": 2}', "[]", "null", '"a"', "5"],
    "at": ['"2024-01-02T03:04:05Z"', '"2024-01-02T03:04:05"', '"2024-01-02 03:04:05"', '"2024-01-02"', '"2024-01-02T03:04"',
           '"2024-01-02T03:04:05.123456"', '"2024-01-02T03:04:05+02:00"', '"2024-01-02T03:04:05+0200"', '"2024-01-02t03:04:05z"',
           '"20240102T030405Z"', '"2024-W01-1"', '"2024-001"', '"2024-01-02T24:00:00"', '"2024-01-02T03"', '"2024-01-02T03:04:60"',
           "1700000000", "1700000000123", '"1700000000"', '"1700000000.5"', '"-1"', "-1", "0", "1e20", "-1e15", '"x"', '""', "null",
           "true", "[]", '"2024-13-01T00:00:00"', '"2024-02-30"', '"2024-02-30T00:00:00"', '"2024-01-02T25:00:00"', '"2024-1-2"',
           '"2024/01/02"', '"Tue, 02 Jan 2024"', '"2024-01-02T03:04:05,5Z"', '"1e3"', '"+1"', '"9999-12-31T23:59:59.999"',
           '"10000-01-01T00:00:00"', '"24-01-02T03:04:05Z"', '"2024-01-02T03:04:05 Z"'],
}
ENVELOPES = ["{}", "[]", "5", "null", '"text"', "true", '{"query": 5}', '{"query": null}', '{"query": ""}', '{"query": "a", "parameters": []}',
             '{"query": "a", "parameters": null, "context": null, "task_type": null, "priority": null}', '{"query": "a", "context": "x"}',
             '{"query": "a", "parameters": {"a": [1, {"b": null}]}, "context": {"c": 1.5}}', '{"query": "a", "task_type": 5}',
             '{"query": "a", "task_type": "other"}', '{"query": 5, "parameters": 5, "context": 5, "task_type": 5, "priority": 9}',
             '{"query": "a", "query": "b"}', '{"query": "a", "unknown": 1}',
             *('{"query": "a", "priority": %s}' % value for value in (
                 '"2"', "2.0", "2.5", '"2.0"', '"x"', "0", "4", '"4"', "true", "false", "[]", '" 3 "', "1e300", "-5", '"0"'))]
BROKEN = [b"", b"  ", b"{bad", b'{"query": "x"', b"nul", b'{"query": "x"} t', b'{"query": "\x01"}', b"[1,]", b'{"a":1,}', b"{'a':1}",
          b'{"query" "x"}', b'"abc', b'{"query":"\\x"}', b'{"query":"\\u12"}', b"[1 2]", b"-", b"01", b"1.", b'{"a":tru}', b"{1:2}",
          b'{"query":"\xff"}', b'{"query":"\xed\xa0\x80"}', '{"query":"żółw" x}'.encode(), b"}", b"]", b'{"a":}', b"[,1]", b'{,"a":1}',
          b'{"query": NaN}', b'{"query": "a", "priority": Infinity}', b'{"query":"\\ud800"}', b'{"query":"a","parameters":{"x":1e999}}',
          b'{"query":"a","parameters":{"x":' + b"[" * 300 + b"]" * 300 + b"}}", b'\xef\xbb\xbf{"query":"a"}',
          '{"query":"a"}'.encode("utf-16"), b' \n\t{"query":"a"}\r\n ', b'{"query":"\\u0041\\ud83d\\ude00"}',
          b'{"query":"a","parameters":{"x":1e400}}', b'{"query":"a","parameters":{"x":-0}}', b'{"query":"a","parameters":{"x":1.0e2}}',
          b'{"query":"a\\/b"}', b'{"query":"\\ud83d"}', b'{"query":"\\udc00\\ud800"}', b'{"query":"a","priority":2.0000000000000001}',
          b'{"query":"a","parameters":{"":1}}', b'{"query":"a\tb"}', b'{"query":"a","parameters":{"a":1,"a":2}}', b"[]x",
          b'{"query":"a"}\x00', b"\x00", b'{"query":tRue}', b"+1", b".5", b'{"query":"a",}', b'{"query":"a" "b":1}', b'{"query":"a",,}',
          b'["a" "b"]', b'{"query":"a","parameters":{"n":0123}}', b'{"query":"a","parameters":{"n":-}}', b'{"query":"a","parameters":{"n":1e}}',
          b'{"query":"a\\', b'{"query":"\\u00', b'{"query"', b'{"query":', b"{", b"[", b'"', b'{"query":"a"}}', b"// c\n{}",
          b'{"query":"a"} // c', b"{\"query\": 'a'}", b"\xa0{}", "\u2028{}".encode()]


def bodies():
    """Each value of each field alone, then fields together at random, always the same."""
    for field, values in FIELDS.items():
        for value in values:
            others = "" if field == "systolic" else '"systolic": 120, '
            yield '{"query": "a", "parameters": {%s"%s": %s}}' % (others, field, value)
    choose = random.Random(6)
    for _ in range(150):
        names = choose.sample(sorted(FIELDS), choose.randint(1, 5))
        fields = ", ".join(f'"{name}": {choose.choice(FIELDS[name])}' for name in sorted(names))
        priority = choose.choice(["", ', "priority": 2', ', "priority": "7"', ', "context": []'])
        yield '{"query": %s, "parameters": {%s}%s}' % (choose.choice(['"a"', '"a"', '"a"', "7"]), fields, priority)


@case("bodies are checked and converted as pydantic does, with its words, its ctx and its places")
def converted():
    with Both() as both:
        count = 0
        for count, body in enumerate(bodies(), 1):
            both.compare("POST", "/check", body.encode())
        assert count >= 200, count
        for body in ('{"query": "a"}', '{"query": "a", "parameters": null}', '{"query": "a", "parameters": []}', '{"parameters": 5}'):
            both.compare("PUT", "/loose", body.encode())
        for body in ENVELOPES:
            both.compare("POST", "/ask", body.encode())
        note(f"{both.seen} bodies; differences with a reason: {', '.join(sorted(both.used))}")
        equal(both.used - {"large integers", "times", "literals"}, set())


@case("what is not JSON, or not by its type, is refused as FastAPI refuses it")
def broken():
    with Both() as both:
        for body in BROKEN:
            both.compare("POST", "/ask", body)
        for name in ("application/json; charset=utf-8", "application/vnd.agent+json", "APPLICATION/JSON", "application/json;",
                     "text/plain", "application/jsonx", "application/x-www-form-urlencoded"):
            for body in (b'{"query": "a"}', b"[1]"):
                both.compare("POST", "/ask", body, headers=(("Content-Type", name),))
        note(f"differences with a reason: {', '.join(sorted(both.used))}")


@case("paths, methods, slashes and query strings lead where they lead in FastAPI")
def routes():
    with Both() as both:
        targets = ["/", "/nothing", "/plain", "/plain?query=a", "/plain/", "/plain//?query=a&b=c", "/ask", "/ask/", "/slash", "/slash/",
                   "/things", "/things/", "/things/7", "/things/7/", "/things/special", "/things/special?query=x", "/things/special/",
                   "/things/a%20b", "/things/%C5%BC", "/things/a+b", "/things/a%2Fb", "/things/%ff", "/things/7/parts", "/things/7/parts/8",
                   "/things//parts/8", "/things/7/parts/8/", "/things/7/parts/8/9", "/files", "/files/", "/files/a", "/files/a/b//c/",
                   "/files/a%20b/%C3%A9", "//", "//things/7", "/THINGS/7", "/things/7?a=1&a=2&b", "/things/7?a=%20+%2B&%C3%A9=1",
                   "/things/7?a=%zz&b=%ff", "/things/7?=1&&a==2", "/things/7?a;b=1", "/things/7?", "/things/7?a=1/", "/docs/x", "/things/%41",
                   "/things/a;b", "/things/a:b", "/things/~", "/things/..", "/files/../x", "/things/a=b&c,d", "/files//", "/things/%20",
                   "/things/%0A", "/plain?query", "/plain?query=", "/plain?query=a&query=b", "/plain?QUERY=a", "/things/7?a=%00",
                   "/things/7//", "/things//", "/things/7/parts//", "/slash//"]
        for target in targets:
            for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "BREW"):
                body = b'{"query": "a"}' if method in ("POST", "PUT", "PATCH") else None
                both.compare(method, target, body, headers=(("Content-Type", "application/json"), ("X-TRACE", " t ")))
        note(f"{both.seen} requests; differences with a reason: {', '.join(sorted(both.used))}")


run()
