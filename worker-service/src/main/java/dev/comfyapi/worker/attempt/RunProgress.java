package dev.comfyapi.worker.attempt;

import dev.comfyapi.messaging.MessageSender;
import dev.comfyapi.model.message.JobEvent;
import dev.comfyapi.worker.comfyui.ComfyUiEvent;

import org.jspecify.annotations.Nullable;

import java.time.Duration;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/// How far one run is, over the whole graph: nodes done, and the counted work of those that run.
/// Tells the API at most twice a second.
final class RunProgress {

    private static final Duration SPACING = Duration.ofMillis(500);

    private final Attempt attempt;
    private final Map<String, String> classes;
    private final MessageSender sender;
    private final Set<String> done = new HashSet<>();
    private double running;
    private @Nullable String node;
    private int step;
    private int steps;
    private int firstStep;
    private long firstStepNanos;
    private long lastShownNanos = System.nanoTime() - SPACING.toNanos();
    private long lastSentNanos = System.nanoTime() - SPACING.toNanos();

    /// @param classes the class of each node of the graph
    RunProgress(Attempt attempt, Map<String, String> classes, MessageSender sender) {
        this.attempt = attempt;
        this.classes = classes;
        this.sender = sender;
    }

    void accept(ComfyUiEvent event) {
        attempt.sign(event instanceof ComfyUiEvent.Stepped);
        switch (event) {
            case ComfyUiEvent.Started _ -> {
                attempt.noteStart();
                attempt.wake();
            }
            case ComfyUiEvent.Ended _ -> attempt.noteEnd();
            case ComfyUiEvent.Cached(_, var nodes) -> done.addAll(nodes);
            case ComfyUiEvent.NodeStarted(_, var started) -> {
                if (!started.equals(node)) {
                    node = started;
                    step = 0;
                    steps = 0;
                    attempt.noteNode();
                }
            }
            case ComfyUiEvent.Stepped(_, var counting, var value, var max) ->
                    stepped(counting, value, max);
            case ComfyUiEvent.Preview preview -> {
                show(preview);
                return;
            }
            case ComfyUiEvent.Nodes(_, var states) -> {
                running = 0;
                states.forEach((id, state) -> {
                    if (state.finished()) {
                        done.add(id);
                    } else if (state.max() > 0) {
                        running += Math.clamp(state.value() / state.max(), 0.0, 1.0);
                    }
                });
            }
        }
        attempt.advance(fraction());
        tell();
    }

    /// Nodes differ too much for their number to tell time, but the steps of one are alike, and the
    /// node that counts them is the one that takes long.
    private void stepped(String counting, int value, int max) {
        if (!counting.equals(node) || steps == 0 || value < step) {
            firstStep = value;
            firstStepNanos = System.nanoTime();
        } else if (value > firstStep) {
            long each = (System.nanoTime() - firstStepNanos) / (value - firstStep);
            attempt.expect(Duration.ofNanos(each * Math.max(0, max - value)));
        }
        node = counting;
        step = value;
        steps = max;
    }

    private void show(ComfyUiEvent.Preview preview) {
        long now = System.nanoTime();
        if (now - lastShownNanos < SPACING.toNanos()) {
            return;
        }
        lastShownNanos = now;
        var lease = attempt.lease();
        var image = preview.image();
        sender.publish(
                new JobEvent.Preview(
                        lease.job(),
                        lease.epoch(),
                        preview.node() == null ? node : preview.node(),
                        image.contentType(),
                        image.base64()));
    }

    private double fraction() {
        return (done.size() + running) / Math.max(1, classes.size());
    }

    private void tell() {
        long now = System.nanoTime();
        var lease = attempt.lease();
        if (attempt.begunAgo().isEmpty() || now - lastSentNanos < SPACING.toNanos()) {
            return;
        }
        lastSentNanos = now;
        @Nullable String nodeClass = node == null ? null : classes.get(node);
        boolean loading =
                !attempt.hasStepped() && nodeClass != null && nodeClass.contains("Loader");
        sender.publish(
                new JobEvent.Progress(
                        lease.job(),
                        lease.epoch(),
                        attempt.progress(),
                        loading ? "loading_model" : "executing",
                        Math.min(done.size(), classes.size()),
                        classes.size(),
                        node,
                        nodeClass,
                        step,
                        steps));
    }
}
