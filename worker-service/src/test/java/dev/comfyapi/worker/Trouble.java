package dev.comfyapi.worker;

import static org.awaitility.Awaitility.await;

import dev.comfyapi.model.job.ErrorCode;
import dev.comfyapi.model.job.JobState;
import dev.comfyapi.simulator.ComfyUiSimulator;
import dev.comfyapi.simulator.Execution;
import dev.comfyapi.simulator.Fault;
import dev.comfyapi.simulator.FaultKind;
import dev.comfyapi.simulator.Faults;
import dev.comfyapi.worker.Platform.Accepted;

import org.jspecify.annotations.Nullable;

import java.time.Duration;

/// What ComfyUI does to its callers, and what comes of it.
enum Trouble {
    OUT_OF_MEMORY(
            FaultKind.OUT_OF_MEMORY,
            "The GPU's memory is full",
            ErrorCode.OOM,
            "asked to free its memory",
            "at once, then the backoff") {
        @Override
        void before(Run run) {
            run.comfyUi().faults().failNext(Faults.Failure.OUT_OF_MEMORY);
        }
    },
    CUDA_FAULT(
            FaultKind.CUDA_FAULT,
            "The GPU or its driver breaks: every prompt fails until a restart",
            ErrorCode.CUDA_FAULT,
            "quarantined and restarted",
            "at once, then the backoff; elsewhere if there is another worker") {
        @Override
        void before(Run run) {
            run.comfyUi().faults().breakCuda();
        }

        @Override
        boolean restarts() {
            return true;
        }
    },
    CUDA_ERROR(
            FaultKind.CUDA_ERROR,
            "One prompt fails with a CUDA error",
            ErrorCode.CUDA_FAULT,
            "quarantined and restarted",
            "at once, then the backoff; elsewhere if there is another worker") {
        @Override
        void before(Run run) {
            run.cause(Fault.of(FaultKind.CUDA_ERROR));
        }

        @Override
        boolean restarts() {
            return true;
        }
    },
    NODE_ERROR(
            FaultKind.NODE_ERROR,
            "A node raises an error",
            ErrorCode.NODE_EXECUTION_ERROR,
            "used on",
            "at once") {
        @Override
        void before(Run run) {
            run.comfyUi().faults().failNext(Faults.Failure.NODE_ERROR);
        }
    },
    SOCKET_DROPPED(
            FaultKind.DROPPED_SOCKETS,
            "The WebSocket breaks",
            null,
            "used on; connected again",
            "no loss of time") {
        @Override
        void during(Run run, Accepted job) {
            run.awaitRunning();
            run.comfyUi().faults().dropSockets();
        }
    },
    SOCKET_SILENT(
            FaultKind.SILENT_SOCKETS,
            "The WebSocket stays open and says nothing",
            null,
            "used on; its prompts are polled",
            "no loss of time") {
        @Override
        void before(Run run) {
            run.comfyUi().faults().silenceSockets(true);
        }

        @Override
        int steps() {
            return 300;
        }
    },
    SOCKET_TWIN(
            FaultKind.TWIN_SOCKETS,
            "An old WebSocket that closes takes a newer one of the same name with it",
            null,
            "used on; every connection has a name of its own",
            "no loss of time") {
        @Override
        void before(Run run) {
            run.cause(Fault.of(FaultKind.TWIN_SOCKETS).with("lasting", "10s"));
        }

        @Override
        void during(Run run, Accepted job) {
            run.awaitRunning();
            run.comfyUi().faults().dropSockets();
        }
    },
    RESTARTED(
            FaultKind.RESTART,
            "ComfyUI is restarted: queue and history are lost",
            ErrorCode.TRANSIENT,
            "used as soon as it answers",
            "`comfyapi.worker.poll` (1 s), then the backoff") {
        @Override
        void during(Run run, Accepted job) {
            run.awaitRunning();
            run.comfyUi().restart();
        }
    },
    FORGOTTEN(
            FaultKind.LOST_QUEUE,
            "Queue and history are lost without a restart",
            ErrorCode.TRANSIENT,
            "used on",
            "`comfyapi.worker.poll` (1 s), then the backoff") {
        @Override
        void during(Run run, Accepted job) {
            run.awaitRunning();
            run.comfyUi().faults().loseQueueAndHistory();
        }
    },
    ZOMBIE(
            FaultKind.ZOMBIE_WORKER,
            "It accepts prompts and runs none: its worker thread is dead",
            ErrorCode.TRANSIENT,
            "quarantined and restarted",
            "`comfyapi.worker.stuck` (15 s), then the backoff") {
        @Override
        void before(Run run) {
            run.comfyUi().faults().killWorkerThread();
        }

        @Override
        boolean restarts() {
            return true;
        }
    },
    SLOW_HTTP(
            FaultKind.SLOW_HTTP,
            "Every HTTP request takes two seconds",
            null,
            "used on",
            "seconds more") {
        @Override
        void before(Run run) {
            run.comfyUi().faults().slowRequests(Duration.ofSeconds(2));
        }
    },
    BURST_OF_500(
            FaultKind.HTTP_500, "It answers 500 to ten requests", null, "used on", "seconds more") {
        @Override
        void during(Run run, Accepted job) {
            run.comfyUi().faults().failRequests(10);
        }
    },
    HUNG_NODE(
            FaultKind.HUNG_NODE,
            "A node hangs and is deaf to cancels",
            ErrorCode.TRANSIENT,
            "given nothing, and restarted",
            "five times `comfyapi.worker.silence`, then `comfyapi.worker.stopping` (20 s)") {
        @Override
        void before(Run run) {
            run.comfyUi().faults().hangNextNode();
        }

        @Override
        boolean restarts() {
            return true;
        }
    },
    REPLY_LOST(
            FaultKind.LOST_REPLY,
            "It accepts the prompt, and its answer is lost",
            null,
            "used on; the prompt is found by its id",
            "no loss of time") {
        @Override
        void before(Run run) {
            run.cause(Fault.of(FaultKind.LOST_REPLY));
        }
    },
    REPLY_FOREIGN(
            FaultKind.FOREIGN_REPLY,
            "Its answer names another prompt",
            null,
            "used on; ours is found by its id",
            "no loss of time") {
        @Override
        void before(Run run) {
            run.cause(Fault.of(FaultKind.FOREIGN_REPLY));
        }
    },
    EVENTS_FOREIGN(
            FaultKind.FOREIGN_EVENTS,
            "Its messages name another prompt",
            null,
            "used on; ours is polled",
            "no loss of time") {
        @Override
        void before(Run run) {
            run.cause(Fault.of(FaultKind.FOREIGN_EVENTS));
        }
    },
    SOCKET_STALLED(
            FaultKind.STALLED_SOCKETS,
            "The WebSocket neither brings nor takes anything",
            null,
            "used on; its prompts are polled",
            "no loss of time") {
        @Override
        void before(Run run) {
            run.cause(Fault.of(FaultKind.STALLED_SOCKETS).with("lasting", "3s"));
        }
    },
    GARBAGE(
            FaultKind.GARBAGE_JSON,
            "It answers five requests with what is no JSON",
            null,
            "used on",
            "seconds more") {
        @Override
        void before(Run run) {
            run.cause(Fault.of(FaultKind.GARBAGE_JSON).with("count", 5));
        }
    },
    NOT_A_NUMBER(
            FaultKind.NAN_JSON, "Its answers contain `NaN`", null, "used on", "no loss of time") {
        @Override
        void before(Run run) {
            run.cause(Fault.of(FaultKind.NAN_JSON).with("lasting", "5s"));
        }
    },
    CONNECTION_CUT(
            FaultKind.CUT_HTTP,
            "It cuts every connection for two seconds",
            null,
            "used on",
            "seconds more") {
        @Override
        void before(Run run) {
            run.cause(Fault.of(FaultKind.CUT_HTTP).with("lasting", "2s"));
        }
    },
    FILES_MISSING(
            FaultKind.MISSING_FILES,
            "It reports files that it does not have",
            ErrorCode.TRANSIENT,
            "used on",
            "at once, then the backoff") {
        @Override
        void before(Run run) {
            run.cause(Fault.of(FaultKind.MISSING_FILES));
        }
    },
    FILES_LEFT_OUT(
            FaultKind.FEWER_FILES,
            "It leaves out the only picture and says that all went well",
            ErrorCode.NO_OUTPUTS,
            "used on",
            "at once") {
        @Override
        void before(Run run) {
            run.cause(Fault.of(FaultKind.FEWER_FILES));
        }
    },
    FILE_EMPTY(
            FaultKind.EMPTY_OUTPUT,
            "It writes a file of 0 bytes",
            ErrorCode.TRANSIENT,
            "used on",
            "8 s and five tries, then the backoff") {
        @Override
        void before(Run run) {
            run.cause(Fault.of(FaultKind.EMPTY_OUTPUT));
        }
    },
    FILE_HUGE(
            FaultKind.HUGE_OUTPUT,
            "It writes gigabytes behind a picture",
            null,
            "used on; the picture is kept and the rest left",
            "no loss of time") {
        @Override
        void before(Run run) {
            run.cause(Fault.of(FaultKind.HUGE_OUTPUT).with("bytes", 10_000_000_000L));
        }
    },
    DOWNLOAD_CUT(
            FaultKind.TRUNCATED_DOWNLOAD,
            "A download breaks off in the middle",
            null,
            "used on; fetched again",
            "seconds more") {
        @Override
        void before(Run run) {
            run.cause(Fault.of(FaultKind.TRUNCATED_DOWNLOAD));
        }
    },
    DOWNLOAD_SLOW(
            FaultKind.SLOW_DOWNLOAD,
            "A download trickles",
            null,
            "used on; fetched again, five times",
            "`comfyapi.artifacts.stall` (30 s) each time") {
        @Override
        void before(Run run) {
            run.cause(
                    Fault.of(FaultKind.SLOW_DOWNLOAD)
                            .with("bytesPerSecond", 10)
                            .with("lasting", "3s"));
        }
    },
    MODEL_SLOW(
            FaultKind.MODEL_LOAD_TIME,
            "Loading a model takes long and is deaf to everything",
            null,
            "used on",
            "five times `comfyapi.worker.silence` are allowed") {
        @Override
        void before(Run run) {
            run.cause(
                    Fault.of(FaultKind.MODEL_LOAD_TIME).with("delay", "3s").with("lasting", "10s"));
        }
    },
    ENDLESS(
            FaultKind.ENDLESS_PROGRESS,
            "It counts steps and never comes to an end",
            ErrorCode.EXECUTION_TIMEOUT,
            "its prompt canceled",
            "the job's `max_execution_s`") {
        @Override
        void before(Run run) {
            run.cause(Fault.of(FaultKind.ENDLESS_PROGRESS));
        }

        @Override
        Duration runTimeout() {
            return Duration.ofMillis(700);
        }
    },
    CANCEL_IGNORED(
            FaultKind.IGNORED_CANCEL,
            "It ignores a cancel for two seconds",
            null,
            "given nothing else until it has stopped",
            "the job is canceled at once") {
        @Override
        int steps() {
            return 100;
        }

        @Override
        void during(Run run, Accepted job) {
            run.awaitRunning();
            run.comfyUi().faults().ignoreCancelFor(Duration.ofSeconds(2));
            run.platform().cancel(job);
        }

        @Override
        JobState end() {
            return JobState.CANCELED;
        }
    };

