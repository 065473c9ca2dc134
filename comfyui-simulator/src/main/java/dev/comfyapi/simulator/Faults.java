package dev.comfyapi.simulator;

import dev.comfyapi.simulator.FaultKind.Course;

import org.jspecify.annotations.Nullable;

import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import java.util.function.Predicate;

/// Switches for what goes wrong with a real ComfyUI. Every switch may be thrown at any time, from
/// any thread.
///
/// {@link #cause} throws every switch there is; the other methods are short ways to some of them.
public final class Faults {

    /// How a node fails.
    public enum Failure {
        /// `torch.OutOfMemoryError`, after which ComfyUI drops its models and goes on.
        OUT_OF_MEMORY(FaultKind.OUT_OF_MEMORY),
        /// An ordinary `ValueError` of a node.
        NODE_ERROR(FaultKind.NODE_ERROR),
        /// A `RuntimeError` that mentions CUDA, after which a real process is rarely usable.
        CUDA_ERROR(FaultKind.CUDA_ERROR);

        private final FaultKind kind;

        Failure(FaultKind kind) {
            this.kind = kind;
        }
    }

    /// A fault that has not ended.
    private static final class Ongoing {
        private final Fault fault;
        private final @Nullable Long endsNanos;
        private long left;

        private Ongoing(Fault fault) {
            this.fault = fault;
            left = fault.kind().course() == Course.COUNTED ? fault.whole("count") : 0;
            endsNanos =
                    fault.kind().course() == Course.TIMED
                            ? fault.time("lasting")
                                    .map(time -> System.nanoTime() + time.toNanos())
                                    .orElse(null)
                            : null;
        }

        private boolean isOver() {
            return endsNanos != null && System.nanoTime() - endsNanos >= 0;
        }

        /// A second fault of this kind replaces the first, unless it concerns something else.
        private boolean isReplacedBy(Fault other) {
            return fault.kind() == other.kind()
                    && fault.text("path").equals(other.text("path"))
                    && fault.text("model").equals(other.text("model"));
        }

        private ObjectNode toJson() {
            var json = fault.toJson();
            if (fault.kind().course() == Course.COUNTED) {
                json.put("left", left);
            } else if (endsNanos != null) {
                json.put(
                        "leftMs",
                        Math.max(0, Duration.ofNanos(endsNanos - System.nanoTime()).toMillis()));
            }
            return json;
        }
    }

    private final Deque<Failure> failures = new ArrayDeque<>();
    private final List<Ongoing> ongoing = new ArrayList<>();
    private FaultSchedule.@Nullable Draw draw;
    private boolean hanging;
    private final AtomicInteger clearings = new AtomicInteger();
    private volatile @Nullable ComfyUiSimulator simulator;

    Faults() {}

    void attach(ComfyUiSimulator attached) {
        simulator = attached;
    }

    /// Makes something go wrong, now or at the next occasion; what was caused before and has not
    /// ended is replaced if it is of the same kind. Failures of nodes queue up instead.
    public void cause(Fault fault) {
        switch (fault.kind()) {
            case OUT_OF_MEMORY -> queue(Failure.OUT_OF_MEMORY, fault);
            case NODE_ERROR -> queue(Failure.NODE_ERROR, fault);
            case CUDA_ERROR -> queue(Failure.CUDA_ERROR, fault);
            case CUDA_FAULT -> breakCuda();
            case DROPPED_SOCKETS -> dropSockets();
            case LOST_QUEUE -> loseQueueAndHistory();
            case RESTART -> onSimulator(ComfyUiSimulator::restart);
            case ZOMBIE_WORKER -> killWorkerThread();
            case DELETED_OUTPUTS -> deleteOutputs(fault.text("promptId").orElseThrow());
            case STALLED_SOCKETS -> {
                begin(fault);
                fault.time("lasting").ifPresent(this::resumeSocketsAfter);
            }
            case HUNG_NODE,
                    ENDLESS_PROGRESS,
                    IGNORED_CANCEL,
                    SILENT_SOCKETS,
                    TWIN_SOCKETS,
                    SLOW_HTTP,
                    HTTP_500,
                    CUT_HTTP,
                    LOST_REPLY,
                    FOREIGN_REPLY,
                    FOREIGN_EVENTS,
                    GARBAGE_JSON,
                    NAN_JSON,
                    MISSING_FILES,
                    FEWER_FILES,
                    EMPTY_OUTPUT,
                    HUGE_OUTPUT,
                    TRUNCATED_DOWNLOAD,
                    SLOW_DOWNLOAD,
                    MODEL_LOAD_TIME ->
                    begin(fault);
        }
    }

    /// The same as {@link #cause(Fault)} with standard values.
    public void cause(FaultKind kind) {
        cause(Fault.of(kind));
    }

    /// Lets chance cause faults from now on: the same schedule and the same order of submits give
    /// the same faults. A schedule begun before ends.
    public synchronized void random(FaultSchedule schedule) {
        draw = schedule.begin();
    }

