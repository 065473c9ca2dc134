package dev.comfyapi.api.http;

import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;

/// What can be wrong with a request: the stable machine word, its status, and what it means.
public enum ProblemCode {
    MALFORMED_JSON(
            400,
            "The body is not JSON",
            "The body is not well-formed UTF-8 JSON. `params` says in which line and column."
                    + " Duplicate members, a byte-order mark, text after the end and very deep"
                    + " nesting count as malformed."),
    BAD_REQUEST(400, "The request is malformed", "The request line or a header is not valid HTTP."),
    BAD_PARAMETER(
            400,
            "A parameter is not valid",
            "A query parameter or header has a value that is not allowed."),
    BAD_CURSOR(
            400,
            "The cursor is not valid",
            "A cursor is good for three days and only with the filters it was made for. Start"
                    + " again from the first page."),
    IDEMPOTENCY_KEY_INVALID(
            400,
            "The idempotency key is not valid",
            "`Idempotency-Key` has 1 to 255 visible ASCII characters."),
    UNAUTHENTICATED(
            401,
            "Who are you?",
            "Send an API key as `Authorization: Bearer cas_...` or as `X-API-Key`, once. Keys are"
                    + " not taken from the URL."),
    TOKEN_EXPIRED(
            401,
            "The key or token has expired",
            "Get a new one. A key that was rotated is good until the overlap is over."),
    API_KEY_REVOKED(401, "The API key was revoked", "It will not become valid again."),
    BUDGET_EXHAUSTED(
            402,
            "The GPU time is used up",
            "`violated-policies` says of which budget; `Retry-After` says when it begins anew."),
    FORBIDDEN(
            403,
            "Not allowed",
            "The link's signature is not ours, or is not there; the tenant is suspended; or the"
                    + " caller may not ask for this, such as for a priority above its own."),
    SCOPE_MISSING(
            403,
            "The key may not do this",
            "`params.scope` is what the key would need. A key cannot give away scopes that it does"
                    + " not have."),
    IP_NOT_ALLOWED(
            403,
            "Not from this address",
            "The key may be used from some networks only, and the request came from another."),
    URL_NOT_ALLOWED(
            403,
            "The URL is not allowed",
            "Connections are made to public hosts only: for files over https or http on the usual"
                    + " ports, for webhooks over https."),
    NOT_FOUND(404, "Not found", "There is nothing under this address for this caller."),
    OUTPUT_UNAVAILABLE(404, "The file is gone", "The output file is no longer stored."),
    METHOD_NOT_ALLOWED(
            405,
            "The method is not allowed here",
            "`Allow` names the methods that this address has."),
    NOT_ACCEPTABLE(
            406,
            "No acceptable representation",
            "Nothing that this address can send matches the request's `Accept`."),
    BODY_TOO_SLOW(408, "The body came too slowly", "Send it again, faster or in a smaller form."),
    IDEMPOTENCY_IN_PROGRESS(
            409,
            "The first request with this key is not done",
            "A request with the same `Idempotency-Key` is still being worked on. Repeat after"
                    + " `Retry-After`."),
    JOB_NOT_TERMINAL(
            409,
            "The job has not ended",
            "Only a job that has ended can be run once more or be erased."),
    JOB_TERMINAL(409, "The job has ended", "A job that has ended never changes."),
    CONFLICT(
            409,
            "It is not in a state for that",
            "`detail` says what stands against it. Read it again before repeating."),
    HASH_MISMATCH(
            409,
            "The file is not the expected one",
            "`params.actual` is the hash of what arrived. Nothing was stored."),
    ASSET_IN_USE(
            409,
            "The asset is in use",
            "A job that is not finished names it. Delete it later, or cancel the job."),
    WORKER_LIVE(
            409,
            "The worker is not offline",
            "Only a worker whose process has ended can be forgotten."),
    WORKER_OFFLINE(
            409,
            "The worker is offline",
            "Its process has ended or gives no sign of life; there is nobody who could do it."),
    RESTART_NOT_CONFIGURED(
            409,
            "The worker cannot restart its ComfyUI",
            "Give the worker a command that does, as `comfyapi.worker.restart-command`."),
    POOL_IN_USE(
            409,
            "The pool is not empty",
            "Only a pool without live workers and unfinished jobs can be deleted."),
    WEBHOOK_ENDPOINT_DISABLED(
            409,
            "The webhook endpoint is disabled",
            "Nothing is sent to an endpoint that is disabled or deleted. Enable it with PATCH and"
                    + " `{\"enabled\": true}`, then repeat."),
    EXPIRED_RESOURCE(
            410,
            "No longer available",
            "The link has expired, the retention of what it named is over, or its content was"
                    + " erased. Read the job for fresh links."),
    PRECONDITION_FAILED(
            412,
            "The job is not what you have seen",
            "It has changed since the ETag in `If-Match` was read. Read it again and decide anew."),
    PAYLOAD_TOO_LARGE(
            413, "The body is too large", "`params.max` says how many bytes it may have."),
    UNSUPPORTED_MEDIA_TYPE(
            415,
            "The body's type is not supported",
            "Send `Content-Type: application/json`, without a content encoding. For a file:"
                    + " PNG, JPEG or WebP pictures are taken."),
    RANGE_NOT_SATISFIABLE(
            416, "The range is outside the file", "`Content-Range` says how long the file is."),
    VALIDATION_FAILED(
            422,
            "Request is not valid",
            "`errors` names each member that is not valid, by JSON pointer, with a code and what is"
                    + " allowed. Nothing was stored."),
    UNKNOWN_FIELD(
            422,
            "Request has unknown members",
            "`errors` names each unknown member and the nearest known one. Nothing was stored."),
    INVALID_WORKFLOW(
            422,
            "The workflow is not valid",
            "`errors` names each place of the graph that is not valid, by JSON pointer, with the"
                    + " node's id and class. Nothing was stored."),
    WORKFLOW_FORMAT_UI(
            422,
            "The workflow is in the editor's format",
            "ComfyUI's editor saves a format of its own. Export the workflow with Workflow → Export"
                    + " (API) and send that file's content as `workflow`."),
    WORKFLOW_TOO_LARGE(
            422,
            "The workflow is too large",
            "A workflow has at most 2,000 nodes and 2 MiB of JSON; `errors` says what it has."),
    CONFLICTING_DEADLINES(
            422,
            "The deadlines contradict each other",
            "No job could keep them: one is over before another, or before the scheduled start."),
    IDEMPOTENCY_KEY_REUSED(
            422,
            "The idempotency key was used for another request",
            "Use a new key for every new request, and the same key only to repeat the same body."),
    QUEUE_FULL(
            429,
            "Too many jobs are waiting",
            "`params.max` says how many jobs of yours may wait at one time, scheduled ones"
                    + " included. Nothing was stored. Repeat after `Retry-After`."),
    TOO_MANY_STREAMS(
            429,
            "Too many open waits and streams",
            "`params.max` says how many one caller may have open at a time. Close one, or wait for"
                    + " several jobs with one stream of all events."),
    RATE_LIMITED(
            429,
            "Too much is asked for",
            "`violated-policies` says which limit it was, `params` how much is left, `Retry-After`"
                    + " when to repeat. `GET /api/v1/limits` shows them all.") {
        @Override
        public String type() {
            return REGISTERED + "quota-exceeded";
        }
    },
    HEADERS_TOO_LARGE(431, "The headers are too large", "Send fewer or shorter headers."),
    INTERNAL(
            500,
            "Something went wrong here",
            "It is our mistake, and it was logged under `request_id`. Repeating may help."),
    TEMPORARILY_OVERLOADED(
            503,
            "Not available just now",
            "What the service depends on does not answer. Repeat after `Retry-After`; with an"
                    + " `Idempotency-Key` that is safe.") {
        @Override
        public String type() {
            return REGISTERED + "temporary-reduced-capacity";
        }
    },
    DRAINING(503, "This instance is stopping", "Repeat: another instance will answer.");

