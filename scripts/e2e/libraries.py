"""Lua that others wrote: pure-Lua libraries of Debian and PyPI, as they stand, each with a small use by an agent.

The libraries are downloaded for the test (`apt-get download`, `pip download`) and unpacked into `lib/` beside the agent;
nothing of them is installed or kept. Without a network the file says so and skips them.
"""

import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile

from support import Host, case, equal, note, run, scripts_folder

# What a package has of Lua is below one of these; the first that is there is taken.
FOLDERS = ["usr/share/lua/5.4", "usr/share/lua/5.3", "usr/share/lua/5.2", "usr/share/lua/5.1", "usr/share/rspamd/lualib",
           "usr/lib/prosody", "lua", "lua/fibaro/lib"]

# Library, package (Debian's, or PyPI's with "pypi:"), what an agent does with it, and the result as JSON has it.
USES = [
    ("inspect", "lua-inspect", "return require 'inspect' { 1, a = { b = 2 } }", "{ 1,\n  a = {\n    b = 2\n  }\n}"),
    ("ansicolors", "lua-ansicolors", "return #require 'ansicolors' '%{red}hot%{reset}'", 20),
    ("argparse", "lua-argparse", """
     local parser = require 'argparse' 'tool'
     parser:argument 'input' parser:option('-l --level', 'A level.', '3') parser:flag '-v'
     return parser:parse { 'file', '-l', '5', '-v' }""", {"input": "file", "level": "5", "v": True}),
    ("basexx", "lua-basexx", "local b = require 'basexx' return { b.to_base64 'hello', b.from_base32(b.to_base32 'x'), b.to_hex 'az' }",
     ["aGVsbG8=", "x", "617A"]),
    ("binaryheap", "lua-binaryheap", """
     local heap = require 'binaryheap'.minUnique()
     heap:insert(3, 'c') heap:insert(1, 'a') heap:insert(2, 'b')
     return { (heap:pop()), (heap:pop()), (heap:pop()) }""", ["a", "b", "c"]),
    ("cliargs", "lua-cliargs", """
     local cli = require 'cliargs'
     cli:set_name 'tool' cli:option('-o, --out=FILE', 'where to', 'a.txt') cli:flag('-q', 'quiet')
     local args = assert(cli:parse { '-o', 'b.txt' })
     return { args.out, not args.q }""", ["b.txt", True]),
    ("coxpcall", "lua-coxpcall", """
     local c = require 'coxpcall'
     local co = coroutine.wrap(function() return c.pcall(function() return coroutine.yield 'in' end) end)
     return { co(), select(2, co 'out') }""", ["in", "out"]),
    ("dkjson", "lua-dkjson", """
     local json = require 'dkjson'
     local value = json.decode '{"a":[1,2,{"b":null}]}'
     return { value.a[2], json.encode({ x = { 1, 2 } }) }""", [2, '{"x":[1,2]}']),
    ("fifo", "lua-fifo", "local f = require 'fifo' () f:push(1) f:push(2) return { f:pop(), f:pop(), f:length() }", [1, 2, 0]),
    ("inifile", "lua-inifile", """
     local ini = require 'inifile'
     local data = ini.parse('[a]\\nx=1\\ny=true\\n', 'memory')
     return { data.a.x, data.a.y, (ini.save('', { s = { k = 'v' } }, 'memory'):find('k=v', 1, true)) ~= nil }""", [1, True, True]),
    ("luassert", "lua-luassert lua-say", """
     local assert = require 'luassert'
     assert.are.same({ 1, { 2 } }, { 1, { 2 } })
     local ok, why = pcall(assert.is_true, false)
     return { ok, tostring(why):find('Expected', 1, true) ~= nil }""", [False, True]),
    ("say", "lua-say", "local s = require 'say' s:set_namespace 'en' s:set('hi', 'hello %s') return s('hi', { 'you' })", "hello you"),
    ("logging", "lua-logging", """
     local lines = {}
     local logger = require 'logging'.new(function(self, level, message) lines[#lines + 1] = level .. ' ' .. message return true end)
     logger:setLevel 'WARN' logger:info 'no' logger:error 'yes'
     return lines[#lines]""", "ERROR yes"),
    ("mediator", "lua-mediator", """
     local m = require 'mediator' ()
     local got = {}
     m:subscribe({ 'a', 'b' }, function(x) got[#got + 1] = x end)
     m:publish({ 'a', 'b' }, 7)
     return got""", [7]),
    ("MessagePack", "lua-messagepack", "local m = require 'MessagePack' return m.unpack(m.pack { 1, 'two', { k = 3.5 } })", [1, "two", {"k": 3.5}]),
    ("moses", "lua-moses", "local M = require 'moses' return M.map(M.filter({ 1, 2, 3, 4 }, function(v) return v % 2 == 0 end), function(v) return v * 10 end)",
     [20, 40]),
    ("penlight", "lua-penlight", """
     local List, stringx, pretty, template = require 'pl.List', require 'pl.stringx', require 'pl.pretty', require 'pl.template'
     local class = require 'pl.class'
     local A = class() function A:_init(n) self.n = n end
     return { table.concat(List { 3, 1, 2 }:sort(), ','), stringx.split('a b'):join '-', pretty.write({ 1 }, ''),
       template.substitute('$(x)!', { x = 'y' }), A(4).n, require 'pl.tablex'.deepcompare({ { 1 } }, { { 1 } }) }""",
     ["1,2,3", "a-b", "{1}", "y!", 4, True]),
    ("luaunit", "lua-unit", """
     local lu = require 'luaunit'
     lu.assertEquals({ a = { 1 } }, { a = { 1 } })
     return (pcall(lu.assertEquals, 1, 2))""", False),
    ("uri", "lua-uri", """
     local u = assert(require 'uri':new 'http://example.com:8080/a/../b?q=1#f')
     return { u:host(), u:port(), u:path(), u:query() }""", ["example.com", 8080, "/b", "q=1"]),
    ("redis", "lua-redis", "local r = require 'redis' return { type(r.connect), type(r.commands) }", ["function", "table"]),
    ("compat53", "lua-compat53", "local c = require 'compat53.module' return { c.table.unpack({ 1, 2 }), c.utf8.len 'é', c.math.type(1) }",
     [1, 1, "integer"]),
    ("luacheck", "lua-check", """
     local report = require 'luacheck.check' 'local x = 1\\nprint(y)'
     local seen = {}
     for _, warning in ipairs(report.warnings) do seen[warning.code] = true end
     return { seen['113'], seen['211'], seen['212'] == nil }""", [True, True, True]),
    ("cgilua", "lua-cgi", "local u = require 'cgilua.urlcode' return { u.escape 'a b&c', u.unescape 'a%20b' }", ["a+b%26c", "a b"]),
    ("wsapi", "lua-wsapi", "local u = require 'wsapi.util' return { u.url_encode 'a b', u.url_decode 'a%2Fb' }", ["a+b", "a/b"]),
    ("http.hpack", "lua-http", """
     local hpack = require 'http.hpack'
     local encoder, decoder = hpack.new(4096), hpack.new(4096)
     local headers = require 'http.headers'.new()
     headers:append(':method', 'GET') headers:append('x-a', 'b')
     encoder:encode_headers(headers)
     local got = decoder:decode_headers(encoder:render_data())
     return { got:get ':method', got:get 'x-a' }""", ["GET", "b"]),
    ("term.colors", "lua-term", "return tostring(require 'term.colors'.red):byte(1, -1)", 27),
    ("busted.status", "lua-busted", "local s = require 'busted.status' ('failure') return { tostring(s), s:success() }", ["failure", False]),
    ("luarocks", "luarocks", """
     local vers = require 'luarocks.core.vers'
     return { vers.compare_versions('1.10', '1.9'), vers.parse_version '2.0-1' < vers.parse_version '2.0-2' }""", [True, True]),
    ("tableshape", "rspamd", """
     local types = require 'tableshape'.types
     local shape = types.shape { name = types.string, age = types.number:is_optional() }
     return { (shape { name = 'x' }), (shape { name = 1 }) == nil }""", [True, True]),
    ("pure_lua_SHA", "pypi:plua==1.3.16", "require 'sha2' return { sha.sha256 'abc', sha.md5 '' }",
     ["ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", "d41d8cd98f00b204e9800998ecf8427e"]),
    ("markdown", "pypi:plua==1.3.16", "local m = require 'markdown' return m '# A\\n\\n*b*'", "\n<h1>A</h1>\n\n<p><em>b</em></p>\n"),
    ("prosody util.serialization", "prosody", "return require 'util.serialization'.new 'oneline' ({ a = { 1 } })", '{ ["a"] = { 1 } }'),
    ("prosody util.json", "prosody", "local j = require 'util.json' return { j.decode '{\"a\":[true]}'.a[1], j.encode { 1 } }", [True, "[1]"]),
    ("prosody util.array", "prosody", "local a = require 'util.array' return a { 3, 1 }:sort():map(function(v) return v + 1 end)", [2, 4]),
    ("prosody util.set", "prosody", "local s = require 'util.set' return { s.new { 1, 2 }:contains(2), s.intersection(s.new { 1, 2 }, s.new { 2 }):contains(1) or false }",
     [True, False]),
    ("prosody util.iterators", "prosody", "local it = require 'util.iterators' return { it.count(it.range(1, 5)), table.concat(it.to_array(it.head(2, it.range(7, 9))), ',') }",
     [5, "7,8"]),
    ("prosody util.events", "prosody", """
     local e = require 'util.events'.new()
     e.add_handler('x', function(v) return v .. '!' end)
     return e.fire_event('x', 'hi')""", "hi!"),
    ("prosody util.multitable", "prosody", "local m = require 'util.multitable'.new() m:set('a', 'b', 1) return { m:get('a', 'b'), m:get 'z' == nil }", [1, True]),
    ("prosody util.promise", "prosody", """
     local got
     require 'util.promise'.resolve(20):next(function(v) return v + 1 end):next(function(v) got = v end)
     return got""", 21),
    ("prosody util.datetime", "prosody", "local d = require 'util.datetime' return { d.datetime(0), d.parse '1970-01-01T00:00:10Z' }", ["1970-01-01T00:00:00Z", 10]),
    ("prosody util.interpolation", "prosody", "return require 'util.interpolation'.new('%b{}', string.upper) ('{a} and {b.c}', { a = 'x', b = { c = 'y' } })", "X and Y"),
    ("prosody util.cache", "prosody", "local c = require 'util.cache'.new(2) c:set('a', 1) c:set('b', 2) c:set('c', 3) return { c:get 'a' == nil, c:get 'c', c:count() }", [True, 3, 2]),
    ("prosody util.jsonpointer", "prosody", "return require 'util.jsonpointer'.resolve({ a = { { b = 5 } } }, '/a/0/b')", 5),
    ("prosody util.jsonschema", "prosody", """
     local validate = require 'util.jsonschema'.validate
     return { validate({ type = 'object', required = { 'a' } }, { a = 1 }), (validate({ type = 'string' }, 5)) }""", [True, False]),
    ("prosody util.dbuffer", "prosody", "local b = require 'util.dbuffer'.new() b:write 'hello' b:write ' you' return { b:read(7), b:length() }", ["hello y", 2]),
    ("prosody util.human.units", "prosody", "return require 'util.human.units'.format(1234567, 'B', 'k')", "1.23 MB"),
    ("prosody util.argparse", "prosody", "local o = require 'util.argparse'.parse({ '--name=x', '-v', 'rest' }, { short_params = { v = 'verbose' } }) return { o.name, o.verbose, o[1] }",
     ["x", True, "rest"]),
]