    /// The same with the chance of each fault at a submit, from 0 to 1.
    public void random(long seed, Map<FaultKind, Double> rates) {
        random(new FaultSchedule(seed, rates));
    }

    /// Chance has its say before each submit.
    void submitArrives() {
        List<Fault> drawn;
        synchronized (this) {
            drawn = draw == null ? List.of() : draw.next();
        }
        drawn.forEach(this::cause);
    }

    private synchronized void begin(Fault fault) {
        ongoing.removeIf(known -> known.isReplacedBy(fault));
        ongoing.add(new Ongoing(fault));
    }

    /// Takes back what goes wrong in this way; what only a restart mends stays.
    public void end(FaultKind kind) {
        synchronized (this) {
            ongoing.removeIf(known -> known.fault.kind() == kind);
            failures.removeIf(failure -> failure.kind == kind);
        }
        switch (kind) {
            case HUNG_NODE -> release();
            case STALLED_SOCKETS -> onProcess(process -> process.sockets().resume());
            case ENDLESS_PROGRESS -> clearings.incrementAndGet();
            default -> {}
        }
    }

    /// What has been caused and is not over: an object for each.
    synchronized ArrayNode active() {
        var active = Json.array();
        for (var failure : Failure.values()) {
            var left = failures.stream().filter(failure::equals).count();
            if (left > 0) {
                active.addObject().put("fault", failure.kind.word()).put("left", left);
            }
        }
        ongoing.removeIf(Ongoing::isOver);
        ongoing.forEach(known -> active.add(known.toJson()));
        onProcess(process -> {
            if (process.cudaIsBroken()) {
                active.addObject().put("fault", FaultKind.CUDA_FAULT.word());
            }
            if (process.workerIsDead()) {
                active.addObject().put("fault", FaultKind.ZOMBIE_WORKER.word());
            }
        });
        return active;
    }

    synchronized Optional<FaultSchedule> schedule() {
        return Optional.ofNullable(draw).map(FaultSchedule.Draw::schedule);
    }

    /// The fault if one of this kind goes on and concerns this occasion.
    private synchronized @Nullable Ongoing find(FaultKind kind, Predicate<Fault> concerned) {
        ongoing.removeIf(Ongoing::isOver);
        for (var known : ongoing) {
            if (known.fault.kind() == kind && concerned.test(known.fault)) {
                return known;
            }
        }
        return null;
    }

    /// The fault if it goes on.
    @Nullable Fault on(FaultKind kind, Predicate<Fault> concerned) {
        var found = find(kind, concerned);
        return found == null ? null : found.fault;
    }

    boolean isOn(FaultKind kind) {
        return find(kind, _ -> true) != null;
    }

    /// Uses up one occasion of a counted fault; null if there is none left.
    synchronized @Nullable Fault take(FaultKind kind, Predicate<Fault> concerned) {
        var found = find(kind, concerned);
        if (found == null) {
            return null;
        }
        found.left--;
        if (found.left <= 0) {
            ongoing.remove(found);
        }
        return found.fault;
    }

    boolean takes(FaultKind kind) {
        return take(kind, _ -> true) != null;
    }

    /// The next prompt that executes anything fails in its first sampler, or in its first node if
    /// it has none.
    ///
    /// Several calls queue up, one failure a prompt.
    public synchronized void failNext(Failure failure) {
        failures.add(failure);
    }

    private synchronized void queue(Failure failure, Fault fault) {
        for (var i = 0L; i < Math.min(fault.whole("count"), 10_000); i++) {
            failures.add(failure);
        }
    }

    synchronized @Nullable Failure nextFailure() {
        return failures.poll();
    }

    synchronized boolean failureWaits() {
        return !failures.isEmpty();
    }

    /// The GPU breaks down: every prompt that executes anything fails with a CUDA error. Only a
    /// restart helps.
    public void breakCuda() {
        onProcess(ServerProcess::breakCuda);
    }

    /// Breaks every WebSocket now, without a close frame. Clients may connect again.
    public void dropSockets() {
        onProcess(process -> process.sockets().dropAll());
    }

    /// While on, sockets stay open but nothing is sent on them.
    public void silenceSockets(boolean silent) {
        turn(FaultKind.SILENT_SOCKETS, silent);
    }

    /// While on, nothing is read from sockets or written to them; what was to be said comes when it
    /// is off again.
    public void stallSockets(boolean stalled) {
        turn(FaultKind.STALLED_SOCKETS, stalled);
    }

    private void resumeSocketsAfter(Duration time) {
        Thread.startVirtualThread(() -> {
            park(time);
            onProcess(process -> process.sockets().resume());
        });
    }

    static void park(Duration time) {
        var until = System.nanoTime() + time.toNanos();
        for (var left = time.toNanos(); left > 0; left = until - System.nanoTime()) {
            LockSupport.parkNanos(left);
        }
    }

