import { randomUUID } from "node:crypto";
import { createWriteStream } from "node:fs";
import { readFile, rename, stat } from "node:fs/promises";
import { basename, join, parse } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";

export type JobStatus = "scheduled" | "queued" | "running" | "succeeded" | "failed" | "canceled" | "expired";

/** One output file. Whoever has its `url` may read it until it expires. */
export interface Artifact {
  index: number;
  kind: "image" | "video" | "audio" | "text" | "model3d" | "file";
  url: string;
  url_expires_at: string;
  content_type: string;
  size_bytes: number;
  width: number | null;
  height: number | null;
  seed: string | null;
  sha256: string;
  filename: string;
}

export interface JobError {
  code: string;
  message: string;
  retryable: boolean;
  fault: "client" | "workflow" | "platform";
}

/** A request for pictures, from acceptance to one final status. Ignore members that you do not know. */
export interface Job {
  job_id: string;
  status: JobStatus;
  phase: string | null;
  progress: number;
  image_url: string | null;
  result: { generation_time: number | null; reused: boolean; artifacts: Artifact[] } | null;
  error: JobError | null;
  params: Record<string, unknown> | null;
  created_at: string;
  finished_at: string | null;
  metadata: Record<string, string>;
  tags: string[];
  revision: number;
}

/** A prompt, or a ComfyUI graph as `workflow`, and the terms it runs on. */
export interface GenerationRequest {
  prompt?: string;
  negative_prompt?: string;
  width?: number;
  height?: number;
  steps?: number;
  cfg_scale?: number;
  sampler?: string;
  scheduler?: string;
  /** A string keeps all 64 bits; a number loses digits beyond 2^53. */
  seed?: string | number;
  model?: string;
  batch_size?: number;
  loras?: { name: string; strength?: number }[];
  init_image?: string;
  strength?: number;
  mask?: string;
  workflow?: Record<string, unknown>;
  priority?: number;
  metadata?: Record<string, string>;
  tags?: string[];
  webhook?: { url: string; events?: string[] };
  [member: string]: unknown;
}

/** What happens to a job: `status`, `progress`, `artifact`, and at the end `done`. */
export interface JobEvent {
  type: string;
  job_id: string;
  status?: JobStatus;
  phase?: string | null;
  progress?: number;
  message?: string;
  [member: string]: unknown;
}

/** Jobs that came together. */
export interface Batch {
  batch_id: string;
  name: string | null;
  status: "running" | "succeeded" | "partially_succeeded" | "failed" | "canceled" | "expired";
  total: number;
  /** Null in lists while it runs. */
  counts: Record<"total" | "queued" | "running" | "succeeded" | "failed" | "canceled" | "expired", number> | null;
  progress: number | null;
  finished_at: string | null;
  [member: string]: unknown;
}

/** What came of one job of a batch. */
export interface BatchResult {
  custom_id: string | null;
  job_id: string;
  status: JobStatus;
  artifacts: Artifact[];
  error: JobError | null;
}

/** Called with a fraction from 0 to 1 and what is being done. */
export type OnProgress = (fraction: number, message: string) => void;

export interface ClientOptions {
  /** Where the service is; default `COMFYAPI_URL`, else http://127.0.0.1:8080. */
  url?: string;
  /** API key; default `COMFYAPI_KEY`; none for a service that asks for none. */
  key?: string;
  /** How often a request is sent when the service is away or asks to wait; default 5. */
  tries?: number;
}

/** The service refused a request, or could not be reached (status 0). */
export class ApiError extends Error {
  readonly code: string;
  readonly errors: { pointer: string; code: string; detail: string }[];
  readonly retryable: boolean;

  constructor(
    readonly status: number,
    problem: Record<string, any>,
    readonly retryAfterS: number | null = null,
  ) {
    const errors = (problem["errors"] ?? []) as ApiError["errors"];
    super(
      [problem["detail"] ?? problem["title"] ?? `HTTP ${status}`, ...errors.map((e) => `  ${e.pointer} ${e.detail}`)].join(
        "\n",
      ),
    );
    this.name = "ApiError";
    this.code = problem["code"] ?? "";
    this.errors = errors;
    this.retryable = problem["retryable"] ?? (status === 0 || AGAIN.has(status));
  }
}

/** A job ended in another way than by success; `job` says how. */
export class JobFailed extends Error {
  constructor(readonly job: Job) {
    super(`job ${job.job_id}: ${job.status}${job.error ? `, ${job.error.code}: ${job.error.message}` : ""}`);
    this.name = "JobFailed";
  }
}

const AGAIN = new Set([429, 502, 503, 504]);

/** The service at one address. */
export class Client {
  readonly #url: string;
  readonly #key: string | undefined;
  readonly #tries: number;

  constructor(options: ClientOptions = {}) {
    this.#url = (options.url ?? process.env["COMFYAPI_URL"] ?? "http://127.0.0.1:8080").replace(/\/+$/, "");
    this.#key = options.key ?? process.env["COMFYAPI_KEY"];
    this.#tries = options.tries ?? 5;
  }

