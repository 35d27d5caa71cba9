"""Runs snippets as people would, one after another in one process.

Standard input is a JSON object: the tool, the address to begin a snippet at, and
the snippets with their labels. Standard output is a JSON list of what went wrong.
"""

import contextlib
import functools
import io
import json
import os
import subprocess
import sys
import tempfile
import traceback
import urllib.request


def quick():
    """The SDK validates its own schema anew for each session: once is enough."""
    import jsonschema

    jsonschema.validators.Draft202012Validator.check_schema = classmethod(lambda *_, **__: None)


def python(item):
    if item.get("config"):
        os.environ["SAGEMAKER_USER_CONFIG_OVERRIDE"] = item["config"]
    exec(compile(item["text"], item["label"], "exec"), {"__name__": "__main__"})


# A real shell reads the commands; the CLI is then called with what it read.
SHELL = r"""
aws() { printf '%s\0' "$@"; printf '\n\0'; }
source /dev/stdin
"""


@functools.cache
def driver():
    from awscli.clidriver import create_clidriver

    return create_clidriver()


def cli(item):
    read = subprocess.run(["bash", "-eu", "-c", SHELL], input=item["text"].encode(), capture_output=True)
    if read.returncode:
        raise RuntimeError(read.stderr.decode())
    for command in read.stdout.decode().split("\0\n\0"):
        if not command:
            continue
        said = io.StringIO()
        with contextlib.redirect_stderr(said):
            status = driver().main(command.split("\0"))
        if status:
            raise RuntimeError(f"status {status}: {said.getvalue()}")


def templates(items):
    """cfn-lint, with the rules that are on by default, over all of them at once."""
    with tempfile.TemporaryDirectory() as folder:
        paths = {}
        for item in items:
            path = os.path.join(folder, item["label"] + ".yaml")
            with open(path, "w") as f:
                f.write(item["text"])
            paths[path] = item["label"]
        command = [sys.executable, "-m", "cfnlint", "--format", "json", "--regions", "eu-west-1", "--", *paths]
        found = json.loads(subprocess.run(command, capture_output=True).stdout or "[]")
    return [{"label": paths[m["Filename"]], "error": f"{m['Rule']['Id']} {m['Message']} at {m['Location']['Path']}"} for m in found]


def main():
    work = json.load(sys.stdin)
    if work["tool"] == "template":
        json.dump(templates(work["snippets"]), sys.stdout)
        return
    if work["tool"] == "sdk":
        quick()
    run = {"sdk": python, "python": python, "cli": cli}[work["tool"]]
    out, wrong = sys.stdout, []
    sys.stdout = sys.stderr
    for item in work["snippets"]:
        try:
            urllib.request.urlopen(work["begin"] + item["label"]).read()
            run(item)
        except BaseException as e:  # a snippet may exit
            wrong.append({"label": item["label"], "error": "".join(traceback.format_exception_only(e)).strip() + "\n" + traceback.format_exc(limit=-3)})
    json.dump(wrong, out)


main()
