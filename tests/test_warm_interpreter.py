"""bin/warm-python does what .venv/bin/python does, only sooner; and whatever is wrong with its server, a script is run all the same."""

from __future__ import annotations

import os
import pathlib
import signal
import textwrap
import time

import pytest

from tests import warm
from tests.warm import as_nobody, give_to_nobody, gone, until

pytestmark = pytest.mark.full  # minutes; signals and kills want a machine at rest

# All that a script can tell of the process that it is in.
FACTS = """
import __main__, json, locale, os, resource, signal, sys
print(json.dumps({
    "warm": "warm_script" in sys.modules,
    "argv": sys.argv, "executable": sys.executable, "prefix": sys.prefix, "path": sys.path, "flags": str(sys.flags),
    "main": {name: type(value).__name__ for name, value in vars(__main__).items()}, "file": __main__.__file__,
    "cwd": os.getcwd(), "umask": os.umask(0), "environment": dict(os.environ),
    "rights": [os.getuid(), os.getgid(), os.getgroups(), os.nice(0), list(os.sched_getaffinity(0))],
    "limits": [resource.getrlimit(each) for each in range(16)],
    "signals": {each: str(signal.getsignal(each)) for each in range(1, 32)}, "blocked": list(signal.pthread_sigmask(0, [])),
    "streams": [(each.encoding, each.errors, each.isatty(), each.seekable()) for each in (sys.stdin, sys.stdout, sys.stderr)],
    "line_buffering": [each.line_buffering for each in (sys.stdout, sys.stderr)], "locale": locale.getlocale(),
    "inherited": [each for each in range(64) if os.path.exists(f"/proc/self/fd/{each}") and os.get_inheritable(each)],
    "bytecode": sys.dont_write_bytecode, "safe": sys.flags.safe_path, "encoding": sys.getfilesystemencoding(),
}))
"""


@pytest.fixture(scope="module")
def shared():
    """For tests that leave the server as it is."""
    with warm.interpreter() as made:
        made.server()
        yield made


@pytest.fixture
def own():
    """For tests that do something to the server."""
    with warm.interpreter() as made:
        yield made


@pytest.fixture
def script(tmp_path):
    def write(text: str, name: str = "script.py") -> pathlib.Path:
        (tmp_path / name).write_text(textwrap.dedent(text), encoding="utf-8")
        return tmp_path / name

    return write


def both(interpreter, *words, **more):
    """What the cold interpreter and the warm one make of the same."""
    return interpreter.run(*words, program=interpreter.cold, **more), interpreter.run(*words, **more)


@pytest.mark.parametrize("by", ["a file", "its standard input"])
def test_a_script_finds_all_around_it_as_under_python_itself(shared, script, by, tmp_path):
    (tmp_path / "somewhere").mkdir()
    given = {
        "cwd": tmp_path / "somewhere",
        "umask": 0o027,
        "env": {"ONLY": "mine", "ODD": "\udcff", "EMPTY": "", "PWD": str(tmp_path / "somewhere")},
    }
    if by == "a file":
        cold, warm = both(shared, script(FACTS), "one", "two words", "ü\udcff", **given)
    else:
        cold, warm = both(shared, given=FACTS, **given)
    assert (cold.facts["warm"], warm.facts["warm"]) == (False, True)
    assert {**warm.facts, "warm": False} == cold.facts


@pytest.mark.parametrize(
    "text",
    [
        "pass",
        "import sys; sys.exit()",
        "import sys; sys.exit(3)",
        "import sys; sys.exit(259)",
        "import sys; sys.exit(-1)",
        "import sys; sys.exit('It is so.')",
        "raise SystemExit",
        "import sys; print('half', end=''); sys.stderr.write('told'); sys.exit(1)",
        "def one():\n    two()\ndef two():\n    raise ValueError('ü')\none()",
        "try:\n    1 / 0\nexcept ZeroDivisionError as error:\n    raise KeyError('second') from error",
        "x: int = (\n",
        "def f(x: undefined): pass\n",
        "raise KeyboardInterrupt",
        "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
        "import os, signal; os.kill(os.getpid(), signal.SIGTERM)",
        "import os; os._exit(7)",
        "import os; os.execv('/bin/sh', ['sh', '-c', 'echo other; exit 9'])",
        "import atexit; atexit.register(print, 'at the end'); print('before')",
        "import threading, time; threading.Thread(target=lambda: (time.sleep(0.2), print('thread'))).start(); print('main')",
        "import threading, time; threading.Thread(target=time.sleep, args=[60], daemon=True).start()",
        "import os\nif os.fork():\n    os.wait(); print('parent')\nelse:\n    print('child')",
        "import os, sys\nif os.fork():\n    os.wait(); sys.exit(4)\nelse:\n    sys.exit(5)",
        "import sys; sys.excepthook = lambda *_: print('hook'); 1 / 0",
        "import os; os.close(1); print('lost')",
        "import multiprocessing\nwith multiprocessing.get_context('fork').Pool(2) as pool: print(pool.map(abs, [-1, 2]))",
        "import sys; print(repr(sys.stdin.read()))",
    ],
)
@pytest.mark.parametrize("by", ["a file", "its standard input"])
def test_a_script_ends_and_prints_as_under_python_itself(shared, script, by, text):
    if by == "a file":
        cold, warm = both(shared, script(text), given="for the script\n")
    else:
        cold, warm = both(shared, given=text)
    assert warm == cold


