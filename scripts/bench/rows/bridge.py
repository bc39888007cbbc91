"""What one message costs between its bytes and its bytes: JSON decoded to Lua, a handler that changes one field, encoded again.
The host's bridge in C (Sources/CLuaBridge, handler in a coroutine under the host's limits of time and memory) beside
lua-cjson on Lua 5.4 (without any). Once with 8 fields in 205 bytes, and once with 50 of these in a list, of which the handler
reads one and changes another."""

from instructions import per_unit
from bench import FOLDER
from measure import Comparison, Sample, alternate

READING = ('{"device_id":"device-042","patient_id":"patient-000123","reading_type":"blood_pressure","systolic":142,'
           '"diastolic":91,"unit":"mmHg","seq":100042,"note":"seated, left arm, after five minutes of rest, left"}')
DOCUMENTS = [
    ("Bridge: JSON → Lua → JSON", READING, 'return function(data) data.note = "seen" return data end', 1.2, 1),
    ("Bridge, a list of 50", '{"readings":[' + ",".join([READING] * 50) + "]}",
     'return function(data) data.readings[2].note = data.readings[1].unit return data end', None, 30),
]


def run(bench):
    assert len(READING) == 205, len(READING)
    for title, document, handler, target, weight in DOCUMENTS:
        files = [bench.file("document.json", document), bench.file("handler.lua", handler)]
        ours = [bench.tool("bridge_loop"), *files]
        theirs = ["lua5.4", FOLDER / "peers/cjson_loop.lua", *files]
        count = (40_000 if bench.plan.quick else 200_000) // weight

        def measured(command):
            nanoseconds = float(bench.output(*command, count, core=bench.server).splitlines()[-1])
            return Sample(1e9 / nanoseconds, nanoseconds / 1e3)

        def counted(command):
            def run(wrapper, units):
                bench.output(*wrapper, *command, units, core=bench.server, timeout=300)

            return per_unit(bench, 2000 // weight, run)

        pairs = alternate(bench.plan.rounds, lambda: measured(ours), lambda: measured(theirs))
        yield Comparison(
            "bridge", title, "lua-cjson on Lua 5.4", "documents", pairs, target=target,
            instructions=(counted(ours), counted(theirs)), cores="one core")