# One agent a package, each with its own Lua state: libraries of the same name do not meet.
AGENT = """
package.path = "./lib/NAME/?.lua;./lib/NAME/?/init.lua;./uses/?.lua"
local agent = agenthost.agent { name = "NAME", endpoints = { { path = "/NAME", task_type = "NAME" } } }
agent:task("NAME", function(task) return require(task.query)() end)
"""


def download(packages, cache):
    """Downloads Debian's packages at once, or one by one where that fails; PyPI's one by one."""
    debian = [package for package in packages if not package.startswith("pypi:")]
    commands = [["apt-get", "download", "-q", *debian]]
    if subprocess.run(commands[0], cwd=cache, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode != 0:
        for package in debian:
            subprocess.run(["apt-get", "download", "-q", package], cwd=cache, stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL)
    for package in packages:
        for python in (sys.executable, "/usr/bin/python3", "/usr/local/bin/python3"):
            if package.startswith("pypi:") and pathlib.Path(python).exists():
                done = subprocess.run(
                    [python, "-m", "pip", "download", "--quiet", "--no-deps", "--disable-pip-version-check",
                     package.removeprefix("pypi:")], cwd=cache, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                if done.returncode == 0:
                    break


def install(package, target, cache):
    """Puts the Lua files of the package, as they are, into the folder. False when it could not be downloaded."""
    name = package.removeprefix("pypi:").split("==")[0]
    archives = list(cache.glob(f"{name}_*.deb")) + list(cache.glob(f"{name}-*.whl"))
    if not archives:
        note(f"SKIPPED: {package} cannot be had; is there a network?")
        return False
    unpacked = cache / name
    if archives[0].suffix == ".whl":
        with zipfile.ZipFile(archives[0]) as wheel:
            wheel.extractall(unpacked)
    else:
        subprocess.run(["dpkg", "-x", archives[0], unpacked], check=True)
    for folder in FOLDERS:
        if (unpacked / folder).is_dir():
            shutil.copytree(unpacked / folder, target, dirs_exist_ok=True)
            if not folder.startswith("lua"):
                break
    return True


@case("forty libraries and more, as they stand, load and do what they are for")
def libraries():
    groups = {}
    for name, packages, text, expected in USES:
        groups.setdefault(packages, []).append((name, text, expected))
    failures, used = [], 0
    with tempfile.TemporaryDirectory(prefix="agenthost-libraries-") as downloads, scripts_folder({}) as folder:
        cache = pathlib.Path(downloads)
        download(dict.fromkeys(package for packages in groups for package in packages.split()), cache)
        (folder / "uses").mkdir()
        agents, expectations = [], []
        for packages, uses in groups.items():
            agent = re.sub("[^a-z0-9]", "-", packages.split()[0].removeprefix("pypi:"))
            if not all(install(package, folder / "lib" / agent, cache) for package in packages.split()):
                continue
            (folder / f"{agent}.lua").write_text(AGENT.replace("NAME", agent))
            agents.append(f"{agent}.lua")
            for number, (name, text, expected) in enumerate(uses):
                (folder / f"uses/{agent}-{number}.lua").write_text(f"return function()\n{text}\nend\n")
                expectations.append((name, agent, f"{agent}-{number}", expected))
        if agents:
            with Host({}, agents=agents, folder=folder) as host:
                for name, agent, use, expected in expectations:
                    answer = host.post(f"/{agent}", {"query": use}).json
                    if answer.get("result") == expected:
                        used += 1
                    else:
                        failures.append(f"{name}: expected {json.dumps(expected)}, got {json.dumps(answer)[:400]}")
    note(f"{used} libraries used")
    if len(USES) > used + len(failures):
        note(f"SKIPPED: {len(USES) - used - len(failures)} libraries could not be downloaded; nothing was shown of them")
    assert not failures, "\n        ".join([f"{len(failures)} of {len(USES)}:", *failures])


@case("a library that reaches for files, processes or the environment is told that there are none")
def reach():
    files = {
        "agent.lua": AGENT.replace("NAME", "use").replace("./lib/use/", "./lib/"),
        "lib/curious.lua": """
local M = { unpack = unpack == nil, jit = jit == nil, getenv = os.getenv("HOME") == nil }
M.opened, M.why = io.open("/etc/passwd")
M.popen = select(2, pcall(io.popen, "id"))
M.exit = os.exit == nil
io.stdout:write("from a library\\n")
return M
""",
        "uses/use0.lua": "return function() return require 'curious' end",
        "uses/use1.lua": "return function() return { pcall(function() return os.getenv end) } end",
        "uses/use2.lua": "return function() return { pcall(function() return io end) } end",
    }
    with Host(files, agents=["agent.lua"]) as host:
        result = host.task("/use", query="use0")
        equal((result["unpack"], result["jit"], result["getenv"], result["exit"]), (True, True, True, True))
        assert "reaches no files" in result["why"] and "reaches no files" in result["popen"], result
        assert "from a library" in host.output(), "what it writes is logged"
        for use, words in (("use1", "agenthost.setting"), ("use2", "reaches no files")):
            ok, why = host.task("/use", query=use)
            assert not ok and why.startswith(f"uses/{use}.lua:1:") and words in why, why


run()
