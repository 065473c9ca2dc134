package dev.comfyapi.simulator;

import dev.comfyapi.simulator.Execution.Outcome;

import org.jspecify.annotations.Nullable;

import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.function.Supplier;

/// Runs one prompt on the worker thread, and says what it does in ComfyUI's order of messages.
final class PromptRun {

    private static final int PREVIEW_EVENT = 1;
    private static final int TEXT_EVENT = 3;
    private static final int PREVIEW_WITH_METADATA_EVENT = 4;
    private static final int JPEG = 1;
    private static final long THROTTLE_NANOS = 100_000_000;
    private static final double THROTTLE_SHARE = 0.005;
    private static final int ENDLESS_STEPS = 100;
    private static final Duration ENDLESS_STEP = Duration.ofMillis(20);

    private final QueuedPrompt prompt;
    private final ServerProcess process;
    private final @Nullable String owner;
    private final Graph graph;
    private final CacheKeys keys;
    private final String shownId;
    private final RunProgress progress;
    private final Map<String, ObjectNode> outputs = new LinkedHashMap<>();
    private final Map<String, ObjectNode> meta = new LinkedHashMap<>();
    private final List<String> executed = new ArrayList<>();
    private final ArrayNode messages = Json.array();
    private volatile @Nullable String executing;
    private volatile boolean lost;
    private long lastProgressNanos;
    private int lastProgressStep;

    PromptRun(QueuedPrompt prompt, ServerProcess process) {
        this.prompt = prompt;
        this.process = process;
        owner = prompt.owner().orElse(null);
        graph = new Graph(prompt.graph(), process.settings().signatures());
        keys = new CacheKeys(graph, process.settings().disk());
        shownId =
                process.settings().faults().takes(FaultKind.FOREIGN_EVENTS)
                        ? UUID.randomUUID().toString()
                        : prompt.id();
        progress = new RunProgress(shownId);
    }

    ServerProcess process() {
        return process;
    }

    QueuedPrompt prompt() {
        return prompt;
    }

    /// The node at work, if this client owns the prompt.
    @Nullable String executingNodeFor(String clientId) {
        return clientId.equals(owner) ? executing : null;
    }

    /// The server forgets this run while it is going on.
    void lose() {
        lost = true;
    }

    boolean isLost() {
        return lost;
    }

    Outcome execute() throws ServerProcess.Gone {
        process.interruption().clear();
        record("execution_start", Json.object().put("prompt_id", prompt.id()), false);
        process.cache().keepOnly(reachableKeys());
        record("execution_cached", cachedNodes(), false);
        var order =
                new RunOrder(
                        graph, prompt.outputs(), id -> process.cache().find(keys.of(id)) != null);
        for (var id = order.next(); id != null; id = order.next()) {
            var outcome = executeNode(id, order.remaining());
            if (outcome != Outcome.RUNNING) {
                return outcome;
            }
            order.done(id);
        }
        record("execution_success", Json.object().put("prompt_id", prompt.id()), false);
        return Outcome.SUCCEEDED;
    }

    private Set<String> reachableKeys() {
        var reachable = new HashSet<String>();
        graph.ids().forEach(id -> reachable.add(keys.of(id)));
        return reachable;
    }

    private ObjectNode cachedNodes() {
        var cached =
                graph.ids().stream()
                        .filter(id -> process.cache().find(keys.of(id)) != null)
                        .toList();
        var data = Json.object();
        data.set("nodes", Json.array(cached));
        return data.put("prompt_id", prompt.id());
    }

    /// Answers RUNNING if the run goes on.
    private Outcome executeNode(String id, Set<String> remaining) throws ServerProcess.Gone {
        var nodeClass = graph.classOf(id);
        var cached = process.cache().find(keys.of(id));
        if (cached != null) {
            repeat(id, cached);
            return Outcome.RUNNING;
        }
        progress.started(id);
        tellProgress();
        executing = id;
        tell(
                "executing",
                Json.object()
                        .put("node", id)
                        .put("display_node", id)
                        .put("prompt_id", prompt.id()));
        var inputs = inputs(id);
        var call = new NodeCall(id, nodeClass, inputs, this);
        try {
            process.interruption().check();
            process.checkAlive();
            process.settings().faults().hangIfAsked(process);
            misbehaveIfAsked(call, remaining);
            var values = Works.ALL.of(nodeClass).work(call);
            finish(id, values, call.reported());
            return Outcome.RUNNING;
        } catch (Interruption.Interrupted _) {
            record("execution_interrupted", blame(id), true);
            return Outcome.INTERRUPTED;
        } catch (NodeFailure failure) {
            return fail(id, inputs, failure);
        } catch (ArithmeticException | OutOfMemoryError _) {
            // A picture that no array can hold: ComfyUI would run out of memory as well.
            return fail(id, inputs, NodeFailure.outOfMemory());
        } catch (RuntimeException e) {
            // As ComfyUI's executor does: whatever a node throws ends the prompt, not the worker.
            return fail(
                    id, inputs, new NodeFailure("RuntimeError", String.valueOf(e.getMessage())));
        }
    }

