"""The peers: Debian packages by the project's own script, Python's in a folder of their own, C compiled from peers/."""

import os
import pathlib
import shutil
import subprocess

from bench import FOLDER, ROOT, WORK

PACKAGES = ["nginx-light", "libnginx-mod-http-lua", "lua-cjson", "lua5.4", "wrk", "valgrind", "binutils", "gcc", "g++",
            "libuv1", "python3-venv", "util-linux"]
PYTHON = ["socketify", "fastapi", "uvicorn[standard]", "aiokafka"]
LIBRARIES = {
    "mock_broker": ["-lrdkafka"], "kafka_pipe": ["-lrdkafka"], "kafka_load": ["-lrdkafka"],
    "mqtt_pipe": ["-lmosquitto"], "mqtt_load": ["-lmosquitto"], "http_load": [], "fanout_load": [],
}
BRIDGE = ROOT / "Sources/CLuaBridge"
JSON = ROOT / "Sources/CJSON"
NAMES = ROOT / "Sources/CNames"


def install():
    """Everything that a row needs and the machine does not have yet."""
    script = '. scripts/toolchain.sh; require_packages "${host_packages[@]}" "$@"'
    subprocess.run(["bash", "-euc", script, "bench", *PACKAGES], check=True, cwd=ROOT)
    python = WORK / "venv/bin/python"
    imports = "import socketify, fastapi, uvicorn, uvloop, httptools, aiokafka"
    if subprocess.run([python, "-c", imports], capture_output=True).returncode if python.exists() else True:
        print("bench: installing the Python peers into .build-bench/venv", flush=True)
        subprocess.run(["python3", "-m", "venv", "--clear", str(WORK / "venv")], check=True)
        pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, *PYTHON], check=True)
    build()


def program():
    """The release program, built by scripts/agenthost where it is missing or old; AGENTHOST names another."""
    if named := os.environ.get("AGENTHOST"):
        path = pathlib.Path(named)
        if not os.access(path, os.X_OK):
            raise SystemExit(f"bench: AGENTHOST={named} is no program")
        return path
    subprocess.run([ROOT / "scripts/agenthost", "--version"], check=True, stdout=subprocess.DEVNULL)
    return ROOT / ".build/release/agenthost"


def is_old(target, sources):
    return not target.exists() or any(source.stat().st_mtime > target.stat().st_mtime for source in sources)


def build():
    (WORK / "bin").mkdir(parents=True, exist_ok=True)
    peers = FOLDER / "peers"
    headers = list(peers.glob("*.h"))
    for name, libraries in LIBRARIES.items():
        target, source = WORK / "bin" / name, peers / f"{name}.c"
        if is_old(target, [source, *headers]):
            subprocess.run(["cc", "-O2", "-Wall", "-Wextra", "-o", target, source, *libraries], check=True)
    build_bridge(headers)


def build_bridge(headers):
    """The bridge as the release build compiles it: by the same compiler, when it is there, and -O2."""
    target = WORK / "bin/bridge_loop"
    sources = [*sorted(BRIDGE.glob("*.c")), *sorted(BRIDGE.glob("*.cpp")), *sorted(JSON.glob("*.cpp")),
               *sorted(NAMES.glob("*.c")), FOLDER / "peers/bridge_loop.c"]
    ours = [*BRIDGE.glob("*.h"), *BRIDGE.glob("include/*.h"), *JSON.glob("include/**/*.h"), *NAMES.glob("include/*.h")]
    if not is_old(target, [*sources, *ours, *headers]):
        return
    compilers = ("clang", "clang++") if shutil.which("clang++") and shutil.which("swift") else ("cc", "c++")
    lua = {flag: subprocess.run(["pkg-config", f"--{flag}", "lua5.4"], check=True, capture_output=True, text=True).stdout.split()
           for flag in ("cflags", "libs")}
    objects = []
    for source in sources:
        is_cpp = source.suffix == ".cpp"
        objects.append(WORK / f"objects/{source.name}.o")
        objects[-1].parent.mkdir(parents=True, exist_ok=True)
        standard = "-std=gnu++17" if is_cpp else "-std=gnu11"
        subprocess.run(
            [compilers[is_cpp], standard, "-O2", f"-I{BRIDGE}", f"-I{BRIDGE}/include", f"-I{JSON}/include",
             f"-I{NAMES}/include", *lua["cflags"], "-c", source, "-o", objects[-1]], check=True)
    subprocess.run([compilers[1], "-o", target, *objects, "-lsimdjson", *lua["libs"]], check=True)


def versions(program_path):
    """Lines of name and version: the program, then its peers."""

    def first(*command):
        done = subprocess.run(command, capture_output=True, text=True, timeout=30)
        return (done.stdout + done.stderr).strip().splitlines()[0] if done.returncode == 0 else "?"

    def debian(package):
        return first("dpkg-query", "--show", "--showformat=${Version}", package)

    found = [("agenthost", first(str(program_path), "--version"))]
    found += [(name, debian(package)) for name, package in [
        ("nginx", "nginx-light"), ("lua-nginx-module", "libnginx-mod-http-lua"), ("LuaJIT", "libluajit2-5.1-2"),
        ("lua-cjson", "lua-cjson"), ("Lua", "lua5.4"), ("librdkafka", "librdkafka1"), ("libmosquitto", "libmosquitto1"),
        ("mosquitto", "mosquitto"), ("wrk", "wrk"), ("valgrind", "valgrind")]]
    listing = subprocess.run(
        [WORK / "venv/bin/python", "-c",
         "import importlib.metadata as m, platform; print('Python', platform.python_version());"
         "[print(n, m.version(n)) for n in 'socketify fastapi uvicorn uvloop httptools aiokafka'.split()]"],
        capture_output=True, text=True)
    return found + [tuple(line.split(" ", 1)) for line in listing.stdout.splitlines()]