@pytest.mark.parametrize("words", [["-c", "print(1)"], ["-V"], ["-m", "this"], ["missing.py"], ["missing"], ["-", "x"]])
def test_what_is_no_script_is_pythons_own(shared, words):
    cold, warm = both(shared, *words, given="import sys; print(sys.argv)")
    assert warm == cold


def test_a_script_that_writes_to_nobody_ends_as_under_python_itself(shared, script):
    reader, writer = os.pipe()
    os.close(reader)
    buffered = {"PYTHONUNBUFFERED": ""}
    shared.server(**buffered)
    cold, warm = both(shared, script("print('to nobody')"), stdout=writer, env=buffered)
    os.close(writer)
    assert (cold.status, warm.status) == (120, 120)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1])
def test_a_signal_to_the_interpreter_is_one_to_the_script(shared, script, number):
    file = script(f"""
        import signal, sys, time
        signal.signal({int(number)}, lambda *_: sys.exit("told"))
        print("ready", flush=True)
        time.sleep(60)
    """)
    with shared.begin(file) as process:
        assert process.stdout.readline() == "ready\n"
        process.send_signal(number)
        assert (process.wait(10), process.stderr.read()) == (1, "told\n")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_an_interpreter_that_is_ended_ends_the_script(shared, script, number):
    with shared.begin(script("import os, time; print(os.getpid(), flush=True); time.sleep(60)")) as process:
        pid = int(process.stdout.readline())
        process.send_signal(number)
        assert process.wait(10) == -number
    until(lambda: gone(pid), 10)


def test_what_a_script_leaves_running_goes_on_running(shared, script):
    file = script("import subprocess; print(subprocess.Popen(['sleep', '60'], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).pid)")
    pid = int(shared.run(file).output)
    time.sleep(0.5)
    assert not gone(pid)
    os.kill(pid, signal.SIGKILL)


def test_twenty_at_once_each_have_their_own(shared, script, tmp_path):
    file, running = (
        script("""
        import os, sys, time
        time.sleep(0.3)
        print(os.environ["MINE"], os.getcwd(), sys.stdin.read(), sys.argv[1:])
        sys.exit(int(sys.argv[1]))
    """),
        [],
    )
    for number in range(20):
        folder = tmp_path / str(number)
        folder.mkdir()
        running.append((folder, shared.begin(file, number, cwd=folder, env={"MINE": f"of {number}"})))
    for number, (folder, process) in enumerate(running):
        output, errors = process.communicate(f"for {number}", timeout=60)
        assert (process.returncode, output, errors) == (number, f"of {number} {folder} for {number} ['{number}']\n", "")


def handles(pid: int) -> list[str]:
    return [str(each.readlink()) for each in pathlib.Path(f"/proc/{pid}/fd").iterdir()]


def forks(pid: int) -> str:
    return pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text()


def test_no_process_and_no_handle_is_left(own):
    server = own.server()
    until(lambda: not forks(server))
    before = sorted(handles(server))
    for number in (None, None, signal.SIGKILL):
        with own.begin() as process:
            process.stdin.write("import time; time.sleep(0.1)")
            if number:
                process.send_signal(number)
            process.communicate()
    until(lambda: not forks(server) and sorted(handles(server)) == before)


def holds(pid: int, text: str) -> bool:
    """Whether a text is in what a process can write of its memory."""
    with pathlib.Path(f"/proc/{pid}/mem").open("rb") as memory:
        for line in pathlib.Path(f"/proc/{pid}/maps").read_text().splitlines():
            area, rights, *_ = line.split()
            start, end = (int(part, 16) for part in area.split("-"))
            if rights.startswith("rw"):
                memory.seek(start)
                if text.encode() in memory.read(end - start):
                    return True
    return False