    private void repeat(String id, NodeCache.Result cached) {
        var data = Json.object().put("node", id).put("display_node", id);
        data.set("output", cached.ui() == null ? Json.text(null) : cached.ui());
        tell("executed", data.put("prompt_id", prompt.id()));
        if (cached.ui() != null) {
            note(id, cached.ui(), cached.madeBy());
        }
        progress.finished(id);
        tellProgress();
    }

    /// What was to go wrong with this prompt does so in its first sampler, or at once if there is
    /// none.
    private void misbehaveIfAsked(NodeCall call, Set<String> remaining)
            throws NodeFailure, Interruption.Interrupted, ServerProcess.Gone {
        var samplerAhead =
                remaining.stream()
                        .anyMatch(node ->
                                !node.equals(call.id())
                                        && SamplingNodes.samples(graph.classOf(node)));
        if (samplerAhead && !SamplingNodes.samples(call.nodeClass())) {
            return;
        }
        var faults = process.settings().faults();
        if (process.cudaIsBroken()) {
            throw NodeFailure.cuda();
        }
        var failure = faults.nextFailure();
        if (failure != null) {
            throw NodeFailure.of(failure);
        }
        if (faults.takes(FaultKind.ENDLESS_PROGRESS)) {
            countForEver(call);
        }
    }

    private void countForEver(NodeCall call) throws Interruption.Interrupted, ServerProcess.Gone {
        var faults = process.settings().faults();
        var clearings = faults.clearings();
        // The last step is never told: it begins anew instead.
        for (var step = 1; faults.clearings() == clearings; step = 1 + step % (ENDLESS_STEPS - 1)) {
            process.pause(ENDLESS_STEP);
            call.step(step, ENDLESS_STEPS, null);
        }
    }

    private Map<String, Value> inputs(String id) {
        var inputs = new LinkedHashMap<String, Value>();
        for (var entry : graph.inputs(id).properties()) {
            var link = Graph.link(entry.getValue());
            if (link == null || !graph.has(link.from())) {
                inputs.put(entry.getKey(), literal(entry.getValue()));
            } else {
                var result = process.cache().find(keys.of(link.from()));
                if (result != null) {
                    inputs.put(
                            entry.getKey(),
                            result.values()
                                    .get(Math.floorMod(link.output(), result.values().size())));
                }
            }
        }
        return inputs;
    }

    private static Value literal(JsonNode json) {
        if (json.isString()) {
            return new Value.Text(json.stringValue());
        }
        if (json.isBoolean()) {
            return new Value.Truth(json.booleanValue());
        }
        if (json.isIntegralNumber()) {
            return new Value.Whole(json.bigIntegerValue());
        }
        return json.isNumber()
                ? new Value.Real(json.doubleValue())
                : new Value.Token("json", Json.write(json));
    }

    private void finish(String id, List<Value> values, @Nullable ObjectNode ui)
            throws ServerProcess.Gone {
        process.checkAlive();
        process.cache().put(keys.of(id), new NodeCache.Result(values, ui, id));
        if (ui != null) {
            note(id, ui, id);
            var data = Json.object().put("node", id).put("display_node", id);
            data.set("output", ui);
            tell("executed", data.put("prompt_id", prompt.id()));
        }
        executed.add(id);
        progress.finished(id);
        tellProgress();
    }

    private void note(String id, ObjectNode ui, String madeBy) {
        outputs.put(id, ui);
        meta.put(
                id,
                Json.object()
                        .put("node_id", madeBy)
                        .put("display_node", madeBy)
                        .putNull("parent_node")
                        .put("real_node_id", madeBy));
    }

    private Outcome fail(String id, Map<String, Value> inputs, NodeFailure failure) {
        var data =
                blame(id)
                        .put("exception_message", failure.reported())
                        .put("exception_type", failure.type());
        data.putArray("traceback")
                .add(
                        "  File \"/srv/comfyui/execution.py\", line 534, in execute\n    output = await run(node)\n");
        var shown = data.putObject("current_inputs");
        inputs.forEach((name, value) -> shown.putArray(name).add(shown(value)));
        data.set("current_outputs", Json.array(graph.ids()));
        record("execution_error", data, false);
        if (failure.isOutOfMemory()) {
            process.unloadModels();
        }
        return Outcome.FAILED;
    }

