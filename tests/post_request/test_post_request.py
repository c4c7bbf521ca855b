"""The client as a user runs it, as a process, against a server with prepared replies."""

import fcntl
import json
import os
import pty
import re
import shutil
import signal
import struct
import subprocess
import sys
import termios
import time
from contextlib import suppress
from email.utils import formatdate
from pathlib import Path

import pytest

from tests.post_request.scripted_service import ANSWER, CLIENT, SCRIPT, Reply, Service, checked, error


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("a.jpg", "./a.jpg"),
        ("./a.jpg", "./a.jpg"),
        ("deep/x.png", "./deep/x.png"),
        ("../{folder.name}/a.jpg", "../{folder.name}/a.jpg"),
        ("{folder}/a.jpg", "{folder}/a.jpg"),
        (".hidden.jpg", ".hidden.jpg"),
    ],
)
def test_answer_is_printed_in_two_lines(service: Service, folder: Path, typed: str, shown: str) -> None:
    (folder / "deep").mkdir()
    for name in ("deep/x.png", ".hidden.jpg"):
        (folder / name).write_bytes(b"picture")
    done = service.run(folder, typed.format(folder=folder))
    expected = checked(shown.format(folder=folder))
    assert (done.stdout, done.stderr, done.returncode) == (expected, "", 0)


@pytest.mark.parametrize(
    ("name", "sent"),
    [
        ("cät 日本.jpg", "cät 日本.jpg"),
        ("a \"b\" 'c';.jpg", "a \"b\" 'c';.jpg"),
        (os.fsdecode(b"\xff.jpg"), "?.jpg"),
        ("no suffix", "no suffix"),
    ],
)
def test_sends_the_bytes_under_the_base_name(service: Service, tmp_path: Path, name: str, sent: str) -> None:
    data = bytes(range(256)) * 500
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / name).write_bytes(data)
    done = service.run(tmp_path, f"in/{name}")
    shown = name.encode(errors="backslashreplace").decode()
    assert (done.stdout, done.returncode) == (checked(f"./in/{shown}"), 0)
    assert [(seen.name, seen.data) for seen in service.seen] == [(sent, data)]


def test_sample_images_and_empty_file_arrive_whole(service: Service, tmp_path: Path) -> None:
    samples = [CLIENT / name for name in ("cat.jpg", "coffee.jpg", "camera.png")]
    empty = tmp_path / "empty.jpg"
    empty.touch()
    paths = [*samples, empty]
    done = service.run(tmp_path, *map(str, paths))
    assert (done.stdout, done.returncode) == (checked(*map(str, paths)), 0)
    assert [seen.data for seen in service.seen] == [path.read_bytes() for path in paths]
    assert len({seen.connection for seen in service.seen}) == 1  # kept alive


def test_control_characters_never_reach_the_terminal(service: Service, tmp_path: Path) -> None:
    (tmp_path / "a\x1b[2J\n.jpg").touch()
    service.replies["*"] = [Reply(415, error("x", "two\nlines\x1b[2J"))]
    done = service.run(tmp_path, ".")
    assert done.stderr == "./a?[2J?.jpg: 415 x: two?lines?[2J\n"


def test_folders_are_searched_by_suffix_in_order(service: Service, folder: Path) -> None:
    (folder / "sub" / "e.jpg").mkdir(parents=True)  # a folder, whatever its name
    for name in (
        "sub/z.PNG",
        "sub/e.jpg/y.WebP",
        "d.jpeg",
        "f.gif",
        "g.bmp",
        "h.mpo",
        "i.txt",
        "jpg",
    ):
        (folder / name).touch()
    done = service.run(folder, "c.jpg", ".", "i.txt")
    inside = [
        "a.jpg",
        "b.jpg",
        "c.jpg",
        "d.jpeg",
        "f.gif",
        "g.bmp",
        "h.mpo",
        "sub/e.jpg/y.WebP",
        "sub/z.PNG",
    ]
    expected = checked(*(f"./{name}" for name in ["c.jpg", *inside, "i.txt"]))
    assert (done.stdout, done.stderr, done.returncode) == (expected, "", 0)


