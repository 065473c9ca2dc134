package dev.comfyapi.worker.comfyui;

import dev.comfyapi.db.worker.Catalogue;
import dev.comfyapi.model.workflow.Graph;

import org.jspecify.annotations.Nullable;

import tools.jackson.core.JacksonException;
import tools.jackson.core.json.JsonReadFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

import java.io.IOException;
import java.io.InputStream;
import java.net.ConnectException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.UUID;
import java.util.function.Supplier;

/// What can be asked of one ComfyUI over HTTP. Thread-safe.
///
/// Prompt ids are the caller's. A [java.net.ConnectException] means that nobody listens there;
/// other IOExceptions mean that the answer is not known.
public final class ComfyUi {

    /// Python writes `NaN` where JSON has no number.
    static final JsonMapper JSON =
            JsonMapper.builder().enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS).build();

    /// For versions that do not list their folders.
    private static final Set<String> STANDARD_FOLDERS =
            Set.of(
                    "checkpoints",
                    "clip_vision",
                    "controlnet",
                    "diffusion_models",
                    "embeddings",
                    "gligen",
                    "hypernetworks",
                    "loras",
                    "style_models",
                    "text_encoders",
                    "upscale_models",
                    "vae");

    /// Folders that hold no models.
    private static final Set<String> OTHER_FOLDERS = Set.of("configs", "custom_nodes", "datasets");

    private static final Duration ANSWER = Duration.ofSeconds(10);
    private static final Duration LONG_ANSWER = Duration.ofSeconds(60);

    private final URI base;
    private final HttpClient http;

    /// @param http speaks HTTP/1.1: ComfyUI knows nothing newer
    public ComfyUi(URI base, HttpClient http) {
        this.base = base;
        this.http = http;
    }

    // -- one prompt ---------------------------------------------------------------------------

    /// How a prompt stands.
    public PromptState look(UUID prompt) throws IOException, InterruptedException {
        var answer = get("/api/jobs/" + prompt, ANSWER);
        if (answer.statusCode() == 200) {
            return PromptReading.ofJob(json(answer));
        }
        if (answer.statusCode() != 404) {
            throw unexpected(answer);
        }
        // A route that does not exist answers 404 with an empty body.
        return answer.body().contains("error")
                ? new PromptState.Absent()
                : lookWithoutJobs(prompt.toString());
    }

    /// For versions before 0.6. The queue first: in the other order a prompt that finishes in
    /// between would be missed.
    private PromptState lookWithoutJobs(String prompt) throws IOException, InterruptedException {
        var queue = getJson("/queue", ANSWER);
        var history = getJson("/history/" + prompt, ANSWER).path(prompt);
        if (history.isObject()) {
            return PromptReading.ofHistory(history);
        }
        if (queued(queue.path("queue_running")).contains(prompt)) {
            return new PromptState.Running();
        }
        return queued(queue.path("queue_pending")).contains(prompt)
                ? new PromptState.Pending()
                : new PromptState.Absent();
    }

    /// Asks ComfyUI to run a graph under an id of the caller's.
    ///
    /// ComfyUI does not notice repetition: the same id posted twice runs twice. After an uncertain
    /// answer [#look] before posting again.
    ///
    /// @param clientId whose WebSocket hears of it
    /// @throws ConnectException when nobody listens: it is certainly not there
    public Submission submit(UUID prompt, String clientId, Graph graph)
            throws ConnectException, InterruptedException {
        ObjectNode body = JSON.createObjectNode();
        body.set("prompt", graph.toJson());
        body.put("prompt_id", prompt.toString());
        body.put("client_id", clientId);
        try {
            var answer = post("/prompt", body);
            return switch (answer.statusCode()) {
                case 200 -> accepted(json(answer), prompt, graph);
                case 400 -> RefusalReading.of(json(answer), graph);
                case 413 ->
                        new Submission.Refused(
                                Submission.Reason.INVALID,
                                "The workflow is larger than ComfyUI accepts.",
                                null,
                                null);
                // The graph has the right shape, so this is ComfyUI's own trouble.
                default -> new Submission.Uncertain("status " + answer.statusCode());
            };
        } catch (ConnectException e) {
            throw e;
        } catch (IOException e) {
            return new Submission.Uncertain(e.toString());
        }
    }

    private Submission accepted(JsonNode answer, UUID prompt, Graph graph)
            throws IOException, InterruptedException {
        var chosen = answer.path("prompt_id").asString("");
        if (!chosen.equals(prompt.toString())) {
            var other = uuid(chosen);
            if (other.isPresent()) {
                cancel(other.get());
            }
            return new Submission.Uncertain(
                    "it chose another prompt id; ComfyUI before 0.3.45 cannot be used");
        }
        return answer.path("node_errors").isEmpty()
                ? new Submission.Accepted()
                : RefusalReading.of(answer, graph);
    }

    /// Asks ComfyUI to stop a prompt, running or not. Advisory: it acts at the next node or sampler
    /// step, can be lost between two states, and success can still win. Look, and repeat.
    public void cancel(UUID prompt) throws IOException, InterruptedException {
        var answer = post("/api/jobs/" + prompt + "/cancel", JSON.createObjectNode());
        if (answer.statusCode() != 404 && answer.statusCode() != 405) {
            expectOk(answer);
            return;
        }
        withdraw(prompt);
        // Before 0.3.57 the body is ignored and whatever runs is interrupted.
        if (queued(getJson("/queue", ANSWER).path("queue_running")).contains(prompt.toString())) {
            expectOk(
                    post(
                            "/interrupt",
                            JSON.createObjectNode().put("prompt_id", prompt.toString())));
        }
    }

    /// Takes a prompt out of ComfyUI's queue if it has not begun; does nothing to a running one.
    public void withdraw(UUID prompt) throws IOException, InterruptedException {
        ObjectNode body = JSON.createObjectNode();
        body.putArray("delete").add(prompt.toString());
        expectOk(post("/queue", body));
    }

    /// The bytes of an output file; empty when it is not there (any more). The caller closes it.
    ///
    /// @param file [OutputFile#isSafe] is checked by the caller
    public Optional<InputStream> fetch(OutputFile file) throws IOException, InterruptedException {
        var path =
                "/view?filename=%s&subfolder=%s&type=%s"
                        .formatted(
                                encode(file.filename()),
                                encode(file.subfolder()),
                                encode(file.type()));
        var answer =
                http.send(request(path, LONG_ANSWER).GET().build(), BodyHandlers.ofInputStream());
        if (answer.statusCode() == 200) {
            return Optional.of(answer.body());
        }
        answer.body().close();
        if (answer.statusCode() == 404) {
            return Optional.empty();
        }
        throw new UnexpectedAnswerException("GET /view", answer.statusCode());
    }

    /// Puts a file into ComfyUI's input folder, where nothing of this name is.
    ///
    /// There is no way to delete it again over HTTP.
    ///
    /// @param subfolder inside the input folder; made when it is not there
    /// @param name a name of ours
    /// @param content opened once for each try
    /// @param size of the content in bytes
    /// @return what a graph calls the file, which may be another name than the one we gave
    public String upload(
            String subfolder, String name, Supplier<? extends InputStream> content, long size)
            throws IOException, InterruptedException {
        var boundary = "comfyapi-" + UUID.randomUUID();
        var head =
                """
                --%1$s\r
                Content-Disposition: form-data; name="type"\r
                \r
                input\r
                --%1$s\r
                Content-Disposition: form-data; name="subfolder"\r
                \r
                %2$s\r
                --%1$s\r
                Content-Disposition: form-data; name="image"; filename="%3$s"\r
                Content-Type: application/octet-stream\r
                \r
                """
                        .formatted(boundary, subfolder, name);
        var answer =
                http.send(
                        request("/upload/image", LONG_ANSWER)
                                .header("Content-Type", "multipart/form-data; boundary=" + boundary)
                                .POST(
                                        BodyPublishers.concat(
                                                BodyPublishers.ofString(head),
                                                BodyPublishers.fromPublisher(
                                                        BodyPublishers.ofInputStream(content),
                                                        size),
                                                BodyPublishers.ofString(
                                                        "\r\n--%s--\r\n".formatted(boundary))))
                                .build(),
                        BodyHandlers.ofString());
        expectOk(answer);
        var stored = json(answer);
        var given = stored.path("name").asString("");
        if (given.isEmpty()) {
            throw unexpected(answer);
        }
        var folder = stored.path("subfolder").asString("");
        return folder.isEmpty() ? given : folder + "/" + given;
    }

    // -- the server ---------------------------------------------------------------------------

    /// The prompts it has not finished that this owner sent, in this life or an earlier one.
    public Set<UUID> unfinished(PromptOwner owner) throws IOException, InterruptedException {
        var ids = new LinkedHashSet<UUID>();
        var queue = getJson("/queue", ANSWER);
        for (var list : List.of(queue.path("queue_running"), queue.path("queue_pending"))) {
            for (var item : list) {
                if (owner.sent(item.path(3).path("client_id").asString(""))) {
                    uuid(item.path(1).asString("")).ifPresent(ids::add);
                }
            }
        }
        return ids;
    }

    /// Whether prompts wait and nothing runs: for more than a moment this means that its worker
    /// thread has died, and only a restart helps.
    public boolean isStuck() throws IOException, InterruptedException {
        var queue = getJson("/queue", ANSWER);
        return queue.path("queue_running").isEmpty() && !queue.path("queue_pending").isEmpty();
    }

    /// Whether it answers at all; the cheapest request there is.
    ///
    /// @return how many prompts it has, waiting and running
    public int probe() throws IOException, InterruptedException {
        return getJson("/prompt", ANSWER).path("exec_info").path("queue_remaining").asInt(0);
    }

    /// Asks it to unload its models and forget its cache, once nothing runs.
    public void free() throws IOException, InterruptedException {
        expectOk(
                post(
                        "/free",
                        JSON.createObjectNode()
                                .put("unload_models", true)
                                .put("free_memory", true)));
    }

    public SystemStats systemStats() throws IOException, InterruptedException {
        var stats = getJson("/system_stats", ANSWER);
        var device = stats.path("devices").path(0);
        @Nullable Integer vram =
                device.path("type").asString("cpu").equals("cpu")
                        ? null
                        : (int) (device.path("vram_total").asLong(0) >> 20);
        return new SystemStats(
                stats.path("system").path("comfyui_version").asString("unknown"),
                device.path("name").asString(null),
                vram);
    }

    /// Its models, node classes, samplers and schedulers.
    public Catalogue catalogue() throws IOException, InterruptedException {
        var nodes = getJson("/object_info", LONG_ANSWER);
        var models = new TreeSet<String>();
        for (var folder : folders()) {
            var answer = get("/models/" + encode(folder), ANSWER);
            if (answer.statusCode() == 404) {
                continue;
            }
            expectOk(answer);
            for (var name : json(answer)) {
                models.add(folder + "/" + name.asString("").replace('\\', '/'));
            }
        }
        var sampler = nodes.path("KSampler").path("input").path("required");
        return new Catalogue(
                models,
                new TreeSet<>(nodes.propertyNames()),
                choices(sampler.path("sampler_name")),
                choices(sampler.path("scheduler")),
                ObjectInfo.stable(nodes).toString());
    }

    private SortedSet<String> folders() throws IOException, InterruptedException {
        var answer = get("/models", ANSWER);
        if (answer.statusCode() == 404) {
            return new TreeSet<>(STANDARD_FOLDERS);
        }
        expectOk(answer);
        var folders = new TreeSet<String>();
        json(answer).forEach(name -> folders.add(name.asString("")));
        folders.removeAll(OTHER_FOLDERS);
        folders.remove("");
        return folders;
    }

    /// A list of choices is `[["a", "b"], {…}]` in old nodes and `["COMBO", {"options": ["a",
    /// "b"]}]` in new ones.
    private static SortedSet<String> choices(JsonNode input) {
        var options = input.path(0).isArray() ? input.path(0) : input.path(1).path("options");
        var names = new TreeSet<String>();
        options.forEach(option -> names.add(option.asString("")));
        return names;
    }

    // -- HTTP ---------------------------------------------------------------------------------

    private static Set<String> queued(JsonNode items) {
        var ids = new LinkedHashSet<String>();
        items.forEach(item -> ids.add(item.path(1).asString("")));
        return ids;
    }

    private static Optional<UUID> uuid(String text) {
        try {
            return Optional.of(UUID.fromString(text));
        } catch (IllegalArgumentException _) {
            return Optional.empty();
        }
    }

    private static String encode(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8);
    }

    private HttpRequest.Builder request(String path, Duration timeout) {
        return HttpRequest.newBuilder(URI.create(trimmed() + path)).timeout(timeout);
    }

    private String trimmed() {
        var text = base.toString();
        return text.endsWith("/") ? text.substring(0, text.length() - 1) : text;
    }

    private HttpResponse<String> get(String path, Duration timeout)
            throws IOException, InterruptedException {
        return http.send(request(path, timeout).GET().build(), BodyHandlers.ofString());
    }

    private JsonNode getJson(String path, Duration timeout)
            throws IOException, InterruptedException {
        var answer = get(path, timeout);
        expectOk(answer);
        return json(answer);
    }

    private HttpResponse<String> post(String path, JsonNode body)
            throws IOException, InterruptedException {
        return http.send(
                request(path, ANSWER)
                        .header("Content-Type", "application/json")
                        .POST(BodyPublishers.ofString(body.toString()))
                        .build(),
                BodyHandlers.ofString());
    }

    private static JsonNode json(HttpResponse<String> answer) throws UnexpectedAnswerException {
        try {
            return JSON.readTree(answer.body());
        } catch (JacksonException e) {
            throw new UnexpectedAnswerException(name(answer), e);
        }
    }

    private static void expectOk(HttpResponse<String> answer) throws UnexpectedAnswerException {
        if (answer.statusCode() != 200) {
            throw unexpected(answer);
        }
    }

    private static UnexpectedAnswerException unexpected(HttpResponse<String> answer) {
        return new UnexpectedAnswerException(name(answer), answer.statusCode());
    }

    private static String name(HttpResponse<?> answer) {
        return answer.request().method() + " " + answer.request().uri().getPath();
    }
}