    private static JsonNode shown(Value value) {
        return switch (value) {
            case Value.Text(var text) -> Json.text(text);
            case Value.Whole(var number) -> Json.number(number);
            case Value.Real(var number) -> Json.number(number);
            case Value.Truth(var truth) -> Json.bool(truth);
            case Value.Pictures _, Value.Masks _ -> Json.text("tensor(...)");
            default -> Json.text("<%s object>".formatted(value.getClass().getSimpleName()));
        };
    }

    private ObjectNode blame(String id) {
        var data =
                Json.object()
                        .put("prompt_id", prompt.id())
                        .put("node_id", id)
                        .put("node_type", graph.classOf(id).name());
        data.set("executed", Json.array(executed));
        return data;
    }

    /// Says it now and keeps it for the history.
    private void record(String type, ObjectNode data, boolean evenWithoutOwner) {
        data.put("timestamp", System.currentTimeMillis());
        messages.addArray().add(type).add(data);
        if (evenWithoutOwner && owner == null && !lost) {
            process.sockets().tell(null, Messages.message(type, disguised(data)));
        } else {
            tell(type, data);
        }
    }

    /// Tells the owner; a prompt without one is silent.
    private void tell(String type, ObjectNode data) {
        if (owner != null && !lost) {
            process.sockets().tell(owner, Messages.message(type, disguised(data)));
        }
    }

    private ObjectNode disguised(ObjectNode data) {
        return shownId.equals(prompt.id()) ? data : data.deepCopy().put("prompt_id", shownId);
    }

    private void tellProgress() {
        if (!lost) {
            process.sockets().tell(owner, progress.message());
        }
    }

    void tellText(String id, String text) {
        var body = text.getBytes(StandardCharsets.UTF_8);
        process.sockets().tellBytes(null, Sockets.headedFrame(TEXT_EVENT, id, body));
    }

    /// Many updates are swallowed; the first, the last and those with a preview never are.
    void progressed(String id, int step, int steps, @Nullable Supplier<Picture> preview)
            throws Interruption.Interrupted, ServerProcess.Gone {
        process.interruption().check();
        process.checkAlive();
        var now = System.nanoTime();
        var due =
                now - lastProgressNanos >= THROTTLE_NANOS
                        && step - lastProgressStep >= THROTTLE_SHARE * steps;
        if (preview == null && step > 1 && step < steps && !due) {
            return;
        }
        lastProgressNanos = now;
        lastProgressStep = step;
        progress.counted(id, step, steps);
        tellProgress();
        var jpeg = preview == null ? null : new Once(() -> PictureFiles.jpeg(preview.get(), 0.95f));
        if (jpeg != null) {
            process.sockets()
                    .tellPreviewWithMetadata(
                            owner,
                            () ->
                                    Sockets.headedFrame(
                                            PREVIEW_WITH_METADATA_EVENT,
                                            Json.write(progress.previewMetadata(id)),
                                            jpeg.get()));
        }
        process.sockets()
                .tell(
                        owner,
                        Messages.message(
                                "progress",
                                Json.object()
                                        .put("value", step)
                                        .put("max", steps)
                                        .put("prompt_id", shownId)
                                        .put("node", id)));
        if (jpeg != null) {
            process.sockets().tellPlainPreview(owner, () -> plainPreview(jpeg.get()));
        }
    }

    private static byte[] plainPreview(byte[] jpeg) {
        return ByteBuffer.allocate(8 + jpeg.length)
                .putInt(PREVIEW_EVENT)
                .putInt(JPEG)
                .put(jpeg)
                .array();
    }

    /// Whether sampling shows previews: the prompt's own wish, else the server's.
    boolean wantsPreviews() {
        return switch (prompt.extraData().path("preview_method").asString("default")) {
            case "auto", "latent2rgb", "taesd" -> true;
            case "none" -> false;
            default -> process.settings().previews();
        };
    }

    History.Entry historyEntry(Outcome outcome) {
        var success = outcome == Outcome.SUCCEEDED;
        var status =
                Json.object()
                        .put("status_str", success ? "success" : "error")
                        .put("completed", success);
        status.set("messages", messages);
        var allOutputs = Json.object();
        allOutputs.setAll(outputs);
        var allMeta = Json.object();
        allMeta.setAll(meta);
        return new History.Entry(prompt, allOutputs, status, allMeta);
    }

    /// The very last message, sent in every outcome once the history is written.
    void sayItIsOver() {
        executing = null;
        tell("executing", Json.object().putNull("node").put("prompt_id", prompt.id()));
    }

    /// Makes something at most once, and only if somebody wants it.
    private static final class Once implements Supplier<byte[]> {
        private final Supplier<byte[]> maker;
        private byte @Nullable [] made;

        Once(Supplier<byte[]> maker) {
            this.maker = maker;
        }

        @Override
        public byte[] get() {
            var known = made;
            if (known == null) {
                known = maker.get();
                made = known;
            }
            return known;
        }
    }
}