@pytest.mark.parametrize(
    ("query", "options", "path"),
    [
        ("", [], "/predict"),
        ("", ["--top-k", "7"], "/predict?top_k=7"),
        ("?model=m", ["--top-k", "1000"], "/predict?model=m&top_k=1000"),
        ("?model=m&top_k=2", ["--top-k", "3"], "/predict?model=m&top_k=3"),
        ("", ["--model", "microsoft/resnet-50"], "/predict?model=microsoft%2Fresnet-50"),
        ("?model=m&version=2", ["--model", "n"], "/predict?version=2&model=n"),
        ("?key=a%2Bb&empty=#part", [], "/predict?key=a%2Bb&empty="),
    ],
)
def test_options_are_sent_in_the_query(
    service: Service, folder: Path, query: str, options: list[str], path: str
) -> None:
    service.url += query
    assert service.run(folder, "a.jpg", *options).returncode == 0
    assert [seen.path for seen in service.seen] == [path]


@pytest.mark.parametrize(
    ("options", "variables", "sent"),
    [
        ([], {}, None),
        ([], {"API_KEY": ""}, None),
        ([], {"API_KEY": "from the environment"}, "from the environment"),
        (["--api-key", "k-1"], {"API_KEY": "from the environment"}, "k-1"),
    ],
)
def test_api_key_is_sent(
    service: Service, folder: Path, options: list[str], variables: dict[str, str], sent: str | None
) -> None:
    # An entry for the host must not replace the key.
    (folder / ".netrc").write_text("machine 127.0.0.1 login a password b\n")
    done = service.run(folder, "a.jpg", *options, HOME=str(folder), **variables)
    assert (done.stdout, done.stderr) == (checked("./a.jpg"), "")
    assert [seen.key for seen in service.seen] == [sent]


@pytest.mark.parametrize("key", ["secret\n", "sec\rret", "secrét", "secr€t", " secret"])
def test_unusable_api_key_is_refused_and_not_shown(service: Service, folder: Path, key: str) -> None:
    done = service.run(folder, "a.jpg", API_KEY=key)
    message = "argument --api-key: a key is printable ASCII, without spaces around it"
    assert done.stderr.splitlines()[1:] == [f"post_request.py: error: {message}"]
    assert (done.stdout, done.returncode, service.seen) == ("", 2, [])


@pytest.mark.parametrize(
    ("reply", "url"),
    [
        (Reply(401, error("unauthorized")), "{url}"),
        (Reply(500, b"no JSON"), "{url}"),
        (Reply(how="reset"), "{url}"),
        (None, "http://127.0.0.1:1/"),
    ],
)
def test_api_key_is_in_no_error(service: Service, folder: Path, reply: Reply | None, url: str) -> None:
    service.replies["*"] = [reply] if reply else []
    service.url = url.replace("{url}", service.url)
    done = service.run(folder, "a.jpg", "--retries", "0", "--api-key", "secret-key", "--json")
    assert done.returncode == 1
    assert "secret-key" not in done.stdout + done.stderr


def test_pipes_devices_and_huge_files_are_refused(service: Service, folder: Path) -> None:
    os.mkfifo(folder / "b.fifo")
    with (folder / "large.jpg").open("wb") as file:
        file.truncate((1 << 30) + 1)
    done = service.run(folder, "a.jpg", "b.fifo", "large.jpg", "/dev/zero", "c.jpg")
    assert done.stderr.splitlines() == [
        "./b.fifo: unreadable_file: not a regular file",
        "./large.jpg: unreadable_file: larger than 1024 MB",
        "/dev/zero: unreadable_file: not a regular file",
    ]
    assert (done.stdout, done.returncode) == (checked("./a.jpg", "./c.jpg"), 1)


def test_concurrent_answers_keep_their_order(service: Service, folder: Path) -> None:
    service.expected = 3
    service.replies = {name: [Reply(hold=service.all_seen)] for name in ("a.jpg", "b.jpg")}
    done = service.run(folder, ".", "--concurrency", "3")
    assert (done.stdout, done.stderr) == (checked("./a.jpg", "./b.jpg", "./c.jpg"), "")
    assert service.all_seen.is_set()
    assert len({seen.connection for seen in service.seen}) == 3


def test_json_prints_one_line_for_each_image(service: Service, folder: Path) -> None:
    unsupported = error("unsupported_format", "not an image")
    service.replies["b.jpg"] = [Reply(415, unsupported)]
    (folder / "d.jpg").symlink_to("d.jpg")
    done = service.run(folder, ".", "--json")
    unreadable = {"code": "unreadable_file", "message": "Too many levels of symbolic links"}
    assert [json.loads(line) for line in done.stdout.splitlines()] == [
        {"image": "./a.jpg", **ANSWER},
        {"image": "./b.jpg", **json.loads(unsupported)},
        {"image": "./c.jpg", **ANSWER},
        {"image": "./d.jpg", "success": False, "error": unreadable},
    ]
    assert done.stderr == (
        "./b.jpg: 415 unsupported_format: not an image\n./d.jpg: unreadable_file: Too many levels of symbolic links\n"
    )
    assert done.returncode == 1