    /// Where it happens.
    record Run(ComfyUiSimulator comfyUi, Platform platform, String worker) {
        void cause(Fault fault) {
            comfyUi.faults().cause(fault);
        }

        void awaitRunning() {
            await().atMost(Duration.ofSeconds(15))
                    .pollInterval(Duration.ofMillis(10))
                    .until(() ->
                            comfyUi.executions().stream()
                                    .anyMatch(e -> e.outcome() == Execution.Outcome.RUNNING));
        }
    }

    private final FaultKind fault;
    private final String sentence;
    private final @Nullable ErrorCode code;
    private final String comfyUi;
    private final String bound;

    Trouble(
            FaultKind fault,
            String sentence,
            @Nullable ErrorCode code,
            String comfyUi,
            String bound) {
        this.fault = fault;
        this.sentence = sentence;
        this.code = code;
        this.comfyUi = comfyUi;
        this.bound = bound;
    }

    /// What the simulator calls it.
    FaultKind fault() {
        return fault;
    }

    void before(Run run) {}

    void during(Run run, Accepted job) {}

    int steps() {
        return 20;
    }

    Duration runTimeout() {
        return Platform.RUN_TIMEOUT;
    }

    boolean restarts() {
        return false;
    }

    /// Of the attempt that it spoils; null when it spoils none.
    @Nullable ErrorCode code() {
        return code;
    }

    JobState end() {
        return code == null || code.isRetryable() ? JobState.SUCCEEDED : JobState.FAILED;
    }

    /// Its line in the documentation.
    String row() {
        return "| %s | %s | %s | %s | %s | %s |"
                .formatted(
                        sentence,
                        end().name().toLowerCase(java.util.Locale.ROOT),
                        code == null ? "–" : "`" + code.wire() + "`",
                        code == null ? "–" : code.isRetryable() ? "yes" : "no",
                        comfyUi,
                        bound);
    }
}