  /**
   * Submits a job and comes back at once.
   *
   * Sent with an idempotency key, so that repeating it after a broken connection makes no second job. Give a key of your
   * own to be safe across restarts of your program too.
   */
  submit(request: GenerationRequest, idempotencyKey: string = randomUUID()): Promise<Job> {
    return this.#create("/api/v1/jobs", request, idempotencyKey);
  }

  /** Submits a job and waits for its end; throws {@link JobFailed} when it does not succeed. */
  async generate(request: GenerationRequest, onProgress?: OnProgress): Promise<Job> {
    return this.wait(await this.submit(request), onProgress);
  }

  /** The job as it is now. */
  get(job: Job | string): Promise<Job> {
    return this.#json("GET", path(job));
  }

  /** All jobs, newest first, page by page. */
  async *jobs(filters: Record<string, string> = {}): AsyncGenerator<Job> {
    const query = new URLSearchParams(filters);
    for (;;) {
      const page = await this.#json<{ jobs: Job[]; next_cursor: string | null }>("GET", `/api/v1/jobs?${query}`);
      yield* page.jobs;
      if (!page.next_cursor) return;
      query.set("cursor", page.next_cursor);
    }
  }

  /** Cancels a job; final at once. One that has ended stays as it is. */
  cancel(job: Job | string): Promise<Job> {
    return this.#json("POST", `${path(job)}/cancel`);
  }

  /** Waits for the end of a job, across restarts of the service; throws {@link JobFailed} when it does not succeed. */
  async wait(job: Job | string, onProgress?: OnProgress, signal?: AbortSignal): Promise<Job> {
    for await (const event of this.events(job, signal)) {
      if (event.progress !== undefined) {
        onProgress?.(event.progress, event.message ?? event.phase ?? event.status ?? "");
      }
    }
    const ended = await this.get(job);
    if (ended.status !== "succeeded") throw new JobFailed(ended);
    return ended;
  }

