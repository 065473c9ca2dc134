package dev.comfyapi.simulator;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/// Everything that can be made to go wrong, with the names and parameters that HTTP uses.
///
/// The table in `docs/simulator.md` is generated from these constants.
public enum FaultKind {
    /// See {@link Faults.Failure#OUT_OF_MEMORY}.
    OUT_OF_MEMORY(
            "out-of-memory",
            Course.COUNTED,
            "the next prompts run out of GPU memory (`torch.OutOfMemoryError`); the models are unloaded, the server goes on"),
    /// See {@link Faults.Failure#NODE_ERROR}.
    NODE_ERROR("node-error", Course.COUNTED, "a node of the next prompts raises `ValueError`"),
    /// See {@link Faults.Failure#CUDA_ERROR}.
    CUDA_ERROR("cuda-error", Course.COUNTED, "the next prompts fail with a CUDA error"),
    /// Broken until the process is replaced.
    CUDA_FAULT(
            "cuda-fault",
            Course.UNTIL_RESTART,
            "the GPU breaks down: every prompt fails with a CUDA error until a restart"),
    /// The worker thread stands still inside a node.
    HUNG_NODE(
            "hung-node",
            Course.COUNTED,
            "a node of the next prompts hangs, deaf to cancels",
            Parameter.time("lasting", "how long it hangs; without it until taken back")),
    /// A node that counts and counts.
    ENDLESS_PROGRESS(
            "endless-progress",
            Course.COUNTED,
            "the next prompts report progress and never come to an end; cancels work"),
    /// Cancels take effect late.
    IGNORED_CANCEL(
            "ignored-cancel",
            Course.TIMED,
            "cancels and interrupts are accepted but take effect only afterwards"),
    /// Connections break without a close frame.
    DROPPED_SOCKETS(
            "dropped-sockets", Course.AT_ONCE, "every WebSocket breaks, without a close frame"),
    /// Open, and nothing comes.
    SILENT_SOCKETS(
            "silent-sockets",
            Course.TIMED,
            "WebSockets stay open and answer pings, but their messages are lost"),
    /// Neither read nor written.
    STALLED_SOCKETS(
            "stalled-sockets",
            Course.TIMED,
            "nothing is read from or written to WebSockets, pongs included; messages come late instead"),
    /// One of ComfyUI's known traps.
    TWIN_SOCKETS(
            "twin-sockets",
            Course.TIMED,
            "of two sockets with one client id, the closing of the older silences the newer"),
    /// As after a crash.
    LOST_QUEUE(
            "lost-queue",
            Course.AT_ONCE,
            "queue, running prompt and history are gone; sockets and files stay"),
    /// A new process.
    RESTART(
            "restart",
            Course.AT_ONCE,
            "the server starts anew: queue, history, cache and counter are gone, sockets cut, files stay"),
    /// The known way in which ComfyUI dies and still looks alive.
    ZOMBIE_WORKER(
            "zombie-worker",
            Course.UNTIL_RESTART,
            "the worker thread dies: prompts are accepted and never run, until a restart"),
    /// Every request waits first.
    SLOW_HTTP(
            "slow-http",
            Course.TIMED,
            "requests wait before anything happens",
            Parameter.time("delay", "how long each waits").orElse("1s"),
            Parameter.path()),
    /// A burst of internal errors.
    HTTP_500(
            "http-500",
            Course.COUNTED,
            "the next requests are answered with 500",
            Parameter.path()),
    /// As if nobody were there.
    CUT_HTTP(
            "cut-http",
            Course.TIMED,
            "the connection of each request is cut before anything happens",
            Parameter.path()),
    /// Accepted, and nobody hears of it.
    LOST_REPLY(
            "lost-reply",
            Course.COUNTED,
            "the next prompts are accepted, but the connection is cut before the answer"),
    /// The answer names somebody else's prompt.
    FOREIGN_REPLY(
            "foreign-reply",
            Course.COUNTED,
            "the answer to the next submits names another prompt id than the one that runs"),
    /// The messages name somebody else's prompt.
    FOREIGN_EVENTS(
            "foreign-events",
            Course.COUNTED,
            "the WebSocket messages of the next prompts carry another prompt id"),
    /// Cut off in the middle, followed by rubbish.
    GARBAGE_JSON(
            "garbage-json", Course.COUNTED, "the next JSON answers are no JSON", Parameter.path()),
    /// Python writes what JSON does not know.
    NAN_JSON(
            "nan-json",
            Course.TIMED,
            "every JSON answer and WebSocket message contains `NaN` and `Infinity`"),
    /// Reported, and not there.
    MISSING_FILES(
            "missing-files",
            Course.COUNTED,
            "the files of the next successful prompts vanish; history and cache go on naming them"),
    /// Reported, and no longer there.
    DELETED_OUTPUTS(
            "deleted-outputs",
            Course.AT_ONCE,
            "the files of one finished prompt vanish; history and cache go on naming them",
            Parameter.text("promptId", "whose files").required()),
    /// A batch that is not complete.
    FEWER_FILES(
            "fewer-files",
            Course.COUNTED,
            "the next batches are saved without their last pictures, and still succeed",
            Parameter.whole("files", "how many pictures are left out").orElse("1")),
    /// A file of nothing.
    EMPTY_OUTPUT("empty-output", Course.COUNTED, "the next saved pictures are files of 0 bytes"),
    /// A file that no memory holds.
    HUGE_OUTPUT(
            "huge-output",
            Course.COUNTED,
            "the next saved pictures are followed by zeros up to this size; they take no room on disk",
            Parameter.whole("bytes", "size of the file").orElse("10737418240")),
    /// Half a file.
    TRUNCATED_DOWNLOAD(
            "truncated-download",
            Course.COUNTED,
            "the connection is cut in the middle of the next downloads"),
    /// A trickle.
    SLOW_DOWNLOAD(
            "slow-download",
            Course.TIMED,
            "downloads trickle",
            Parameter.whole("bytesPerSecond", "how fast").orElse("65536")),
    /// Models that take their time.
    MODEL_LOAD_TIME(
            "model-load-time",
            Course.TIMED,
            "loading a model that is not in memory takes this long, deaf to cancels",
            Parameter.time("delay", "how long").orElse("5s"),
            Parameter.text("model", "only this checkpoint or diffusion model"));