NOT_OURS = "bad_answer: not the prediction service's JSON: "


FAILURES = [
    (Reply(415, error("unsupported_format", "a text")), "415 unsupported_format: a text"),
    (Reply(500, error("internal")), "500 internal: no"),
    (Reply(502, error("bad_gateway")), "502 bad_gateway: no"),
    (Reply(504, error("gateway_timeout")), "504 gateway_timeout: no"),
    (Reply(200, error("odd")), "200 odd: no"),
    (Reply(200, b""), f"200 {NOT_OURS}''"),
    (Reply(200, b"[1]"), f"200 {NOT_OURS}'[1]'"),
    (Reply(200, b'{"success": 1}'), f"""200 {NOT_OURS}'{{"success": 1}}'"""),
    (Reply(200, b'{"error": "x"}'), f"""200 {NOT_OURS}'{{"error": "x"}}'"""),
    (Reply(200, b"[" * 200_000), f"200 {NOT_OURS}'{'[' * 80}'"),
    (Reply(404, b"<html>\n\xff\x1b"), f"404 {NOT_OURS}'<html>\\n\ufffd\\x1b'"),
    (Reply(500), f"500 {NOT_OURS}{json.dumps(ANSWER)[:80]!r}"),
    (Reply(301, headers={"Location": "https://b/"}), "301 moved: the service is at https://b/"),
    (
        Reply(headers={"Content-Encoding": "gzip"}),
        "connection_failed: Error -3 while decompressing data: incorrect header check ({url})",
    ),
]


def test_other_failures_are_reported_and_not_retried(service: Service, tmp_path: Path) -> None:
    names = [f"{number:02}.jpg" for number in range(len(FAILURES) + 1)]
    for name in names:
        (tmp_path / name).touch()
    service.replies = {name: [reply] for name, (reply, _) in zip(names, FAILURES, strict=False)}
    done = service.run(tmp_path, ".")
    assert done.stderr.splitlines() == [
        f"./{name}: {problem.replace('{url}', service.url)}"
        for name, (_, problem) in zip(names, FAILURES, strict=False)
    ]
    assert (done.stdout, done.returncode) == (checked(f"./{names[-1]}"), 1)
    assert [seen.name for seen in service.seen] == names


def test_retry_sends_the_whole_image_again(service: Service, tmp_path: Path) -> None:
    first = {
        "503.jpg": Reply(503, error("overloaded")),
        "429.jpg": Reply(429, b"slow down"),
        "502.jpg": Reply(502, error("unreachable"), {"Retry-After": "0"}),
        **{f"{how}.jpg": Reply(how=how) for how in ("reset", "closed", "cut")},
    }
    for name in first:
        (tmp_path / name).write_text(name * 1000)
    service.replies = {name: [reply] for name, reply in first.items()}
    done = service.run(tmp_path, *first, "--concurrency", "6")
    expected = checked(*(f"./{name}" for name in first))
    assert (done.stdout, done.stderr, done.returncode) == (expected, "", 0)
    sent = sorted((seen.name, seen.data.decode()) for seen in service.seen)
    assert sent == sorted([(name, name * 1000) for name in first] * 2)


def test_retry_waits_as_long_as_retry_after_says(service: Service, folder: Path) -> None:
    until = int(time.time()) + 2
    busy = error("overloaded")
    service.replies = {
        "a.jpg": [Reply(503, busy, {"Retry-After": formatdate(until, usegmt=True)})],
        "b.jpg": [Reply(429, busy, {"Retry-After": "1"})],
    }
    assert service.run(folder, "a.jpg", "b.jpg", "--concurrency", "2").returncode == 0
    times = {name: [seen.time for seen in service.seen if seen.name == name] for name in service.replies}
    assert times["a.jpg"][1] >= until
    assert times["b.jpg"][1] - times["b.jpg"][0] >= 1


@pytest.mark.parametrize(
    ("attempt", "retry_after", "least"),
    [
        (0, None, 0.5),
        (2, None, 2),
        (100, None, 60),
        (0, "0", 0.5),
        (0, "86400", 60),
        (0, "9" * 5000, 60),
        (0, "-5", 0.5),
        (0, "soon", 0.5),
        (0, "", 0.5),
        (0, "Mon, 01 Jan 2001 00:00:00 GMT", 0.5),
        (0, "Fri, 31 Dec 9999 23:59:59 GMT", 60),
        (0, "Fri, 31 Dec 99999 23:59:59 GMT", 0.5),
    ],
)
def test_pauses_grow_and_are_bounded(
    monkeypatch: pytest.MonkeyPatch, attempt: int, retry_after: str | None, least: float
) -> None:
    monkeypatch.syspath_prepend(str(CLIENT))
    from sending import pause_before_retry

    assert least <= pause_before_retry(attempt, retry_after) <= least * 1.25


