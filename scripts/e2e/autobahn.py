"""The Autobahn cases 1 to 7 and 10, by kosoku, against a raw endpoint that echoes."""

import json
import pathlib
import subprocess
import sys

from support import Host, case, note, run

AGENT = """
agenthost.realtime_agent {
  name = "echo",
  websocket_endpoints = {
    { path = "/echo", on_message = function(client, data, binary) client:send_raw(data, binary) end },
  },
}
"""


@case("a raw echo endpoint passes every case")
def echo():
    with Host(AGENT, environment={"LOG_LEVEL": "ERROR"}) as host:
        kosoku = pathlib.Path(sys.executable).with_name("kosoku")
        reports = host.folder / "reports"
        done = subprocess.run(
            [str(kosoku) if kosoku.exists() else "kosoku", "-x", "9.*", "-x", "12.*", "-x", "13.*", "-o", str(reports),
             f"ws://127.0.0.1:{host.port}/echo"],
            timeout=600, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        assert (reports / "index.json").exists(), done.stdout[-2000:]
        results = {}
        for agent in json.loads((reports / "index.json").read_text()).values():
            results.update(agent)
        failed = {
            name: (result["behavior"], result.get("behaviorClose"))
            for name, result in results.items()
            if result["behavior"] not in ("OK", "NON-STRICT", "INFORMATIONAL")
            or result.get("behaviorClose") not in (None, "OK", "INFORMATIONAL")
        }
        kinds = {}
        for result in results.values():
            kinds[result["behavior"]] = kinds.get(result["behavior"], 0) + 1
        note(f"{len(results)} cases: {kinds}")
        assert len(results) > 200, f"only {len(results)} cases ran: {done.stdout[-500:]}"
        assert not failed, f"failed: {failed}"


run()
