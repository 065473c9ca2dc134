package dev.comfyapi.worker.comfyui;

import io.github.resilience4j.circuitbreaker.CircuitBreaker;
import io.github.resilience4j.circuitbreaker.CircuitBreakerConfig;
import io.github.resilience4j.circuitbreaker.CircuitBreakerConfig.SlidingWindowType;
import io.github.resilience4j.core.IntervalFunction;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.context.SmartLifecycle;

import java.io.IOException;
import java.net.ConnectException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;

/// Whether ComfyUI can be given work: asks it every second, remembers what attempts found out, and
/// has it restarted when only that helps. Thread-safe.
///
/// Apart from its condition there is a circuit breaker: after three attempts in a row that ComfyUI
/// itself spoiled it rests for ten seconds, then is tried with one job, and rests twice as long
/// when that is spoiled too, up to five minutes. A worker that fails fast would otherwise eat the
/// queue.
public final class ComfyUiHealth implements SmartLifecycle {

    private static final Logger LOG = LoggerFactory.getLogger(ComfyUiHealth.class);
    private static final Duration INTERVAL = Duration.ofSeconds(1);
    private static final Duration BETWEEN_CHORES = Duration.ofSeconds(30);

    /// A restart by its supervisor may take this long without anybody having to know.
    private static final Duration REFUSED_FOR = Duration.ofSeconds(3);

    /// It may be slow to answer while its GPU is busy.
    private static final Duration SILENT_FOR = Duration.ofSeconds(30);

    private static final int SPOILED_IN_A_ROW = 3;
    private static final Duration LONGEST_REST = Duration.ofMinutes(5);

    /// How ComfyUI is.
    public enum Condition {
        READY,
        /// It does not answer. What it held is lost; it is used again as soon as it is back.
        AWAY,
        /// It answers, but a prompt in it does not stop when told to. It is used again when its
        /// queue is empty or it was restarted.
        HUNG,
        /// It answers but is not to be trusted until it was restarted.
        QUARANTINED
    }

    /// Something to be done now and then while ComfyUI is ready, and at once when it is back.
    @FunctionalInterface
    public interface Chore {
        void run() throws IOException, InterruptedException;
    }

    private final ComfyUi comfyUi;
    private final RestartHook restart;
    private final CircuitBreaker breaker;
    private final List<Runnable> listeners = new CopyOnWriteArrayList<>();
    private final List<Chore> chores = new CopyOnWriteArrayList<>();
    private volatile Condition condition = Condition.READY;
    private volatile boolean restartAsked;
    private volatile @Nullable Thread thread;
    private long choresAt;

    /// @param rest the first rest after attempts were spoiled
    public ComfyUiHealth(ComfyUi comfyUi, RestartHook restart, Duration rest) {
        this.comfyUi = comfyUi;
        this.restart = restart;
        this.breaker = breaker(rest);
        breaker.getEventPublisher()
                .onStateTransition(event -> {
                    switch (event.getStateTransition().getToState()) {
                        case OPEN ->
                                LOG.warn(
                                        "ComfyUI spoiled {} jobs in a row and is given none for a while",
                                        SPOILED_IN_A_ROW);
                        case HALF_OPEN -> LOG.info("ComfyUI is tried again");
                        default -> LOG.info("ComfyUI is given jobs again");
                    }
                    tell();
                });
    }

    private static CircuitBreaker breaker(Duration rest) {
        return CircuitBreaker.of(
                "comfyui",
                CircuitBreakerConfig.custom()
                        .slidingWindowType(SlidingWindowType.COUNT_BASED)
                        .slidingWindowSize(SPOILED_IN_A_ROW)
                        .minimumNumberOfCalls(SPOILED_IN_A_ROW)
                        .failureRateThreshold(100)
                        .permittedNumberOfCallsInHalfOpenState(1)
                        .automaticTransitionFromOpenToHalfOpenEnabled(true)
                        .waitIntervalFunctionInOpenState(
                                IntervalFunction.ofExponentialBackoff(rest, 2.0, LONGEST_REST))
                        .build());
    }

    public Condition condition() {
        return condition;
    }

    /// Whether it may be given jobs: it is ready, and it does not rest.
    public boolean isUsable() {
        return condition == Condition.READY
                && !restartAsked
                && breaker.getState() != CircuitBreaker.State.OPEN;
    }

    /// Why it is given no jobs, as a word; empty when it is.
    public Optional<String> fault() {
        return switch (condition) {
            case AWAY -> Optional.of("comfyui_away");
            case HUNG -> Optional.of("comfyui_hung");
            case QUARANTINED -> Optional.of("comfyui_quarantined");
            case READY ->
                    restartAsked
                            ? Optional.of("comfyui_away")
                            : breaker.getState() == CircuitBreaker.State.OPEN
                                    ? Optional.of("comfyui_resting")
                                    : Optional.empty();
        };
    }

