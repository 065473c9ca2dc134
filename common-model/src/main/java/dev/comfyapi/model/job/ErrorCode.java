package dev.comfyapi.model.job;

import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;

/// Why an attempt or a job failed: the stable machine word in `job.error.code`.
public enum ErrorCode {
    /// ComfyUI refused the graph. The same graph will be refused again.
    INVALID_WORKFLOW(Fault.WORKFLOW, Retry.NEVER),
    MISSING_NODE(Fault.WORKFLOW, Retry.NEVER),
    MISSING_MODEL(Fault.WORKFLOW, Retry.NEVER),
    /// A file that the workflow names is not there any more: deleted, expired or another tenant's.
    MISSING_ASSET(Fault.CLIENT, Retry.NEVER),
    /// An input file could not be read from the store or handed to ComfyUI.
    INPUT_FETCH_FAILED(Fault.PLATFORM, Retry.BACKOFF),
    /// A node raised an error of its own.
    NODE_EXECUTION_ERROR(Fault.WORKFLOW, Retry.NEVER),
    /// The run ended and left no file.
    NO_OUTPUTS(Fault.WORKFLOW, Retry.NEVER),
    /// The attempt ran longer than it may.
    EXECUTION_TIMEOUT(Fault.WORKFLOW, Retry.NEVER),
    /// The GPU's memory was full. ComfyUI goes on; the worker asks it to free what it holds.
    OOM(Fault.PLATFORM, Retry.BACKOFF),
    /// The GPU or its driver broke; the ComfyUI process is not to be trusted until it was
    /// restarted.
    CUDA_FAULT(Fault.PLATFORM, Retry.BACKOFF),
    /// ComfyUI restarted, went away or answered nonsense.
    TRANSIENT(Fault.PLATFORM, Retry.BACKOFF),
    /// The files were made but could not be stored.
    OUTPUT_UPLOAD_FAILED(Fault.PLATFORM, Retry.BACKOFF),
    /// The worker vanished. Counted apart from failures: see [#POISON_SUSPECTED].
    WORKER_LOST(Fault.PLATFORM, Retry.AT_ONCE),
    /// Three workers in a row vanished with this job.
    POISON_SUSPECTED(Fault.PLATFORM, Retry.NEVER),
    /// No live worker can run it, and none came in time.
    NO_CAPABLE_WORKER(Fault.PLATFORM, Retry.NEVER),
    /// Not started before `start_within_s` was over.
    START_DEADLINE_EXCEEDED(Fault.CLIENT, Retry.NEVER),
    /// Not finished before `finish_within_s` was over.
    DEADLINE_EXCEEDED(Fault.CLIENT, Retry.NEVER),
    INTERNAL(Fault.PLATFORM, Retry.BACKOFF);

    /// Whose doing it is.
    public enum Fault {
        CLIENT,
        WORKFLOW,
        PLATFORM;

        public String wire() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    private enum Retry {
        NEVER,
        BACKOFF,
        AT_ONCE
    }

    private final Fault fault;
    private final Retry retry;

    ErrorCode(Fault fault, Retry retry) {
        this.fault = fault;
        this.retry = retry;
    }

    public String wire() {
        return name().toLowerCase(Locale.ROOT);
    }

    public static Optional<ErrorCode> ofWire(String word) {
        return Arrays.stream(values()).filter(code -> code.wire().equals(word)).findFirst();
    }

    public Fault fault() {
        return fault;
    }

    /// Whether another attempt may end better.
    public boolean isRetryable() {
        return retry != Retry.NEVER;
    }
}
