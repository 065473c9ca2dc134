"""Submit, wait, download."""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from pathlib import Path
from typing import Any, Callable, Dict, Iterable, Iterator, List, Mapping, Optional, TextIO, Tuple, Union

Json = Dict[str, Any]
Job = Dict[str, Any]
"""A job as the service describes it: `job["status"]`, `job["result"]["artifacts"]`, …"""

Batch = Dict[str, Any]
"""Jobs that came together: `batch["status"]`, `batch["counts"]`, …"""

OnProgress = Callable[[float, str], None]
"""Called with a fraction from 0 to 1 and what is being done."""

_FINAL = frozenset({"succeeded", "failed", "canceled", "expired"})
_AGAIN = frozenset({429, 502, 503, 504})


class ApiError(Exception):
    """The service refused a request, or could not be reached.

    Attributes:
        status: the HTTP status; 0 when there was no answer.
        code: the problem's machine word, such as `validation_failed`; empty when unknown.
        errors: what is wrong with each member, each with a JSON pointer.
        retryable: whether the same request may succeed later.
        retry_after: seconds the service asks to wait before that; None when it does not say.
    """

    def __init__(self, status: int, problem: Mapping[str, Any], retry_after: Optional[float] = None) -> None:
        self.status = status
        self.retry_after = retry_after
        self.code: str = str(problem.get("code", ""))
        self.errors: List[Json] = list(problem.get("errors") or [])
        self.retryable = bool(problem.get("retryable", status in _AGAIN or status == 0))
        lines = [str(problem.get("detail") or problem.get("title") or f"HTTP {status}")]
        lines += [f"{e.get('pointer', '')} {e.get('detail', '')}" for e in self.errors]
        super().__init__("\n  ".join(lines))


class JobFailed(Exception):
    """A job ended in another way than by success; `job` says how."""

    def __init__(self, job: Job) -> None:
        self.job = job
        error = job.get("error") or {}
        super().__init__(
            f"job {job['job_id']}: {job['status']}"
            + (f", {error.get('code')}: {error.get('message')}" if error else "")
        )


class ProgressBar:
    """A progress bar on a terminal; silent elsewhere, so that logs stay readable."""

    def __init__(self, title: str = "", stream: Optional[TextIO] = None, width: int = 30) -> None:
        self._title, self._width = title, width
        self._stream = stream or sys.stderr
        self._shown = self._stream.isatty()

    def __call__(self, fraction: float, message: str) -> None:
        if self._shown:
            done = round(fraction * self._width)
            bar = "█" * done + "░" * (self._width - done)
            self._stream.write(f"\r\033[K{self._title} {bar} {fraction:4.0%} {message}")
            self._stream.flush()

    def close(self) -> None:
        """Clears the line."""
        if self._shown:
            self._stream.write("\r\033[K")
            self._stream.flush()