def test_a_server_keeps_nothing_of_what_a_script_was_given(own):
    server = own.server()
    done = own.run(given="import os; 'password-in-the-text'; print(os.environ['SECRET'])", env={"SECRET": "password-in-the-environment"})
    assert done.output == "password-in-the-environment\n"
    assert holds(server, "botocore.loaders")
    assert not holds(server, "password-in-the-text")
    assert not holds(server, "password-in-the-environment")


def test_a_server_holds_nothing_of_the_one_who_began_it(own, tmp_path):
    with (tmp_path / "lock").open("w") as lock:
        own.run(given="pass", pass_fds=[lock.fileno()], cwd=tmp_path, env={"AWS_SECRET_ACCESS_KEY": "not-for-the-server"})
        until(lambda: list(own.folder.glob("?" * 32)))
        [server] = own.servers()
        assert [each for each in handles(server) if each.startswith("/")] == []
    assert (pathlib.Path(f"/proc/{server}/cwd").readlink(), os.getsid(server) == os.getsid(0)) == (pathlib.Path("/"), False)
    assert "not-for-the-server" not in pathlib.Path(f"/proc/{server}/environ").read_text()


def test_nothing_is_written_but_in_the_private_folder(own, tmp_path):
    own.server()
    assert own.folder.stat().st_mode & 0o777 == 0o700
    names = sorted(path.name for path in own.folder.iterdir())
    assert [len(name) for name in names] == [32]
    assert sorted(path.name for path in own.runtime.iterdir()) == [own.folder.name]


def test_a_script_outlives_the_server_that_is_killed_and_the_next_has_another(own, script):
    server = own.server()
    with own.begin(script("import sys; print('ready', flush=True); sys.stdin.readline(); sys.exit(6)")) as process:
        assert process.stdout.readline() == "ready\n"
        os.kill(server, signal.SIGKILL)
        process.communicate("go on\n", timeout=10)
    assert process.returncode == 6
    assert own.run(given="print('still')").output == "still\n"
    assert own.server() != server


def test_a_script_that_is_killed_with_its_server_is_not_run_twice(own, script):
    server = own.server()
    with own.begin(script("import os, time; print(os.getpid(), flush=True); time.sleep(60)")) as process:
        pid = int(process.stdout.readline())
        for each in (server, pid):
            os.kill(each, signal.SIGKILL)
        output, errors = process.communicate(timeout=10)
    assert (process.returncode, output) == (1, "")
    assert "Run the playbook again" in errors


def test_a_server_that_does_not_answer_is_not_waited_for(own):
    server = own.server()
    os.kill(server, signal.SIGSTOP)
    assert own.run(given="import sys; print('warm_script' in sys.modules)").output == "False\n"
    os.kill(server, signal.SIGCONT)


def test_twenty_at_once_begin_one_server(own):
    running = [own.begin() for _ in range(20)]
    assert [process.communicate("print('run')", timeout=120)[0] for process in running] == ["run\n"] * 20
    until(lambda: list(own.folder.glob("?" * 32)))
    assert len(own.servers()) == 1


def test_an_idle_server_ends_and_takes_its_socket_with_it(own):
    server = own.server(WARM_PYTHON_IDLE="1")
    until(lambda: gone(server), 10)
    assert list(own.folder.iterdir()) == []
    assert own.server(WARM_PYTHON_IDLE="1") != server


def test_a_changed_file_makes_another_server(own):
    server = own.server()
    with (own.checkout / "bin/warm_python/warm_script.py").open("a") as file:
        file.write("# changed\n")
    assert own.run(given="import sys; print('warm_script' in sys.modules)").output == "False\n"
    assert own.server() != server
    until(lambda: gone(server), 10)


def test_a_server_ends_with_its_environment_but_lets_a_script_end_first(own, script):
    env = {"WARM_PYTHON_IDLE": "1"}
    server = own.server(**env)
    with own.begin(script("import sys; print('ready', flush=True); sys.exit(int(sys.stdin.readline()))"), env=env) as process:
        assert process.stdout.readline() == "ready\n"
        (own.checkout / ".venv").unlink()
        until(lambda: not list(own.folder.glob("?" * 32)), 10)
        assert not gone(server)
        process.communicate("5\n", timeout=10)
    assert process.returncode == 5
    until(lambda: gone(server), 10)