    /// Whether there is a command that restarts it.
    public boolean canRestart() {
        return restart.isThere();
    }

    /// Has it restarted, whatever its condition, within a second; until it is back it is not
    /// usable. Nothing happens without a command, or when the command fails.
    public void restart() {
        restartAsked = restart.isThere();
        tell();
    }

    /// @param listener told, quickly, that [#isUsable] may have changed
    public void onChange(Runnable listener) {
        listeners.add(listener);
    }

    /// @param chore run on this object's own thread
    public void onReady(Chore chore) {
        chores.add(chore);
    }

    /// An attempt went as it should, or failed by its own fault.
    public void worked() {
        breaker.onSuccess(0, TimeUnit.NANOSECONDS);
    }

    /// An attempt failed, and ComfyUI is the reason.
    public void spoiled() {
        breaker.onError(0, TimeUnit.NANOSECONDS, new IOException("spoiled an attempt"));
    }

    /// Takes it out of use until it was restarted, or this worker was.
    public void quarantine(String reason) {
        if (condition != Condition.QUARANTINED) {
            LOG.warn("ComfyUI is not given work any more: {}. {}", reason, restart.advice());
            change(Condition.QUARANTINED);
        }
    }

    /// Takes it out of use until its queue is empty or it was restarted.
    public void hung(String reason) {
        if (condition == Condition.READY) {
            LOG.warn("ComfyUI is given no work for now: {}. {}", reason, restart.advice());
            change(Condition.HUNG);
        }
    }

    private void run() {
        long lastAnswer = System.nanoTime();
        while (!Thread.currentThread().isInterrupted()) {
            try {
                if (restartAsked) {
                    restartNow();
                }
                try {
                    int prompts = comfyUi.probe();
                    lastAnswer = System.nanoTime();
                    answered(prompts);
                } catch (IOException e) {
                    failed(e, Duration.ofNanos(System.nanoTime() - lastAnswer));
                } catch (RuntimeException e) {
                    LOG.error("Looking after ComfyUI met an unexpected error; it goes on", e);
                }
                TimeUnit.NANOSECONDS.sleep(INTERVAL.toNanos());
            } catch (InterruptedException _) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private void answered(int prompts) throws InterruptedException {
        switch (condition) {
            case AWAY -> {
                LOG.info("ComfyUI answers again");
                back();
            }
            case HUNG -> {
                if (prompts == 0) {
                    LOG.info("ComfyUI has nothing more to do and is given work again");
                    back();
                } else {
                    restarted();
                }
            }
            case QUARANTINED -> restarted();
            case READY -> {
                // As it should be.
            }
        }
        if (condition == Condition.READY && System.nanoTime() - choresAt >= 0) {
            choresAt = System.nanoTime() + BETWEEN_CHORES.toNanos();
            doChores();
        }
    }

    private void back() {
        choresAt = System.nanoTime();
        change(Condition.READY);
    }

    /// What it held is lost with its old process.
    private void restarted() throws InterruptedException {
        if (restart.run()) {
            breaker.reset();
            change(Condition.AWAY);
        }
    }

    private void restartNow() throws InterruptedException {
        boolean done = restart.runNow();
        if (done) {
            breaker.reset();
            condition = Condition.AWAY;
        }
        restartAsked = false;
        tell();
    }

    private void doChores() throws InterruptedException {
        for (var chore : chores) {
            try {
                chore.run();
            } catch (IOException e) {
                LOG.debug("A chore could not be done; it comes again", e);
            }
        }
    }

    private void failed(IOException failure, Duration silence) {
        boolean refused = failure instanceof ConnectException;
        // Whom nobody trusts anyway is taken at the first sign of its restart.
        var limit =
                refused && condition != Condition.READY
                        ? Duration.ZERO
                        : refused ? REFUSED_FOR : SILENT_FOR;
        if (condition != Condition.AWAY && silence.compareTo(limit) > 0) {
            LOG.warn(
                    "ComfyUI has not answered for {} s ({}); jobs are given back until it does",
                    silence.toSeconds(),
                    failure.toString());
            change(Condition.AWAY);
        }
    }

    private void change(Condition next) {
        condition = next;
        tell();
    }

    private void tell() {
        listeners.forEach(Runnable::run);
    }

    @Override
    public void start() {
        thread = Thread.ofVirtual().name("comfyui-health").start(this::run);
    }

    @Override
    public void stop() {
        var running = thread;
        if (running != null) {
            running.interrupt();
            thread = null;
        }
    }

    @Override
    public boolean isRunning() {
        return thread != null;
    }

    /// Runs as long as there are attempts.
    @Override
    public int getPhase() {
        return DEFAULT_PHASE - 200;
    }
}