    /// While on, the late close of a replaced socket unregisters its successor too
    /// (Comfy-Org/ComfyUI #16010).
    public void replacedSocketsTakeTheNewOneDown(boolean on) {
        turn(FaultKind.TWIN_SOCKETS, on);
    }

    private void turn(FaultKind kind, boolean on) {
        if (on) {
            cause(kind);
        } else {
            end(kind);
        }
    }

    /// Cancels and interrupts are accepted but take effect only after this time, as during a model
    /// load.
    public void ignoreCancelFor(Duration time) {
        cause(Fault.of(FaultKind.IGNORED_CANCEL).with("lasting", time));
    }

    boolean ignoresCancel() {
        return isOn(FaultKind.IGNORED_CANCEL);
    }

    /// The next node to execute hangs, deaf to cancels, until {@link #release()}, a restart or the
    /// end.
    public void hangNextNode() {
        cause(FaultKind.HUNG_NODE);
    }

    /// Lets a hanging node go on, and takes back a hang that has not happened yet.
    public synchronized void release() {
        ongoing.removeIf(known -> known.fault.kind() == FaultKind.HUNG_NODE);
        hanging = false;
        notifyAll();
    }

    /// Whether a node hangs at this moment.
    public synchronized boolean isHanging() {
        return hanging;
    }

    synchronized void hangIfAsked(ServerProcess process) throws ServerProcess.Gone {
        var hang = take(FaultKind.HUNG_NODE, _ -> true);
        if (hang == null) {
            return;
        }
        hanging = true;
        var lasting = hang.time("lasting").orElse(Duration.ofDays(1)).toMillis();
        var until = System.nanoTime() + Duration.ofMillis(lasting).toNanos();
        while (hanging) {
            var left = Duration.ofNanos(until - System.nanoTime()).toMillis();
            if (left <= 0) {
                hanging = false;
                break;
            }
            try {
                wait(left);
            } catch (InterruptedException _) {
                hanging = false;
            }
        }
        process.checkAlive();
    }

    /// Changes whenever endless progress is to end.
    int clearings() {
        return clearings.get();
    }

    /// The next `count` HTTP requests are answered with 500.
    public void failRequests(int count) {
        if (count <= 0) {
            end(FaultKind.HTTP_500);
        } else {
            cause(Fault.of(FaultKind.HTTP_500).with("count", count));
        }
    }

    /// Every HTTP request waits this long before anything happens; zero ends that.
    public void slowRequests(Duration delay) {
        if (delay.isZero()) {
            end(FaultKind.SLOW_HTTP);
        } else {
            cause(Fault.of(FaultKind.SLOW_HTTP).with("delay", delay));
        }
    }

    /// Queue, running prompt and history are gone, as after a crash; counter, cache, files and
    /// sockets stay.
    public void loseQueueAndHistory() {
        onProcess(ServerProcess::loseQueueAndHistory);
    }

    /// The worker thread dies when it is next idle: HTTP lives on, prompts are accepted, nothing
    /// runs. Only a restart helps.
    public void killWorkerThread() {
        onProcess(ServerProcess::killWorkerWhenIdle);
    }

    /// Deletes the files that a finished prompt reported; history and cache go on naming them.
    ///
    /// @return how many files were deleted
    public int deleteOutputs(String promptId) {
        var running = simulator;
        if (running == null) {
            return 0;
        }
        var entry = running.process().history().find(promptId);
        return entry == null ? 0 : deleteOutputs(entry, running.disk());
    }

    static int deleteOutputs(History.Entry entry, ServerFolders disk) {
        var deleted = new AtomicInteger();
        entry.outputs()
                .forEach(node ->
                        node.forEach(items ->
                                items.forEach(item ->
                                        disk.reported(item)
                                                .filter(Faults::delete)
                                                .ifPresent(_ -> deleted.incrementAndGet()))));
        return deleted.get();
    }

    private static boolean delete(Path file) {
        try {
            return Files.deleteIfExists(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// Makes a saved picture empty or huge, if that is its turn.
    void spoil(Path file) {
        try {
            if (takes(FaultKind.EMPTY_OUTPUT)) {
                Files.write(file, new byte[0]);
            }
            var huge = take(FaultKind.HUGE_OUTPUT, _ -> true);
            if (huge != null) {
                try (var bytes = new RandomAccessFile(file.toFile(), "rw")) {
                    // A hole, not zeros: ten gigabytes take no room and no time.
                    bytes.setLength(Math.max(bytes.length(), huge.whole("bytes")));
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// Takes back every switch that is still on, and ends the schedule; what only a restart mends
    /// stays.
    public void clear() {
        synchronized (this) {
            failures.clear();
            ongoing.clear();
            draw = null;
            clearings.incrementAndGet();
        }
        release();
        onProcess(process -> process.sockets().resume());
    }

    private void onSimulator(Consumer<ComfyUiSimulator> action) {
        var running = simulator;
        if (running != null) {
            action.accept(running);
        }
    }

    private void onProcess(Consumer<ServerProcess> action) {
        onSimulator(running -> action.accept(running.process()));
    }
}