@pytest.mark.parametrize("retries", [0, 1])
def test_last_retry_reports_the_failure(service: Service, folder: Path, retries: int) -> None:
    service.replies["*"] = [Reply(503, error("overloaded", "later"))] * 9
    done = service.run(folder, "a.jpg", "--retries", str(retries))
    assert (done.stdout, done.stderr) == ("", "./a.jpg: 503 overloaded: later\n")
    assert (done.returncode, len(service.seen)) == (1, retries + 1)


def test_slow_answer_times_out(service: Service, folder: Path) -> None:
    service.replies["*"] = [Reply(hold=service.release)] * 2
    done = service.run(folder, "a.jpg", "--timeout", "0.2", "--retries", "1")
    expected = f"./a.jpg: timeout: no answer from {service.url} within 0.2 s\n"
    assert (done.stdout, done.stderr, done.returncode) == ("", expected, 1)
    assert len(service.seen) == 2


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ("reset", "Connection reset by peer"),
        ("closed", "Remote end closed connection without response"),
        ("cut", "IncompleteRead(10 bytes read, 72 more expected)"),
    ],
)
def test_broken_connection_is_reported(service: Service, folder: Path, how: str, reason: str) -> None:
    service.replies["*"] = [Reply(how=how)]
    done = service.run(folder, "a.jpg", "--retries", "0")
    assert done.stderr == f"./a.jpg: connection_failed: {reason} ({service.url})\n"
    assert (done.stdout, done.returncode) == ("", 1)


def test_refused_connection_is_reported(silent: Service, folder: Path) -> None:
    done = silent.run(folder, "a.jpg", "--retries", "0")
    assert done.stderr == f"./a.jpg: connection_failed: Connection refused ({silent.url})\n"
    assert (done.stdout, done.returncode) == ("", 1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "the following arguments are required: IMAGE"),
        (["none.jpg"], "no such file or folder: none.jpg"),
        (["a.jpg/b.jpg"], "no such file or folder: a.jpg/b.jpg"),
        (["a.jpg", "empty"], "no images in folder: empty"),
        (
            ["a.jpg", "--retries", "-1"],
            "argument --retries: '-1' is not a whole number from 0 to 100",
        ),
        (
            ["a.jpg", "--top-k", "1001"],
            "argument --top-k: '1001' is not a whole number from 1 to 1000",
        ),
        (["a.jpg", "--top-k", "x"], "argument --top-k: 'x' is not a whole number from 1 to 1000"),
        (
            ["a.jpg", "--concurrency", "1.5"],
            "argument --concurrency: '1.5' is not a whole number from 1 to 256",
        ),
        (
            ["a.jpg", "--timeout", "nan"],
            "argument --timeout: 'nan' is not a number from 0.1 to 86400",
        ),
        *(
            (
                ["a.jpg", "--url", url],
                f"argument --url: {url!r} is not an address like http://localhost/predict",
            )
            for url in (
                "",
                "localhost",
                "ftp://a/b",
                "http://",
                "http://a:b/",
                "http://a:99999/",
                "http://a..b/",
            )
        ),
    ],
)
def test_wrong_usage_ends_with_status_2(service: Service, folder: Path, arguments: list[str], message: str) -> None:
    (folder / "empty").mkdir()
    done = service.run(folder, *arguments)
    usage = "usage: post_request.py [options] IMAGE [IMAGE ...]\n"
    assert done.stderr == f"{usage}post_request.py: error: {message}\n"
    assert (done.stdout, done.returncode, service.seen) == ("", 2, [])


def test_ctrl_c_ends_the_client_at_once(service: Service, folder: Path) -> None:
    service.expected = 2
    service.replies["*"] = [Reply(hold=service.release)] * 3
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with service.running(folder, ".", "--concurrency", "2", **pipes) as client:
        assert service.all_seen.wait(20)
        client.send_signal(signal.SIGINT)
        assert client.communicate(timeout=20) == ("", "")
    assert client.returncode == 130


def test_closed_pipe_ends_the_client_quietly(service: Service, folder: Path) -> None:
    service.replies["b.jpg"] = [Reply(hold=service.release)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with service.running(folder, ".", **pipes) as client:
        assert client.stdout
        assert client.stderr
        assert client.stdout.readline() + client.stdout.readline() == checked("./a.jpg")
        client.stdout.close()
        service.release.set()
        assert client.stderr.read() == ""
        assert client.wait(20) == 1


def terminal() -> tuple[int, int]:
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 200, 0, 0))
    return ours, theirs