  /** The events of a job as they happen, to its end. A broken connection is taken up where it broke off. */
  async *events(job: Job | string, signal?: AbortSignal): AsyncGenerator<JobEvent> {
    let seen: string | undefined;
    for (let failures = 0; failures <= 10 * this.#tries; ) {
      signal?.throwIfAborted();
      try {
        const answer = await this.#send("GET", `${path(job)}/events`, undefined, {
          Accept: "text/event-stream",
          ...(seen === undefined ? {} : { "Last-Event-ID": seen }),
        }, signal);
        if (answer.status === 204 || answer.body === null) return;
        for await (const { id, data } of serverSentEvents(answer.body)) {
          failures = 0;
          seen = id ?? seen;
          const event = JSON.parse(data) as JobEvent;
          yield event;
          if (event.type === "done") return;
        }
      } catch (error) {
        signal?.throwIfAborted();
        if (error instanceof ApiError && !error.retryable) throw error;
        failures++;
      }
      await pause(Math.min(2000, 200 * (failures + 1)));
    }
    throw new ApiError(0, { detail: `nothing answers at ${this.#url}; the job goes on` });
  }

  /**
   * Submits many jobs in one call, all of them or none; done when they are stored.
   *
   * @param requests up to 50,000; each may have a `custom_id`
   * @param options name, max_concurrency, fail_fast, completion_window_s, webhook_url, webhook_events
   */
  submitBatch(
    requests: GenerationRequest[],
    options: Record<string, string | number | boolean> = {},
    idempotencyKey: string = randomUUID(),
  ): Promise<Batch> {
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries(options)) query.set(name, String(value));
    return this.#json(
      "POST",
      `/api/v1/batches?${query}`,
      requests.map((request) => JSON.stringify(request)).join("\n"),
      { "Content-Type": "application/jsonl", "Idempotency-Key": idempotencyKey },
      600_000,
    );
  }

  /** Waits until the last job of a batch has ended, however it did. */
  async waitBatch(batch: Batch | string, onProgress?: OnProgress): Promise<Batch> {
    for (;;) {
      const seen = await this.#json<Batch>("GET", `${batchPath(batch)}?wait_s=2`);
      const { total, queued, running } = seen.counts ?? { total: seen.total, queued: 0, running: 0 };
      onProgress?.(seen.progress ?? 0, `${total - queued - running} of ${total}`);
      if (seen.finished_at) return seen;
    }
  }

  /** Cancels what has not ended of a batch; final at once. */
  cancelBatch(batch: Batch | string): Promise<Batch> {
    return this.#json("POST", `${batchPath(batch)}/cancel`);
  }

  /** What came of the jobs of a batch: those that succeeded, then the others, each in the order in which it ended. */
  async *batchResults(batch: Batch | string): AsyncGenerator<BatchResult> {
    for (const kind of ["results", "errors"]) {
      const answer = await this.#send("GET", `${batchPath(batch)}/${kind}.jsonl`, undefined, {});
      const decoder = new TextDecoder();
      let rest = "";
      for await (const bytes of Readable.fromWeb(answer.body as any)) {
        const lines = (rest + decoder.decode(bytes as Uint8Array, { stream: true })).split("\n");
        rest = lines.pop() ?? "";
        for (const line of lines) yield JSON.parse(line) as BatchResult;
      }
    }
  }

  /**
   * Downloads what a job made; answers the files.
   *
   * @param target the file's name; with several files each gets its number behind it. A folder takes them all.
   */
  async save(job: Job | BatchResult, target: string): Promise<string[]> {
    const artifacts = "artifacts" in job ? job.artifacts : (job.result?.artifacts ?? []);
    const isFolder = await stat(target).then((s) => s.isDirectory(), () => false);
    const saved: string[] = [];
    for (const artifact of artifacts) {
      const { dir, name, ext } = parse(target);
      const file = isFolder
        ? join(target, `${job.job_id}-${artifact.index}${parse(new URL(artifact.url).pathname).ext}`)
        : artifacts.length === 1
          ? target
          : join(dir, `${name}-${artifact.index}${ext}`);
      // The link carries its own permission: the key stays here.
      const answer = await fetch(artifact.url);
      if (!answer.ok || answer.body === null) throw await problem(answer);
      await pipeline(Readable.fromWeb(answer.body as any), createWriteStream(`${file}.part`));
      await rename(`${file}.part`, file);
      saved.push(file);
    }
    return saved;
  }

  /** Brings a picture in; answers a reference for `init_image`, `mask` and workflows. */
  async upload(file: string, purpose = "input"): Promise<string> {
    const form = new FormData();
    form.set("purpose", purpose);
    form.set("file", new Blob([await readFile(file)]), basename(file));
    const asset = await this.#json<{ asset_id: string }>("POST", "/api/v1/assets", form, {
      "Idempotency-Key": randomUUID(),
    });
    return `asset://${asset.asset_id}`;
  }

  #create<T>(path: string, body: unknown, key: string): Promise<T> {
    return this.#json("POST", path, JSON.stringify(body), {
      "Content-Type": "application/json",
      "Idempotency-Key": key,
    });
  }

  async #json<T>(method: string, path: string, body?: NonNullable<RequestInit["body"]>, headers: Record<string, string> = {}, timeoutMs = 75_000): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        const answer = await this.#send(method, path, body, headers, AbortSignal.timeout(timeoutMs));
        const text = await answer.text();
        return (text ? JSON.parse(text) : {}) as T;
      } catch (error) {
        const refused = error instanceof ApiError;
        if (attempt >= this.#tries || (refused && !AGAIN.has(error.status))) {
          throw refused ? error : new ApiError(0, { detail: `nothing answers at ${this.#url}: ${error}` });
        }
        await pause(1000 * Math.min(10, (refused ? error.retryAfterS : null) ?? attempt * 0.2));
      }
    }
  }

  async #send(
    method: string,
    path: string,
    body: NonNullable<RequestInit["body"]> | undefined,
    headers: Record<string, string>,
    signal?: AbortSignal,
  ): Promise<Response> {
    const answer = await fetch(this.#url + path, {
      method,
      headers: {
        "User-Agent": "comfyapi-typescript/0.1.0",
        ...(this.#key ? { Authorization: `Bearer ${this.#key}` } : {}),
        ...headers,
      },
      ...(body === undefined ? {} : { body }),
      ...(signal === undefined ? {} : { signal }),
    });
    if (!answer.ok) throw await problem(answer);
    return answer;
  }
}

function path(job: Job | string): string {
  return `/api/v1/jobs/${encodeURIComponent(typeof job === "string" ? job : job.job_id)}`;
}

function batchPath(batch: Batch | string): string {
  return `/api/v1/batches/${encodeURIComponent(typeof batch === "string" ? batch : batch.batch_id)}`;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

async function problem(answer: Response): Promise<ApiError> {
  const text = await answer.text();
  const wait = Number.parseInt(answer.headers.get("Retry-After") ?? "", 10);
  let content: Record<string, unknown>;
  try {
    content = JSON.parse(text);
  } catch {
    content = { detail: `HTTP ${answer.status}: ${text.slice(0, 200)}` };
  }
  return new ApiError(answer.status, content, Number.isNaN(wait) ? null : wait);
}

/** Id and data of each event, as the HTML standard describes the format. */
async function* serverSentEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<{ id: string | undefined; data: string }> {
  const decoder = new TextDecoder();
  let rest = "";
  let id: string | undefined;
  let data: string[] = [];
  for await (const bytes of Readable.fromWeb(body as any)) {
    const lines = (rest + decoder.decode(bytes as Uint8Array, { stream: true })).split(/\r?\n/);
    rest = lines.pop() ?? "";
    for (const line of lines) {
      if (line === "") {
        if (data.length > 0) yield { id, data: data.join("\n") };
        id = undefined;
        data = [];
      } else if (line.startsWith("data:")) {
        data.push(line.slice(5).replace(/^ /, ""));
      } else if (line.startsWith("id:")) {
        id = line.slice(3).trim();
      }
    }
  }
}