    /// How a fault ends.
    enum Course {
        /// After a number of occasions.
        COUNTED,
        /// After a time, or when it is taken back.
        TIMED,
        /// It has happened, and that was it.
        AT_ONCE,
        /// Only a restart helps.
        UNTIL_RESTART
    }

    /// What a parameter may be.
    enum Type {
        /// 1 or more.
        WHOLE,
        /// Such as `500ms`, `2s` or `1m`.
        TIME,
        /// Anything but nothing.
        TEXT
    }

    /// What may be said about a fault.
    ///
    /// @param standard the value if nothing is said; empty for none
    record Parameter(String name, Type type, String meaning, String standard, boolean isRequired) {

        static Parameter whole(String name, String meaning) {
            return new Parameter(name, Type.WHOLE, meaning, "", false);
        }

        static Parameter time(String name, String meaning) {
            return new Parameter(name, Type.TIME, meaning, "", false);
        }

        static Parameter text(String name, String meaning) {
            return new Parameter(name, Type.TEXT, meaning, "", false);
        }

        static Parameter path() {
            return text("path", "only requests whose path begins so, such as `/view`");
        }

        Parameter orElse(String value) {
            return new Parameter(name, type, meaning, value, isRequired);
        }

        Parameter required() {
            return new Parameter(name, type, meaning, standard, true);
        }

        private String described() {
            var remark =
                    isRequired ? " (required)" : standard.isEmpty() ? "" : " (" + standard + ")";
            return "`%s`: %s%s".formatted(name, meaning, remark);
        }
    }

    private static final Parameter COUNT = Parameter.whole("count", "how many times").orElse("1");
    private static final Parameter LASTING =
            Parameter.time("lasting", "for how long; without it until taken back");

    private final String word;
    private final Course course;
    private final String effect;

    @SuppressWarnings("ImmutableEnumChecker") // A list that cannot be changed.
    private final List<Parameter> own;

    FaultKind(String word, Course course, String effect, Parameter... own) {
        this.word = word;
        this.course = course;
        this.effect = effect;
        this.own = List.of(own);
    }

    /// The name in HTTP and on the command line.
    public String word() {
        return word;
    }

    static Optional<FaultKind> of(String word) {
        return Arrays.stream(values()).filter(kind -> kind.word.equals(word)).findFirst();
    }

    static List<String> words() {
        return Arrays.stream(values()).map(FaultKind::word).toList();
    }

    Course course() {
        return course;
    }

    String effect() {
        return effect;
    }

    List<Parameter> parameters() {
        var common =
                switch (course) {
                    case COUNTED -> List.of(COUNT);
                    case TIMED -> List.of(LASTING);
                    case AT_ONCE, UNTIL_RESTART -> List.<Parameter>of();
                };
        return Stream.concat(common.stream(), own.stream()).toList();
    }

    Optional<Parameter> parameter(String name) {
        return parameters().stream().filter(known -> known.name().equals(name)).findFirst();
    }

    /// Whether nothing must be said about it.
    boolean needsNothing() {
        return own.stream().noneMatch(Parameter::isRequired);
    }

    /// Whether it ends without anybody's help, and may happen at any time.
    boolean passes() {
        return needsNothing() && course != Course.UNTIL_RESTART && this != ENDLESS_PROGRESS;
    }

    /// Its row in the table of faults.
    String row() {
        var said = parameters().stream().map(Parameter::described).toList();
        return "| `%s` | %s | %s |".formatted(word, effect, String.join("; ", said));
    }
}