@pytest.mark.parametrize("more", [{"env": {"LC_ALL": "C"}}, {"env": {"PYTHONPATH": "/nowhere"}}, {"preexec_fn": lambda: os.nice(1)}])
def test_what_python_reads_at_its_start_has_a_server_of_its_own(own, more):
    own.server()
    until(lambda: own.run(given=FACTS, **more).facts["warm"])
    cold, warm = both(own, given=FACTS, **more)
    assert {**warm.facts, "warm": False} == cold.facts
    assert len(own.servers()) == 2


def test_one_variable_switches_it_off(own):
    assert own.run(given=FACTS, env={"WARM_PYTHON": "off"}).facts["warm"] is False
    assert not own.folder.exists()


def open_to_others(own):
    own.folder.mkdir(mode=0o755)


def a_link(own):
    (own.runtime / "elsewhere").mkdir(mode=0o700)
    own.folder.symlink_to("elsewhere")


def no_folder(own):
    own.folder.touch()


@pytest.mark.parametrize("spoil", [open_to_others, a_link, no_folder])
def test_a_folder_that_is_not_private_is_not_used(own, spoil):
    spoil(own)
    assert own.run(given="print('run')") == warm.Ended(0, "run\n", "")
    time.sleep(1)
    assert own.servers() == []


def test_a_folder_of_another_user_is_not_used(own):
    own.folder.mkdir(mode=0o700)
    give_to_nobody(own.folder)
    assert own.run(given="print('run')") == warm.Ended(0, "run\n", "")
    assert own.servers() == []


def test_what_another_user_can_change_is_not_kept_running(own):
    """So it is under Ansible's `become`."""
    give_to_nobody(own.checkout / "bin/warm_python")
    assert own.run(given="print('run')") == warm.Ended(0, "run\n", "")
    assert not own.folder.exists()


def test_another_user_is_refused_even_where_the_folder_is_open(own):
    own.server()
    [path] = own.folder.iterdir()
    for part in (own.runtime.parent, own.runtime, own.folder):
        part.chmod(0o755)
    path.chmod(0o666)
    asked = f"import socket; s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET); s.connect({str(path)!r}); print(s.recv(16))"
    assert as_nobody(asked) == "b''\n"
    own.folder.chmod(0o700)
    assert own.run(given=FACTS).facts["warm"]


CLIENT = """
import boto3, json, sys
caches = sys.modules.get("warm_caches")
parsed = caches is not None and any("sns" in str(key) for key in caches.models._cache)
session = boto3.session.Session("administrator", "not-checked", region_name="us-west-2")
client = session.client("sns")
print(json.dumps({
    "parsed": parsed, "services": session.get_available_services(), "resources": session.get_available_resources(),
    "endpoint": client.meta.endpoint_url, "operations": dir(client), "pages": client.can_paginate("list_topics"),
    "waiters": client.waiter_names,
}))
"""


def test_each_model_of_aws_is_parsed_once(own):
    own.server()
    cold, warm = both(own, given=CLIENT)
    assert warm.facts == cold.facts
    until(lambda: own.run(given=CLIENT).facts["parsed"])
    again = own.run(given=CLIENT)
    assert {**again.facts, "parsed": False} == cold.facts


@pytest.mark.parametrize("place", ["in the home folder", "by AWS_DATA_PATH"])
def test_models_of_the_users_own_count(own, tmp_path, place):
    """https://github.com/boto/botocore/blob/1.40.0/botocore/loaders.py#L15"""
    env = {"HOME": str(tmp_path)} if place == "in the home folder" else {"AWS_DATA_PATH": str(tmp_path / ".aws/models")}
    own.server(**env)
    assert "orbit" not in own.run(given=CLIENT, env=env).facts["services"]
    model = tmp_path / ".aws/models/orbit/2020-01-01/service-2.json"
    model.parent.mkdir(parents=True)
    model.write_text("{}")
    cold, warm = both(own, given=CLIENT, env=env)
    assert "orbit" in warm.facts["services"]
    assert {**warm.facts, "parsed": False} == cold.facts


def test_a_path_that_no_socket_can_have_does_not_keep_a_script_from_running(own):
    deep = own.runtime / ("d" * 100)
    deep.mkdir()
    assert own.run(given="print('run')", env={"XDG_RUNTIME_DIR": str(deep)}) == warm.Ended(0, "run\n", "")


def test_a_checkout_that_was_not_set_up_says_what_to_type(own):
    (own.checkout / ".venv").unlink()
    ended = own.run(given="pass")
    assert (ended.status, ended.errors) == (127, f"warm-python: there is no {own.cold}. Type: make setup\n")