class Client:
    """The service at one address. May be used by several threads.

    Args:
        url: where the service is; default `COMFYAPI_URL`, else http://127.0.0.1:8080.
        key: API key; default `COMFYAPI_KEY`; none for a service that asks for none.
        timeout: seconds to wait for one answer.
        tries: how often a request is sent when the service is away or asks to wait. A submit carries
            a key of its own, so sending it again makes no second job.
    """

    def __init__(
        self,
        url: Optional[str] = None,
        key: Optional[str] = None,
        *,
        timeout: float = 75.0,
        tries: int = 5,
    ) -> None:
        self._url = (url or os.environ.get("COMFYAPI_URL") or "http://127.0.0.1:8080").rstrip("/")
        self._key = key or os.environ.get("COMFYAPI_KEY")
        self._timeout, self._tries = timeout, tries

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is kept open between requests."""

    # -- jobs ------------------------------------------------------------------------------------

    def submit(self, prompt: Optional[str] = None, *, idempotency_key: Optional[str] = None, **members: Any) -> Job:
        """Submits a job and comes back at once.

        Args:
            prompt: what the picture shows; leave it out when you send a `workflow`.
            idempotency_key: your own key, to make the submit safe to repeat across restarts of your
                program.
            members: any member of the request: width, height, steps, seed, model, loras,
                init_image, workflow, webhook, metadata, tags, …
        """
        body = {k: v for k, v in {"prompt": prompt, **members}.items() if v is not None}
        return self._create("/api/v1/jobs", body, idempotency_key)

    def generate(self, prompt: Optional[str] = None, *, on_progress: Optional[OnProgress] = None, **members: Any) -> Job:
        """Submits a job and waits for its end.

        Raises:
            JobFailed: the job did not succeed.
        """
        return self.wait(self.submit(prompt, **members), on_progress=on_progress)

    def get(self, job: Union[str, Job]) -> Job:
        """The job as it is now."""
        return self._json("GET", self._path(job))

    def jobs(self, *, limit: int = 50, **filters: str) -> Iterator[Job]:
        """All jobs, newest first, page by page.

        Args:
            limit: jobs of one page.
            filters: status, tag, batch_id, created_after, …
        """
        query: Json = {"limit": limit, **filters}
        while True:
            page = self._json("GET", "/api/v1/jobs?" + urllib.parse.urlencode(query))
            yield from page["jobs"]
            if not page.get("next_cursor"):
                return
            query["cursor"] = page["next_cursor"]

    def cancel(self, job: Union[str, Job]) -> Job:
        """Cancels a job; final at once. One that has ended stays as it is."""
        return self._json("POST", self._path(job) + "/cancel")

    def wait(
        self,
        job: Union[str, Job],
        *,
        on_progress: Optional[OnProgress] = None,
        timeout: Optional[float] = None,
    ) -> Job:
        """Waits for the end of a job. Survives restarts of the service.

        Args:
            timeout: seconds; None waits for ever.

        Raises:
            JobFailed: the job did not succeed.
            TimeoutError: time is up; the job goes on.
        """
        until = None if timeout is None else time.monotonic() + timeout
        for event in self.events(job, until=until):
            if on_progress and "progress" in event:
                on_progress(event["progress"], event.get("message") or event.get("phase") or event.get("status") or "")
        ended = self.get(job)
        if ended["status"] not in _FINAL:
            raise TimeoutError(f"job {ended['job_id']} is still {ended['status']}")
        if ended["status"] != "succeeded":
            raise JobFailed(ended)
        return ended

    def events(self, job: Union[str, Job], *, until: Optional[float] = None) -> Iterator[Json]:
        """The events of a job as they happen, to its end: `status`, `progress`, `artifact`, `done`.

        A broken connection is taken up where it broke off.

        Args:
            until: `time.monotonic()` after which it stops.
        """
        seen: Optional[str] = None
        failures = 0
        while until is None or time.monotonic() < until:
            left = 30.0 if until is None else max(0.1, min(30.0, until - time.monotonic()))
            headers = {"Accept": "text/event-stream"}
            if seen:
                headers["Last-Event-ID"] = seen
            try:
                with self._open("GET", self._path(job) + "/events", headers=headers, timeout=left) as answer:
                    if answer.status == 204:
                        return
                    for number, data in _server_sent_events(answer):
                        failures = 0
                        seen = number or seen
                        event = json.loads(data)
                        yield event
                        if event.get("type") == "done":
                            return
                        if until is not None and time.monotonic() >= until:
                            return
            except ApiError as error:
                if not error.retryable:
                    raise
                failures += 1
            except (OSError, urllib.error.URLError):
                failures += 1
            if failures > 10 * self._tries:
                raise ApiError(0, {"detail": f"nothing answers at {self._url}; the job goes on"})
            time.sleep(min(2.0, 0.2 * (failures + 1)))

    # -- batches ---------------------------------------------------------------------------------

    def submit_batch(self, requests: Iterable[Json], *, idempotency_key: Optional[str] = None, **options: Any) -> Batch:
        """Submits many jobs in one call, all of them or none, and comes back when they are stored.

        Args:
            requests: bodies as of `submit`, up to 50,000; each may have a `custom_id`.
            options: name, max_concurrency, fail_fast, completion_window_s, webhook_url, webhook_events.
        """
        query = {k: str(v).lower() if isinstance(v, bool) else v for k, v in options.items() if v is not None}
        return self._json(
            "POST",
            "/api/v1/batches?" + urllib.parse.urlencode(query),
            "\n".join(json.dumps(request) for request in requests).encode(),
            {"Content-Type": "application/jsonl", "Idempotency-Key": idempotency_key or str(uuid.uuid4())},
            timeout=600.0,
        )

    def wait_batch(self, batch: Union[str, Batch], *, on_progress: Optional[OnProgress] = None) -> Batch:
        """Waits until the last job of a batch has ended, however it did."""
        while True:
            seen = self._json("GET", self._batch_path(batch) + "?wait_s=2")
            if on_progress:
                total, queued, running = (seen["counts"][k] for k in ("total", "queued", "running"))
                on_progress(seen["progress"], f"{total - queued - running} of {total}")
            if seen["finished_at"]:
                return seen

    def cancel_batch(self, batch: Union[str, Batch]) -> Batch:
        """Cancels what has not ended of a batch; final at once."""
        return self._json("POST", self._batch_path(batch) + "/cancel")

    def batch_results(self, batch: Union[str, Batch]) -> Iterator[Json]:
        """What came of the jobs of a batch: those that succeeded, then the others, each in the order in which it ended.

        Each has `custom_id`, `job_id`, `status`, `artifacts` and `error`, and can be given to `save`.
        """
        for kind in ("results", "errors"):
            with self._open("GET", f"{self._batch_path(batch)}/{kind}.jsonl", timeout=600.0) as answer:
                for line in answer:
                    yield json.loads(line)

    # -- files -----------------------------------------------------------------------------------

    def save(self, job: Job, path: Union[str, Path]) -> List[Path]:
        """Downloads what a job made; answers the files.

        Args:
            path: the file's name; with several files each gets its number behind it. A folder takes
                them all.
        """
        artifacts = (job.get("result") or job).get("artifacts") or []
        target = Path(path)
        saved = []
        for artifact in artifacts:
            file = _file(target, job, artifact, len(artifacts))
            part = file.with_name(file.name + ".part")
            # The link carries its own permission: the key stays here.
            with urllib.request.urlopen(artifact["url"], timeout=self._timeout) as source, part.open("wb") as sink:
                shutil.copyfileobj(source, sink)
            part.replace(file)
            saved.append(file)
        return saved

    def upload(self, path: Union[str, Path], purpose: str = "input") -> str:
        """Brings a picture in; answers a reference for `init_image`, `mask` and workflows."""
        file = Path(path)
        boundary = uuid.uuid4().hex
        name = file.name.replace('"', "_").replace("\r", "_").replace("\n", "_")
        body = b"".join(
            [
                f'--{boundary}\r\nContent-Disposition: form-data; name="purpose"\r\n\r\n{purpose}\r\n'.encode(),
                f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'.encode(),
                file.read_bytes(),
                f"\r\n--{boundary}--\r\n".encode(),
            ]
        )
        asset = self._json(
            "POST",
            "/api/v1/assets",
            body,
            {"Content-Type": f"multipart/form-data; boundary={boundary}", "Idempotency-Key": str(uuid.uuid4())},
        )
        return f"asset://{asset['asset_id']}"

    # -- HTTP ------------------------------------------------------------------------------------

    @staticmethod
    def _path(job: Union[str, Job]) -> str:
        number = job if isinstance(job, str) else job["job_id"]
        return "/api/v1/jobs/" + urllib.parse.quote(number, safe="")

    @staticmethod
    def _batch_path(batch: Union[str, Batch]) -> str:
        number = batch if isinstance(batch, str) else batch["batch_id"]
        return "/api/v1/batches/" + urllib.parse.quote(number, safe="")

    def _create(self, path: str, body: Json, key: Optional[str]) -> Json:
        return self._json(
            "POST",
            path,
            json.dumps(body).encode(),
            {"Content-Type": "application/json", "Idempotency-Key": key or str(uuid.uuid4())},
        )

    def _json(
        self,
        method: str,
        path: str,
        body: Optional[bytes] = None,
        headers: Optional[Mapping[str, str]] = None,
        timeout: Optional[float] = None,
    ) -> Any:
        for attempt in range(1, self._tries + 1):
            try:
                with self._open(method, path, body, headers, timeout) as answer:
                    text = answer.read()
                    return json.loads(text) if text else {}
            except ApiError as error:
                if error.status not in _AGAIN or attempt == self._tries:
                    raise
                time.sleep(min(10.0, float(attempt) if error.retry_after is None else error.retry_after))
            except OSError as error:
                if attempt == self._tries:
                    raise ApiError(0, {"detail": f"nothing answers at {self._url}: {error}"}) from error
                time.sleep(0.2 * attempt)
        raise AssertionError("unreachable")

    def _open(
        self,
        method: str,
        path: str,
        body: Optional[bytes] = None,
        headers: Optional[Mapping[str, str]] = None,
        timeout: Optional[float] = None,
    ) -> Any:
        request = urllib.request.Request(self._url + path, data=body, method=method)
        request.add_header("User-Agent", "comfyapi-python/0.1.0")
        if self._key:
            request.add_header("Authorization", "Bearer " + self._key)
        for name, value in (headers or {}).items():
            request.add_header(name, value)
        try:
            return urllib.request.urlopen(request, timeout=timeout or self._timeout)
        except urllib.error.HTTPError as answer:
            with answer:
                raise _problem(answer) from None


def _problem(answer: urllib.error.HTTPError) -> ApiError:
    text = answer.read(1_000_000)
    try:
        problem = json.loads(text)
    except ValueError:
        problem = {"detail": f"HTTP {answer.code}: {text[:200]!r}"}
    wait = answer.headers.get("Retry-After", "")
    return ApiError(answer.code, problem, float(wait) if wait.isdigit() else None)


def _server_sent_events(lines: Any) -> Iterator[Tuple[Optional[str], str]]:
    """Id and data of each event, as the HTML standard describes the format."""
    number: Optional[str] = None
    data: List[str] = []
    for raw in lines:
        line = raw.decode("utf-8").rstrip("\r\n")
        if not line:
            if data:
                yield number, "\n".join(data)
            number, data = None, []
        elif line.startswith("data:"):
            data.append(line[5:].lstrip(" "))
        elif line.startswith("id:"):
            number = line[3:].strip()


def _file(target: Path, job: Job, artifact: Json, count: int) -> Path:
    if target.is_dir():
        extension = Path(urllib.parse.urlparse(artifact["url"]).path).suffix
        return target / f"{job['job_id']}-{artifact['index']}{extension}"
    if count == 1:
        return target
    return target.with_name(f"{target.stem}-{artifact['index']}{target.suffix}")