def read_until(terminal: int, wanted: str = "") -> str:
    """The text on the terminal, up to `wanted` or to its end."""
    text = b""
    with suppress(OSError):  # Linux reports EIO once the other side is closed
        while not wanted or wanted not in text.decode(errors="replace"):
            text += os.read(terminal, 4096)
    return text.decode()


@pytest.mark.parametrize("images", [["a.jpg"], ["a.jpg", "b.jpg"]])
def test_progress_bar_is_for_several_images_on_a_terminal(service: Service, folder: Path, images: list[str]) -> None:
    ours, theirs = terminal()
    with service.running(folder, *images, stdout=theirs, stderr=theirs) as client:
        os.close(theirs)
        screen = read_until(ours)
        os.close(ours)
        assert client.wait(20) == 0
    # A carriage return goes back to the start of the line, so only the text behind the last one stays.
    lines = [line.rpartition("\r")[2] for line in screen.split("\r\n")]
    names = [f"./{name}" for name in images]
    results = checked(*names).splitlines()
    assert lines[: len(results)] == results
    rest = lines[len(results) :]
    if len(images) == 1:
        assert rest == [""]
    else:
        assert "  0%|" in screen
        assert re.fullmatch(r"100%\|█+\| 2/2 \[.* images/s\]", rest[0])
        assert rest[1:] == [""]


def test_terminal_shows_retries(silent: Service, folder: Path) -> None:
    ours, theirs = terminal()
    with silent.running(folder, "a.jpg", stdout=subprocess.PIPE, stderr=theirs) as client:
        os.close(theirs)
        shown = read_until(ours, "\n")
        silent.start()
        assert client.communicate(timeout=20)[0] == checked("./a.jpg")
        assert read_until(ours) == ""
        os.close(ours)
    problem = re.escape(f"./a.jpg: connection_failed: Connection refused ({silent.url})")
    assert re.fullmatch(rf"{problem}; retry 1 of 5 in 0\.[56] s\r\n", shown)
    assert client.returncode == 0


def test_missing_packages_are_reported_with_the_remedy() -> None:
    command = [sys.executable, "-IS", str(SCRIPT), "cat.jpg"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    expected = "No module named 'requests': run post_request/pre_post_request.sh and the command that it prints\n"
    assert (done.stdout, done.stderr, done.returncode) == ("", expected, 1)


PYTHON3 = """#!/bin/sh
# In place of python3; when told to make an environment, copies itself there as the python of that environment.
echo "$@" >> "$CALLS"
if [ "$2" = venv ]; then mkdir -p "$4/bin" && cp "$0" "$4/bin/python"; fi
"""


def test_preparation_makes_the_environment_once(tmp_path: Path) -> None:
    copy = tmp_path / "my files" / "post_request"
    copy.mkdir(parents=True)
    for name in ("pre_post_request.sh", "requirements.txt"):
        shutil.copy(CLIENT / name, copy)
    python3 = tmp_path / "bin" / "python3"
    python3.parent.mkdir()
    python3.write_text(PYTHON3)
    python3.chmod(0o755)
    calls = tmp_path / "calls"
    bash = shutil.which("bash") or "bash"
    environment = {"PATH": f"{python3.parent}:{os.environ['PATH']}", "CALLS": str(calls)}

    def prepare(directory: Path, script: Path) -> str:
        output = subprocess.check_output(
            [bash, script], cwd=directory, env=environment, stderr=subprocess.STDOUT, text=True
        )
        assert output.startswith("Ready. With the service running, try:\n  ")
        return output.splitlines()[1].strip()

    there, here = copy / "pre_post_request.sh", Path("pre_post_request.sh")
    quoted = str(copy).replace(" ", "\\ ")
    expected = [f"{quoted}/{name}" for name in (".venv/bin/python", "post_request.py", "cat.jpg")]
    assert prepare(tmp_path, there) == " ".join(expected)
    assert prepare(copy, here) == "./.venv/bin/python ./post_request.py ./cat.jpg"
    made = [
        f"-m venv --clear {copy}/.venv",
        f"-m pip install --quiet --disable-pip-version-check -r {copy}/requirements.txt",
    ]
    assert calls.read_text().splitlines() == made
    (copy / "requirements.txt").write_text("requests\n")
    prepare(tmp_path, there)
    assert calls.read_text().splitlines() == made * 2
