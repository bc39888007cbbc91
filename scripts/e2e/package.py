"""What the packages are made of: one version, completions, and a manual page."""

import re
import subprocess

from support import ROOT, Host, case, command, equal, run


@case("the version is one: of the program, of Lua, of the packages, and of the first heading of the change log")
def version():
    done = command("--version")
    equal(done.returncode, 0, done.stderr)
    version = done.stdout.strip()
    assert re.fullmatch(r"\d+\.\d+\.\d+", version), version
    with Host('local a = agenthost.agent { name = "v", endpoints = { { path = "/v", task_type = "v" } } }\n'
              'a:task("v", function() return agenthost.version end)') as host:
        equal(host.task("/v"), version)
    printed = subprocess.run([ROOT / "scripts/package", "--print-version"], timeout=30, stdout=subprocess.PIPE, text=True)
    equal((printed.returncode, printed.stdout.strip()), (0, version))
    equal(re.search(r"^## \[([^]]+)\]", (ROOT / "CHANGELOG.md").read_text(), re.M)[1], version)


@case("completions for bash, zsh and fish are scripts that know the commands")
def completions():
    for shell, check in (("bash", ["bash", "-n"]), ("zsh", None), ("fish", None)):
        done = command("--generate-completion-script", shell)
        equal(done.returncode, 0, done.stderr)
        for name in ("run", "check", "config", "env-file"):
            assert name in done.stdout, f"{name} in the completions of {shell}"
        if check:
            subprocess.run(check, input=done.stdout, text=True, check=True, timeout=30)


@case("the manual page has every command with its options, and no line that roff would take for another")
def manual():
    said = command("--experimental-dump-help")
    equal(said.returncode, 0, said.stderr)
    done = subprocess.run([ROOT / "scripts/manpage", "1.2.3", "2024-05-06"], input=said.stdout, text=True, timeout=30,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    equal(done.returncode, 0, done.stderr)
    lines = done.stdout.splitlines()
    equal(lines[:3], [".Dd May 6, 2024", ".Dt AGENTHOST 1", ".Os agenthost 1.2.3"])
    for name in ("run", "config", "dlq replay"):
        assert f".Ss {name}" in lines, f"{name} in {lines}"
    assert ".It Fl -env-file Ar env-file" in lines, lines
    macros = {line.split()[0] for line in lines if line.startswith((".", "'"))}
    equal(macros - {".Dd", ".Dt", ".Os", ".Sh", ".Ss", ".Nm", ".Nd", ".Cm", ".Op", ".Ar", ".Fl", ".Pp", ".Bl", ".It", ".El"}, set())


run()