    /// Problem types that IANA has registered.
    private static final String REGISTERED = "https://iana.org/assignments/http-problem-types#";

    private final int status;
    private final String title;
    private final String explanation;

    ProblemCode(int status, String title, String explanation) {
        this.status = status;
        this.title = title;
        this.explanation = explanation;
    }

    public int status() {
        return status;
    }

    public String title() {
        return title;
    }

    public String explanation() {
        return explanation;
    }

    public String wire() {
        return name().toLowerCase(Locale.ROOT);
    }

    /// Where the service explains it.
    public String page() {
        return "/problems/" + wire();
    }

    /// What kind of problem it is, as a URI: its page, unless there is a registered one.
    public String type() {
        return page();
    }

    /// Whether the same request may succeed later.
    public boolean isRetryable() {
        return status >= 500
                || this == BODY_TOO_SLOW
                || this == IDEMPOTENCY_IN_PROGRESS
                || this == QUEUE_FULL
                || this == RATE_LIMITED
                || this == TOO_MANY_STREAMS;
    }

    public static Optional<ProblemCode> ofWire(String word) {
        return Arrays.stream(values()).filter(code -> code.wire().equals(word)).findFirst();
    }

    /// The most general code of a status that something below the controllers chose.
    static ProblemCode ofStatus(int status) {
        return switch (status) {
            case 401 -> UNAUTHENTICATED;
            case 403 -> FORBIDDEN;
            case 404 -> NOT_FOUND;
            case 405, 501 -> METHOD_NOT_ALLOWED;
            case 406 -> NOT_ACCEPTABLE;
            case 408 -> BODY_TOO_SLOW;
            case 413 -> PAYLOAD_TOO_LARGE;
            case 415 -> UNSUPPORTED_MEDIA_TYPE;
            case 416 -> RANGE_NOT_SATISFIABLE;
            case 431 -> HEADERS_TOO_LARGE;
            case 503 -> TEMPORARILY_OVERLOADED;
            default -> status < 500 ? BAD_REQUEST : INTERNAL;
        };
    }
}
