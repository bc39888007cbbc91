"""The same JSON task, in the same Lua, on agenthost and on nginx with lua-nginx-module (LuaJIT and cjson): one worker on one
core, wrk with 32 connections on the other. p50 and p99 are wrk's, at the highest rate that each has."""

import contextlib

from bench import accepts, free_port, until
from instructions import per_unit, stripped
from load import requests, wrk
from measure import Comparison, alternate
from rows.json_task import AGENT, BODY, PATH, check

NGINX = """
load_module /usr/lib/nginx/modules/ndk_http_module.so;
load_module /usr/lib/nginx/modules/ngx_http_lua_module.so;
worker_processes 1;
daemon off;
pid %(folder)s/nginx.pid;
error_log stderr error;
events { worker_connections 1024; }
http {
    access_log off;
    keepalive_requests 100000000;
    client_body_temp_path %(folder)s;
    proxy_temp_path %(folder)s;
    fastcgi_temp_path %(folder)s;
    uwsgi_temp_path %(folder)s;
    scgi_temp_path %(folder)s;
    init_by_lua_block { cjson = require "cjson" }
    server {
        listen 127.0.0.1:%(port)d;
        location / { return 404; }
        location = /analyze {
            client_body_buffer_size 64k;
            content_by_lua_block {
                local began = ngx.now()
                ngx.req.read_body()
                local ok, body = pcall(cjson.decode, ngx.req.get_body_data())
                if not ok or type(body) ~= "table" or type(body.query) ~= "string" or type(body.parameters) ~= "table" then
                    ngx.status = 422
                    return ngx.say('{"detail":"invalid"}')
                end
                local p = body.parameters
                local high = p.systolic > 140 or p.diastolic > 90
                local result = { patient_id = p.patient_id, risk = high and "high" or "normal",
                    mean = (p.systolic + 2 * p.diastolic) / 3 }
                local seconds = ngx.now() - began
                local answer = cjson.encode { result = result, processing_time = seconds, metadata = {
                    agent_type = "bench", implementation = "deterministic", task_type = "analyze",
                    processing_time = seconds } }
                ngx.header["Content-Type"] = "application/json"
                ngx.header["Content-Length"] = #answer
                ngx.print(answer)
            }
        }
    }
}
"""


@contextlib.contextmanager
def nginx(bench, wrapper=(), extra=""):
    """nginx on the server's core: the process, and its port."""
    port = free_port()
    configuration = bench.file("nginx/nginx.conf", extra + NGINX % {"folder": bench.scratch / "nginx", "port": port})
    with bench.process(*wrapper, "/usr/sbin/nginx", "-c", configuration, "-p", bench.scratch / "nginx") as process:
        until(lambda: accepts(port), "nginx listens", 60)
        yield process, port


def run(bench):
    with nginx(bench) as (theirs, their_port), bench.host(AGENT) as host:
        check(bench, host.port)
        check(bench, their_port)
        wrk(bench, host, host.port, [PATH], BODY, 1)
        wrk(bench, theirs, their_port, [PATH], BODY, 1)
        pairs = alternate(
            bench.plan.rounds, lambda: wrk(bench, host, host.port, [PATH], BODY),
            lambda: wrk(bench, theirs, their_port, [PATH], BODY))

    def counted(wrapper, units):
        with bench.host(AGENT, wrapper=wrapper) as host:
            requests(bench, host.port, PATH, BODY, units)

    def counted_nginx(wrapper, units):
        with nginx(bench, wrapper, "master_process off;") as (_, port):
            requests(bench, port, PATH, BODY, units)

    with bench.with_program(stripped(bench.program)):
        ours = per_unit(bench, 1000, counted)
    yield Comparison(
        "http", "HTTP JSON task", "nginx + lua-nginx-module", "requests", pairs, target=1.2,
        instructions=(ours, per_unit(bench, 1000, counted_nginx)), cores="server on one core, load on the other")
